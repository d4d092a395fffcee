//! One process per slot: the second one is refused before it joins, and one that comes after a death is not.
//!
//! Place: one module of the integration binary, over Kafka. Processes are told apart by what they signed with; here a
//! sleeping child stands for another one.

use std::process::{Child, Command};
use std::sync::Arc;
use std::time::Duration;

use da_model::fault::Fault;
use da_model::ids::TopicName;
use da_runtime::clock::SystemClock;
use da_runtime::io::kafka::client::KafkaSettings;
use da_runtime::io::kafka::member::{KafkaMember, MemberOptions};
use da_runtime::io::kafka::slot::Holder;
use da_runtime::ports::Member;
use tests::cluster::broker::Broker;
use tests::cluster::{Cluster, Slot};

/// The other process.
struct Sleeper(Child);

impl Sleeper {
    fn start() -> Self {
        Self(Command::new("sleep").arg("600").spawn().unwrap())
    }

    fn end(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn open(broker: &Broker, slot: Slot, (topic, holder): (TopicName, Holder)) -> Result<KafkaMember, Fault> {
    reading(broker, slot, (vec![topic], holder))
}

fn reading(broker: &Broker, slot: Slot, (topics, holder): (Vec<TopicName>, Holder)) -> Result<KafkaMember, Fault> {
    let settings = KafkaSettings { session_timeout: Duration::from_secs(2), ..broker.settings().clone() };
    let base = MemberOptions::new(settings, slot.group, slot.slot.to_string(), Arc::new(SystemClock));
    KafkaMember::open(&MemberOptions { topics, holder, ..base })
}

fn owns(member: &mut KafkaMember) {
    while member.poll(1, Duration::from_millis(25)).unwrap().assigned.is_empty() {}
}

#[test]
fn the_second_process_of_a_slot_is_refused_and_the_first_one_goes_on() {
    let name = "the_second_process_of_a_slot_is_refused_and_the_first_one_goes_on";
    let Some(broker) = Broker::at_hand(name) else { return };
    let (topic, slot, mut sleeper) = (broker.topic(1), Slot::new(), Sleeper::start());
    let other = Holder::of(sleeper.0.id());
    let mut first = open(&broker, slot, (topic, other.clone())).unwrap();
    owns(&mut first);
    let told = open(&broker, slot, (topic, Holder::this())).err().unwrap().to_string();
    let expected = format!(
        "another process runs with the slot of this one: process {} on {}; give each its own service.slot",
        other.pid, other.host
    );
    assert!(told.starts_with("fatal: ") && told.contains(&expected), "{told}");
    for _ in 0..20 {
        first.poll(1, Duration::from_millis(25)).unwrap();
    }
    assert!(open(&broker, slot.other(1), (topic, Holder::this())).is_ok(), "another slot is free");
    // It dies without a word: the next process of the slot takes over at once, also where its session goes on.
    sleeper.end();
    let mut second = open(&broker, slot, (topic, Holder::this())).unwrap();
    owns(&mut second);
    let third = Holder { pid: other.pid, started: 1, ..other };
    let told = open(&broker, slot, (topic, third)).err().unwrap().to_string();
    assert!(told.contains(&format!("process {}", std::process::id())), "the one that took over counts: {told}");
}

#[test]
fn a_holder_on_another_host_is_given_the_time_of_a_session() {
    let Some(broker) = Broker::at_hand("a_holder_on_another_host_is_given_the_time_of_a_session") else { return };
    let (topic, slot) = (broker.topic(1), Slot::new());
    let elsewhere = Holder { host: "elsewhere".to_owned(), ..Holder::this() };
    let mut first = open(&broker, slot, (topic, elsewhere)).unwrap();
    owns(&mut first);
    let told = open(&broker, slot, (topic, Holder::this())).err().unwrap().to_string();
    assert!(told.starts_with("fatal: ") && told.contains("on elsewhere"), "{told}");
    drop(first);
    let mut second = open(&broker, slot, (topic, Holder::this())).unwrap();
    owns(&mut second);
}

#[test]
fn a_process_that_comes_back_with_one_more_topic_reads_that_too() {
    let Some(broker) = Broker::at_hand("a_process_that_comes_back_with_one_more_topic_reads_that_too") else { return };
    let (old, new, slot) = (broker.topic(1), broker.topic(1), Slot::new());
    let ended = Holder { started: 1, ..Holder::this() };
    let mut first = reading(&broker, slot, (vec![old], ended)).unwrap();
    owns(&mut first);
    drop(first);
    let mut second = reading(&broker, slot, (vec![old, new], Holder::this())).unwrap();
    let mut assigned = Vec::new();
    for _ in 0..400 {
        assigned.extend(second.poll(1, Duration::from_millis(25)).unwrap().assigned);
        if assigned.len() == 2 {
            break;
        }
    }
    let mut topics: Vec<TopicName> = assigned.iter().map(|at| at.topic).collect();
    topics.sort_unstable();
    let mut expected = vec![old, new];
    expected.sort_unstable();
    assert_eq!(topics, expected);
}
