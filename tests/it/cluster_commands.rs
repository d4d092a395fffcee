//! What a deployment and an operator do with `da` on a cluster: topics, tables, schemas, growth, lag, records, audit.
//!
//! Place: one module of the integration binary. Commands spell the names of topics as they are, so the one broker here
//! runs for this test alone and goes with it; database and registry are those at hand. Skipped where there are none.

use std::fs;

use da_model::fault::Fault;
use da_model::topics;
use da_runtime::app::{Drain, Listeners};
use da_runtime::clock::SystemClock;
use da_runtime::cluster::{Ground, Service};
use da_runtime::config::{self, Settings, Sources};
use da_runtime::ports::Clock;
use da_runtime::stop::{Phase, Stop};
use da_runtime::worker::Beside;
use serde_json::Value;
use tests::cluster::database::Database;
use tests::fleet::servers::{Servers, Started};
use tests::stack::servers::told;

use crate::cli::{Folder, text};

type Run = fn(Service) -> Result<Drain, Fault>;
const SERVICES: [(&str, Run); 3] =
    [("gep", gep::service::run), ("demux", demux::service::run), ("dep", dep::service::run)];

/// A cluster with nothing in it, and the folder from which `da` is run on it.
struct Site {
    database: Database,
    settings: Settings,
    // Runs of the broker lie in it.
    _broker: Servers,
    folder: Folder,
}

/// Services on threads of the test.
struct Services {
    url: String,
    stops: Vec<Stop>,
    threads: Vec<Beside<Result<Drain, Fault>>>,
}

impl Site {
    fn new(test: &str) -> Option<Self> {
        told(test, "KAFKA_BOOTSTRAP")?;
        let (registry, database) = (told(test, "REGISTRY_URL")?, Database::at_hand(test)?);
        let folder = Folder::new("cluster-commands");
        let broker = match Servers::broker(&folder.path().join("run")).unwrap() {
            Started::Here(broker) => broker,
            Started::Missing(what) => {
                eprintln!("skipped: {test}, because {what}");
                return None;
            }
        };
        let yaml = format!(
            "http: {{listen: '127.0.0.1:0'}}\nadmin: {{listen: '127.0.0.1:0'}}\nembedded: {{dir: '{dir}/da-data'}}\n\
             kafka: {{bootstrap: '{}'}}\npostgres: {{url: '{}'}}\n\
             registry: {{url: '{registry}', cache_dir: '{dir}/registry'}}\n",
            broker.address("KAFKA_BOOTSTRAP").unwrap(),
            database.settings().url,
            dir = folder.path().display(),
        );
        fs::write(folder.path().join("da.yaml"), &yaml).unwrap();
        let sources = Sources { file: Some(("da.yaml".to_owned(), yaml)), environment: Vec::new() };
        let settings = config::read(&sources).unwrap_or_else(|findings| panic!("{findings:?}")).settings;
        Some(Self { database, settings, _broker: broker, folder })
    }

    /// The exit code, the lines and the words of complaint of a command.
    fn da(&self, words: &[&str]) -> (i32, Vec<Value>, String) {
        let output = self.folder.run(&[&["--json"], words].concat());
        let lines = text(&output.stdout);
        let lines = lines.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}")));
        (output.status.code().unwrap(), lines.collect(), text(&output.stderr))
    }

    /// Its lines, where it ends with this code.
    fn ends(&self, code: i32, words: &[&str]) -> Vec<Value> {
        let (found, lines, complaint) = self.da(words);
        assert_eq!(found, code, "da {}: {lines:?} {complaint}", words.join(" "));
        lines
    }

    /// Starts services with these roles, or all of theirs.
    fn start(&self, names: &[&str], roles: &[&str]) -> Services {
        let mut settings = self.settings.clone();
        settings.cluster.service.roles = roles.iter().map(|role| (*role).to_owned()).collect();
        let listeners = Listeners::bind(&settings).unwrap();
        let url = format!("http://{}", listeners.public_address().unwrap());
        let (mut listeners, mut services) = (Some(listeners), Services { url, stops: Vec::new(), threads: Vec::new() });
        for (name, run) in SERVICES.into_iter().filter(|(name, _)| names.contains(name)) {
            let (settings, stop) = (settings.clone(), Stop::new());
            services.stops.push(stop.clone());
            let ground = Ground { stop, listeners: listeners.take_if(|_| name == "gep"), ..Ground::default() };
            let work = move || Service::open(name, settings, ground).and_then(run);
            services.threads.push(Beside::start(name, work).unwrap());
        }
        services
    }
}

