//! unit_score: the scores of a unit, per learner and item kind, moved by every change of its lessons, and of items without a lesson.
//!
//! Place: one row of [`super::PROCESSORS`]; the reducer is [`crate::rollup`]. Knows no other level.

use da_model::event::MetricKind;
use da_model::ids::TopicName;

use super::Link;
use crate::rollup::{Level, Rollup};
use crate::tables;

static LINKS: &[Link] = &[
    Link::chained("demux.collection.score", EMITS),
    Link::chained("demux.assessment.score", EMITS),
    Link::chained("dep.lesson.score", EMITS),
];

static EMITS: &[TopicName] = &[TopicName("dep.unit.score")];

/// The scores of a unit.
pub static UNIT_SCORE: Rollup = Rollup {
    name: "unit_score",
    level: Level::Unit,
    metric: MetricKind::Score,
    links: LINKS,
    emits: EMITS,
    tables: &[&tables::LEVEL_SCORE, &tables::LEVEL_PART_SCORE],
};
