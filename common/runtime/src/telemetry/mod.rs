//! What the process says about itself: counts, lines and spans, under the names of da-model.
//!
//! Place: the only caller of the metric and log macros. Holds no names, and never sees a payload or a learner's id.

pub mod log;
pub mod metrics;
pub mod trace;
