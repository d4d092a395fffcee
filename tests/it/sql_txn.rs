//! `sql_txn` over a log and a store in memory: every crash point, every zombie, every unknown outcome of delivery.md §4.
//!
//! Place: one module of the integration binary. Whatever happens, each record is counted once in the store and said once
//! in the log, in order and without a hole.

use std::sync::{Arc, Mutex};

use da_model::fault::Fault;
use da_model::ids::{Offset, Partition, TopicName, TopicPartition};
use da_model::time::Timestamp;
use da_runtime::commit::{GroupProtocol, Outbox, Position, Protocol, Work};
use da_runtime::io::sql::RUNTIME_POSTGRES;
use da_runtime::io::sql::postgres::migrate::{Plan, migrate};
use da_runtime::io::sql::postgres::{PostgresStore, StoreOptions};
use da_runtime::probe::{Crash, Probe, Silent, Step};
use tests::cluster::broker::Broker;
use tests::cluster::database::Database;
use tests::cluster::memory::{Fate, Memory};
use tests::cluster::shelf::{Reply, Shelf, Stores};
use tests::cluster::tally::{COUNT, TOTAL, Tally, count, total};
use tests::cluster::{Cluster, Deadly, Slot, at, read};

/// A log and a store, two partitions of records `a0 a1 …` and `b0 b1 …`.
struct World {
    log: Memory,
    shelf: Shelf,
    slot: Slot,
    from: TopicName,
    to: TopicName,
    appended: usize,
}

impl World {
    fn new(records: usize) -> Self {
        let log = Memory::default();
        let (from, to) = (log.topic(2), log.topic(2));
        let mut this = Self { log, shelf: Shelf::default(), slot: Slot::new(), from, to, appended: 0 };
        this.append(records);
        this
    }

    fn append(&mut self, records: usize) {
        let numbers = self.appended..self.appended + records;
        let texts: Vec<(u32, String)> = numbers.flat_map(|n| [(0, format!("a{n}")), (1, format!("b{n}"))]).collect();
        let texts: Vec<(u32, &str)> = texts.iter().map(|(p, text)| (*p, text.as_str())).collect();
        self.log.append(self.from, &texts);
        self.appended += records;
    }

    fn worker(&self, slot: u32, probe: &Arc<dyn Probe>) -> Tally {
        let member = self.log.member(self.slot.other(slot), &[self.from], Arc::clone(probe)).unwrap();
        let store = self.shelf.open(&slot.to_string(), &[&COUNT, &TOTAL]);
        Tally::new(member, store, (self.from, self.to), probe)
    }

    fn quiet(&self, slot: u32) -> Tally {
        self.worker(slot, &silent())
    }

    /// Everything once: in the log, in the rows, and both positions at the end.
    fn assert_exact(&self) {
        let said = |letter: char| (0..self.appended).map(|n| format!("{0}:{0}:{letter}{n}", n + 1)).collect::<Vec<_>>();
        assert_eq!(read(&self.log, self.to), [said('a'), said('b')]);
        let row = |key| self.shelf.row(&key).and_then(|row| row.int(0)).unwrap_or(0);
        let each = i64::try_from(self.appended).unwrap();
        assert_eq!((row(count(0)), row(count(1)), row(total())), (each, each, 2 * each));
        for partition in 0..2 {
            let place = at(self.from, partition);
            let group = self.log.stored(self.slot.group, place).map(|c| c.next);
            assert_eq!(self.shelf.position(place), group, "partition {partition}");
        }
    }
}

fn silent() -> Arc<dyn Probe> {
    Arc::new(Silent)
}

/// Does something once when a step is reached, and lets it go on.
#[derive(Default)]
struct Meanwhile(Mutex<Option<Act>>);

type Act = (Step, Box<dyn FnMut() + Send>);

impl Probe for Meanwhile {
    fn at(&self, step: Step) -> Result<(), Crash> {
        let due = self.0.lock().unwrap().take_if(|(due, _)| *due == step);
        if let Some((_, mut act)) = due {
            act();
        }
        Ok(())
    }
}

/// Steps until the probe has killed, or has no more to do; then the process is gone.
fn until_death(mut worker: Tally, deadly: &Deadly) {
    for _ in 0..20 {
        if deadly.armed() {
            drop(worker.step(3));
        }
    }
}

/// Two workers step in turns until whatever goes round between them has come to rest.
fn in_turns(a: &mut Tally, b: &mut Tally) {
    for _ in 0..30 {
        drop(a.step(4));
        drop(b.step(4));
    }
}

