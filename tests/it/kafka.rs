//! `kafka_txn` and the member below it, over a log in memory and over Kafka where it runs.
//!
//! Place: one module of the integration binary. The same suite runs over both; what only one of them can show stands
//! below it.

use std::sync::{Arc, PoisonError};

use da_model::fault::Fault;
use da_model::ids::{Offset, TopicName};
use da_runtime::clock::SystemClock;
use da_runtime::commit::GroupProtocol;
use da_runtime::commit::board::{Board, Watch};
use da_runtime::commit::kafka_txn::{self, KafkaTxn};
use da_runtime::commit::status::Status;
use da_runtime::driver::DriverOptions;
use da_runtime::group::Group;
use da_runtime::io::kafka::admin::Change;
use da_runtime::io::kafka::client::KafkaSettings;
use da_runtime::io::kafka::member::{KafkaMember, MemberOptions};
use da_runtime::io::kafka::sink::{KafkaSink, SinkBounds};
use da_runtime::ports::{Append, Clock, Member, Sink, SinkError};
use da_runtime::probe::{Probe, Silent, Step};
use da_runtime::stop::{Phase, Stop};
use da_runtime::worker::Worker;
use tests::cluster::broker::Broker;
use tests::cluster::copier::Copier;
use tests::cluster::memory::{Fate, Memory};
use tests::cluster::{Cluster, Deadly, Slot, at, committed, outbox, read};

fn silent() -> Arc<dyn Probe> {
    Arc::new(Silent)
}

/// `a0 a1 …` on partition 0, `b0 b1 …` on partition 1.
fn fill(cluster: &dyn Cluster, topic: TopicName, records: usize) {
    let texts: Vec<(u32, String)> = (0..records).flat_map(|n| [(0, format!("a{n}")), (1, format!("b{n}"))]).collect();
    let texts: Vec<(u32, &str)> = texts.iter().map(|(p, text)| (*p, text.as_str())).collect();
    cluster.append(topic, &texts);
}

/// What copying `a0 a1 …` must bring: every record once, in order, numbered without holes.
fn numbered(letter: char, records: usize) -> Vec<String> {
    (0..records).map(|n| format!("{}:{letter}{n}", n + 1)).collect()
}

fn both(records: usize) -> Vec<Vec<String>> {
    vec![numbered('a', records), numbered('b', records)]
}

fn a_transaction_is_seen_only_when_it_is_committed(cluster: &dyn Cluster) {
    let (from, to) = (cluster.topic(1), cluster.topic(1));
    cluster.append(from, &[(0, "x")]);
    let slot = Slot::new();
    for step in [Step::AfterSends, Step::AfterOffsets] {
        let deadly = Arc::new(Deadly::default());
        let mut copier = Copier::join(cluster, slot, (from, to), &(Arc::clone(&deadly) as _)).unwrap();
        // The first commit of the group passes the steps too, once.
        let waiting = loop {
            let polled = copier.poll(10).unwrap();
            if !polled.is_empty() {
                break polled;
            }
        };
        deadly.arm(step, 1);
        assert!(matches!(copier.commit(&waiting), Err(Fault::Fatal(_))), "{step:?}");
        assert!(!deadly.armed());
        drop(copier);
    }
    let mut copier = Copier::join(cluster, slot, (from, to), &silent()).unwrap();
    copier.copy(1, 10).unwrap();
    copier.close();
    assert_eq!(read(cluster, to), [["1:x"]], "of three attempts one counts");
}

