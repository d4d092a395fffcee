//! The notation of domain.md §10: one line of text is one event in the Gooru envelope, with the time it is received.
//!
//! Place: the input side of every acceptance case. Knows nothing of the stack. A line is
//! `q(s1,a1,q1)=correct 0–30`, `start(s1,a1)@0`, `grade(s1,a1,q1)=3/4@9000`, … followed by options, and by
//! `-> verdict flags…` where the answer is not a plain `accepted`. Options: `by=B`, `class=`, `course=`, `unit=`,
//! `lesson=` (`-` for none), `id=`, `tenant=`, `type=OE`, `zone=`, `path=`, `pathType=`, `received=`, `raw=`, `max=`,
//! `time=` (metrics of an external stop), `teacher`, `nokind`, `seconds` (times as seconds, the end as text).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// T0 of the cases: 2026-03-02T09:00:00Z.
pub const T0: i64 = 1_772_442_000_000;

/// One event to deliver.
#[derive(Debug, Clone)]
pub struct Play {
    /// The line it was read from.
    pub line: String,
    /// The event as the client posts it.
    pub event: Value,
    /// When it is received, epoch milliseconds.
    pub received: i64,
    /// The verdict it must get.
    pub verdict: String,
    /// The flags, or the codes of the reasons, it must get; `None` where the line leaves them open.
    pub words: Option<Vec<String>>,
}

/// Reads the lines of a case; empty lines and lines that begin with `#` are left out.
#[must_use]
pub fn plays(text: &str) -> Vec<Play> {
    let lines = text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#'));
    lines.map(play).collect()
}

/// A test of `all` questions of 10 s each from `from`, the first `right` of them correct, and its stop.
#[must_use]
pub fn quiz((session, item): (&str, &str), (right, all): (i64, i64), from: i64, stop: i64) -> String {
    let question = |n: i64| {
        let status = if n < right { "correct" } else { "incorrect" };
        format!("q({session},{item},q{})={status} {}-{}\n", n + 1, from + 10 * n, from + 10 * (n + 1))
    };
    let questions: String = (0..all).map(question).collect();
    format!("{questions}stop({session},{item})@{stop}\n")
}

/// The discrete events of a quiz's questions; `key` is `s1/a1`, or `B:s1/a1`.
#[must_use]
pub fn quiz_lines(key: &str, (right, all): (i64, i64)) -> String {
    let question = |n: i64| {
        let score = if n < right { "100.00 (1/1) status:correct" } else { "0.00 (0/1) status:incorrect" };
        let key = format!("{key}/q{}", n + 1);
        format!("usage.question.timespent {key} r1 10,000\nusage.question.score {key} r1 {score}\n")
    };
    (0..all).map(question).collect()
}

/// The same lines with an option behind each.
#[must_use]
pub fn with(option: &str, lines: &str) -> String {
    lines.lines().map(|line| format!("{line} {option}\n")).collect()
}

/// Reads one line.
///
/// # Panics
/// When the line is none of this notation.
#[must_use]
pub fn play(line: &str) -> Play {
    let clean = line.replace(['–', '−'], "-");
    let (told, answer) = clean.split_once(" -> ").map_or((clean.as_str(), None), |(told, answer)| (told, Some(answer)));
    let said = Said::read(told);
    let received = said.option("received").map_or(said.to, seconds);
    let mut words = answer.unwrap_or("accepted").split_whitespace().map(str::to_owned);
    let verdict = words.next().unwrap_or_default();
    let words = answer.map(|_| words.collect());
    Play { line: line.to_owned(), event: said.event(), received: T0 + received, verdict, words }
}

/// Milliseconds of a number of seconds.
fn seconds(text: &str) -> i64 {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let whole: i64 = whole.parse().unwrap_or_else(|_| panic!("`{text}` is no time"));
    whole * 1000 + format!("{part:0<3}").parse::<i64>().unwrap_or_default()
}

/// A line taken apart.
struct Said<'l> {
    verb: &'l str,
    ids: Vec<&'l str>,
    value: &'l str,
    from: i64,
    to: i64,
    options: BTreeMap<&'l str, &'l str>,
}

