//! The rules of the house that no lint can hold: who may name whom, what lies where, and that lists agree.
//!
//! Place: part of `make check`. Looks at the text of the project and at the registries; runs nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;

use da_model::names::{Label, LogEvent, Metric, Span};
use da_model::schema::{self, Schemas};
use da_model::state::{Column, Kind, Table};
use da_model::topics::{self, Partitioning};
use da_runtime::io::sqlite_log::Reader;
use da_runtime::probe::Silent;
use tests::measure::{self, SourceFile};
use tests::rounds::Rounds;

/// A word and the rooms in which production code may name it.
struct Room {
    word: &'static str,
    rooms: &'static [&'static str],
}

const fn room(word: &'static str, rooms: &'static [&'static str]) -> Room {
    Room { word, rooms }
}

/// Folders and files, from the root; everything below a folder is included.
const ROOMS: &[Room] = &[
    room("rdkafka", &["common/runtime/src/io/kafka/"]),
    room("sqlx", &["common/runtime/src/io/"]),
    room("unsafe", &["common/runtime/src/io/kafka/ffi.rs"]),
    room("counter!", &["common/runtime/src/telemetry/"]),
    room("gauge!", &["common/runtime/src/telemetry/"]),
    room("histogram!", &["common/runtime/src/telemetry/"]),
    room("tracing", &["common/runtime/src/telemetry/"]),
    room("std::env::var", &["common/runtime/src/config/load.rs"]),
    room("std::env::vars", &["common/runtime/src/config/load.rs"]),
    room("env::vars_os", &["common/runtime/src/config/load.rs"]),
    room("SystemTime", &["common/runtime/src/clock.rs"]),
    room("thread::spawn", &["common/runtime/src/worker.rs"]),
    room("thread::sleep", &[]),
    room("tokio::spawn", &["common/runtime/src/http/"]),
    room("apache_avro", &["common/model/src/schema/"]),
    room("flate2", &["common/runtime/src/http/limits.rs", "common/runtime/src/http/body.rs"]),
    room("reqwest", &["cli/src/", "common/runtime/src/registry/client.rs", "common/runtime/src/telemetry/trace.rs"]),
    room("opentelemetry", &["common/runtime/src/telemetry/"]),
    room("rustls", &["common/runtime/src/tls.rs"]),
    room("clap", &["cli/src/"]),
    room(".commit(", COMMITTING),
    // A log is published to by its protocol alone; gep and the oracle publish revisions of values, in memory.
    room(".publish(", PUBLISHING),
    room("f64", FLOATING),
];

/// Who ends a step, and the at-least-once mode of benchmarks.
const COMMITTING: &[&str] = &[
    "common/runtime/src/commit/",
    "common/runtime/src/driver.rs",
    "common/runtime/src/passthrough.rs",
    "common/runtime/src/io/kafka/source.rs",
    "common/runtime/src/io/sql/",
];

/// Protocols and the member below them; revisions of values.
const PUBLISHING: &[&str] = &[
    "common/runtime/src/commit/",
    "common/runtime/src/io/kafka/member.rs",
    "gep/src/impact.rs",
    "gep/src/slot.rs",
    "cli/src/oracle/",
];

/// Seconds, gauges, JSON numbers of partners and of people; never a score on its way through the pipeline.
const FLOATING: &[&str] = &[
    "common/model/src/score.rs",
    "common/model/src/schema/json",
    "common/runtime/src/commit/",
    "common/runtime/src/http/",
    "common/runtime/src/io/sql/sqlite.rs",
    "common/runtime/src/telemetry/",
    "common/runtime/src/vigil.rs",
    "gep/src/adapters/",
    "gep/src/reader/",
    "gep/src/service/",
    "cli/src/",
];

fn sources() -> Vec<SourceFile> {
    let files = measure::sources();
    assert!(files.len() > 50, "the sources were not found");
    files
}

fn none(found: &[String], rule: &str) {
    assert!(found.is_empty(), "{rule}:\n  {}", found.join("\n  "));
}

fn text_of(path: &str) -> String {
    fs::read_to_string(measure::root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

#[test]
fn a_word_is_named_in_its_rooms_only() {
    let mut found = Vec::new();
    for file in &sources() {
        for rule in ROOMS.iter().filter(|rule| file.names(rule.word)) {
            if !rule.rooms.iter().any(|allowed| file.path.starts_with(allowed)) {
                found.push(format!("{} names {}", file.path, rule.word));
            }
        }
    }
    none(&found, "these words have rooms of their own");
}

#[test]
fn only_service_modules_and_mains_name_the_runtime() {
    let found: Vec<String> = sources()
        .iter()
        .filter(|file| measure::is_core(&file.path) && file.names("da_runtime"))
        .map(|file| file.path.clone())
        .collect();
    none(&found, "a core names da_runtime");
}

#[test]
fn no_service_names_another_and_the_runtime_names_none() {
    let services = ["gep", "demux", "dep"];
    let mut found = Vec::new();
    for file in &sources() {
        let own = file.path.split('/').next().unwrap_or_default();
        if own == "cli" {
            continue;
        }
        for other in services.iter().filter(|other| **other != own) {
            if file.bare.contains(&format!("use {other}::")) || file.bare.contains(&format!(" {other}::")) {
                found.push(format!("{} names {other}", file.path));
            }
        }
    }
    none(&found, "services meet in cli and tests only");
}

#[test]
fn a_service_has_one_feature_line() {
    for service in ["gep", "demux", "dep"] {
        for path in measure::files_under(&format!("{service}/src"), "rs") {
            let count = SourceFile::read(&path).code.matches("cfg(feature").count();
            let allowed = usize::from(path.ends_with("/src/lib.rs"));
            assert_eq!(count, allowed, "{path}: lines with cfg(feature)");
        }
    }
}

#[test]
fn the_topic_prefix_is_spelt_in_one_file() {
    let found: Vec<String> = sources()
        .iter()
        .filter(|f| f.code.contains(topics::PREFIX) && f.path != "common/model/src/topics.rs")
        .map(|f| f.path.clone())
        .collect();
    none(&found, "the topic prefix belongs to topics.rs");
}

#[test]
fn every_file_has_a_header_and_a_name_that_says_something() {
    let empty_names = ["utils", "util", "helpers", "helper", "manager", "misc", "types", "common"];
    let mut found = Vec::new();
    let beside = measure::test_sources();
    for (file, least) in sources().into_iter().map(|f| (f, 2)).chain(beside.into_iter().map(|f| (f, 1))) {
        let header: Vec<&str> = file.text.lines().take_while(|line| line.starts_with("//!")).collect();
        if header.len() < least || !header.iter().any(|line| line.trim_end().ends_with('.')) {
            found.push(format!("{}: header", file.path));
        }
        let stem = Path::new(&file.path).file_stem().and_then(|s| s.to_str()).unwrap_or_default();
        if empty_names.contains(&stem) {
            found.push(format!("{}: name", file.path));
        }
    }
    none(&found, "a file says in its first sentence what it is for");
}

#[test]
fn a_folder_of_modules_has_a_mod_file() {
    let mut found = BTreeSet::new();
    for path in measure::CRATES.iter().flat_map(|krate| measure::files_under(&format!("{krate}/src"), "rs")) {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        if !folder.ends_with("/src")
            && !folder.ends_with("/bin")
            && !measure::root().join(folder).join("mod.rs").is_file()
        {
            found.insert(folder.to_owned());
        }
    }
    none(&found.into_iter().collect::<Vec<_>>(), "folders without mod.rs");
}

#[test]
fn what_must_hold_of_sizes_and_habits_holds() {
    for row in measure::measures() {
        none(&row.broken, row.name);
    }
}

/// Names of the modules of a folder: files, and folders of their own.
fn stems(folder: &str) -> BTreeSet<String> {
    let files = measure::files_under(folder, "rs");
    let below = files.iter().filter_map(|path| path.strip_prefix(&format!("{folder}/")));
    let names = below.map(|path| path.split('/').next().unwrap_or_default().trim_end_matches(".rs").to_owned());
    names.filter(|name| name != "mod").collect()
}

fn agree<'a>(folder: &str, names: impl Iterator<Item = &'a str>, parts: &[&str]) {
    let names: Vec<&str> = names.collect();
    let listed: BTreeSet<String> = names.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(listed.len(), names.len(), "{folder}: a name is listed twice");
    let mut files = stems(folder);
    for part in parts {
        assert!(files.remove(*part), "{folder}/{part}.rs is excused and not there");
    }
    assert_eq!(files, listed, "{folder} and its registry differ");
}

/// What adapters share beside their units.
const ADAPTER_PARTS: &[&str] = &["base64", "context", "draft", "reaction", "score", "times", "words"];

#[test]
fn a_folder_of_units_equals_its_registry() {
    agree("demux/src/metrics", demux::metrics::METRICS.iter().map(|unit| unit.name()), &[]);
    agree("dep/src/processors", dep::processors::PROCESSORS.iter().map(|unit| unit.name()), &[]);
    agree("gep/src/adapters", gep::adapters::ADAPTERS.iter().map(|unit| unit.name()), ADAPTER_PARTS);
    agree("gep/src/enrich", gep::enrich::ENRICHERS.iter().map(|unit| unit.name()), &[]);
    agree("cli/src/commands", cli::commands::COMMANDS.iter().map(|unit| unit.name()), &[]);
}

#[test]
fn every_topic_has_a_schema_an_example_a_producer_and_a_consumer() {
    let known = Schemas::embedded();
    for topic in topics::all() {
        let name = &topic.name;
        assert_ne!(known.id_of(&topic.schema), 0, "{name}: schema {} has no id", topic.schema);
        assert!(schema::schema_text(&topic.schema).is_some(), "{name}: schema {} is not compiled in", topic.schema);
        let folder = format!("schemas/{}", topic.schema);
        assert!(measure::root().join(&folder).join("v1.avsc").is_file(), "{folder}/v1.avsc");
        assert!(topic.feeds != "now" || !measure::files_under(&folder, "json").is_empty(), "{folder}: no example");
        assert!(!topic.producers.is_empty() && !topic.consumers.is_empty(), "{name}");
        for service in topic.producers.iter().chain(topic.consumers.iter().filter(|c| *c != "sink")) {
            assert!(["gep", "demux", "dep"].contains(&service.as_str()), "{name}: {service} is no service");
        }
        let alone = topic.consumers.len() == 1 || !topic.consumers.iter().any(|c| c == "sink");
        assert!(alone, "{name}: `sink` stands alone");
        let of_service = name.split('.').next().unwrap_or_default();
        assert_eq!(topic.producers, [of_service], "{name}: a topic is named after its producer");
    }
}

/// Topics fed now that `producer` writes, without its dead letters.
fn listed(producer: &str) -> BTreeSet<&'static str> {
    let of =
        |t: &&topics::Topic| t.feeds == "now" && t.producers.iter().any(|p| p == producer) && t.schema != "dead_letter";
    topics::all().iter().filter(of).map(|t| t.name.as_str()).collect()
}

#[test]
fn every_telemetry_name_is_used() {
    let metrics = Metric::ALL.iter().map(|m| format!("Metric::{m:?}"));
    let labels = Label::ALL.iter().map(|l| format!("Label::{l:?}"));
    let events = LogEvent::ALL.iter().map(|e| format!("LogEvent::{e:?}"));
    let spans = Span::ALL.iter().map(|s| format!("Span::{s:?}"));
    let used: Vec<SourceFile> =
        sources().into_iter().filter(|file| !file.path.ends_with("model/src/names.rs")).collect();
    let silent = |name: &String| !used.iter().any(|file| file.names(name));
    let found: Vec<String> = metrics.chain(labels).chain(events).chain(spans).filter(silent).collect();
    none(&found, "names that no code gives a number or a line");
}

#[test]
fn a_migrated_table_equals_its_descriptor() {
    let rounds = Rounds::new(Arc::new(Silent));
    let mut reader = Reader::open(&rounds.file()).unwrap();
    for table in gep::tables::all().into_iter().chain(dep::tables::tables()) {
        let columns = reader
            .query(&format!("SELECT name, type, pk, \"notnull\" AS full FROM pragma_table_info('{}')", table.name));
        let found: Vec<String> =
            columns.unwrap().iter().map(|c| format!("{} {} {} {}", c["name"], c["type"], c["pk"], c["full"])).collect();
        let key = |(n, c): (usize, &Column)| format!("\"{}\" \"{}\" {} 1", c.name, sql_type(c.kind), n + 1);
        let value = |c: &Column| format!("\"{}\" \"{}\" 0 {}", c.name, sql_type(c.kind), i32::from(!c.nullable));
        let stamp =
            found.iter().any(|c| c.starts_with("\"updated_at\"")).then(|| "\"updated_at\" \"INTEGER\" 0 1".to_owned());
        let keys = table.keys.iter().enumerate().map(key);
        let meant: Vec<String> = keys.chain(table.values.iter().map(value)).chain(stamp).collect();
        assert_eq!(found, meant, "{}", table.name);
    }
}

fn sql_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Text | Kind::Date => "TEXT",
        Kind::Int | Kind::Bool | Kind::Percent | Kind::Points | Kind::Time => "INTEGER",
        Kind::Bytes => "BLOB",
    }
}

