//! What teachers send about a session: grades, overrides, new results, withdrawals.
//!
//! Place: the grading pages' flat form and the envelope form in turns (domain.md §2.2). Decides no shares.

use super::course::Item;
use super::envelope::{Said, Scene};
use super::random::Random;

/// A teacher looking at one session.
#[derive(Debug, Clone, Copy)]
pub struct Desk<'w> {
    /// The session's scene.
    pub scene: &'w Scene<'w>,
    /// Its item.
    pub item: &'w Item,
    /// When the teacher looks, ms.
    pub at: i64,
}

impl Desk<'_> {
    /// A rubric grade of an open answer.
    pub fn grade(&self, random: &mut Random, question: &str) -> String {
        let (raw, max) = (random.below(9), 4);
        let points = format!("{}{}", raw / 2, if raw % 2 == 0 { "" } else { ".5" });
        if random.chance(0.5) {
            let inside = format!(
                "\"rubric_id\":\"{}\",\"resource_id\":\"{question}\",\"student_score\":{points},\"max_score\":{max},\
                 \"overall_comment\":\"well done\",\"category_score\":null",
                random.uuid()
            );
            return self.flat("resource.rubric.grade", &inside);
        }
        let payload = format!("\"score\":{points},\"maxScore\":{max},\"reason\":\"rubric\"");
        self.envelope(random, ("resource.rubric.grade", question), payload)
    }

    /// An override of one answer by status.
    pub fn set_status(&self, random: &mut Random, question: &str) -> String {
        let status = if random.chance(0.7) { "correct" } else { "incorrect" };
        if random.chance(0.5) {
            let inside =
                format!("\"resources\":[{{\"resource_id\":\"{question}\",\"resource_attempt_status\":\"{status}\"}}]");
            return self.flat("resource.score.update", &inside);
        }
        let payload = format!("\"attemptStatus\":\"{status}\",\"reason\":\"override\"");
        self.envelope(random, ("resource.score.update", question), payload)
    }

    /// A new result of the whole session.
    pub fn new_result(&self, random: &mut Random) -> String {
        let max = 2 + random.below(8);
        let payload = format!("\"score\":{},\"maxScore\":{max},\"reason\":\"regrade\"", random.below(max + 1));
        self.envelope(random, ("collection.score.update", &self.item.id), payload)
    }

    /// The session no longer counts.
    pub fn withdraw(&self, random: &mut Random) -> String {
        let payload = "\"reason\":\"withdrawn\"".to_owned();
        self.envelope(random, ("collection.score.update", &self.item.id), payload)
    }

    fn envelope(&self, random: &mut Random, (name, content): (&'static str, &str), payload: String) -> String {
        let said = Said {
            id: random.uuid(),
            name,
            start: self.at,
            end: self.at,
            content,
            parent: (name != "collection.score.update").then_some(self.item.id.as_str()),
            collection_type: Some(self.kind()),
            payload,
            ..Said::default()
        };
        said.posted(self.scene)
    }

    fn flat(&self, name: &str, inside: &str) -> String {
        let scene = self.scene;
        let part = |name: &str, id: Option<&str>| id.map_or_else(String::new, |id| format!(",\"{name}\":\"{id}\""));
        format!(
            "{{\"event_name\":\"{name}\",\"student_id\":\"{}\"{}{}{}{},\"collection_id\":\"{}\",\
             \"collection_type\":\"{}\",\"session_id\":\"{}\",{inside},\"content_source\":\"{}\",\"created_at\":{at},\
             \"updated_at\":{at}}}",
            scene.user,
            part("class_id", scene.class),
            part("course_id", scene.course),
            part("unit_id", scene.unit),
            part("lesson_id", scene.lesson),
            self.item.id,
            self.kind(),
            scene.session,
            scene.source,
            at = self.at
        )
    }

    const fn kind(&self) -> &'static str {
        if self.item.assessment { "assessment" } else { "collection" }
    }
}
