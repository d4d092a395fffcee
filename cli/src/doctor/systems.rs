//! The registry and the database: round trips, what they lack, rights and clock.
//!
//! Place: second part of `examine`. Registers and migrates nothing.

use std::sync::Arc;
use std::time::Duration;

use da_runtime::clock::SystemClock;
use da_runtime::cluster::registry_of;
use da_runtime::config::Settings;
use da_runtime::io::sql::postgres::{Connection, migrate, trial};
use da_runtime::ports::Clock;
use da_runtime::registry::client::Client;
use da_runtime::registry::error::RegistryError;

use super::{Check, clock};
use crate::{cluster, registering};

/// How long a registry that is away is asked again.
const PATIENCE: Duration = Duration::from_secs(2);
/// Questions to the registry, and transactions on the database, that are measured.
const COUNT: usize = 5;
/// What to do where the database does not answer, or refuses.
const DATABASE: (&str, &str) =
    ("start PostgreSQL, or correct postgres.url: da config show", "correct postgres.url, password_file and ca_file");

/// The registry: round trips, and what it lacks of our schemas.
pub(super) fn registry(settings: &Settings) -> Check {
    let Some(named) = registry_of(&settings.cluster) else {
        return Check::skipped("registry", "the settings name none: compiled-in ids are used");
    };
    let this = Check::new("registry", named.url.clone());
    match asked(&named, this.clone()) {
        Ok(check) => check,
        Err(error) if error.is_passing() => this
            .away(error.to_string(), "start the registry, or correct registry.url; what runs goes on with cached ids"),
        Err(error @ RegistryError::Strange { .. }) => {
            this.found(error.to_string(), "registry.url with its base path, such as http://host:8085/apis/ccompat/v7")
        }
        Err(error) => this.found(error.to_string(), "correct registry.username, password_file and ca_file"),
    }
}

fn asked(named: &da_runtime::registry::RegistrySettings, this: Check) -> Result<Check, RegistryError> {
    let client = Client::new(named, Arc::new(SystemClock))?.patient(PATIENCE);
    let (mut took, mut subjects) = (Vec::new(), 0);
    for _ in 0..COUNT {
        let begun = SystemClock.now();
        subjects = client.subjects()?;
        took.push(SystemClock.now().since(begun));
    }
    let worst = took.iter().max().copied().unwrap_or(0);
    let mean = took.iter().sum::<i64>() / took.len().max(1) as i64;
    let this = this.said(format!("{subjects} subjects; {COUNT} round trips, mean {mean} ms, worst {worst} ms"));
    let this = this.measured("subjects", subjects as i64).measured("mean_ms", mean).measured("worst_ms", worst);
    let plan = registering::plan(&client)?;
    let differs = plan.subjects.iter().filter(|subject| !subject.changes.is_empty());
    Ok(differs.fold(this, |this, subject| {
        let changes: Vec<String> = subject.changes.iter().map(ToString::to_string).collect();
        this.found(format!("{}: {}", subject.name, changes.join(", ")), "da schemas plan, then da schemas register")
    }))
}

/// The database: commits, migrations, rights, clock.
pub(super) fn postgres(
    settings: &Settings,
    roles: &[&'static str],
    tell: &mut dyn FnMut(Check) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    if settings.cluster.postgres.url.is_empty() {
        return tell(Check::skipped("postgres", "the settings name none; gep and dep need one"));
    }
    let named = match cluster::postgres(settings) {
        Ok(named) => named,
        Err(error) => return tell(Check::new("postgres", "").found(format!("{error:#}"), "da validate")),
    };
    let place = named.place();
    let connected = Connection::of_command(named).and_then(|mut made| made.connect().map(|_| made));
    let mut connection = match connected {
        Ok(connection) => connection,
        Err(fault) => {
            tell(Check::new("postgres", &place).fault(&fault, DATABASE))?;
            let skipped = |check| Check::skipped(check, "PostgreSQL does not answer or refuses us");
            return ["migrations", "postgres.clock"].into_iter().try_for_each(|check| tell(skipped(check)));
        }
    };
    let sample = trial::transactions(&mut connection, &SystemClock, COUNT);
    let this = Check::new("postgres", &place);
    let slow = "look at the disk under the database (pg_test_fsync), and at what else uses it";
    tell(match &sample {
        Ok(sample) => this.timed(&sample.took, slow),
        Err(fault) => this.fault(fault, ("look at the log of PostgreSQL", "use a server that takes writes")),
    })?;
    tell(tables(&mut connection, roles))?;
    match sample {
        Ok(sample) => tell(clock("postgres.clock", &place, sample.ahead)),
        Err(_) => tell(Check::skipped("postgres.clock", "no transaction succeeded")),
    }
}

/// Whether the tables are those of this program, and may be used.
fn tables(connection: &mut Connection, roles: &[&'static str]) -> Check {
    let this = Check::new("migrations", connection.place());
    let migrations = cluster::plan().migrations;
    let ours = |role: &&str| match *role {
        "gep" => gep::tables::all(),
        "dep" => dep::tables::tables(),
        _ => Vec::new(),
    };
    let names: Vec<&str> = roles.iter().flat_map(ours).map(|table| table.name).collect();
    let seen = migrate::standing(connection, &migrations)
        .and_then(|standing| Ok((standing, trial::denied(connection, &names)?)));
    let (standing, denied) = match seen {
        Ok(seen) => seen,
        Err(fault) => return this.fault(&fault, DATABASE),
    };
    let this = this.said(format!("{} migrations, {} tables of these roles", migrations.len(), names.len()));
    let this =
        standing.missing.iter().fold(this, |this, name| this.found(format!("{name} is not applied"), "da migrate"));
    let this = standing.unknown.iter().fold(this, |this, name| {
        this.found(format!("{name} is of a newer version"), "deploy the version that made it; tables never go back")
    });
    denied.iter().fold(this, |this, name| {
        let next = format!("GRANT SELECT, INSERT, UPDATE, DELETE ON {name} TO …, as the owner");
        this.found(format!("this user may not read and write {name}"), next)
    })
}
