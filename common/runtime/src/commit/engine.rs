//! Log, offsets, rows and cache of one SQLite file, as the Drivers of one round see them.
//!
//! Place: the `Protocol` under `embedded_txn`, which opens, ends and retries rounds. Rows come from what was decided and
//! is not in the store yet, else from the cache, else from a connection that only reads; the writer is a thread of its
//! own. After a failed round the whole engine is dropped and opened anew.

use std::path::Path;
use std::sync::Arc;

use da_model::fault::{Cause, Fault};
use da_model::ids::{Offset, Partition, TopicName, TopicPartition};
use da_model::key::partition_of;
use da_model::state::{Row, RowKey};
use da_model::time::Timestamp;
use rustc_hash::FxHashMap;

use super::embedded_txn::EmbeddedOptions;
use super::overlay::Overlay;
use super::queue::Shared;
use super::writer::{Round, Tables, Tools, Writer};
use super::{Ask, Part, Polled, Position, Protocol, Work};
use crate::batch::Rows;
use crate::cache::Cache;
use crate::io::segment::Segment;
use crate::io::sql::sqlite::{Access, Database};
use crate::io::sql::statements::Statements;
use crate::io::sqlite_log::{Log, Stored};
use crate::io::tail::{Spans, Tails};
use crate::ports::{Append, Appended};
use crate::probe::{Probe, Step};

/// Log bytes kept in memory for readers that are behind, and pages kept by each connection, as shares of `cache.bytes`.
const TAIL_SHARE: usize = 4;
const WRITE_SHARE: usize = 4;
const READ_SHARE: usize = 8;
const LEAST_BYTES: usize = 2 << 20;

/// The engine.
pub(crate) struct Engine {
    writer: Writer,
    reader: Database,
    log: Arc<Log>,
    tables: Arc<Tables>,
    cache: Cache,
    fresh: Overlay,
    settling: Overlay,
    tails: Tails,
    groups: FxHashMap<TopicPartition, Vec<Member>>,
    probe: Arc<dyn Probe>,
    tail_bytes: usize,
    now: i64,
    crashed: bool,
    careful: bool,
}

/// One group on one topic partition.
#[derive(Debug, Clone, Default)]
struct Member {
    group: String,
    position: Position,
    moved: bool,
}

impl Engine {
    /// Opens the file, brings its tables up to date and reads where everything stands. A `careful` engine asks the store
    /// about the rows of every step before it takes the step.
    pub(crate) fn open(
        file: &Path,
        options: &EmbeddedOptions,
        shared: &Arc<Shared>,
        careful: bool,
    ) -> Result<Self, Fault> {
        let share = |part: usize| (options.cache_bytes / part).max(LEAST_BYTES);
        let mut db = Database::open_with(file, Access::Write, share(WRITE_SHARE))?;
        db.migrate(&options.all_migrations())?;
        let log = Arc::new(Log::open(&mut db, &options.topics(), options.partitions)?);
        let tables = Arc::new(tables(&mut db, options)?);
        let mut tails = Tails::default();
        for (at, end) in log.ends(&mut db)? {
            tails.open(at, end);
        }
        let mut groups: FxHashMap<TopicPartition, Vec<Member>> = FxHashMap::default();
        for (group, at, position) in log.positions(&mut db)? {
            groups.entry(at).or_default().push(Member { group, position, moved: false });
        }
        let reader = Database::open_with(file, Access::Read, share(READ_SHARE))?;
        let (log_too, tables_too) = (Arc::clone(&log), Arc::clone(&tables));
        let (probe, shared) = (Arc::clone(&options.probe), Arc::clone(shared));
        let writer = Writer::start(Tools { db, log: log_too, tables: tables_too, probe, shared })?;
        Ok(Self {
            writer,
            reader,
            log,
            tables,
            cache: Cache::new(options.cache_bytes),
            fresh: Overlay::default(),
            settling: Overlay::default(),
            tails,
            groups,
            probe: Arc::clone(&options.probe),
            tail_bytes: share(TAIL_SHARE),
            now: 0,
            crashed: false,
            careful,
        })
    }

