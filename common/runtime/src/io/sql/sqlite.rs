//! A blocking SQLite connection over sqlx, with a private current-thread runtime, and the rows of described tables.
//!
//! Place: one per pipeline thread and one per reader. Counts its statements. Knows no log and no round.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use da_model::fault::{Cause, Fault};
use da_model::state::{Column, Kind, Row as ModelRow, RowKey, Value};
use da_model::time::LocalDate;
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqliteRow, SqliteSynchronous};
use sqlx::{Arguments as _, AssertSqlSafe, ConnectOptions, Connection, Row, SqlSafeStr, SqliteConnection};

use super::statements::Statements;
use super::{Arg, Migration, key_of};

/// How long a statement waits for another connection's lock.
const BUSY: Duration = Duration::from_secs(5);
/// The write-ahead log is folded into the file about every 16 MiB, and cut back to 64 MiB after a long reader.
const CHECKPOINT_PAGES: &str = "4096";
const WAL_LIMIT: &str = "67108864";
/// Page cache where nothing else is said.
const PAGE_CACHE: usize = 8 << 20;

/// A connection.
pub struct Database {
    runtime: tokio::runtime::Runtime,
    connection: Option<SqliteConnection>,
    statements: u64,
}

/// A row of a result.
pub struct Fetched(SqliteRow);

/// Whether the connection may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// The one writer; makes the file where there is none.
    Write,
    /// Any number of readers, beside a running writer or alone.
    Read,
}

impl Database {
    /// Opens a file.
    ///
    /// # Errors
    /// [`Fault::Transient`] where the file cannot be opened now.
    pub fn open(path: &Path, access: Access) -> Result<Self, Fault> {
        Self::open_with(path, access, PAGE_CACHE)
    }