fn a_death_at_any_step_is_harmless(cluster: &dyn Cluster) {
    for times in [1, 2] {
        for step in Step::KAFKA {
            let (from, to) = (cluster.topic(2), cluster.topic(2));
            fill(cluster, from, 6);
            let (slot, deadly) = (Slot::new(), Arc::new(Deadly::default()));
            for _ in 0..times {
                // Not the first commit of the group, and not the first batch.
                deadly.arm(*step, 3);
                let mut copier = Copier::join(cluster, slot, (from, to), &(Arc::clone(&deadly) as _)).unwrap();
                let died =
                    std::iter::repeat_with(|| copier.step(2)).find(|done| done.is_err() || !deadly.armed()).unwrap();
                assert!(matches!(died, Err(Fault::Fatal(_))), "{step:?}: {died:?}");
            }
            let mut copier = Copier::join(cluster, slot, (from, to), &silent()).unwrap();
            copier.drain().unwrap();
            copier.close();
            assert_eq!(read(cluster, to), both(6), "{step:?} × {times}");
        }
    }
}

fn an_abandoned_batch_comes_again(cluster: &dyn Cluster) {
    let (from, to) = (cluster.topic(1), cluster.topic(1));
    cluster.append(from, &[(0, "x"), (0, "y"), (0, "z")]);
    let mut copier = Copier::join(cluster, Slot::new(), (from, to), &silent()).unwrap();
    let first = loop {
        let polled = copier.poll(3).unwrap();
        if polled.len() == 3 {
            break polled;
        }
    };
    let texts = |polled: &da_runtime::commit::Polled| -> Vec<String> {
        polled.records().map(|r| String::from_utf8_lossy(r.value.unwrap()).into_owned()).collect()
    };
    da_runtime::commit::Protocol::abandon(&mut copier.txn);
    let half = copier.poll(2).unwrap();
    assert_eq!((texts(&first), texts(&half)), (vec!["x".into(), "y".into(), "z".into()], vec!["x".into(), "y".into()]));
    copier.commit(&half).unwrap();
    copier.copy(1, 10).unwrap();
    copier.close();
    assert_eq!(read(cluster, to), [["1:x", "2:y", "3:z"]]);
}

fn the_counters_travel_with_the_offset(cluster: &dyn Cluster) {
    let (from, to) = (cluster.topic(2), cluster.topic(2));
    fill(cluster, from, 2);
    let slot = Slot::new();
    let mut copier = Copier::join(cluster, slot, (from, to), &silent()).unwrap();
    copier.drain().unwrap();
    copier.close();
    let mut member = cluster.member(slot, &[from], silent()).unwrap();
    let of = [at(from, 0), at(from, 1)];
    let told = member.committed(&of).unwrap();
    let texts: Vec<String> = told.into_iter().map(|c| c.unwrap().metadata).collect();
    assert_eq!(texts, [format!("e1 >{to}:2"), format!("e1 >{to}:1.2")]);
    member.close();
    // Their number goes on after a restart.
    fill(cluster, from, 1);
    let mut copier = Copier::join(cluster, slot, (from, to), &silent()).unwrap();
    copier.copy(2, 10).unwrap();
    copier.close();
    assert_eq!(read(cluster, to), [["1:a0", "2:a1", "3:a0"], ["1:b0", "2:b1", "3:b0"]]);
}

fn a_group_begins_at_the_earliest_record_and_says_so_at_once(cluster: &dyn Cluster) {
    let (from, to) = (cluster.topic(1), cluster.topic(1));
    cluster.append(from, &[(0, "x")]);
    let slot = Slot::new();
    let mut copier = Copier::join(cluster, slot, (from, to), &silent()).unwrap();
    while copier.owns().is_empty() {
        copier.poll(1).unwrap();
    }
    copier.close();
    let mut member = cluster.member(slot, &[from], silent()).unwrap();
    assert_eq!(member.committed(&[at(from, 0)]).unwrap(), [Some(committed(0, "e1 "))]);
    member.close();
}

