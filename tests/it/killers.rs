//! Records at which the process dies: found, set aside as a dead letter, and everything else goes on (delivery.md §8).
//!
//! Place: one module of the integration binary. Deaths are simulated over a log and a store in memory; with Kafka and
//! PostgreSQL a real process, `fragile`, aborts and is started again until it comes through.

use std::process::Command;
use std::sync::Arc;

use da_model::fault::Fault;
use da_model::ids::TopicName;
use da_model::outcome::Reason;
use da_model::record::Record;
use da_runtime::commit::{GroupProtocol, Polled};
use da_runtime::io::sql::RUNTIME_POSTGRES;
use da_runtime::io::sql::postgres::migrate::{Plan, migrate};
use da_runtime::probe::{Probe, Silent};
use tests::cluster::broker::Broker;
use tests::cluster::copier::Copier;
use tests::cluster::database::Database;
use tests::cluster::fragile::KILLER;
use tests::cluster::memory::Memory;
use tests::cluster::shelf::{Shelf, Stores};
use tests::cluster::tally::{COUNT, TOTAL, Tally};
use tests::cluster::{Cluster, Slot, read};

use crate::poison::{OUR_TOPICS, of_mine};

/// Two deaths in company, three alone (delivery.md §8).
const DEATHS: usize = 5;

/// `a0 … a19` on partition 0, `b0 … b19` on partition 1.
fn fill(cluster: &dyn Cluster, topic: TopicName) {
    let texts: Vec<(u32, String)> = (0..20).flat_map(|n| [(0, format!("a{n}")), (1, format!("b{n}"))]).collect();
    cluster.append(topic, &texts.iter().map(|(p, text)| (*p, text.as_str())).collect::<Vec<_>>());
}

fn numbered(letter: char) -> Vec<String> {
    (0..20).map(|n| format!("{}:{letter}{n}", n + 1)).collect()
}

fn silent() -> Arc<dyn Probe> {
    Arc::new(Silent)
}

/// Whether deciding this batch kills the process.
fn kills(polled: &Polled) -> bool {
    !polled.set_aside && polled.records().any(|r| r.value == Some(KILLER.as_bytes()))
}

/// What one life of a worker came to.
enum Life {
    Died,
    Done,
}

/// Steps until death or until nothing is left; what is set aside goes the way of a dead letter.
fn live<W>(
    worker: &mut W,
    poll: impl Fn(&mut W) -> Result<Polled, Fault>,
    commit: impl Fn(&mut W, &Polled) -> bool,
    aside: &mut Vec<String>,
) -> Life {
    loop {
        let polled = match poll(worker) {
            Ok(polled) => polled,
            Err(Fault::Transient(_) | Fault::Fenced(_)) => continue,
            Err(fault) => panic!("{fault}"),
        };
        if kills(&polled) {
            return Life::Died;
        }
        if polled.set_aside {
            let text = |r: Record<'_>| String::from_utf8_lossy(r.value.unwrap()).into_owned();
            aside.extend(polled.records().map(text));
        }
        if commit(worker, &polled) {
            return Life::Done;
        }
    }
}

fn a_killer_is_found_and_set_aside(cluster: &dyn Cluster) {
    let (from, to) = (cluster.topic(2), cluster.topic(2));
    fill(cluster, from);
    let (slot, mut deaths, mut aside) = (Slot::new(), 0, Vec::new());
    loop {
        let mut copier = Copier::join(cluster, slot, (from, to), &silent()).unwrap();
        let commit = |copier: &mut Copier, polled: &Polled| {
            if !polled.is_empty() {
                copier.commit(polled).unwrap();
            }
            let stands = copier.txn.stands();
            polled.is_empty() && stands.len() == 2 && stands.iter().all(|(_, next, end)| next == end)
        };
        match live(&mut copier, |c| c.poll(64), commit, &mut aside) {
            Life::Died => deaths += 1,
            Life::Done => break copier.close(),
        }
        assert!(deaths <= DEATHS, "the killer is not found");
    }
    assert_eq!((deaths, aside), (DEATHS, vec![KILLER.to_owned()]));
    assert_eq!(
        read(cluster, to),
        [numbered('a'), numbered('b')],
        "every record once, in order, numbered without holes"
    );
}

#[test]
fn over_a_log_in_memory_a_killer_is_found_and_set_aside() {
    a_killer_is_found_and_set_aside(&Memory::default());
}

#[test]
fn over_kafka_a_killer_is_found_and_set_aside() {
    let Some(broker) = Broker::at_hand("over_kafka_a_killer_is_found_and_set_aside") else { return };
    a_killer_is_found_and_set_aside(&broker);
}

