//! `da doctor` and `da graph --live` on systems that are well, that are away, and that refuse.
//!
//! Place: runs the built binary with settings of its own; what needs the local stack says `skipped` without it.

use std::fs;
use std::process::Output;

use da_model::ids::TopicName;
use da_model::topics::{PREFIX, SCRATCH};
use serde_json::Value;
use tests::cluster::broker::Broker;
use tests::cluster::database::Database;
use tests::cluster::unique;
use tests::folder::Folder;

use crate::cli::da;

/// What the local stack tells of itself, or a line that says what was skipped.
#[expect(clippy::disallowed_methods, reason = "where the stack runs is told to tests by the environment")]
fn told(test: &str, name: &str) -> Option<String> {
    let value = std::env::var(name).ok();
    if value.is_none() {
        eprintln!("skipped: {test}, because {name} is not set");
    }
    value
}

/// A folder with a settings file, in which `da` is run.
struct Site(Folder);

impl Site {
    fn new(settings: &str) -> Self {
        let folder = Folder::new();
        fs::create_dir_all(folder.path().join("da-data")).unwrap();
        fs::write(folder.path().join("da.yaml"), settings).unwrap();
        Self(folder)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        da().current_dir(self.0.path()).args(arguments).output().unwrap()
    }

    /// The exit code and the checks of `da doctor`.
    fn doctor(&self, arguments: &[&str]) -> (i32, Vec<Value>) {
        let output = self.run(&[&["--json", "doctor"], arguments].concat());
        let text = String::from_utf8_lossy(&output.stdout);
        let parsed = text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}")));
        let checks: Vec<Value> = parsed.collect();
        assert!(!checks.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        for finding in checks.iter().flat_map(findings) {
            let full = |key: &str| finding[key].as_str().is_some_and(|text| text.len() > 5);
            assert!(full("what") && full("next"), "{finding}");
        }
        (output.status.code().unwrap(), checks)
    }

    /// The exit code and the picture of `da graph --live`.
    fn graph(&self) -> (i32, Value) {
        let output = self.run(&["--json", "graph", "--live", "--seconds", "1"]);
        let text = String::from_utf8_lossy(&output.stdout);
        let picture = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text} {output:?}"));
        (output.status.code().unwrap(), picture)
    }
}

fn findings(check: &Value) -> Vec<Value> {
    check["findings"].as_array().cloned().unwrap()
}

/// Checks of a name.
fn of<'a>(checks: &'a [Value], name: &str) -> Vec<&'a Value> {
    checks.iter().filter(|check| check["check"] == name).collect()
}

fn states(checks: &[Value], names: &[&str], state: &str) {
    for name in names {
        let found = of(checks, name);
        assert!(!found.is_empty() && found.iter().all(|check| check["state"] == state), "{name} {state}: {found:?}");
    }
}

/// What the findings of one check say, and what is next.
fn words(checks: &[Value], name: &str) -> String {
    of(checks, name).into_iter().flat_map(findings).map(|f| format!("{} > {}\n", f["what"], f["next"])).collect()
}

fn node<'a>(picture: &'a Value, name: &str) -> &'a Value {
    picture["nodes"].as_array().unwrap().iter().find(|node| node["name"] == name).unwrap_or_else(|| panic!("{name}"))
}

fn lag(picture: &Value, from: &str, to: &str) -> Value {
    let edge = |edge: &&Value| edge["from"] == from && edge["to"] == to;
    picture["edges"].as_array().unwrap().iter().find(edge).unwrap_or_else(|| panic!("{from} → {to}"))["lag"].clone()
}