#[test]
fn what_demux_emits_is_listed_and_what_is_listed_is_emitted() {
    let emitted: BTreeSet<&str> =
        demux::metrics::METRICS.iter().flat_map(|metric| metric.objects()).map(|object| object.topic.0).collect();
    assert_eq!(emitted, listed("demux"));
}

#[test]
fn what_dep_reads_and_emits_is_listed() {
    let links = || dep::processors::PROCESSORS.iter().flat_map(|processor| processor.links());
    let emitted: BTreeSet<&str> = links().flat_map(|link| link.emits).map(|topic| topic.0).collect();
    assert_eq!(emitted, listed("dep"));
    let consumed: BTreeSet<&str> = links().map(|link| link.consumes.0).collect();
    let read = |t: &&topics::Topic| t.feeds == "now" && t.consumers.iter().any(|c| c == "dep");
    let meant: BTreeSet<&str> = topics::all().iter().filter(read).map(|t| t.name.as_str()).collect();
    assert_eq!(consumed, meant);
}

#[test]
fn class_topics_are_keyed_by_class_and_only_their_first_hop_is_rekeyed() {
    for topic in topics::all().iter().filter(|t| t.name.starts_with("demux.") || t.name.starts_with("dep.")) {
        let class = topic.name.starts_with("dep.member.") || topic.name.starts_with("dep.class.");
        assert_eq!(topic.key.iter().any(|part| part == "class"), class, "{}", topic.name);
        assert_eq!(topic.partitioning == Partitioning::ByKey, topic.name.starts_with("dep.member."), "{}", topic.name);
    }
}

