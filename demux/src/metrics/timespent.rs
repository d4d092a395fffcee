//! timespent: how long a learner was at a resource, or at everything inside an item, in one session.
//!
//! Place: one row of [`super::METRICS`]. Caps and sums are GEP's; this file only holds the difference to be the truth.

use da_model::event::{Change, Entity, Metric as Value, MetricKind};
use da_model::fault::Rejection;

use super::{Metric, failed, foreign};
use crate::objects::{Keyed, Object};

/// Time, cumulative per key.
pub struct Timespent;

static OBJECTS: &[Object] = &[
    Object::new(Entity::Resource, "usage.resource.timespent", "demux.resource.timespent", Keyed::Resource),
    Object::new(Entity::Question, "usage.question.timespent", "demux.question.timespent", Keyed::Resource),
    Object::new(Entity::Collection, "usage.collection.timespent", "demux.collection.timespent", Keyed::Item),
    Object::new(Entity::Assessment, "usage.assessment.timespent", "demux.assessment.timespent", Keyed::Item),
];

impl Metric for Timespent {
    fn name(&self) -> &'static str {
        "timespent"
    }

    fn kind(&self) -> MetricKind {
        MetricKind::Timespent
    }

    fn objects(&self) -> &'static [Object] {
        OBJECTS
    }

    fn check(&self, change: &Change<'_>) -> Result<(), Rejection> {
        let Value::Timespent(after) = &change.after else {
            return Err(foreign(change));
        };
        let before = match &change.before {
            Some(Value::Timespent(before)) => before.time_spent,
            Some(_) => return Err(foreign(change)),
            None => 0,
        };
        if after.time_spent.checked_sub(before) == Some(after.delta) {
            return Ok(());
        }
        Err(failed(format!("delta {} is not {} - {before}", after.delta, after.time_spent)))
    }
}
