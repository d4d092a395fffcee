//! The statements of one table, built once at start from its descriptor: load, load a range, upsert, delete.
//!
//! Place: SQLite's dialect of `io/sql`. One statement carries many rows: it is prepared for a few sizes, and places
//! that stay unbound are null and skipped. Runs nothing.

use std::fmt::Write as _;
use std::sync::Arc;

use da_model::state::{Column, Kind, Row, RowKey, Table, Value};
use da_model::time::LocalDate;

use super::Arg;

/// Rows per statement; the smallest size that fits is taken.
pub const SIZES: [usize; 5] = [4, 16, 64, 256, 1024];
/// SQLite's limit on bound values (dependencies.md §6).
const BINDS: usize = 32_766;

/// The statements of a table.
#[derive(Debug)]
pub struct Statements {
    table: &'static Table,
    stamped: bool,
    upsert: Vec<Sized>,
    load: Vec<Sized>,
    range: Vec<Sized>,
    delete: Vec<Sized>,
}

/// A statement for up to `rows` rows.
#[derive(Debug)]
struct Sized {
    rows: usize,
    sql: Arc<str>,
}

impl Statements {
    /// The statements of a table; `stamped` says that its SQL table has `updated_at`.
    #[must_use]
    pub fn of(table: &'static Table, stamped: bool) -> Self {
        let columns = table.keys.len() + table.values.len() + 1;
        let sizes: Vec<usize> = SIZES.into_iter().filter(|n| n * columns <= BINDS).collect();
        let all = |build: &dyn Fn(usize) -> String| -> Vec<Sized> {
            sizes.iter().map(|rows| Sized { rows: *rows, sql: build(*rows).into() }).collect()
        };
        let prefix = table.range.map_or(0, |r| r.prefix);
        Self {
            table,
            stamped,
            upsert: all(&|rows| upsert(table, stamped, rows)),
            load: all(&|rows| load(table, rows)),
            range: all(&|rows| range(table, prefix, rows)),
            delete: all(&|rows| delete(table, rows)),
        }
    }

    /// The table.
    #[must_use]
    pub const fn table(&self) -> &'static Table {
        self.table
    }

    /// Statements that load full keys: rows come back as (number of the key within its statement, values).
    pub fn loads<'k>(&self, keys: &'k [RowKey]) -> Vec<(Arc<str>, Vec<Arg>, &'k [RowKey])> {
        self.keyed(&self.load, keys)
    }

    /// Statements that load key prefixes: rows come back as (keys, values).
    pub fn ranges<'k>(&self, prefixes: &'k [RowKey]) -> Vec<(Arc<str>, Vec<Arg>, &'k [RowKey])> {
        self.keyed(&self.range, prefixes)
    }

    /// Statements that delete full keys.
    pub fn deletes<'k>(&self, keys: &'k [RowKey]) -> Vec<(Arc<str>, Vec<Arg>, &'k [RowKey])> {
        self.keyed(&self.delete, keys)
    }

    /// Statements that set rows; `now` stamps `updated_at` where the table has it.
    #[must_use]
    pub fn upserts(&self, rows: &[(&RowKey, &Row)], now: i64) -> Vec<(Arc<str>, Vec<Arg>)> {
        let width = self.table.keys.len() + self.table.values.len();
        chunks(&self.upsert, rows)
            .map(|(sql, rows)| {
                let mut args = Vec::with_capacity(rows.len() * width + 1);
                if self.stamped {
                    args.push(Arg::Int(now));
                }
                for (key, row) in rows {
                    self.push_key(key, width, &mut args);
                    self.push_values(row, &mut args);
                }
                (sql, args)
            })
            .collect()
    }

    fn keyed<'k>(&self, sized: &[Sized], keys: &'k [RowKey]) -> Vec<(Arc<str>, Vec<Arg>, &'k [RowKey])> {
        chunks(sized, keys)
            .map(|(sql, keys)| {
                let mut args = Vec::with_capacity(keys.len() * self.table.keys.len());
                for key in keys {
                    self.push_key(key, self.table.keys.len(), &mut args);
                }
                (sql, args, keys)
            })
            .collect()
    }

    /// Keys come in order: a part that is the same as in the row before, `width` values back, is shared with it.
    fn push_key(&self, key: &RowKey, width: usize, args: &mut Vec<Arg>) {
        for (part, column) in key.parts().zip(self.table.keys) {
            let above = args.len().checked_sub(width).and_then(|n| args.get(n));
            let arg = match (column.kind, above) {
                (Kind::Text, Some(Arg::Text(above))) if **above == *part => Arg::Text(Arc::clone(above)),
                (Kind::Text, _) => Arg::Text(part.into()),
                (Kind::Date, _) => part.parse().map_or(Arg::Null, date),
                (Kind::Int | Kind::Bool | Kind::Percent | Kind::Points | Kind::Time, _) => {
                    part.parse().map_or(Arg::Null, Arg::Int)
                }
                (Kind::Bytes, _) => Arg::Bytes(part.as_bytes().to_vec()),
            };
            args.push(arg);
        }
    }

    fn push_values(&self, row: &Row, args: &mut Vec<Arg>) {
        for (n, column) in self.table.values.iter().enumerate() {
            args.push(match (row.0.get(n), column.kind) {
                (Some(Value::Int(days)), Kind::Date) => date(*days),
                (Some(Value::Int(n)), _) => Arg::Int(*n),
                (Some(Value::Text(t)), _) => Arg::Text(Arc::clone(t)),
                (Some(Value::Bytes(b)), _) => Arg::Bytes(b.to_vec()),
                (Some(Value::Null) | None, _) => Arg::Null,
            });
        }
    }
}