fn an_offset_moved_by_hand_stops_the_group(cluster: &dyn Cluster) {
    let (from, to) = (cluster.topic(1), cluster.topic(1));
    cluster.append(from, &[(0, "x"), (0, "y")]);
    let slot = Slot::new();
    let mut member = cluster.member(slot, &[from], silent()).unwrap();
    while member.poll(1, std::time::Duration::from_millis(25)).unwrap().assigned.is_empty() {}
    member.publish(&[], &[(at(from, 0), committed(1, ""))]).unwrap();
    member.close();
    let mut copier = Copier::join(cluster, slot, (from, to), &silent()).unwrap();
    let told = loop {
        match copier.step(10) {
            Ok(_) => {}
            Err(fault) => break fault.to_string(),
        }
    };
    assert!(told.starts_with("fatal: ") && told.contains("another tool has moved it"), "{told}");
}

fn two_members_share_the_partitions_and_hand_over(cluster: &dyn Cluster) {
    let (from, to) = (cluster.topic(4), cluster.topic(4));
    let write = |n: usize| {
        let texts: Vec<(u32, String)> = (0..4).map(|p| (p, format!("{p}.{n}"))).collect();
        let texts: Vec<(u32, &str)> = texts.iter().map(|(p, t)| (*p, t.as_str())).collect();
        cluster.append(from, &texts);
    };
    let slot = Slot::new();
    let mut one = Copier::join(cluster, slot, (from, to), &silent()).unwrap();
    write(0);
    one.copy(4, 10).unwrap();
    assert_eq!(one.owns(), [0, 1, 2, 3]);
    let mut two = Copier::join(cluster, slot.other(1), (from, to), &silent()).unwrap();
    write(1);
    let mut copied = 4;
    while one.owns().len() != 2 || two.owns().len() != 2 || copied < 8 {
        copied += both_step(&mut one, &mut two);
    }
    write(2);
    while copied < 12 {
        copied += both_step(&mut one, &mut two);
    }
    let mut all = [one.owns(), two.owns()].concat();
    all.sort_unstable();
    assert_eq!(all, [0, 1, 2, 3]);
    one.close();
    two.close();
    let expected: Vec<Vec<String>> = (0..4).map(|p| (0..3).map(|n| format!("{}:{p}.{n}", n + 1)).collect()).collect();
    assert_eq!(read(cluster, to), expected);
}

/// A step of each; a generation that ended meanwhile is refused, and the batch is done again.
fn both_step(one: &mut Copier, two: &mut Copier) -> usize {
    let mut copied = 0;
    for copier in [one, two] {
        match copier.step(1) {
            Ok(n) => copied += n,
            Err(fault) => assert!(matches!(fault, Fault::Transient(_) | Fault::Fenced(_)), "{fault}"),
        }
    }
    copied
}

fn an_old_generation_is_refused(cluster: &dyn Cluster) {
    let (from, to) = (cluster.topic(1), cluster.topic(1));
    cluster.append(from, &[(0, "x")]);
    let slot = Slot::new();
    let mut old = Copier::join(cluster, slot, (from, to), &silent()).unwrap();
    let polled = loop {
        let polled = old.poll(1).unwrap();
        if !polled.is_empty() {
            break polled;
        }
    };
    // The same slot again: another process was started with it.
    let mut new = Copier::join(cluster, slot, (from, to), &silent()).unwrap();
    new.copy(1, 10).unwrap();
    let refused = old.commit(&polled);
    assert!(matches!(refused, Err(Fault::Fenced(_))), "{refused:?}");
    let told = loop {
        match old.poll(1) {
            Ok(_) | Err(Fault::Fenced(_) | Fault::Transient(_)) => {}
            Err(fault) => break fault.to_string(),
        }
    };
    assert!(told.contains("another process runs with the slot of this one"), "{told}");
    drop(old);
    new.close();
    assert_eq!(read(cluster, to), [["1:x"]]);
}

