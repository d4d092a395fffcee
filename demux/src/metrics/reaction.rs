//! reaction: what a learner thinks of a resource, and on average of the resources inside an item.
//!
//! Place: one row of [`super::METRICS`]. The mean is GEP's.

use da_model::event::{Change, Entity, Metric as Value, MetricKind};
use da_model::fault::Rejection;

use super::{Metric, failed, foreign};
use crate::objects::{Keyed, Object};

/// Reactions 1–5, each replacing the one before.
pub struct Reaction;

static OBJECTS: &[Object] = &[
    Object::new(Entity::Resource, "usage.resource.reaction", "demux.resource.reaction", Keyed::Resource),
    Object::new(Entity::Question, "usage.question.reaction", "demux.question.reaction", Keyed::Resource),
    Object::new(Entity::Collection, "usage.collection.reaction", "demux.collection.reaction", Keyed::Item),
    Object::new(Entity::Assessment, "usage.assessment.reaction", "demux.assessment.reaction", Keyed::Item),
];

impl Metric for Reaction {
    fn name(&self) -> &'static str {
        "reaction"
    }

    fn kind(&self) -> MetricKind {
        MetricKind::Reaction
    }

    fn objects(&self) -> &'static [Object] {
        OBJECTS
    }

    fn check(&self, change: &Change<'_>) -> Result<(), Rejection> {
        let Value::Reaction(after) = &change.after else {
            return Err(foreign(change));
        };
        if (1..=5).contains(&after.reaction) {
            return Ok(());
        }
        Err(failed(format!("reaction {} is outside 1-5", after.reaction)))
    }
}
