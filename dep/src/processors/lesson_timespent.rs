//! lesson_timespent: the times of a lesson, per learner and item kind, moved by every change of its items.
//!
//! Place: one row of [`super::PROCESSORS`]; the reducer is [`crate::rollup`]. Knows no other level.

use da_model::event::MetricKind;
use da_model::ids::TopicName;

use super::Link;
use crate::rollup::{Level, Rollup};
use crate::tables;

static LINKS: &[Link] =
    &[Link::chained("demux.collection.timespent", EMITS), Link::chained("demux.assessment.timespent", EMITS)];

static EMITS: &[TopicName] = &[TopicName("dep.lesson.timespent")];

/// The times of a lesson.
pub static LESSON_TIMESPENT: Rollup = Rollup {
    name: "lesson_timespent",
    level: Level::Lesson,
    metric: MetricKind::Timespent,
    links: LINKS,
    emits: EMITS,
    tables: &[&tables::LEVEL_TIME, &tables::LEVEL_PART_TIME],
};