fn a_partition_that_left_while_it_was_paused_is_read_when_it_comes_back(cluster: &dyn Cluster, leave: impl Fn(Slot)) {
    let wait = std::time::Duration::from_millis(25);
    let (from, slot) = (cluster.topic(2), Slot::new());
    cluster.append(from, &[(0, "a0"), (1, "b0")]);
    let mut one = cluster.member(slot, &[from], silent()).unwrap();
    // What a member of it brought, where it begins at the first record.
    let turn = |member: &mut Box<dyn Member>, brought: &mut Vec<u32>| {
        let fetched = member.poll(10, wait).unwrap();
        let starts: Vec<_> = fetched.assigned.iter().map(|of| (*of, Offset(0))).collect();
        member.start(&starts).unwrap();
        brought.extend(fetched.segments.iter().map(|(of, _)| of.partition.0));
        (fetched.assigned.len(), fetched.revoked)
    };
    let mut brought = Vec::new();
    while brought.len() < 2 {
        turn(&mut one, &mut brought);
    }
    one.stall(&[at(from, 0)]).unwrap();
    one.pause(true).unwrap();
    let mut two = cluster.member(slot.other(1), &[from], silent()).unwrap();
    let (mut gone, mut came) = (Vec::new(), 0);
    while gone.is_empty() || came == 0 {
        gone.extend(turn(&mut one, &mut Vec::new()).1);
        came += turn(&mut two, &mut Vec::new()).0;
    }
    one.stall(&[]).unwrap();
    one.pause(false).unwrap();
    two.close();
    leave(slot.other(1));
    let (back, mut brought) = (gone.remove(0).partition.0, Vec::new());
    while !brought.contains(&back) {
        turn(&mut one, &mut brought);
    }
    one.close();
}

/// One test per log and scenario.
macro_rules! suite {
    ($($name:ident,)+) => {
        mod memory {
            $(#[test] fn $name() { super::$name(&super::Memory::default()); })+
        }
        mod broker {
            $(#[test] fn $name() {
                if let Some(broker) = super::Broker::at_hand(stringify!($name)) { super::$name(&broker); }
            })+
        }
    };
}

suite! {
    a_transaction_is_seen_only_when_it_is_committed,
    a_death_at_any_step_is_harmless,
    an_abandoned_batch_comes_again,
    the_counters_travel_with_the_offset,
    a_group_begins_at_the_earliest_record_and_says_so_at_once,
    an_offset_moved_by_hand_stops_the_group,
    two_members_share_the_partitions_and_hand_over,
    an_old_generation_is_refused,
}

#[test]
fn on_the_log_in_memory_a_partition_that_left_while_it_was_paused_is_read_again() {
    let memory = Memory::default();
    a_partition_that_left_while_it_was_paused_is_read_when_it_comes_back(&memory, |slot| memory.expire(slot));
}

/// A static member that is gone is missed when its session ends.
#[test]
fn on_kafka_a_partition_that_left_while_it_was_paused_is_read_again() {
    let name = "on_kafka_a_partition_that_left_while_it_was_paused_is_read_again";
    let Some(broker) = Broker::at_hand(name) else { return };
    a_partition_that_left_while_it_was_paused_is_read_when_it_comes_back(&broker, |_| {});
}

#[test]
fn a_process_that_ends_while_the_log_is_away_does_not_wait_for_it_again() {
    let memory = Memory::default();
    let (from, to) = (memory.topic(2), memory.topic(2));
    fill(&memory, from, 4);
    let slot = Slot::new();
    let mut copier = Copier::join(&memory, slot, (from, to), &silent()).unwrap();
    while copier.poll(4).unwrap().is_empty() {}
    let polled = copier.poll(4).unwrap();
    let counted = memory.stored(slot.group, at(from, 0)).unwrap().metadata;
    assert!(counted.starts_with("e1 ~1"), "an attempt is counted: {counted}");
    memory.decide(Fate::Lost);
    assert!(copier.commit(&polled).is_err());
    copier.close();
    assert_eq!(memory.stored(slot.group, at(from, 0)).unwrap().metadata, counted, "nothing more was sent");
}

