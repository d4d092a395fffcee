//! PostgreSQL as the store under test: a database of its own on the server that `DATABASE_URL` names.
//!
//! Place: where the variable is not set, every test over it says `skipped`. Starts no server; drops what it made.

use std::sync::{Mutex, PoisonError};

use da_model::fault::Fault;
use da_model::state::Table;
use da_runtime::io::sql::postgres::migrate::{Plan, migrate};
use da_runtime::io::sql::postgres::{Connection, PostgresSettings, PostgresStore, StoreOptions};
use da_runtime::io::sql::{Migration, RUNTIME_POSTGRES};
use da_runtime::ports::Store;
use serde_json::{Map, Value};

use super::unique;
use crate::tables::Tables;

/// A database that lives as long as this.
#[derive(Debug)]
pub struct Database {
    server: String,
    name: String,
}

impl Database {
    /// An empty database, or a line that says what was skipped.
    ///
    /// # Panics
    /// When the server refuses it.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "where the stack runs is told to tests by the environment")]
    pub fn at_hand(test: &str) -> Option<Self> {
        let Ok(server) = std::env::var("DATABASE_URL") else {
            eprintln!("skipped: {test}, because DATABASE_URL names no server");
            return None;
        };
        let name = unique("db").replace(['.', '-'], "_");
        command(&server, &format!("CREATE DATABASE {name}")).unwrap_or_else(|e| panic!("{e}"));
        Some(Self { server, name })
    }

    /// The same with the tables of gep and dep.
    ///
    /// # Panics
    /// When the migrations fail.
    #[must_use]
    pub fn migrated(test: &str) -> Option<Self> {
        let this = Self::at_hand(test)?;
        migrate(this.settings(), &plan()).unwrap_or_else(|e| panic!("{e}"));
        Some(this)
    }

    /// How to reach it.
    #[must_use]
    pub fn settings(&self) -> PostgresSettings {
        PostgresSettings { dev: true, ..PostgresSettings::of(self.url(&self.name)) }
    }

    /// The same place under another database's name.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        let (address, rest) = self.server.split_at(self.server.rfind('/').unwrap_or(self.server.len()));
        let query = rest.split_once('?').map_or(String::new(), |(_, query)| format!("?{query}"));
        format!("{address}/{database}{query}")
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A connection for questions.
    ///
    /// # Panics
    /// When there is none to be had.
    #[must_use]
    pub fn connection(&self) -> Connection {
        Connection::new(self.settings(), "tests").unwrap_or_else(|e| panic!("{e}"))
    }

    /// Rows of one text column.
    ///
    /// # Panics
    /// When the statement fails.
    #[must_use]
    pub fn texts(&self, sql: &str) -> Vec<String> {
        let rows = self.connection().texts(sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
        rows.into_iter().map(Option::unwrap_or_default).collect()
    }

    /// A store of a group over these tables.
    ///
    /// # Panics
    /// When it cannot be made.
    #[must_use]
    pub fn store(&self, owner: &str, tables: &[&'static Table]) -> PostgresStore {
        let (tables, migrations) = (tables.to_vec(), plan().migrations);
        let (settings, owner) = (self.settings(), owner.to_owned());
        PostgresStore::new(StoreOptions { settings, group: "dep", owner, tables, alone: Vec::new(), migrations })
            .unwrap_or_else(|e| panic!("{e}"))
    }
}

impl super::shelf::Stores for Database {
    fn open(&self, owner: &str, tables: &[&'static Table]) -> Box<dyn Store> {
        Box::new(self.store(owner, tables))
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE {}", self.name);
        // By force ends sessions of ours, but not the server's own chores; without it, it is the other way round.
        let dropped = command(&self.server, &format!("{drop} WITH (FORCE)")).or_else(|_| command(&self.server, &drop));
        if !std::thread::panicking() {
            dropped.unwrap_or_else(|e| panic!("{e}"));
        }
    }
}

/// Everything that a database of gep and dep holds.
#[must_use]
pub fn plan() -> Plan {
    let named = |(name, sql): &(&'static str, &'static str)| Migration { name, sql };
    let services = gep::tables::POSTGRES.iter().chain(dep::migrations::POSTGRES).map(named);
    let tables = gep::tables::all().into_iter().chain(dep::tables::tables()).collect();
    Plan { migrations: RUNTIME_POSTGRES.iter().copied().chain(services).collect(), tables }
}

fn command(server: &str, sql: &str) -> Result<(), Fault> {
    let settings = PostgresSettings { dev: true, ..PostgresSettings::of(server) };
    Connection::new(settings, "tests")?.script(sql)
}

/// The tables of a database with the values that SQLite holds, as views of a schema that is looked through first.
#[derive(Debug)]
pub struct Lite(Mutex<Connection>);

/// As `reading` shows the types of the catalogue.
const LITE: &str = "CREATE SCHEMA lite;
DO $$ DECLARE made text; BEGIN
  FOR made IN
    SELECT format('CREATE VIEW lite.%I AS SELECT %s FROM public.%I', c.relname, string_agg(CASE t.typname
      WHEN 'numeric' THEN format('(%I * 1%s)::bigint AS %1$I', a.attname, repeat('0', (a.atttypmod - 4) & 65535))
      WHEN 'bool' THEN format('%I::int AS %1$I', a.attname)
      WHEN 'timestamptz' THEN format('(extract(epoch FROM %I) * 1000)::bigint AS %1$I', a.attname)
      WHEN 'date' THEN format('to_char(%I, ''YYYY-MM-DD'') AS %1$I', a.attname)
      ELSE format('%I', a.attname) END, ', ' ORDER BY a.attnum), c.relname)
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_type t ON t.oid = a.atttypid
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
    GROUP BY c.relname
  LOOP EXECUTE made; END LOOP;
END $$;
SET search_path = lite, analytics, public";

impl Lite {
    /// The tables of this database.
    ///
    /// # Panics
    /// When the views cannot be made.
    #[must_use]
    pub fn of(database: &Database) -> Self {
        let mut connection = Connection::of_command(database.settings()).unwrap_or_else(|e| panic!("{e}"));
        connection.script(LITE).unwrap_or_else(|e| panic!("{e}"));
        Self(Mutex::new(connection))
    }

    fn texts(&self, sql: &str) -> Vec<String> {
        let found = self.0.lock().unwrap_or_else(PoisonError::into_inner).texts(sql);
        found.unwrap_or_else(|e| panic!("{sql}: {e}")).into_iter().flatten().collect()
    }
}

impl Tables for Lite {
    fn ask(&self, sql: &str) -> Vec<Map<String, Value>> {
        let rows = self.texts(&format!("SELECT to_json(r)::text FROM ({sql}) r"));
        rows.iter().map(|row| serde_json::from_str(row).unwrap_or_else(|e| panic!("{row}: {e}"))).collect()
    }

    fn columns(&self, table: &str) -> Vec<String> {
        self.texts(&format!(
            "SELECT column_name::text FROM information_schema.columns \
             WHERE table_schema = 'lite' AND table_name = '{table}' ORDER BY ordinal_position"
        ))
    }
}
