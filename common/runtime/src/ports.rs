//! The ports between the one shell and the world: clock, sink, protocol.
//!
//! Place: implemented under `io/` and `commit/`, named by everything that needs them. All calls block, except the
//! receipt of a [`Sink`], which the HTTP side awaits.

use da_model::ids::{Offset, Partition, TopicName};
use da_model::time::Timestamp;
use tokio::sync::oneshot;

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