#[test]
fn a_seek_that_fails_after_a_commit_in_doubt_is_made_again() {
    let memory = Memory::default();
    let (from, to) = (memory.topic(1), memory.topic(1));
    memory.append(from, &[(0, "x"), (0, "y"), (0, "z")]);
    let slot = Slot::new();
    let mut copier = Copier::join(&memory, slot, (from, to), &silent()).unwrap();
    copier.copy(1, 1).unwrap();
    // A late end of an earlier transaction: the group stands where nobody meant it to.
    memory.decide(Fate::Lost);
    let polled = copier.poll(1).unwrap();
    memory.move_group(slot.group, at(from, 0), Offset(0));
    memory.fail_starts(1);
    assert!(copier.commit(&polled).is_err());
    let again = loop {
        match copier.poll(1) {
            Ok(polled) if polled.is_empty() => {}
            Ok(polled) => break polled,
            Err(fault) => assert!(matches!(fault, Fault::Transient(_)), "{fault}"),
        }
    };
    assert_eq!(again.parts[0].position.next, Offset(0), "it reads where the group stands");
}

#[test]
fn a_commit_without_an_answer_is_read_from_the_group() {
    // After two records only one partition was tried: the next transaction counts the attempt at the other one.
    for (fate, before) in [Fate::Kept, Fate::Lost, Fate::Undone].into_iter().flat_map(|fate| [(fate, 2), (fate, 6)]) {
        let memory = Memory::default();
        let (from, to) = (memory.topic(2), memory.topic(2));
        fill(&memory, from, 4);
        let mut copier = Copier::join(&memory, Slot::new(), (from, to), &silent()).unwrap();
        copier.copy(before, 2).unwrap();
        memory.decide(fate);
        let told = copier.step(4);
        assert_eq!(told.is_ok(), fate == Fate::Kept && before == 6, "{fate:?}: {told:?}");
        while copier.drain().is_err() {}
        assert_eq!(copier.txn.tally().suspects, 1, "{fate:?}");
        copier.close();
        assert_eq!(read(&memory, to), both(4), "{fate:?}");
    }
}

#[test]
fn a_zombie_forgets_its_batch_and_comes_back() {
    let memory = Memory::default();
    let (from, to) = (memory.topic(2), memory.topic(2));
    fill(&memory, from, 4);
    let slot = Slot::new();
    let mut zombie = Copier::join(&memory, slot, (from, to), &silent()).unwrap();
    zombie.copy(2, 2).unwrap();
    let polled = zombie.poll(4).unwrap();
    memory.expire(slot);
    let mut heir = Copier::join(&memory, slot.other(1), (from, to), &silent()).unwrap();
    heir.drain().unwrap();
    assert!(matches!(zombie.commit(&polled), Err(Fault::Fenced(_))));
    fill(&memory, from, 0);
    memory.append(from, &[(0, "a4"), (1, "b4")]);
    for _ in 0..10 {
        let _ = (zombie.step(4), heir.step(4));
    }
    assert_eq!((zombie.owns(), heir.owns()), (vec![0], vec![1]));
    assert_eq!(read(&memory, to), both(5));
}

#[test]
fn a_first_commit_in_doubt_is_tried_again() {
    for fate in [Fate::Kept, Fate::Lost, Fate::Undone] {
        let memory = Memory::default();
        let (from, to) = (memory.topic(1), memory.topic(1));
        memory.append(from, &[(0, "x")]);
        let slot = Slot::new();
        let mut copier = Copier::join(&memory, slot, (from, to), &silent()).unwrap();
        memory.decide(fate);
        assert!(copier.step(10).is_err(), "{fate:?}");
        copier.copy(1, 10).unwrap();
        assert_eq!(read(&memory, to), [["1:x"]], "{fate:?}");
        assert_eq!(memory.stored(slot.group, at(from, 0)).unwrap().next.0, 1);
    }
}