    /// Begins to decide a round.
    pub(crate) fn open_round(&mut self, now: i64) -> Result<(), Fault> {
        self.now = now;
        self.probe(Step::BeforeBegin)
    }

    /// Hands the decided round to the writer; the one before must have been settled.
    pub(crate) fn submit(&mut self) -> Result<(), Fault> {
        let (writes, chunks, moved) = (self.fresh.writes(), self.tails.hand_over(), self.moved());
        self.settling = std::mem::take(&mut self.fresh);
        self.writer.submit(Round { writes, chunks, moved, now: self.now })
    }

    /// Waits until the round handed over is in the store.
    pub(crate) fn settle(&mut self) -> Result<(), Fault> {
        self.writer.wait()?;
        self.settling = Overlay::default();
        self.careful = false;
        self.tails.written();
        self.trim();
        self.probe(Step::BeforeAnswer)
    }

    /// Appends the records of one request; they are read by the steps of the same round.
    pub(crate) fn append(&mut self, records: &[Append]) -> Appended {
        let mut appended = Vec::with_capacity(records.len());
        let mut segments = Segments::default();
        for record in records {
            let partition = partition_of(&record.key, self.log.partitions());
            let at = TopicPartition { topic: record.topic, partition };
            let segment = segments.at(at, &self.tails);
            appended.push((record.topic, partition, segment.end()));
            segment.push(record.timestamp, Some(&record.key), record.value.as_deref());
        }
        segments.append_to(&mut self.tails);
        appended
    }

    /// Whether anything waits for a group.
    pub(crate) fn waiting(&self, group: &str, topics: &[TopicName], except: &[TopicPartition]) -> i64 {
        self.places(topics)
            .filter(|at| !except.contains(at))
            .map(|at| self.tails.end(at).0 - self.next(group, at).0)
            .sum()
    }

    /// Next offset and end of a group on a topic partition.
    pub(crate) fn stands(&self, group: &str, at: TopicPartition) -> (Offset, Offset) {
        (self.next(group, at), self.tails.end(at))
    }

    /// The time of a record, where it is in memory.
    pub(crate) fn time_of(&self, at: TopicPartition, offset: Offset) -> Option<Timestamp> {
        let spans = self.tails.read(at, offset, 1);
        let (segment, range) = spans.first()?;
        Some(segment.record(at, range.start)?.timestamp)
    }

