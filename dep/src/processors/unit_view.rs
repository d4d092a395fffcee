//! unit_view: the views of a unit, per learner and item kind, moved by every change of its lessons, and of items without a lesson.
//!
//! Place: one row of [`super::PROCESSORS`]; the reducer is [`crate::rollup`]. Knows no other level.

use da_model::event::MetricKind;
use da_model::ids::TopicName;

use super::Link;
use crate::rollup::{Level, Rollup};
use crate::tables;

static LINKS: &[Link] = &[
    Link::chained("demux.collection.view", EMITS),
    Link::chained("demux.assessment.view", EMITS),
    Link::chained("dep.lesson.view", EMITS),
];

static EMITS: &[TopicName] = &[TopicName("dep.unit.view")];

/// The views of a unit.
pub static UNIT_VIEW: Rollup = Rollup {
    name: "unit_view",
    level: Level::Unit,
    metric: MetricKind::View,
    links: LINKS,
    emits: EMITS,
    tables: &[&tables::LEVEL_VIEW, &tables::LEVEL_PART_VIEW],
};
