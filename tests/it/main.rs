//! The one integration binary: house rules, the command line, and the whole path through real doors.
//!
//! Place: one `mod` line per area. Nothing is tested here itself.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

// The example of docs/extending.md names it as it does in its real place.
use dep::folds;

#[path = "../cases/mod.rs"]
mod cases;
mod checker;
mod cli;
mod cluster_commands;
mod contract;
mod demo;
mod doctor;
mod examples;
mod extending;
mod foreign;
mod house;
mod ingest;
mod kafka;
mod killers;
mod poison;
mod postgres;
mod questions;
mod registry;
mod secured;
mod settled;
mod sim;
mod slots;
mod spans;
mod sql_txn;
mod topics;