    /// Opens a file with so many bytes of pages kept in memory.
    ///
    /// # Errors
    /// [`Fault::Transient`] where the file cannot be opened now.
    pub fn open_with(path: &Path, access: Access, page_cache: usize) -> Result<Self, Fault> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .map_err(|e| Fault::Fatal(Cause::new("start of the database runtime", e)))?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .busy_timeout(BUSY)
            .statement_cache_capacity(1_024)
            .row_buffer_size(1_024)
            .pragma("cache_size", format!("-{}", page_cache >> 10))
            .pragma("temp_store", "memory")
            .disable_statement_logging();
        let options = match access {
            Access::Write => options
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
                .pragma("journal_size_limit", WAL_LIMIT),
            Access::Read => options.pragma("query_only", "on"),
        };
        let connection = runtime
            .block_on(SqliteConnection::connect_with(&options))
            .map_err(|e| fault(&format!("open of {}", path.display()), &e))?;
        Ok(Self { runtime, connection: Some(connection), statements: 0 })
    }

    /// Runs a statement that returns nothing.
    ///
    /// # Errors
    /// A [`Fault`] after the database's error.
    pub fn run(&mut self, sql: impl SqlSafeStr, args: Vec<Arg>) -> Result<(), Fault> {
        self.statements += 1;
        let sql = sql.into_sql_str();
        let what = head(sql.as_str());
        let connection = self.connection.as_mut().ok_or_else(closed)?;
        let run = sqlx::query_with(sql, bound(args)?).execute(connection);
        self.runtime.block_on(run).map(drop).map_err(|e| fault(&what, &e))
    }

    /// Runs a statement and gives each row to `each`.
    ///
    /// # Errors
    /// A [`Fault`] after the database's error.
    pub fn fetch<T>(
        &mut self,
        sql: impl SqlSafeStr,
        args: Vec<Arg>,
        mut each: impl FnMut(&Fetched) -> Result<T, Fault>,
    ) -> Result<Vec<T>, Fault> {
        self.statements += 1;
        let sql = sql.into_sql_str();
        let what = head(sql.as_str());
        let connection = self.connection.as_mut().ok_or_else(closed)?;
        let rows = sqlx::query_with(sql, bound(args)?).fetch_all(connection);
        let rows = self.runtime.block_on(rows).map_err(|e| fault(&what, &e))?;
        rows.into_iter().map(|row| each(&Fetched(row))).collect()
    }

    /// Runs several statements of our own making.
    ///
    /// # Errors
    /// A [`Fault`] after the database's error.
    pub fn script(&mut self, sql: &'static str) -> Result<(), Fault> {
        self.statements += 1;
        let connection = self.connection.as_mut().ok_or_else(closed)?;
        let run = sqlx::raw_sql(sql).execute(connection);
        self.runtime.block_on(run).map(drop).map_err(|e| fault(&head(sql), &e))
    }

    /// Applies the migrations that this file does not have yet, in order, each in a transaction.
    ///
    /// # Errors
    /// [`Fault::Fatal`] where the file has migrations this program does not know, or one fails.
    pub fn migrate(&mut self, migrations: &[Migration]) -> Result<(), Fault> {
        self.script(
            "CREATE TABLE IF NOT EXISTS migration (name TEXT NOT NULL PRIMARY KEY, number INTEGER NOT NULL) STRICT",
        )?;
        let known = self.fetch("SELECT name FROM migration ORDER BY number", vec![], |row| Ok(row.text(0)))?;
        let mine = |name: &str| migrations.iter().any(|m| m.name == name);
        if let Some(other) = known.iter().flatten().find(|name| !mine(name)) {
            let told = format!(
                "the file holds the migration {other}, which this program does not know: it was written \
                                by a newer version"
            );
            return Err(Fault::Fatal(Cause::new("open of the data file", told)));
        }
        for (number, migration) in (0_i64..).zip(migrations) {
            if !known.iter().flatten().any(|name| **name == *migration.name) {
                self.apply(number, migration)?;
            }
        }
        Ok(())
    }

    fn apply(&mut self, number: i64, migration: &Migration) -> Result<(), Fault> {
        let applied = (|| {
            self.run("BEGIN IMMEDIATE", vec![])?;
            self.script(migration.sql)?;
            let row = vec![Arg::Text(migration.name.into()), Arg::Int(number)];
            self.run("INSERT INTO migration (name, number) VALUES (?, ?)", row)?;
            self.run("COMMIT", vec![])
        })();
        applied.map_err(|fault| {
            drop(self.run("ROLLBACK", vec![]));
            match fault {
                Fault::Transient(_) => fault,
                Fault::Refused(c) | Fault::Fatal(c) | Fault::Fenced(c) => {
                    Fault::Fatal(Cause::new(format!("migration {}", migration.name), c))
                }
            }
        })
    }

    /// Whether an SQL table has a column.
    ///
    /// # Errors
    /// A [`Fault`] after the database's error.
    pub fn has_column(&mut self, table: &str, column: &str) -> Result<bool, Fault> {
        let args = vec![Arg::Text(table.into()), Arg::Text(column.into())];
        let found = self.fetch("SELECT 1 FROM pragma_table_info(?) WHERE name = ?", args, |_| Ok(()))?;
        Ok(!found.is_empty())
    }

    /// Loads the rows of keys of one table that exist.
    ///
    /// # Errors
    /// A [`Fault`] after the database's error.
    pub fn load(&mut self, of: &Statements, keys: &[RowKey]) -> Result<Vec<(RowKey, Arc<ModelRow>)>, Fault> {
        let mut found = Vec::with_capacity(keys.len());
        for (sql, args, piece) in of.loads(keys) {
            let rows = self.fetch(AssertSqlSafe(sql), args, |row| {
                let key = usize::try_from(row.int(0).unwrap_or(-1)).ok().and_then(|n| piece.get(n)).cloned();
                Ok((key, Arc::new(row.values(1, of.table().values))))
            })?;
            found.extend(rows.into_iter().filter_map(|(key, row)| Some((key?, row))));
        }
        Ok(found)
    }

    /// Loads the rows under key prefixes of one table.
    ///
    /// # Errors
    /// A [`Fault`] after the database's error.
    pub fn load_ranges(&mut self, of: &Statements, prefixes: &[RowKey]) -> Result<Vec<(RowKey, Arc<ModelRow>)>, Fault> {
        let mut found = Vec::new();
        let table = of.table();
        for (sql, args, _) in of.ranges(prefixes) {
            found.extend(self.fetch(AssertSqlSafe(sql), args, |row| {
                let key = key_of(table, &row.values(0, table.keys));
                Ok((key, Arc::new(row.values(table.keys.len(), table.values))))
            })?);
        }
        Ok(found)
    }

    /// Sets and removes rows of one table.
    ///
    /// # Errors
    /// A [`Fault`] after the database's error.
    pub fn write(
        &mut self,
        of: &Statements,
        writes: &[(RowKey, Option<Arc<ModelRow>>)],
        now: i64,
    ) -> Result<(), Fault> {
        let set: Vec<_> = writes.iter().filter_map(|(key, row)| Some((key, row.as_deref()?))).collect();
        for (sql, args) in of.upserts(&set, now) {
            self.run(AssertSqlSafe(sql), args)?;
        }
        let gone: Vec<_> = writes.iter().filter(|(_, row)| row.is_none()).map(|(k, _)| k.clone()).collect();
        for (sql, args, _) in of.deletes(&gone) {
            self.run(AssertSqlSafe(sql), args)?;
        }
        Ok(())
    }

    /// Statements run so far.
    #[must_use]
    pub const fn statements(&self) -> u64 {
        self.statements
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            // An open transaction is rolled back; an error here has nobody to be told to.
            drop(self.runtime.block_on(connection.close()));
        }
    }
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database").field("statements", &self.statements).finish_non_exhaustive()
    }
}

