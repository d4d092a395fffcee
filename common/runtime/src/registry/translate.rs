//! Records of other writers' schemas, brought into our own before a handler sees them.
//!
//! Place: called by the Driver once per batch, before decoding; records of our own ids pass untouched and cost a look
//! at five bytes. A schema that cannot be asked for now makes its partition wait; one that does not exist refuses the
//! record. Never guesses, and never decodes without the writer's schema (delivery.md §10).

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use da_model::fault::Rejection;
use da_model::ids::{Offset, TopicPartition};
use da_model::names::{Label, LogEvent, Metric};
use da_model::outcome::Reason;
use da_model::record::Record;
use da_model::schema::Schemas;
use da_model::schema::resolve::{Resolution, foreign_id};
use da_model::schema::subject::value_subject;
use da_model::time::Timestamp;
use da_model::topics;

use super::Registry;
use super::cache::Cache;
use super::error::RegistryError;
use crate::commit::Polled;
use crate::ports::Clock;
use crate::stage::DriverOptions;
use crate::telemetry::{log, metrics};

/// How long a partition waits before a schema that could not be asked for is asked for again.
const WAIT_MS: i64 = 1_000;
/// How long a definite "there is none" is believed: a schema may be registered a moment later.
const NONE_MS: i64 = 10_000;
/// The most foreign ids that are remembered.
const MOST: usize = 4_096;

/// Brings foreign records into our schemas.
pub struct Translator {
    registry: Box<dyn Registry>,
    cache: Cache,
    clock: Arc<dyn Clock>,
    known: Mutex<HashMap<(u32, &'static str), Known>>,
}

#[derive(Clone)]
enum Known {
    As(Arc<Resolution>),
    Not(Rejection, i64),
}

/// The foreign records of one batch: each in our schema, or why it is refused.
#[derive(Debug, Default)]
pub struct Foreign(BTreeMap<(TopicPartition, Offset), Result<Vec<u8>, Rejection>>);

/// The partitions of one stage that wait for a writer's schema, and until when.
#[derive(Debug, Default)]
pub struct Waiting(BTreeMap<TopicPartition, Timestamp>);

/// A partition that waits, because a schema cannot be asked for now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waits {
    /// The partition.
    pub at: TopicPartition,
    /// Why.
    pub cause: RegistryError,
}

impl std::fmt::Debug for Translator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Translator").field("cache", &self.cache).finish_non_exhaustive()
    }
}

impl Waiting {
    /// The partitions to leave out at `now`: those that are stalled, and those that wait.
    pub fn except(&mut self, stalled: &[TopicPartition], now: Timestamp) -> Vec<TopicPartition> {
        self.0.retain(|_, until| *until > now);
        stalled.iter().chain(self.0.keys()).copied().collect()
    }

    /// Whether a partition waits.
    #[must_use]
    pub fn holds(&self, at: TopicPartition) -> bool {
        self.0.contains_key(&at)
    }

    /// The foreign records of a batch, or `None` after making the partition of one wait.
    pub fn foreign(&mut self, options: &DriverOptions, polled: &Polled) -> Option<Foreign> {
        // What is set aside is refused unread.
        let translator = options.translator.as_ref().filter(|_| !polled.set_aside);
        let Some(translator) = translator else { return Some(Foreign::default()) };
        match translator.batch(polled, &options.schemas) {
            Ok(foreign) => Some(foreign),
            Err(waits) => {
                self.0.insert(waits.at, options.clock.now().plus(WAIT_MS));
                None
            }
        }
    }
}

impl Foreign {
    /// A record as it is to be read: as it came, or with its value in our schema. A dead letter keeps what came.
    ///
    /// # Errors
    /// Why the record is refused.
    pub fn read<'r>(&'r self, record: Record<'r>) -> Result<Record<'r>, Rejection> {
        match self.of(&record) {
            None => Ok(record),
            Some(Ok(value)) => Ok(Record { value: Some(value), ..record }),
            Some(Err(rejection)) => Err(rejection.clone()),
        }
    }

    /// What stands for a record's value; `None` where it is of our own.
    #[must_use]
    pub fn of(&self, record: &Record<'_>) -> Option<&Result<Vec<u8>, Rejection>> {
        if self.0.is_empty() {
            return None;
        }
        self.0.get(&(record.topic_partition(), record.offset))
    }
}

