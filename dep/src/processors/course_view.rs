//! course_view: the views of a course, per learner and item kind, moved by every change of its units, and of lessons and items without a unit.
//!
//! Place: one row of [`super::PROCESSORS`]; the reducer is [`crate::rollup`]. The same record goes to the member topic under the class key. Knows no other level.

use da_model::event::MetricKind;
use da_model::ids::TopicName;

use super::Link;
use crate::rollup::{Level, Rollup};
use crate::tables;

static LINKS: &[Link] = &[
    Link::chained("demux.collection.view", EMITS),
    Link::chained("demux.assessment.view", EMITS),
    Link::chained("dep.lesson.view", EMITS),
    Link::chained("dep.unit.view", EMITS),
];

static EMITS: &[TopicName] = &[TopicName("dep.course.view"), TopicName("dep.member.view")];

/// The views of a course.
pub static COURSE_VIEW: Rollup = Rollup {
    name: "course_view",
    level: Level::Course,
    metric: MetricKind::View,
    links: LINKS,
    emits: EMITS,
    tables: &[&tables::LEVEL_VIEW, &tables::LEVEL_PART_VIEW],
};