impl Fetched {
    /// The integer in a column.
    #[must_use]
    pub fn int(&self, n: usize) -> Option<i64> {
        self.0.try_get_unchecked::<Option<i64>, _>(n).ok().flatten()
    }

    /// The text in a column.
    #[must_use]
    pub fn text(&self, n: usize) -> Option<String> {
        self.0.try_get_unchecked::<Option<String>, _>(n).ok().flatten()
    }

    /// The bytes in a column.
    #[must_use]
    pub fn bytes(&self, n: usize) -> Option<&[u8]> {
        self.0.try_get_unchecked::<Option<&[u8]>, _>(n).ok().flatten()
    }

    /// The values of described columns from `first` on.
    #[must_use]
    pub fn values(&self, first: usize, columns: &[Column]) -> ModelRow {
        ModelRow(columns.iter().zip(first..).map(|(column, n)| self.value(n, column.kind)).collect())
    }

    /// The row with its column names, for people and analysts.
    #[must_use]
    pub fn json(&self) -> serde_json::Map<String, serde_json::Value> {
        use sqlx::{Column as _, TypeInfo as _, ValueRef as _};
        let mut map = serde_json::Map::new();
        for column in self.0.columns() {
            let n = column.ordinal();
            let kind = self.0.try_get_raw(n).map(|v| v.type_info().name().to_owned()).unwrap_or_default();
            let real = || self.0.try_get_unchecked::<Option<f64>, _>(n).ok().flatten();
            let value = match kind.as_str() {
                "INTEGER" | "BOOLEAN" => self.int(n).map(Into::into),
                "REAL" => real().map(Into::into),
                "TEXT" => self.text(n).map(Into::into),
                "BLOB" => self.bytes(n).map(|b| hex(b).into()),
                _ => None,
            };
            map.insert(column.name().to_owned(), value.unwrap_or(serde_json::Value::Null));
        }
        map
    }

    fn value(&self, n: usize, kind: Kind) -> Value {
        let text = || self.0.try_get_unchecked::<Option<&str>, _>(n).ok().flatten();
        match kind {
            Kind::Text => text().map_or(Value::Null, |t| Value::Text(t.into())),
            Kind::Date => text().and_then(LocalDate::from_iso).map_or(Value::Null, |d| Value::Int(i64::from(d.0))),
            Kind::Int | Kind::Bool | Kind::Percent | Kind::Points | Kind::Time => {
                self.int(n).map_or(Value::Null, Value::Int)
            }
            Kind::Bytes => self.bytes(n).map_or(Value::Null, |b| Value::Bytes(b.into())),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn bound(args: Vec<Arg>) -> Result<SqliteArguments, Fault> {
    let mut bound = SqliteArguments::default();
    bound.reserve(args.len(), 0);
    for arg in args {
        let added = match arg {
            Arg::Null => bound.add(None::<i64>),
            Arg::Int(n) => bound.add(n),
            Arg::Text(t) => bound.add(t),
            Arg::Bytes(b) => bound.add(b),
        };
        added.map_err(|e| Fault::Refused(Cause::new("binding of a value", e)))?;
    }
    Ok(bound)
}

fn closed() -> Fault {
    Fault::Transient(Cause::new("use of the database", "the connection is closed"))
}

fn head(sql: &str) -> String {
    sql.chars().take(60).collect()
}

/// Result codes of SQLite → what the loop does about them; the event's data never decides.
fn fault(what: &str, error: &sqlx::Error) -> Fault {
    let cause = Cause::new(what, error);
    let code = error.as_database_error().and_then(|e| e.code()).and_then(|c| c.parse::<i64>().ok()).map(|c| c & 0xff);
    match code {
        // TOOBIG, CONSTRAINT, MISMATCH, RANGE: this row, not the database.
        Some(18 | 19 | 20 | 25) => Fault::Refused(cause),
        // ERROR (bad SQL), CORRUPT, NOTADB: no repetition helps.
        Some(1 | 11 | 26) => Fault::Fatal(cause),
        // BUSY, FULL, IOERR, READONLY, CANTOPEN, NOMEM and everything of the connection itself.
        Some(_) | None => Fault::Transient(cause),
    }
}
