//! study_time: time at resources and items of a session, and what each change of it adds to the learner's day.
//!
//! Place: one row of [`super::PROCESSORS`]. One processor for three tables, because the stored time of the key is what
//! makes a day's share exact. Time in lessons and above is the roll-ups'.

use da_model::effects::Write;
use da_model::event::{DiscreteEvent, item_word};
use da_model::fault::Rejection;
use da_model::state::{Row, RowKey, Snapshot, Table, Value};

use super::{Decision, Link, Processor};
use crate::folds;
use crate::tables::{DAY_TIME, ITEM_TIME, RESOURCE_TIME};

/// The processor.
pub struct StudyTime;

static LINKS: &[Link] = &[
    Link::stored("demux.resource.timespent"),
    Link::stored("demux.question.timespent"),
    Link::stored("demux.collection.timespent"),
    Link::stored("demux.assessment.timespent"),
];

static TABLES: &[&Table] = &[&RESOURCE_TIME, &ITEM_TIME, &DAY_TIME];

/// Position of the client's word in `item_time`.
const TYPE: usize = 1;
/// Position of the counted time in `resource_time` and in `item_time`.
const RESOURCE_MS: usize = 7;
const ITEM_MS: usize = 8;

/// What one DE is about: its own row, and its day where it counts there.
struct Target {
    table: &'static Table,
    key: RowKey,
    day: Option<RowKey>,
}

impl Processor for StudyTime {
    fn name(&self) -> &'static str {
        "study_time"
    }

    fn links(&self) -> &'static [Link] {
        LINKS
    }

    fn tables(&self) -> &'static [&'static Table] {
        TABLES
    }

    fn reads(&self, de: &DiscreteEvent<'_>) -> Vec<RowKey> {
        let target = target(de);
        std::iter::once(target.key).chain(target.day).collect()
    }

    fn decide<'r>(&self, de: &DiscreteEvent<'r>, seen: &Snapshot<'_>) -> Result<Decision<'r>, Rejection> {
        let [time, wall, visits] = folds::time_of(de)?;
        let Target { table, key, day } = target(de);
        let before = seen.row(&key);
        if folds::is_stale(table, before, de) {
            return Ok(Decision::stale());
        }
        let mut row = vec![folds::object_of(de).into()];
        if table == &RESOURCE_TIME {
            row.extend(folds::scope(de));
            row.extend([time.into(), wall.into(), visits.into()]);
        } else {
            row.push(de.collection_type.as_deref().into());
            row.extend(folds::scope(de));
            row.extend([time.into(), wall.into()]);
        }
        row.extend(folds::tail(table, before, de.revision.into(), de));
        let share = time - counted(table, before);
        let mut writes = vec![Write::set(key, Row(row))];
        writes.extend(day.map(|day| add_to_day(day, share, de, seen)));
        Ok(Decision::stored(writes))
    }
}

/// Resources count on their day; an item only where it is external, else its resources did already.
fn target(de: &DiscreteEvent<'_>) -> Target {
    if folds::item_kind_of(de).is_some() {
        let external = item_word::is_external(folds::id(&de.collection_type));
        let day = external.then(|| folds::day_key(&DAY_TIME, de, folds::object_of(de)));
        return Target { table: &ITEM_TIME, key: folds::item_key(&ITEM_TIME, de), day };
    }
    let kind = item_word::kind_of(folds::id(&de.context.collection_type)).map_or("", |kind| kind.code());
    let day = Some(folds::day_key(&DAY_TIME, de, kind));
    Target { table: &RESOURCE_TIME, key: folds::resource_key(&RESOURCE_TIME, de), day }
}

/// The time that the row gave to days so far.
fn counted(table: &Table, before: Option<&Row>) -> i64 {
    let Some(row) = before else {
        return 0;
    };
    if table == &RESOURCE_TIME {
        return row.int(RESOURCE_MS).unwrap_or(0);
    }
    if row.text(TYPE).is_some_and(item_word::is_external) { row.int(ITEM_MS).unwrap_or(0) } else { 0 }
}

fn add_to_day(day: RowKey, share: i64, de: &DiscreteEvent<'_>, seen: &Snapshot<'_>) -> Write {
    let before = seen.row(&day);
    let total = before.and_then(|row| row.int(0)).unwrap_or(0).saturating_add(share);
    let mut row: Vec<Value> = vec![total.into()];
    row.extend(folds::tail(&DAY_TIME, before, folds::revision_of(&DAY_TIME, before) + 1, de));
    Write::set(day, Row(row))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_those_of_the_descriptors() {
        let name = |table: &Table, at: usize| table.values.get(at).map(|c| c.name);
        assert_eq!(name(&RESOURCE_TIME, RESOURCE_MS), Some("time_ms"));
        assert_eq!(name(&ITEM_TIME, ITEM_MS), Some("time_ms"));
        assert_eq!(name(&ITEM_TIME, TYPE), Some("type"));
    }
}
