//! One batch on its way through a handler: the rows it sees, its overlay, and the work that follows from it.
//!
//! Place: between the Driver, which orders the steps, and the protocol, which makes them one. Decides nothing about an
//! event and commits nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use da_model::delivery::edge::Arrival;
use da_model::delivery::frontier;
use da_model::effects::{Effects, Emit, Key};
use da_model::event::lineage::{HOP_LIMIT, Root, record_id};
use da_model::event::{Event, Lineage, Source};
use da_model::fault::{Cause, Fault, Rejection};
use da_model::ids::{Partition, TopicName, TopicPartition, UnitName};
use da_model::key::partition_of;
use da_model::outcome::{Outcome, Reason};
use da_model::record::Record;
use da_model::schema::{Schemas, codec};
use da_model::state::{Row, RowKey, RowSource};
use da_model::topics::{self, Partitioning};
use rustc_hash::FxHashMap;

use crate::commit::status::Counts;
use crate::commit::{Position, Work};
use crate::dead_letter;

/// The rows of a batch with its own writes laid over them.
#[derive(Debug, Default)]
pub struct Rows {
    rows: FxHashMap<RowKey, Entry>,
    ordered: BTreeSet<RowKey>,
}

#[derive(Debug)]
struct Entry {
    row: Option<Arc<Row>>,
    written: bool,
}

impl Rows {
    /// Takes a row as the store has it; `None` where it has none.
    pub fn load(&mut self, key: RowKey, row: Option<Arc<Row>>) {
        self.set(key, row, false);
    }

    /// Lays a write over it.
    pub fn write(&mut self, key: RowKey, row: Option<Arc<Row>>) {
        self.set(key, row, true);
    }

    /// The row of a key that was loaded, as it is now; `Some(None)` says that there is none.
    #[must_use]
    pub fn known(&self, key: &RowKey) -> Option<Option<Arc<Row>>> {
        self.rows.get(key).map(|e| e.row.clone())
    }

    /// Whether the store has no row under a key that was loaded.
    #[must_use]
    pub fn is_absent(&self, key: &RowKey) -> bool {
        self.rows.get(key).is_some_and(|e| e.row.is_none())
    }

    /// The last value of each row written, in key order.
    #[must_use]
    pub fn into_writes(self) -> Vec<(RowKey, Option<Arc<Row>>)> {
        let mut writes: Vec<_> =
            self.rows.into_iter().filter(|(_, e)| e.written).map(|(key, e)| (key, e.row)).collect();
        writes.sort_by(|a, b| a.0.cmp(&b.0));
        writes
    }

    fn set(&mut self, key: RowKey, row: Option<Arc<Row>>, written: bool) {
        if key.table().range.is_some() {
            self.ordered.insert(key.clone());
        }
        self.rows.insert(key, Entry { row, written });
    }
}

impl RowSource for Rows {
    fn row(&self, key: &RowKey) -> Option<&Row> {
        self.rows.get(key)?.row.as_deref()
    }

    fn range(&self, prefix: &RowKey) -> Vec<(&RowKey, &Row)> {
        let from = RowKey::new(prefix.table(), &[prefix.joined(), ""]);
        let cap = prefix.table().range.map_or(0, |r| r.cap);
        self.ordered
            .range(from.clone()..)
            .take_while(|k| k.table() == from.table() && k.joined().starts_with(from.joined()))
            .filter_map(|k| Some((k, self.row(k)?)))
            .take(cap)
            .collect()
    }
}

/// What the Driver knows about one topic it may emit to.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    name: TopicName,
    by_key: bool,
    partitions: u32,
}

/// The topics a handler may emit to; anything else is a fault of ours.
#[derive(Debug, Default)]
pub struct Routes(FxHashMap<&'static str, Route>);

impl Routes {
    /// The topics that `topics.yaml` says `producer` writes.
    #[must_use]
    pub fn of(producer: &str, partitions: impl Fn(TopicName) -> u32) -> Self {
        let mine = topics::all().iter().filter(|t| t.producers.iter().any(|p| p == producer));
        Self(
            mine.map(|t| {
                let name = TopicName(t.name.as_str());
                let by_key = t.partitioning == Partitioning::ByKey;
                (name.0, Route { name, by_key, partitions: partitions(name) })
            })
            .collect(),
        )
    }

    /// Whether no topic is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn find(&self, topic: TopicName) -> Result<Route, Fault> {
        self.0.get(topic.0).copied().ok_or_else(|| {
            Fault::Fatal(Cause::new(
                format!("emit to {topic}"),
                "topics.yaml does not name this handler as its producer",
            ))
        })
    }
}

