//! The descriptor of a table: its name, keys, values and who feeds it.
//!
//! Place: one `static` per table beside its owner; SQL, migrations' checks and the data dictionary read it.

/// A table of state or results.
#[derive(Debug)]
pub struct Table {
    /// The SQL name.
    pub name: &'static str,
    /// What a row says, for the data dictionary.
    pub doc: &'static str,
    /// Key columns, never null; `tenant_id` is the first.
    pub keys: &'static [Column],
    /// Value columns.
    pub values: &'static [Column],
    /// Who writes its rows.
    pub feed: Feed,
    /// Whether a key prefix may be read.
    pub range: Option<Range>,
}

/// One column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// The SQL name.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// Whether a value column may be null; keys never are.
    pub nullable: bool,
    /// Meaning and unit, for the data dictionary.
    pub doc: &'static str,
}

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text; an absent id in a key is `''`.
    Text,
    /// 64-bit integer.
    Int,
    /// Boolean; 0 or 1 in SQLite.
    Bool,
    /// `numeric(5,2)`; scaled by 10² in SQLite.
    Percent,
    /// `numeric(14,4)`; scaled by 10⁴ in SQLite.
    Points,
    /// Epoch milliseconds UTC.
    Time,
    /// A calendar date; ISO text in SQLite, [`crate::time::LocalDate`] as an integer in a row.
    Date,
    /// Opaque bytes.
    Bytes,
}

/// Who writes the rows of a table (house.md §2 rule 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feed {
    /// One input partition: cached while the epoch holds.
    OneTopic,
    /// Several topics: locked when read, never cached where partitions can have different owners.
    Shared,
}

/// A readable key prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// Number of key columns in the prefix.
    pub prefix: usize,
    /// The most rows one read returns.
    pub cap: usize,
}

impl Column {
    /// A column that is never null.
    #[must_use]
    pub const fn new(name: &'static str, kind: Kind, doc: &'static str) -> Self {
        Self { name, kind, nullable: false, doc }
    }

    /// A column that may be null: null is "unknown" and never 0.
    #[must_use]
    pub const fn nullable(name: &'static str, kind: Kind, doc: &'static str) -> Self {
        Self { name, kind, nullable: true, doc }
    }
}

impl PartialEq for Table {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Table {}
