//! The total of a level after a part moved, and the discrete events that say so.
//!
//! Place: last step of the reducer. An equal total is not said again; a first total that is null, or 0 views, is neither
//! stored nor said. The causing event's id, time and date go with it; the rest follows from the level alone.

use std::borrow::Cow;

use da_model::effects::{Emit, Key, Write};
use da_model::event::discrete::{ScoreValue, TimeValue, ViewValue};
use da_model::event::usage::Track;
use da_model::event::{Cause, Context, DiscreteEvent, Event, Metric, MetricKind};
use da_model::identity::id_of;
use da_model::ids::{Text, TopicName, UnitName};
use da_model::key::class_key;
use da_model::score::{Percent, Points};
use da_model::state::{Row, Snapshot};

use super::entry::{Entry, ids};
use super::parts::{columns, sums};
use super::{Level, Rollup, Sums, moved};
use crate::folds::{self, id};
use crate::processors::Decision;

/// A total that changed: the sums before with the difference said of them, and the sums now.
struct Change {
    before: Option<(Sums, i64)>,
    after: Sums,
    revision: i32,
}

/// Moves the total from what the part gave to what it gives, and says so where that changed it.
pub(super) fn publish<'r>(
    rollup: &Rollup,
    entry: &Entry,
    (gave, gives): (Sums, Sums),
    (de, seen): (&DiscreteEvent<'r>, &Snapshot<'_>),
) -> Decision<'r> {
    let row = seen.row(&entry.total);
    let before = sums(rollup, row);
    let after = moved(before, gave, gives);
    let stored = folds::revision_of(rollup.totals(), row);
    if row.is_none() && !worth_saying(rollup, after) {
        return Decision::none();
    }
    if row.is_some() && before == after {
        return Decision::stored(vec![Write::set(entry.total.clone(), total_row(rollup, after, row, (de, stored)))]);
    }
    let revision = stored + 1;
    let said = entry.said.as_ref().and_then(|key| seen.row(key));
    let last_delta = said.and_then(|row| row.int(0)).unwrap_or(0);
    let change = Change {
        before: row.map(|_| (before, last_delta)),
        after,
        revision: i32::try_from(revision).unwrap_or(i32::MAX),
    };
    let mut decision =
        Decision::stored(vec![Write::set(entry.total.clone(), total_row(rollup, after, row, (de, revision)))]);
    decision.writes.extend(entry.said.clone().map(|key| {
        let mut delta = columns(rollup, [after[0] - before[0], 0, 0]);
        delta.extend(folds::tail(rollup.parts(), said, revision, de));
        Write::set(key, Row(delta))
    }));
    let has_class = !id(&de.context.class_id).is_empty();
    let topics = rollup.emits.iter().filter(|topic| has_class || !is_member(**topic));
    decision.emits.extend(topics.map(|topic| {
        let event = event(rollup, *topic, (entry, &change), de);
        emit(rollup, *topic, named(rollup, *topic, event, (entry, de)))
    }));
    decision
}

/// The records that would say a change of this total on these topics, without ids.
pub(super) fn heralds<'r>(
    rollup: &Rollup,
    topics: &[TopicName],
    (entry, de): (&Entry, &DiscreteEvent<'r>),
) -> Vec<Emit<'r>> {
    let change = Change { before: None, after: [0; 3], revision: 0 };
    let topics = rollup.emits.iter().filter(|topic| topics.contains(topic));
    topics.map(|topic| emit(rollup, *topic, event(rollup, *topic, (entry, &change), de))).collect()
}

fn worth_saying(rollup: &Rollup, [first, _, count]: Sums) -> bool {
    match rollup.metric {
        MetricKind::Score => count != 0,
        MetricKind::View => first != 0,
        MetricKind::Timespent | MetricKind::Reaction | MetricKind::Competency => true,
    }
}

fn total_row(rollup: &Rollup, after: Sums, before: Option<&Row>, (de, revision): (&DiscreteEvent<'_>, i64)) -> Row {
    let mut row = columns(rollup, after);
    if rollup.metric == MetricKind::Score {
        row.push(percent(after).map(|percent| percent.0).into());
    }
    row.extend(folds::tail(rollup.totals(), before, revision, de));
    Row(row)
}

fn emit<'r>(rollup: &Rollup, topic: TopicName, event: DiscreteEvent<'r>) -> Emit<'r> {
    let at = &event.context;
    let key = if is_member(topic) { Key::Own(class_key(&at.tenant_id, id(&at.class_id))) } else { Key::Inherited };
    Emit { unit: UnitName(rollup.name), topic, key, event: Event::Discrete(Box::new(event)), depth: 0 }
}

