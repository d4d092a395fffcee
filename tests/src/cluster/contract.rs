//! What a contract suite stands on: every log with the store that it is used with, behind one small face.
//!
//! Place: `it/contract.rs` runs one suite over all of them. A step is done by [`Hand`], over the `Protocol` that the
//! Driver sees; what is below it is the product's.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use da_model::fault::{Cause, Fault};
use da_model::ids::{TopicName, TopicPartition};
use da_model::key::partition_of;
use da_model::record::Record;
use da_model::state::{Row, RowKey, RowSource, Table, Value};
use da_model::time::Timestamp;
use da_runtime::clock::ManualClock;
use da_runtime::commit::embedded_txn::{Embedded, EmbeddedOptions, FILE};
use da_runtime::commit::kafka_txn::KafkaTxn;
use da_runtime::commit::sql_txn::{SqlOptions, SqlTxn};
use da_runtime::commit::{Ask, GroupProtocol, Polled, Protocol, Work};
use da_runtime::io::sql::Migration;
use da_runtime::io::sql::postgres::{PostgresStore, StoreOptions};
use da_runtime::ports::{Append, Store};
use da_runtime::probe::Silent;
use da_runtime::stage::{Stage, Stepped};

use super::broker::Broker;
use super::database::{Database, plan};
use super::memory::Memory;
use super::shelf::{Shelf, Stores};
use super::tally::{COUNT, TOTAL, count, total};
use super::{Cluster, Slot, read};
use crate::folder::Folder;
use crate::stack::read_log;

/// The topics of the embedded log.
const OWN: (TopicName, TopicName) = (TopicName("contract.from"), TopicName("contract.to"));
/// Blobs name topics of `topics.yaml` only.
const LISTED: TopicName = TopicName("dep.class.view");
/// Rows of a step, for both databases.
const TABLES: &str = "CREATE TABLE count (tenant_id text NOT NULL, part text NOT NULL, n bigint NOT NULL,
                                          PRIMARY KEY (tenant_id, part));
                      CREATE TABLE total (tenant_id text NOT NULL, id text NOT NULL, n bigint NOT NULL,
                                          PRIMARY KEY (tenant_id, id));";
/// Those of a step, and real ones.
fn tables() -> Vec<&'static Table> {
    dep::tables::tables().into_iter().chain([&COUNT, &TOTAL]).collect()
}

/// How often a worker may go round before its group is formed and what waits has come.
const TURNS: usize = 2_000;

/// A log, its store where it has one, and one worker of one group.
pub trait World {
    /// Whether there is a store for rows.
    fn keeps_rows(&self) -> bool;

    /// Appends texts to the two partitions that the worker reads, as others do.
    fn append(&mut self, records: &[(u32, &str)]);

    /// Has the hand do something, once a record waits for it.
    ///
    /// # Errors
    /// The fault that the step ended with.
    fn step(&mut self, hand: &Hand) -> Result<(), Fault>;

    /// The worker is gone and another one takes its place.
    fn reopen(&mut self);

    /// What the worker said, by partition.
    fn said(&mut self) -> Vec<Vec<String>>;
}

/// A stage by hand: counts the records of each partition in a row, of all in another, and says each with its numbers.
#[derive(Clone)]
pub struct Hand(Arc<Mutex<State>>);

struct State {
    ways: (TopicName, TopicName),
    /// At most so many records; taken once.
    due: Option<usize>,
    fails: bool,
    rows: bool,
    took: Vec<String>,
    /// Further rows to write, and how those of their keys were found before.
    more: Vec<(RowKey, Option<Row>)>,
    found: Vec<Option<Row>>,
}

impl Hand {
    /// Takes at most so many records and commits.
    #[must_use]
    pub fn takes(max: usize) -> Self {
        let (took, more, found) = (Vec::new(), Vec::new(), Vec::new());
        Self(Arc::new(Mutex::new(State { ways: OWN, due: Some(max), fails: false, rows: false, took, more, found })))
    }

    /// Takes what waits and writes these rows, in key order, besides.
    #[must_use]
    pub fn writes(rows: Vec<(RowKey, Option<Row>)>) -> Self {
        let this = Self::takes(100);
        this.state().more = rows;
        this
    }

    /// The rows of the keys that it writes, as they were before.
    #[must_use]
    pub fn found(&self) -> Vec<Option<Row>> {
        self.state().found.clone()
    }

    /// Takes at most so many records, does everything but the commit, and fails.
    #[must_use]
    pub fn fails(max: usize) -> Self {
        let this = Self::takes(max);
        this.state().fails = true;
        this
    }

