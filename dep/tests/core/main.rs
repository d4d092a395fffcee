//! dep's pure core, through its public names: base tables, roll-ups, registry, migrations.
//!
//! Place: run by `cargo test -p dep --no-default-features`. Needs no shell and no database.

mod base;
mod feeds;
mod kit;
mod rollups;
