//! A record that was refused after acceptance, byte-identical (`<service>.dead`, delivery.md §8).
//!
//! Place: made by the Driver from a rejection, in the transaction that moves the offset.

use crate::fault::Rejection;
use crate::ids::{Offset, Partition, Text};
use crate::time::Timestamp;

/// A dead letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter<'a> {
    /// Topic it was read from.
    pub topic: Text<'a>,
    /// Partition.
    pub partition: Partition,
    /// Offset.
    pub offset: Offset,
    /// The record's timestamp.
    pub timestamp: Timestamp,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its value.
    pub value: Option<Vec<u8>>,
    /// Its headers.
    pub headers: Vec<(Text<'a>, Vec<u8>)>,
    /// The service.
    pub service: Text<'a>,
    /// Its version.
    pub version: Text<'a>,
    /// The metric, processor or handler that refused it.
    pub handler: Text<'a>,
    /// Why.
    pub rejection: Rejection,
    /// How often it was tried.
    pub attempts: i32,
    /// How often it was sent back.
    pub redrives: i32,
}
