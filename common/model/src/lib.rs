//! da-model: the vocabulary and the rules of gooru-da, without any I/O.
//!
//! Edit when a word, a record or a guarantee changes. Read first: [`handler`], [`effects`]. Test alone with
//! `cargo test -p da-model`. Does not belong here: clocks, files, sockets, logs, metrics, SQL.

pub mod delivery;
pub mod effects;
pub mod event;
pub mod fault;
pub mod handler;
pub mod identity;
pub mod ids;
pub mod key;
pub mod name;
pub mod names;
pub mod outcome;
pub mod record;
pub mod schema;
pub mod score;
pub mod state;
pub mod time;
pub mod topics;
pub mod topology;

pub use effects::{Effects, Emit, Key, Note, Park, Write};
pub use event::Event;
pub use fault::{Fault, Rejection};
pub use handler::Handler;
pub use record::Record;
