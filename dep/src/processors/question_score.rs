//! question_score: the latest answer to a question in a session; a null score waits for grading.
//!
//! Place: one row of [`super::PROCESSORS`]. A newer revision replaces the row; an older one is left out.

use da_model::effects::Write;
use da_model::event::{DiscreteEvent, Metric};
use da_model::fault::Rejection;
use da_model::state::{Row, RowKey, Snapshot, Table, Value};

use super::{Decision, Link, Processor};
use crate::folds;
use crate::tables::QUESTION_SCORE;

/// The processor.
pub struct QuestionScore;

static LINKS: &[Link] = &[Link::stored("demux.question.score")];

static TABLES: &[&Table] = &[&QUESTION_SCORE];

impl Processor for QuestionScore {
    fn name(&self) -> &'static str {
        "question_score"
    }

    fn links(&self) -> &'static [Link] {
        LINKS
    }

    fn tables(&self) -> &'static [&'static Table] {
        TABLES
    }

    fn reads(&self, de: &DiscreteEvent<'_>) -> Vec<RowKey> {
        vec![folds::resource_key(&QUESTION_SCORE, de)]
    }

    fn decide<'r>(&self, de: &DiscreteEvent<'r>, seen: &Snapshot<'_>) -> Result<Decision<'r>, Rejection> {
        let Metric::Score(value) = &de.result else {
            return Err(folds::foreign(de));
        };
        let key = folds::resource_key(&QUESTION_SCORE, de);
        let before = seen.row(&key);
        if folds::is_stale(&QUESTION_SCORE, before, de) {
            return Ok(Decision::stale());
        }
        let mut row: Vec<Value> = folds::scope(de).to_vec();
        row.push(value.raw.map(|raw| raw.0).into());
        row.push(value.max.map(|max| max.0).into());
        row.push(value.score.map(|percent| percent.0).into());
        row.push(value.graded.into());
        row.push(value.status.map(|status| status.code()).into());
        row.push(folds::json_array(&value.codes).as_str().into());
        row.extend(folds::tail(&QUESTION_SCORE, before, de.revision.into(), de));
        Ok(Decision::stored(vec![Write::set(key, Row(row))]))
    }
}
