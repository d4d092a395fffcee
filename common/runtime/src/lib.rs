//! da-runtime: the one shell around the pure cores: driver, commit protocols, transports, settings, HTTP, telemetry.
//!
//! Edit when the way of running changes. Read first: `driver`. Test alone with `cargo test -p da-runtime`.
//! Does not belong here: anything that knows an event's meaning, and any service.

pub mod ports;
pub mod clock;
pub mod http;
pub mod stop;
pub mod telemetry;
pub mod config;
pub mod app;
