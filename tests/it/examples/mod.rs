//! The worked examples of domain.md §2.3, §4.2 and §5.4, posted as they are printed: ids and values to the letter.
//!
//! Place: one module of the integration binary; `events.jsonl` beside it holds the document's lines, in their order.

use da_model::time::Timestamp;
use da_runtime::http::auth::Scope;
use serde_json::{Value, json};
use tests::dsl::T0;
use tests::line::Line;
use tests::stack::{Reply, Stack, answer};

/// Example `n` of §2.3, from 1.
fn example(n: usize) -> &'static str {
    include_str!("events.jsonl").lines().nth(n - 1).unwrap()
}

/// An example with something changed; of an array, its only element.
fn changed(n: usize, change: impl FnOnce(&mut Value)) -> String {
    let mut event: Value = serde_json::from_str(example(n)).unwrap();
    change(if event.is_array() { &mut event[0] } else { &mut event });
    event.to_string()
}

/// The stop of the assessment of the examples.
fn stop() -> String {
    changed(1, |event| {
        event["context"]["type"] = json!("stop");
        event["endTime"] = json!(T0 + 51_000);
    })
}

/// A stack with a key of quizlab for tenant t-north.
struct North {
    stack: Stack,
    key: String,
}

impl North {
    fn start() -> Self {
        let mut stack = Stack::start();
        let key = stack.further_key(("quizlab", "t-north", "gooru"), Scope::Ingest);
        stack.restart();
        Self { stack, key }
    }

    fn post(&self, body: &str, seconds: i64) -> Reply {
        self.stack.clock.set(Timestamp(T0 + seconds * 1000));
        let request = self.stack.anonymous("/v1/events").bearer_auth(&self.key);
        answer(request.header("content-type", "application/json").body(body.to_owned()))
    }

    /// deId and value of every event of a topic.
    fn said(&self, topic: &str) -> Vec<String> {
        let discrete = self.stack.topic(topic);
        let events = discrete.iter().filter_map(|l| l.discrete());
        events.map(|de| format!("{} {}", de.de_id, Line::of(&de).value.join(" "))).collect()
    }
}

#[test]
fn the_play_of_the_examples() {
    let north = North::start();
    assert_eq!(north.post(example(1), 0).verdict(0), ["accepted"]);
    let other = changed(2, |event| {
        event["eventId"] = json!("other");
        event["context"]["contentGooruId"] = json!("90b7f7a4-0001-4000-8000-000000000001");
        event["startTime"] = json!(T0);
        event["endTime"] = json!(T0 + 20_000);
        event["payLoadObject"]["attemptStatus"] = json!("correct");
    });
    assert_eq!(north.post(&other, 20).verdict(0), ["accepted"]);
    assert_eq!(north.post(&stop(), 51).verdict(0), ["accepted"]);
    assert_eq!(north.post(example(2), 52).verdict(0), ["accepted"]);
    let stack = &north.stack;
    let key = stack.topic("gep.accepted").last().unwrap().accepted().event_key.to_string();
    assert_eq!(key, "ea24c629-7c90-5663-a697-4dbe2bbc81da");
    let printed = [
        ("demux.assessment.score", 1, "3ee71aae-f246-56cb-8415-32d62a27017f 50.00 (1/2) latest count:2 "),
        (
            "demux.assessment.timespent",
            1,
            "7a0c939c-7452-5016-bc8e-8d5a43407b91 50000 delta:30000 wall:50000 visits:2 ",
        ),
        ("demux.assessment.view", 0, "2f67f593-2073-5c79-9b66-924dbcb12035 1 delta:1 items:1 "),
        ("dep.lesson.score", 1, "e2eb6296-d038-5e65-a225-c0227c2849d7 50.00 (50/100) "),
    ];
    for (topic, at, wanted) in printed {
        let said = north.said(topic);
        assert!(said[at].starts_with(wanted), "{topic}: {said:?}");
    }
    let scores = stack.topic("demux.assessment.score");
    let de = scores[1].discrete().unwrap();
    assert_eq!((de.activity_time.0, de.local_date.to_iso()), (1_772_442_050_000, "2026-03-02".to_owned()));
    let context = de.context;
    assert_eq!((context.partner_id.as_deref(), context.client_source.as_deref()), (Some("quizlab"), Some("mobile")));
    assert_eq!((context.attempt, context.content_source.as_deref()), (Some(1), Some("coursemap")));
    assert_eq!(context.question_count, Some(2));
    let codes = stack.rows("codes", "question_score WHERE resource LIKE 'ceb309b8%'");
    assert!(codes[0].contains("K12.MA-MAK-CC-A.01"), "{codes:?}");
}

#[test]
fn the_other_names_wait_for_the_first_play() {
    let north = North::start();
    assert_eq!(north.post(example(3), 300).verdict(0), ["accepted"]);
    assert_eq!(north.post(example(4), 400).verdict(0), ["accepted", "seconds"]);
    let grade = north.post(example(5), 3_600);
    assert_eq!(grade.verdict(0), ["accepted"]);
    assert_eq!(grade.body["results"][0]["eventId"], "151d6fbb-487c-56a3-941b-76df6d45cc0e");
    assert_eq!(north.post(example(6), 3_700).verdict(0), ["accepted"]);
    assert_eq!(north.post(example(7), 3_800).verdict(0), ["accepted"]);
    north.stack.expect_count("gep.accepted", 5);
    north.stack.expect("");
    assert_eq!(north.post(example(1), 3_900).verdict(0), ["accepted"]);
    assert_eq!(north.post(example(2), 3_901).verdict(0), ["accepted"]);
    assert_eq!(north.post(&stop(), 3_902).verdict(0), ["accepted"]);
    let session = north.said("demux.assessment.score");
    assert_eq!(session.len(), 1, "{session:?}");
    assert!(session[0].contains(" 50.00 (2/4) latest"), "the update holds: {session:?}");
    let answers = north.said("demux.question.score");
    assert!(answers.last().is_some_and(|a| a.contains(" 100.00 (1/1)")), "the override holds: {answers:?}");
}
