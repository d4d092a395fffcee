//! Records that no one should send, over Kafka: on a partner's topic and on a topic of ours (delivery.md §8, A21).
//!
//! Place: one module of the integration binary. The real stages of gep run on the real log; each bad record ends with
//! its reason, the offsets pass, and its neighbours in the partition are unharmed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use da_model::event::Event;
use da_model::event::rejected::RejectionSource;
use da_model::ids::{Offset, Partition, TopicName};
use da_model::schema::{Schemas, codec};
use da_model::time::Timestamp;
use da_runtime::clock::SystemClock;
use da_runtime::commit::GroupProtocol;
use da_runtime::commit::kafka_txn::KafkaTxn;
use da_runtime::commit::sql_txn::{SqlOptions, SqlTxn};
use da_runtime::config::{self, Settings, Sources};
use da_runtime::driver::DriverOptions;
use da_runtime::io::kafka::admin::Change;
use da_runtime::io::kafka::reader::KafkaReader;
use da_runtime::io::kafka::sink::{KafkaSink, SinkBounds};
use da_runtime::io::sql::Migration;
use da_runtime::io::sql::postgres::{PostgresStore, StoreOptions};
use da_runtime::ports::{Append, Sink};
use gep::intake::{AnonymousPolicy, Partner, PartnerTopic};
use tests::cluster::broker::Broker;
use tests::cluster::database::{Database, plan};
use tests::cluster::worker::until_read;
use tests::cluster::{Slot, unique};
use tests::dsl::{self, T0};
use tests::stack::Logged;

/// Held by tests whose stages read topics of ours: what one writes there the other would read.
pub(crate) static OUR_TOPICS: Mutex<()> = Mutex::new(());

/// What a broker takes as one record where nobody says otherwise.
const BROKER_DEFAULT: usize = 1_048_588;

fn settings() -> Settings {
    let sources = Sources { file: None, environment: Vec::new() };
    config::read(&sources).unwrap_or_else(|findings| panic!("{findings:?}")).settings
}

fn partner(topic: TopicName) -> PartnerTopic {
    let partner = Partner {
        tenant: "t1".to_owned(),
        tenants: Vec::new(),
        partner: "p1".to_owned(),
        adapter: "gooru",
        anonymous: AnonymousPolicy::Reject,
        allow_extensions: false,
    };
    PartnerTopic { topic, partner }
}

/// A topic of a partner whose records may have 9 MB.
fn partner_topic(broker: &Broker) -> TopicName {
    let name = TopicName(unique("partner"));
    let configs = BTreeMap::from([("max.message.bytes".to_owned(), "9000000".to_owned())]);
    let topic = da_model::topics::full_name(name);
    broker.admin().apply(&[Change::Create { topic, partitions: 3, configs }], 1).unwrap();
    name
}

fn append(broker: &Broker, topic: TopicName, records: Vec<(&str, Option<Vec<u8>>)>) -> Vec<(Partition, Offset)> {
    let sink = KafkaSink::open(broker.settings(), &[topic], SinkBounds::default()).unwrap();
    let mut places = Vec::new();
    for (key, value) in records {
        let record = Append { topic, key: key.as_bytes().to_vec(), value, timestamp: Timestamp(T0 + 60_000) };
        let stored = sink.append(vec![record]).unwrap().blocking_recv().unwrap().unwrap();
        places.push((stored[0].1, stored[0].2));
    }
    places
}

/// All records of a topic that this test caused: those for which `mine` has an answer.
pub(crate) fn of_mine<T>(broker: &Broker, topic: &str, mine: impl Fn(&Logged) -> Option<T>) -> Vec<T> {
    let (mut reader, schemas) = (KafkaReader::open(broker.settings()).unwrap(), Arc::new(Schemas::embedded()));
    let mut found = Vec::new();
    for partition in (0..3).map(Partition) {
        let records = reader.records((topic, partition), Offset(0), usize::MAX).unwrap();
        found.extend(records.into_iter().filter_map(|record| mine(&Logged::of(record, &schemas))));
    }
    found
}

