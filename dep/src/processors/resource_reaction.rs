//! resource_reaction: the latest reaction to a resource or question in a session.
//!
//! Place: one row of [`super::PROCESSORS`]. A newer revision replaces the row; an older one is left out.

use da_model::effects::Write;
use da_model::event::{DiscreteEvent, Metric};
use da_model::fault::Rejection;
use da_model::state::{Row, RowKey, Snapshot, Table, Value};

use super::{Decision, Link, Processor};
use crate::folds;
use crate::tables::RESOURCE_REACTION;

/// The processor.
pub struct ResourceReaction;

static LINKS: &[Link] = &[Link::stored("demux.resource.reaction"), Link::stored("demux.question.reaction")];

static TABLES: &[&Table] = &[&RESOURCE_REACTION];

impl Processor for ResourceReaction {
    fn name(&self) -> &'static str {
        "resource_reaction"
    }

    fn links(&self) -> &'static [Link] {
        LINKS
    }

    fn tables(&self) -> &'static [&'static Table] {
        TABLES
    }

    fn reads(&self, de: &DiscreteEvent<'_>) -> Vec<RowKey> {
        vec![folds::resource_key(&RESOURCE_REACTION, de)]
    }

    fn decide<'r>(&self, de: &DiscreteEvent<'r>, seen: &Snapshot<'_>) -> Result<Decision<'r>, Rejection> {
        let Metric::Reaction(value) = &de.result else {
            return Err(folds::foreign(de));
        };
        let key = folds::resource_key(&RESOURCE_REACTION, de);
        let before = seen.row(&key);
        if folds::is_stale(&RESOURCE_REACTION, before, de) {
            return Ok(Decision::stale());
        }
        let mut row: Vec<Value> = vec![folds::object_of(de).into()];
        row.extend(folds::scope(de));
        row.push(i64::from(value.reaction).into());
        row.extend(folds::tail(&RESOURCE_REACTION, before, de.revision.into(), de));
        Ok(Decision::stored(vec![Write::set(key, Row(row))]))
    }
}