/// c1, c3 to c7 in their order; c2 is an unknown COMMIT.
const POINTS: [Step; 6] =
    [Step::StoreCommit, Step::StoreCommitted, Step::AfterSends, Step::AfterOffsets, Step::AfterEnd, Step::Published];

#[test]
fn without_faults_everything_is_said_once() {
    let mut world = World::new(10);
    let mut worker = world.quiet(0);
    worker.drain(3).unwrap();
    world.append(5);
    worker.drain(100).unwrap();
    worker.txn.close().unwrap();
    world.assert_exact();
    assert_eq!(worker.txn.tally().suspects, 0);
}

#[test]
fn a_crash_at_any_point_once_and_twice_changes_nothing() {
    let cases = POINTS.iter().flat_map(|step| [1, 2, 4].map(|nth| (*step, nth)));
    for (step, nth, deaths) in cases.flat_map(|(step, nth)| [1, 2].map(|deaths| (step, nth, deaths))) {
        let world = World::new(10);
        let deadly = Arc::new(Deadly::default());
        let probe: Arc<dyn Probe> = Arc::<Deadly>::clone(&deadly);
        for _ in 0..deaths {
            deadly.arm(step, nth);
            until_death(world.worker(0, &probe), &deadly);
        }
        world.quiet(0).drain(3).unwrap();
        world.assert_exact();
    }
}

#[test]
fn a_crash_is_taken_over_by_another_slot_once_the_transaction_is_over() {
    for step in POINTS {
        let world = World::new(10);
        let deadly = Arc::new(Deadly::default());
        let probe: Arc<dyn Probe> = Arc::<Deadly>::clone(&deadly);
        deadly.arm(step, 2);
        until_death(world.worker(0, &probe), &deadly);
        world.log.expire(world.slot);
        let mut other = world.quiet(1);
        let blocked = other.step(100);
        assert_eq!(blocked.is_err(), step == Step::AfterOffsets, "{step:?}: {blocked:?}");
        world.log.time_out(world.slot);
        other.drain(3).unwrap();
        world.assert_exact();
    }
}

#[test]
fn c2_an_unknown_commit_is_settled_by_the_store_both_ways() {
    for reply in [Reply::Kept, Reply::Lost] {
        for dies in [false, true] {
            let world = World::new(10);
            let mut worker = world.quiet(0);
            worker.step(4).unwrap();
            world.shelf.decide(reply);
            assert!(matches!(worker.step(4), Err(Fault::Transient(_))), "the reply is lost");
            if dies {
                worker = world.quiet(0);
            }
            worker.drain(4).unwrap();
            world.assert_exact();
        }
    }
}

#[test]
fn an_unknown_publication_is_settled_by_the_stable_offset() {
    for fate in [Fate::Kept, Fate::Lost, Fate::Undone] {
        let world = World::new(10);
        let mut worker = world.quiet(0);
        worker.step(4).unwrap();
        world.log.decide(fate);
        worker.drain(4).unwrap();
        world.assert_exact();
        assert_eq!(worker.txn.tally().suspects, 1, "{fate:?}");
    }
}

#[test]
fn an_unknown_publication_at_take_over_is_settled_too() {
    for fate in [Fate::Kept, Fate::Lost, Fate::Undone] {
        let world = World::new(10);
        let deadly = Arc::new(Deadly::default());
        let probe: Arc<dyn Probe> = Arc::<Deadly>::clone(&deadly);
        deadly.arm(Step::StoreCommitted, 2);
        until_death(world.worker(0, &probe), &deadly);
        world.log.decide(fate);
        let mut worker = world.quiet(0);
        worker.drain(4).unwrap();
        world.assert_exact();
        assert_eq!(worker.txn.tally().suspects, 1, "{fate:?}");
    }
}

#[test]
fn z1_a_zombie_before_its_commit_is_stopped_by_the_epoch() {
    let mut world = World::new(10);
    let mut zombie = world.quiet(0);
    zombie.step(4).unwrap();
    let polled = zombie.poll(4).unwrap();
    assert!(!polled.is_empty());
    world.log.expire(world.slot);
    let mut owner = world.quiet(1);
    owner.drain(4).unwrap();
    assert!(matches!(zombie.commit(&polled), Err(Fault::Fenced(_))));
    world.assert_exact();
    world.append(4);
    in_turns(&mut zombie, &mut owner);
    assert_eq!((zombie.owns(), owner.owns()), (vec![0], vec![1]));
    world.assert_exact();
}

