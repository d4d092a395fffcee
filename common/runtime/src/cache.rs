//! The row cache: least recently used rows go first, bounded in bytes; "there is no such row" is cached too.
//!
//! Place: owned by a protocol whose rows have one writer; in the embedded process every row has. Holds only what the
//! open transaction would read, so rows touched by a step that failed must be dropped.

use std::sync::Arc;

use da_model::state::{Row, RowKey};
use rustc_hash::FxHashMap;

const NONE: usize = usize::MAX;
const OVERHEAD: usize = 160;

/// Rows by key, the least recently used at the tail.
#[derive(Debug)]
pub struct Cache {
    slots: Vec<Slot>,
    free: Vec<usize>,
    index: FxHashMap<RowKey, usize>,
    head: usize,
    tail: usize,
    bytes: usize,
    bound: usize,
}

#[derive(Debug)]
struct Slot {
    key: Option<RowKey>,
    row: Option<Arc<Row>>,
    weight: usize,
    newer: usize,
    older: usize,
}

impl Cache {
    /// An empty cache of at most `bound` bytes.
    #[must_use]
    pub fn new(bound: usize) -> Self {
        let index = FxHashMap::default();
        Self { slots: Vec::new(), free: Vec::new(), index, head: NONE, tail: NONE, bytes: 0, bound }
    }

    /// The row of a key if it is known: `Some(None)` says that there is none.
    pub fn get(&mut self, key: &RowKey) -> Option<Option<Arc<Row>>> {
        let at = *self.index.get(key)?;
        self.unlink(at);
        self.push_front(at);
        self.slots.get(at).map(|s| s.row.clone())
    }

    /// Takes a row, or the fact that there is none.
    pub fn put(&mut self, key: RowKey, row: Option<Arc<Row>>) {
        let weight = OVERHEAD + key.joined().len() + row.as_ref().map_or(0, |r| r.weight());
        let at = match self.index.get(&key).copied() {
            Some(at) => self.replace(at, row, weight),
            None => self.insert(key, row, weight),
        };
        self.bytes += weight;
        self.push_front(at);
        while self.bytes > self.bound && self.tail != NONE {
            self.evict(self.tail);
        }
    }

    /// A row that is known is another one now.
    fn replace(&mut self, at: usize, row: Option<Arc<Row>>, weight: usize) -> usize {
        self.unlink(at);
        if let Some(slot) = self.slots.get_mut(at) {
            self.bytes = self.bytes.saturating_sub(slot.weight);
            (slot.row, slot.weight) = (row, weight);
        }
        at
    }

    fn insert(&mut self, key: RowKey, row: Option<Arc<Row>>, weight: usize) -> usize {
        let slot = Slot { key: Some(key.clone()), row, weight, newer: NONE, older: NONE };
        let at = self.free.pop().unwrap_or(self.slots.len());
        match self.slots.get_mut(at) {
            Some(place) => *place = slot,
            None => self.slots.push(slot),
        }
        self.index.insert(key, at);
        at
    }

    /// Drops a row.
    pub fn remove(&mut self, key: &RowKey) {
        if let Some(at) = self.index.get(key).copied() {
            self.evict(at);
        }
    }

    /// Bytes in use, by estimate.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Rows known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    fn evict(&mut self, at: usize) {
        self.unlink(at);
        let Some(slot) = self.slots.get_mut(at) else { return };
        self.bytes = self.bytes.saturating_sub(slot.weight);
        slot.row = None;
        if let Some(key) = slot.key.take() {
            self.index.remove(&key);
            self.free.push(at);
        }
    }

    fn unlink(&mut self, at: usize) {
        let Some((newer, older)) = self.slots.get(at).map(|s| (s.newer, s.older)) else { return };
        match self.slots.get_mut(newer) {
            Some(slot) => slot.older = older,
            None => self.head = older,
        }
        match self.slots.get_mut(older) {
            Some(slot) => slot.newer = newer,
            None => self.tail = newer,
        }
    }

    fn push_front(&mut self, at: usize) {
        let head = self.head;
        if let Some(slot) = self.slots.get_mut(at) {
            (slot.newer, slot.older) = (NONE, head);
        }
        match self.slots.get_mut(head) {
            Some(slot) => slot.newer = at,
            None => self.tail = at,
        }
        self.head = at;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use da_model::state::{Column, Feed, Kind, Table, Value};

    static T: Table = Table {
        name: "t",
        doc: "",
        keys: &[Column::new("id", Kind::Text, "")],
        values: &[Column::new("n", Kind::Int, "")],
        feed: Feed::OneTopic,
        range: None,
    };

    fn key(n: i64) -> RowKey {
        RowKey::new(&T, &[&format!("{n:04}")])
    }

    fn row(n: i64) -> Option<Arc<Row>> {
        Some(Arc::new(Row(vec![Value::Int(n)])))
    }

    #[test]
    fn the_least_recently_used_rows_go_first() {
        let weight = OVERHEAD + 4 + 24;
        let mut cache = Cache::new(weight * 3);
        for n in 0..3 {
            cache.put(key(n), row(n));
        }
        assert_eq!(cache.get(&key(0)), Some(row(0)), "0 is the youngest now");
        cache.put(key(3), row(3));
        assert_eq!(cache.get(&key(1)), None, "1 was the oldest");
        cache.put(key(2), row(20));
        assert_eq!((cache.len(), cache.bytes()), (3, weight * 3));
        assert_eq!(cache.get(&key(2)), Some(row(20)));
        cache.remove(&key(0));
        cache.put(key(9), None);
        assert_eq!(cache.get(&key(9)), Some(None), "absence is known");
        assert_eq!(cache.get(&key(0)), None);
    }

    #[test]
    fn bytes_stay_bounded_over_many_rows() {
        let mut cache = Cache::new(100_000);
        for n in 0..10_000 {
            cache.put(key(n % 1_500), row(n));
            assert!(cache.bytes() <= 100_000);
        }
        assert_eq!(cache.len(), 100_000 / (OVERHEAD + 28));
        assert!(cache.slots.len() <= 1_000, "slots are used again");
    }
}