/// Who writes which rows: a processor owns its tables, but of the tables of levels the rows of its own level.
fn owners_of_rows() -> Vec<(String, &'static str)> {
    let mut owners: Vec<(String, &str)> = gep::tables::all().iter().map(|t| (t.name.to_owned(), "gep")).collect();
    for processor in dep::processors::PROCESSORS {
        let level = processor.name().split('_').next().unwrap_or_default();
        let rows = |table: &&Table| match table.name.strip_prefix("level_") {
            Some(metric) => format!("level_{metric} of a {level}"),
            None => table.name.to_owned(),
        };
        owners.extend(processor.tables().iter().map(|table| (rows(table), processor.name())));
    }
    owners
}

/// Tables without an owner, rows with two, and owners of what is no table.
fn ill_owned(tables: &[&str], owners: &[(String, &str)]) -> Vec<String> {
    let mut found = Vec::new();
    let mut seen = BTreeMap::new();
    for (rows, owner) in owners {
        if let Some(other) = seen.insert(rows, owner) {
            found.push(format!("{rows}: {other} and {owner}"));
        }
        if !tables.contains(&rows.split(' ').next().unwrap_or_default()) {
            found.push(format!("{rows}: of {owner}, and no table"));
        }
    }
    let owned: BTreeSet<&str> = owners.iter().filter_map(|(rows, _)| rows.split(' ').next()).collect();
    found.extend(tables.iter().filter(|table| !owned.contains(*table)).map(|table| format!("{table}: nobody")));
    found
}