/// Slot 0 that owns everything; when its next batch reaches a step its session is over, and slot 1 does what it can.
fn overtaken_at(step: Step, world: &World, timed_out: bool) -> Tally {
    let (log, slot) = (world.log.clone(), world.slot);
    let mut owner = late(world);
    let meanwhile = Arc::new(Meanwhile::default());
    let probe: Arc<dyn Probe> = Arc::<Meanwhile>::clone(&meanwhile);
    let mut zombie = world.worker(0, &probe);
    assert_eq!(zombie.step(4).unwrap(), 0, "it takes the partitions over");
    let act = move || {
        log.expire(slot);
        drop(owner.worker().step(4));
        if timed_out {
            log.time_out(slot);
            owner.worker().drain(4).unwrap();
        }
    };
    *meanwhile.0.lock().unwrap() = Some((step, Box::new(act)));
    zombie
}

fn late(world: &World) -> Late {
    Late {
        log: world.log.clone(),
        shelf: world.shelf.clone(),
        slot: world.slot,
        ways: (world.from, world.to),
        made: None,
    }
}

/// Slot 1, which joins when it is first asked for.
struct Late {
    log: Memory,
    shelf: Shelf,
    slot: Slot,
    ways: (TopicName, TopicName),
    made: Option<Tally>,
}

impl Late {
    fn worker(&mut self) -> &mut Tally {
        let Self { log, shelf, slot, ways, made } = self;
        made.get_or_insert_with(|| {
            let member = log.member(slot.other(1), &[ways.0], silent()).unwrap();
            Tally::new(member, shelf.open("1", &[&COUNT, &TOTAL]), *ways, &silent())
        })
    }
}

#[test]
fn z2_a_zombie_between_commit_and_publication_is_refused_and_its_blob_published() {
    let mut world = World::new(10);
    let mut zombie = overtaken_at(Step::StoreCommitted, &world, true);
    assert_eq!(zombie.step(4).unwrap(), 4, "its batch stands in the store");
    assert_eq!(zombie.owns(), [0, 1], "it does not know yet");
    world.assert_exact();
    world.append(4);
    let mut owner = world.quiet(1);
    in_turns(&mut zombie, &mut owner);
    assert_eq!((zombie.owns(), owner.owns()), (vec![0], vec![1]));
    world.assert_exact();
}

#[test]
fn z3_a_zombie_with_offsets_pending_commits_or_is_timed_out() {
    for timed_out in [false, true] {
        let world = World::new(10);
        let mut zombie = overtaken_at(Step::AfterOffsets, &world, timed_out);
        assert_eq!(zombie.step(4).unwrap(), 4);
        drop(zombie);
        world.log.expire(world.slot);
        world.quiet(1).drain(4).unwrap();
        world.assert_exact();
    }
}

#[test]
fn a_revoke_in_mid_batch_is_exact_for_what_stays_and_what_goes() {
    let world = World::new(10);
    let mut first = world.quiet(0);
    first.step(4).unwrap();
    let polled = first.poll(4).unwrap();
    let mut second = world.quiet(1);
    assert_eq!(second.step(4).unwrap(), 0, "nothing is free yet");
    assert_eq!(first.commit(&polled).unwrap(), 4, "the store has it; the generation is old");
    first.poll(4).unwrap();
    assert_eq!(first.owns(), [0]);
    second.drain(4).unwrap();
    first.drain(4).unwrap();
    assert_eq!((first.owns(), second.owns()), (vec![0], vec![1]));
    world.assert_exact();
}

#[test]
fn cached_rows_do_not_outlive_their_partition() {
    let mut world = World::new(10);
    let mut first = world.quiet(0);
    first.drain(4).unwrap();
    assert!(first.txn.cached().1 > 0);
    let mut second = world.quiet(1);
    drop(second.step(4));
    first.drain(4).unwrap();
    assert_eq!(first.owns(), [0]);
    world.append(7);
    second.drain(4).unwrap();
    first.drain(4).unwrap();
    world.log.expire(world.slot.other(1));
    drop(second);
    world.append(3);
    first.drain(4).unwrap();
    assert_eq!(first.owns(), [0, 1]);
    world.assert_exact();
}

#[test]
fn rows_are_read_once_and_shared_ones_every_time_once_somebody_shares_them() {
    let mut world = World::new(10);
    let mut worker = world.quiet(0);
    worker.drain(4).unwrap();
    assert_eq!((world.shelf.asked(&count(0)), world.shelf.asked(&total())), (1, 1), "nobody else is there");

    world.shelf.open("another", &[]).claim(&[at(world.from, 9)]).unwrap();
    world.append(10);
    let mut worker = world.quiet(0);
    worker.drain(4).unwrap();
    assert_eq!(world.shelf.asked(&count(0)), 2, "by a new owner");
    assert_eq!(world.shelf.asked(&total()), 1 + 5, "20 records in batches of 4");
    world.assert_exact();
}

