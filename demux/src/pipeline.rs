//! demux as a handler: every change of a signal becomes the discrete event that its metric makes of it.
//!
//! Place: reads `gep.usage`, keeps no state. A change that its metric refuses is a dead letter of that metric alone;
//! the order of a record is the order of the emits.

use std::panic::{AssertUnwindSafe, catch_unwind};

use da_model::effects::{Effects, Emit, Key};
use da_model::event::{Change, Event, SignalView};
use da_model::fault::Rejection;
use da_model::handler::Handler;
use da_model::ids::{TopicName, UnitName};
use da_model::outcome::{Outcome, Reason};
use da_model::record::Record;
use da_model::schema::{Schemas, codec};
use da_model::state::{RowKey, Snapshot};

use crate::metrics::{METRICS, Metric};

/// The topic that demux reads.
pub const SOURCE: TopicName = TopicName("gep.usage");

/// The unit named where no metric is to blame.
const UNKNOWN: UnitName = UnitName("demux");

/// The handler; also its consumer group.
pub struct Demux {
    metrics: Vec<&'static dyn Metric>,
}

/// One signal.
#[derive(Debug)]
pub struct Input<'r> {
    /// What GEP said.
    pub signal: SignalView<'r>,
    /// Set where a redriven record concerns one metric alone.
    pub only: Option<UnitName>,
}

impl Default for Demux {
    fn default() -> Self {
        Self::of(METRICS.to_vec())
    }
}

impl Demux {
    /// A demux of these metrics.
    #[must_use]
    pub const fn of(metrics: Vec<&'static dyn Metric>) -> Self {
        Self { metrics }
    }

    fn metric(&self, change: &Change<'_>) -> Option<&'static dyn Metric> {
        self.metrics.iter().copied().find(|metric| metric.kind() == change.metric)
    }
}

impl Handler for Demux {
    type Input<'r> = Input<'r>;

    fn name(&self) -> &'static str {
        "demux"
    }

    fn topics(&self) -> Vec<TopicName> {
        vec![SOURCE]
    }

    fn decode<'r>(&self, record: &Record<'r>, schemas: &Schemas) -> Result<Input<'r>, Rejection> {
        let value = record.value.ok_or_else(|| Rejection::new(Reason::Empty, "the record has no value"))?;
        Ok(Input { signal: codec::decode_signal_view(value, schemas)?, only: record.only })
    }

    fn reads(&self, _: &Input<'_>) -> Vec<RowKey> {
        Vec::new()
    }

    fn decide<'r>(&self, input: &Self::Input<'r>, _: &Snapshot<'_>) -> Result<Effects<'r>, Rejection> {
        let mut effects = Effects::none(Outcome::Ignored);
        effects.emits = Vec::with_capacity(input.signal.changes.len());
        for change in &input.signal.changes {
            let Some(metric) = self.metric(change) else {
                refuse_unlisted(change, &mut effects);
                continue;
            };
            let unit = UnitName(metric.name());
            if input.only.is_some_and(|only| only != unit) {
                continue;
            }
            match emit(metric, &input.signal, change) {
                Ok(emit) => effects.emits.push(emit),
                Err(rejection) => effects.refused.push((unit, rejection)),
            }
        }
        if !effects.emits.is_empty() {
            effects.outcome = Outcome::Applied;
        }
        Ok(effects)
    }
}

fn emit<'r>(metric: &'static dyn Metric, signal: &SignalView<'r>, change: &Change<'r>) -> Result<Emit<'r>, Rejection> {
    checked(metric, change)?;
    let object =
        metric.objects().iter().find(|object| object.entity == change.entity).ok_or_else(|| {
            Rejection::new(Reason::HandlerFailed, format!("{} has no {}", change.entity, change.metric))
        })?;
    let event = Event::Discrete(Box::new(object.discrete(signal, change)));
    Ok(Emit { unit: UnitName(metric.name()), topic: object.topic, key: Key::Inherited, event, depth: 0 })
}

/// A metric that panics fails alone, like one that refuses.
fn checked(metric: &dyn Metric, change: &Change<'_>) -> Result<(), Rejection> {
    catch_unwind(AssertUnwindSafe(|| metric.check(change)))
        .unwrap_or_else(|_| Err(Rejection::new(Reason::HandlerFailed, format!("metric {} panicked", metric.name()))))
}

/// A metric that is known but not run here is left to others; one that nobody has is refused.
fn refuse_unlisted(change: &Change<'_>, effects: &mut Effects<'_>) {
    if METRICS.iter().any(|metric| metric.kind() == change.metric) {
        return;
    }
    let rejection = Rejection::new(Reason::HandlerFailed, format!("no metric {}", change.metric));
    effects.refused.push((UNKNOWN, rejection));
}
