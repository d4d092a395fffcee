//! The descriptors of every table that dep owns, in the order of their migrations.
//!
//! Place: beside their owners, the processors; SQL is built from them elsewhere. Views are no tables: they lie with the
//! migrations alone.

mod base;
mod levels;

pub use base::{
    ASSESSMENT_SCORE, DAY_TIME, DAY_VIEW, ITEM_REACTION, ITEM_TIME, ITEM_VIEW, LEARNER_ITEM_SCORE, LEARNER_ITEM_VIEW,
    QUESTION_SCORE, RESOURCE_REACTION, RESOURCE_TIME,
};
pub use levels::{
    CLASS_PART_SCORE, CLASS_PART_TIME, CLASS_PART_VIEW, CLASS_SCORE, CLASS_TIME, CLASS_VIEW, LEVEL_PART_SCORE,
    LEVEL_PART_TIME, LEVEL_PART_VIEW, LEVEL_SCORE, LEVEL_TIME, LEVEL_VIEW,
};

use da_model::state::Table;

/// Every table of dep.
#[must_use]
pub fn tables() -> Vec<&'static Table> {
    vec![
        &RESOURCE_TIME,
        &RESOURCE_REACTION,
        &QUESTION_SCORE,
        &ITEM_TIME,
        &ITEM_REACTION,
        &ITEM_VIEW,
        &ASSESSMENT_SCORE,
        &LEARNER_ITEM_SCORE,
        &LEARNER_ITEM_VIEW,
        &DAY_TIME,
        &DAY_VIEW,
        &LEVEL_SCORE,
        &LEVEL_TIME,
        &LEVEL_VIEW,
        &LEVEL_PART_SCORE,
        &LEVEL_PART_TIME,
        &LEVEL_PART_VIEW,
        &CLASS_SCORE,
        &CLASS_TIME,
        &CLASS_VIEW,
        &CLASS_PART_SCORE,
        &CLASS_PART_TIME,
        &CLASS_PART_VIEW,
    ]
}
