//! class_view: the views of a class, per course and item kind, moved by every change of its members.
//!
//! Place: one row of [`super::PROCESSORS`]; the reducer is [`crate::rollup`]. Knows no other level.

use da_model::event::MetricKind;
use da_model::ids::TopicName;

use super::Link;
use crate::rollup::{Level, Rollup};
use crate::tables;

static LINKS: &[Link] = &[Link::chained("dep.member.view", EMITS)];

static EMITS: &[TopicName] = &[TopicName("dep.class.view")];

/// The views of a class.
pub static CLASS_VIEW: Rollup = Rollup {
    name: "class_view",
    level: Level::Class,
    metric: MetricKind::View,
    links: LINKS,
    emits: EMITS,
    tables: &[&tables::CLASS_VIEW, &tables::CLASS_PART_VIEW],
};
