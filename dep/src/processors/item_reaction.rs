//! item_reaction: the mean reaction of a learner in a session of an item.
//!
//! Place: one row of [`super::PROCESSORS`]. A newer revision replaces the row; an older one is left out.

use da_model::effects::Write;
use da_model::event::{DiscreteEvent, Metric};
use da_model::fault::Rejection;
use da_model::state::{Row, RowKey, Snapshot, Table, Value};

use super::{Decision, Link, Processor};
use crate::folds;
use crate::tables::ITEM_REACTION;

/// The processor.
pub struct ItemReaction;

static LINKS: &[Link] = &[Link::stored("demux.collection.reaction"), Link::stored("demux.assessment.reaction")];

static TABLES: &[&Table] = &[&ITEM_REACTION];

impl Processor for ItemReaction {
    fn name(&self) -> &'static str {
        "item_reaction"
    }

    fn links(&self) -> &'static [Link] {
        LINKS
    }

    fn tables(&self) -> &'static [&'static Table] {
        TABLES
    }

    fn reads(&self, de: &DiscreteEvent<'_>) -> Vec<RowKey> {
        vec![folds::item_key(&ITEM_REACTION, de)]
    }

    fn decide<'r>(&self, de: &DiscreteEvent<'r>, seen: &Snapshot<'_>) -> Result<Decision<'r>, Rejection> {
        let Metric::Reaction(value) = &de.result else {
            return Err(folds::foreign(de));
        };
        let key = folds::item_key(&ITEM_REACTION, de);
        let before = seen.row(&key);
        if folds::is_stale(&ITEM_REACTION, before, de) {
            return Ok(Decision::stale());
        }
        let mut row: Vec<Value> = vec![folds::object_of(de).into(), de.collection_type.as_deref().into()];
        row.extend(folds::scope(de));
        row.push(i64::from(value.reaction).into());
        row.push(i64::from(value.count).into());
        row.extend(folds::tail(&ITEM_REACTION, before, de.revision.into(), de));
        Ok(Decision::stored(vec![Write::set(key, Row(row))]))
    }
}
