//! What a part gives to its level: stored per part, so that only the difference moves the total.
//!
//! Place: second step of the reducer. Says what the part gave before and gives now; goes by what is stored where the
//! event's `previous` says something else.

use da_model::effects::Write;
use da_model::event::discrete::ScoreValue;
use da_model::event::{DiscreteEvent, Metric, MetricKind};
use da_model::score::Points;
use da_model::state::{Row, Snapshot, Value};

use super::entry::Entry;
use super::{Level, Rollup, Sums};
use crate::folds;

/// How a part's contribution moved.
pub(super) struct Moved {
    /// What it gave.
    pub(super) before: Sums,
    /// What it gives.
    pub(super) after: Sums,
    /// The part's rows.
    pub(super) writes: Vec<Write>,
    /// Whether the event's `previous` differs from what was stored.
    pub(super) mismatch: bool,
}

const NOTHING: Sums = [0; 3];

/// Position of the contributing session in the part tables of scores.
const SESSION: usize = 3;

/// The move that an event makes; `None` where its revision was applied before.
pub(super) fn settle(rollup: &Rollup, entry: &Entry, de: &DiscreteEvent<'_>, seen: &Snapshot<'_>) -> Option<Moved> {
    let guard = entry.session.as_ref().unwrap_or(&entry.part);
    if folds::is_stale(rollup.parts(), seen.row(guard), de) {
        return None;
    }
    Some(match (&entry.session, &de.result) {
        (Some(_), Metric::Score(score)) => latest(rollup, entry, (score, de), seen),
        (Some(_), _) => summed(rollup, entry, de, seen),
        (None, _) => single(rollup, entry, de, seen),
    })
}

/// The event's own value is the contribution.
fn single(rollup: &Rollup, entry: &Entry, de: &DiscreteEvent<'_>, seen: &Snapshot<'_>) -> Moved {
    let row = seen.row(&entry.part);
    let (before, after) = (sums(rollup, row), given(rollup, de, Some(&de.result)));
    let mismatch = given(rollup, de, de.previous.as_ref()) != before;
    let write = Write::set(entry.part.clone(), part_row(rollup, (after, ""), row, (de, i64::from(de.revision))));
    Moved { before, after, writes: vec![write], mismatch }
}

/// Views of an item: the sessions add up, and the item counts once while it has any view.
fn summed(rollup: &Rollup, entry: &Entry, de: &DiscreteEvent<'_>, seen: &Snapshot<'_>) -> Moved {
    let whole = seen.row(&entry.part);
    let sitting = entry.session.as_ref().and_then(|key| seen.row(key));
    let [was, ..] = sums(rollup, sitting);
    let [is, ..] = given(rollup, de, Some(&de.result));
    let [expected, ..] = given(rollup, de, de.previous.as_ref());
    let before = sums(rollup, whole);
    let views = before[0] + is - was;
    let after = [views, i64::from(views > 0), 0];
    let revision = folds::revision_of(rollup.parts(), whole) + 1;
    let mut writes = vec![Write::set(entry.part.clone(), part_row(rollup, (after, ""), whole, (de, revision)))];
    writes.extend(entry.session.clone().map(|key| {
        let session = [is, i64::from(is > 0), 0];
        Write::set(key, part_row(rollup, (session, ""), sitting, (de, i64::from(de.revision))))
    }));
    Moved { before, after, writes, mismatch: expected != was }
}

/// The score of an assessment: that of its latest session alone.
///
/// A session that loses the mark gets no event, so the one that gains it takes over, and an event without a score takes
/// the contribution back only where it is of the contributing session.
fn latest(
    rollup: &Rollup,
    entry: &Entry,
    (score, de): (&ScoreValue<'_>, &DiscreteEvent<'_>),
    seen: &Snapshot<'_>,
) -> Moved {
    let row = seen.row(&entry.part);
    let before = sums(rollup, row);
    let sitting = folds::id(&de.context.session_id);
    let contributes = row.and_then(|row| row.text(SESSION)) == Some(sitting);
    let (after, session) = match of_latest(score) {
        Some(after) => (after, sitting),
        None if contributes => (NOTHING, ""),
        None => (before, row.and_then(|row| row.text(SESSION)).unwrap_or("")),
    };
    let expected = match &de.previous {
        Some(Metric::Score(previous)) => of_latest(previous).unwrap_or(NOTHING),
        _ => NOTHING,
    };
    let mut writes = Vec::with_capacity(2);
    if of_latest(score).is_some() || contributes {
        let revision = i64::from(de.revision);
        writes.push(Write::set(entry.part.clone(), part_row(rollup, (after, session), row, (de, revision))));
    }
    writes.extend(entry.session.clone().map(|key| {
        let sitting = seen.row(&key);
        Write::set(key, part_row(rollup, (NOTHING, ""), sitting, (de, i64::from(de.revision))))
    }));
    Moved { before, after, writes, mismatch: contributes && expected != before }
}

/// Percent of 100, where the session is the latest and has a score.
fn of_latest(score: &ScoreValue<'_>) -> Option<Sums> {
    let percent = score.score.filter(|_| score.latest == Some(true))?;
    Some([percent.as_points().0, Points::whole(100).0, 1])
}

/// What a value gives; an absent one, and a null score, give nothing.
fn given(rollup: &Rollup, de: &DiscreteEvent<'_>, value: Option<&Metric<'_>>) -> Sums {
    match value {
        Some(Metric::Score(score)) => points(rollup, score, folds::item_kind_of(de).is_some()),
        Some(Metric::Timespent(time)) => [time.time_spent, time.wall_time, i64::from(time.visits)],
        Some(Metric::View(view)) => [view.views, i64::from(view.items), 0],
        Some(Metric::Reaction(_) | Metric::Competency(_)) | None => NOTHING,
    }
}

/// An item counts once, a level as many items as it holds, a member by its percent.
fn points(rollup: &Rollup, score: &ScoreValue<'_>, is_item: bool) -> Sums {
    let (Some(percent), Some(raw), Some(max)) = (score.score, score.raw, score.max) else {
        return NOTHING;
    };
    if rollup.level == Level::Class {
        return [percent.as_points().0, Points::whole(100).0, 1];
    }
    [raw.0, max.0, if is_item { 1 } else { i64::from(score.count.unwrap_or(0)) }]
}

/// The sums that a row of totals or parts holds first; a missing row holds nothing.
pub(super) fn sums(rollup: &Rollup, row: Option<&Row>) -> Sums {
    let at = |n: usize| row.and_then(|row| row.int(n)).unwrap_or(0);
    [at(0), at(1), if rollup.metric == MetricKind::View { 0 } else { at(2) }]
}

/// The sums as the first values of a row: of a score that counts nothing, raw and max are unknown and not 0.
pub(super) fn columns(rollup: &Rollup, [a, b, c]: Sums) -> Vec<Value> {
    match rollup.metric {
        MetricKind::Score if c == 0 => vec![Value::Null, Value::Null, 0.into()],
        MetricKind::View => vec![a.into(), b.into()],
        MetricKind::Score | MetricKind::Timespent | MetricKind::Reaction | MetricKind::Competency => {
            vec![a.into(), b.into(), c.into()]
        }
    }
}

fn part_row(
    rollup: &Rollup,
    (given, session): (Sums, &str),
    before: Option<&Row>,
    (de, revision): (&DiscreteEvent<'_>, i64),
) -> Row {
    let mut row = columns(rollup, given);
    if rollup.metric == MetricKind::Score {
        row.push(session.into());
    }
    row.extend(folds::tail(rollup.parts(), before, revision, de));
    Row(row)
}
