//! dep: folds discrete events into the tables that analysts read, and emits what follows for the level above.
//!
//! Edit when a table, a roll-up or a processor changes. Read first: [`pipeline`], [`processors`]. Test alone with
//! `cargo test -p dep --no-default-features`. Does not belong here: dedupe, scoring of answers, anything of GEP or demux.
//!
//! ```text
//! demux.* ─▶ base processors ─▶ resource_*, question_score, item_*, assessment_score, learner_item_*, day_*
//!        └─▶ lesson ─▶ unit ─▶ course ─▶ member (tenant + class) ─▶ class     level_*, class_*
//! ```
//! Parked roll-ups, competencies and content metadata have their rooms reserved and nothing in them yet.

mod chain;
pub mod competency_code;
pub mod folds;
pub mod migrations;
pub mod pipeline;
pub mod processors;
pub mod questions;
pub mod rollup;
#[cfg(feature = "service")]
pub mod service;
pub mod settings;
pub mod tables;

pub use migrations::MIGRATIONS;
pub use pipeline::Dep;
pub use questions::QUESTIONS;
pub use settings::Settings;
pub use tables::tables;
