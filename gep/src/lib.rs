//! gep: accepts partners' events, recognises repeats, folds state and says what changed.
//!
//! ```text
//! partner bytes ─▶ intake ─▶ adapters, validate ─▶ gep.accepted │ gep.rejected │ gep.system
//!                                                        │
//!        gep.usage ◀─ enrich ◀─ impact ◀─ session, item, scoring ◀─ dedupe
//! ```
//! Edit when the meaning of an input event changes. Read first: [`pipeline`]. Test alone with
//! `cargo test -p gep --no-default-features`. Does not belong here: I/O outside `service`, clocks, transactions.

pub mod change;
pub mod dedupe;
pub mod enrich;
pub mod impact;
pub mod item;
pub mod order;
pub mod pipeline;
pub mod resource;
pub mod scoring;
pub mod session;
pub mod settings;
pub mod slot;
pub mod stored;
pub mod tables;
pub mod adapters;
pub mod intake;
pub mod mask;
pub mod reader;
pub mod validate;
#[cfg(feature = "service")]
pub mod service;