#[test]
fn who_was_alone_begins_a_batch_again_when_another_comes() {
    let mut world = World::new(10);
    let mut worker = world.quiet(0);
    worker.drain(4).unwrap();
    world.shelf.open("another", &[]).claim(&[at(world.from, 9)]).unwrap();
    world.append(10);
    assert!((0..20).any(|_| matches!(worker.step(4), Err(Fault::Fenced(_)))), "its first batch is refused");
    worker.drain(4).unwrap();
    assert_eq!(world.shelf.asked(&total()), 1 + 5);
    world.assert_exact();
}

#[test]
fn a_group_without_offsets_begins_at_the_first_record_and_commits_that_at_once() {
    let world = World::new(10);
    let mut worker = world.quiet(0);
    worker.poll(1).unwrap();
    let stored = world.log.stored(world.slot.group, at(world.from, 1)).map(|c| c.next);
    assert_eq!((stored, world.shelf.position(at(world.from, 1))), (Some(Offset(0)), Some(Offset(0))));
    worker.drain(4).unwrap();
    world.assert_exact();
}

#[test]
fn a_group_whose_offsets_are_gone_goes_on_where_the_store_stands() {
    let mut world = World::new(10);
    world.quiet(0).drain(20).unwrap();
    let before = read(&world.log, world.to);
    world.log.forget(world.slot.group);
    world.append(5);
    world.quiet(0).drain(20).unwrap();
    let after = read(&world.log, world.to);
    for (before, after) in before.iter().zip(after) {
        // Nothing proves that the last batch was published: its blob is, with the numbers it had.
        let known = before.len();
        assert_eq!((&after[..known], &after[known..2 * known]), (&before[..], &before[..]));
        assert_eq!(after.len(), 2 * known + 5);
    }
    let row = |key| world.shelf.row(&key).and_then(|row| row.int(0));
    assert_eq!((row(count(0)), row(total())), (Some(15), Some(30)), "no record is counted again");
}

#[test]
fn what_the_log_would_not_take_is_refused_before_the_store_has_it() {
    let world = World::new(2);
    let mut worker = world.quiet(0);
    let polled = loop {
        let polled = worker.poll(1).unwrap();
        if !polled.is_empty() {
            break polled;
        }
    };
    let (part, mut out) = (polled.parts[0].clone(), Outbox::default());
    let to = TopicPartition { topic: world.to, ..part.at };
    out.push((part.at, to), (Timestamp(1), None), |arena| arena.resize(9 << 20, b'x'));
    let position = Position { next: part.position.next.next(), ..part.position };
    worker.txn.begin(&[]).unwrap();
    let done = worker.txn.commit(Work { group: "tally", out, positions: vec![(part.at, position)], ..Work::default() });
    assert!(matches!(&done, Err(Fault::Refused(_))), "{done:?}");
    worker.txn.abandon();
    assert_eq!(world.shelf.position(part.at), Some(Offset(0)));
    worker.drain(4).unwrap();
    world.assert_exact();
}

#[test]
fn a_process_that_ends_while_the_log_is_away_leaves_its_blob_to_the_next_owner() {
    let world = World::new(10);
    let mut worker = world.quiet(0);
    worker.step(4).unwrap();
    world.log.decide(Fate::Lost);
    worker.step(4).unwrap();
    // Were the log asked again, this one would be kept.
    assert!(matches!(worker.txn.close(), Err(Fault::Transient(_))));
    world.quiet(0).drain(4).unwrap();
    world.assert_exact();
}

fn told(done: Result<usize, Fault>) -> String {
    done.err().map(|fault| fault.to_string()).unwrap_or_default()
}

#[test]
fn two_positions_that_do_not_fit_stop_with_both_named() {
    let world = World::new(10);
    world.quiet(0).drain(4).unwrap();
    let place = at(world.from, 0);
    let end = world.shelf.position(place).unwrap();
    world.shelf.restore(place, Offset(3));
    let sentence = told(world.quiet(0).step(4));
    assert!(sentence.starts_with("fatal") && sentence.contains(&format!("the group offset is {end}")), "{sentence}");
    assert!(sentence.contains("the database stands at 3"), "{sentence}");
}

