//! The statements of one table in PostgreSQL, built from its descriptor: load, load a range, upsert, insert, delete.
//!
//! Place: PostgreSQL's dialect of `io/sql`; what writes is a part of the one statement of a batch (`writing`). Every one
//! takes one array per column, so one text serves any number of rows. Decimals travel as scaled integers, times as epoch
//! ms, dates as days; SQL turns them. Runs nothing.

use std::sync::Arc;

use da_model::state::{Column, Kind, Table};

/// The statements that read a table.
#[derive(Debug)]
pub(super) struct Statements {
    pub(super) table: &'static Table,
    /// Key columns → number of the key, value columns.
    pub(super) load: Arc<str>,
    /// The same, and locks the rows in the order of the keys.
    pub(super) lock: Arc<str>,
    /// Prefix columns → key columns, value columns.
    pub(super) range: Option<Arc<str>>,
}

impl Statements {
    /// The statements of a table.
    pub(super) fn of(table: &'static Table) -> Self {
        let load = load(table);
        Self {
            table,
            lock: format!("{load} FOR UPDATE OF t").into(),
            load: load.into(),
            range: table.range.map(|range| self::range(table, range.prefix).into()),
        }
    }
}

/// The type it is bound as.
const fn bound(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "text",
        Kind::Int | Kind::Percent | Kind::Points | Kind::Time => "bigint",
        Kind::Bool => "boolean",
        Kind::Date => "integer",
        Kind::Bytes => "bytea",
    }
}

/// What was bound, as its column holds it.
fn stored(column: &Column) -> String {
    let name = column.name;
    match column.kind {
        Kind::Text | Kind::Int | Kind::Bool | Kind::Bytes => format!("q.\"{name}\""),
        Kind::Percent => format!("q.\"{name}\" * 0.01"),
        Kind::Points => format!("q.\"{name}\" * 0.0001"),
        Kind::Time => format!("timestamptz 'epoch' + q.\"{name}\" * interval '1 millisecond'"),
        Kind::Date => format!("date '1970-01-01' + q.\"{name}\""),
    }
}

/// What the column holds, as a row does.
fn read(column: &Column) -> String {
    let name = column.name;
    match column.kind {
        Kind::Text | Kind::Int | Kind::Bool | Kind::Bytes => format!("t.\"{name}\""),
        Kind::Percent => format!("(t.\"{name}\" * 100)::bigint"),
        Kind::Points => format!("(t.\"{name}\" * 10000)::bigint"),
        Kind::Time => format!("(extract(epoch FROM t.\"{name}\") * 1000)::bigint"),
        Kind::Date => format!("(t.\"{name}\" - date '1970-01-01')::bigint"),
    }
}

fn names(columns: &[Column]) -> String {
    let names: Vec<String> = columns.iter().map(|c| format!("\"{}\"", c.name)).collect();
    names.join(",")
}

fn arrays(columns: &[Column], first: usize) -> String {
    let arrays: Vec<String> = columns.iter().zip(first..).map(|(c, n)| format!("${n}::{}[]", bound(c.kind))).collect();
    arrays.join(",")
}

fn on(columns: &[Column]) -> String {
    let on: Vec<String> = columns.iter().map(|c| format!("t.\"{}\" = {}", c.name, stored(c))).collect();
    on.join(" AND ")
}

fn load(table: &Table) -> String {
    let values: Vec<String> = table.values.iter().map(|c| format!(",{}", read(c))).collect();
    format!(
        "SELECT q.n{} FROM unnest({}) WITH ORDINALITY AS q({},n) JOIN \"{}\" t ON {} ORDER BY q.n",
        values.concat(),
        arrays(table.keys, 1),
        names(table.keys),
        table.name,
        on(table.keys),
    )
}

fn range(table: &Table, prefix: usize) -> String {
    let keys = table.keys.get(..prefix).unwrap_or(table.keys);
    let columns: Vec<String> = table.keys.iter().chain(table.values).map(read).collect();
    format!(
        "SELECT {} FROM unnest({}) AS q({}) JOIN \"{}\" t ON {}",
        columns.join(","),
        arrays(keys, 1),
        names(keys),
        table.name,
        on(keys),
    )
}

