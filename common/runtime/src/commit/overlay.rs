//! Rows that were decided but are not in the store yet, newer than what the store and any cache would say.
//!
//! Place: one for the round under way and one for the round that is being written. Knows no SQL and no bound: a round
//! ends by time and by records.

use std::collections::BTreeMap;
use std::sync::Arc;

use da_model::state::{Row, RowKey};
use rustc_hash::FxHashMap;

/// A row's last value; `None` says that it was removed.
pub(crate) type Set = (RowKey, Option<Arc<Row>>);

/// The last value of each row written.
#[derive(Debug, Default)]
pub(crate) struct Overlay {
    rows: FxHashMap<RowKey, Option<Arc<Row>>>,
    ordered: BTreeMap<RowKey, Option<Arc<Row>>>,
}

impl Overlay {
    /// Lays a write over what was there.
    pub(crate) fn put(&mut self, key: RowKey, row: Option<Arc<Row>>) {
        if key.table().range.is_some() {
            self.ordered.insert(key, row);
        } else {
            self.rows.insert(key, row);
        }
    }

    /// The row of a key if it was written.
    pub(crate) fn get(&self, key: &RowKey) -> Option<Option<Arc<Row>>> {
        let rows = if key.table().range.is_some() { self.ordered.get(key) } else { self.rows.get(key) };
        rows.cloned()
    }

    /// The rows written under a prefix.
    pub(crate) fn under<'o>(&'o self, prefix: &RowKey) -> impl Iterator<Item = (&'o RowKey, &'o Option<Arc<Row>>)> {
        let from = RowKey::new(prefix.table(), &[prefix.joined(), ""]);
        let same = from.clone();
        self.ordered
            .range(from..)
            .take_while(move |(k, _)| k.table() == same.table() && k.joined().starts_with(same.joined()))
    }

    /// All writes in key order, as the store takes them.
    pub(crate) fn writes(&self) -> Vec<Set> {
        let all = self.rows.iter().chain(&self.ordered);
        let mut writes: Vec<Set> = all.map(|(key, row)| (key.clone(), row.clone())).collect();
        writes.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        writes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use da_model::state::{Column, Feed, Kind, Range, Table, Value};

    static T: Table = Table {
        name: "t",
        doc: "",
        keys: &[Column::new("id", Kind::Text, ""), Column::new("n", Kind::Int, "")],
        values: &[Column::new("v", Kind::Int, "")],
        feed: Feed::OneTopic,
        range: Some(Range { prefix: 1, cap: 10 }),
    };

    #[test]
    fn the_last_write_of_a_row_counts_and_prefixes_end_at_a_part() {
        let mut overlay = Overlay::default();
        let row = |n| Some(Arc::new(Row(vec![Value::Int(n)])));
        for (id, n, v) in [("a", "1", Some(1)), ("ab", "1", Some(2)), ("a", "2", Some(3)), ("a", "1", None)] {
            overlay.put(RowKey::new(&T, &[id, n]), v.and_then(row));
        }
        let found: Vec<_> = overlay.under(&RowKey::new(&T, &["a"])).map(|(k, r)| (k.joined(), r.clone())).collect();
        assert_eq!(found, [("a\u{1f}1", None), ("a\u{1f}2", row(3))]);
        assert_eq!(overlay.get(&RowKey::new(&T, &["a", "1"])), Some(None));
        assert_eq!(overlay.get(&RowKey::new(&T, &["a", "3"])), None);
        assert_eq!(overlay.writes().len(), 3);
    }
}
