//! What a handler wants to happen for one input.
//!
//! Place: returned by `Handler::decide`, carried out by the Driver in one atomic step with the offset. Writes hold
//! absolute values, never increments (house.md §2 rule 3).

use crate::event::Event;
use crate::fault::Rejection;
use crate::ids::{TopicName, UnitName};
use crate::outcome::{Outcome, codes};
use crate::state::{Row, RowKey};
use crate::time::Timestamp;

/// All effects of one input.
#[derive(Debug)]
pub struct Effects<'r> {
    /// What became of the input.
    pub outcome: Outcome,
    /// Rows to set or remove.
    pub writes: Vec<Write>,
    /// Records to append, in this order.
    pub emits: Vec<Emit<'r>>,
    /// Units that wait for something.
    pub parks: Vec<Park>,
    /// Units that refused the input while their siblings went on.
    pub refused: Vec<(UnitName, Rejection)>,
    /// Names of notable facts to count, such as `previous_mismatch` or an unknown field's name class.
    pub notes: Vec<Note>,
}

codes! {
    /// A fact worth counting that is neither an outcome nor a refusal.
    Note {
        /// A roll-up's stored contribution differs from the DE's `previous`.
        PreviousMismatch = "previous_mismatch",
        /// A play's scope differs from its session's frozen scope.
        ScopeMismatch = "scope_mismatch",
        /// A DE older than the stored revision was left out.
        StaleRevision = "stale_revision",
    }
}

/// One row to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// Which row.
    pub key: RowKey,
    /// Its whole new value; `None` removes it.
    pub row: Option<Row>,
}

/// One record to append.
#[derive(Debug)]
pub struct Emit<'r> {
    /// The unit that decided it; part of the lineage id.
    pub unit: UnitName,
    /// Where it goes.
    pub topic: TopicName,
    /// Its key.
    pub key: Key,
    /// What it says; the Driver adds the lineage and encodes it.
    pub event: Event<'r>,
    /// How many records of the same decision lie between the input and this one; each is a hop.
    pub depth: i32,
}

/// The key of an emitted record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// The key (and partition, unless topics.yaml says "by key") of the input.
    Inherited,
    /// A key of its own.
    Own(String),
}

/// A unit that waits; the base effects went out already (delivery.md §9).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Park {
    /// Who waits.
    pub unit: UnitName,
    /// For what.
    pub wait: String,
    /// Until when.
    pub deadline: Timestamp,
}

impl Effects<'_> {
    /// No effects but an outcome.
    #[must_use]
    pub const fn none(outcome: Outcome) -> Self {
        Self {
            outcome,
            writes: Vec::new(),
            emits: Vec::new(),
            parks: Vec::new(),
            refused: Vec::new(),
            notes: Vec::new(),
        }
    }
}

impl Write {
    /// Sets a row.
    #[must_use]
    pub const fn set(key: RowKey, row: Row) -> Self {
        Self { key, row: Some(row) }
    }

    /// Removes a row.
    #[must_use]
    pub const fn remove(key: RowKey) -> Self {
        Self { key, row: None }
    }
}
