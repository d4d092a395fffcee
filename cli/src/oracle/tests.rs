//! The oracle against the printed numbers of domain.md §10; events are written as raw JSON.

#![expect(
    clippy::too_many_arguments,
    clippy::excessive_nesting,
    clippy::wildcard_enum_match_arm,
    reason = "the document's notation has so many parts"
)]

use std::collections::BTreeMap;

use super::class::Classes;
use super::de::{De, Value};
use super::read::{Heard, Names, read};
use super::tables::{Cell, Tables};
use super::{Accepted, Story, event_key};

const T0: i64 = 1_772_442_000_000;

/// Events of learner A unless said, received when they end.
#[derive(Default)]
struct Case {
    stories: BTreeMap<String, Story>,
    classes: Classes,
    tables: Tables,
    out: Vec<De>,
    names: Names,
    count: i64,
}

fn kind(item: &str) -> &'static str {
    match item.chars().next() {
        Some('c') => "collection",
        Some('x') => "assessment-external",
        _ => "assessment",
    }
}

impl Case {
    fn send(&mut self, body: &str, at: i64) -> &[De] {
        let from = self.out.len();
        let Heard::Usage(list) = read(body, "t1", &mut self.names) else {
            panic!("refused: {body} {:?}", read(body, "t1", &mut self.names))
        };
        for told in list {
            let key = event_key("t1", &told).into();
            let accepted = Accepted { partition: 0, offset: self.count, received: T0 + at * 1000 };
            self.count += 1;
            let story = self.stories.entry(told.user.to_string()).or_default();
            for de in story.apply(told, key, accepted).1 {
                let class = if de.topic.starts_with("dep.member") { self.classes.apply(&de) } else { None };
                self.out.push(de);
                self.out.extend(class);
            }
        }
        for de in self.out.get(from..).unwrap_or_default() {
            self.tables.apply(de);
        }
        self.out.get(from..).unwrap_or_default()
    }

    fn event(&mut self, name: &str, user: &str, session: &str, (start, end): (i64, i64), inside: &str) -> &[De] {
        let id = format!("e{}", self.count);
        let (start_ms, end_ms) = (T0 + start * 1000, T0 + end * 1000);
        let body = format!(
            "{{\"eventId\":\"{id}\",\"eventName\":\"{name}\",\"startTime\":{start_ms},\"endTime\":{end_ms},\
             \"session\":{{\"sessionId\":\"{session}\"}},\"user\":{{\"gooruUId\":\"{user}\"}},{inside}}}"
        );
        self.send(&body, end.max(start))
    }

    fn item(&mut self, session: &str, item: &str, step: &str, at: i64) -> &[De] {
        self.item_with(session, item, step, at, "")
    }

    fn item_with(&mut self, session: &str, item: &str, step: &str, at: i64, metrics: &str) -> &[De] {
        let inside = format!(
            "\"metrics\":{{{metrics}}},\"context\":{{\"type\":\"{step}\",\"contentGooruId\":\"{item}\",{}}}",
            place(item)
        );
        self.event("collection.play", "A", session, (at, at), &inside)
    }

    fn q(&mut self, session: &str, item: &str, question: &str, status: &str, time: (i64, i64)) -> &[De] {
        let (status, kind) = status.split_once(' ').map_or((status, "MC"), |(k, s)| (s, k));
        let inside = format!(
            "\"context\":{{\"type\":\"stop\",\"contentGooruId\":\"{question}\",\"parentGooruId\":\"{item}\",\
             \"resourceType\":\"question\",{}}},\"payLoadObject\":{{\"questionType\":\"{kind}\",\"attemptStatus\":\"{status}\"}}",
            place(item)
        );
        self.event("collection.resource.play", "A", session, time, &inside)
    }

    fn r(&mut self, session: &str, item: &str, resource: &str, time: (i64, i64)) -> &[De] {
        let inside = format!(
            "\"context\":{{\"type\":\"stop\",\"contentGooruId\":\"{resource}\",\"parentGooruId\":\"{item}\",\
             \"resourceType\":\"resource\",{}}}",
            place(item)
        );
        self.event("collection.resource.play", "A", session, time, &inside)
    }

