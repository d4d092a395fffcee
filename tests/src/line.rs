//! Discrete events as short lines, and lists of expected lines against them.
//!
//! Place: the output side of every acceptance case. A line is
//! `usage.assessment.score s1/a1 r2 50.00 (1/2) <- 100.00 (1/1)`. An expected line need not name every word of an
//! event, but `ungraded`, `not-latest` and `withdrawn` are never passed over. Names of keys: `s1/a1/q1`, `s1/a1`, a
//! collection's score `col1`, roll-ups `l1:assessment` … `k1:assessment`, a member `A@k1:assessment`; learners other
//! than A stand in front, as in `B:s1/a1`. `usage.^.score :assessment` means lesson l1, unit u1, course c1 and member
//! of k1 at once; `usage.^^.…` the class too.

use std::collections::{BTreeMap, BTreeSet};

use da_model::event::DiscreteEvent;
use da_model::event::discrete::{Metric, ScoreValue};

use crate::dsl::T0;

/// Words that an expected line must name where the event has them.
const NEVER_PASSED_OVER: [&str; 3] = ["ungraded", "not-latest", "withdrawn"];

/// One line taken apart: what it is about, and its words before and after the arrow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Name, key and revision.
    pub head: (String, String, i32),
    /// The words of the value.
    pub value: Vec<String>,
    /// The words of the value before.
    pub before: Option<Vec<String>>,
}

impl Line {
    /// The line of an event.
    #[must_use]
    pub fn of(de: &DiscreteEvent<'_>) -> Self {
        let mut value = words(&de.result);
        value.push(format!("cause:{}", de.cause));
        value.push(format!("at:{}", seconds(de.activity_time.0 - T0)));
        value.push(format!("date:{}", de.local_date.to_iso()));
        value.extend(de.context.attempt.map(|n| format!("attempt:{n}")));
        value.push(format!("track:{}", de.context.track));
        value.push(format!("path:{}", de.context.path_id));
        let head = (de.event_name.to_string(), key(de), de.revision);
        Self { head, value, before: de.previous.as_ref().map(words) }
    }

    fn read(text: &str) -> Vec<Self> {
        let clean = text.replace(['−'], "-").replace('←', "<-");
        let (told, before) = clean.split_once("<-").map_or((clean.as_str(), None), |(told, b)| (told, Some(b)));
        let mut said = told.split_whitespace().map(plain);
        let name = said.next().unwrap_or_default();
        let key = said.next().unwrap_or_default();
        let revision = said.next().and_then(|r| r.strip_prefix('r')?.parse().ok());
        let revision = revision.unwrap_or_else(|| panic!("`{text}` names no revision"));
        let value: Vec<String> = said.collect();
        let before = before.map(|b| b.split_whitespace().map(plain).collect());
        let heads = heads(&name, &key);
        heads
            .into_iter()
            .map(|(n, k)| Self { head: (n, k, revision), value: value.clone(), before: before.clone() })
            .collect()
    }

    /// Whether an event's line says all that this expected line says.
    fn met_by(&self, actual: &Self) -> bool {
        let before = match (&self.before, &actual.before) {
            (None, before) => self.head.2 > 1 || before.is_none(),
            (Some(wanted), Some(before)) => wanted.iter().all(|w| before.contains(w)),
            (Some(_), None) => false,
        };
        let named = NEVER_PASSED_OVER.iter().map(|w| (*w).to_owned());
        before
            && self.value.iter().all(|w| actual.value.contains(w))
            && named.filter(|w| actual.value.contains(w)).all(|w| self.value.contains(&w))
    }
}

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (name, key, revision) = &self.head;
        write!(f, "{name} {key} r{revision} {}", self.value.join(" "))?;
        match &self.before {
            Some(before) => write!(f, " <- {}", before.join(" ")),
            None => Ok(()),
        }
    }
}

/// Compares all events with a list of expected lines.
///
/// # Panics
/// When one is missing, one is too many, or one says something else.
pub fn expect_exactly(actual: &[Line], expected: &str) {
    let lines = expected.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#'));
    let wanted: Vec<Line> = lines.flat_map(Line::read).collect();
    let wanted_heads: BTreeSet<_> = wanted.iter().map(|l| &l.head).collect();
    assert_eq!(wanted_heads.len(), wanted.len(), "the expected list names a key and revision twice");
    let mut there: BTreeMap<_, Vec<&Line>> = BTreeMap::new();
    for line in actual {
        there.entry(&line.head).or_default().push(line);
    }
    let mut wrong = Vec::new();
    for line in &wanted {
        match there.remove(&line.head).as_deref() {
            None => wrong.push(format!("missing     {line}")),
            Some([one]) if line.met_by(one) => {}
            Some([one]) => wrong.push(format!("expected    {line}\n   but got  {one}")),
            Some(several) => wrong.push(format!("{} times    {line}", several.len())),
        }
    }
    wrong.extend(there.values().flatten().map(|line| format!("unexpected  {line}")));
    assert!(wrong.is_empty(), "{} of {} lines are wrong:\n{}", wrong.len(), wanted.len(), wrong.join("\n"));
}