    /// All partitions of these topics, in order.
    pub(crate) fn places<'t>(&self, topics: &'t [TopicName]) -> impl Iterator<Item = TopicPartition> + use<'t> {
        let partitions = self.log.partitions();
        topics
            .iter()
            .flat_map(move |topic| (0..partitions).map(|p| TopicPartition { topic: *topic, partition: Partition(p) }))
    }

    /// Whether a probe killed the round.
    pub(crate) const fn crashed(&self) -> bool {
        self.crashed || self.writer.crashed()
    }

    pub(crate) const fn statements(&self) -> u64 {
        self.reader.statements() + self.writer.statements()
    }

    pub(crate) const fn cache(&self) -> &Cache {
        &self.cache
    }

    pub(crate) const fn tail_bytes(&self) -> usize {
        self.tails.bytes()
    }

    /// Lets the file grow no further, as a full disk does.
    #[cfg(test)]
    pub(crate) fn fill_disk(&mut self) {
        self.writer.fill_disk();
    }

    fn probe(&mut self, step: Step) -> Result<(), Fault> {
        self.probe.at(step).map_err(|crash| {
            self.crashed = true;
            Fault::Transient(Cause::new("round", crash))
        })
    }

    fn member(&self, group: &str, at: TopicPartition) -> Option<&Member> {
        self.groups.get(&at)?.iter().find(|m| m.group == group)
    }

    fn next(&self, group: &str, at: TopicPartition) -> Offset {
        self.member(group, at).map_or(Offset(0), |m| m.position.next)
    }

    fn moved(&mut self) -> Vec<Stored> {
        let mut moved: Vec<Stored> = Vec::new();
        for (at, member) in self.groups.iter_mut().flat_map(|(at, members)| members.iter_mut().map(move |m| (at, m))) {
            if std::mem::take(&mut member.moved) {
                moved.push((member.group.clone(), *at, member.position.clone()));
            }
        }
        moved.sort_unstable_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
        moved
    }

    /// Forgets what every reader has passed, and what nobody reads.
    fn trim(&mut self) {
        for (at, members) in &self.groups {
            let slowest = members.iter().map(|m| m.position.next).min().unwrap_or_default();
            self.tails.trim(*at, slowest);
        }
        let groups = &self.groups;
        self.tails.forget_unread(|at| groups.contains_key(&at));
        self.tails.bound(self.tail_bytes);
    }

    fn read(&mut self, at: TopicPartition, from: Offset, max: usize) -> Result<Spans, Fault> {
        let spans = self.tails.read(at, from, max);
        if !spans.is_empty() {
            return Ok(spans);
        }
        let segments = self.log.read(&mut self.reader, at, from)?;
        self.tails.refill(at, segments);
        Ok(self.tails.read(at, from, max))
    }

    /// A row that is newer than the store: written by this round or by the one before it.
    fn newer(&self, key: &RowKey) -> Option<Option<Arc<Row>>> {
        self.fresh.get(key).or_else(|| self.settling.get(key))
    }

    fn load(&mut self, rows: &mut Rows, missing: &[RowKey]) -> Result<(), Fault> {
        for piece in missing.chunk_by(|a, b| a.table() == b.table()) {
            let Some(key) = piece.first() else { continue };
            let statements = known(&self.tables, key)?;
            for key in piece {
                rows.load(key.clone(), None);
            }
            for (key, row) in self.reader.load(statements, piece)? {
                rows.load(key.clone(), Some(Arc::clone(&row)));
                self.cache.put(key, Some(row));
            }
            for key in piece.iter().filter(|k| rows.is_absent(k)) {
                self.cache.put(key.clone(), None);
            }
        }
        Ok(())
    }
}

impl Protocol for Engine {
    fn partitions(&self, _: TopicName) -> u32 {
        self.log.partitions()
    }

    fn poll(&mut self, ask: Ask<'_>) -> Result<Polled, Fault> {
        let places: Vec<(TopicPartition, i64)> = self
            .places(ask.topics)
            .filter(|at| !ask.except.contains(at))
            .map(|at| (at, self.tails.end(at).0 - self.next(ask.group, at).0))
            .filter(|(_, waiting)| *waiting > 0)
            .collect();
        let mut polled = Polled::default();
        for ((at, _), share) in places.iter().zip(shares(&places, ask.max)) {
            if share == 0 {
                continue;
            }
            let position = self.member(ask.group, *at).map_or_else(Position::default, |m| m.position.clone());
            let spans = self.read(*at, position.next, share)?;
            if spans.is_empty() {
                let told = format!("offset {} is missing from the log", position.next);
                return Err(Fault::Fatal(Cause::new(format!("read of {at} for {}", ask.group), told)));
            }
            polled.parts.push(Part { at: *at, position, spans });
        }
        polled.parts.sort_unstable_by_key(|part| part.at);
        Ok(polled)
    }

    fn begin(&mut self, keys: &[RowKey]) -> Result<Rows, Fault> {
        let mut rows = Rows::default();
        let mut missing = Vec::new();
        let (prefixes, full): (Vec<&RowKey>, Vec<&RowKey>) =
            keys.iter().partition(|k| k.table().range.is_some() && k.is_prefix());
        for key in full {
            match self.newer(key).or_else(|| self.cache.get(key)) {
                Some(row) => rows.load(key.clone(), row),
                None => missing.push(key.clone()),
            }
        }
        missing.sort_unstable();
        self.load(&mut rows, &missing)?;
        let mut prefixes: Vec<RowKey> = prefixes.into_iter().cloned().collect();
        prefixes.sort_unstable();
        for piece in prefixes.chunk_by(|a, b| a.table() == b.table()) {
            let Some(key) = piece.first() else { continue };
            let statements = known(&self.tables, key)?;
            for (key, row) in self.reader.load_ranges(statements, piece)? {
                rows.load(key, Some(row));
            }
            for (key, row) in piece.iter().flat_map(|k| self.settling.under(k).chain(self.fresh.under(k))) {
                rows.load(key.clone(), row.clone());
            }
        }
        self.probe(Step::AfterReads)?;
        Ok(rows)
    }

