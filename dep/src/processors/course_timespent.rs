//! course_timespent: the times of a course, per learner and item kind, moved by every change of its units, and of lessons and items without a unit.
//!
//! Place: one row of [`super::PROCESSORS`]; the reducer is [`crate::rollup`]. The same record goes to the member topic under the class key. Knows no other level.

use da_model::event::MetricKind;
use da_model::ids::TopicName;

use super::Link;
use crate::rollup::{Level, Rollup};
use crate::tables;

static LINKS: &[Link] = &[
    Link::chained("demux.collection.timespent", EMITS),
    Link::chained("demux.assessment.timespent", EMITS),
    Link::chained("dep.lesson.timespent", EMITS),
    Link::chained("dep.unit.timespent", EMITS),
];

static EMITS: &[TopicName] = &[TopicName("dep.course.timespent"), TopicName("dep.member.timespent")];

/// The times of a course.
pub static COURSE_TIMESPENT: Rollup = Rollup {
    name: "course_timespent",
    level: Level::Course,
    metric: MetricKind::Timespent,
    links: LINKS,
    emits: EMITS,
    tables: &[&tables::LEVEL_TIME, &tables::LEVEL_PART_TIME],
};
