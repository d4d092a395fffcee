//! course_score: the scores of a course, per learner and item kind, moved by every change of its units, and of lessons and items without a unit.
//!
//! Place: one row of [`super::PROCESSORS`]; the reducer is [`crate::rollup`]. The same record goes to the member topic under the class key. Knows no other level.

use da_model::event::MetricKind;
use da_model::ids::TopicName;

use super::Link;
use crate::rollup::{Level, Rollup};
use crate::tables;

static LINKS: &[Link] = &[
    Link::chained("demux.collection.score", EMITS),
    Link::chained("demux.assessment.score", EMITS),
    Link::chained("dep.lesson.score", EMITS),
    Link::chained("dep.unit.score", EMITS),
];

static EMITS: &[TopicName] = &[TopicName("dep.course.score"), TopicName("dep.member.score")];

/// The scores of a course.
pub static COURSE_SCORE: Rollup = Rollup {
    name: "course_score",
    level: Level::Course,
    metric: MetricKind::Score,
    links: LINKS,
    emits: EMITS,
    tables: &[&tables::LEVEL_SCORE, &tables::LEVEL_PART_SCORE],
};