    fn commit(&mut self, work: Work) -> Result<(), Fault> {
        if let Some(out) = work.out.records().find(|out| !self.log.has(out.to.topic)) {
            return Err(Fault::Fatal(Cause::new(format!("emit to {}", out.to.topic), "it is not declared")));
        }
        if self.careful && !work.writes.is_empty() {
            self.writer.attempt(work.writes.clone())?;
        }
        self.probe(Step::AfterState)?;
        for (key, row) in work.writes {
            self.fresh.put(key.clone(), row.clone());
            self.cache.put(key, row);
        }
        let mut segments = Segments::default();
        for out in work.out.records() {
            segments.at(out.to, &self.tails).push(out.timestamp, out.key, Some(out.value));
        }
        segments.append_to(&mut self.tails);
        for (at, position) in work.positions {
            let members = self.groups.entry(at).or_default();
            members.retain(|m| m.group != work.group);
            members.push(Member { group: work.group.to_owned(), position, moved: true });
        }
        Ok(())
    }

    fn abandon(&mut self) {}
}

/// Segments under construction, one per destination.
#[derive(Default)]
struct Segments(FxHashMap<TopicPartition, Segment>);

impl Segments {
    fn at(&mut self, at: TopicPartition, tails: &Tails) -> &mut Segment {
        self.0.entry(at).or_insert_with(|| Segment::new(tails.end(at)))
    }

    fn append_to(self, tails: &mut Tails) {
        for (at, segment) in self.0 {
            tails.append(at, segment);
        }
    }
}

fn tables(db: &mut Database, options: &EmbeddedOptions) -> Result<Tables, Fault> {
    let mut tables = Tables::default();
    for table in &options.tables {
        let stamped =
            !table.values.iter().any(|c| c.name == "updated_at") && db.has_column(table.name, "updated_at")?;
        tables.insert(table.name, Statements::of(table, stamped));
    }
    Ok(tables)
}

/// The statements of a key's table.
pub(crate) fn known<'t>(tables: &'t Tables, key: &RowKey) -> Result<&'t Statements, Fault> {
    let name = key.table().name;
    tables.get(name).ok_or_else(|| Fault::Fatal(Cause::new(format!("use of table {name}"), "it was not registered")))
}

/// How many records of each partition a batch of `max` takes: in proportion to what waits, so that all drain alike.
pub(super) fn shares(places: &[(TopicPartition, i64)], max: usize) -> Vec<usize> {
    let waiting: Vec<usize> = places.iter().map(|(_, n)| usize::try_from(*n).unwrap_or(0)).collect();
    let total: usize = waiting.iter().sum();
    let mut left = max;
    waiting
        .into_iter()
        .map(|n| {
            let fair = if total <= max { n } else { (n * max).div_ceil(total.max(1)) };
            let share = fair.min(left).min(n);
            left -= share;
            share
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_shared_in_proportion() {
        let place = |n| (TopicPartition { topic: TopicName("t"), partition: Partition(0) }, n);
        let cases = [
            (vec![place(3), place(4)], 512, vec![3, 4]),
            (vec![place(1_000), place(1_000)], 512, vec![256, 256]),
            (vec![place(2_000), place(1), place(47)], 512, vec![500, 1, 11]),
            (vec![place(5), place(5)], 1, vec![1, 0]),
        ];
        for (places, max, expected) in cases {
            assert_eq!(shares(&places, max), expected, "{max}");
        }
    }
}