/// Who decides: the parts of every dead letter and lineage id that do not change.
#[derive(Debug, Clone, Copy)]
pub struct Maker<'d> {
    /// The handler's name, which is its group.
    pub handler: &'static str,
    /// The service it belongs to: the producer in `topics.yaml`.
    pub service: &'static str,
    /// The service's version, for dead letters.
    pub version: &'static str,
    /// Schema ids of the log.
    pub schemas: &'d Schemas,
    /// Where it may emit to.
    pub routes: &'d Routes,
}

/// The fold over a batch: rows, outputs, positions and counts so far.
#[derive(Debug)]
pub struct Fold<'d> {
    maker: Maker<'d>,
    /// Rows with the writes of earlier inputs.
    pub rows: Rows,
    work: Work,
    positions: BTreeMap<TopicPartition, Position>,
    /// What to count when this batch is committed.
    pub counts: Counts,
}

/// One input's place in the chain of records.
#[derive(Debug)]
pub struct Origin<'r> {
    /// The record.
    pub record: Record<'r>,
    /// Its lineage; absent on partner topics and where it could not be read.
    pub lineage: Option<Lineage<'r>>,
    indexes: Vec<(UnitName, i32)>,
}

impl<'r> Origin<'r> {
    /// The place of a record.
    #[must_use]
    pub const fn new(record: Record<'r>, lineage: Option<Lineage<'r>>) -> Self {
        Self { record, lineage, indexes: Vec::new() }
    }

    /// The place of a record of which nothing is read but, where that can be, its number on the edge: nothing is missing
    /// behind it.
    #[must_use]
    pub fn unread(record: Record<'r>, schemas: &Schemas) -> Self {
        let value = record.value.filter(|_| topics::find(record.topic).is_some());
        Self::new(record, value.and_then(|value| codec::decode_lineage(value, schemas).ok()))
    }

    /// The hop of what follows from it with so many records in between.
    fn hop(&self, depth: i32) -> i32 {
        self.lineage.as_ref().map_or(0, |l| l.hop.saturating_add(1)).saturating_add(depth)
    }

    fn next_index(&mut self, unit: UnitName) -> i32 {
        if let Some((_, index)) = self.indexes.iter_mut().find(|(u, _)| *u == unit) {
            *index += 1;
            return *index;
        }
        self.indexes.push((unit, 0));
        0
    }
}

impl<'d> Fold<'d> {
    /// An empty fold over loaded rows and the positions before the batch.
    #[must_use]
    pub fn new(maker: Maker<'d>, rows: Rows, positions: BTreeMap<TopicPartition, Position>) -> Self {
        let work = Work { group: maker.handler, ..Work::default() };
        Self { maker, rows, work, positions, counts: Counts::default() }
    }

    /// Moves the position behind a record and checks its edge number; `false` says that it is a repeat.
    ///
    /// # Errors
    /// [`Fault::Fatal`] where the record lies before the position.
    pub fn arrive(&mut self, origin: &Origin<'_>) -> Result<bool, Fault> {
        let position = self.positions.entry(origin.record.topic_partition()).or_default();
        position.next = frontier::advance(position.next, origin.record.offset)
            .map_err(|e| Fault::Fatal(Cause::new(format!("read of {}", origin.record.topic_partition()), e)))?;
        let Some(Lineage { src: Some(src), seq: Some(seq), .. }) = &origin.lineage else { return Ok(true) };
        let arrival = position.edges.arrive(&src.topic, src.partition, *seq);
        match arrival {
            Arrival::New => {}
            Arrival::Gap => self.counts.edge_gaps += 1,
            Arrival::Repeat => self.counts.edge_repeats += 1,
        }
        Ok(arrival != Arrival::Repeat)
    }

    /// Takes an input's effects.
    ///
    /// # Errors
    /// [`Fault::Fatal`] where an effect cannot be carried out.
    pub fn apply(&mut self, origin: &mut Origin<'_>, effects: Effects<'_>) -> Result<(), Fault> {
        if let Some(park) = effects.parks.first() {
            return Err(Fault::Fatal(Cause::new(format!("parking of {}", park.unit), "not part of this release")));
        }
        let deepest = effects.emits.iter().map(|emit| emit.depth).max();
        if deepest.is_some_and(|depth| origin.hop(depth) > HOP_LIMIT) {
            return self.reject(origin, UnitName(self.maker.handler), too_long(origin));
        }
        self.counts.outcome(effects.outcome);
        for note in effects.notes {
            self.counts.note(note);
        }
        for write in effects.writes {
            self.rows.write(write.key, write.row.map(Arc::new));
        }
        for emit in &effects.emits {
            self.emit(origin, emit)?;
        }
        for (unit, rejection) in effects.refused {
            self.dead_letter(origin, unit, rejection)?;
        }
        Ok(())
    }