#[test]
fn counters_beyond_what_a_broker_stores_are_refused_before_they_are_sent() {
    let memory = Memory::default();
    let from = memory.topic(1);
    let many = memory.topic(2_500);
    memory.append(from, &[(0, "x")]);
    let mut copier = Copier::join(&memory, Slot::new(), (from, many), &silent()).unwrap();
    let polled = loop {
        let polled = copier.poll(1).unwrap();
        if !polled.is_empty() {
            break polled;
        }
    };
    let mut position = polled.parts[0].position.clone();
    for partition in 0..2_500 {
        position.edges.send(many.0, da_model::ids::Partition(partition));
    }
    let work = da_runtime::commit::Work {
        positions: vec![(at(from, 0), position)],
        out: outbox(&[(at(many, 0), "x")]),
        ..Default::default()
    };
    let told = da_runtime::commit::Protocol::commit(&mut copier.txn, work).unwrap_err().to_string();
    assert!(told.starts_with("fatal: edge counters of ") && told.contains("a broker stores 4096"), "{told}");
    assert_eq!(read(&memory, many).concat(), Vec::<String>::new());
}

#[test]
fn topics_with_too_many_partitions_for_the_counters_are_told_at_the_start() {
    assert_eq!(kafka_txn::fits("gep", |_| 150), Ok(()));
    assert_eq!(kafka_txn::fits("demux", |_| 5_000), Ok(()), "what inherits its partition has one edge per topic");
    let told = kafka_txn::fits("gep", |_| 300).unwrap_err().to_string();
    assert!(told.starts_with("fatal: ") && told.contains("have 300 partitions"), "{told}");
}

/// Counts per outcome of the ways through a real stage: three lines, one of them unreadable.
#[test]
fn a_stage_runs_over_a_group_until_it_is_stopped() {
    let Some(broker) = Broker::at_hand("a_stage_runs_over_a_group_until_it_is_stopped") else { return };
    let _alone = crate::poison::OUR_TOPICS.lock().unwrap_or_else(PoisonError::into_inner);
    let plan = broker.admin().plan(Some(3)).unwrap();
    broker.admin().apply(&plan, 1).unwrap();
    let again = broker.admin().plan(Some(3)).unwrap();
    assert!(again.iter().all(|change| matches!(change, Change::Leave { .. })), "{again:?}");
    let topic = TopicName("gep.usage");
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let stages = demux::service::stages(&demux::settings::Settings::default(), &DriverOptions::new(Arc::clone(&clock)));
    let stage = stages.unwrap().remove(0);
    let slot = Slot { group: stage.name(), slot: 0 };
    let member = broker.serving(slot, &[topic], "demux").unwrap();
    let dead = TopicName("demux.dead");
    let before: usize = read(&broker, dead).iter().map(Vec::len).sum();
    let (board, stop) = (Board::default(), Stop::new());
    let watch = Watch::over(vec![board.clone()]);
    let group = Group::new(stage, Box::new(KafkaTxn::new(Box::new(member))), board, clock);
    let worker = Worker::group(group, stop.clone()).unwrap();
    let sink = KafkaSink::open(broker.settings(), &[topic], SinkBounds::default()).unwrap();
    let lines = ["one", "two", "three"].map(|key| Append {
        topic,
        key: key.as_bytes().to_vec(),
        value: Some(b"\0none of ours".to_vec()),
        timestamp: da_model::time::Timestamp(5),
    });
    let stored = sink.append(lines.to_vec()).unwrap().blocking_recv().unwrap().unwrap();
    let places: Vec<u32> = stored.iter().map(|(_, partition, _)| partition.0).collect();
    assert_eq!(places, lines.clone().map(|l| da_model::key::partition_of(&l.key, 3).0));
    // Others may have left good records there; these three are refused.
    let refused = |status: &Status| status.counts.get("demux").map_or(0, |c| c.dead.values().sum::<u64>());
    while (refused(&watch.status()) < 3 || watch.status().lag() > 0) && !worker.ended() {
        std::thread::park_timeout(std::time::Duration::from_millis(20));
    }
    assert_eq!(watch.status().fault, None);
    stop.raise(Phase::Draining);
    worker.join().unwrap();
    let status = watch.status();
    assert_eq!(status.counts["demux"].dead.values().sum::<u64>(), 3, "{:?}", status.counts);
    assert_eq!(read(&broker, dead).iter().map(Vec::len).sum::<usize>(), before + 3);
    let behind = broker.admin().lag("demux", &[topic]).unwrap();
    assert_eq!(behind.iter().map(|b| (b.at.partition.0, b.records)).collect::<Vec<_>>(), [(0, 0), (1, 0), (2, 0)]);
    sink.drain();
    assert_eq!(sink.append(lines.to_vec()).unwrap_err(), SinkError::Draining);
}

