//! Roll-ups lesson → unit → course → member, recomputed from the values of all items below each time.
//!
//! Place: fed with one learner's item-level events in order. A level's value is taken over the items directly, never
//! from the level below: sums of sums are sums (domain.md §8). The class is in `class`.

use std::collections::BTreeMap;

use super::de::{De, Scope, Score, Time, Value, View};
use super::number::{self, ONE};
use super::told::{Id, Place};

/// Metric of a roll-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Metric {
    /// Score.
    Score,
    /// Time.
    Timespent,
    /// Views.
    View,
}

/// Level of a roll-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Lesson.
    Lesson,
    /// Unit.
    Unit,
    /// Course.
    Course,
    /// The learner in the class.
    Member,
    /// The class.
    Class,
}

/// An item in one place: the part of a roll-up.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Part {
    place: Place,
    kind: &'static str,
    item: Id,
}

/// What a part gives now, per session.
#[derive(Debug, Default)]
struct Given {
    holder: Option<Id>,
    score: Option<Score>,
    times: BTreeMap<Id, Time>,
    views: BTreeMap<Id, i64>,
}

/// One learner's roll-ups.
#[derive(Debug, Default)]
pub struct Rollups {
    parts: BTreeMap<Part, Given>,
    published: BTreeMap<(Level, Metric, Place, &'static str), (i64, Value)>,
}

impl Metric {
    fn of(topic: &str) -> Option<Self> {
        match topic.rsplit_once('.')?.1 {
            "score" => Some(Self::Score),
            "timespent" => Some(Self::Timespent),
            "view" => Some(Self::View),
            _ => None,
        }
    }
}

/// The topic of a level and metric.
#[must_use]
pub const fn topic(level: Level, metric: Metric) -> &'static str {
    match (level, metric) {
        (Level::Lesson, Metric::Score) => "dep.lesson.score",
        (Level::Lesson, Metric::Timespent) => "dep.lesson.timespent",
        (Level::Lesson, Metric::View) => "dep.lesson.view",
        (Level::Unit, Metric::Score) => "dep.unit.score",
        (Level::Unit, Metric::Timespent) => "dep.unit.timespent",
        (Level::Unit, Metric::View) => "dep.unit.view",
        (Level::Course, Metric::Score) => "dep.course.score",
        (Level::Course, Metric::Timespent) => "dep.course.timespent",
        (Level::Course, Metric::View) => "dep.course.view",
        (Level::Member, Metric::Score) => "dep.member.score",
        (Level::Member, Metric::Timespent) => "dep.member.timespent",
        (Level::Member, Metric::View) => "dep.member.view",
        (Level::Class, Metric::Score) => "dep.class.score",
        (Level::Class, Metric::Timespent) => "dep.class.timespent",
        (Level::Class, Metric::View) => "dep.class.view",
    }
}

impl Rollups {
    /// Takes one item-level event of demux and says what goes out because of it.
    pub fn apply(&mut self, de: &De) -> Vec<De> {
        let item_level = ["demux.collection.", "demux.assessment."].iter().any(|p| de.topic.starts_with(p));
        let (Some(metric), Some(item), Some(kind)) = (Metric::of(de.topic), &de.item, de.item_kind) else {
            return Vec::new();
        };
        if !item_level || de.scope.track != "main" || de.scope.place.course.is_none() {
            return Vec::new();
        }
        let place = de.scope.place.clone();
        let given = self.parts.entry(Part { place: place.clone(), kind, item: item.clone() }).or_default();
        given.take(de);
        let mut out = Vec::new();
        for (level, at) in levels(&place) {
            let value = self.value((level, metric), &at, kind);
            out.extend(self.publish((level, metric), (at, kind, value), de));
        }
        out
    }

    fn value(&self, (level, metric): (Level, Metric), at: &Place, kind: &'static str) -> Value {
        let below = self.parts.iter().filter(|(part, _)| part.kind == kind && is_below(&part.place, level, at));
        let given = below.map(|(_, given)| given);
        match metric {
            Metric::Score => Value::Score(score(given.filter_map(|g| g.score.as_ref()), kind)),
            Metric::Timespent => Value::Time(given.flat_map(|g| g.times.values()).fold(Time::default(), |sum, t| {
                Time { spent: sum.spent + t.spent, wall: sum.wall + t.wall, visits: sum.visits + t.visits, delta: 0 }
            })),
            Metric::View => Value::View(given.fold(View::default(), |sum, g| {
                let views: i64 = g.views.values().sum();
                View { views: sum.views + views, items: sum.items + i64::from(views > 0), delta: 0 }
            })),
        }
    }

