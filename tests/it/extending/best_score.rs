//! best_score: the highest score a learner ever had in an assessment.
//!
//! Place: one row of [`super::PROCESSORS`]. A maximum, so that repeats and order change nothing. Corrections do not
//! lower it: it says what was once reached, not what stands.

use da_model::effects::Write;
use da_model::event::{DiscreteEvent, Metric};
use da_model::fault::Rejection;
use da_model::state::{Column, Feed, Kind, Row, RowKey, Snapshot, Table};

use super::{Decision, Link, Processor};

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
        Column::new("activity_time", Kind::Time, "newest activity folded in"),
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
        let best = before.and_then(|row| row.int(0)).map_or(percent.0, |best| best.max(percent.0));
        let newest = before.and_then(|row| row.int(1)).map_or(de.activity_time.0, |at| at.max(de.activity_time.0));
        Ok(Decision::stored(vec![Write::set(key, Row(vec![best.into(), newest.into()]))]))
    }
}

fn key(de: &DiscreteEvent<'_>) -> Option<RowKey> {
    let (learner, item) = (de.user_id.as_deref()?, de.collection_id.as_deref()?);
    Some(RowKey::new(&BEST_SCORE, &[&*de.context.tenant_id, learner, item]))
}
