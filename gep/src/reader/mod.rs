//! The strict JSON reader of everything partners send.
//!
//! Place: below the adapters; one pass over the bytes makes a flat list of nodes, text borrows the body. Never
//! recurses, so hostile depth costs nothing. Deliberately knows no field names.

mod number;
mod scan;
mod tag;
mod tape;
mod value;

pub use tag::Names;
pub use tape::{Doc, Shape};
pub(crate) use tape::{broken, place, too_deep};
pub use value::Value;

pub(crate) use scan::{Container, Scanner, SyntaxError, Token};

/// What one event, and one request, may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one event.
    pub max_event_bytes: usize,
    /// Nesting depth; the event itself is 1.
    pub max_depth: usize,
    /// Keys of all objects of one event together.
    pub max_keys: usize,
    /// Bytes of one string.
    pub max_string_bytes: usize,
    /// Events of one request or record.
    pub max_events: usize,
    /// The most one visit counts, ms; a longer one is flagged `capped`.
    pub visit_cap_ms: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_event_bytes: 262_144,
            max_depth: 64,
            max_keys: 2_000,
            max_string_bytes: 65_536,
            max_events: 1_000,
            visit_cap_ms: 7_200_000,
        }
    }
}
