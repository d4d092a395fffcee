//! The systems behind the settings, asked whether they answer and agree with this program: Kafka, topics, registry,
//! PostgreSQL.
//!
//! Place: the work of `da validate --connect`. Changes nothing; what is not named in the settings is told as skipped.

use std::sync::Arc;
use std::time::Duration;

use da_runtime::clock::SystemClock;
use da_runtime::cluster::registry_of;
use da_runtime::config::Settings;
use da_runtime::io::kafka::admin::Admin;
use da_runtime::io::sql::postgres::Connection;
use da_runtime::io::sql::postgres::migrate;
use da_runtime::registry::client::Client;

use crate::{cluster, registering};

/// How long a registry that is away is asked again.
const PATIENCE: Duration = Duration::from_secs(3);

/// What one system answered: words for people, or what is wrong.
pub type Answer = Result<String, Vec<String>>;

/// Every system with its answer; `None` where the settings name none.
#[must_use]
pub fn ask(settings: &Settings) -> [(&'static str, Option<Answer>); 3] {
    let postgres = !settings.cluster.postgres.url.is_empty();
    [
        ("kafka", cluster::is_meant(settings).then(|| told(kafka(settings)))),
        ("registry", registry_of(&settings.cluster).map(|_| told(registry(settings)))),
        ("postgres", postgres.then(|| told(database(settings)))),
    ]
}

/// A system that agrees, one that differs, or one that does not answer.
fn told(asked: anyhow::Result<(String, Vec<String>)>) -> Answer {
    match asked {
        Ok((words, differences)) if differences.is_empty() => Ok(words),
        Ok((_, differences)) => Err(differences),
        Err(error) => Err(vec![error.downcast_ref().map_or_else(|| format!("{error:#}"), cluster::plain)]),
    }
}

fn kafka(settings: &Settings) -> anyhow::Result<(String, Vec<String>)> {
    let admin = Admin::open(&cluster::kafka(settings)?)?;
    let plan = admin.plan(None)?;
    let differences = plan.iter().map(|change| format!("{change} (da topics plan)")).collect();
    Ok((format!("{} topics as topics.yaml says", da_model::topics::all().len()), differences))
}

fn registry(settings: &Settings) -> anyhow::Result<(String, Vec<String>)> {
    let Some(named) = registry_of(&settings.cluster) else { return Ok((String::new(), Vec::new())) };
    let client = Client::new(&named, Arc::new(SystemClock))?.patient(PATIENCE);
    let plan = registering::plan(&client)?;
    let missing = plan.subjects.iter().filter(|subject| !subject.changes.is_empty());
    let differences = missing.map(|subject| format!("{} is not as it ought to be (da schemas plan)", subject.name));
    Ok((format!("{} subjects", plan.subjects.len()), differences.collect()))
}

fn database(settings: &Settings) -> anyhow::Result<(String, Vec<String>)> {
    let postgres = cluster::postgres(settings)?;
    let place = postgres.place();
    let mut connection = Connection::of_command(postgres)?;
    let standing = migrate::standing(&mut connection, &cluster::plan().migrations)?;
    let missing = standing.missing.iter().map(|name| format!("{name} is not applied (da migrate)"));
    let unknown = standing.unknown.iter().map(|name| format!("{name} is of a newer version"));
    Ok((format!("{place} holds every migration"), missing.chain(unknown).collect()))
}
