//! Client, start and translation against a registry that answers well, badly and not at all.
//!
//! Place: test code of this folder; the contract with a real registry is in tests/it/registry.rs.

mod stub;
mod waiting;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use da_model::event::system::EntityBody;
use da_model::event::{Event, Lineage, SystemEvent};
use da_model::ids::{Offset, Partition, TopicName, TopicPartition};
use da_model::outcome::Reason;
use da_model::schema::{SCHEMAS, Schemas, codec, schema_text, subject};
use da_model::time::Timestamp;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use self::stub::{Reply, Request, Stub};
use super::cache::Cache;
use super::client::{Client, Limits};
use super::error::RegistryError;
use super::translate::Translator;
use super::{Registry, RegistrySettings, StartError, ids_at_start};
use crate::clock::{ManualClock, SystemClock};
use crate::commit::{Part, Polled, Position};
use crate::io::segment::Segment;
use crate::ports::Clock;

const SHORT: Limits = Limits {
    connect: Duration::from_secs(2),
    piece: Duration::from_millis(300),
    whole: Duration::from_millis(500),
    bytes: 1 << 20,
};
const LONG: Duration = Duration::from_secs(60);

/// A folder that goes with its owner.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("da-registry-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _absent = fs::remove_dir_all(&self.0);
    }
}

fn at(url: &str) -> RegistrySettings {
    RegistrySettings { url: url.to_owned(), ..RegistrySettings::default() }
}

fn client(stub: &Stub) -> Client {
    Client::within(&at(&stub.url()), Arc::new(SystemClock), SHORT).unwrap()
}

fn says(status: u16, text: &str) -> Reply {
    Reply::Says(status, text.to_owned())
}

/// An address where nobody listens.
fn nobody() -> String {
    Stub::of(Vec::new()).url()
}