/// Replaces rows that are there; key and value columns from the parameter `first` on. `stamped` says that the SQL table
/// has `updated_at`.
pub(super) fn upsert(table: &Table, stamped: bool, first: usize) -> String {
    let stamp = stamped.then(|| "updated_at=excluded.updated_at".to_owned());
    let set: Vec<String> =
        table.values.iter().map(|c| format!("\"{0}\"=excluded.\"{0}\"", c.name)).chain(stamp).collect();
    let replaced = if set.is_empty() { "NOTHING".to_owned() } else { format!("UPDATE SET {}", set.join(",")) };
    format!("{} DO {replaced}", inserted(table, stamped, first))
}

/// Leaves rows that are there, so that the number of rows it gives back tells of them.
pub(super) fn insert(table: &Table, stamped: bool, first: usize) -> String {
    format!("{} DO NOTHING RETURNING 1", inserted(table, stamped, first))
}

fn inserted(table: &Table, stamped: bool, first: usize) -> String {
    let all: Vec<Column> = table.keys.iter().chain(table.values).copied().collect();
    let from: Vec<String> = all.iter().map(stored).collect();
    let (into, stamp) = if stamped { (",updated_at", ",statement_timestamp()") } else { ("", "") };
    format!(
        "INSERT INTO \"{}\" ({}{into}) SELECT {}{stamp} FROM unnest({}) AS q({}) ON CONFLICT ({})",
        table.name,
        names(&all),
        from.join(","),
        arrays(&all, first),
        names(&all),
        names(table.keys),
    )
}

/// Removes rows; key columns from the parameter `first` on.
pub(super) fn delete(table: &Table, first: usize) -> String {
    format!(
        "DELETE FROM \"{}\" t USING unnest({}) AS q({}) WHERE {}",
        table.name,
        arrays(table.keys, first),
        names(table.keys),
        on(table.keys),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use da_model::state::Feed;

    static T: Table = Table {
        name: "day",
        doc: "",
        keys: &[Column::new("tenant_id", Kind::Text, ""), Column::new("day", Kind::Date, "")],
        values: &[Column::nullable("max", Kind::Points, "")],
        feed: Feed::Shared,
        range: None,
    };

    #[test]
    fn statements_follow_from_the_descriptor() {
        let made = Statements::of(&T);
        assert_eq!(
            &*made.load,
            "SELECT q.n,(t.\"max\" * 10000)::bigint FROM unnest($1::text[],$2::integer[]) WITH ORDINALITY AS \
             q(\"tenant_id\",\"day\",n) JOIN \"day\" t ON t.\"tenant_id\" = q.\"tenant_id\" AND t.\"day\" = date \
             '1970-01-01' + q.\"day\" ORDER BY q.n"
        );
        assert_eq!(*made.lock, format!("{} FOR UPDATE OF t", made.load));
        let into = "INSERT INTO \"day\" (\"tenant_id\",\"day\",\"max\",updated_at) SELECT q.\"tenant_id\",date \
                    '1970-01-01' + q.\"day\",q.\"max\" * 0.0001,statement_timestamp() FROM \
                    unnest($7::text[],$8::integer[],$9::bigint[]) AS q(\"tenant_id\",\"day\",\"max\") ON CONFLICT \
                    (\"tenant_id\",\"day\") DO";
        let set = "UPDATE SET \"max\"=excluded.\"max\",updated_at=excluded.updated_at";
        assert_eq!(upsert(&T, true, 7), format!("{into} {set}"));
        assert_eq!(insert(&T, true, 7), format!("{into} NOTHING RETURNING 1"));
        assert_eq!(
            delete(&T, 3),
            "DELETE FROM \"day\" t USING unnest($3::text[],$4::integer[]) AS q(\"tenant_id\",\"day\") WHERE \
             t.\"tenant_id\" = q.\"tenant_id\" AND t.\"day\" = date '1970-01-01' + q.\"day\""
        );
    }
}
