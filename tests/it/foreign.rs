//! Readers that were not written here: what they read of our topics on Kafka is what we wrote, and nothing of it was
//! aborted.
//!
//! Place: one module of the integration binary, over `tests/foreign/read_topics.py` and Kafka's own console consumer.
//! Where Kafka, the registry, Python or Java is missing, a test says what it skipped.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::Arc;

use da_model::event::Event;
use da_model::topics;
use da_runtime::probe::{Probe, Silent, Step};
use serde_json::{Value, json};
use tests::cluster::broker::Broker;
use tests::cluster::copier::Copier;
use tests::cluster::{Cluster, Deadly, Slot, read};
use tests::dsl::{self, T0};
use tests::measure;
use tests::stack::{Form, Logged, Stack};

/// Topics that a healthy run leaves empty.
const EMPTY: [&str; 2] = ["demux.dead", "dep.dead"];

/// The words of a script of this repository, or a line that says what was skipped.
fn script(test: &str, words: &[&str]) -> Option<String> {
    let out = Command::new("sh").args(words).current_dir(measure::root()).output().unwrap();
    if out.status.success() {
        return Some(String::from_utf8(out.stdout).unwrap().trim().to_owned());
    }
    eprintln!("skipped: {test}, because {}", String::from_utf8_lossy(&out.stderr).trim());
    None
}

fn has(program: &str) -> bool {
    Command::new("sh").args(["-c", &format!("command -v {program}")]).output().is_ok_and(|out| out.status.success())
}

/// Something of every topic: both kinds of items, resources, reactions, a repeat with other content, a refusal.
fn everything(stack: &Stack) {
    stack.play(
        "start(s1,a1)@0\nq(s1,a1,q1)=correct 0–30 id=e1\nq(s1,a1,q1)=incorrect 0–30 id=e1 -> accepted\nstop(s1,a1)@31
         start(s2,col1)@40\nr(s2,col1,r1) 40–50\nq(s2,col1,q2)=correct 50–60\nreact(s2,col1,r1)=5@61
         react(s2,col1,q2)=4@62\nstop(s2,col1)@63\nreact(s1,a1,q1)=3@64\nwithdraw(s1,a1)@65",
    );
    let mut nameless = dsl::play("q(s1,a1,q1)=correct 0–30").event;
    nameless.as_object_mut().unwrap().remove("eventName");
    let system = json!({
        "eventId": "e-create", "eventName": "item.create", "startTime": T0, "endTime": T0, "metrics": {},
        "session": {"apiKey": null, "organizationUId": null}, "user": {"gooruUId": "teacher-1"},
        "version": {"logApi": "4.0"}, "context": {"contentGooruId": "a1", "clientSource": "core"},
        "payLoadObject": {"contentFormat": "assessment", "data": {"id": "a1", "format": "assessment"}},
    });
    assert_eq!(stack.post_all(&[nameless, system], T0 + 70_000).status, 207);
    stack.drain();
}

/// What a record says, in the words of both sides: its lineage's id, and of a discrete event its own id and revision.
fn ours(record: &Logged) -> Value {
    let (lineage, event) = record.read();
    let id: String = lineage.id.iter().map(|byte| format!("{byte:02x}")).collect();
    let Event::Discrete(de) = event else { return json!([record.key, id, null, null]) };
    json!([record.key, id, de.de_id.to_string(), de.revision])
}

fn theirs(line: &Value) -> Value {
    let value = &line["value"];
    json!([line["key"], value["lineage"]["id"], value["deId"], value["revision"]])
}