impl Translator {
    /// One that asks `registry` for what neither memory nor disk knows.
    #[must_use]
    pub fn new(registry: Box<dyn Registry>, cache: Cache, clock: Arc<dyn Clock>) -> Self {
        Self { registry, cache, clock, known: Mutex::default() }
    }

    /// The foreign records of a batch.
    ///
    /// # Errors
    /// [`Waits`] names a partition that cannot go on now.
    pub fn batch(&self, polled: &Polled, schemas: &Schemas) -> Result<Foreign, Waits> {
        let mut foreign = Foreign::default();
        let mut counts: BTreeMap<(TopicPartition, u32), u64> = BTreeMap::new();
        for record in polled.records() {
            let Some((id, value)) = record.value.and_then(|v| Some((foreign_id(v, schemas)?, v))) else { continue };
            let Some(topic) = topics::find(record.topic) else { continue };
            let at = record.topic_partition();
            let brought = self.known(id, &topic.schema).map_err(|cause| {
                log::warn(LogEvent::RegistryAway, &[("partition", &at), ("schema id", &id), ("cause", &cause)]);
                Waits { at, cause }
            })?;
            let brought = brought.and_then(|resolution| resolution.to_ours(value, schemas));
            *counts.entry((at, id)).or_default() += u64::from(brought.is_ok());
            foreign.0.insert((at, record.offset), brought);
        }
        for ((at, id), count) in counts {
            let (subject, id) = (value_subject(at.topic), id.to_string());
            metrics::count(Metric::SchemaRecords, &[(Label::Subject, &subject), (Label::SchemaId, &id)], count);
        }
        Ok(foreign)
    }

    /// How values of an id become ours, or why they never do.
    fn known(&self, id: u32, name: &'static str) -> Result<Result<Arc<Resolution>, Rejection>, RegistryError> {
        let now = self.clock.now().0;
        let remembered = self.memory().get(&(id, name)).cloned();
        match remembered {
            Some(Known::As(resolution)) => return Ok(Ok(resolution)),
            Some(Known::Not(rejection, until)) if now < until => return Ok(Err(rejection)),
            Some(Known::Not(..)) | None => {}
        }
        let known = match self.schema(id)? {
            Ok(text) => self.resolved(id, &text, name),
            Err(rejection) => Known::Not(rejection, now.saturating_add(NONE_MS)),
        };
        let mut memory = self.memory();
        if memory.len() >= MOST {
            memory.clear();
        }
        memory.insert((id, name), known.clone());
        Ok(match known {
            Known::As(resolution) => Ok(resolution),
            Known::Not(rejection, _) => Err(rejection),
        })
    }

    /// The writer's schema, from disk, else from the registry.
    fn schema(&self, id: u32) -> Result<Result<String, Rejection>, RegistryError> {
        if let Some(text) = self.cache.schema(id) {
            return Ok(Ok(text));
        }
        let unknown = |why: String| Ok(Err(Rejection::new(Reason::SchemaUnknown, why)));
        match self.registry.schema(id) {
            Ok(Some(text)) => Ok(Ok(text)),
            Ok(None) => unknown(format!("the registry has no schema under id {id}")),
            Err(error) if error.is_definite() => unknown(format!("schema id {id}: {error}")),
            Err(error) => Err(error),
        }
    }

    /// A schema that ours can read is kept for the time the registry is away.
    fn resolved(&self, id: u32, text: &str, name: &'static str) -> Known {
        let resolution = match Resolution::new(text, name) {
            Ok(resolution) => resolution,
            Err(why) => {
                let rejection = Rejection::new(Reason::Undecodable, format!("schema id {id}: {why}"));
                return Known::Not(rejection, i64::MAX);
            }
        };
        if self.cache.schema(id).as_deref() != Some(text)
            && let Err(error) = self.cache.keep_schema(id, text)
        {
            let folder = self.cache.folder().display();
            log::warn(LogEvent::RegistryCacheBad, &[("folder", &folder), ("cause", &error)]);
        }
        Known::As(Arc::new(resolution))
    }

    fn memory(&self) -> std::sync::MutexGuard<'_, HashMap<(u32, &'static str), Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