#[test]
fn a_hole_between_the_positions_stops_with_both_named() {
    let mut world = World::new(10);
    world.quiet(0).drain(4).unwrap();
    let place = at(world.from, 0);
    let was = world.shelf.position(place).unwrap();
    world.append(4);
    let deadly = Arc::new(Deadly::default());
    deadly.arm(Step::StoreCommitted, 1);
    let probe: Arc<dyn Probe> = Arc::<Deadly>::clone(&deadly);
    until_death(world.worker(0, &probe), &deadly);
    let is = world.shelf.position(place).unwrap();
    assert!(is > was);
    world.shelf.lose_blobs(place);
    let sentence = told(world.quiet(0).step(4));
    assert!(sentence.starts_with("fatal") && sentence.contains(&format!("the group offset is {was}")), "{sentence}");
    assert!(sentence.contains(&format!("the database stands at {is}")), "{sentence}");
}

#[test]
fn blobs_go_once_they_are_published() {
    let world = World::new(10);
    let mut worker = world.quiet(0);
    worker.drain(2).unwrap();
    assert!(world.shelf.blobs() <= 2, "the last of each partition at most, {}", world.shelf.blobs());
}

/// The tables of the stage by hand, and those of the runtime.
const TABLES: &str = "CREATE TABLE count (tenant_id text, part text, n bigint NOT NULL, PRIMARY KEY (tenant_id, part));
                      CREATE TABLE total (tenant_id text, id text, n bigint NOT NULL, PRIMARY KEY (tenant_id, id));";

fn on_postgres(database: &Database) -> PostgresStore {
    let options = StoreOptions {
        settings: database.settings(),
        group: "tally",
        owner: "0".to_owned(),
        tables: vec![&COUNT, &TOTAL],
        alone: Vec::new(),
        migrations: RUNTIME_POSTGRES.to_vec(),
    };
    PostgresStore::new(options).unwrap()
}

#[test]
fn over_kafka_and_postgres_a_crash_at_any_point_changes_nothing() {
    let Some(broker) = Broker::at_hand("sql_txn over Kafka") else { return };
    let Some(database) = Database::at_hand("sql_txn over PostgreSQL") else { return };
    migrate(database.settings(), &Plan { migrations: RUNTIME_POSTGRES.to_vec(), tables: Vec::new() }).unwrap();
    database.connection().script(TABLES).unwrap();
    // A blob names topics of topics.yaml only; nobody else here writes to this one.
    let to = TopicName("dep.class.view");
    drop(broker.admin().create_topic(to, 2, 1));
    let before: Vec<usize> = read(&broker, to).iter().map(Vec::len).collect();
    let (from, slot) = (broker.topic(2), Slot::new());
    let texts: Vec<(u32, String)> = (0..40).flat_map(|n| [(0, format!("a{n}")), (1, format!("b{n}"))]).collect();
    broker.append(from, &texts.iter().map(|(p, text)| (*p, text.as_str())).collect::<Vec<_>>());

    let deadly = Arc::new(Deadly::default());
    let probe: Arc<dyn Probe> = Arc::<Deadly>::clone(&deadly);
    let worker = || {
        Tally::new(
            broker.member(slot, &[from], Arc::clone(&probe)).unwrap(),
            Box::new(on_postgres(&database)),
            (from, to),
            &probe,
        )
    };
    for step in POINTS {
        deadly.arm(step, 2);
        let mut worker = worker();
        while deadly.armed() {
            drop(worker.step(5));
        }
    }
    worker().drain(5).unwrap();
    for (partition, letter) in [(0_usize, 'a'), (1, 'b')] {
        let meant: Vec<String> = (0..40).map(|n| format!("{0}:{0}:{letter}{n}", n + 1)).collect();
        assert_eq!(read(&broker, to)[partition][before[partition]..], meant);
    }
    assert_eq!(database.texts("SELECT n::text FROM count ORDER BY part"), ["40", "40"]);
    assert_eq!(database.texts("SELECT n::text FROM total"), ["80"]);
    let stored = "SELECT (next_offset > 0)::text FROM position ORDER BY part";
    assert_eq!(database.texts(stored), ["true", "true"]);
    let of: Vec<_> = (0..2).map(|p| TopicPartition { topic: from, partition: Partition(p) }).collect();
    let mut member = broker.member(slot, &[from], silent()).unwrap();
    let group: Vec<String> = member.committed(&of).unwrap().into_iter().map(|c| c.unwrap().next.to_string()).collect();
    assert_eq!(database.texts("SELECT next_offset::text FROM position ORDER BY part"), group);
}
