//! A deterministic world: an in-memory log and store with crashes at every step; a seed reproduces a run.
//!
//! Place: under the real Driver and the real handlers, in place of `embedded_txn`. What is in the world was committed;
//! a crash drops everything else, as the death of a process does.

mod protocol;
mod schedule;
mod world;

pub use protocol::SimProtocol;
pub use schedule::{Chance, Schedule};
pub use world::{Stored, World};
