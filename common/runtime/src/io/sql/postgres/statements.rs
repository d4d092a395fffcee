//! The statements of one table in PostgreSQL, built once at start from its descriptor: load, load a range, upsert,
//! insert, delete.
//!
//! Place: PostgreSQL's dialect of `io/sql`. Every statement takes one array per column, so one text serves any number of
//! rows. Decimals travel as scaled integers, times as epoch ms, dates as days; SQL turns them. Runs nothing.

use std::sync::Arc;

use da_model::state::{Column, Kind, Table};

/// The statements of a table.
#[derive(Debug)]
pub(super) struct Statements {
    pub(super) table: &'static Table,
    /// Whether others may write the same rows.
    pub(super) shared: bool,
    /// Key columns → number of the key, value columns; locks the rows of a shared table in the order of the keys.
    pub(super) load: Arc<str>,
    /// Prefix columns → key columns, value columns.
    pub(super) range: Option<Arc<str>>,
    /// Key and value columns; replaces rows that are there.
    pub(super) upsert: Arc<str>,
    /// Key and value columns; leaves rows that are there, so that the number of rows tells of them.
    pub(super) insert: Arc<str>,
    /// Key columns.
    pub(super) delete: Arc<str>,
}

impl Statements {
    /// The statements of a table; `stamped` says that its SQL table has `updated_at`, `shared` that others may write the
    /// same rows.
    pub(super) fn of(table: &'static Table, (stamped, shared): (bool, bool)) -> Self {
        Self {
            table,
            shared,
            load: load(table, shared).into(),
            range: table.range.map(|range| self::range(table, range.prefix).into()),
            upsert: format!("{} DO {}", insert(table, stamped), replaced(table, stamped)).into(),
            insert: format!("{} DO NOTHING", insert(table, stamped)).into(),
            delete: delete(table).into(),
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

fn arrays(columns: &[Column]) -> String {
    let arrays: Vec<String> = columns.iter().zip(1..).map(|(c, n)| format!("${n}::{}[]", bound(c.kind))).collect();
    arrays.join(",")
}

fn on(columns: &[Column]) -> String {
    let on: Vec<String> = columns.iter().map(|c| format!("t.\"{}\" = {}", c.name, stored(c))).collect();
    on.join(" AND ")
}

fn load(table: &Table, shared: bool) -> String {
    let values: Vec<String> = table.values.iter().map(|c| format!(",{}", read(c))).collect();
    let lock = if shared { " FOR UPDATE OF t" } else { "" };
    format!(
        "SELECT q.n{} FROM unnest({}) WITH ORDINALITY AS q({},n) JOIN \"{}\" t ON {} ORDER BY q.n{lock}",
        values.concat(),
        arrays(table.keys),
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
        arrays(keys),
        names(keys),
        table.name,
        on(keys),
    )
}

fn insert(table: &Table, stamped: bool) -> String {
    let all: Vec<Column> = table.keys.iter().chain(table.values).copied().collect();
    let from: Vec<String> = all.iter().map(stored).collect();
    let (into, stamp) = if stamped { (",updated_at", ",statement_timestamp()") } else { ("", "") };
    format!(
        "INSERT INTO \"{}\" ({}{into}) SELECT {}{stamp} FROM unnest({}) AS q({}) ON CONFLICT ({})",
        table.name,
        names(&all),
        from.join(","),
        arrays(&all),
        names(&all),
        names(table.keys),
    )
}

fn replaced(table: &Table, stamped: bool) -> String {
    let stamp = stamped.then(|| "updated_at=excluded.updated_at".to_owned());
    let set: Vec<String> =
        table.values.iter().map(|c| format!("\"{0}\"=excluded.\"{0}\"", c.name)).chain(stamp).collect();
    if set.is_empty() { "NOTHING".to_owned() } else { format!("UPDATE SET {}", set.join(",")) }
}

fn delete(table: &Table) -> String {
    format!(
        "DELETE FROM \"{}\" t USING unnest({}) AS q({}) WHERE {}",
        table.name,
        arrays(table.keys),
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
        let made = Statements::of(&T, (true, true));
        assert_eq!(Statements::of(&T, (true, false)).load, made.load.replace(" FOR UPDATE OF t", "").into());
        assert_eq!(
            &*made.load,
            "SELECT q.n,(t.\"max\" * 10000)::bigint FROM unnest($1::text[],$2::integer[]) WITH ORDINALITY AS \
             q(\"tenant_id\",\"day\",n) JOIN \"day\" t ON t.\"tenant_id\" = q.\"tenant_id\" AND t.\"day\" = date \
             '1970-01-01' + q.\"day\" ORDER BY q.n FOR UPDATE OF t"
        );
        assert_eq!(
            &*made.upsert,
            "INSERT INTO \"day\" (\"tenant_id\",\"day\",\"max\",updated_at) SELECT q.\"tenant_id\",date '1970-01-01' + \
             q.\"day\",q.\"max\" * 0.0001,statement_timestamp() FROM unnest($1::text[],$2::integer[],$3::bigint[]) AS \
             q(\"tenant_id\",\"day\",\"max\") ON CONFLICT (\"tenant_id\",\"day\") DO UPDATE SET \
             \"max\"=excluded.\"max\",updated_at=excluded.updated_at"
        );
        assert!(made.insert.ends_with("ON CONFLICT (\"tenant_id\",\"day\") DO NOTHING"), "{}", made.insert);
        assert_eq!(
            &*made.delete,
            "DELETE FROM \"day\" t USING unnest($1::text[],$2::integer[]) AS q(\"tenant_id\",\"day\") WHERE \
             t.\"tenant_id\" = q.\"tenant_id\" AND t.\"day\" = date '1970-01-01' + q.\"day\""
        );
    }
}