#[test]
fn a_row_has_one_owner_and_a_table_has_some() {
    let all = gep::tables::all().into_iter().chain(dep::tables::tables());
    let tables: Vec<&str> = all.map(|table| table.name).collect();
    let mut owners = owners_of_rows();
    assert!(owners.iter().filter(|(rows, _)| rows == "level_score of a unit").count() == 1, "{owners:?}");
    none(&ill_owned(&tables, &owners), "rows and their owners");
    owners.retain(|(rows, _)| rows != "class_view");
    owners.push(("level_score of a unit".to_owned(), "another"));
    owners.push(("session".to_owned(), "another"));
    owners.push(("nowhere".to_owned(), "another"));
    let found = ill_owned(&tables, &owners);
    let meant = [
        "level_score of a unit: unit_score and another",
        "session: gep and another",
        "nowhere: of another, and no table",
        "class_view: nobody",
    ];
    assert_eq!(found, meant, "the rule can fail");
}

#[test]
fn every_dependency_is_named_in_its_decision() {
    let manifest = text_of("Cargo.toml");
    let decision = text_of("docs/adr/0009-dependencies.md");
    let members = ["da-model", "da-runtime", "gep", "demux", "dep", "cli"];
    let section = manifest.lines().skip_while(|line| *line != "[workspace.dependencies]").skip(1);
    let names: Vec<&str> = section
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split_once(" = ").map(|(name, _)| name))
        .filter(|name| !members.contains(name) && !name.starts_with('#'))
        .collect();
    assert!(names.len() > 20, "{names:?}");
    let missing: Vec<String> =
        names.iter().filter(|name| !decision.contains(**name)).map(|n| (*n).to_owned()).collect();
    none(&missing, "dependencies that docs/adr/0009-dependencies.md does not name");
}