    fn react(&mut self, (session, item, resource): (&str, &str, &str), reaction: i64, at: i64) -> &[De] {
        let inside = format!(
            "\"context\":{{\"contentGooruId\":\"{resource}\",\"parentGooruId\":\"{item}\",\"resourceType\":\"resource\",\
             \"collectionType\":\"collection\",\"reactionType\":{reaction}}}"
        );
        self.event("reaction.create", "A", session, (at, at), &inside)
    }

    fn teacher(&mut self, name: &str, (session, item, content): (&str, &str, &str), payload: &str, at: i64) -> &[De] {
        let parent = if content == item { String::new() } else { format!("\"parentGooruId\":\"{item}\",") };
        let inside = format!(
            "\"context\":{{\"contentGooruId\":\"{content}\",{parent}\"collectionType\":\"{}\"}},\"payLoadObject\":{{{payload}}}",
            kind(item)
        );
        self.event(name, "A", session, (at, at), &inside)
    }

    /// Ten-second questions from `from`, the first `good` of `of` correct, and a stop one second after the last.
    fn assessment(&mut self, session: &str, item: &str, (from, good, of): (i64, i64, i64), stop: bool) {
        for n in 0..of {
            let status = if n < good { "correct" } else { "incorrect" };
            self.q(session, item, &format!("{item}-q{n}"), status, (from + n * 10, from + n * 10 + 10));
        }
        if stop {
            self.item(session, item, "stop", from + of * 10 + 1);
        }
    }

    /// Revision, value and previous of every event of a topic, as the document writes them.
    fn said(&self, topic: &str) -> Vec<String> {
        self.out.iter().filter(|d| d.topic == topic).map(shown).collect()
    }

    fn of(&self, topic: &str, part: &str) -> Vec<String> {
        let here = |d: &&De| d.topic == topic && d.entity.iter().any(|e| &**e == part);
        self.out.iter().filter(here).map(shown).collect()
    }

    fn level(&self, kind: &str) -> Vec<String> {
        self.of("dep.lesson.score", kind)
    }
}

fn place(item: &str) -> String {
    format!(
        "\"collectionType\":\"{}\",\"classGooruId\":\"k1\",\"courseGooruId\":\"c1\",\"unitGooruId\":\"u1\",\
         \"lessonGooruId\":\"l1\"",
        kind(item)
    )
}

fn number(value: &Value) -> String {
    match value {
        Value::Score(s) => match (s.percent, s.raw, s.max) {
            (Some(p), Some(raw), Some(max)) => {
                format!("{}.{:02} ({}/{})", p / 100, p % 100, raw as f64 / 10_000.0, max as f64 / 10_000.0)
            }
            _ => "null".to_owned(),
        },
        Value::Time(t) => format!("{}", t.spent),
        Value::Reaction(r) => format!("{{{}, {}}}", r.reaction, r.count),
        Value::View(v) => format!("{}, items {}", v.views, v.items),
    }
}

fn shown(de: &De) -> String {
    let latest = match &de.result {
        Value::Score(s) if s.latest == Some(false) => " latest false",
        _ => "",
    };
    let before = de.previous.as_ref().map_or_else(String::new, |p| format!(" ← {}", number(p)));
    format!("r{} {}{latest}{before}", de.revision, number(&de.result))
}

#[test]
fn a1_one_assessment_gives_38_events() {
    let mut case = Case::default();
    case.item("s1", "a1", "start", 0);
    for n in 1..=10 {
        let status = if n == 10 { "incorrect" } else { "correct" };
        case.q("s1", "a1", &format!("q{n}"), status, (30 * (n - 1), 30 * n));
    }
    case.item("s1", "a1", "stop", 301);
    assert_eq!(case.out.len(), 38);
    assert_eq!(case.said("demux.question.timespent").len(), 10);
    assert_eq!(case.said("demux.question.score").len(), 10);
    assert_eq!(case.said("demux.assessment.score"), ["r1 90.00 (9/10)"]);
    assert_eq!(case.said("demux.assessment.timespent"), ["r1 300000"]);
    for topic in ["demux.assessment.view", "dep.member.view", "dep.unit.timespent"] {
        assert_eq!(case.said(topic).len(), 1, "{topic}");
    }
    assert_eq!(case.said("dep.class.score"), ["r1 90.00 (90/100)"]);
    assert_eq!(case.said("dep.lesson.score"), ["r1 90.00 (90/100)"]);
}

