//! Keys and rows as the arrays that PostgreSQL's statements take, and rows of a result as ours.
//!
//! Place: between `statements` and the driver. One array per column; decimals scaled, times as epoch ms, dates as days.

use std::sync::Arc;

use da_model::fault::{Cause, Fault};
use da_model::state::{Column, Kind, Row, RowKey, Table, Value};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::{Arguments as _, Encode, Postgres, Row as _, Type};

/// Adds one value.
pub(super) fn add<'t, T: Encode<'t, Postgres> + Type<Postgres>>(args: &mut PgArguments, value: T) -> Result<(), Fault> {
    args.add(value).map_err(|e| Fault::Refused(Cause::new("binding of a value", e)))
}

/// The key columns of keys, one array each; a prefix binds the columns it has.
pub(super) fn keys<'k>(
    table: &Table,
    width: usize,
    keys: impl Iterator<Item = &'k RowKey>,
) -> Result<PgArguments, Fault> {
    let mut args = PgArguments::default();
    add_keys(&mut args, (table, width), keys)?;
    Ok(args)
}

/// Adds key and value columns of rows, one array each.
pub(super) fn add_rows(args: &mut PgArguments, table: &Table, rows: &[(&RowKey, &Arc<Row>)]) -> Result<(), Fault> {
    add_keys(args, (table, table.keys.len()), rows.iter().map(|(key, _)| *key))?;
    for (n, column) in table.values.iter().enumerate() {
        let values = rows.iter().map(|(_, row)| row.0.get(n).unwrap_or(&Value::Null));
        add_values(args, column.kind, values)?;
    }
    Ok(())
}

/// Adds the key columns of keys, one array each.
pub(super) fn add_keys<'k>(
    args: &mut PgArguments,
    (table, width): (&Table, usize),
    keys: impl Iterator<Item = &'k RowKey>,
) -> Result<(), Fault> {
    let mut columns: Vec<Vec<&str>> = vec![Vec::new(); width];
    for key in keys {
        let mut parts = key.parts();
        for column in &mut columns {
            column.push(parts.next().unwrap_or_default());
        }
    }
    for (column, parts) in table.keys.iter().zip(columns) {
        match column.kind {
            Kind::Text => add(args, parts)?,
            Kind::Bytes => add(args, parts.into_iter().map(str::as_bytes).collect::<Vec<_>>())?,
            Kind::Bool => add(args, parts.into_iter().map(|p| p == "1").collect::<Vec<_>>())?,
            Kind::Date => add(args, numbers(&parts, |n| i32::try_from(n).unwrap_or(i32::MAX)))?,
            Kind::Int | Kind::Percent | Kind::Points | Kind::Time => add(args, numbers(&parts, |n| n))?,
        }
    }
    Ok(())
}

/// Decimal key parts; what is no number is null, which no key column holds.
fn numbers<T>(parts: &[&str], of: impl Fn(i64) -> T) -> Vec<Option<T>> {
    parts.iter().map(|p| p.parse().ok().map(&of)).collect()
}

fn add_values<'v>(args: &mut PgArguments, kind: Kind, values: impl Iterator<Item = &'v Value>) -> Result<(), Fault> {
    match kind {
        Kind::Text => add(args, values.map(text).collect::<Vec<_>>()),
        Kind::Bytes => add(args, values.map(bytes).collect::<Vec<_>>()),
        Kind::Bool => add(args, values.map(|v| int(v).map(|n| n != 0)).collect::<Vec<_>>()),
        Kind::Date => {
            let days = |v| int(v).map(|n| i32::try_from(n).unwrap_or(i32::MAX));
            add(args, values.map(days).collect::<Vec<_>>())
        }
        Kind::Int | Kind::Percent | Kind::Points | Kind::Time => add(args, values.map(int).collect::<Vec<_>>()),
    }
}

const fn int(value: &Value) -> Option<i64> {
    match value {
        Value::Int(n) => Some(*n),
        Value::Null | Value::Text(_) | Value::Bytes(_) => None,
    }
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::Text(t) => Some(t),
        Value::Null | Value::Int(_) | Value::Bytes(_) => None,
    }
}

fn bytes(value: &Value) -> Option<&[u8]> {
    match value {
        Value::Bytes(b) => Some(b),
        Value::Null | Value::Int(_) | Value::Text(_) => None,
    }
}

/// Described columns of a result from `first` on.
pub(super) fn read(row: &PgRow, first: usize, columns: &[Column]) -> Result<Row, Fault> {
    let values = columns.iter().zip(first..).map(|(column, n)| value(row, n, column.kind));
    values.collect::<Result<_, _>>().map(Row).map_err(|e| {
        Fault::Fatal(Cause::new("reading of a row", format!("a column is not of its described type: {e}")))
    })
}

fn value(row: &PgRow, n: usize, kind: Kind) -> Result<Value, sqlx::Error> {
    Ok(match kind {
        Kind::Text => row.try_get::<Option<&str>, _>(n)?.into(),
        Kind::Bytes => row.try_get::<Option<&[u8]>, _>(n)?.map_or(Value::Null, |b| Value::Bytes(b.into())),
        Kind::Bool => row.try_get::<Option<bool>, _>(n)?.into(),
        Kind::Int | Kind::Percent | Kind::Points | Kind::Time | Kind::Date => row.try_get::<Option<i64>, _>(n)?.into(),
    })
}
