//! Where a discrete event enters the chain: at which level, as which part, and under which rows.
//!
//! Place: first step of the reducer. Only track main with a course rolls up; a level whose id is absent is skipped, and
//! the item then enters at the next one. No content metadata is asked yet.

use da_model::event::usage::ObjectKind;
use da_model::event::{DiscreteEvent, MetricKind};
use da_model::state::RowKey;

use super::{Level, Rollup};
use crate::folds::{self, id};

/// One event's place in a roll-up.
pub(super) struct Entry {
    /// The row of the total.
    pub(super) total: RowKey,
    /// The row of the part: of its session where the sessions add up.
    pub(super) part: RowKey,
    /// The row of the part's session, where that is kept beside the part.
    pub(super) session: Option<RowKey>,
    /// The row of the difference said last, where values hold one.
    pub(super) said: Option<RowKey>,
    /// collection or assessment.
    pub(super) item_kind: ObjectKind,
}

/// The columns that name a part.
struct Part<'d> {
    kind: &'static str,
    unit: &'d str,
    lesson: &'d str,
    id: &'d str,
}

impl Entry {
    /// The rows that the reducer must see.
    pub(super) fn keys(self) -> Vec<RowKey> {
        let mut keys = vec![self.total, self.part];
        keys.extend(self.session);
        keys.extend(self.said);
        keys
    }
}

/// The place of an event; `None` where it is not this roll-up's concern.
pub(super) fn of(rollup: &Rollup, de: &DiscreteEvent<'_>) -> Option<Entry> {
    if !folds::rolls_up(de) {
        return None;
    }
    if rollup.level == Level::Class { class_entry(rollup, de) } else { level_entry(rollup, de) }
}

fn class_entry(rollup: &Rollup, de: &DiscreteEvent<'_>) -> Option<Entry> {
    let at = &de.context;
    let (class, learner) = (id(&at.class_id), id(&de.user_id));
    if class.is_empty() || folds::object_of(de) != "member" {
        return None;
    }
    let item_kind = de.item_kind?;
    let (tenant, course, kind) = (&*at.tenant_id, id(&at.course_id), item_kind.code());
    Some(Entry {
        total: RowKey::new(rollup.totals(), &[tenant, class, course, kind]),
        part: RowKey::new(rollup.parts(), &[tenant, class, course, kind, "learner", learner]),
        session: None,
        said: has_delta(rollup).then(|| RowKey::new(rollup.parts(), &[tenant, class, course, kind, "", ""])),
        item_kind,
    })
}

fn level_entry(rollup: &Rollup, de: &DiscreteEvent<'_>) -> Option<Entry> {
    let (level, part) = part_of(de)?;
    if level != rollup.level {
        return None;
    }
    let item = folds::item_kind_of(de);
    let item_kind = item.or(de.item_kind)?;
    let key = |session: &str| part_key(rollup, de, &part, (item_kind, session));
    let sitting = id(&de.context.session_id);
    let (part_key_of, session) = match (item, rollup.metric) {
        (Some(_), MetricKind::Timespent) => (key(sitting), None),
        (Some(_), MetricKind::View) | (Some(ObjectKind::Assessment), MetricKind::Score) => {
            (key(""), Some(key(sitting)))
        }
        _ => (key(""), None),
    };
    let itself = Part { kind: "", unit: "", lesson: "", id: "" };
    let said = has_delta(rollup).then(|| part_key(rollup, de, &itself, (item_kind, "")));
    Some(Entry { total: total_key(rollup, de, item_kind), part: part_key_of, session, said, item_kind })
}

/// Values of time and views say by how much they changed.
fn has_delta(rollup: &Rollup) -> bool {
    matches!(rollup.metric, MetricKind::Timespent | MetricKind::View)
}

/// The level an event enters at, and the part it is of there.
fn part_of<'d>(de: &'d DiscreteEvent<'_>) -> Option<(Level, Part<'d>)> {
    let (unit, lesson) = (id(&de.context.unit_id), id(&de.context.lesson_id));
    let above_lesson = if unit.is_empty() { Level::Course } else { Level::Unit };
    if folds::item_kind_of(de).is_some() {
        let level = if lesson.is_empty() { above_lesson } else { Level::Lesson };
        return Some((level, Part { kind: "item", unit, lesson, id: id(&de.collection_id) }));
    }
    match folds::object_of(de) {
        "lesson" => Some((above_lesson, Part { kind: "lesson", unit: "", lesson: "", id: lesson })),
        "unit" => Some((Level::Course, Part { kind: "unit", unit: "", lesson: "", id: unit })),
        _ => None,
    }
}

fn total_key(rollup: &Rollup, de: &DiscreteEvent<'_>, item_kind: ObjectKind) -> RowKey {
    let at = &de.context;
    let [class, course, unit, lesson] = ids(rollup.level, de);
    let level = rollup.level.code();
    let learner = id(&de.user_id);
    RowKey::new(rollup.totals(), &[&at.tenant_id, learner, class, course, unit, lesson, level, item_kind.code()])
}

fn part_key(rollup: &Rollup, de: &DiscreteEvent<'_>, part: &Part<'_>, (kind, session): (ObjectKind, &str)) -> RowKey {
    let [class, course, unit, lesson] = ids(rollup.level, de);
    let (tenant, learner, level) = (&*de.context.tenant_id, id(&de.user_id), rollup.level.code());
    let Part { kind: part_kind, unit: part_unit, lesson: part_lesson, id: part_id } = *part;
    let total = [tenant, learner, class, course, unit, lesson, level, kind.code()];
    let of_part = [part_kind, part_unit, part_lesson, part_id, session];
    let parts: Vec<&str> = total.into_iter().chain(of_part).collect();
    RowKey::new(rollup.parts(), &parts)
}

/// class, course, unit, lesson of a level; empty below it.
pub(super) fn ids<'d>(level: Level, de: &'d DiscreteEvent<'_>) -> [&'d str; 4] {
    let at = &de.context;
    let (class, course) = (id(&at.class_id), id(&at.course_id));
    match level {
        Level::Lesson => [class, course, id(&at.unit_id), id(&at.lesson_id)],
        Level::Unit => [class, course, id(&at.unit_id), ""],
        Level::Course | Level::Class => [class, course, "", ""],
    }
}
