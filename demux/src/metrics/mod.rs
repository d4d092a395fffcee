//! The registry of metrics: each turns the changes of its kind into discrete events.
//!
//! Place: asked by the pipeline for every change. One more metric is one file here, its `mod` line and its row.

pub mod reaction;
pub mod score;
pub mod timespent;
pub mod view;

use da_model::event::{Change, MetricKind};
use da_model::fault::Rejection;
use da_model::ids::UnitName;
use da_model::outcome::Reason;
use da_model::topology::Edge;

use crate::objects::Object;
use crate::pipeline::SOURCE;

/// One measure of every object that has it.
pub trait Metric: Send + Sync {
    /// Its name: the file stem, the unit of lineage and dead letters.
    fn name(&self) -> &'static str;

    /// The kind of change it takes.
    fn kind(&self) -> MetricKind;

    /// The objects that have it.
    fn objects(&self) -> &'static [Object];

    /// Whether the change says something true of this metric.
    ///
    /// # Errors
    /// A [`Rejection`] that costs this one discrete event; its siblings stand.
    fn check(&self, change: &Change<'_>) -> Result<(), Rejection>;
}

/// Every metric, in the order of a record: time, score, reaction, views.
pub static METRICS: &[&dyn Metric] = &[&timespent::Timespent, &score::Score, &reaction::Reaction, &view::View];

/// Every way of a record through these metrics.
#[must_use]
pub fn edges(metrics: &[&'static dyn Metric]) -> Vec<Edge> {
    let objects = metrics.iter().flat_map(|metric| metric.objects().iter().map(|object| (metric.name(), object)));
    objects.map(|(name, object)| Edge { from: SOURCE, unit: UnitName(name), to: object.topic }).collect()
}

/// A change that contradicts itself: ours, not the event's.
fn failed(detail: impl Into<String>) -> Rejection {
    Rejection::new(Reason::HandlerFailed, detail)
}

/// The refusal of a change whose value is of another metric than its name.
fn foreign(change: &Change<'_>) -> Rejection {
    failed(format!("a change of {} {} holds a value of {}", change.entity, change.metric, change.after.kind()))
}