#[test]
fn a_full_queue_refuses_at_once_and_holds_what_it_took() {
    let Some(broker) = Broker::at_hand("a_full_queue_refuses_at_once_and_holds_what_it_took") else { return };
    let topic = broker.topic(2);
    // Gathers for a second: until then nothing is acknowledged.
    let settings = KafkaSettings { linger: std::time::Duration::from_secs(1), ..broker.settings().clone() };
    let sink = KafkaSink::open(&settings, &[topic], SinkBounds { records: 3, bytes: 1_000 }).unwrap();
    let of = |records: usize, bytes: usize| -> Vec<Append> {
        let one = |n: usize| Append {
            topic,
            key: n.to_be_bytes().to_vec(),
            value: Some(vec![b'x'; bytes]),
            timestamp: da_model::time::Timestamp(5),
        };
        (0..records).map(one).collect()
    };
    let lone = sink.append(of(5, 10)).unwrap();
    assert_eq!(sink.append(of(1, 10)).unwrap_err(), SinkError::Full { retry_after: 1 });
    let stored = lone.blocking_recv().unwrap().unwrap();
    let expected: Vec<u32> = (0..5_usize).map(|n| da_model::key::partition_of(&n.to_be_bytes(), 2).0).collect();
    assert_eq!(stored.iter().map(|(_, partition, _)| partition.0).collect::<Vec<_>>(), expected);
    let heavy = sink.append(of(1, 980)).unwrap();
    assert_eq!(sink.append(of(1, 100)).unwrap_err(), SinkError::Full { retry_after: 1 }, "by bytes, too");
    heavy.blocking_recv().unwrap().unwrap();
    assert!(sink.append(vec![]).unwrap().blocking_recv().unwrap().unwrap().is_empty());
    let foreign = vec![Append { topic: TopicName("nobody's"), ..of(1, 1).remove(0) }];
    assert!(matches!(sink.append(foreign), Err(SinkError::Unavailable(_))));
    assert!(sink.flush(std::time::Duration::from_secs(8)));
    assert_eq!(read(&broker, topic).concat().len(), 6);
}

#[test]
fn what_is_missing_is_named_before_anything_is_joined() {
    let name = "what_is_missing_is_named_before_anything_is_joined";
    let nobody = KafkaSettings::new("127.0.0.1:1");
    let base = MemberOptions::new(nobody.clone(), "t.nobody", "0", Arc::new(SystemClock));
    let told = KafkaMember::open(&MemberOptions { topics: vec![TopicName("t.none")], ..base.clone() });
    let told = told.err().unwrap().to_string();
    assert!(told.starts_with("transient: connect to Kafka at 127.0.0.1:1"), "{told}");
    let Some(broker) = Broker::at_hand(name) else { return };
    let settings = broker.settings().clone();
    let told = KafkaMember::open(&MemberOptions { topics: vec![TopicName("t.none")], settings, ..base });
    let told = told.err().unwrap().to_string();
    assert!(told.starts_with("fatal: ") && told.contains("topic t.none does not exist"), "{told}");
    let told = KafkaSink::open(broker.settings(), &[TopicName("t.none")], SinkBounds::default()).err().unwrap();
    assert!(told.to_string().contains("topic t.none does not exist"), "{told}");
}