    /// Refuses an input as a whole.
    ///
    /// # Errors
    /// [`Fault::Fatal`] where the handler has no dead-letter topic.
    pub fn reject(&mut self, origin: &mut Origin<'_>, unit: UnitName, rejection: Rejection) -> Result<(), Fault> {
        self.counts.outcome(Outcome::DeadLettered);
        self.dead_letter(origin, unit, rejection)
    }

    /// The work of the batch, and what to count once it is committed.
    #[must_use]
    pub fn finish(self) -> (Work, Counts) {
        let mut work = self.work;
        let mut counts = self.counts;
        work.writes = self.rows.into_writes();
        work.positions = self.positions.into_iter().collect();
        counts.rows += work.writes.len() as u64;
        counts.emitted += work.out.len() as u64;
        (work, counts)
    }

    fn dead_letter(&mut self, origin: &mut Origin<'_>, unit: UnitName, rejection: Rejection) -> Result<(), Fault> {
        self.counts.dead(rejection.reason);
        let topic = dead_letter::topic_of(self.maker.service)?;
        let event = dead_letter::of(&origin.record, &self.maker, (unit, rejection));
        self.emit(origin, &Emit { unit, topic, key: Key::Inherited, event, depth: 0 })
    }

    fn emit(&mut self, origin: &mut Origin<'_>, emit: &Emit<'_>) -> Result<(), Fault> {
        let route = self.maker.routes.find(emit.topic)?;
        let from = origin.record.topic_partition();
        let key = match &emit.key {
            Key::Inherited => origin.record.key,
            Key::Own(key) => Some(key.as_bytes()),
        };
        let partition = match &emit.key {
            Key::Own(key) if route.by_key => partition_of(key.as_bytes(), route.partitions),
            Key::Own(_) | Key::Inherited => inherited(from.partition, route),
        };
        let index = origin.next_index(emit.unit);
        let position = self.positions.entry(from).or_default();
        let lineage = Lineage {
            id: record_id(from, origin.record.offset, emit.unit, index),
            src: Some(Source {
                topic: from.topic.0.into(),
                partition: from.partition,
                offset: origin.record.offset,
                index,
            }),
            root: origin.lineage.as_ref().map_or_else(|| root_of(&emit.event), |l| l.root),
            // Only a dead letter comes here from the last hop; it ends its chain.
            hop: origin.hop(emit.depth).min(HOP_LIMIT),
            seq: Some(position.edges.send(route.name.0, partition)),
        };
        let to = TopicPartition { topic: route.name, partition };
        let head = (origin.record.timestamp, key);
        self.work.out.push((from, to), head, |arena| codec::encode(&emit.event, &lineage, self.maker.schemas, arena));
        Ok(())
    }
}

/// A handler is named after its service, with its role behind a dot; a group of processors may have a name of its own:
/// its service is then the one that `topics.yaml` lets read its topics.
#[must_use]
pub fn service_of<'n>(name: &'n str, reads: &[TopicName]) -> &'n str {
    let service = name.split('.').next().unwrap_or(name);
    if topics::all().iter().any(|t| t.producers.iter().any(|p| p == service)) {
        return service;
    }
    let consumers = reads.iter().filter_map(|t| topics::find(*t)).flat_map(|t| &t.consumers);
    consumers.map(String::as_str).find(|c| *c != "sink").unwrap_or(name)
}

fn inherited(partition: Partition, route: Route) -> Partition {
    Partition(partition.0.checked_rem(route.partitions).unwrap_or(0))
}

fn too_long(origin: &Origin<'_>) -> Rejection {
    let record = &origin.record;
    Rejection::new(
        Reason::HopLimit,
        format!("{}@{} is record {HOP_LIMIT} of its chain", record.topic_partition(), record.offset),
    )
}

/// The chain of a record that came in over a partner's topic begins with what the intake makes of it.
fn root_of(event: &Event<'_>) -> Option<Root> {
    match event {
        Event::Usage(e) => Some(Root { event_key: e.event_key, at: e.received_at }),
        Event::System(e) => Some(Root { event_key: e.event_key, at: e.received_at }),
        Event::Impact(e) => Some(Root { event_key: e.event.event_key, at: e.event.received_at }),
        Event::Discrete(_) | Event::Entity(_) | Event::Content(_) | Event::Rejected(_) | Event::Dead(_) => None,
    }
}
