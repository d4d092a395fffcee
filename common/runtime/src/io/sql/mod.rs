//! Rows in SQL: values, migrations, statements built from table descriptors, and the connections of both dialects.
//!
//! Place: with `io/sqlite_log.rs` the only code that knows sqlx. No SQL is built from input.

pub mod postgres;
pub mod sqlite;
pub mod statements;

use std::sync::Arc;

use da_model::ids::SEPARATOR;
use da_model::state::{Row, RowKey, Table, Value};

/// A value to bind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arg {
    /// Null.
    Null,
    /// 64-bit integer.
    Int(i64),
    /// Text.
    Text(Arc<str>),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// One forward step of a database's tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migration {
    /// Unique name, such as `gep_0001_session`; recorded once applied.
    pub name: &'static str,
    /// The statements, by `include_str!`.
    pub sql: &'static str,
}

/// The runtime's own tables in SQLite.
pub const RUNTIME_SQLITE: &[Migration] =
    &[Migration { name: "runtime_0001_log", sql: include_str!("../../../migrations/sqlite/0001_log.sql") }];

/// The runtime's own tables in PostgreSQL.
pub const RUNTIME_POSTGRES: &[Migration] = &[
    Migration { name: "runtime_0001_commit", sql: include_str!("../../../migrations/postgres/0001_commit.sql") },
    Migration {
        name: "runtime_0002_outbox_slot",
        sql: include_str!("../../../migrations/postgres/0002_outbox_slot.sql"),
    },
    Migration { name: "runtime_0003_claims", sql: include_str!("../../../migrations/postgres/0003_claims.sql") },
];

/// The key of a row whose key columns were read from a result.
pub(crate) fn key_of(table: &'static Table, keys: &Row) -> RowKey {
    let parts: Vec<String> = keys
        .0
        .iter()
        .map(|value| match value {
            Value::Null => String::new(),
            Value::Int(n) => n.to_string(),
            Value::Text(t) => t.to_string(),
            Value::Bytes(b) => String::from_utf8_lossy(b).into_owned(),
        })
        .collect();
    RowKey::new(table, &[&parts.join(&SEPARATOR.to_string())])
}