/// Numbers may be written with thousands' commas.
fn plain(word: &str) -> String {
    let number = word.chars().all(|c| c.is_ascii_digit() || c == ',' || c == ':' || c.is_ascii_lowercase());
    if number { word.replace(',', "") } else { word.to_owned() }
}

fn heads(name: &str, key: &str) -> Vec<(String, String)> {
    let levels: &[(&str, &str)] = &[("lesson", "l1"), ("unit", "u1"), ("course", "c1")];
    let (every, class) = (name.contains(".^"), name.contains(".^^"));
    if !every {
        return vec![(name.to_owned(), key.to_owned())];
    }
    let metric = name.rsplit('.').next().unwrap_or_default();
    let (learner, kind) = key.split_once(':').unwrap_or(("", key));
    let front = if learner.is_empty() { String::new() } else { format!("{learner}:") };
    let mut all: Vec<_> =
        levels.iter().map(|(level, id)| (format!("usage.{level}.{metric}"), format!("{front}{id}:{kind}"))).collect();
    let member = if learner.is_empty() { "A" } else { learner };
    all.push((format!("usage.member.{metric}"), format!("{member}@k1:{kind}")));
    if class {
        all.push((format!("usage.class.{metric}"), format!("k1:{kind}")));
    }
    all
}

fn key(de: &DiscreteEvent<'_>) -> String {
    let text = |t: &Option<std::borrow::Cow<'_, str>>| t.as_deref().unwrap_or_default().to_owned();
    let (context, user) = (&de.context, text(&de.user_id));
    let session = text(&context.session_id);
    let kind = de.item_kind.map(|k| k.code()).unwrap_or_default();
    let object = de.event_name.split('.').nth(1).unwrap_or_default();
    let front = if user == "A" { String::new() } else { format!("{user}:") };
    match object {
        "resource" | "question" => {
            format!("{front}{session}/{}/{}", text(&context.collection_id), text(&de.resource_id))
        }
        "collection" if matches!(de.result, Metric::Score(_)) => format!("{front}{}", text(&de.collection_id)),
        "collection" | "assessment" => format!("{front}{session}/{}", text(&de.collection_id)),
        "lesson" => format!("{front}{}:{kind}", text(&context.lesson_id)),
        "unit" => format!("{front}{}:{kind}", text(&context.unit_id)),
        "course" => format!("{front}{}:{kind}", text(&context.course_id)),
        "member" => format!("{user}@{}:{kind}", text(&context.class_id)),
        _ => format!("{}:{kind}", text(&context.class_id)),
    }
}

fn words(metric: &Metric<'_>) -> Vec<String> {
    match metric {
        Metric::Score(score) => score_words(score),
        Metric::Timespent(t) => vec![
            t.time_spent.to_string(),
            format!("delta:{}", t.delta),
            format!("wall:{}", t.wall_time),
            format!("visits:{}", t.visits),
        ],
        Metric::Reaction(r) => vec![format!("{{{},{}}}", r.reaction, r.count)],
        Metric::View(v) => vec![v.views.to_string(), format!("delta:{}", v.delta), format!("items:{}", v.items)],
        Metric::Competency(c) => vec![format!("status:{}", c.status)],
    }
}

fn score_words(score: &ScoreValue<'_>) -> Vec<String> {
    let mut words = vec![score.score.map_or("null".to_owned(), |s| s.to_text())];
    words.extend(score.raw.zip(score.max).map(|(raw, max)| format!("({}/{})", raw.to_text(), max.to_text())));
    words.extend((!score.graded).then(|| "ungraded".to_owned()));
    words.extend(score.latest.map(|l| if l { "latest" } else { "not-latest" }.to_owned()));
    words.extend(
        score.status.map(|s| if s.code() == "withdrawn" { "withdrawn".to_owned() } else { format!("status:{s}") }),
    );
    words.extend(score.count.map(|n| format!("count:{n}")));
    words.extend(score.codes.iter().map(|c| format!("code:{c}")));
    words
}

fn seconds(ms: i64) -> String {
    if ms % 1000 == 0 { (ms / 1000).to_string() } else { format!("{}.{:03}", ms / 1000, ms % 1000) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line {
        Line::read(text).remove(0)
    }

    #[test]
    fn an_expected_line_may_say_less_but_not_something_else() {
        let actual = line("usage.assessment.score s1/a1 r2 50.00 (1/2) latest count:2 cause:play <- 100.00 (1/1)");
        assert!(line("usage.assessment.score s1/a1 r2 50.00 (1/2) ← 100.00").met_by(&actual));
        assert!(!line("usage.assessment.score s1/a1 r2 50.01").met_by(&actual));
        assert!(!line("usage.assessment.score s1/a1 r2 50.00 <- 99.00").met_by(&actual));
        let worse = line("usage.assessment.score s1/a1 r2 50.00 (1/2) not-latest");
        assert!(!line("usage.assessment.score s1/a1 r2 50.00").met_by(&worse));
        assert_eq!(line("usage.a.b k r1 300,000").value, ["300000"]);
        assert_eq!(Line::read("usage.^^.view B:assessment r1 1").len(), 5);
    }

    #[test]
    #[should_panic(expected = "unexpected")]
    fn a_line_too_many_is_found() {
        expect_exactly(&[line("usage.a.b k r1 1"), line("usage.a.b k r2 2")], "usage.a.b k r1 1");
    }
}