#[test]
fn trouble_of_the_registry_is_asked_again_until_it_passes() {
    let troubles = Mutex::new(vec![
        says(200, r#"{"schema": "\"int\""}"#),
        says(500, "<html>"),
        says(429, r#"{"error_code": 42901, "message": "slower"}"#),
        Reply::Gone,
        says(503, ""),
        says(500, r#"{"error_code": 50001, "message": "store"}"#),
    ]);
    let stub = Stub::start(move |_| troubles.lock().unwrap().pop().unwrap());
    let found = client(&stub).patient(LONG).schema(7);
    assert_eq!(found, Ok(Some(r#""int""#.to_owned())));
    assert_eq!(stub.seen().len(), 6);
    assert!(stub.seen().iter().all(|request| request.line == "GET /apis/v7/schemas/ids/7?deleted=true"));
}

#[test]
fn a_numbered_answer_is_definite_and_asked_for_once() {
    let cases: &[(u16, &str, &str)] = &[
        (409, r#"{"error_code": 40901, "message": "field x"}"#, "field x"),
        (409, r#"{"error_code": 409, "message": "field x"}"#, "earlier version"),
        (422, r#"{"error_code": 42201, "message": "what"}"#, "takes it for no Avro schema: what"),
        (404, r#"{"error_code": 40401, "message": ""}"#, "the registry has no such subject"),
    ];
    for (status, text, expected) in cases {
        let stub = Stub::start(|_| says(*status, text));
        let refused = client(&stub).patient(LONG).register("s-value", "{}").unwrap_err();
        assert!(refused.is_definite() && !refused.is_passing(), "{refused}");
        assert!(refused.to_string().contains(expected), "{expected}: {refused}");
        assert_eq!(stub.seen().len(), 1);
    }
    let none = Stub::of(Vec::new());
    let client = client(&none);
    assert_eq!((client.schema(1), client.id_of("s-value", "{}")), (Ok(None), Ok(None)));
    assert_eq!((client.level("s-value"), client.versions("s-value")), (Ok(None), Ok(Vec::new())));
}

#[test]
fn an_answer_without_a_number_is_neither_yes_nor_no() {
    let cases = [
        (says(404, "<html>no such page</html>"), "base path"),
        (says(404, r#"{"error_code": 404, "message": "HTTP 404 Not Found"}"#), "base path"),
        (says(401, ""), "registry.password_file"),
        (says(403, ""), "registry.password_file"),
        (says(301, ""), "status 301"),
        (says(200, "{}"), "not as agreed"),
        (says(200, &"[".repeat(100_000)), "not as agreed"),
        (says(200, r#"{"schema": 7}"#), "not as agreed"),
    ];
    for (reply, expected) in cases {
        let reply = Mutex::new(Some(reply));
        let stub = Stub::start(move |_| reply.lock().unwrap().take().unwrap());
        let strange = client(&stub).patient(LONG).schema(1).unwrap_err();
        assert!(!strange.is_definite() && !strange.is_passing(), "{strange}");
        assert!(strange.to_string().contains(expected), "{expected}: {strange}");
    }
    let other = Stub::start(|_| says(200, r#"{"schema": "syntax", "schemaType": "PROTOBUF"}"#));
    assert!(client(&other).schema(1).unwrap_err().to_string().contains("PROTOBUF"));
}

#[test]
fn answers_are_bounded_in_size_and_time() {
    let endless = Stub::start(|_| Reply::Endless);
    let told = client(&endless).schema(1).unwrap_err();
    assert!(told.to_string().contains("longer than 1048576 bytes"), "{told}");
    let drip = Stub::start(|_| Reply::Drip);
    let told = client(&drip).schema(1).unwrap_err();
    assert!(told.is_passing() && told.to_string().contains("longer than 500 ms"), "{told}");
    let silence = Stub::start(|_| Reply::Silence);
    assert!(client(&silence).schema(1).unwrap_err().is_passing());
    let rude = Stub::start(|_| says(409, &format!(r#"{{"error_code": 409, "message": "{}"}}"#, "x".repeat(9_000))));
    assert!(client(&rude).register("s", "{}").unwrap_err().to_string().len() < 700);
}

#[test]
fn without_patience_an_outage_is_not_waited_for_each_time() {
    let clock = Arc::new(ManualClock::new(Timestamp(0)));
    let stub = Stub::start(|_| Reply::Gone);
    let client = Client::within(&at(&stub.url()), Arc::<ManualClock>::clone(&clock), SHORT).unwrap();
    assert!(client.schema(1).unwrap_err().is_passing());
    let told = client.schema(1).unwrap_err();
    assert!(told.is_passing() && told.to_string().contains("a moment ago"), "{told}");
    assert_eq!(stub.seen().len(), 1);
    clock.advance(100);
    assert!(client.schema(1).is_err());
    assert_eq!(stub.seen().len(), 2);
    client.hurry();
    assert!(client.patient(LONG).schema(1).unwrap_err().is_passing(), "a stop ends the wait");
}

#[test]
fn settings_that_cannot_be_used_are_named() {
    let folder = Folder::new();
    fs::create_dir_all(&folder.0).unwrap();
    let (password, junk) = (folder.0.join("password"), folder.0.join("junk.pem"));
    fs::write(&password, "secret\n").unwrap();
    fs::write(&junk, "no certificate").unwrap();
    let made = |change: &dyn Fn(&mut RegistrySettings)| {
        let mut settings = at("https://registry:8085/v7");
        change(&mut settings);
        Client::new(&settings, Arc::new(SystemClock)).unwrap_err().to_string()
    };
    assert!(made(&|s| s.url = "registry:8085".into()).contains("must begin with http://"));
    assert!(made(&|s| s.url = "http://u:p@registry".into()).contains("must not hold a password"));
    assert!(made(&|s| s.url = "http://registry?x".into()).contains("without a query"));
    assert!(made(&|s| s.username = Some("u".into())).contains("belong together"));
    let absent = |s: &mut RegistrySettings| s.ca_file = Some(PathBuf::from("no-such.pem"));
    assert!(made(&absent).contains("registry.ca_file: no-such.pem cannot be read"));
    assert!(made(&|s| s.ca_file = Some(junk.clone())).contains("no certificate in PEM form"));

    let stub = Stub::start(|_| says(200, "[]"));
    let (username, password_file) = (Some("u".to_owned()), Some(password));
    let settings = RegistrySettings { username, password_file, ..at(&format!("{}/", stub.url())) };
    let client = Client::new(&settings, Arc::new(SystemClock)).unwrap();
    assert_eq!(client.subjects(), Ok(0));
    let Request { line, login, .. } = stub.seen().remove(0);
    assert_eq!((line.as_str(), login.as_str()), ("GET /apis/v7/subjects", "Basic dTpzZWNyZXQ="));
    assert!(!format!("{client:?}").contains("secret"));
}

/// Answers as a registry in which every schema of ours is registered: its embedded id above `base`.
fn full(base: u32) -> Stub {
    Stub::start(move |request| {
        let body: Json = serde_json::from_str(&request.body).unwrap();
        let sent: Json = serde_json::from_str(body["schema"].as_str().unwrap()).unwrap();
        let text = |name: &str| serde_json::from_str::<Json>(schema_text(name).unwrap()).unwrap();
        let known = SCHEMAS.iter().find(|(name, _)| text(name) == sent);
        let (name, id) = known.unwrap();
        assert!(
            subject::all().any(|(s, n)| n == *name && request.line.contains(&format!("/subjects/{s}?deleted=false")))
        );
        says(200, &json!({"id": base + id, "version": 1}).to_string())
    })
}

#[test]
fn a_start_takes_the_ids_of_the_registry_and_then_those_of_the_disk() {
    let folder = Folder::new();
    let stub = full(100);
    let (asked, url) = (client(&stub), stub.url());
    let cache = Cache::of(&folder.0, &url);
    let schemas = ids_at_start(&asked, &cache).unwrap();
    for (name, id) in SCHEMAS {
        assert_eq!((schemas.id_of(name), schemas.name_of(100 + id)), (100 + id, Some(*name)));
    }
    assert_eq!(schemas.name_of(1), None);
    assert_eq!(stub.seen().len(), subject::all().count());
    drop(stub);
    asked.hurry();
    let again = ids_at_start(&asked, &cache).unwrap();
    assert_eq!(again.id_of("de.view"), 110);

    let elsewhere = Cache::of(&folder.0, "http://another");
    let told = ids_at_start(&asked, &elsewhere).unwrap_err();
    assert!(
        matches!(&told, StartError::NotCached { subject, .. } if subject.ends_with("gep.accepted-value")),
        "{told}"
    );
    assert!(told.to_string().contains("start once while the registry answers"), "{told}");
}

#[test]
fn a_registry_that_was_built_anew_is_believed() {
    let folder = Folder::new();
    let first = full(100);
    let cache = Cache::of(&folder.0, "http://the-same");
    ids_at_start(&client(&first), &cache).unwrap();
    cache.keep_schema(7, "\"int\"").unwrap();
    ids_at_start(&client(&first), &cache).unwrap();
    assert_eq!(cache.schema(7).as_deref(), Some("\"int\""));
    let second = full(200);
    let schemas = ids_at_start(&client(&second), &cache).unwrap();
    assert_eq!(schemas.id_of("accepted"), 201);
    assert_eq!(cache.schema(7), None, "ids of the old registry mean nothing in the new one");
    let (text, subject) = (schema_text("accepted").unwrap(), subject::value_subject(TopicName("gep.accepted")));
    assert_eq!(cache.id_of(&subject, text), Some(201));
}

#[test]
fn a_schema_that_is_not_registered_stops_the_start_with_what_to_do() {
    let folder = Folder::new();
    let none = Stub::of(Vec::new());
    let told = ids_at_start(&client(&none), &Cache::of(&folder.0, &none.url())).unwrap_err().to_string();
    for part in ["gep.accepted-value", "more subjects", "da schemas register --registry http://127.0.0.1"] {
        assert!(told.contains(part), "{part}: {told}");
    }
}

#[test]
fn a_cache_that_was_damaged_counts_as_empty() {
    let folder = Folder::new();
    let cache = Cache::of(&folder.0, "u");
    cache.keep_ids(&[("s".to_owned(), "t", 5)]).unwrap();
    assert_eq!((cache.id_of("s", "t"), cache.id_of("s", "other"), cache.id_of("x", "t")), (Some(5), None, None));
    fs::write(cache.folder().join("ids.json"), "{\"registry\": \"u\", \"ids\"").unwrap();
    assert_eq!(cache.id_of("s", "t"), None);
    cache.keep_ids(&[("s".to_owned(), "t", 6)]).unwrap();
    assert_eq!(cache.id_of("s", "t"), Some(6));
    let left: Vec<_> = fs::read_dir(cache.folder()).unwrap().map(|f| f.unwrap().file_name()).collect();
    assert_eq!(left, ["ids.json"], "no half-written file is left");
}

const SYSTEM: TopicName = TopicName("gep.system");

fn joined() -> SystemEvent<'static> {
    let body = EntityBody {
        tenant_id: "t".into(),
        entity: "class".into(),
        entity_id: "c".into(),
        action: "joined".into(),
        at: Timestamp(1),
        actor_id: None,
        learner_id: None,
        parent_id: None,
        course_id: None,
        unit_id: None,
        lesson_id: None,
        class_id: None,
        format: None,
        data: Vec::new(),
    };
    SystemEvent { event_key: Uuid::nil(), received_at: Timestamp(1), body }
}

/// A value of ours, and the same as a newer writer of id 77 writes it: with a string behind all we know.
fn values(schemas: &Schemas) -> (Vec<u8>, Vec<u8>, String) {
    let mut ours = Vec::new();
    let lineage = Lineage::of_intake(Uuid::nil(), Timestamp(1));
    codec::encode(&Event::System(Box::new(joined())), &lineage, schemas, &mut ours);
    let mut newer = ours.clone();
    newer[1..5].copy_from_slice(&77_u32.to_be_bytes());
    newer.extend([6, b'n', b'e', b'w']);
    let mut schema: Json = serde_json::from_str(schema_text("system").unwrap()).unwrap();
    schema["fields"].as_array_mut().unwrap().push(json!({"name": "last", "type": "string", "default": ""}));
    (ours, newer, schema.to_string())
}

fn polled(values: &[&[u8]]) -> Polled {
    let at = TopicPartition { topic: SYSTEM, partition: Partition(3) };
    let mut segment = Segment::new(Offset(10));
    values.iter().for_each(|value| segment.push(Timestamp(1), None, Some(value)));
    let spans = vec![(Arc::new(segment), 0..values.len())];
    Polled { parts: vec![Part { at, position: Position::default(), spans }], set_aside: false }
}

fn translator(folder: &Path, registry: Client, clock: Arc<dyn Clock>) -> Translator {
    let cache = Cache::of(folder, "the-registry");
    Translator::new(Box::new(registry), cache, clock)
}

#[test]
fn a_record_of_a_newer_writer_is_brought_into_ours_also_through_an_outage() {
    let (folder, schemas) = (Folder::new(), Schemas::embedded());
    let (ours, newer, schema) = values(&schemas);
    let text = json!({"schema": schema}).to_string();
    let stub = Stub::of(vec![("GET /apis/v7/schemas/ids/77?".to_owned(), text)]);
    let clock = Arc::new(SystemClock);
    let batch = polled(&[&ours, &newer, &newer]);
    let brought = translator(&folder.0, client(&stub), clock.clone()).batch(&batch, &schemas).unwrap();
    let seen: Vec<_> = batch.records().map(|record| brought.of(&record).cloned()).collect();
    assert_eq!(seen, [None, Some(Ok(ours.clone())), Some(Ok(ours.clone()))]);
    assert_eq!(stub.seen().len(), 1, "asked once for both");
    drop(stub);
    let away = Client::within(&at(&nobody()), clock.clone(), SHORT).unwrap();
    let later = translator(&folder.0, away, clock).batch(&batch, &schemas).unwrap();
    assert_eq!(later.of(&batch.records().nth(1).unwrap()), Some(&Ok(ours)), "the disk knows the writer's schema");
}

#[test]
fn an_unknown_schema_waits_while_the_registry_is_away_and_refuses_once_it_says_none() {
    let (folder, schemas) = (Folder::new(), Schemas::embedded());
    let (_, newer, schema) = values(&schemas);
    let clock = Arc::new(ManualClock::new(Timestamp(0)));
    let away = Client::within(&at(&nobody()), clock.clone(), SHORT).unwrap();
    let batch = polled(&[&newer]);
    let waits = translator(&folder.0, away, clock.clone()).batch(&batch, &schemas).unwrap_err();
    assert_eq!((waits.at.topic, waits.at.partition), (SYSTEM, Partition(3)));
    assert!(matches!(waits.cause, RegistryError::Away { .. }), "{}", waits.cause);

    let said = Arc::new(Mutex::new(None::<String>));
    let answer = Arc::clone(&said);
    let stub = Stub::start(move |_| match &*answer.lock().unwrap() {
        Some(text) => says(200, text),
        None => says(404, r#"{"error_code": 40403, "message": "Schema 77 not found"}"#),
    });
    let registry = Client::within(&at(&stub.url()), clock.clone(), SHORT).unwrap();
    let translator = translator(&folder.0, registry, clock.clone());
    let of = |translator: &Translator| {
        let brought = translator.batch(&batch, &schemas).unwrap();
        brought.of(&batch.records().next().unwrap()).cloned().unwrap()
    };
    let refused = of(&translator).unwrap_err();
    assert_eq!(refused.reason, Reason::SchemaUnknown);
    assert!(refused.detail.contains("id 77"), "{}", refused.detail);
    *said.lock().unwrap() = Some(json!({"schema": schema}).to_string());
    assert!(of(&translator).is_err(), "believed for a while");
    assert_eq!(stub.seen().len(), 1);
    clock.advance(10_001);
    assert!(of(&translator).is_ok(), "registered late");
}

#[test]
fn a_wrong_schema_refuses_the_record_and_is_not_kept() {
    struct Fixed(BTreeMap<u32, String>);
    impl Registry for Fixed {
        fn schema(&self, id: u32) -> Result<Option<String>, RegistryError> {
            Ok(self.0.get(&id).cloned())
        }
        fn id_of(&self, _: &str, _: &str) -> Result<Option<u32>, RegistryError> {
            Ok(None)
        }
    }
    let (folder, schemas) = (Folder::new(), Schemas::embedded());
    let (_, newer, _) = values(&schemas);
    let cache = Cache::of(&folder.0, "u");
    for text in ["{", "\"int\"", schema_text("usage").unwrap()] {
        let registry = Box::new(Fixed(BTreeMap::from([(77, text.to_owned())])));
        let translator = Translator::new(registry, cache.clone(), Arc::new(SystemClock));
        let batch = polled(&[&newer]);
        let brought = translator.batch(&batch, &schemas).unwrap();
        let refused = brought.of(&batch.records().next().unwrap()).unwrap().clone().unwrap_err();
        assert_eq!(refused.reason, Reason::Undecodable, "{text}");
        assert_eq!(cache.schema(77), None);
    }
}