    /// What it took: partition and text, in the order of the poll.
    #[must_use]
    pub fn took(&self) -> Vec<String> {
        self.state().took.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn send_to(&self, ways: (TopicName, TopicName), rows: bool) {
        let mut state = self.state();
        (state.ways, state.rows) = (ways, rows);
    }

    fn is_done(&self) -> bool {
        self.state().due.is_none()
    }
}

impl State {
    fn act(&mut self, protocol: &mut dyn Protocol, max: usize) -> Result<usize, Fault> {
        let (from, _) = self.ways;
        let polled = protocol.poll(Ask { group: "contract", topics: &[from], except: &[], max })?;
        if polled.is_empty() {
            return Ok(0);
        }
        self.due = None;
        let named = |r: Record<'_>| format!("{} {}", r.partition, String::from_utf8_lossy(r.value.unwrap_or_default()));
        self.took = polled.records().map(named).collect();
        let work = self.decide(protocol, &polled)?;
        if self.fails {
            protocol.abandon();
            return Err(Fault::Transient(Cause::new("a step", "it was made to fail")));
        }
        protocol.commit(work)?;
        Ok(polled.len())
    }

    fn decide(&mut self, protocol: &mut dyn Protocol, polled: &Polled) -> Result<Work, Fault> {
        let mut keys: Vec<RowKey> = Vec::new();
        if self.rows {
            keys.extend(polled.parts.iter().map(|part| count(part.at.partition.0)).chain([total()]));
            keys.extend(self.more.iter().map(|(key, _)| key.clone()));
        }
        let rows = protocol.begin(&keys)?;
        self.found = self.more.iter().map(|(key, _)| rows.row(key).cloned()).collect();
        let stored = |key: &RowKey| rows.row(key).and_then(|row| row.int(0)).unwrap_or(0);
        let row = |n: i64| Some(Arc::new(Row(vec![Value::Int(n)])));
        let mut work = Work { group: "contract", ..Work::default() };
        let mut all = if self.rows { stored(&total()) } else { 0 };
        for part in &polled.parts {
            let (mut position, to) = (part.position.clone(), TopicPartition { topic: self.ways.1, ..part.at });
            let key = count(part.at.partition.0);
            let mut n = if self.rows { stored(&key) } else { 0 };
            for record in part.spans.iter().flat_map(|(s, range)| range.clone().filter_map(|n| s.record(part.at, n))) {
                position.next = record.offset.next();
                (n, all) = (n + 1, all + 1);
                let seq = position.edges.send(to.topic.0, to.partition);
                // Without a store nobody counts but the log's own numbers.
                let counted = [seq, n][usize::from(self.rows)];
                let text = format!("{seq}:{counted}:{}", String::from_utf8_lossy(record.value.unwrap_or_default()));
                work.out.push((part.at, to), (record.timestamp, record.key), |arena| arena.extend(text.as_bytes()));
            }
            work.writes.push((key, row(n)));
            work.positions.push((part.at, position));
        }
        work.writes.push((total(), row(all)));
        work.writes.extend(self.more.iter().map(|(key, row)| (key.clone(), row.clone().map(Arc::new))));
        work.writes.sort_by(|a, b| a.0.cmp(&b.0));
        work.writes.retain(|_| self.rows);
        Ok(work)
    }
}

impl Stage for Hand {
    fn name(&self) -> &'static str {
        "contract"
    }

    fn topics(&self) -> &[TopicName] {
        &[OWN.0]
    }

    fn stalled(&self) -> &[TopicPartition] {
        &[]
    }

    fn waits(&self, _: TopicPartition) -> bool {
        false
    }

    fn step(&mut self, protocol: &mut dyn Protocol, _: usize) -> Result<Stepped, Fault> {
        let mut state = self.state();
        let Some(max) = state.due else { return Ok(Stepped::default()) };
        state.act(protocol, max).map(|records| Stepped { records, ..Stepped::default() })
    }
}

/// The embedded log with its store: both in one SQLite file.
pub struct OnFile {
    folder: Folder,
    engine: Option<Embedded>,
}

impl OnFile {
    /// On an empty file.
    #[must_use]
    pub fn new() -> Self {
        let mut this = Self { folder: Folder::new(), engine: None };
        this.reopen();
        this
    }

    fn engine(&mut self) -> &mut Embedded {
        self.engine.as_mut().unwrap_or_else(|| panic!("closed"))
    }
}

impl Default for OnFile {
    fn default() -> Self {
        Self::new()
    }
}

/// A key that lies in a partition of two.
fn key_of(partition: u32) -> Vec<u8> {
    let mut keys = (0_u32..).map(|n| n.to_be_bytes().to_vec());
    keys.find(|key| partition_of(key, 2).0 == partition).unwrap_or_default()
}

impl World for OnFile {
    fn keeps_rows(&self) -> bool {
        true
    }

    fn append(&mut self, records: &[(u32, &str)]) {
        let append = |(partition, text): &(u32, &str)| {
            let (key, value) = (key_of(*partition), Some(text.as_bytes().to_vec()));
            Append { topic: OWN.0, key, value, timestamp: Timestamp(1) }
        };
        let receipt = self.engine().sink().append(records.iter().map(append).collect());
        let mut receipt = receipt.unwrap_or_else(|e| panic!("{e}"));
        self.engine().round(&mut []).unwrap_or_else(|fault| panic!("{fault}"));
        assert!(matches!(receipt.try_recv(), Ok(Ok(_))), "a request is answered by its commit");
    }

