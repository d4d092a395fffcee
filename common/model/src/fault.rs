//! Trouble that is the event's fault, and trouble that is ours.
//!
//! Place: the two error types of the one shape (house.md §2). A [`Rejection`] becomes a dead letter and the offset
//! advances; a [`Fault`] never loses the record.

use crate::outcome::Reason;

/// The event's fault: kept as a dead letter with its bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {detail}")]
pub struct Rejection {
    /// The stable code.
    pub reason: Reason,
    /// JSON path or field at fault; empty where none is.
    pub path: String,
    /// What is wrong, for people; numbers and enum words only, never free text of the event.
    pub detail: String,
}

impl Rejection {
    /// A rejection without a path.
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, path: String::new(), detail: detail.into() }
    }

    /// A rejection at a path.
    pub fn at(reason: Reason, path: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { reason, path: path.into(), detail: detail.into() }
    }
}

/// What was attempted, with what, and what came back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{attempted}: {cause}")]
pub struct Cause {
    /// What was attempted with what: `commit of round 17`.
    pub attempted: String,
    /// What came back.
    pub cause: String,
}

impl Cause {
    /// From what was attempted and any error.
    pub fn new(attempted: impl Into<String>, cause: impl std::fmt::Display) -> Self {
        Self { attempted: attempted.into(), cause: cause.to_string() }
    }
}

/// Ours, never the event's: what the Driver does about it is in the variant's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Try the same batch again, for ever, with backoff.
    #[error("transient: {0}")]
    Transient(Cause),
    /// The store cannot hold this batch: split it down to the one record.
    #[error("refused by the store: {0}")]
    Refused(Cause),
    /// Another owner took the partition: forget the batch.
    #[error("fenced: {0}")]
    Fenced(Cause),
    /// Stop the process; the platform restarts it.
    #[error("fatal: {0}")]
    Fatal(Cause),
}