#[test]
fn readers_written_elsewhere_decode_every_record_of_every_topic() {
    let test = "readers_written_elsewhere_decode_every_record_of_every_topic";
    if !Form::Cluster.at_hand(test) {
        return;
    }
    let Some(python) = script(test, &["tests/foreign/venv.sh"]) else { return };
    let stack = Form::Cluster.start();
    everything(&stack);
    let mut expected: BTreeMap<(String, u64, i64), Value> = BTreeMap::new();
    for record in stack.log().iter().filter(|record| record.topic != tests::stack::PARTNER_TOPIC.0) {
        let at = (stack.full_name(&record.topic), u64::from(record.partition.0), record.offset.0);
        assert_eq!(expected.insert(at, ours(record)), None);
    }
    let fed = topics::all().iter().filter(|topic| topic.feeds == "now" && !EMPTY.contains(&topic.name.as_str()));
    let fed: Vec<String> = fed.map(|topic| stack.full_name(&topic.name)).collect();
    let silent: Vec<_> = fed.iter().filter(|name| !expected.keys().any(|(topic, ..)| topic == *name)).collect();
    assert_eq!(silent, Vec::<&String>::new(), "topics that this run says nothing in");
    for reader in ["confluent", "fastavro"] {
        if reader == "fastavro" && !has("kcat") {
            eprintln!("skipped: {test} by kcat and fastavro, because kcat is not installed");
            continue;
        }
        let mut command = Command::new(&python);
        let command = command.arg("tests/foreign/read_topics.py").args(["--reader", reader]).args(&fed);
        let Output { status, stdout, stderr } = command.current_dir(measure::root()).output().unwrap();
        assert!(status.success(), "{reader}: {}", String::from_utf8_lossy(&stderr));
        let lines: Vec<Value> =
            String::from_utf8(stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let seen: BTreeMap<(String, u64, i64), Value> = lines
            .iter()
            .map(|l| {
                let topic = l["topic"].as_str().unwrap().to_owned();
                ((topic, l["partition"].as_u64().unwrap(), l["offset"].as_i64().unwrap()), theirs(l))
            })
            .collect();
        assert_eq!(seen, expected, "{reader}");
    }
}

#[test]
fn a_java_consumer_sees_no_record_of_an_aborted_transaction() {
    let test = "a_java_consumer_sees_no_record_of_an_aborted_transaction";
    let Some(broker) = Broker::at_hand(test) else { return };
    let Some(libs) = script(test, &["deploy/local/kafka.sh", "libs"]).map(PathBuf::from) else { return };
    if !has("java") {
        eprintln!("skipped: {test}, because java is not installed");
        return;
    }
    let (from, to) = (broker.topic(1), broker.topic(1));
    broker.append(from, &[(0, "x-record"), (0, "y-record")]);
    let (slot, deadly) = (Slot::new(), Arc::new(Deadly::default()));
    let mut copier = Copier::join(&broker, slot, (from, to), &(Arc::clone(&deadly) as Arc<dyn Probe>)).unwrap();
    let waiting = std::iter::repeat_with(|| copier.poll(1).unwrap()).find(|polled| !polled.is_empty()).unwrap();
    deadly.arm(Step::AfterOffsets, 1);
    assert!(copier.commit(&waiting).is_err());
    drop(copier);
    let mut copier = Copier::join(&broker, slot, (from, to), &(Arc::new(Silent) as Arc<dyn Probe>)).unwrap();
    copier.copy(2, 10).unwrap();
    copier.close();
    assert_eq!(read(&broker, to), [["1:x-record", "2:y-record"]]);
    // It ends when it has seen so many; the time-out is for a broker that says nothing.
    let seen = |isolation: &str, records: &str| -> Vec<String> {
        let mut command = Command::new("java");
        command.arg("-Xmx256m").arg("-cp").arg(libs.join("*")).arg("org.apache.kafka.tools.consumer.ConsoleConsumer");
        command.args(["--bootstrap-server", &broker.settings().bootstrap, "--topic", &topics::full_name(to)]);
        command.args(["--from-beginning", "--timeout-ms", "60000", "--isolation-level", isolation]);
        let out = command.args(["--max-messages", records]).output().unwrap();
        let (lines, told) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
        assert!(told.contains("Processed a total of"), "{told}");
        let of_ours = |line: &str| ["x-record", "y-record"].into_iter().find(|text| line.ends_with(text));
        lines.lines().filter_map(of_ours).map(str::to_owned).collect()
    };
    assert_eq!(seen("read_committed", "2"), ["x-record", "y-record"]);
    assert_eq!(seen("read_uncommitted", "3"), ["x-record", "x-record", "y-record"], "the aborted one is in the log");
}