impl<'l> Said<'l> {
    fn read(line: &'l str) -> Self {
        let (verb, rest) = line.split_once('(').unwrap_or_else(|| panic!("`{line}` names no object"));
        let (ids, rest) = rest.split_once(')').unwrap_or_else(|| panic!("`{line}` does not close its bracket"));
        let mut words = rest.split_whitespace();
        let glued = !rest.starts_with(' ');
        let first = if glued { words.next().unwrap_or_default() } else { "" };
        let (value, at) = match first.split_once('@') {
            Some((value, at)) => (value, Some(at)),
            None => (first, None),
        };
        let (from, to) = match at {
            Some(at) => (seconds(at), seconds(at)),
            None => {
                let span = words.next().unwrap_or_default();
                let cut =
                    span.get(1..).and_then(|rest| rest.find('-')).unwrap_or_else(|| panic!("`{line}` has no times"));
                let (from, to) = (&span[..=cut], &span[cut + 2..]);
                (seconds(from), seconds(to))
            }
        };
        let options = words.map(|word| word.split_once('=').unwrap_or((word, ""))).collect();
        let value = value.trim_start_matches('=');
        Self { verb, ids: ids.split(',').map(str::trim).collect(), value, from, to, options }
    }

    fn option(&self, name: &str) -> Option<&'l str> {
        self.options.get(name).copied()
    }

    /// An id; an option of `-` means none.
    fn id_or(&self, name: &str, usual: &str) -> Value {
        match self.option(name).unwrap_or(usual) {
            "-" => Value::Null,
            id => json!(id),
        }
    }

    fn session(&self) -> &'l str {
        self.ids.first().copied().unwrap_or_default()
    }

    fn item(&self) -> &'l str {
        self.ids.get(1).copied().unwrap_or_default()
    }

    fn resource(&self) -> Option<&'l str> {
        self.ids.get(2).copied()
    }

    fn names(&self) -> (&'static str, Value) {
        match self.verb {
            "start" => ("collection.play", json!("start")),
            "stop" => ("collection.play", json!("stop")),
            "q" | "r" => ("collection.resource.play", json!("stop")),
            "qstart" | "rstart" => ("collection.resource.play", json!("start")),
            "react" => ("reaction.create", Value::Null),
            "grade" => ("resource.rubric.grade", Value::Null),
            "over" => ("resource.score.update", Value::Null),
            "upd" | "withdraw" => ("collection.score.update", Value::Null),
            other => panic!("`{other}` is no verb of the notation"),
        }
    }

    /// Start and stop of a play share their id; everything else has its own.
    fn event_id(&self) -> String {
        let by = self.option("by").unwrap_or("A");
        let ids = self.ids.join(".");
        match self.verb {
            "start" | "stop" => format!("{by}.{ids}"),
            "q" | "r" | "qstart" | "rstart" => format!("{by}.{ids}.{}", self.from),
            verb => format!("{by}.{ids}.{verb}.{}", self.to),
        }
    }

    fn event(&self) -> Value {
        let (name, kind) = self.names();
        let id = self.option("id").map_or_else(|| self.event_id(), str::to_owned);
        let mut event = json!({
            "eventId": id, "eventName": name,
            "startTime": T0 + self.from, "endTime": T0 + self.to, "timezone": self.option("zone").unwrap_or("UTC"),
            "session": {"apiKey": null, "sessionId": self.session()},
            "user": {"gooruUId": self.option("by").unwrap_or("A")},
            "version": {"logApi": "3.0"}, "metrics": self.metrics(),
            "context": self.context(), "payLoadObject": self.payload(),
        });
        if self.option("seconds").is_some() {
            event["startTime"] = json!((T0 + self.from) / 1000);
            event["endTime"] = json!(((T0 + self.to) / 1000).to_string());
        }
        if let (Some(context), false) = (event.get_mut("context").and_then(Value::as_object_mut), kind.is_null()) {
            context.insert("type".to_owned(), kind);
        }
        event
    }

    fn metrics(&self) -> Value {
        let names = [("raw", "score"), ("max", "maxScore"), ("time", "timeSpent")];
        let told =
            names.into_iter().filter_map(|(option, field)| Some((field.to_owned(), number(self.option(option)?))));
        Value::Object(told.collect())
    }

    fn context(&self) -> Value {
        let mut context = Map::new();
        let mut set = |name: &str, value: Value| context.insert(name.to_owned(), value);
        set("contentGooruId", json!(self.resource().unwrap_or(self.item())));
        if self.resource().is_some() {
            set("parentGooruId", self.id_or("item", if self.item().is_empty() { "-" } else { self.item() }));
        }
        if self.option("nokind").is_none() {
            set("collectionType", item_type(self.item()));
            set("resourceType", self.resource().map_or(Value::Null, |id| json!(resource_type(id))));
        }
        if let Some(tenant) = self.option("tenant") {
            set("tenantId", json!(tenant));
        }
        set("classGooruId", self.id_or("class", "k1"));
        set("courseGooruId", self.id_or("course", "c1"));
        set("unitGooruId", self.id_or("unit", "u1"));
        set("lessonGooruId", self.id_or("lesson", "l1"));
        set("pathId", number(self.option("path").unwrap_or("0")));
        set("pathType", self.id_or("pathType", "-"));
        set("contentSource", json!(self.option("source").unwrap_or("coursemap")));
        set("clientSource", json!("web"));
        if self.verb == "react" {
            set("reactionType", number(self.value));
        }
        Value::Object(context)
    }

    fn payload(&self) -> Value {
        let mut payload = Map::new();
        let mut set = |name: &str, value: Value| payload.insert(name.to_owned(), value);
        set("isStudent", json!(self.option("teacher").is_none()));
        match self.verb {
            "q" | "qstart" => {
                set("questionType", json!(self.option("type").unwrap_or("MC")));
                set("gradingType", json!("system"));
            }
            "grade" => set_reason(&mut set, "rubric"),
            "over" => set_reason(&mut set, "override"),
            "upd" => set_reason(&mut set, "regrade"),
            "withdraw" => set_reason(&mut set, "withdrawn"),
            _ => {}
        }
        match (self.verb, self.value.split_once('/')) {
            (_, Some((raw, max))) => {
                set("score", number(raw));
                set("maxScore", number(max));
            }
            ("q" | "over", None) => {
                set("attemptStatus", json!(self.value));
            }
            _ => {}
        }
        Value::Object(payload)
    }
}

