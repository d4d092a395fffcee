//! unit_timespent: the times of a unit, per learner and item kind, moved by every change of its lessons, and of items without a lesson.
//!
//! Place: one row of [`super::PROCESSORS`]; the reducer is [`crate::rollup`]. Knows no other level.

use da_model::event::MetricKind;
use da_model::ids::TopicName;

use super::Link;
use crate::rollup::{Level, Rollup};
use crate::tables;

static LINKS: &[Link] = &[
    Link::chained("demux.collection.timespent", EMITS),
    Link::chained("demux.assessment.timespent", EMITS),
    Link::chained("dep.lesson.timespent", EMITS),
];

static EMITS: &[TopicName] = &[TopicName("dep.unit.timespent")];

/// The times of a unit.
pub static UNIT_TIMESPENT: Rollup = Rollup {
    name: "unit_timespent",
    level: Level::Unit,
    metric: MetricKind::Timespent,
    links: LINKS,
    emits: EMITS,
    tables: &[&tables::LEVEL_TIME, &tables::LEVEL_PART_TIME],
};
