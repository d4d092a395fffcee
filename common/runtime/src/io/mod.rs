//! The only list of transports and stores.
//!
//! Place: below `commit/`. Each transport or store is a folder or file here; no event is understood here.

pub mod kafka;
pub mod segment;
pub mod sql;
pub mod sqlite_log;
pub mod tail;