fn set_reason(set: &mut impl FnMut(&str, Value) -> Option<Value>, reason: &str) {
    set("reason", json!(reason));
    set("graderId", json!("teacher-1"));
}

fn item_type(item: &str) -> Value {
    match item.chars().next() {
        Some('a') => json!("assessment"),
        Some('x') => json!("assessment-external"),
        Some('c') => json!("collection"),
        _ => Value::Null,
    }
}

fn resource_type(id: &str) -> &'static str {
    if id.starts_with('r') { "resource" } else { "question" }
}

/// A JSON number with exactly these digits.
fn number(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| json!(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_an_event_of_the_envelope() {
        let said = play("q(s1,a1,q1)=correct 0–30 by=B");
        assert_eq!(said.received, T0 + 30_000);
        assert_eq!(said.event["eventName"], "collection.resource.play");
        assert_eq!(said.event["startTime"], T0);
        assert_eq!(said.event["endTime"], T0 + 30_000);
        assert_eq!(said.event["user"]["gooruUId"], "B");
        assert_eq!(said.event["context"]["parentGooruId"], "a1");
        assert_eq!(said.event["context"]["type"], "stop");
        assert_eq!(said.event["payLoadObject"]["attemptStatus"], "correct");
        let said = play("grade(s1,a1,q1)=−1/4@9000 -> rejected score_range");
        assert_eq!((said.event["payLoadObject"]["score"].as_i64(), said.verdict.as_str()), (Some(-1), "rejected"));
        assert_eq!(said.words, Some(vec!["score_range".to_owned()]));
        let (start, stop) = (play("start(s1,a1)@0"), play("stop(s1,a1)@301"));
        assert_eq!(start.event["eventId"], stop.event["eventId"]);
        assert_eq!(play("react(s1,col1,r1)=5@10").event["context"]["reactionType"], 5);
    }
}
