//! The arena of one batch's outputs: keys and values encoded once, one behind the other.
//!
//! Place: filled by the Driver, emptied by the protocol's commit. Knows no schema and no partition rule.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use da_model::fault::{Cause, Fault};
use da_model::ids::{TopicName, TopicPartition};
use da_model::time::Timestamp;
use da_model::topics::{self, Topic};

/// The longest record of all: a dead letter, which holds the whole record that was refused.
pub const RECORD_BYTES: usize = 16 << 20;
/// The longest record of any other topic: there is room for it in a dead letter.
pub const PLAIN_BYTES: usize = RECORD_BYTES / 2;
/// What a log adds to a key and a value, with room to spare.
const FRAME: usize = 1_024;

/// The longest record that a topic of ours is made for.
#[must_use]
pub fn longest(topic: &Topic) -> usize {
    if topic.schema == "dead_letter" { RECORD_BYTES } else { PLAIN_BYTES }
}

/// Records to append, in order.
#[derive(Debug, Clone, Default)]
pub struct Outbox {
    /// Shared by the parts of a batch.
    arena: Arc<Vec<u8>>,
    entries: Vec<Entry>,
    bytes: usize,
}

#[derive(Debug, Clone)]
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
        let arena = Arc::make_mut(&mut self.arena);
        let start = arena.len();
        arena.extend_from_slice(key.unwrap_or_default());
        let middle = arena.len();
        write(arena);
        let (key, value) = (key.map(|_| start..middle), middle..arena.len());
        self.bytes += arena.len() - start;
        self.entries.push(Entry { from, to, timestamp, key, value });
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

    /// The records by the partition they follow from, each in its order; their bytes stay where they are.
    #[must_use]
    pub fn by_source(self) -> BTreeMap<TopicPartition, Self> {
        let mut parts: BTreeMap<TopicPartition, Self> = BTreeMap::new();
        let empty = || Self { arena: Arc::clone(&self.arena), entries: Vec::new(), bytes: 0 };
        for entry in self.entries {
            let part = parts.entry(entry.from).or_insert_with(empty);
            part.bytes += entry.key.as_ref().map_or(0, ExactSizeIterator::len) + entry.value.len();
            part.entries.push(entry);
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

    /// Whether each record is one that its topic takes.
    ///
    /// # Errors
    /// [`Fault::Refused`] names one that is too long.
    pub fn fits(&self) -> Result<(), Fault> {
        let takes = |to: TopicName| topics::find(to).map_or(PLAIN_BYTES, longest);
        let length = |out: &Outgoing<'_>| out.key.map_or(0, <[u8]>::len) + out.value.len() + FRAME;
        // Nothing in it is longer than all of it.
        let long = self.bytes() + FRAME > PLAIN_BYTES;
        match self.records().filter(|_| long).find(|out| length(out) > takes(out.to.topic)) {
            None => Ok(()),
            Some(out) => {
                let told = format!("a record of {} bytes is longer than the topic takes", out.value.len());
                Err(Fault::Refused(Cause::new(format!("send to {}", out.to), told)))
            }
        }
    }

    /// Bytes of its keys and values.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }
}