impl Services {
    fn stop(self) {
        self.stops.iter().for_each(|stop| stop.raise(Phase::Leaving));
        for thread in self.threads {
            assert_eq!(thread.join().unwrap().unwrap(), Drain::Complete);
        }
    }
}

/// What each line says under a name.
fn texts<'a>(lines: &'a [Value], name: &str) -> Vec<&'a str> {
    lines.iter().map(|line| line[name].as_str().unwrap_or_else(|| panic!("{name}: {line}"))).collect()
}

/// How a check of `da validate --connect` came out, and what it says.
fn check(lines: &[Value], name: &str) -> (String, String) {
    let found = lines.iter().find(|line| line["check"] == name).unwrap_or_else(|| panic!("{name}: {lines:?}"));
    (found["state"].as_str().unwrap().to_owned(), found["text"].to_string())
}

fn topics_are_planned_made_and_as_planned(site: &Site) {
    let listed = topics::all().len();
    let plan = site.ends(1, &["topics", "plan", "--partitions", "2"]);
    let creates = |change: &&str| change.starts_with("create ") && change.ends_with(" with 2 partitions");
    assert_eq!(texts(&plan, "change").iter().filter(|change| creates(change)).count(), listed);
    assert!(plan.len() == listed && plan.iter().all(|line| line["done"] == false), "{plan:?}");
    let made = site.ends(0, &["topics", "apply", "--partitions", "2"]);
    assert_eq!((made.len(), texts(&made, "change")), (listed, texts(&plan, "change")));
    assert!(made.iter().all(|line| line["done"] == true), "{made:?}");
    assert_eq!(site.ends(0, &["topics", "plan", "--partitions", "2"]), Vec::<Value>::new());
    assert_eq!(site.ends(0, &["lag"]), Vec::<Value>::new(), "nobody has read, and nothing waits");
}

fn what_differs_is_told_and_made_good(site: &Site) {
    let differing = site.ends(1, &["validate", "--connect"]);
    let (state, said) = check(&differing, "kafka");
    assert!(state == "error" && said.contains("from 2 to 12 partitions (da topics plan)"), "{state} {said}");
    let (state, said) = check(&differing, "postgres");
    assert!(state == "error" && said.contains("is not applied (da migrate)"), "{state} {said}");
    let missing = site.ends(1, &["migrate", "--dry-run"]).remove(0);
    let applied = site.ends(0, &["migrate"]).remove(0);
    assert!(missing["missing"].as_array().is_some_and(|names| names.len() > 2), "{missing}");
    assert_eq!(missing["missing"], applied["applied"]);
    assert_eq!(site.ends(0, &["migrate", "--dry-run"])[0]["missing"], Value::Array(Vec::new()));
    site.ends(0, &["schemas", "register"]);
    let (state, said) = check(&site.ends(1, &["validate", "--connect"]), "postgres");
    assert_eq!(state, "ok", "{said}");
}

