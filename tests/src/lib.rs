//! tests: the kit that the system tests, drills and measures are made of.
//!
//! Edit when a test needs a tool that others can use too. Read first: [`stack`], [`dsl`], [`mod@line`]. Test alone with
//! `cargo test -p tests --lib`. Does not belong here: rules of the product, and anything production code would need.

#![expect(clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

pub mod measure;
pub mod bench;
pub mod broken;
pub mod cluster;
pub mod drills;
pub mod fleet;
pub mod port;
pub mod process;
pub mod rank;
pub mod sim;
pub mod dsl;
pub mod edge;
pub mod data;
pub mod folder;
pub mod laws;
pub mod line;
pub mod lineup;
pub mod rounds;
pub mod stack;
pub mod tables;
