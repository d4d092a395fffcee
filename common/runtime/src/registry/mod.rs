//! The schema registry: which id means which schema on a cluster's topics.
//!
//! Place: asked at the start for the ids of our own schemas, and by the Driver (`translate`) for schemas of other
//! writers. A service registers nothing: `da schemas register` does, before a deployment. Start and steady flow survive
//! an outage (delivery.md §10): ids come from memory, then from disk, then from the registry.

pub mod cache;
pub mod client;
pub mod error;
pub mod translate;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use da_model::fault::{Cause, Fault};
use da_model::names::LogEvent;
use da_model::schema::{Schemas, schema_text, subject};

use self::cache::Cache;
use self::client::Client;
use self::error::RegistryError;
use self::translate::Translator;
use crate::ports::Clock;
use crate::telemetry::log;

/// The level of every subject of ours.
pub const LEVEL: &str = "BACKWARD_TRANSITIVE";
/// How long a start asks again where it can do without an answer.
const PATIENCE_WITH_CACHE: Duration = Duration::from_secs(3);
/// How long a start asks again where it cannot; then the platform starts the process anew.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where the registry is, and how it is asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RegistrySettings {
    /// URL with its base path, such as `http://127.0.0.1:8085/apis/ccompat/v7`.
    pub url: String,
    /// Certificates to trust, in PEM form; those of the machine where none is named.
    pub ca_file: Option<PathBuf>,
    /// User.
    pub username: Option<String>,
    /// File that holds the password.
    pub password_file: Option<PathBuf>,
    /// Folder of what is kept for the time the registry is away.
    pub cache_dir: PathBuf,
}

/// What the pipeline asks of a registry. A definite "no" is `None`.
pub trait Registry: Send + Sync {
    /// The text of a schema by its id.
    ///
    /// # Errors
    /// A [`RegistryError`].
    fn schema(&self, id: u32) -> Result<Option<String>, RegistryError>;

    /// The id of a schema by its text, under a subject.
    ///
    /// # Errors
    /// A [`RegistryError`].
    fn id_of(&self, subject: &str, text: &str) -> Result<Option<u32>, RegistryError>;
}

/// Why a process cannot start with a registry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// Schemas of ours are not registered.
    #[error(
        "no schema of ours is registered under {first}{}: run `da schemas register --registry {url}`, then start again",
        others(*.more)
    )]
    NotRegistered {
        /// The first subject.
        first: String,
        /// How many more.
        more: usize,
        /// The registry's URL.
        url: String,
    },
    /// The registry is away and the disk does not know our ids.
    #[error(
        "{cause}; {folder} does not know the id of our schema under {subject}: start once while the registry answers"
    )]
    NotCached {
        /// What came back.
        cause: String,
        /// Where ids are kept.
        folder: String,
        /// The first subject without an id.
        subject: String,
    },
    /// The registry cannot be used.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

impl From<StartError> for Fault {
    fn from(error: StartError) -> Self {
        let cause = Cause::new("start with the schema registry", &error);
        match error {
            StartError::NotCached { .. } => Self::Transient(cause),
            StartError::NotRegistered { .. } | StartError::Registry(_) => Self::Fatal(cause),
        }
    }
}

impl Registry for Client {
    fn schema(&self, id: u32) -> Result<Option<String>, RegistryError> {
        Self::schema(self, id)
    }

    fn id_of(&self, subject: &str, text: &str) -> Result<Option<u32>, RegistryError> {
        Self::id_of(self, subject, text)
    }
}

/// What a service on a cluster needs of its registry: the ids it writes with, and the way of foreign records.
///
/// # Errors
/// [`StartError`] says what to do; as a [`Fault`] it passes only where the registry is away.
pub fn open(settings: &RegistrySettings, clock: Arc<dyn Clock>) -> Result<(Schemas, Translator), StartError> {
    let client = Client::new(settings, Arc::clone(&clock))?;
    let cache = Cache::of(&settings.cache_dir, client.url());
    let schemas = ids_at_start(&client, &cache)?;
    Ok((schemas, Translator::new(Box::new(client), cache, clock)))
}

/// The ids of our schemas, from the registry, or from the disk while it is away.
///
/// # Errors
/// [`StartError`] says what to do.
pub fn ids_at_start(client: &Client, cache: &Cache) -> Result<Schemas, StartError> {
    let kept = kept(cache);
    let patience = if kept.is_ok() { PATIENCE_WITH_CACHE } else { PATIENCE };
    match registered(&client.patient(patience), client.url()) {
        Ok(found) => {
            keep(cache, &found);
            Ok(schemas(&found))
        }
        Err(StartError::Registry(cause)) if cause.is_passing() => {
            let folder = cache.folder().display().to_string();
            match kept {
                Ok(found) => {
                    log::warn(LogEvent::RegistryAway, &[("cause", &cause), ("ids from", &folder)]);
                    Ok(schemas(&found))
                }
                Err(subject) => Err(StartError::NotCached { cause: cause.to_string(), folder, subject }),
            }
        }
        Err(error) => Err(error),
    }
}

/// Subject, folder and text of a schema of ours, with its id.
type Found = (String, &'static str, &'static str, u32);

/// Our subjects with the folder and the text of their schema.
fn ours() -> impl Iterator<Item = (String, &'static str, &'static str)> {
    subject::all().filter_map(|(subject, name)| Some((subject, name, schema_text(name)?)))
}

fn registered(registry: &dyn Registry, url: &str) -> Result<Vec<Found>, StartError> {
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for (subject, name, text) in ours() {
        match registry.id_of(&subject, text)? {
            Some(id) => found.push((subject, name, text, id)),
            None => missing.push(subject),
        }
    }
    let more = missing.len().saturating_sub(1);
    match missing.into_iter().next() {
        Some(first) => Err(StartError::NotRegistered { first, more, url: url.to_owned() }),
        None => Ok(found),
    }
}

/// All ids as the disk knows them, or the first subject that it does not know.
fn kept(cache: &Cache) -> Result<Vec<Found>, String> {
    let known = |(subject, name, text): (String, _, _)| match cache.id_of(&subject, text) {
        Some(id) => Ok((subject, name, text, id)),
        None => Err(subject),
    };
    ours().map(known).collect()
}

fn keep(cache: &Cache, found: &[Found]) {
    let ids: Vec<(String, &str, u32)> = found.iter().map(|(s, _, text, id)| (s.clone(), *text, *id)).collect();
    let folder = cache.folder().display();
    match cache.keep_ids(&ids) {
        Ok(false) => {}
        Ok(true) => log::warn(LogEvent::RegistryRebuilt, &[("folder", &folder)]),
        Err(error) => log::warn(LogEvent::RegistryCacheBad, &[("folder", &folder), ("cause", &error)]),
    }
}

fn schemas(found: &[Found]) -> Schemas {
    Schemas::of(found.iter().map(|(_, name, _, id)| (*name, *id)).collect())
}

fn others(more: usize) -> String {
    if more == 0 { String::new() } else { format!(" and {more} more subjects") }
}

/// Half of a wait and up to all of it, so that processes do not come back at once together.
fn spread(ms: u64) -> Duration {
    let half = ms / 2;
    Duration::from_millis(half + crate::http::chance() % (half + 1))
}