#[test]
fn versions_stand_in_the_root_manifest_only() {
    for krate in measure::CRATES.iter().chain(&["tests"]) {
        let manifest = text_of(&format!("{krate}/Cargo.toml"));
        assert!(manifest.contains("[lints]\nworkspace = true"), "{krate}: lints of the workspace");
        let section = manifest.lines().skip_while(|line| !line.contains("dependencies]")).skip(1);
        for line in section.filter(|line| line.contains('=')) {
            let fine = line.contains("workspace = true") || !line.contains("version") && !line.contains("= \"");
            assert!(fine || line.starts_with("name") || line.starts_with("path"), "{krate}: {line}");
        }
    }
}

#[test]
fn the_run_of_the_continuous_check_holds_one_command() {
    let lines: Vec<String> = text_of(".ci/run").lines().filter(|l| !l.starts_with('#')).map(str::to_owned).collect();
    assert_eq!(lines, ["set -eu", "make check quick drill test"]);
}

#[test]
fn the_readme_names_two_commands_and_the_decisions_are_listed() {
    let readme = text_of("README.md");
    let block = readme.split("```").nth(1).unwrap_or_default();
    assert_eq!(block.trim().lines().collect::<Vec<_>>(), ["make demo", "make test"]);
    let index = text_of("docs/adr/README.md");
    for path in measure::files_under("docs/adr", "md") {
        let name = path.rsplit('/').next().unwrap_or_default();
        assert!(name == "README.md" || index.contains(name), "docs/adr/README.md does not list {name}");
    }
}

#[test]
fn a_rule_of_this_house_can_fail() {
    let bad =
        SourceFile::of("demux/src/x.rs", "use da_runtime::ports;\nfn f() { std::thread::sleep(d); }\n".to_owned());
    assert!(measure::is_core(&bad.path) && bad.names("da_runtime") && bad.names("thread::sleep"));
    let good = SourceFile::of("demux/src/x.rs", "// da_runtime\nconst A: &str = \"thread::sleep\";\n".to_owned());
    assert!(!good.names("da_runtime") && !good.names("thread::sleep"));
}
