//! item_view: views of a session of an item, of the item in its scope, and of the learner's day.
//!
//! Place: one row of [`super::PROCESSORS`]. One processor for three tables, because the stored views of the session are
//! what makes the two sums exact. When a session counts as viewed was GEP's to say.

use da_model::effects::Write;
use da_model::event::{DiscreteEvent, Metric};
use da_model::fault::Rejection;
use da_model::state::{Row, RowKey, Snapshot, Table, Value};

use super::{Decision, Link, Processor};
use crate::folds;
use crate::tables::{DAY_VIEW, ITEM_VIEW, LEARNER_ITEM_VIEW};

/// The processor.
pub struct ItemView;

static LINKS: &[Link] = &[Link::stored("demux.collection.view"), Link::stored("demux.assessment.view")];

static TABLES: &[&Table] = &[&ITEM_VIEW, &LEARNER_ITEM_VIEW, &DAY_VIEW];

/// Positions in `item_view`.
const VIEWS: usize = 8;
const STARTED_AT: usize = 9;
const STOPPED_AT: usize = 10;
const LOCAL_DATE: usize = 11;

impl Processor for ItemView {
    fn name(&self) -> &'static str {
        "item_view"
    }

    fn links(&self) -> &'static [Link] {
        LINKS
    }

    fn tables(&self) -> &'static [&'static Table] {
        TABLES
    }

    fn reads(&self, de: &DiscreteEvent<'_>) -> Vec<RowKey> {
        keys(de).to_vec()
    }

    fn decide<'r>(&self, de: &DiscreteEvent<'r>, seen: &Snapshot<'_>) -> Result<Decision<'r>, Rejection> {
        let Metric::View(value) = &de.result else {
            return Err(folds::foreign(de));
        };
        let [session, item, day] = keys(de);
        let before = seen.row(&session);
        if folds::is_stale(&ITEM_VIEW, before, de) {
            return Ok(Decision::stale());
        }
        let moved = value.views - before.and_then(|row| row.int(VIEWS)).unwrap_or(0);
        Ok(Decision::stored(vec![
            Write::set(session, session_row(value.views, before, de)),
            add(item, &LEARNER_ITEM_VIEW, moved, (de, seen)),
            add(day, &DAY_VIEW, moved, (de, seen)),
        ]))
    }
}

fn keys(de: &DiscreteEvent<'_>) -> [RowKey; 3] {
    [
        folds::item_key(&ITEM_VIEW, de),
        folds::learner_item_key(&LEARNER_ITEM_VIEW, de),
        folds::day_key(&DAY_VIEW, de, folds::object_of(de)),
    ]
}

/// The first DE of a session sets when it was opened or closed, and its date; later ones leave both.
fn session_row(views: i64, before: Option<&Row>, de: &DiscreteEvent<'_>) -> Row {
    let first = |at: usize, applies: bool| match before {
        Some(row) => row.int(at),
        None => applies.then_some(de.activity_time.0),
    };
    let is_collection = folds::object_of(de) == "collection";
    let date = before.and_then(|row| row.int(LOCAL_DATE)).unwrap_or_else(|| i64::from(de.local_date.0));
    let mut row: Vec<Value> = vec![folds::object_of(de).into(), de.collection_type.as_deref().into()];
    row.extend(folds::scope(de));
    row.push(views.into());
    row.push(first(STARTED_AT, is_collection).into());
    row.push(first(STOPPED_AT, !is_collection).into());
    row.push(date.into());
    row.extend(folds::tail(&ITEM_VIEW, before, de.revision.into(), de));
    Row(row)
}

/// Moves a sum of views; a learner's item also says its kind.
fn add(key: RowKey, table: &Table, moved: i64, (de, seen): (&DiscreteEvent<'_>, &Snapshot<'_>)) -> Write {
    let before = seen.row(&key);
    let kind = (table == &LEARNER_ITEM_VIEW).then(|| Value::from(folds::object_of(de)));
    let stored = before.and_then(|row| row.int(usize::from(kind.is_some()))).unwrap_or(0);
    let mut row: Vec<Value> = kind.into_iter().collect();
    row.push(stored.saturating_add(moved).into());
    row.extend(folds::tail(table, before, folds::revision_of(table, before) + 1, de));
    Write::set(key, Row(row))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_those_of_the_descriptors() {
        let name = |at: usize| ITEM_VIEW.values.get(at).map(|c| c.name);
        assert_eq!(name(VIEWS), Some("views"));
        assert_eq!(name(STARTED_AT), Some("started_at"));
        assert_eq!(name(STOPPED_AT), Some("stopped_at"));
        assert_eq!(name(LOCAL_DATE), Some("local_date"));
        assert_eq!(LEARNER_ITEM_VIEW.values.get(1).map(|c| c.name), Some("views"));
        assert_eq!(DAY_VIEW.values.first().map(|c| c.name), Some("views"));
    }
}
