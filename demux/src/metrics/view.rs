//! view: whether a session of an item was opened (collection) or closed (assessment).
//!
//! Place: one row of [`super::METRICS`]. When a session counts as viewed is GEP's to say.

use da_model::event::{Change, Entity, Metric as Value, MetricKind};
use da_model::fault::Rejection;

use super::{Metric, failed, foreign};
use crate::objects::{Keyed, Object};

/// Views, cumulative per key.
pub struct View;

static OBJECTS: &[Object] = &[
    Object::new(Entity::Collection, "usage.collection.view", "demux.collection.view", Keyed::Item),
    Object::new(Entity::Assessment, "usage.assessment.view", "demux.assessment.view", Keyed::Item),
];

impl Metric for View {
    fn name(&self) -> &'static str {
        "view"
    }

    fn kind(&self) -> MetricKind {
        MetricKind::View
    }

    fn objects(&self) -> &'static [Object] {
        OBJECTS
    }

    fn check(&self, change: &Change<'_>) -> Result<(), Rejection> {
        let Value::View(after) = &change.after else {
            return Err(foreign(change));
        };
        let before = match &change.before {
            Some(Value::View(before)) => before.views,
            Some(_) => return Err(foreign(change)),
            None => 0,
        };
        if after.views.checked_sub(before) == Some(after.delta) {
            return Ok(());
        }
        Err(failed(format!("delta {} is not {} - {before}", after.delta, after.views)))
    }
}
