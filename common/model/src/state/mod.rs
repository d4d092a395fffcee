//! Stored state as handlers see it: table descriptors, rows, and the view that shows only what was declared.
//!
//! Place: between `Handler::reads` and the store. SQL is built from these descriptors elsewhere; nothing here knows it.

mod row;
mod snapshot;
mod table;

pub use row::{Row, RowKey, Value};
pub use snapshot::{RowSource, Snapshot};
pub use table::{Column, Feed, Kind, Range, Table};
