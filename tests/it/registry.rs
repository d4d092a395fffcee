//! The schema registry as services and `da schemas` meet it: a real one where `REGISTRY_URL` names one, TLS by openssl.
//!
//! Place: one module of the integration binary. What a registry may do wrong is tested in da-runtime against a stub.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use da_model::event::system::EntityBody;
use da_model::event::{Event, Lineage, SystemEvent};
use da_model::ids::{Offset, Partition, TopicName, TopicPartition};
use da_model::outcome::Reason;
use da_model::schema::{SCHEMAS, codec, schema_text, subject};
use da_model::time::Timestamp;
use da_runtime::clock::SystemClock;
use da_runtime::commit::{Part, Polled, Position};
use da_runtime::io::segment::Segment;
use da_runtime::ports::Member;
use da_runtime::probe::Silent;
use da_runtime::registry::cache::Cache;
use da_runtime::registry::client::Client;
use da_runtime::registry::error::RegistryError;
use da_runtime::registry::{LEVEL, RegistrySettings, ids_at_start, open};
use da_runtime::tls;
use serde_json::{Value, json};
use tests::cluster::broker::Broker;
use tests::cluster::memory::Memory;
use tests::cluster::{Cluster, Slot};
use tests::measure;
use uuid::Uuid;

use crate::cli::da;

/// A folder that goes with its owner.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("da-registry-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _absent = fs::remove_dir_all(&self.0);
    }
}

/// The registry at hand, or a line that says what was skipped.
#[expect(clippy::disallowed_methods, reason = "where the stack runs is told to tests by the environment")]
fn at_hand(test: &str) -> Option<String> {
    let url = std::env::var("REGISTRY_URL").ok();
    if url.is_none() {
        eprintln!("skipped: {test}, because REGISTRY_URL names no registry");
    }
    url
}

fn settings(url: &str, folder: &Path) -> RegistrySettings {
    RegistrySettings { url: url.to_owned(), cache_dir: folder.to_owned(), ..RegistrySettings::default() }
}

fn client(url: &str) -> Client {
    let client = Client::new(&settings(url, Path::new("unused")), Arc::new(SystemClock)).unwrap();
    client.patient(Duration::from_secs(10))
}

/// A subject that nobody else has.
fn subject(of: &str) -> String {
    format!("contract.{of}.{}-{}-value", std::process::id(), Uuid::from_bytes(rand_bytes()).simple())
}

fn rand_bytes() -> [u8; 16] {
    use std::hash::{BuildHasher, RandomState};
    let half = || RandomState::new().hash_one(0).to_be_bytes();
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&half());
    bytes[8..].copy_from_slice(&half());
    bytes
}

/// The schema of system events with one field more.
fn with_field(field: &Value) -> String {
    let mut schema: Value = serde_json::from_str(schema_text("system").unwrap()).unwrap();
    schema["fields"].as_array_mut().unwrap().push(field.clone());
    schema.to_string()
}

/// As its next version may have it.
fn newer() -> String {
    with_field(&json!({"name": "last", "type": "string", "default": ""}))
}

/// How many fields it has then.
fn fields() -> usize {
    serde_json::from_str::<Value>(&newer()).unwrap()["fields"].as_array().unwrap().len()
}

#[test]
fn a_registry_keeps_the_contract() {
    let Some(url) = at_hand("a_registry_keeps_the_contract") else { return };
    let (registry, subject) = (client(&url), subject("keeps"));
    let text = schema_text("system").unwrap();
    assert_eq!(registry.id_of(&subject, text), Ok(None));
    assert_eq!(registry.versions(&subject), Ok(Vec::new()));
    assert_eq!(registry.schema(u32::MAX >> 1), Ok(None), "an id that nobody gave");
    let id = registry.register(&subject, text).unwrap();
    registry.set_level(&subject, LEVEL).unwrap();
    assert_eq!(registry.level(&subject), Ok(Some(LEVEL.to_owned())));
    assert_eq!(registry.register(&subject, text), Ok(id), "a repeat changes nothing");
    assert_eq!(registry.id_of(&subject, text), Ok(Some(id)));
    let known: Value = serde_json::from_str(&registry.schema(id).unwrap().unwrap()).unwrap();
    assert_eq!(known, serde_json::from_str::<Value>(text).unwrap());
    let second = registry.register(&subject, &newer()).unwrap();
    assert_ne!(second, id);
    let versions: Vec<(u32, u32)> =
        registry.versions(&subject).unwrap().iter().map(|version| (version.version, version.id)).collect();
    assert_eq!(versions, [(1, id), (2, second)]);
    assert!(registry.subjects().unwrap() >= 1);
}

