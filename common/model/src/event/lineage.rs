//! The lineage block, first field of every value: where a record comes from and how long its chain is.
//!
//! Place: stamped by the Driver from the input; a handler cannot forget it (delivery.md §7).

use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::identity::{Decimal, join};
use crate::ids::{Offset, Partition, Text, TopicPartition, UnitName};
use crate::time::Timestamp;

/// The longest chain of records; beyond it lies a dead letter `hop_limit`.
pub const HOP_LIMIT: i32 = 16;

/// Where a record comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lineage<'a> {
    /// Deterministic id of the record.
    pub id: [u8; 16],
    /// The record it was made from; absent at the intake over HTTP.
    pub src: Option<Source<'a>>,
    /// The event the chain began with; absent only in `gep.rejected`.
    pub root: Option<Root>,
    /// Steps from the intake.
    pub hop: i32,
    /// Number on its edge, without holes; absent at the intake over HTTP.
    pub seq: Option<i64>,
}

/// Coordinates of the input record and index among its outputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source<'a> {
    /// Topic without the common prefix.
    pub topic: Text<'a>,
    /// Partition.
    pub partition: Partition,
    /// Offset.
    pub offset: Offset,
    /// Which output of that input and unit.
    pub index: i32,
}

/// The event a chain began with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Root {
    /// Its key.
    pub event_key: Uuid,
    /// Its receipt.
    pub at: Timestamp,
}

impl Lineage<'static> {
    /// Lineage of a record accepted over HTTP: the id is the event key itself.
    #[must_use]
    pub fn of_intake(event_key: Uuid, at: Timestamp) -> Self {
        Self { id: *event_key.as_bytes(), src: None, root: Some(Root { event_key, at }), hop: 0, seq: None }
    }
}

/// The first 16 bytes of SHA-256 over topic, partition, offset, unit and index joined by U+001F.
#[must_use]
pub fn record_id(from: TopicPartition, offset: Offset, unit: UnitName, index: i32) -> [u8; 16] {
    let (partition, offset) = (Decimal::of(i64::from(from.partition.0)), Decimal::of(offset.0));
    let index = Decimal::of(i64::from(index));
    let mut name = Vec::with_capacity(96);
    let (topic, unit) = (from.topic.0.as_bytes(), unit.0.as_bytes());
    join(&[topic, partition.bytes(), offset.bytes(), unit, index.bytes()], &mut name);
    Sha256::digest(&name).first_chunk().copied().unwrap_or_default()
}
