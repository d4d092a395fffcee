//! The ports between the one shell and the world: clock, sink, member of a consumer group, store.
//!
//! Place: implemented under `io/` and `commit/`, named by everything that needs them. All calls block, except the
//! receipt of a [`Sink`], which the HTTP side awaits. [`Member`] and [`Store`] are what `commit/{kafka_txn,sql_txn}`
//! stand on; the embedded engine is log and store at once and uses neither.

use std::sync::Arc;
use std::time::Duration;

use da_model::fault::Fault;
use da_model::ids::{Offset, Partition, TopicName, TopicPartition};
use da_model::state::{Row, RowKey, Table};
use da_model::time::Timestamp;
use tokio::sync::oneshot;

use crate::batch::Rows;
use crate::commit::care::Attempt;
use crate::commit::{Outbox, Position};
use crate::io::segment::Segment;

/// The one reader of time. `received_at` is stamped with it once, at the edge.
pub trait Clock: Send + Sync {
    /// Now, epoch milliseconds UTC.
    fn now(&self) -> Timestamp;
}

/// One record to append from outside a pipeline (HTTP intake, tests).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Append {
    /// Topic of ours, or a partner's.
    pub topic: TopicName,
    /// Key; the partition follows from it (murmur2).
    pub key: Vec<u8>,
    /// Value; `None` is a tombstone.
    pub value: Option<Vec<u8>>,
    /// The record's timestamp.
    pub timestamp: Timestamp,
}

/// Where appended records ended up, in the order given.
pub type Appended = Vec<(TopicName, Partition, Offset)>;

/// Resolves when all records of one append are durable, or with the reason why the outcome is unknown.
pub type Receipt = oneshot::Receiver<Result<Appended, SinkError>>;

/// Why an append was not taken, or its outcome is unknown; the client repeats the same request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SinkError {
    /// The queue is full; try again after this many seconds.
    #[error("the queue is full")]
    Full {
        /// Whole seconds.
        retry_after: u32,
    },
    /// The process is about to stop.
    #[error("draining")]
    Draining,
    /// The log cannot be written now.
    #[error("the log cannot be written: {0}")]
    Unavailable(String),
}

/// The writing side of a log, as the HTTP edge sees it: bounded, never waits.
pub trait Sink: Send + Sync {
    /// Queues records that become durable together; one request is one append.
    ///
    /// # Errors
    /// [`SinkError`] when nothing was queued.
    fn append(&self, records: Vec<Append>) -> Result<Receipt, SinkError>;
}

/// What one poll of a [`Member`] brought. Changes of the assignment come before the records.
#[derive(Debug, Default)]
pub struct Fetched {
    /// Partitions this member owns from now on; nothing is read of them before [`Member::start`].
    pub assigned: Vec<TopicPartition>,
    /// Partitions it owns no longer: what is held of them must be forgotten.
    pub revoked: Vec<TopicPartition>,
    /// Records in offset order per partition.
    pub segments: Vec<(TopicPartition, Segment)>,
}

impl Fetched {
    /// Whether it changed what this member owns.
    #[must_use]
    pub const fn is_rebalance(&self) -> bool {
        !self.assigned.is_empty() || !self.revoked.is_empty()
    }
}

/// A committed group offset.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Committed {
    /// The next offset to read.
    pub next: Offset,
    /// What was stored with it: the edge counters of stages without a store.
    pub metadata: String,
}

/// One member of a consumer group with its one transactional producer; used by one thread (house.md §2 rule 6).
pub trait Member: Send {
    /// Partition counts of all topics of ours, known since the start.
    fn partitions(&self, topic: TopicName) -> u32;

    /// Serves the group and brings at most about `max` records; waits up to `wait` for the first.
    ///
    /// # Errors
    /// [`Fault::Transient`] where the broker is away, [`Fault::Fatal`] where another process has this slot or an
    /// offset to read is gone.
    fn poll(&mut self, max: usize, wait: Duration) -> Result<Fetched, Fault>;

    /// Begins to read partitions that were assigned, or reads them again from another offset.
    ///
    /// # Errors
    /// A [`Fault`] of the log.
    fn start(&mut self, at: &[(TopicPartition, Offset)]) -> Result<(), Fault>;

    /// Stops or resumes fetching of all owned partitions; polling goes on, so the member stays in the group.
    ///
    /// # Errors
    /// A [`Fault`] of the log.
    fn pause(&mut self, paused: bool) -> Result<(), Fault>;

    /// Leaves exactly these out until the next call: the breaker stopped them, or they wait for a writer's schema. Those
    /// named before and not now are fetched again.
    ///
    /// # Errors
    /// A [`Fault`] of the log.
    fn stall(&mut self, at: &[TopicPartition]) -> Result<(), Fault>;

    /// The stable committed offsets: waits until no transaction is open on them.
    ///
    /// # Errors
    /// [`Fault::Transient`] where they do not become stable in time.
    fn committed(&mut self, of: &[TopicPartition]) -> Result<Vec<Option<Committed>>, Fault>;

    /// The first and the end offset of partitions.
    ///
    /// # Errors
    /// A [`Fault`] of the log.
    fn bounds(&mut self, of: &[TopicPartition]) -> Result<Vec<(Offset, Offset)>, Fault>;

