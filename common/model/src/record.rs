//! A record as it lies in the fetch buffer: borrowed key and value with their coordinates.
//!
//! Place: what a source hands to the Driver and the Driver to `Handler::decode`. Holds no decoded value.

use crate::ids::{Offset, Partition, TopicName, TopicPartition, UnitName};
use crate::time::Timestamp;

/// One record of a topic.
#[derive(Debug, Clone, Copy)]
pub struct Record<'r> {
    /// Where it was read.
    pub topic: TopicName,
    /// The partition it was read from.
    pub partition: Partition,
    /// Its offset there.
    pub offset: Offset,
    /// The record's timestamp as the log holds it.
    pub timestamp: Timestamp,
    /// The key; absent on foreign topics only.
    pub key: Option<&'r [u8]>,
    /// The value; absent is a tombstone.
    pub value: Option<&'r [u8]>,
    /// Set where a parked or redriven record concerns one unit alone.
    pub only: Option<UnitName>,
}

impl Record<'_> {
    /// Topic and partition.
    #[must_use]
    pub const fn topic_partition(&self) -> TopicPartition {
        TopicPartition { topic: self.topic, partition: self.partition }
    }
}