#[test]
fn a_cluster_that_is_well_has_no_findings_and_is_measured() {
    let test = "a_cluster_that_is_well_has_no_findings_and_is_measured";
    let Some(broker) = Broker::at_hand(test) else { return };
    let (Some(url), Some(registry)) = (told(test, "DATABASE_URL"), told(test, "REGISTRY_URL")) else { return };
    drop(url);
    let Some(database) = Database::migrated(test) else { return };
    let kafka = &broker.settings().bootstrap;
    let postgres = database.settings().url;
    let site = Site::new(&format!(
        "kafka: {{bootstrap: '{kafka}'}}\npostgres: {{url: '{postgres}'}}\nregistry: {{url: '{registry}'}}\n"
    ));
    assert!(site.run(&["topics", "apply", "--partitions", "3"]).status.code().is_some_and(|code| code < 2));
    assert!(site.run(&["schemas", "register"]).status.success());
    let ends = |site: &Site| {
        let tap = site.run(&["tap", "gep.rejected", "--limit", "1000000"]);
        String::from_utf8_lossy(&tap.stdout).lines().count()
    };
    let before = ends(&site);
    let (code, checks) = site.doctor(&["--partitions", "3"]);
    let all = [
        "kafka",
        "topics",
        "rights",
        "transaction",
        "kafka.clock",
        "registry",
        "postgres",
        "migrations",
        "postgres.clock",
        "writing",
    ];
    assert!(all.iter().all(|name| !of(&checks, name).is_empty()), "{checks:?}");
    assert!(checks.iter().all(|check| check["state"] != "skipped"), "{checks:?}");
    // The machine that tests may be slow and its disk full: those are findings, and right ones.
    let of_this_machine = |finding: &Value| {
        let what = finding["what"].as_str().unwrap();
        what.starts_with("a commit takes") || what.contains("GiB free of")
    };
    let found: Vec<Value> = checks.iter().flat_map(findings).collect();
    assert!(found.iter().all(of_this_machine), "{found:?}");
    assert_eq!(code, i32::from(!found.is_empty()));
    assert_eq!(of(&checks, "rights").len(), 3, "one for each service");
    let groups = ["gep", "demux", "dep"].map(|group| format!("{SCRATCH} as {group}"));
    let measured = of(&checks, "transaction");
    for group in groups {
        let of_group =
            measured.iter().find(|check| check["place"] == group.as_str()).unwrap_or_else(|| panic!("{group}"));
        assert_eq!(of_group["measured"]["count"], 5);
        let (mean, worst) = (&of_group["measured"]["mean_ms"], &of_group["measured"]["worst_ms"]);
        assert!(mean.as_i64() <= worst.as_i64(), "{of_group}");
    }
    assert_eq!(of(&checks, "postgres")[0]["measured"]["count"], 5);
    assert!(of(&checks, "registry")[0]["measured"]["subjects"].as_i64().unwrap() >= 40);
    assert_eq!(ends(&site), before, "no data is touched");
    let (_, one) = site.doctor(&["--role", "demux", "--partitions", "3"]);
    assert_eq!((of(&one, "rights").len(), of(&one, "transaction").len()), (1, 1));
    strangers_stand_out(&site, &broker);
}

fn strangers_stand_out(site: &Site, broker: &Broker) {
    let stranger = unique("stranger");
    broker.admin().create_topic(TopicName(format!("{PREFIX}{stranger}").leak()), 2, 1).unwrap();
    let (code, picture) = site.graph();
    assert_eq!(code, 1, "a topic that nobody knows is a finding");
    assert_eq!(node(&picture, stranger)["kind"], "unknown");
    assert_eq!(node(&picture, stranger)["live"]["partitions"], 2);
    let usage = node(&picture, "gep.usage");
    assert_eq!((&usage["kind"], &usage["live"]["partitions"]), (&"topic".into(), &3.into()));
    assert_eq!(usage["live"]["schema_versions"][0], 1);
    assert!(usage["live"]["per_second"].is_number() && lag(&picture, "gep.usage", "demux").is_i64(), "{usage}");
    assert!(lag(&picture, "demux", "demux.dead").is_null(), "writers have no lag");
}

#[test]
fn systems_that_are_away_hide_no_other_check() {
    let settings = "kafka: {bootstrap: '127.0.0.1:1'}\npostgres: {url: 'postgres://u@127.0.0.1:1/d'}\n\
                    registry: {url: 'http://127.0.0.1:1/apis/ccompat/v7'}\n";
    let site = Site::new(settings);
    let (code, checks) = site.doctor(&[]);
    assert_eq!(code, 3, "something does not answer");
    states(&checks, &["kafka", "registry", "postgres"], "finding");
    states(&checks, &["topics", "rights", "transaction", "kafka.clock", "migrations", "postgres.clock"], "skipped");
    assert!(of(&checks, "writing")[0]["measured"]["count"] == 5, "{checks:?}");
    assert!(words(&checks, "kafka").contains("connect to Kafka at 127.0.0.1:1"), "{}", words(&checks, "kafka"));
    assert!(words(&checks, "kafka").contains("kafka.bootstrap"), "{}", words(&checks, "kafka"));
    assert!(words(&checks, "registry").contains("start the registry"), "{}", words(&checks, "registry"));
    assert!(words(&checks, "postgres").contains("start PostgreSQL"), "{}", words(&checks, "postgres"));
    let people = site.run(&["doctor"]);
    let people = String::from_utf8_lossy(&people.stdout);
    assert!(people.contains("next: start PostgreSQL") && people.ends_with("(exit 3)\n"), "{people}");
}

