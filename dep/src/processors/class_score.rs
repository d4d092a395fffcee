//! class_score: the scores of a class, per course and item kind, moved by every change of its members.
//!
//! Place: one row of [`super::PROCESSORS`]; the reducer is [`crate::rollup`]. Knows no other level.

use da_model::event::MetricKind;
use da_model::ids::TopicName;

use super::Link;
use crate::rollup::{Level, Rollup};
use crate::tables;

static LINKS: &[Link] = &[Link::chained("dep.member.score", EMITS)];

static EMITS: &[TopicName] = &[TopicName("dep.class.score")];

/// The scores of a class.
pub static CLASS_SCORE: Rollup = Rollup {
    name: "class_score",
    level: Level::Class,
    metric: MetricKind::Score,
    links: LINKS,
    emits: EMITS,
    tables: &[&tables::CLASS_SCORE, &tables::CLASS_PART_SCORE],
};