/// Posts to the edge of gep, which nobody reads behind; what waits is told in records and seconds.
fn what_waits_is_told_without_members(site: &Site) {
    let key = site.ends(0, &["keys", "create", "--partner", "quizlab", "--tenant", "t-north"]).remove(0);
    let edge = site.start(&["gep"], &["ingest"]);
    let from = SystemClock.now();
    let load = ["simulate", "--events", "300", "--batch", "20", "--partner", "quizlab", "--tenant", "t-north"];
    let target = ["--url", &edge.url, "--key", key["key"].as_str().unwrap(), "--ledger", "ledger.jsonl"];
    let came = site.ends(0, &[&load[..], &target].concat()).remove(0);
    assert_eq!(came["events"], 300, "{came}");
    let upto = SystemClock.now();
    edge.stop();
    growth_is_refused_while_a_group_is_behind(site);
    let (asked, behind, answered) = (SystemClock.now(), site.ends(0, &["lag"]), SystemClock.now());
    let tapped = site.ends(0, &["tap", "gep.accepted"]);
    let waits: usize = behind.iter().map(|row| usize::try_from(row["records"].as_u64().unwrap()).unwrap()).sum();
    assert!(waits > 100 && waits == tapped.len(), "{waits} wait, {} are there", tapped.len());
    let oldest = behind.iter().map(|row| row["seconds"].as_i64().unwrap()).max().unwrap();
    let (least, most) = (asked.since(upto) / 1000, answered.since(from) / 1000);
    assert!((least..=most).contains(&oldest), "{oldest} s of {least} to {most} s");
    for row in &behind {
        assert_eq!(
            (&row["group"], &row["topic"], &row["position"]),
            (&"gep".into(), &"gep.accepted".into(), &Value::Null)
        );
    }
}

fn growth_is_refused_while_a_group_is_behind(site: &Site) {
    let (code, lines, complaint) = site.da(&["topics", "apply"]);
    assert_eq!((code, lines), (1, Vec::new()), "{complaint}");
    assert!(complaint.contains("nothing was changed, because gep has not read gep.accepted"), "{complaint}");
    let plan = site.ends(1, &["topics", "plan"]);
    let grows = |change: &&&str| change.starts_with("grow ") && change.ends_with(" from 2 to 12 partitions");
    assert_eq!(texts(&plan, "change").iter().filter(grows).count(), topics::all().len(), "{plan:?}");
}

fn records_are_shown_decoded(site: &Site) {
    let lines = site.ends(0, &["tap", "gep.accepted", "--limit", "3"]);
    assert_eq!(lines.len(), 3);
    for line in &lines {
        assert_eq!(line["topic"], format!("{}gep.accepted", topics::PREFIX));
        assert!(line["payload"].is_object() && line["value_schema_id"].is_u64(), "{line}");
    }
}

fn the_audit_finds_nothing_until_a_table_is_wrong(site: &Site) {
    let services = site.start(&["gep", "demux", "dep"], &[]);
    let verdict = site.ends(0, &["audit", "--ledger", "ledger.jsonl"]).remove(0);
    assert!(verdict["ok"] == true && verdict["accepted"].as_u64() > Some(100), "{verdict}");
    assert_eq!(site.ends(0, &["lag"]), Vec::<Value>::new(), "with members, too");
    services.stop();
    let changed =
        "WITH done AS (UPDATE class_time SET time_ms = time_ms + 1 RETURNING 1) SELECT count(*)::text FROM done";
    assert_ne!(site.database.texts(changed), ["0"]);
    let verdict = site.ends(1, &["audit", "--ledger", "ledger.jsonl"]).remove(0);
    assert!(verdict["ok"] == false && verdict["wrong"].as_u64() > Some(0) && verdict["lost"] == 0, "{verdict}");
}

fn a_drained_cluster_grows_and_is_well(site: &Site) {
    let grown = site.ends(0, &["topics", "apply"]);
    assert_eq!(grown.len(), topics::all().len());
    assert_eq!(site.ends(0, &["topics", "plan"]), Vec::<Value>::new());
    let well = site.ends(0, &["validate", "--connect"]);
    for system in ["kafka", "registry", "postgres"] {
        let (state, said) = check(&well, system);
        assert_eq!(state, "ok", "{system}: {said}");
    }
}

#[test]
fn a_cluster_is_made_watched_audited_and_grown_by_commands() {
    let Some(site) = Site::new("a_cluster_is_made_watched_audited_and_grown_by_commands") else { return };
    topics_are_planned_made_and_as_planned(&site);
    what_differs_is_told_and_made_good(&site);
    what_waits_is_told_without_members(&site);
    records_are_shown_decoded(&site);
    the_audit_finds_nothing_until_a_table_is_wrong(&site);
    a_drained_cluster_grows_and_is_well(&site);
}