#[test]
fn a3_two_visits_of_one_question() {
    let mut case = Case::default();
    case.item("s1", "a1", "start", 0);
    case.q("s1", "a1", "q1", "incorrect", (0, 30));
    case.q("s1", "a1", "q1", "correct", (30, 50));
    case.q("s1", "a1", "q2", "correct", (50, 60));
    case.item("s1", "a1", "stop", 61);
    assert_eq!(case.of("demux.question.timespent", "q1"), ["r1 30000", "r2 50000 ← 30000"]);
    assert_eq!(case.of("demux.question.score", "q1"), ["r1 0.00 (0/1)", "r2 100.00 (1/1) ← 0.00 (0/1)"]);
    assert_eq!(case.said("demux.assessment.score"), ["r1 100.00 (2/2)"]);
    assert_eq!(case.said("demux.assessment.timespent"), ["r1 60000"]);
    let q1 = case.out.iter().rfind(|d| d.topic == "demux.question.timespent" && d.revision == 2).unwrap();
    assert!(matches!(q1.result, Value::Time(t) if t.delta == 20_000 && t.visits == 2));
}

#[test]
fn a4_an_open_answer_waits_for_its_grade() {
    let mut case = Case::default();
    for (n, status) in ["correct", "correct", "incorrect"].iter().enumerate() {
        case.q("s1", "a1", &format!("q{n}"), status, (20 * n as i64, 20 * n as i64 + 20));
    }
    case.q("s1", "a1", "q4", "OE attempted", (60, 120));
    case.item("s1", "a1", "stop", 121);
    assert_eq!(case.said("demux.assessment.score"), [] as [&str; 0]);
    assert_eq!(case.said("demux.assessment.timespent"), ["r1 120000"]);
    assert_eq!(case.of("demux.question.score", "q4"), ["r1 null"]);
    case.teacher("resource.rubric.grade", ("s1", "a1", "q4"), "\"score\":3,\"maxScore\":4", 3600);
    assert_eq!(case.of("demux.question.score", "q4"), ["r1 null", "r2 75.00 (3/4) ← null"]);
    assert_eq!(case.said("demux.assessment.score"), ["r1 71.43 (5/7)"]);
}

fn a6(late: bool) -> Case {
    let mut case = Case::default();
    case.assessment("s1", "a1", (0, 9, 10), !late);
    case.assessment("s3", "a2", (200, 4, 5), true);
    case.assessment("s2", "a1", (400, 6, 10), true);
    if late {
        case.item("s1", "a1", "stop", 101);
    }
    case
}

#[test]
fn a6_the_latest_session_counts() {
    let case = a6(false);
    assert_eq!(
        case.level("assessment"),
        ["r1 90.00 (90/100)", "r2 85.00 (170/200) ← 90.00 (90/100)", "r3 70.00 (140/200) ← 85.00 (170/200)"]
    );
    assert_eq!(case.said("dep.lesson.timespent").last().unwrap(), "r3 250000 ← 150000");
    assert_eq!(case.said("dep.lesson.view").last().unwrap(), "r3 3, items 2 ← 2, items 2");
}

#[test]
fn a7_a_late_stop_changes_no_table() {
    let (case, in_order) = (a6(true), a6(false));
    assert_eq!(case.of("demux.assessment.score", "s1"), ["r1 90.00 (9/10) latest false"]);
    assert_eq!(case.level("assessment"), ["r1 80.00 (80/100)", "r2 70.00 (140/200) ← 80.00 (80/100)"]);
    let rows = |case: &Case| {
        let mut rows = case.tables.rows.clone();
        rows.values_mut().for_each(|row| row.retain(|name, _| !["revision", "activity_time"].contains(name)));
        rows
    };
    assert_eq!(rows(&case), rows(&in_order));
}

