//! demux: takes the impact signals of `gep.usage` apart into discrete events, one per metric and object.
//!
//! Edit when a metric or an object of discrete events changes. Read first: [`pipeline`], [`metrics`]. Test alone with
//! `cargo test -p demux --no-default-features`. Does not belong here: state, scoring rules, anything of GEP or DEP.
//!
//! ```text
//! gep.usage ─▶ pipeline: for each change ─▶ metric: check ─▶ objects: name, entity key, deId ─▶ demux.<object>.<metric>
//! ```

pub mod metrics;
pub mod objects;
pub mod pipeline;
#[cfg(feature = "service")]
pub mod service;
pub mod settings;

pub use pipeline::Demux;
pub use settings::Settings;