/// The id of the event that a record of ours is about; other tests leave records of nobody.
fn event_id(logged: &Logged) -> Option<String> {
    match codec::decode(&logged.value, &Schemas::embedded()).ok()?.1 {
        Event::Usage(event) => Some(event.event_id.to_string()),
        Event::Impact(signal) => Some(signal.event.event_id.to_string()),
        Event::Discrete(_)
        | Event::System(_)
        | Event::Entity(_)
        | Event::Content(_)
        | Event::Rejected(_)
        | Event::Dead(_) => None,
    }
}

fn good(event_id: &str) -> Vec<u8> {
    let mut event = dsl::play("q(s1,a1,q1)=correct 0–30").event;
    event["eventId"] = event_id.into();
    event.to_string().into_bytes()
}

/// The length of a record and of what is kept of it, by the code of its refusal and its place.
type Told = (Offset, String, usize, i64);

#[test]
fn a_partner_topic_with_the_worst_records_has_a_verdict_for_each() {
    let name = "a_partner_topic_with_the_worst_records_has_a_verdict_for_each";
    let Some(broker) = Broker::at_hand(name) else { return };
    let _alone = OUR_TOPICS.lock().unwrap_or_else(PoisonError::into_inner);
    broker.admin().apply(&broker.admin().plan(Some(3)).unwrap(), 1).unwrap();
    let topic = partner_topic(&broker);
    let event = |n: usize| unique(&format!("e{n}")).to_owned();
    let ids: Vec<String> = (0..4).map(event).collect();
    let magic = |id: u32| [&[0][..], &id.to_be_bytes(), b"anything"].concat();
    let huge = format!("{{\"eventName\":\"{}\"}}", "x".repeat(8_000_000 - 16)).into_bytes();
    assert_eq!(huge.len(), 8_000_000);
    let mut records: Vec<(&str, Option<Vec<u8>>)> = vec![("k", Some(good(&ids[0])))];
    records.extend(crate::cases::a21_poison::poison().into_iter().take(5).map(|value| ("k", Some(value))));
    records.extend([
        ("k", None),
        ("k", Some(b"\x07wrong magic".to_vec())),
        ("k", Some(magic(99_999))),
        ("k", Some(good(&ids[1]))),
        ("k", Some(huge)),
        ("k", Some(good(&ids[2]))),
        ("other", Some(good(&ids[3]))),
    ]);
    let total = records.len();
    let places = append(&broker, topic, records);

    let options = DriverOptions::new(Arc::new(SystemClock));
    let stage = gep::service::intake(&settings(), &options, vec![partner(topic)]);
    let slot = Slot::new();
    let member = broker.serving(slot, &[topic], "gep").unwrap();
    let watch = until_read(stage, Box::new(KafkaTxn::new(Box::new(member))));
    assert_eq!(watch.status().counts["gep.intake"].read, total as u64);

    let mut told: Vec<Told> = of_mine(&broker, "gep.rejected", |logged| {
        let event = logged.rejected();
        let RejectionSource::Kafka { topic: of, offset, .. } = &event.source else { return None };
        let codes: Vec<&str> = event.reasons.iter().map(|r| r.reason.code()).collect();
        (of == topic.0).then(|| (*offset, codes.join(" "), event.original.len(), event.original_length))
    });
    told.sort();
    let codes: Vec<(&str, usize, i64)> = told.iter().map(|(_, code, kept, of)| (code.as_str(), *kept, *of)).collect();
    assert_eq!(
        codes[1..],
        [
            ("bad_utf8", 5, 5),
            ("too_large", 65_536, 6_000_000),
            ("too_deep", 65_536, 100_000),
            ("bad_character", codes[4].1, codes[4].2),
            ("empty", 0, 0),
            ("bad_json", 12, 12),
            ("bad_utf8", 13, 13),
            ("too_large", 65_536, 8_000_000),
        ]
    );
    assert_eq!(codes[0].0, "missing_field");
    let refused = [1, 2, 3, 4, 5, 6, 7, 8, 10].map(|n: usize| places[n].1);
    assert_eq!(told.iter().map(|t| t.0).collect::<Vec<_>>(), refused, "each with its place");
    let mut accepted = of_mine(&broker, "gep.accepted", |logged| event_id(logged).filter(|id| ids.contains(id)));
    accepted.sort();
    assert_eq!(accepted, ids, "the neighbours are unharmed");
    let behind = broker.admin().lag(slot.group, &[topic]).unwrap();
    let at_end = |b: &da_runtime::io::kafka::admin::Behind| b.records == 0 && b.committed == Some(b.end);
    assert!(behind.len() == 3 && behind.iter().all(at_end), "every offset is passed: {behind:?}");
}