#[test]
fn a9_a_late_question_corrects_the_score() {
    let mut case = Case::default();
    case.item("s1", "a1", "start", 0);
    case.q("s1", "a1", "q1", "correct", (0, 20));
    case.item("s1", "a1", "stop", 51);
    case.q("s1", "a1", "q2", "incorrect", (20, 50));
    assert_eq!(case.said("demux.assessment.score"), ["r1 100.00 (1/1)", "r2 50.00 (1/2) ← 100.00 (1/1)"]);
    assert_eq!(case.said("demux.assessment.timespent"), ["r1 20000", "r2 50000 ← 20000"]);
}

#[test]
fn a11_collections_count_latest_answers_over_sessions() {
    let mut case = Case::default();
    for (n, status) in ["correct", "correct", "correct", "incorrect"].iter().enumerate() {
        case.q("s1", "col1", &format!("q{n}"), status, (n as i64 * 10, n as i64 * 10 + 10));
    }
    case.q("s2", "col2", "p1", "correct", (50, 60));
    assert_eq!(case.of("demux.collection.score", "col1").last().unwrap(), "r4 75.00 (3/4) ← 100.00 (3/3)");
    assert_eq!(case.level("collection").last().unwrap(), "r5 80.00 (4/5) ← 75.00 (3/4)");
    case.q("s3", "col1", "q3", "correct", (70, 80));
    assert_eq!(case.of("demux.collection.score", "col1").last().unwrap(), "r5 100.00 (4/4) ← 75.00 (3/4)");
    assert_eq!(case.level("collection").last().unwrap(), "r6 100.00 (5/5) ← 80.00 (4/5)");
    let key = ("level_score", ["A", "k1", "c1", "u1", "l1", "lesson", "collection"].map(Into::into).to_vec());
    assert_eq!(case.tables.rows.get(&key).and_then(|r| r.get("count")), Some(&Cell::Int(2)));
}

#[test]
fn a12_reactions_are_replaced_and_averaged() {
    let mut case = Case::default();
    case.item("s1", "col1", "start", 0);
    case.react(("s1", "col1", "r1"), 5, 10);
    case.react(("s1", "col1", "r1"), 3, 20);
    case.react(("s1", "col1", "r2"), 4, 30);
    case.react(("s1", "col1", "r3"), 0, 40);
    assert_eq!(case.of("demux.resource.reaction", "r1"), ["r1 {5, 1}", "r2 {3, 1} ← {5, 1}"]);
    assert_eq!(case.of("demux.resource.reaction", "r2"), ["r1 {4, 1}"]);
    assert_eq!(case.said("demux.collection.reaction"), ["r1 {5, 1}", "r2 {3, 1} ← {5, 1}", "r3 {4, 2} ← {3, 1}"]);
    assert_eq!(case.said("demux.collection.view"), ["r1 1, items 1"]);
}

#[test]
fn a17_impossible_times() {
    let mut case = Case::default();
    case.r("s1", "col1", "r1", (100, 90));
    case.r("s1", "col1", "r2", (0, 18_000));
    assert_eq!(case.of("demux.resource.timespent", "r1"), ["r1 0"]);
    assert_eq!(case.of("demux.resource.timespent", "r2"), ["r1 7200000"]);
    assert_eq!(case.said("demux.collection.timespent"), ["r1 0", "r2 7200000 ← 0"]);
    let wall = case.out.iter().find(|d| d.topic == "demux.resource.timespent" && d.entity.iter().any(|e| &**e == "r2"));
    assert!(matches!(wall.unwrap().result, Value::Time(t) if t.wall == 18_000_000));
}

#[test]
fn a25_an_override_and_its_repeat() {
    let mut case = Case::default();
    case.q("s1", "a1", "q1", "correct", (0, 10));
    case.q("s1", "a1", "q2", "incorrect", (10, 20));
    case.item("s1", "a1", "stop", 21);
    case.teacher("resource.score.update", ("s1", "a1", "q2"), "\"attemptStatus\":\"correct\"", 600);
    assert_eq!(case.of("demux.question.score", "q2"), ["r1 0.00 (0/1)", "r2 100.00 (1/1) ← 0.00 (0/1)"]);
    assert_eq!(case.said("demux.assessment.score"), ["r1 50.00 (1/2)", "r2 100.00 (2/2) ← 50.00 (1/2)"]);
    let again = case.teacher("resource.score.update", ("s1", "a1", "q2"), "\"attemptStatus\":\"correct\"", 700).len();
    assert_eq!(again, 0);
}