fn event<'r>(
    rollup: &Rollup,
    topic: TopicName,
    (entry, change): (&Entry, &Change),
    de: &DiscreteEvent<'r>,
) -> DiscreteEvent<'r> {
    DiscreteEvent {
        event_name: Cow::Owned(format!("usage.{}", topic.0.strip_prefix("dep.").unwrap_or(topic.0))),
        de_id: Default::default(),
        revision: change.revision,
        event_id: de.event_id.clone(),
        event_key: de.event_key,
        activity_time: de.activity_time,
        local_date: de.local_date,
        cause: Cause::Rollup,
        user_id: de.user_id.clone().filter(|_| rollup.level != Level::Class),
        resource_id: None,
        resource_type: None,
        collection_id: None,
        collection_type: None,
        item_kind: Some(entry.item_kind),
        code: None,
        context: context(rollup.level, &de.context),
        result: value(rollup.metric, change.after, change.after[0] - change.before.map_or(0, |([was, ..], _)| was)),
        previous: change.before.map(|(before, delta)| value(rollup.metric, before, delta)),
    }
}

/// The event with the id of what a level says of itself, or of a learner to the class.
fn named<'r>(
    rollup: &Rollup,
    topic: TopicName,
    mut event: DiscreteEvent<'r>,
    (entry, de): (&Entry, &DiscreteEvent<'_>),
) -> DiscreteEvent<'r> {
    let (tenant, learner, kind) = (&*de.context.tenant_id, id(&de.user_id), entry.item_kind.code());
    let [class, course, unit, lesson] = ids(rollup.level, de);
    let (name, revision) = (&*event.event_name, &event.revision.to_string());
    event.de_id = if is_member(topic) {
        id_of(&[name, tenant, class, course, learner, kind, revision])
    } else if rollup.level == Level::Class {
        id_of(&[name, tenant, class, course, kind, revision])
    } else {
        id_of(&[name, tenant, learner, class, course, unit, lesson, kind, revision])
    };
    event
}

fn is_member(topic: TopicName) -> bool {
    topic.0.starts_with("dep.member.")
}

/// The value of a total, with the difference that it says or said.
fn value<'v>(metric: MetricKind, [a, b, c]: Sums, delta: i64) -> Metric<'v> {
    let whole = |n: i64| i32::try_from(n).unwrap_or(i32::MAX);
    match metric {
        MetricKind::Timespent => Metric::Timespent(TimeValue { time_spent: a, delta, wall_time: b, visits: whole(c) }),
        MetricKind::View => Metric::View(ViewValue { views: a, delta, items: whole(b) }),
        MetricKind::Score | MetricKind::Reaction | MetricKind::Competency => Metric::Score(ScoreValue {
            score: percent([a, b, c]),
            raw: (c != 0).then_some(Points(a)),
            max: (c != 0).then_some(Points(b)),
            graded: c != 0,
            count: Some(whole(c)),
            ..ScoreValue::default()
        }),
    }
}

fn percent([raw, max, count]: Sums) -> Option<Percent> {
    (count != 0).then(|| Percent::of(Points(raw), Points(max))).flatten()
}

fn context<'r>(level: Level, at: &Context<'r>) -> Context<'r> {
    let within = |text: &Option<Text<'r>>, applies: bool| text.clone().filter(|_| applies);
    Context {
        tenant_id: at.tenant_id.clone(),
        partner_id: None,
        class_id: at.class_id.clone(),
        course_id: at.course_id.clone(),
        unit_id: within(&at.unit_id, matches!(level, Level::Lesson | Level::Unit)),
        lesson_id: within(&at.lesson_id, level == Level::Lesson),
        collection_id: None,
        collection_type: None,
        session_id: None,
        attempt: None,
        track: Track::Main,
        path_id: 0,
        path_type: None,
        question_count: None,
        content_source: None,
        context_collection_id: None,
        context_collection_type: None,
        additional_context: None,
        client_source: None,
    }
}