/// The processor of gep over a database.
fn processor(broker: &Broker, database: &Database) -> Box<dyn GroupProtocol> {
    let member = broker.serving(Slot { group: "gep", slot: 0 }, &[TopicName("gep.accepted")], "gep").unwrap();
    let migrations: Vec<Migration> = plan().migrations.into_iter().filter(|m| !m.name.starts_with("dep")).collect();
    let store = PostgresStore::new(StoreOptions {
        settings: database.settings(),
        group: "gep",
        owner: "gep-0".to_owned(),
        tables: gep::tables::all(),
        alone: Vec::new(),
        migrations,
    });
    Box::new(SqlTxn::new(Box::new(member), Box::new(store.unwrap()), SqlOptions::default()))
}

#[test]
fn a_topic_of_ours_with_records_of_nobody_lets_go_on_what_is_good() {
    let name = "a_topic_of_ours_with_records_of_nobody_lets_go_on_what_is_good";
    let Some(broker) = Broker::at_hand(name) else { return };
    let Some(database) = Database::migrated(name) else { return };
    let _alone = OUR_TOPICS.lock().unwrap_or_else(PoisonError::into_inner);
    broker.admin().apply(&broker.admin().plan(Some(3)).unwrap(), 1).unwrap();
    let from = TopicName("gep.accepted");
    // Good neighbours on both sides: what the intake makes of a partner's topic.
    let topic = partner_topic(&broker);
    let ids: Vec<String> = (0..4).map(|n| unique(&format!("e{n}")).to_owned()).collect();
    let pair = |n: usize| vec![("k", Some(good(&ids[n]))), ("k", Some(good(&ids[n + 1])))];
    let slot = Slot::new();
    let take_in = || {
        let options = DriverOptions::new(Arc::new(SystemClock));
        let stage = gep::service::intake(&settings(), &options, vec![partner(topic)]);
        let member = broker.serving(slot, &[topic], "gep").unwrap();
        until_read(stage, Box::new(KafkaTxn::new(Box::new(member))));
    };
    append(&broker, topic, pair(0));
    take_in();
    // The key of the good ones decides the partition of the bad ones.
    let mine = |logged: &Logged| event_id(logged).filter(|id| ids.contains(id));
    let key = of_mine(&broker, from.0, |logged| mine(logged).map(|_| logged.key.clone())).remove(0);
    let large = BROKER_DEFAULT - 200;
    let bad: Vec<Option<Vec<u8>>> = vec![
        Some(b"\x07wrong magic".to_vec()),
        Some([&[0][..], &99_999_u32.to_be_bytes(), b"no such schema"].concat()),
        None,
        Some(vec![]),
        Some(vec![0, 0]),
        Some([&[0][..], &1_u32.to_be_bytes(), b"cut"].concat()),
        Some(vec![b'x'; large]),
    ];
    append(&broker, from, bad.iter().map(|value| (key.as_str(), value.clone())).collect());
    append(&broker, topic, pair(2));
    take_in();

    let stage = gep::service::process(&settings(), &DriverOptions::new(Arc::new(SystemClock)));
    until_read(stage, processor(&broker, &database));
    let mut dead = of_mine(&broker, "gep.dead", |logged| {
        let letter = logged.dead();
        let of = (letter.offset, letter.rejection.reason.code(), letter.value.clone());
        (letter.topic == from.0 && logged.key == key).then_some(of)
    });
    dead.sort();
    let codes: Vec<&str> = dead.iter().map(|(_, code, _)| *code).collect();
    let undecodable = "undecodable";
    assert_eq!(codes, [undecodable, "schema_unknown", undecodable, undecodable, undecodable, undecodable, undecodable]);
    let kept: Vec<Option<Vec<u8>>> = dead.into_iter().map(|(_, _, value)| value).collect();
    assert!(kept == bad, "byte for byte, also the largest that the topic takes");
    let behind = broker.admin().lag("gep", &[from]).unwrap();
    assert!(behind.iter().all(|b| b.records == 0), "every offset is passed: {behind:?}");
    let mut used = of_mine(&broker, "gep.usage", mine);
    used.sort();
    assert_eq!(used, ids, "the neighbours on both sides went on");
}