/// The items in pieces, each with the statement that fits.
fn chunks<'s, 'i, T>(sized: &'s [Sized], items: &'i [T]) -> impl Iterator<Item = (Arc<str>, &'i [T])> + use<'s, 'i, T> {
    let most = sized.last().map_or(1, |s| s.rows);
    items.chunks(most).filter_map(move |piece| {
        let fits = sized.iter().find(|s| s.rows >= piece.len())?;
        Some((Arc::clone(&fits.sql), piece))
    })
}

fn date(days: i64) -> Arg {
    Arg::Text(LocalDate(i32::try_from(days).unwrap_or(i32::MAX)).to_iso().into())
}

fn names(columns: &[Column]) -> Vec<&'static str> {
    columns.iter().map(|c| c.name).collect()
}

/// `(VALUES (?,?),(?,?))`
fn values(rows: usize, columns: usize) -> String {
    let row = format!("({})", vec!["?"; columns].join(","));
    format!("(VALUES {})", vec![row.as_str(); rows].join(","))
}

/// Every column of a row is given, so that replacing the row is the same as updating it, without a look first.
fn upsert(table: &Table, stamped: bool, rows: usize) -> String {
    let mut into = names(table.keys);
    into.extend(names(table.values));
    let mut from: Vec<String> = (1..=into.len()).map(|n| format!("column{n}")).collect();
    let source = values(rows, into.len());
    if stamped {
        into.insert(0, "updated_at");
        from.insert(0, "?".to_owned());
    }
    let (name, into, from) = (table.name, into.join(","), from.join(","));
    format!("INSERT OR REPLACE INTO {name} ({into}) SELECT {from} FROM {source} WHERE column1 IS NOT NULL")
}

fn load(table: &Table, rows: usize) -> String {
    let mut wanted = String::from("(VALUES ");
    for n in 0..rows {
        let gap = if n == 0 { "" } else { "," };
        let _ = write!(wanted, "{gap}({n},{})", vec!["?"; table.keys.len()].join(","));
    }
    wanted.push(')');
    let on: Vec<String> =
        table.keys.iter().enumerate().map(|(n, c)| format!("t.{}=q.column{}", c.name, n + 2)).collect();
    let columns: Vec<String> = table.values.iter().map(|c| format!(",t.{}", c.name)).collect();
    format!("SELECT q.column1{} FROM {wanted} q CROSS JOIN {} t ON {}", columns.concat(), table.name, on.join(" AND "))
}

fn range(table: &Table, prefix: usize, rows: usize) -> String {
    let on: Vec<String> =
        table.keys.iter().take(prefix).enumerate().map(|(n, c)| format!("t.{}=q.column{}", c.name, n + 1)).collect();
    let columns: Vec<String> = table.keys.iter().chain(table.values).map(|c| format!("t.{}", c.name)).collect();
    let order: Vec<String> = table.keys.iter().map(|c| format!("t.{}", c.name)).collect();
    format!(
        "SELECT {} FROM {} q CROSS JOIN {} t ON {} ORDER BY {}",
        columns.join(","),
        values(rows, prefix.max(1)),
        table.name,
        if on.is_empty() { "0".to_owned() } else { on.join(" AND ") },
        order.join(",")
    )
}

fn delete(table: &Table, rows: usize) -> String {
    let keys = names(table.keys);
    format!("DELETE FROM {} WHERE ({}) IN {}", table.name, keys.join(","), values(rows, keys.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use da_model::state::Feed;

    static T: Table = Table {
        name: "day",
        doc: "",
        keys: &[Column::new("tenant_id", Kind::Text, ""), Column::new("day", Kind::Date, "")],
        values: &[Column::nullable("n", Kind::Int, "")],
        feed: Feed::OneTopic,
        range: None,
    };

    #[test]
    fn statements_follow_from_the_descriptor() {
        assert_eq!(
            upsert(&T, true, 2),
            "INSERT OR REPLACE INTO day (updated_at,tenant_id,day,n) SELECT ?,column1,column2,column3 FROM \
             (VALUES (?,?,?),(?,?,?)) WHERE column1 IS NOT NULL"
        );
        assert_eq!(
            load(&T, 2),
            "SELECT q.column1,t.n FROM (VALUES (0,?,?),(1,?,?)) q CROSS JOIN day t ON t.tenant_id=q.column2 AND \
             t.day=q.column3"
        );
        assert_eq!(delete(&T, 1), "DELETE FROM day WHERE (tenant_id,day) IN (VALUES (?,?))");
    }

    #[test]
    fn many_rows_are_few_statements() {
        let statements = Statements::of(&T, false);
        let keys: Vec<RowKey> = (0..1_500).map(|n| RowKey::new(&T, &["t", &n.to_string()])).collect();
        let sizes: Vec<usize> = statements.loads(&keys).iter().map(|(_, args, _)| args.len()).collect();
        assert_eq!(sizes, [2_048, 952]);
        let (_, args, _) = statements.loads(&keys[..1]).remove(0);
        assert_eq!(args, [Arg::Text("t".into()), Arg::Text("1970-01-01".into())]);
    }
}
