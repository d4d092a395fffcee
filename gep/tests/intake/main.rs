//! The intake against the figures of domain.md §2, §3, §7.1 and §10.
//!
//! Place: uses the public way in alone; what is tested here holds for the HTTP edge and for partner topics alike.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test stops at the first surprise")]

mod content;
mod documents;
mod examples;
mod form;
mod hostile;
mod kafka;
mod support;
mod system;
mod times;
