//! PostgreSQL: a blocking connection over sqlx with a private current-thread runtime, and what is built on it.
//!
//! Place: one connection per worker's thread; [`store`] is the `Store` of `sql_txn`, [`migrate`] the only writer of
//! tables. A connection that failed is dropped and made anew at its next use. Knows no event.

mod bind;
mod fault;
pub mod migrate;
pub mod reading;
mod settings;
mod statements;
pub mod store;
pub mod trial;
mod writing;

use std::sync::Arc;
use std::time::Duration;

use da_model::fault::{Cause, Fault};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};

use settings::Plans;
pub use settings::PostgresSettings;
pub use store::{PostgresStore, StoreOptions};

/// How long a connection may take to be made, and a statement beyond the server's own limit, before the network counts
/// as dead.
const CONNECT: Duration = Duration::from_secs(10);
const ANSWER: Duration = Duration::from_secs(40);
const GOODBYE: Duration = Duration::from_secs(1);

/// A connection that is made when it is needed.
pub struct Connection {
    settings: PostgresSettings,
    application: String,
    plans: Plans,
    runtime: tokio::runtime::Runtime,
    connection: Option<PgConnection>,
    place: String,
    statements: u64,
}

impl Connection {
    /// A connection of a service, not made yet: rows by their keys, in bounded time.
    ///
    /// # Errors
    /// [`Fault::Fatal`] where this process cannot have one more.
    pub fn new(settings: PostgresSettings, application: impl Into<String>) -> Result<Self, Fault> {
        Self::planned(settings, application.into(), Plans::ByKey)
    }

    /// A connection of an operator's command, not made yet: it may read whole tables and take its time.
    ///
    /// # Errors
    /// As [`Connection::new`].
    pub fn of_command(settings: PostgresSettings) -> Result<Self, Fault> {
        Self::planned(settings, "da".to_owned(), Plans::Free)
    }

    fn planned(settings: PostgresSettings, application: String, plans: Plans) -> Result<Self, Fault> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()
            .map_err(|e| Fault::Fatal(Cause::new("start of the database runtime", e)))?;
        let place = settings.place();
        Ok(Self { settings, application, plans, runtime, connection: None, place, statements: 0 })
    }

    /// Makes the connection unless there is one; `true` says that it is new.
    ///
    /// # Errors
    /// [`Fault::Transient`] where the server does not answer; [`Fault::Fatal`] with a plain sentence where it refuses.
    pub fn connect(&mut self) -> Result<bool, Fault> {
        if self.connection.is_some() {
            return Ok(false);
        }
        let options = self.settings.options(&self.application, self.plans)?;
        let made = self.runtime.block_on(async {
            tokio::time::timeout(CONNECT, PgConnection::connect_with(&options))
                .await
                .unwrap_or_else(|_| late("connecting"))
        });
        let made = made.map_err(|e| fault::of_connect(options.get_username(), &self.place, &e))?;
        self.connection = Some(made);
        Ok(true)
    }

    /// Whether there is a connection that did not fail yet.
    #[must_use]
    pub const fn is_connected(&self) -> bool {
        self.connection.is_some()
    }

    /// Runs a statement and says how many rows it touched.
    ///
    /// # Errors
    /// A [`Fault`] after the database's error.
    pub fn run(&mut self, sql: &Arc<str>, args: PgArguments) -> Result<u64, Fault> {
        self.asked(sql, async |connection| {
            sqlx::query_with(AssertSqlSafe(Arc::clone(sql)), args).execute(connection).await.map(|d| d.rows_affected())
        })
    }

    /// Runs a statement and brings its rows.
    ///
    /// # Errors
    /// A [`Fault`] after the database's error.
    pub fn fetch(&mut self, sql: &Arc<str>, args: PgArguments) -> Result<Vec<PgRow>, Fault> {
        self.asked(sql, async |connection| {
            sqlx::query_with(AssertSqlSafe(Arc::clone(sql)), args).fetch_all(connection).await
        })
    }

    /// Runs several statements of our own making.
    ///
    /// # Errors
    /// A [`Fault`] after the database's error.
    pub fn script(&mut self, sql: &str) -> Result<(), Fault> {
        let text: Arc<str> = sql.into();
        self.asked(&text, async |connection| {
            sqlx::raw_sql(AssertSqlSafe(Arc::clone(&text))).execute(connection).await.map(drop)
        })
    }

    /// Runs a statement and brings the text of its first column, null where it has none.
    ///
    /// # Errors
    /// A [`Fault`] after the database's error.
    pub fn texts(&mut self, sql: &str) -> Result<Vec<Option<String>>, Fault> {
        Ok(self.fetch(&sql.into(), PgArguments::default())?.iter().map(|row| text(row, 0)).collect())
    }

    /// Drops the connection; the server rolls an open transaction back.
    pub fn drop_connection(&mut self) {
        self.connection = None;
    }

    /// Database, host and port, for people.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Statements run so far.
    #[must_use]
    pub const fn statements(&self) -> u64 {
        self.statements
    }

    /// One answer over the connection; a connection whose state is unknown afterwards is dropped.
    fn asked<T>(
        &mut self,
        sql: &str,
        ask: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, Fault> {
        self.connect()?;
        self.statements += 1;
        let Some(connection) = self.connection.as_mut() else {
            return Err(Fault::Transient(Cause::new(head(sql), "the connection is closed")));
        };
        let answer = self.runtime.block_on(async {
            tokio::time::timeout(ANSWER, ask(connection)).await.unwrap_or_else(|_| late("the answer"))
        });
        answer.map_err(|error| {
            if fault::is_lost(&error) {
                self.connection = None;
            }
            fault::of(&head(sql), &self.place, &error)
        })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            let close = async { tokio::time::timeout(GOODBYE, connection.close()).await };
            // An open transaction is rolled back; an error here has nobody to be told to.
            drop(self.runtime.block_on(close));
        }
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("place", &self.place)
            .field("statements", &self.statements)
            .finish_non_exhaustive()
    }
}

/// The integer in a column of a result.
pub(crate) fn int(row: &PgRow, n: usize) -> Option<i64> {
    row.try_get::<Option<i64>, _>(n).ok().flatten()
}

/// Whether a column of a result is true.
pub(crate) fn flag(row: &PgRow, n: usize) -> bool {
    row.try_get::<Option<bool>, _>(n).ok().flatten().unwrap_or(false)
}

/// The text in a column of a result.
pub(crate) fn text(row: &PgRow, n: usize) -> Option<String> {
    row.try_get::<Option<String>, _>(n).ok().flatten()
}

fn late<T>(what: &str) -> Result<T, sqlx::Error> {
    Err(sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, format!("{what} took too long"))))
}

fn head(sql: &str) -> String {
    sql.chars().take(60).collect()
}
