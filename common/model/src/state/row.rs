//! Keys and values of stored rows.
//!
//! Place: what handlers name in `reads` and write in `Effects`. A key is one text, its parts joined by U+001F: one
//! allocation, one hash (worked out once: a key is looked up some ten times on its way), one order; ids never hold that
//! character.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use rustc_hash::FxHasher;

use super::Table;
use crate::ids::SEPARATOR;

/// Which row of which table. Key parts are text; integers and dates stand in decimal.
#[derive(Debug, Clone)]
pub struct RowKey {
    table: &'static Table,
    key: Arc<str>,
    /// Of table and parts.
    hash: u64,
}

/// The value columns of a row, in the order of the descriptor.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Row(pub Vec<Value>);

/// One column's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Unknown.
    Null,
    /// Integers, booleans, scaled decimals, times and dates.
    Int(i64),
    /// Text.
    Text(Arc<str>),
    /// Opaque bytes.
    Bytes(Arc<[u8]>),
}

impl RowKey {
    /// The key of a row from its parts, in the order of the table's key columns; fewer parts make a prefix.
    #[must_use]
    pub fn new(table: &'static Table, parts: &[&str]) -> Self {
        let mut key = String::with_capacity(parts.iter().map(|p| p.len() + 1).sum());
        for (n, part) in parts.iter().enumerate() {
            if n > 0 {
                key.push(SEPARATOR);
            }
            key.push_str(part);
        }
        let mut hasher = FxHasher::default();
        (table.name, &*key).hash(&mut hasher);
        Self { table, key: key.into(), hash: hasher.finish() }
    }

    /// The table.
    #[must_use]
    pub const fn table(&self) -> &'static Table {
        self.table
    }

    /// The joined parts.
    #[must_use]
    pub fn joined(&self) -> &str {
        &self.key
    }

    /// The parts, in the order of the table's key columns.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.key.split(SEPARATOR)
    }

    /// Whether it names a prefix of the key columns, hence a range of rows.
    #[must_use]
    pub fn is_prefix(&self) -> bool {
        self.parts().count() < self.table.keys.len()
    }
}

impl PartialEq for RowKey {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash && self.key == other.key && self.table == other.table
    }
}

impl Eq for RowKey {}

impl Hash for RowKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl PartialOrd for RowKey {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for RowKey {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.table.name, &*self.key).cmp(&(other.table.name, &*other.key))
    }
}

impl Row {
    /// The integer in a column; `None` where it is null, absent or no integer.
    #[must_use]
    pub fn int(&self, column: usize) -> Option<i64> {
        match self.0.get(column)? {
            Value::Int(n) => Some(*n),
            Value::Null | Value::Text(_) | Value::Bytes(_) => None,
        }
    }

    /// The text in a column; `None` where it is null, absent or no text.
    #[must_use]
    pub fn text(&self, column: usize) -> Option<&str> {
        match self.0.get(column)? {
            Value::Text(t) => Some(t),
            Value::Null | Value::Int(_) | Value::Bytes(_) => None,
        }
    }

    /// The bytes in a column; `None` where it is null, absent or no bytes.
    #[must_use]
    pub fn bytes(&self, column: usize) -> Option<&[u8]> {
        match self.0.get(column)? {
            Value::Bytes(b) => Some(b),
            Value::Null | Value::Int(_) | Value::Text(_) => None,
        }
    }

    /// About how many bytes it takes in memory, for the cache's bound.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.0
            .iter()
            .map(|v| {
                24 + match v {
                    Value::Null | Value::Int(_) => 0,
                    Value::Text(t) => t.len() + 16,
                    Value::Bytes(b) => b.len() + 16,
                }
            })
            .sum()
    }
}

impl From<i64> for Value {
    fn from(n: i64) -> Self {
        Self::Int(n)
    }
}

impl From<bool> for Value {
    fn from(b: bool) -> Self {
        Self::Int(i64::from(b))
    }
}

impl From<&str> for Value {
    fn from(t: &str) -> Self {
        Self::Text(t.into())
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(v: Option<T>) -> Self {
        v.map_or(Self::Null, Into::into)
    }
}
