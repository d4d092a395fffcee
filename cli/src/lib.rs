//! cli: the program `da`, through which people start, ask and check gooru-da.
//!
//! Edit when a command or the assembly of the one process changes. Read first: [`commands`], then [`single`]. Test
//! alone with `cargo test -p cli`. Does not belong here: rules about events (the services), ways of running
//! (da-runtime), and anything a service would need to import.

pub mod audit;
pub mod cluster;
pub mod connecting;
pub mod commands;
pub mod doctor;
pub mod learners;
pub mod ledger;
pub mod live;
pub mod oracle;
pub mod output;
pub mod papers;
pub mod reading;
pub mod registering;
pub mod settings;
pub mod single;
mod standings;
