//! score: the result of a question, of a session of an assessment, or of a collection over all its sessions.
//!
//! Place: one row of [`super::METRICS`]. Which answers count is GEP's; this file only holds the percent to its points.

use da_model::event::{Change, Entity, Metric as Value, MetricKind};
use da_model::fault::Rejection;
use da_model::score::Percent;

use super::{Metric, failed, foreign};
use crate::objects::{Keyed, Object};

/// Scores, each replacing the one before; null is unknown and never 0.
pub struct Score;

static OBJECTS: &[Object] = &[
    Object::new(Entity::Question, "usage.question.score", "demux.question.score", Keyed::Resource),
    Object::new(Entity::Collection, "usage.collection.score", "demux.collection.score", Keyed::Scope),
    Object::new(Entity::Assessment, "usage.assessment.score", "demux.assessment.score", Keyed::Item),
];

impl Metric for Score {
    fn name(&self) -> &'static str {
        "score"
    }

    fn kind(&self) -> MetricKind {
        MetricKind::Score
    }

    fn objects(&self) -> &'static [Object] {
        OBJECTS
    }

    fn check(&self, change: &Change<'_>) -> Result<(), Rejection> {
        let Value::Score(after) = &change.after else {
            return Err(foreign(change));
        };
        let of_points = match (after.raw, after.max) {
            (Some(raw), Some(max)) => Percent::of(raw, max),
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => return Err(failed("a score has only one of raw and max")),
        };
        if after.score == of_points {
            return Ok(());
        }
        Err(failed("the percent of a score is not that of its points"))
    }
}
