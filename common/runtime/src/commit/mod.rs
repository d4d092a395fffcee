//! Commit protocols: how records, rows, outputs and offsets become one atomic step.
//!
//! Place: the Driver calls a [`Protocol`] and nothing else does; each protocol is one file here. The pairs that work:
//!
//! | Log | Store | Protocol |
//! |---|---|---|
//! | SQLite | the same SQLite file | [`embedded_txn`] |
//! | Kafka | none | [`kafka_txn`] |
//! | Kafka | PostgreSQL | [`sql_txn`] |
//!
//! Does not decide anything about an event. A test may implement [`Protocol`] over memory: four calls are all.

pub mod blob;
pub mod board;
pub mod care;
pub mod embedded_txn;
pub mod engine;
pub mod folder;
pub mod held;
pub mod kafka_txn;
pub mod outbox;
pub(crate) mod overlay;
pub mod queue;
mod settle;
pub mod sql_txn;
pub mod status;
mod take_over;
pub(crate) mod writer;

use std::ops::Range;
use std::sync::Arc;

use da_model::delivery::edge::Edges;
use da_model::fault::{Fault, Rejection};
use da_model::ids::{Offset, TopicName, TopicPartition};
use da_model::outcome::Reason;
use da_model::record::Record;
use da_model::state::{Row, RowKey};
use da_model::time::Timestamp;

use self::status::Tally;
use crate::batch::Rows;
use crate::io::segment::Segment;
pub use outbox::{Outbox, Outgoing};

/// Where a group stands on one topic partition.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Position {
    /// The next offset to read.
    pub next: Offset,
    /// The edge counters of this partition, moved by the same commit.
    pub edges: Edges,
}

/// Records of one topic partition, in offset order.
#[derive(Debug, Clone)]
pub struct Part {
    /// Where they were read.
    pub at: TopicPartition,
    /// Where the group stood before them.
    pub position: Position,
    /// The fetch buffers that hold them, with the records meant.
    pub spans: Vec<(Arc<Segment>, Range<usize>)>,
}

/// Where one record lies, or none.
pub type Place = Option<(TopicPartition, Offset)>;

/// One poll over all partitions of a group.
#[derive(Debug, Clone, Default)]
pub struct Polled {
    /// In (topic, partition) order.
    pub parts: Vec<Part>,
    /// Processes died at the one record of this poll as often as they may: it is to be refused unread.
    pub set_aside: bool,
}

/// What one poll asks for.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// The consumer group, which is the handler's name.
    pub group: &'static str,
    /// The topics it reads.
    pub topics: &'a [TopicName],
    /// Partitions left out this time: stalled by the breaker, or waiting for a writer's schema.
    pub except: &'a [TopicPartition],
    /// The most records.
    pub max: usize,
}

/// Everything that one batch changes, committed as one step.
#[derive(Debug, Default)]
pub struct Work {
    /// The consumer group.
    pub group: &'static str,
    /// The last value of each row, in key order; `None` removes it.
    pub writes: Vec<(RowKey, Option<Arc<Row>>)>,
    /// Records to append, dead letters among them, in order.
    pub out: Outbox,
    /// The new positions.
    pub positions: Vec<(TopicPartition, Position)>,
}

/// A log and a store that move together.
pub trait Protocol {
    /// The partition count of a topic.
    fn partitions(&self, topic: TopicName) -> u32;

    /// Records that wait for a group, none beyond what `ask` wants. Waits no longer than one poll of the log takes.
    ///
    /// # Errors
    /// A [`Fault`] of the log.
    fn poll(&mut self, ask: Ask<'_>) -> Result<Polled, Fault>;

    /// Opens the step and loads the rows of these keys, absent ones too; prefixes load their range.
    ///
    /// # Errors
    /// A [`Fault`] of the store.
    fn begin(&mut self, keys: &[RowKey]) -> Result<Rows, Fault>;

    /// Ends the step: all of `work`, or on an error nothing of it.
    ///
    /// # Errors
    /// A [`Fault`]; `Refused` when the store cannot hold a row of this batch.
    fn commit(&mut self, work: Work) -> Result<(), Fault>;

    /// Ends the step without any effect.
    fn abandon(&mut self);
}

/// A protocol over a consumer group, as a worker's thread runs it.
pub trait GroupProtocol: Protocol + Send {
    /// Serves the group without reading anything, after a fault: all partitions are paused for this call.
    ///
    /// # Errors
    /// A [`Fault`] of the log; only a fatal one matters here.
    fn rest(&mut self, wait: std::time::Duration) -> Result<(), Fault>;

    /// What this member went through since its start; [`Tally::owed_since`] is its caller's.
    fn tally(&self) -> Tally;

    /// The time of the first record that waits on a partition, where it was fetched already.
    fn oldest(&self, at: TopicPartition) -> Option<Timestamp>;

    /// Where every owned partition stands: next offset and end, as last known.
    fn stands(&self) -> Vec<(TopicPartition, Offset, Offset)>;

    /// Publishes what is committed, leaves the group and closes the connections.
    ///
    /// # Errors
    /// The [`Fault`] that left something unpublished; it is published by the next owner.
    fn close(&mut self) -> Result<(), Fault>;
}

/// Partitions that are named where people are told of a batch.
const PLACES: usize = 16;

impl Part {
    fn place(&self) -> Option<String> {
        let mut read = self.spans.iter().flat_map(|(segment, range)| {
            let last = range.end.checked_sub(1).and_then(|n| segment.record(self.at, n));
            segment.record(self.at, range.start).into_iter().chain(last)
        });
        let first = read.next()?;
        let last = read.last().map_or(first.offset, |record| record.offset);
        Some(format!("{}@{}..{}", self.at, first.offset, last.next()))
    }
}

impl Polled {
    /// All records in (topic, partition, offset) order.
    pub fn records(&self) -> impl Iterator<Item = Record<'_>> {
        self.parts.iter().flat_map(|part| {
            part.spans.iter().flat_map(|(segment, range)| range.clone().filter_map(|n| segment.record(part.at, n)))
        })
    }

    /// Which records these are, `topic/partition@first..end` each; of very many partitions the first ones.
    #[must_use]
    pub fn places(&self) -> String {
        self.parts.iter().filter_map(Part::place).take(PLACES).collect::<Vec<_>>().join(" ")
    }

    /// Where its first record lies.
    #[must_use]
    pub fn first(&self) -> Place {
        self.records().next().map(|record| (record.topic_partition(), record.offset))
    }

    /// Why a record of it is refused unread, if it is: it was set aside, or what follows from the one at `unstorable`
    /// cannot be stored.
    #[must_use]
    pub fn condemned(&self, record: &Record<'_>, unstorable: Place) -> Option<Rejection> {
        if self.set_aside {
            return Some(Rejection::new(Reason::ProcessKiller, "the process died each time it was tried by itself"));
        }
        let it_is = unstorable == Some((record.topic_partition(), record.offset));
        it_is.then(|| Rejection::new(Reason::HandlerFailed, "the store cannot hold what follows from it"))
    }

    /// The number of records.
    #[must_use]
    pub fn len(&self) -> usize {
        self.parts.iter().flat_map(|p| &p.spans).map(|(_, range)| range.len()).sum()
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