    fn publish(&mut self, of: (Level, Metric), (at, kind, value): (Place, &'static str, Value), de: &De) -> Option<De> {
        let key = (of.0, of.1, at.clone(), kind);
        let before = self.published.get(&key).cloned();
        if before.as_ref().map_or(value.is_nothing(), |(_, b)| value.is_said_by(b)) {
            return None;
        }
        let result = value.with_delta(before.as_ref().map(|(_, b)| b));
        let revision = before.as_ref().map_or(1, |(r, _)| r + 1);
        self.published.insert(key, (revision, result.clone()));
        let user = de.user.clone().unwrap_or_default();
        let entity = entity(of.0, &at, &user, kind);
        Some(rolled(de, topic(of.0, of.1), (entity, at, kind), (revision, result, before.map(|(_, b)| b))))
    }
}

/// A roll-up event caused by another event.
#[must_use]
pub fn rolled(
    de: &De,
    topic: &'static str,
    (entity, place, kind): (Vec<Id>, Place, &'static str),
    (revision, result, previous): (i64, Value, Option<Value>),
) -> De {
    De {
        topic,
        entity,
        revision,
        origin: de.origin.clone(),
        activity: de.activity,
        date: de.date,
        cause: "rollup",
        user: if topic.starts_with("dep.class") { None } else { de.user.clone() },
        session: None,
        item: None,
        item_kind: Some(kind),
        item_word: None,
        resource: None,
        resource_kind: None,
        scope: Scope { place, track: "main", path_id: 0 },
        attempt: None,
        carried: std::sync::Arc::default(),
        result,
        previous,
    }
}

impl Given {
    fn take(&mut self, de: &De) {
        let session = de.session.clone().unwrap_or_default();
        match &de.result {
            Value::Time(time) => {
                self.times.insert(session, *time);
            }
            Value::View(view) => {
                self.views.insert(session, view.views);
            }
            Value::Score(score) => {
                let holds = score.latest != Some(false) || self.holder.as_ref() == Some(&session);
                if holds {
                    self.score = score.raw.map(|_| score.clone());
                    self.holder = Some(session);
                }
            }
            Value::Reaction(_) => {}
        }
    }
}

/// Levels an item enters, from below; a level whose id is absent is skipped.
fn levels(place: &Place) -> Vec<(Level, Place)> {
    let Place { class, course, unit, lesson } = place.clone();
    let course_place = Place { class: class.clone(), course, unit: None, lesson: None };
    let mut list = Vec::new();
    if lesson.is_some() {
        list.push((Level::Lesson, place.clone()));
    }
    if unit.is_some() {
        list.push((Level::Unit, Place { unit, ..course_place.clone() }));
    }
    list.push((Level::Course, course_place.clone()));
    if class.is_some() {
        list.push((Level::Member, course_place));
    }
    list
}

fn is_below(item: &Place, level: Level, at: &Place) -> bool {
    let same_course = item.class == at.class && item.course == at.course;
    match level {
        Level::Lesson => item == at,
        Level::Unit => same_course && item.unit == at.unit,
        Level::Course | Level::Member | Level::Class => same_course,
    }
}

/// Assessments: the mean of percents; collections: the ratio of sums.
fn score<'s>(scores: impl Iterator<Item = &'s Score>, kind: &str) -> Score {
    let (mut raw, mut max, mut count) = (0, 0, 0);
    for score in scores {
        let (r, m) = if kind == "assessment" {
            (score.percent.unwrap_or(0) * (ONE / 100), 100 * ONE)
        } else {
            (score.raw.unwrap_or(0), score.max.unwrap_or(0))
        };
        raw += r;
        max += m;
        count += 1;
    }
    of_sums(raw, max, count)
}

/// A roll-up score from its sums; null without a part.
#[must_use]
pub fn of_sums(raw: i128, max: i128, count: i64) -> Score {
    let some = count > 0;
    Score {
        percent: number::percent(raw, max),
        raw: some.then_some(raw),
        max: some.then_some(max),
        graded: some,
        count: Some(count),
        ..Score::default()
    }
}

fn entity(level: Level, at: &Place, user: &Id, kind: &'static str) -> Vec<Id> {
    let part = |id: &Option<Id>| id.clone().unwrap_or_default();
    let (class, course) = (part(&at.class), part(&at.course));
    match level {
        Level::Lesson | Level::Unit | Level::Course => {
            vec![user.clone(), class, course, part(&at.unit), part(&at.lesson), kind.into()]
        }
        Level::Member => vec![class, course, user.clone(), kind.into()],
        Level::Class => vec![class, course, kind.into()],
    }
}
