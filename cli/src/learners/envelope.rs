//! One event in the words of Gooru's clients, with everything real clients send along.
//!
//! Place: the last step of a simulated event, from what was meant to the bytes posted. Decides nothing; the ids it is
//! given need no escaping.

use std::fmt::Write;

use super::course::Client;

/// What one event says.
#[derive(Debug, Clone, Default)]
pub struct Said<'w> {
    /// eventId.
    pub id: String,
    /// eventName.
    pub name: &'static str,
    /// `start` or `stop` of plays.
    pub kind: Option<&'static str>,
    /// Start in ms.
    pub start: i64,
    /// End in ms.
    pub end: i64,
    /// contentGooruId.
    pub content: &'w str,
    /// parentGooruId.
    pub parent: Option<&'w str>,
    /// collectionType.
    pub collection_type: Option<&'static str>,
    /// resourceType.
    pub resource_type: Option<&'static str>,
    /// questionCount.
    pub question_count: Option<usize>,
    /// reactionType.
    pub reaction: Option<u64>,
    /// Inside of `metrics`.
    pub metrics: String,
    /// Inside of `payLoadObject` besides isStudent.
    pub payload: String,
}

/// Where and by whom.
#[derive(Debug, Clone)]
pub struct Scene<'w> {
    /// The learner.
    pub user: &'w str,
    /// sessionId.
    pub session: &'w str,
    /// The client.
    pub client: Client,
    /// timezone.
    pub zone: &'static str,
    /// classGooruId.
    pub class: Option<&'w str>,
    /// courseGooruId.
    pub course: Option<&'w str>,
    /// unitGooruId.
    pub unit: Option<&'w str>,
    /// lessonGooruId.
    pub lesson: Option<&'w str>,
    /// pathId; 0 is the main path.
    pub path: u64,
    /// contentSource.
    pub source: &'static str,
    /// isStudent.
    pub student: bool,
}

const WEB_AGENT: &str =
    "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";
const MOBILE_AGENT: &str = "Navigator/2.14.1 (Android 13; Pixel 6a; build 214010) okhttp/4.9.2";

impl Said<'_> {
    /// The bytes a client posts.
    #[must_use]
    pub fn posted(&self, scene: &Scene<'_>) -> String {
        let mut out = String::with_capacity(1_600);
        // Writing into a String cannot fail.
        let _ = self.head(scene, &mut out);
        let _ = self.context(scene, &mut out);
        let _ = write!(out, ",\"payLoadObject\":{{{}", self.payload);
        let comma = if self.payload.is_empty() { "" } else { "," };
        let _ = write!(out, "{comma}\"isStudent\":{}}}}}", scene.student);
        out
    }

    fn head(&self, scene: &Scene<'_>, out: &mut String) -> std::fmt::Result {
        let (start, end) = match scene.client {
            Client::OldWeb => (self.start / 1000, self.end / 1000),
            Client::Web | Client::Mobile => (self.start, self.end),
        };
        write!(out, "{{\"eventId\":\"{}\",\"eventName\":\"{}\",\"startTime\":{start}", self.id, self.name)?;
        write!(out, ",\"endTime\":{end},\"timezone\":\"{}\"", scene.zone)?;
        write!(out, ",\"session\":{{\"apiKey\":null,\"sessionId\":\"{}\"", scene.session)?;
        write!(out, ",\"sessionToken\":\"c2ltdWxhdGVkOm5vdC1hLXRva2VuOi{}\"", scene.session.replace('-', ""))?;
        out.push_str(",\"organizationUId\":\"4261739e-ccae-11e1-adfb-5404a609bd14\"}");
        let (agent, api) = match scene.client {
            Client::Web | Client::OldWeb => (WEB_AGENT, "\"3.0\""),
            Client::Mobile => (MOBILE_AGENT, "4.0"),
        };
        write!(out, ",\"user\":{{\"userIp\":\"198.51.100.7\",\"userAgent\":\"{agent}\",\"sessionToken\":null")?;
        write!(out, ",\"gooruUId\":\"{}\"}},\"version\":{{\"logApi\":{api}}}", scene.user)?;
        match scene.client {
            Client::OldWeb if self.metrics.is_empty() => write!(out, ",\"metrics\":\"{{}}\""),
            Client::OldWeb | Client::Web | Client::Mobile => write!(out, ",\"metrics\":{{{}}}", self.metrics),
        }
    }

    fn context(&self, scene: &Scene<'_>, out: &mut String) -> std::fmt::Result {
        write!(out, ",\"context\":{{\"contentGooruId\":\"{}\"", self.content)?;
        if let Some(kind) = self.kind {
            write!(out, ",\"type\":\"{kind}\"")?;
        }
        text(out, "parentGooruId", self.parent)?;
        text(out, "collectionType", self.collection_type)?;
        text(out, "collectionSubType", None)?;
        if self.resource_type.is_some() {
            text(out, "resourceType", self.resource_type)?;
        }
        text(out, "classGooruId", scene.class)?;
        text(out, "courseGooruId", scene.course)?;
        text(out, "unitGooruId", scene.unit)?;
        text(out, "lessonGooruId", scene.lesson)?;
        if let Some(count) = self.question_count {
            write!(out, ",\"questionCount\":{count}")?;
        }
        if let Some(reaction) = self.reaction {
            let quote = if scene.client == Client::Mobile { "\"" } else { "" };
            write!(out, ",\"reactionType\":{quote}{reaction}{quote}")?;
        }
        let path_type = (scene.path > 0).then_some("system");
        write!(out, ",\"pathId\":{},\"contentSource\":\"{}\"", scene.path, scene.source)?;
        text(out, "pathType", path_type)?;
        let client = if scene.client == Client::Mobile { "mobile" } else { "web" };
        write!(out, ",\"appId\":\"69377157-94d8-43a6-9340-586349ad7eae\",\"clientSource\":\"{client}\"}}")
    }
}

fn text(out: &mut String, name: &str, value: Option<&str>) -> std::fmt::Result {
    match value {
        Some(value) => write!(out, ",\"{name}\":\"{value}\""),
        None => write!(out, ",\"{name}\":null"),
    }
}
