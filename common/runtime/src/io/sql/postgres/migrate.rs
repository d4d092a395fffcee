//! Tables of PostgreSQL: applied by `da migrate`, only looked at by services. Forward only.
//!
//! Place: one table `migration` per database names what was applied. A name begins with its owner (`dep_0001_tables`),
//! so services can share a database. Comments on tables and columns come from the descriptors, at every run.

use std::sync::Arc;

use da_model::fault::{Cause, Fault};
use da_model::state::Table;
use sqlx::postgres::PgArguments;

use super::{Connection, PostgresSettings, bind, text};
use crate::io::sql::Migration;

/// What a database should hold.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// In order.
    pub migrations: Vec<Migration>,
    /// The tables they make, for the comments.
    pub tables: Vec<&'static Table>,
}

/// How a database stands to a plan.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// Names still to be applied, in order.
    pub missing: Vec<&'static str>,
    /// Names of the same owners that the plan does not know.
    pub unknown: Vec<String>,
}

/// Any number, the same in every program of gooru-da: two runs at once wait for each other.
const LOCK: &str = "SELECT pg_advisory_lock(7411820260)";
const UNLOCK: &str = "SELECT pg_advisory_unlock(7411820260)";
const TABLE: &str = "CREATE TABLE IF NOT EXISTS migration (name text PRIMARY KEY, number integer NOT NULL, \
                     applied_at timestamptz NOT NULL DEFAULT now());
COMMENT ON TABLE migration IS 'What da migrate applied.';
COMMENT ON COLUMN migration.name IS 'Owner, number and subject.';
COMMENT ON COLUMN migration.number IS 'Order within one run.';
COMMENT ON COLUMN migration.applied_at IS 'When.'";

/// Applies what is missing, each migration in a transaction, and renews the comments; gives the names applied.
///
/// # Errors
/// [`Fault::Fatal`] where the database is ahead of this program, or a migration fails.
pub fn migrate(settings: PostgresSettings, plan: &Plan) -> Result<Vec<&'static str>, Fault> {
    let mut connection = Connection::of_command(settings)?;
    connection.script(LOCK)?;
    let applied = apply(&mut connection, plan);
    // The lock falls with the connection as well.
    drop(connection.script(UNLOCK));
    applied
}

/// Refuses a database that is behind or ahead of this program.
///
/// # Errors
/// [`Fault::Fatal`] with a plain sentence.
pub fn check(connection: &mut Connection, migrations: &[Migration]) -> Result<(), Fault> {
    let standing = standing(connection, migrations)?;
    let place = connection.place().to_owned();
    let fatal = |told: String| Err(Fault::Fatal(Cause::new("check of the database", told)));
    if let Some(newer) = standing.unknown.first() {
        return fatal(ahead(&place, newer));
    }
    match standing.missing.as_slice() {
        [] => Ok(()),
        all if all.len() == migrations.len() => {
            fatal(format!("{place} has no tables of this program yet; run `da migrate`"))
        }
        [first, ..] => fatal(format!(
            "{place} is behind this program: {} of its migrations are missing, the first is {first}; run `da migrate`",
            standing.missing.len()
        )),
    }
}

/// Compares a database with migrations; changes nothing.
///
/// # Errors
/// A [`Fault`] of the connection.
pub fn standing(connection: &mut Connection, migrations: &[Migration]) -> Result<Standing, Fault> {
    let there: Arc<str> = "SELECT count(*) FROM pg_catalog.pg_class WHERE oid = to_regclass('migration')".into();
    let rows = connection.fetch(&there, PgArguments::default())?;
    if rows.first().and_then(|row| super::int(row, 0)) != Some(1) {
        return Ok(Standing { missing: migrations.iter().map(|m| m.name).collect(), unknown: Vec::new() });
    }
    let names: Arc<str> = "SELECT name FROM migration ORDER BY applied_at, number".into();
    let known: Vec<String> =
        connection.fetch(&names, PgArguments::default())?.iter().filter_map(|row| text(row, 0)).collect();
    let owners: Vec<&str> = migrations.iter().map(|m| owner(m.name)).collect();
    let missing = migrations.iter().map(|m| m.name).filter(|name| !known.iter().any(|k| k == name)).collect();
    let mine = |name: &String| migrations.iter().any(|m| m.name == name);
    let unknown = known.into_iter().filter(|name| owners.contains(&owner(name)) && !mine(name)).collect();
    Ok(Standing { missing, unknown })
}

fn apply(connection: &mut Connection, plan: &Plan) -> Result<Vec<&'static str>, Fault> {
    connection.script(TABLE)?;
    let standing = standing(connection, &plan.migrations)?;
    if let Some(newer) = standing.unknown.first() {
        return Err(Fault::Fatal(Cause::new("da migrate", ahead(connection.place(), newer))));
    }
    let missing = plan.migrations.iter().filter(|m| standing.missing.contains(&m.name));
    for (number, migration) in (0_i64..).zip(missing) {
        one(connection, number, migration)
            .map_err(|fault| Fault::Fatal(Cause::new(format!("migration {}", migration.name), fault)))?;
    }
    if !plan.tables.is_empty() {
        connection.script(&comments(&plan.tables))?;
        connection.script(include_str!("view_comments.sql"))?;
    }
    Ok(standing.missing)
}

fn one(connection: &mut Connection, number: i64, migration: &Migration) -> Result<(), Fault> {
    connection.script("BEGIN")?;
    connection.script(migration.sql)?;
    let mut args = PgArguments::default();
    bind::add(&mut args, migration.name)?;
    bind::add(&mut args, number)?;
    connection.run(&"INSERT INTO migration (name, number) VALUES ($1, $2)".into(), args)?;
    connection.script("COMMIT")
}

/// Comments on tables and their columns, as the descriptors say it.
fn comments(tables: &[&Table]) -> String {
    let mut sql = String::new();
    for table in tables {
        sql.push_str(&format!("COMMENT ON TABLE \"{}\" IS {};\n", table.name, quoted(table.doc)));
        for column in table.keys.iter().chain(table.values) {
            let doc = quoted(column.doc);
            sql.push_str(&format!("COMMENT ON COLUMN \"{}\".\"{}\" IS {doc};\n", table.name, column.name));
        }
    }
    sql
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn owner(name: &str) -> &str {
    name.split('_').next().unwrap_or(name)
}

fn ahead(place: &str, newer: &str) -> String {
    format!("{place} is ahead of this program: it holds the migration {newer}, made by a newer version; use that one")
}