#[test]
fn over_a_store_in_memory_a_killer_is_found_and_set_aside() {
    let (log, shelf, slot) = (Memory::default(), Shelf::default(), Slot::new());
    let (from, to) = (log.topic(2), log.topic(2));
    fill(&log, from);
    let (mut deaths, mut aside) = (0, Vec::new());
    loop {
        let member = log.member(slot, &[from], silent()).unwrap();
        let mut worker = Tally::new(member, shelf.open("0", &[&COUNT, &TOTAL]), (from, to), &silent());
        let commit = |worker: &mut Tally, polled: &Polled| {
            if !polled.is_empty() {
                worker.commit(polled).unwrap();
            }
            let stands = worker.txn.stands();
            polled.is_empty() && stands.len() == 2 && stands.iter().all(|(_, next, end)| next == end)
        };
        match live(&mut worker, |w| w.poll(64), commit, &mut aside) {
            Life::Died => deaths += 1,
            Life::Done => break,
        }
        assert!(deaths <= DEATHS, "the killer is not found");
    }
    assert_eq!((deaths, aside), (DEATHS, vec![KILLER.to_owned()]));
    let said = |letter| (0..20).map(|n| format!("{0}:{0}:{letter}{n}", n + 1)).collect::<Vec<_>>();
    assert_eq!(read(&log, to), [said('a'), said('b')]);
}

#[test]
fn who_leaves_in_order_has_not_died() {
    let (log, shelf, slot) = (Memory::default(), Shelf::default(), Slot::new());
    let (from, to) = (log.topic(1), log.topic(1));
    log.append(from, &[(0, KILLER)]);
    for _ in 0..10 {
        let member = log.member(slot, &[from], silent()).unwrap();
        let mut worker = Tally::new(member, shelf.open("0", &[&COUNT, &TOTAL]), (from, to), &silent());
        let polled = loop {
            let polled = worker.poll(64).unwrap();
            if !polled.is_empty() {
                break polled;
            }
        };
        assert!(!polled.set_aside);
        worker.txn.close().unwrap();
    }
}

/// Starts the child until it comes through; how often it died.
fn deaths(told: [&str; 4]) -> usize {
    for deaths in 0..=2 * DEATHS {
        let child = Command::new(env!("CARGO_BIN_EXE_fragile")).args(told).output().unwrap();
        match child.status.code() {
            Some(0) => return deaths,
            Some(code) => panic!("exit {code}: {}", String::from_utf8_lossy(&child.stderr)),
            None => {}
        }
    }
    panic!("the child does not come through")
}

fn a_process_that_aborts_comes_through(broker: &Broker, protocol: &str, database: &str) {
    let _alone = OUR_TOPICS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    broker.admin().apply(&broker.admin().plan(Some(3)).unwrap(), 1).unwrap();
    let topic = broker.topic(3);
    fill(broker, topic);
    let group = Slot::new().group;
    assert_eq!(deaths([protocol, topic.0, group, database]), DEATHS);
    let letters = of_mine(broker, "demux.dead", |logged| {
        let letter = logged.dead();
        let value = String::from_utf8_lossy(letter.value.as_deref().unwrap_or_default()).into_owned();
        (letter.topic == topic.0).then_some((letter.rejection.reason, letter.attempts, value))
    });
    assert_eq!(letters, [(Reason::ProcessKiller, 3, KILLER.to_owned())]);
    let behind = broker.admin().lag(group, &[topic]).unwrap();
    assert!(behind.iter().all(|b| b.records == 0), "everything else went on: {behind:?}");
}

#[test]
fn over_kafka_txn_a_process_that_aborts_comes_through() {
    let Some(broker) = Broker::at_hand("over_kafka_txn_a_process_that_aborts_comes_through") else { return };
    a_process_that_aborts_comes_through(&broker, "kafka", "-");
}

#[test]
fn over_sql_txn_a_process_that_aborts_comes_through() {
    let name = "over_sql_txn_a_process_that_aborts_comes_through";
    let Some(broker) = Broker::at_hand(name) else { return };
    let Some(database) = Database::at_hand(name) else { return };
    migrate(database.settings(), &Plan { migrations: RUNTIME_POSTGRES.to_vec(), tables: Vec::new() }).unwrap();
    a_process_that_aborts_comes_through(&broker, "sql", &database.url(database.name()));
    assert_eq!(database.texts("SELECT count(*)::text FROM attempts"), ["0"], "a count goes when its position moves");
}