    /// The end of every partition that is read, as last seen and without asking anyone; equal to the position where
    /// nothing readable is left (marks of transactions take offsets too).
    fn ends(&self) -> Vec<(TopicPartition, Offset)>;

    /// One log transaction: the records, and last the group's offsets with their metadata, fenced by the generation of
    /// the last poll.
    ///
    /// # Errors
    /// Nothing became visible on [`Fault::Transient`] and [`Fault::Fenced`], unless the outcome is unknown: then
    /// [`Member::suspect`] is true and the caller must read [`Member::committed`] before it goes on.
    fn publish(&mut self, out: &[&Outbox], upto: &[(TopicPartition, Committed)]) -> Result<(), Fault>;

    /// Whether the outcome of the last publication must be doubted, also where it was told to be good; reading
    /// [`Member::committed`] clears it.
    fn suspect(&self) -> bool;

    /// How often the connection failed or timed out since the start: a poll that waits for the brokers fails nothing.
    fn troubles(&self) -> u64;

    /// Leaves cleanly within a deadline; static members keep their partitions for the session timeout.
    fn close(&mut self);
}

/// A number that rises with each owner of a partition; an older owner's commit is refused by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Epoch(pub i64);

/// What a store says to a new owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The partition.
    pub at: TopicPartition,
    /// The epoch of this owner.
    pub epoch: Epoch,
    /// Where the store stands; `None` where it never saw the partition.
    pub position: Option<Position>,
    /// The group offset it knows to be published: blobs up to it may be gone.
    pub published: Option<Offset>,
    /// Attempts at the record where it stands.
    pub attempts: u32,
}

/// Finished records of one source partition and one batch, kept until the log has them.
#[derive(Debug)]
pub struct Blob {
    /// First source offset of the batch.
    pub start: Offset,
    /// The offset behind its last record: the group offset that says it is published.
    pub end: Offset,
    /// The records.
    pub out: Outbox,
}

/// One batch as the store commits it.
#[derive(Debug, Default)]
pub struct Unit {
    /// The last value of each row, in key order; `None` removes it.
    pub writes: Vec<(RowKey, Option<Arc<Row>>)>,
    /// Per source partition: where it stood, where it stands, and its finished records.
    pub moves: Vec<Move>,
}

/// What a batch does to one source partition.
#[derive(Debug)]
pub struct Move {
    /// The partition.
    pub at: TopicPartition,
    /// Where it stood.
    pub from: Offset,
    /// Where it stands, with its edge counters.
    pub to: Position,
    /// The group offset known to be published: older blobs may go.
    pub published: Offset,
    /// Its finished records, as the blob to keep; empty where the batch emits nothing.
    pub out: Outbox,
}

/// A database that holds state, positions and outbox of one consumer group; used by one thread.
pub trait Store: Send {
    /// Raises the epochs of partitions and says where they stand; waits for a former owner's commit that is under way.
    ///
    /// # Errors
    /// A [`Fault`] of the database.
    fn claim(&mut self, of: &[TopicPartition]) -> Result<Vec<Claim>, Fault>;

    /// Learns whether nobody but this owner can write for the group: its last claim was the group's last one, and the
    /// positions of these topics are as many as it holds. The next claim of anyone ends that.
    ///
    /// # Errors
    /// A [`Fault`] of the database.
    fn whole(&mut self, topics: &[TopicName], held: usize) -> Result<(), Fault>;

    /// Whether every row of a table that a batch of this owner reads is written by this owner alone: such rows may be kept
    /// in memory between batches.
    fn alone(&self, table: &'static Table) -> bool;

    /// Begins a batch of these partitions and loads rows; those that others may write are locked.
    ///
    /// # Errors
    /// A [`Fault`] of the database.
    fn begin(&mut self, fences: &[(TopicPartition, Epoch, Offset)], keys: &[RowKey]) -> Result<Rows, Fault>;

    /// The partitions whose fence failed at the last [`Store::commit`].
    fn lost(&mut self) -> Vec<TopicPartition>;

    /// Ends the batch: rows, blobs, positions; or on an error nothing. After a lost connection the outcome is unknown:
    /// [`Fault::Transient`], and the partitions must be claimed anew.
    ///
    /// # Errors
    /// [`Fault::Fenced`] where another owner took a partition, which [`Store::lost`] names, or made a row first, or is not
    /// excluded any more; [`Fault::Refused`] where the database cannot hold a row.
    fn commit(&mut self, unit: &Unit) -> Result<(), Fault>;

    /// Ends the transaction without any effect.
    fn abandon(&mut self);

    /// Keeps the numbers of attempts, outside any transaction; a commit that moves a partition forgets its own.
    ///
    /// # Errors
    /// A [`Fault`] of the database.
    fn count(&mut self, attempts: &[Attempt]) -> Result<(), Fault>;

    /// The blobs of a partition behind an offset, in order.
    ///
    /// # Errors
    /// A [`Fault`] of the database, fatal where a blob cannot be read.
    fn pending(&mut self, at: TopicPartition, behind: Offset) -> Result<Vec<Blob>, Fault>;
}
