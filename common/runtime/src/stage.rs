//! A stage: a Driver whose handler's type is forgotten, how it runs, and what one step of it did.
//!
//! Place: what pipelines and workers hold; made by `driver::stage`. Decides and commits nothing itself.

use std::sync::Arc;

use da_model::delivery::breaker::Thresholds;
use da_model::fault::Fault;
use da_model::ids::{TopicName, TopicPartition};
use da_model::schema::Schemas;

use crate::commit::Protocol;
use crate::commit::status::Counts;
use crate::ports::Clock;
use crate::registry::translate::Translator;

/// The most records of one step (delivery.md §5).
pub const STEP_RECORDS: usize = 512;
/// The least that a step takes, however slow the machine is.
pub const LEAST_RECORDS: usize = 16;
/// How long a step may take; the next batch is sized by how long the last one took.
pub const STEP_MS: i64 = 25;

/// How a Driver runs its handler.
#[derive(Clone)]
pub struct DriverOptions {
    /// The one reader of time; here it only ends long steps.
    pub clock: Arc<dyn Clock>,
    /// Schema ids of the log.
    pub schemas: Schemas,
    /// The service's version, for dead letters.
    pub version: &'static str,
    /// The most records of a step.
    pub max_records: usize,
    /// The least of which a full step is made, however long it takes.
    pub least_records: usize,
    /// The longest a step decides.
    pub max_ms: i64,
    /// Brings records of other writers' schemas into ours; none on a log whose ids are compiled in.
    pub translator: Option<Arc<Translator>>,
    /// When to stall an internal topic.
    pub breaker: Thresholds,
}

/// What a committed step did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stepped {
    /// Records it moved behind.
    pub records: usize,
    /// What to count.
    pub counts: Counts,
}

/// A Driver whose handler's type is forgotten, so that a pipeline can hold many.
pub trait Stage: Send {
    /// The handler's name, which is the group.
    fn name(&self) -> &'static str;

    /// The topics it reads.
    fn topics(&self) -> &[TopicName];

    /// The partitions the breaker stopped.
    fn stalled(&self) -> &[TopicPartition];

    /// Whether it leaves a partition out because a writer's schema cannot be asked for now.
    fn waits(&self, at: TopicPartition) -> bool;

    /// One batch, at most `max` records: poll, decide, commit.
    ///
    /// # Errors
    /// A [`Fault`]; nothing of the batch stands.
    fn step(&mut self, protocol: &mut dyn Protocol, max: usize) -> Result<Stepped, Fault>;
}

impl DriverOptions {
    /// The defaults of delivery.md.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            schemas: Schemas::embedded(),
            version: env!("CARGO_PKG_VERSION"),
            max_records: STEP_RECORDS,
            least_records: LEAST_RECORDS,
            max_ms: STEP_MS,
            translator: None,
            breaker: Thresholds::default(),
        }
    }
}
