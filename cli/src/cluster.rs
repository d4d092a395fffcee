//! The cluster as commands see it: the settings of Kafka and PostgreSQL, every group with its topics, all tables.
//!
//! Place: between the settings and `da topics plan`, `lag`, `migrate`, `tap`, `audit`. Connects to nothing itself.

use std::sync::Arc;

use da_model::ids::TopicName;
use da_model::state::Table;
use da_runtime::clock::SystemClock;
use da_runtime::cluster::{kafka_of, postgres_of};
use da_runtime::config::Settings;
use da_runtime::io::kafka::client::KafkaSettings;
use da_runtime::io::sql::postgres::PostgresSettings;
use da_runtime::io::sql::postgres::migrate::Plan;
use da_runtime::io::sql::{Migration, RUNTIME_POSTGRES};
use gep::service::ingest;

use crate::output::Refusal;
use crate::single;

/// Whether these settings are of a cluster.
#[must_use]
pub fn is_meant(settings: &Settings) -> bool {
    !settings.cluster.kafka.bootstrap.is_empty()
}

/// How to talk to the brokers.
///
/// # Errors
/// A refusal where the settings name none, or a secret cannot be read.
pub fn kafka(settings: &Settings) -> anyhow::Result<KafkaSettings> {
    if !is_meant(settings) {
        let next = "kafka.bootstrap in the settings file, or DA__KAFKA__BOOTSTRAP=host:port";
        return Err(Refusal::wrong_use("the settings name no Kafka", next));
    }
    kafka_of(&settings.cluster).map_err(|fault| Refusal::wrong_use(fault.to_string(), "da validate"))
}

/// How to talk to the database.
///
/// # Errors
/// A refusal where the settings name none, or the secret cannot be read.
pub fn postgres(settings: &Settings) -> anyhow::Result<PostgresSettings> {
    let next = "postgres.url in the settings file, or DA__POSTGRES__URL=postgres://user@host/database";
    postgres_of(&settings.cluster).map_err(|fault| Refusal::wrong_use(fault.to_string(), next))
}

/// Every consumer group with the topics it reads.
///
/// # Errors
/// A processor that is not known, or is in two groups.
pub fn groups(settings: &Settings) -> anyhow::Result<Vec<(&'static str, Vec<TopicName>)>> {
    let stages = single::stages(settings, Arc::new(SystemClock), ingest::partner_topics(settings))?;
    Ok(stages.iter().map(|stage| (stage.name(), stage.topics().to_vec())).collect())
}

/// Everything that the database must hold.
#[must_use]
pub fn plan() -> Plan {
    let services = gep::tables::POSTGRES.iter().chain(dep::migrations::POSTGRES);
    let services = services.map(|(name, sql)| Migration { name, sql });
    Plan { migrations: RUNTIME_POSTGRES.iter().copied().chain(services).collect(), tables: tables() }
}

/// Every table of every service.
#[must_use]
pub fn tables() -> Vec<&'static Table> {
    gep::tables::all().into_iter().chain(dep::tables::tables()).collect()
}
