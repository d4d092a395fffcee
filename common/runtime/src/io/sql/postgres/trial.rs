//! How long a small transaction takes, what the database's clock says, and which tables our user may not use.
//!
//! Place: the work of `da doctor` on PostgreSQL. Touches no table: what is committed is a message in the database's own
//! journal, of which nothing stays.

use da_model::fault::Fault;

use super::Connection;
use crate::ports::Clock;

/// A transaction whose end waits for the disk as that of a batch does.
const TRANSACTION: &str = "BEGIN; SELECT pg_logical_emit_message(true, 'da doctor', ''); COMMIT";
const NOW: &str = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint::text";

/// What was measured.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sample {
    /// From begin to the end of each transaction, ms.
    pub took: Vec<i64>,
    /// How far the database's clock is ahead of ours, ms; 0 where it stands between question and answer.
    pub ahead: i64,
}

/// Commits so many small transactions and looks at the clock.
///
/// # Errors
/// A [`Fault`] after the database's error.
pub fn transactions(connection: &mut Connection, clock: &dyn Clock, count: usize) -> Result<Sample, Fault> {
    let mut sample = Sample::default();
    for _ in 0..count {
        let begun = clock.now();
        connection.script(TRANSACTION)?;
        sample.took.push(clock.now().since(begun));
    }
    let begun = clock.now();
    let told = connection.texts(NOW)?;
    let ended = clock.now();
    let theirs: Option<i64> = told.into_iter().flatten().next().and_then(|text| text.parse().ok());
    sample.ahead = theirs.map_or(0, |theirs| (theirs - ended.0).max(0) + (theirs - begun.0).min(0));
    Ok(sample)
}

/// The tables among these that are there and that our user may not read and write.
///
/// # Errors
/// A [`Fault`] after the database's error.
pub fn denied(connection: &mut Connection, tables: &[&'static str]) -> Result<Vec<String>, Fault> {
    let names: Vec<String> = tables.iter().map(|name| format!("'{name}'")).collect();
    let allowed = ["SELECT", "INSERT", "UPDATE"].map(|right| format!("has_table_privilege(to_regclass(t), '{right}')"));
    let sql = format!(
        "SELECT t FROM unnest(ARRAY[{}]::text[]) t WHERE to_regclass(t) IS NOT NULL AND NOT ({})",
        names.join(", "),
        allowed.join(" AND ")
    );
    Ok(connection.texts(&sql)?.into_iter().flatten().collect())
}