#[test]
fn b12_regrade_withdrawal_and_another_maximum() {
    let mut case = Case::default();
    case.assessment("s1", "a1", (0, 4, 5), false);
    case.item("s1", "a1", "stop", 60);
    case.assessment("s2", "a1", (600, 3, 5), false);
    case.item("s2", "a1", "stop", 660);
    let update = |case: &mut Case, payload: &str, session: &str, at| {
        case.teacher("collection.score.update", (session, "a1", "a1"), payload, at);
    };
    update(&mut case, "\"score\":2,\"maxScore\":5,\"reason\":\"regrade\"", "s1", 1200);
    update(&mut case, "\"reason\":\"withdrawn\"", "s2", 1800);
    update(&mut case, "\"score\":2,\"maxScore\":4,\"reason\":\"regrade\"", "s1", 2400);
    assert_eq!(
        case.level("assessment"),
        [
            "r1 80.00 (80/100)",
            "r2 60.00 (60/100) ← 80.00 (80/100)",
            "r3 40.00 (40/100) ← 60.00 (60/100)",
            "r4 50.00 (50/100) ← 40.00 (40/100)"
        ]
    );
    let scores = case.said("demux.assessment.score");
    assert_eq!(scores.get(2).unwrap(), "r2 40.00 (2/5) latest false ← 80.00 (4/5)");
    assert_eq!(scores.get(3).unwrap(), "r3 40.00 (2/5) ← 40.00 (2/5)");
    assert_eq!(scores.get(4).unwrap(), "r2 null latest false ← 60.00 (3/5)");
    assert_eq!(case.of("demux.assessment.view", "s2"), ["r1 1, items 1", "r2 0, items 0 ← 1, items 1"]);
}

#[test]
fn a_session_that_is_the_latest_again_says_so_with_the_value_it_said_before() {
    let mut case = Case::default();
    case.assessment("s1", "a1", (0, 4, 5), false);
    case.item("s1", "a1", "stop", 60);
    case.assessment("s2", "a1", (600, 3, 5), false);
    case.item("s2", "a1", "stop", 660);
    case.teacher("collection.score.update", ("s2", "a1", "a1"), "\"reason\":\"withdrawn\"", 1800);
    assert_eq!(
        case.said("demux.assessment.score"),
        ["r1 80.00 (4/5)", "r1 60.00 (3/5)", "r2 80.00 (4/5) ← 80.00 (4/5)", "r2 null latest false ← 60.00 (3/5)"]
    );
    assert_eq!(case.level("assessment").last().unwrap(), "r3 80.00 (80/100) ← 60.00 (60/100)");
}

#[test]
fn the_examples_of_the_document_are_read_and_the_derived_id_is_the_printed_one() {
    let flat = "{\"event_name\":\"resource.rubric.grade\",\"student_id\":\"424b1fee-9709-4315-85d9-5954058b4714\",\
        \"collection_id\":\"ee8f6454-f178-4ec7-b609-912fe2e7a724\",\"collection_type\":\"assessment\",\
        \"session_id\":\"ec077ad4-aec7-44b1-a8b4-406c0190f12c\",\"resource_id\":\"ceb309b8-8ec1-4b9e-873a-50eaddc1221e\",\
        \"student_score\":3,\"max_score\":4,\"updated_at\":1772445600000}";
    let Heard::Usage(list) = read(flat, "t-north", &mut Names::default()) else { panic!("refused") };
    assert_eq!(&*list.first().unwrap().event_id, "151d6fbb-487c-56a3-941b-76df6d45cc0e");
    let refused = read("{\"eventName\":\"collection.play\"}", "t", &mut Names::default());
    assert_eq!(refused, Heard::Refused(["missing_field"].into()));
}
