//! Partner topics of the log (domain.md §2.5; A21, B8).

use da_model::effects::{Effects, Key};
use da_model::event::rejected::RejectionSource;
use da_model::event::{Event, RejectedEvent};
use da_model::handler::Handler;
use da_model::ids::{Offset, Partition, TopicName};
use da_model::outcome::Outcome;
use da_model::record::Record;
use da_model::schema::Schemas;
use da_model::state::{Row, RowKey, RowSource, Snapshot};
use da_model::time::Timestamp;
use gep::intake::{IntakeHandler, Limits, PartnerTopic};

use crate::support::*;

struct NoRows;

impl RowSource for NoRows {
    fn row(&self, _key: &RowKey) -> Option<&Row> {
        None
    }

    fn range(&self, _prefix: &RowKey) -> Vec<(&RowKey, &Row)> {
        Vec::new()
    }
}

const TOPIC: TopicName = TopicName("quizlab.events");

fn decide(value: Option<&[u8]>) -> Effects<'_> {
    let handler = IntakeHandler::new(vec![PartnerTopic { topic: TOPIC, partner: north() }], Limits::default());
    assert_eq!(handler.topics(), [TOPIC]);
    let record = Record {
        topic: TOPIC,
        partition: Partition(2),
        offset: Offset(41),
        timestamp: Timestamp(T0),
        key: Some(b"any"),
        value,
        only: None,
    };
    let input = handler.decode(&record, &Schemas::embedded()).unwrap();
    assert_eq!(handler.reads(&input), []);
    handler.decide(&input, &Snapshot::new(&[], &NoRows)).unwrap()
}

fn refused_record(value: Option<&[u8]>) -> RejectedEvent<'_> {
    let effects = decide(value);
    assert_eq!((effects.outcome, effects.emits.len()), (Outcome::Rejected, 1));
    let emit = effects.emits.into_iter().next().unwrap();
    assert_eq!((emit.topic.0, emit.key), ("gep.rejected", Key::Own("t-north\u{1f}quizlab".to_owned())));
    let Event::Rejected(event) = emit.event else { panic!("not rejected") };
    *event
}

fn code(event: &RejectedEvent<'_>) -> Vec<(&'static str, String)> {
    event.reasons.iter().map(|r| (r.reason.code(), r.path.clone())).collect()
}

fn one(code: &'static str, path: &str) -> Vec<(&'static str, String)> {
    vec![(code, path.to_owned())]
}

#[test]
fn a21_records_that_cannot_stop_the_consumer() {
    let nameless = question(&[("\"eventName\":\"collection.resource.play\",", "")]);
    assert_eq!(code(&refused_record(Some(nameless.as_bytes()))), one("missing_field", "/eventName"));
    assert_eq!(code(&refused_record(Some(&[0x7b, 0x22, 0xff, 0x22, 0x7d]))), one("bad_utf8", ""));
    let large = format!("{{\"a\":\"{}\"}}", "x".repeat(6_000_000 - 8));
    let record = refused_record(Some(large.as_bytes()));
    assert_eq!(
        (code(&record), record.original.len(), record.original_length),
        (one("too_large", ""), 65_536, 6_000_000)
    );
    assert_eq!(code(&refused_record(Some(&[b'['; 100_000]))), one("too_deep", ""));
    let nul = question(&[("\"e1\"", "\"a\\u0000b\"")]);
    assert_eq!(code(&refused_record(Some(nul.as_bytes()))), one("bad_character", "/eventId"));
    let good = question(&[]);
    let effects = decide(Some(good.as_bytes()));
    assert_eq!((effects.outcome, effects.emits[0].topic.0), (Outcome::Accepted, "gep.accepted"));
    assert_eq!(effects.emits[0].key, Key::Own("t-north\u{1f}A".to_owned()));
    let Event::Usage(event) = &effects.emits[0].event else { panic!("no usage") };
    assert_eq!(event.received_at, Timestamp(T0), "the record's timestamp");
}

#[test]
fn b8_bad_bytes_are_kept_with_their_place() {
    let record = refused_record(Some(&[0x7b, 0x22, 0xff, 0x22, 0x7d]));
    assert_eq!(record.original, [0x7b, 0x22, 0xff, 0x22, 0x7d]);
    assert_eq!(record.original_sha256, "b76c1b3ffcb6d63c567fba20ed967bdd4339cf673f441c836641d7c224159ae4");
    let place = RejectionSource::Kafka {
        topic: "quizlab.events".into(),
        partition: Partition(2),
        offset: Offset(41),
        index: 0,
    };
    assert_eq!(record.source, place);
}

#[test]
fn a_record_without_value_and_an_empty_array() {
    assert_eq!(code(&refused_record(None)), one("empty", ""));
    assert_eq!(code(&refused_record(Some(b"[]"))), one("empty", ""));
    assert_eq!(code(&refused_record(Some(b""))), one("bad_json", ""));
    assert_eq!(code(&refused_record(Some(b"[{},"))), one("bad_json", ""));
    assert_eq!(code(&refused_record(Some(b"[{\"a\":\"\xff\""))), one("bad_utf8", ""));
    let many = format!("[{}1]", "1,".repeat(1_000));
    assert_eq!(code(&refused_record(Some(many.as_bytes()))), one("too_large", ""));
}

#[test]
fn an_array_has_a_verdict_per_element_and_paths_begin_with_the_index() {
    let nameless = question(&[("\"eventName\":\"collection.resource.play\",", "")]);
    let value = format!(" [{},{nameless},{}]", question(&[]), question(&[]));
    let effects = decide(Some(value.as_bytes()));
    assert_eq!(effects.outcome, Outcome::Accepted);
    let topics: Vec<_> = effects.emits.iter().map(|e| e.topic.0).collect();
    assert_eq!(topics, ["gep.accepted", "gep.rejected"], "the third is a repeat of the first");
    let Event::Rejected(event) = &effects.emits[1].event else { panic!("not rejected") };
    assert_eq!(code(event), one("missing_field", "/1/eventName"));
    assert!(matches!(event.source, RejectionSource::Kafka { index: 1, .. }));
}