#[test]
fn a_schema_that_breaks_an_earlier_one_is_refused() {
    let Some(url) = at_hand("a_schema_that_breaks_an_earlier_one_is_refused") else { return };
    let (registry, subject) = (client(&url), subject("refuses"));
    registry.register(&subject, schema_text("system").unwrap()).unwrap();
    registry.set_level(&subject, LEVEL).unwrap();
    let broken = with_field(&json!({"name": "novelty", "type": "string"}));
    let refused = registry.register(&subject, &broken).unwrap_err();
    let RegistryError::Incompatible { said, .. } = &refused else { panic!("{refused}") };
    let place = format!("/fields/{}", fields() - 1);
    assert!(said.contains("novelty") || said.contains(&place), "the field at fault: {said}");
    let none = registry.register(&subject, r#"{"type": "record"}"#).unwrap_err();
    assert!(none.is_definite(), "{none}");
}

/// What `da --json schemas …` prints, and how it ends.
fn schemas(arguments: &[&str], url: &str) -> (i32, Vec<Value>, String) {
    let out = da().args(["--json", "schemas"]).args(arguments).args(["--registry", url]).output().unwrap();
    let lines = String::from_utf8(out.stdout).unwrap();
    let values = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (out.status.code().unwrap(), values, String::from_utf8(out.stderr).unwrap())
}

#[test]
fn a_deployment_registers_and_services_start_with_its_ids_also_through_an_outage() {
    let test = "a_deployment_registers_and_services_start_with_its_ids_also_through_an_outage";
    let Some(url) = at_hand(test) else { return };
    let (code, first, told) = schemas(&["register"], &url);
    assert_eq!((code, first.len()), (0, subject::all().count()), "{told}");
    assert!(first.iter().all(|row| row["id"].is_u64() && row["level"] == LEVEL && row["done"] == true), "{first:?}");
    let (code, again, _) = schemas(&["register"], &url);
    let ids = |rows: &[Value]| rows.iter().map(|row| row["id"].clone()).collect::<Vec<_>>();
    assert_eq!((code, ids(&again)), (0, ids(&first)));
    assert!(again.iter().all(|row| row["changes"] == json!([])));
    let (code, plan, _) = schemas(&["plan"], &url);
    assert_eq!((code, ids(&plan)), (0, ids(&first)));

    let folder = Folder::new("start");
    let (ids_now, _) = open(&settings(&url, &folder.0), Arc::new(SystemClock)).unwrap();
    for (name, _) in SCHEMAS {
        let id = ids_now.id_of(name);
        assert_eq!(ids_now.name_of(id), Some(*name));
        assert!(first.iter().any(|row| row["schema"] == *name && row["id"] == id), "{name} {id}");
    }
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let away = client(&format!("http://{gone}"));
    let later = ids_at_start(&away, &Cache::of(&folder.0, &url)).unwrap();
    assert!(SCHEMAS.iter().all(|(name, _)| later.id_of(name) == ids_now.id_of(name)));
}

#[test]
fn a_record_of_a_newer_writer_is_read_and_one_of_an_unknown_schema_refused() {
    let test = "a_record_of_a_newer_writer_is_read_and_one_of_an_unknown_schema_refused";
    let Some(url) = at_hand(test) else { return };
    assert_eq!(schemas(&["register"], &url).0, 0);
    let id = client(&url).register(&subject("newer"), &newer()).unwrap();
    let folder = Folder::new("newer");
    let (ids, translator) = open(&settings(&url, &folder.0), Arc::new(SystemClock)).unwrap();
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
    let event = Event::System(Box::new(SystemEvent { event_key: Uuid::nil(), received_at: Timestamp(1), body }));
    let mut ours = Vec::new();
    codec::encode(&event, &Lineage::of_intake(Uuid::nil(), Timestamp(1)), &ids, &mut ours);
    let foreign = |id: u32| [&[0], &id.to_be_bytes()[..], &ours[5..], &[6, b'n', b'e', b'w']].concat();
    let mut segment = Segment::new(Offset(0));
    for value in [&ours, &foreign(id), &foreign(u32::MAX >> 1)] {
        segment.push(Timestamp(1), None, Some(value));
    }
    let at = TopicPartition { topic: TopicName("gep.system"), partition: Partition(0) };
    let polled = Polled {
        parts: vec![Part { at, position: Position::default(), spans: vec![(Arc::new(segment), 0..3)] }],
        set_aside: false,
    };
    let brought = translator.batch(&polled, &ids).unwrap();
    let seen: Vec<_> = polled.records().map(|record| brought.of(&record).cloned()).collect();
    assert_eq!((&seen[0], &seen[1]), (&None, &Some(Ok(ours.clone()))));
    let refused = seen[2].clone().unwrap().unwrap_err();
    assert_eq!(refused.reason, Reason::SchemaUnknown, "{refused}");
}

#[test]
fn commands_say_what_is_wrong_with_schemas_and_registries() {
    let run = |arguments: &[&str]| {
        let out = da().current_dir(measure::root()).arg("schemas").args(arguments).output().unwrap();
        let told = String::from_utf8([out.stdout, out.stderr].concat()).unwrap();
        (out.status.code().unwrap(), told)
    };
    let (code, told) = run(&["check"]);
    assert!(code == 0 && told.contains("12 schemas, 0 findings"), "{told}");
    let folder = Folder::new("check");
    let view = folder.0.join("de.view");
    fs::create_dir_all(&view).unwrap();
    fs::write(view.join("v1.avsc"), schema_text("de.view").unwrap()).unwrap();
    let broken = schema_text("de.view").unwrap().replacen(r#""name": "eventId""#, r#""name": "eventIdent""#, 1);
    fs::write(view.join("v2.avsc"), broken).unwrap();
    let (code, told) = run(&["check", "--folder", folder.0.to_str().unwrap()]);
    assert!(code == 1 && told.contains("de.view: v2: field `eventIdent` cannot be read from version 1"), "{told}");
    let (code, told) = run(&["check", "--folder", "no-such-folder"]);
    assert!(code == 3 && told.contains("no-such-folder"), "{told}");
    let (code, told) = run(&["plan"]);
    assert!(code == 2 && told.contains("DA__REGISTRY__URL"), "{told}");
    let (code, told) = run(&["plan", "--registry", "ftp://x"]);
    assert!(code == 2 && told.contains("must begin with http://"), "{told}");
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (code, told) = run(&["register", "--registry", &format!("http://{gone}")]);
    assert!(code == 3 && told.contains("the registry is away"), "{told}");
}

/// A server that speaks TLS and knows one page.
struct Server(Child, u16);

impl Server {
    fn start(folder: &Path) -> Self {
        let page = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\nconnection: close\r\n\r\n[\"a\",\"b\"]";
        fs::write(folder.join("subjects"), page).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let accept = format!("127.0.0.1:{port}");
        let mut command = openssl(folder, &["s_server", "-HTTP", "-cert", "own.pem", "-key", "own.key"]);
        let mut child = command.args(["-accept", &accept]).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = lines.map_while(Result::ok).any(|line| line.starts_with("ACCEPT"));
        assert!(ready, "openssl serves");
        Self(child, port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ended = self.0.kill().and_then(|()| self.0.wait());
    }
}

fn openssl(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("openssl");
    command.current_dir(folder).args(arguments).stdin(Stdio::null()).stderr(Stdio::null());
    command
}

#[test]
fn a_registry_behind_tls_is_believed_with_its_authority_only() {
    tls::install();
    let folder = Folder::new("tls");
    fs::write(folder.0.join("names"), "subjectAltName=IP:127.0.0.1").unwrap();
    let new = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    let made = [
        [&new[..], &["-x509", "-subj", "/CN=ours", "-keyout", "ours.key", "-out", "ours.pem"]].concat(),
        [&new[..], &["-x509", "-subj", "/CN=other", "-keyout", "other.key", "-out", "other.pem"]].concat(),
        [&new[..], &["-subj", "/CN=own", "-keyout", "own.key", "-out", "own.csr"]].concat(),
        ["x509", "-req", "-in", "own.csr", "-extfile", "names", "-out", "own.pem"]
            .into_iter()
            .chain(["-CA", "ours.pem", "-CAkey", "ours.key", "-CAcreateserial"])
            .collect(),
    ];
    if !made.iter().all(|arguments| openssl(&folder.0, arguments).status().is_ok_and(|status| status.success())) {
        eprintln!("skipped: a_registry_behind_tls_is_believed_with_its_authority_only, because openssl is not at hand");
        return;
    }
    let server = Server::start(&folder.0);
    let asked = |ca: Option<&str>| {
        let ca_file = ca.map(|name| folder.0.join(name));
        let settings = RegistrySettings { ca_file, ..settings(&format!("https://127.0.0.1:{}", server.1), &folder.0) };
        Client::new(&settings, Arc::new(SystemClock)).unwrap().subjects()
    };
    assert_eq!(asked(Some("ours.pem")), Ok(2));
    let told = asked(Some("other.pem")).unwrap_err();
    assert!(matches!(told, RegistryError::Untrusted { .. }), "{told}");
    assert!(told.to_string().contains("registry.ca_file") && told.to_string().contains("other.pem"), "{told}");
    let told = asked(None).unwrap_err();
    assert!(matches!(told, RegistryError::Untrusted { .. }), "{told}");
}

/// Polls until a partition brings something; what it brought, by partition.
fn polled_until(member: &mut dyn Member, wanted: u32) -> Vec<u32> {
    let mut seen = Vec::new();
    for _poll in 0..300 {
        let fetched = member.poll(10, Duration::from_millis(100)).unwrap();
        let begin: Vec<_> = fetched.assigned.iter().map(|at| (*at, Offset(0))).collect();
        if !begin.is_empty() {
            member.start(&begin).unwrap();
        }
        seen.extend(fetched.segments.iter().map(|(at, _)| at.partition.0));
        if seen.contains(&wanted) {
            return seen;
        }
    }
    panic!("partition {wanted} brings nothing; seen {seen:?}");
}

fn a_partition_left_out_is_fetched_again_once_it_is_not(cluster: &dyn Cluster) {
    let topic = cluster.topic(2);
    let mut member = cluster.member(Slot::new(), &[topic], Arc::new(Silent)).unwrap();
    cluster.append(topic, &[(0, "a"), (1, "b")]);
    polled_until(&mut *member, 0);
    let out = [TopicPartition { topic, partition: Partition(0) }];
    member.stall(&out).unwrap();
    cluster.append(topic, &[(0, "c"), (1, "d"), (1, "e")]);
    let seen = polled_until(&mut *member, 1);
    assert!(!seen.contains(&0), "{seen:?}");
    member.stall(&out).unwrap();
    cluster.append(topic, &[(1, "f")]);
    assert!(!polled_until(&mut *member, 1).contains(&0));
    member.stall(&[]).unwrap();
    polled_until(&mut *member, 0);
    member.close();
}

#[test]
fn in_memory_a_partition_left_out_is_fetched_again_once_it_is_not() {
    a_partition_left_out_is_fetched_again_once_it_is_not(&Memory::default());
}

#[test]
fn on_kafka_a_partition_left_out_is_fetched_again_once_it_is_not() {
    let test = "on_kafka_a_partition_left_out_is_fetched_again_once_it_is_not";
    if let Some(broker) = Broker::at_hand(test) {
        a_partition_left_out_is_fetched_again_once_it_is_not(&broker);
    }
}