    fn step(&mut self, hand: &Hand) -> Result<(), Fault> {
        hand.send_to(OWN, true);
        let mut stages: Vec<Box<dyn Stage>> = vec![Box::new(hand.clone())];
        self.engine().round(&mut stages)?;
        assert!(hand.is_done(), "nothing waits");
        Ok(())
    }

    fn reopen(&mut self) {
        self.engine = None;
        let migrations = dep::migrations::MIGRATIONS.iter().map(|(name, sql)| Migration { name, sql });
        let options = EmbeddedOptions {
            partitions: 2,
            tables: tables(),
            migrations: migrations.chain([Migration { name: "contract", sql: TABLES }]).collect(),
            partner_topics: vec![OWN.0, OWN.1],
            ..EmbeddedOptions::new(self.folder.path(), Arc::new(ManualClock::new(Timestamp(1))))
        };
        self.engine = Some(Embedded::open(options).unwrap_or_else(|e| panic!("{e}")));
    }

    fn said(&mut self) -> Vec<Vec<String>> {
        let mut said = vec![Vec::new(), Vec::new()];
        for logged in read_log(&self.folder.path().join(FILE)).into_iter().filter(|l| l.topic == OWN.1.0) {
            said[logged.partition.0 as usize].push(String::from_utf8_lossy(&logged.value).into_owned());
        }
        said
    }
}

/// A log of consumer groups, alone or with a store.
pub struct OnGroups {
    log: Box<dyn Cluster>,
    store: Option<Box<dyn Stores>>,
    ways: (TopicName, TopicName),
    slot: Slot,
    worker: Option<Box<dyn GroupProtocol>>,
}

impl OnGroups {
    /// The log in memory, alone.
    #[must_use]
    pub fn memory() -> Self {
        let log = Memory::default();
        let ways = (log.topic(2), log.topic(2));
        Self::over(Box::new(log), ways, None)
    }

    /// The log in memory with the store in memory.
    #[must_use]
    pub fn memory_with_shelf() -> Self {
        Self { store: Some(Box::new(Shelf::default())), ..Self::memory() }
    }

    /// Kafka, alone; absent where there is none.
    #[must_use]
    pub fn kafka(test: &str) -> Option<Self> {
        let broker = Broker::apart(test)?;
        let from = broker.topic(2);
        broker.admin().create_topic(LISTED, 2, 1).unwrap_or_else(|e| panic!("{e}"));
        Some(Self::over(Box::new(broker), (from, LISTED), None))
    }

    /// Kafka with PostgreSQL; absent where one of them is not there.
    ///
    /// # Panics
    /// When the tables cannot be made.
    #[must_use]
    pub fn kafka_with_postgres(test: &str) -> Option<Self> {
        let (kafka, database) = (Self::kafka(test)?, Database::migrated(test)?);
        database.connection().script(TABLES).unwrap_or_else(|e| panic!("{e}"));
        Some(Self { store: Some(Box::new(Counting(database))), ..kafka })
    }

    fn over(log: Box<dyn Cluster>, ways: (TopicName, TopicName), store: Option<Box<dyn Stores>>) -> Self {
        Self { log, store, ways, slot: Slot::new(), worker: None }
    }

    fn join(&self) -> Box<dyn GroupProtocol> {
        let member = self.log.member(self.slot, &[self.ways.0], Arc::new(Silent)).unwrap_or_else(|e| panic!("{e}"));
        match &self.store {
            None => Box::new(KafkaTxn::new(member)),
            Some(store) => Box::new(SqlTxn::new(member, store.open("0", &tables()), SqlOptions::default())),
        }
    }
}

impl World for OnGroups {
    fn keeps_rows(&self) -> bool {
        self.store.is_some()
    }

    fn append(&mut self, records: &[(u32, &str)]) {
        self.log.append(self.ways.0, records);
    }

    fn step(&mut self, hand: &Hand) -> Result<(), Fault> {
        hand.send_to(self.ways, self.keeps_rows());
        let mut worker = self.worker.take().unwrap_or_else(|| self.join());
        let mut done = Ok(());
        for _ in 0..TURNS {
            if hand.is_done() {
                break;
            }
            done = hand.clone().step(&mut *worker, 0).map(drop);
        }
        self.worker = Some(worker);
        assert!(hand.is_done(), "nothing waits: {done:?}");
        done
    }

    fn reopen(&mut self) {
        self.worker = None;
    }

    fn said(&mut self) -> Vec<Vec<String>> {
        read(&*self.log, self.ways.1)
    }
}

/// A database with the tables of a step.
struct Counting(Database);

impl Stores for Counting {
    fn open(&self, owner: &str, tables: &[&'static Table]) -> Box<dyn Store> {
        let options = StoreOptions {
            settings: self.0.settings(),
            group: "contract",
            owner: owner.to_owned(),
            tables: tables.to_vec(),
            alone: Vec::new(),
            migrations: plan().migrations,
        };
        Box::new(PostgresStore::new(options).unwrap_or_else(|e| panic!("{e}")))
    }
}
