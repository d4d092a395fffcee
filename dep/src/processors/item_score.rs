//! item_score: the result of each session of an assessment, and where the learner stands in each item and scope.
//!
//! Place: one row of [`super::PROCESSORS`]. One processor for two tables, because the revision of the session tells an
//! old record from a new one. An assessment stands at its latest session, a collection at its own running score.

use da_model::effects::Write;
use da_model::event::discrete::ScoreValue;
use da_model::event::{DiscreteEvent, Metric};
use da_model::fault::Rejection;
use da_model::state::{Row, RowKey, Snapshot, Table, Value};

use super::{Decision, Link, Processor};
use crate::folds;
use crate::tables::{ASSESSMENT_SCORE, LEARNER_ITEM_SCORE};

/// The processor.
pub struct ItemScore;

static LINKS: &[Link] = &[Link::stored("demux.collection.score"), Link::stored("demux.assessment.score")];

static TABLES: &[&Table] = &[&ASSESSMENT_SCORE, &LEARNER_ITEM_SCORE];

/// Position of `score_session` in `learner_item_score`.
const SCORE_SESSION: usize = 1;

impl Processor for ItemScore {
    fn name(&self) -> &'static str {
        "item_score"
    }

    fn links(&self) -> &'static [Link] {
        LINKS
    }

    fn tables(&self) -> &'static [&'static Table] {
        TABLES
    }

    fn reads(&self, de: &DiscreteEvent<'_>) -> Vec<RowKey> {
        let standing = folds::learner_item_key(&LEARNER_ITEM_SCORE, de);
        let session = is_assessment(de).then(|| folds::item_key(&ASSESSMENT_SCORE, de));
        std::iter::once(standing).chain(session).collect()
    }

    fn decide<'r>(&self, de: &DiscreteEvent<'r>, seen: &Snapshot<'_>) -> Result<Decision<'r>, Rejection> {
        let Metric::Score(value) = &de.result else {
            return Err(folds::foreign(de));
        };
        let key = folds::learner_item_key(&LEARNER_ITEM_SCORE, de);
        if is_assessment(de) {
            return Ok(assessment(key, value, de, seen));
        }
        let before = seen.row(&key);
        if folds::is_stale(&LEARNER_ITEM_SCORE, before, de) {
            return Ok(Decision::stale());
        }
        let row = standing_row(value, "", i64::from(de.revision), (de, before));
        Ok(Decision::stored(vec![Write::set(key, row)]))
    }
}

fn is_assessment(de: &DiscreteEvent<'_>) -> bool {
    folds::object_of(de) == "assessment"
}

/// The session's row always; the standing only if this session is the latest, or was and has no score now.
fn assessment<'r>(key: RowKey, value: &ScoreValue<'_>, de: &DiscreteEvent<'_>, seen: &Snapshot<'_>) -> Decision<'r> {
    let session_key = folds::item_key(&ASSESSMENT_SCORE, de);
    let session_before = seen.row(&session_key);
    if folds::is_stale(&ASSESSMENT_SCORE, session_before, de) {
        return Decision::stale();
    }
    let mut row: Vec<Value> = vec![folds::object_of(de).into(), de.collection_type.as_deref().into()];
    row.extend(folds::scope(de));
    row.extend(points(value));
    row.push(value.graded.into());
    row.push(value.status.map(|status| status.code()).into());
    row.extend(folds::tail(&ASSESSMENT_SCORE, session_before, de.revision.into(), de));
    let mut writes = vec![Write::set(session_key, Row(row))];

    let before = seen.row(&key);
    let session = folds::id(&de.context.session_id);
    let stands = before.and_then(|row| row.text(SCORE_SESSION)) == Some(session);
    let revision = folds::revision_of(&LEARNER_ITEM_SCORE, before) + 1;
    if is_latest(value) {
        writes.push(Write::set(key, standing_row(value, session, revision, (de, before))));
    } else if stands {
        writes.push(Write::set(key, standing_row(&ScoreValue::default(), "", revision, (de, before))));
    }
    Decision::stored(writes)
}

fn is_latest(value: &ScoreValue<'_>) -> bool {
    value.latest == Some(true) && value.score.is_some()
}

fn standing_row(
    value: &ScoreValue<'_>,
    session: &str,
    revision: i64,
    (de, before): (&DiscreteEvent<'_>, Option<&Row>),
) -> Row {
    let mut row: Vec<Value> = vec![folds::object_of(de).into(), session.into()];
    row.extend(points(value));
    row.extend(folds::tail(&LEARNER_ITEM_SCORE, before, revision, de));
    Row(row)
}

fn points(value: &ScoreValue<'_>) -> [Value; 3] {
    [value.raw.map(|raw| raw.0).into(), value.max.map(|max| max.0).into(), value.score.map(|percent| percent.0).into()]
}
