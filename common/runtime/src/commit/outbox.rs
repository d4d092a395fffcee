//! The arena of one batch's outputs: keys and values encoded once, one behind the other.
//!
//! Place: filled by the Driver, emptied by the protocol's commit. Knows no schema and no partition rule.

use std::collections::BTreeMap;
use std::ops::Range;

use da_model::ids::TopicPartition;
use da_model::time::Timestamp;

/// Records to append, in order.
#[derive(Debug, Default)]
pub struct Outbox {
    arena: Vec<u8>,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    from: TopicPartition,
    to: TopicPartition,
    timestamp: Timestamp,
    key: Option<Range<usize>>,
    value: Range<usize>,
}

/// One record to append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outgoing<'a> {
    /// Where the record was read that it follows from.
    pub from: TopicPartition,
    /// Where it goes.
    pub to: TopicPartition,
    /// Its timestamp.
    pub timestamp: Timestamp,
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its value.
    pub value: &'a [u8],
}

impl Outbox {
    /// Adds a record on its way from a topic partition to another, whose value `write` appends to the arena.
    pub fn push(
        &mut self,
        (from, to): (TopicPartition, TopicPartition),
        (timestamp, key): (Timestamp, Option<&[u8]>),
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        let start = self.arena.len();
        self.arena.extend_from_slice(key.unwrap_or_default());
        let middle = self.arena.len();
        write(&mut self.arena);
        let key = key.map(|_| start..middle);
        self.entries.push(Entry { from, to, timestamp, key, value: middle..self.arena.len() });
    }

    /// The records, in the order they were added.
    pub fn records(&self) -> impl Iterator<Item = Outgoing<'_>> {
        self.entries.iter().map(|e| Outgoing {
            from: e.from,
            to: e.to,
            timestamp: e.timestamp,
            key: e.key.clone().map(|range| self.arena.get(range).unwrap_or_default()),
            value: self.arena.get(e.value.clone()).unwrap_or_default(),
        })
    }

    /// The records by the partition they follow from, each in its order.
    #[must_use]
    pub fn by_source(&self) -> BTreeMap<TopicPartition, Self> {
        let mut parts: BTreeMap<TopicPartition, Self> = BTreeMap::new();
        for out in self.records() {
            let part = parts.entry(out.from).or_default();
            part.push((out.from, out.to), (out.timestamp, out.key), |arena| arena.extend_from_slice(out.value));
        }
        parts
    }

    /// How many records it holds.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes in the arena.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.arena.len()
    }
}
