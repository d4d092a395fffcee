//! Log and tables as commands reach them: of a cluster where the settings name one, else of the data folder.
//!
//! Place: between the settings and `da topics plan`, `lag`, `migrate`, `tap`, `audit`. Reads no record itself.

use std::path::Path;
use std::sync::Arc;

use da_model::fault::Fault;
use da_model::ids::TopicName;
use da_model::schema::Schemas;
use da_model::state::Table;
use da_runtime::clock::SystemClock;
use da_runtime::cluster::{kafka_of, postgres_of, registry_of};
use da_runtime::commit::embedded_txn::FILE;
use da_runtime::config::Settings;
use da_runtime::io::kafka::client::KafkaSettings;
use da_runtime::io::sql::postgres::PostgresSettings;
use da_runtime::io::sql::postgres::migrate::Plan;
use da_runtime::io::sql::postgres::reading::TableReader;
use da_runtime::io::sql::{Migration, RUNTIME_POSTGRES};
use da_runtime::io::sqlite_log::Reader;
use da_runtime::reading::{ClusterReading, Reading};
use da_runtime::registry;
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
    kafka_of(&settings.cluster).map_err(|fault| Refusal::wrong_use(plain(&fault), "da validate"))
}

/// How to talk to the database.
///
/// # Errors
/// A refusal where the settings name none, or the secret cannot be read.
pub fn postgres(settings: &Settings) -> anyhow::Result<PostgresSettings> {
    let next = "postgres.url in the settings file, or DA__POSTGRES__URL=postgres://user@host/database";
    postgres_of(&settings.cluster).map_err(|fault| Refusal::wrong_use(plain(&fault), next))
}

/// The refusal of a command whose cluster does not answer.
#[must_use]
#[expect(clippy::needless_pass_by_value, reason = "handed to map_err")]
pub fn unanswered(fault: Fault) -> anyhow::Error {
    Refusal::unreachable(plain(&fault), "da doctor")
}

/// A fault in words for people: what the loop would do about it concerns nobody who runs a command.
#[must_use]
pub fn plain(fault: &Fault) -> String {
    match fault {
        Fault::Transient(cause) | Fault::Refused(cause) | Fault::Fenced(cause) | Fault::Fatal(cause) => {
            cause.to_string()
        }
    }
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

/// The schema ids of the log: the registry's, where the settings name one.
///
/// # Errors
/// A refusal that says what to do.
pub fn schemas(settings: &Settings) -> anyhow::Result<Schemas> {
    let Some(registry) = registry_of(&settings.cluster).filter(|_| is_meant(settings)) else {
        return Ok(Schemas::embedded());
    };
    let opened = registry::open(&registry, Arc::new(SystemClock));
    opened.map(|(schemas, _)| schemas).map_err(|e| Refusal::unreachable(e.to_string(), "da schemas plan"))
}

/// The log and the tables that these settings mean, opened for reading.
///
/// # Errors
/// A refusal where they are not there or do not answer.
pub fn reading(settings: &Settings) -> anyhow::Result<Box<dyn Reading>> {
    if !is_meant(settings) {
        return Ok(Box::new(file(&settings.dir)?));
    }
    let named = !settings.cluster.postgres.url.is_empty();
    let tables = if named { Some(TableReader::new(postgres(settings)?).map_err(unanswered)?) } else { None };
    let reading = ClusterReading::open(&kafka(settings)?, groups(settings)?, tables).map_err(unanswered)?;
    Ok(Box::new(reading))
}

/// The data file of a folder, opened for reading.
///
/// # Errors
/// A refusal where it is not there or not readable.
pub fn file(dir: &Path) -> anyhow::Result<Reader> {
    Reader::open(&dir.join(FILE)).map_err(|fault| Refusal::unreachable(plain(&fault), "da up, or --dir FOLDER"))
}
