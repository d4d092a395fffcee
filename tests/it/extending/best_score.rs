//! best_score: the highest score a learner ever had in an assessment.
//!
//! Place: one row of [`super::PROCESSORS`]. A maximum, so that repeats and order change nothing. Corrections do not
//! lower it: it says what was once reached, not what stands.

use da_model::effects::Write;
use da_model::event::{DiscreteEvent, Metric};
use da_model::fault::Rejection;
use da_model::state::{Column, Feed, Kind, Row, RowKey, Snapshot, Table};

use super::{Decision, Link, Processor};
use crate::folds;

/// The processor.
pub struct BestScore;

/// Its table.
pub static BEST_SCORE: Table = Table {
    name: "best_score",
    doc: "The highest score a learner ever had in an assessment.",
    keys: &[
        Column::new("tenant_id", Kind::Text, "whose data it is"),
        Column::new("learner", Kind::Text, "the learner"),
        Column::new("item", Kind::Text, "the assessment"),
    ],
    values: &[
        Column::new("percent", Kind::Percent, "the highest score"),
        Column::new("revision", Kind::Int, "number of changes"),
        Column::new("activity_time", Kind::Time, "the newest activity folded in"),
    ],
    feed: Feed::OneTopic,
    range: None,
};

static LINKS: &[Link] = &[Link::stored("demux.assessment.score")];

static TABLES: &[&Table] = &[&BEST_SCORE];

impl Processor for BestScore {
    fn name(&self) -> &'static str {
        "best_score"
    }

    fn links(&self) -> &'static [Link] {
        LINKS
    }

    fn tables(&self) -> &'static [&'static Table] {
        TABLES
    }

    fn reads(&self, de: &DiscreteEvent<'_>) -> Vec<RowKey> {
        key(de).into_iter().collect()
    }

    fn decide<'r>(&self, de: &DiscreteEvent<'r>, seen: &Snapshot<'_>) -> Result<Decision<'r>, Rejection> {
        let (Some(key), Metric::Score(value)) = (key(de), &de.result) else {
            return Ok(Decision::none());
        };
        let Some(percent) = value.score else {
            return Ok(Decision::none()); // null is unknown, never 0
        };
        let before = seen.row(&key);
        if before.and_then(|row| row.int(0)).is_some_and(|best| best >= percent.0) {
            return Ok(Decision::none());
        }
        let [revision, newest] = folds::tail(&BEST_SCORE, before, folds::revision_of(&BEST_SCORE, before) + 1, de);
        Ok(Decision::stored(vec![Write::set(key, Row(vec![percent.0.into(), revision, newest]))]))
    }
}

fn key(de: &DiscreteEvent<'_>) -> Option<RowKey> {
    let (learner, item) = (de.user_id.as_deref()?, de.collection_id.as_deref()?);
    Some(RowKey::new(&BEST_SCORE, &[&*de.context.tenant_id, learner, item]))
}
