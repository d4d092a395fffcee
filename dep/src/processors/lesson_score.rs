//! lesson_score: the scores of a lesson, per learner and item kind, moved by every change of its items.
//!
//! Place: one row of [`super::PROCESSORS`]; the reducer is [`crate::rollup`]. Knows no other level.

use da_model::event::MetricKind;
use da_model::ids::TopicName;

use super::Link;
use crate::rollup::{Level, Rollup};
use crate::tables;

static LINKS: &[Link] =
    &[Link::chained("demux.collection.score", EMITS), Link::chained("demux.assessment.score", EMITS)];

static EMITS: &[TopicName] = &[TopicName("dep.lesson.score")];

/// The scores of a lesson.
pub static LESSON_SCORE: Rollup = Rollup {
    name: "lesson_score",
    level: Level::Lesson,
    metric: MetricKind::Score,
    links: LINKS,
    emits: EMITS,
    tables: &[&tables::LEVEL_SCORE, &tables::LEVEL_PART_SCORE],
};
