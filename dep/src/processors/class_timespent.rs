//! class_timespent: the times of a class, per course and item kind, moved by every change of its members.
//!
//! Place: one row of [`super::PROCESSORS`]; the reducer is [`crate::rollup`]. Knows no other level.

use da_model::event::MetricKind;
use da_model::ids::TopicName;

use super::Link;
use crate::rollup::{Level, Rollup};
use crate::tables;

static LINKS: &[Link] = &[Link::chained("dep.member.timespent", EMITS)];

static EMITS: &[TopicName] = &[TopicName("dep.class.timespent")];

/// The times of a class.
pub static CLASS_TIMESPENT: Rollup = Rollup {
    name: "class_timespent",
    level: Level::Class,
    metric: MetricKind::Timespent,
    links: LINKS,
    emits: EMITS,
    tables: &[&tables::CLASS_TIME, &tables::CLASS_PART_TIME],
};