#[test]
fn a_wrong_password_is_a_finding_and_the_rest_is_measured() {
    let test = "a_wrong_password_is_a_finding_and_the_rest_is_measured";
    let (Some(kafka), Some(ca)) = (told(test, "KAFKA_SASL_BOOTSTRAP"), told(test, "KAFKA_CA_FILE")) else { return };
    let Some(registry) = told(test, "REGISTRY_URL") else { return };
    let Some(url) = told(test, "DATABASE_SERVICE_URL") else { return };
    let (before, after) = url.split_once('@').unwrap();
    let user = before.trim_start_matches("postgres://").split(':').next().unwrap();
    let site = Site::new(&format!(
        "kafka: {{bootstrap: '{kafka}', security: sasl_ssl, tls: {{ca_file: '{ca}'}}, sasl: {{mechanism: SCRAM-SHA-512, \
         username: gooru-da, password_file: wrong}}}}\nregistry: {{url: '{registry}'}}\n\
         postgres: {{url: 'postgres://{user}@{after}', password_file: wrong}}\n"
    ));
    fs::write(site.0.path().join("wrong"), "no password\n").unwrap();
    let (code, checks) = site.doctor(&[]);
    assert_eq!(code, 1, "all answer, two refuse: {checks:?}");
    assert!(words(&checks, "kafka").contains("kafka.sasl"), "{}", words(&checks, "kafka"));
    assert!(words(&checks, "postgres").contains("password"), "{}", words(&checks, "postgres"));
    assert!(of(&checks, "registry")[0]["measured"]["mean_ms"].is_i64(), "{checks:?}");
    states(&checks, &["transaction", "migrations"], "skipped");
    let shown = serde_json::to_string(&checks).unwrap();
    assert!(!shown.contains("no password"), "no secret is shown: {shown}");
}

#[test]
fn a_user_without_rights_is_told_which_ones_are_missing() {
    let test = "a_user_without_rights_is_told_which_ones_are_missing";
    let Some(broker) = Broker::at_hand(test) else { return };
    let (Some(kafka), Some(ca)) = (told(test, "KAFKA_SASL_BOOTSTRAP"), told(test, "KAFKA_CA_FILE")) else { return };
    let (Some(guest), Some(password)) = (told(test, "KAFKA_SASL_GUEST"), told(test, "KAFKA_SASL_PASSWORD_FILE")) else {
        return;
    };
    let plan = broker.admin().plan(Some(3)).unwrap();
    broker.admin().apply(&plan, 1).unwrap();
    let site = Site::new(&format!(
        "kafka: {{bootstrap: '{kafka}', security: sasl_ssl, tls: {{ca_file: '{ca}'}}, sasl: {{mechanism: SCRAM-SHA-512, \
         username: {guest}, password_file: '{password}'}}}}\n"
    ));
    let (code, checks) = site.doctor(&["--role", "demux"]);
    assert_eq!(code, 1, "{checks:?}");
    states(&checks, &["kafka"], "ok");
    states(&checks, &["registry", "postgres"], "skipped");
    let rights = words(&checks, "rights");
    for part in [
        format!("topic {PREFIX}gep.usage: "),
        format!("--operation Read --topic {PREFIX}gep.usage"),
        format!("--operation Write --topic {PREFIX}demux.question.score"),
        "--operation Read --group demux".to_owned(),
    ] {
        assert!(rights.contains(&part), "{part}: {rights}");
    }
    assert!(words(&checks, "transaction").contains("kafka-acls.sh"), "{}", words(&checks, "transaction"));
}

#[test]
fn one_process_on_one_file_is_examined_too() {
    let site = Site::new("embedded: {dir: d}\n");
    let (code, checks) = site.doctor(&[]);
    states(&checks, &["kafka", "registry", "postgres", "file", "writing"], "skipped");
    assert!(code < 2, "{checks:?}");
    fs::create_dir(site.0.path().join("d")).unwrap();
    fs::write(site.0.path().join("d/da.sqlite"), "this is no database, whatever its name says").unwrap();
    let (code, checks) = site.doctor(&[]);
    states(&checks, &["file"], "finding");
    assert!(of(&checks, "writing")[0]["measured"]["count"] == 5, "{checks:?}");
    assert_eq!(code, 1, "{checks:?}");
    assert!(fs::read_dir(site.0.path().join("d")).unwrap().count() == 1, "the scratch file is gone");
}
