//! Reading a log from outside: which topics, from when, which records, printed how.
//!
//! Place: the pure parts of `da tap`. Opens no file and reads no clock; `commands/tap.rs` does that.

pub mod pattern;
pub mod filter;
pub mod begin;
pub mod line;
