//! lesson_view: the views of a lesson, per learner and item kind, moved by every change of its items.
//!
//! Place: one row of [`super::PROCESSORS`]; the reducer is [`crate::rollup`]. Knows no other level.

use da_model::event::MetricKind;
use da_model::ids::TopicName;

use super::Link;
use crate::rollup::{Level, Rollup};
use crate::tables;

static LINKS: &[Link] = &[Link::chained("demux.collection.view", EMITS), Link::chained("demux.assessment.view", EMITS)];

static EMITS: &[TopicName] = &[TopicName("dep.lesson.view")];

/// The views of a lesson.
pub static LESSON_VIEW: Rollup = Rollup {
    name: "lesson_view",
    level: Level::Lesson,
    metric: MetricKind::View,
    links: LINKS,
    emits: EMITS,
    tables: &[&tables::LEVEL_VIEW, &tables::LEVEL_PART_VIEW],
};
