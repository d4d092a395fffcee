//! The view of stored rows that shows one input only what its `reads` named.
//!
//! Place: handed to `Handler::decide`. What another input of the same batch loaded stays hidden, else the result
//! would depend on how records were batched (house.md §2 rule 2).

use super::{Row, RowKey};

/// Rows loaded for a batch with the writes of earlier inputs laid over them.
pub trait RowSource {
    /// The row of a full key.
    fn row(&self, key: &RowKey) -> Option<&Row>;

    /// The rows under a key prefix, in key order.
    fn range(&self, prefix: &RowKey) -> Vec<(&RowKey, &Row)>;
}

/// What one input may see.
pub struct Snapshot<'s> {
    declared: &'s [RowKey],
    rows: &'s dyn RowSource,
}

impl<'s> Snapshot<'s> {
    /// A view of `rows` limited to `declared`.
    #[must_use]
    pub const fn new(declared: &'s [RowKey], rows: &'s dyn RowSource) -> Self {
        Self { declared, rows }
    }

    /// The row under a key that was declared in full; `None` where there is none or it was not declared.
    #[must_use]
    pub fn row(&self, key: &RowKey) -> Option<&'s Row> {
        self.declared.contains(key).then(|| self.rows.row(key)).flatten()
    }

    /// The rows under a prefix that was declared; none where it was not declared.
    #[must_use]
    pub fn range(&self, prefix: &RowKey) -> Vec<(&'s RowKey, &'s Row)> {
        if self.declared.contains(prefix) { self.rows.range(prefix) } else { Vec::new() }
    }
}

impl std::fmt::Debug for Snapshot<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot").field("declared", &self.declared).finish_non_exhaustive()
    }
}
