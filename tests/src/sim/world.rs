//! The committed world: topics, positions, rows.
//!
//! Place: survives every simulated crash. Rows and records are compared by tests; nothing here runs anything.

use std::collections::BTreeMap;
use std::sync::Arc;

use da_model::ids::{Partition, TopicName, TopicPartition};
use da_model::key::partition_of;
use da_model::state::{Row, RowKey};
use da_model::time::Timestamp;
use da_runtime::commit::{Position, Work};
use da_runtime::ports::Append;

/// One record as it lies in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its timestamp.
    pub at: Timestamp,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its value.
    pub value: Option<Vec<u8>>,
}

/// Everything that was committed.
#[derive(Debug, Clone, Default)]
pub struct World {
    /// Partition count of every topic.
    pub partitions: u32,
    /// Records by partition.
    pub topics: BTreeMap<TopicPartition, Vec<Stored>>,
    /// Positions by group.
    pub positions: BTreeMap<(&'static str, TopicPartition), Position>,
    /// Rows.
    pub rows: BTreeMap<RowKey, Arc<Row>>,
}

impl World {
    /// An empty world.
    #[must_use]
    pub fn new(partitions: u32) -> Self {
        Self { partitions, ..Self::default() }
    }

    /// Appends from outside, as the HTTP edge does.
    pub fn append(&mut self, record: Append) {
        let at = TopicPartition { topic: record.topic, partition: partition_of(&record.key, self.partitions) };
        let stored = Stored { at: record.timestamp, key: Some(record.key), value: record.value };
        self.topics.entry(at).or_default().push(stored);
    }

    /// Commits a batch.
    pub fn commit(&mut self, work: Work) {
        for (key, row) in work.writes {
            match row {
                Some(row) => self.rows.insert(key, row),
                None => self.rows.remove(&key),
            };
        }
        for record in work.out.records() {
            let stored = Stored {
                at: record.timestamp,
                key: record.key.map(<[u8]>::to_vec),
                value: Some(record.value.to_vec()),
            };
            self.topics.entry(record.to).or_default().push(stored);
        }
        for (at, position) in work.positions {
            self.positions.insert((work.group, at), position);
        }
    }

    /// The partitions of a topic.
    pub fn partitions_of(&self, topic: TopicName) -> impl Iterator<Item = TopicPartition> + use<> {
        (0..self.partitions).map(move |p| TopicPartition { topic, partition: Partition(p) })
    }

    /// All records of a topic, partition by partition.
    pub fn records(&self, topic: TopicName) -> impl Iterator<Item = &Stored> {
        self.topics.iter().filter(move |(at, _)| at.topic == topic).flat_map(|(_, records)| records)
    }
}
