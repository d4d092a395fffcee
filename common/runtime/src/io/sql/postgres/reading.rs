//! Reading tables from outside, with the values that SQLite holds.
//!
//! Place: the table side of `reading` on a cluster. The types come from the catalogue, so that a table is read as it is
//! and not as a descriptor says it ought to be. Writes nothing.

use std::sync::Arc;

use da_model::fault::{Cause, Fault};
use da_model::ids::{Offset, Partition};
use serde_json::{Map, Value};
use sqlx::Arguments as _;
use sqlx::postgres::PgArguments;

use super::{Connection, PostgresSettings, int, text};
use crate::reading::{KeptPosition, Page};

const TYPES: &str = "SELECT a.attname::text, format_type(a.atttypid, NULL), \
                     CASE WHEN a.atttypmod > 4 THEN ((a.atttypmod - 4) & 65535)::bigint END FROM pg_attribute a \
                     WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped";

/// Positions and what waits in the outbox; either may be there without the other.
const KEPT: &str = "SELECT grp, topic, part::bigint, p.next_offset, o.last FROM position p FULL JOIN \
                    (SELECT grp, topic, part, max(end_offset) AS last FROM outbox GROUP BY grp, topic, part) o \
                    USING (grp, topic, part) ORDER BY 1, 2, 3";

/// Transactions of others that stand open for longer than a commit takes, and those that wait for a second phase.
const OPEN: &str = "SELECT format('%s, session %s', application_name, pid) FROM pg_stat_activity \
                    WHERE datname = current_database() AND pid <> pg_backend_pid() \
                    AND state LIKE 'idle in transaction%' AND state_change < now() - interval '1 second' \
                    UNION ALL SELECT format('prepared %s', gid) FROM pg_prepared_xacts WHERE database = current_database()";

/// The reader.
#[derive(Debug)]
pub struct TableReader(Connection);

/// A column's name, type and decimal places.
type Column = (String, String, i64);

impl TableReader {
    /// A reader that connects when it is first used.
    ///
    /// # Errors
    /// [`Fault::Fatal`] where this process cannot have one more connection.
    pub fn new(settings: PostgresSettings) -> Result<Self, Fault> {
        Connection::of_command(settings).map(Self)
    }

    /// Rows of a page.
    ///
    /// # Errors
    /// A [`Fault`] of the database, fatal where the table or a column is not there.
    pub fn page(&mut self, page: &Page<'_>) -> Result<Vec<Map<String, Value>>, Fault> {
        let types = self.types(page.table)?;
        let shown: Result<Vec<String>, Fault> =
            page.keys.iter().chain(page.columns).map(|name| shown(page.table, name, &types)).collect();
        let order: Vec<String> = page.keys.iter().map(|name| format!("\"{name}\"")).collect();
        let (columns, order) = (shown?.join(", "), order.join(", "));
        let Page { table, from, max, .. } = page;
        let sql: Arc<str> = format!(
            "SELECT to_json(r)::text FROM (SELECT {columns} FROM {table} WHERE tenant_id = $1 ORDER BY {order} \
             LIMIT {max} OFFSET {from}) r"
        )
        .into();
        let rows = self.0.fetch(&sql, bound(page.tenant)?)?;
        let read = |row| {
            let json: Map<String, Value> = serde_json::from_str(&text(row, 0)?).ok()?;
            Some(json)
        };
        let unreadable = || Fault::Fatal(Cause::new(format!("read of {table}"), "a row is no JSON object"));
        rows.iter().map(|row| read(row).ok_or_else(unreadable)).collect()
    }

    /// Where groups stand, and what waits in the outbox.
    ///
    /// # Errors
    /// A [`Fault`] of the database.
    pub fn kept(&mut self) -> Result<Vec<KeptPosition>, Fault> {
        let rows = self.0.fetch(&KEPT.into(), PgArguments::default())?;
        let read = |row| {
            let partition = Partition(u32::try_from(int(row, 2)?).ok()?);
            let (next, outbox) = (int(row, 3).map(Offset), int(row, 4).map(Offset));
            Some(KeptPosition { group: text(row, 0)?, topic: text(row, 1)?, partition, next, outbox })
        };
        let unreadable = || Fault::Fatal(Cause::new("read of positions", "a row is no position"));
        rows.iter().map(|row| read(row).ok_or_else(unreadable)).collect()
    }

    /// Open transactions of others, by their sessions.
    ///
    /// # Errors
    /// A [`Fault`] of the database.
    pub fn open_transactions(&mut self) -> Result<Vec<String>, Fault> {
        let rows = self.0.fetch(&OPEN.into(), PgArguments::default())?;
        Ok(rows.iter().filter_map(|row| Some(format!("database: {}", text(row, 0)?))).collect())
    }

    fn types(&mut self, table: &str) -> Result<Vec<Column>, Fault> {
        let rows = self.0.fetch(&TYPES.into(), bound(table)?)?;
        Ok(rows.iter().filter_map(|row| Some((text(row, 0)?, text(row, 1)?, int(row, 2).unwrap_or(0)))).collect())
    }
}

fn bound(value: &str) -> Result<PgArguments, Fault> {
    let mut args = PgArguments::default();
    args.add(value.to_owned()).map_err(|e| Fault::Fatal(Cause::new("bind of a text", e)))?;
    Ok(args)
}

/// The expression that gives a column as SQLite would hold it.
fn shown(table: &str, name: &str, types: &[Column]) -> Result<String, Fault> {
    let Some((_, kind, scale)) = types.iter().find(|(column, ..)| column == name) else {
        return Err(Fault::Fatal(Cause::new(format!("read of {table}"), format!("there is no column {name}"))));
    };
    let value = match kind.as_str() {
        "numeric" => format!("(\"{name}\" * 1{})::bigint", "0".repeat(usize::try_from(*scale).unwrap_or(0))),
        "boolean" => format!("\"{name}\"::int"),
        "timestamp with time zone" => format!("(extract(epoch FROM \"{name}\") * 1000)::bigint"),
        "date" => format!("to_char(\"{name}\", 'YYYY-MM-DD')"),
        _ => format!("\"{name}\""),
    };
    Ok(format!("{value} AS \"{name}\""))
}
