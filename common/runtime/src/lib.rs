//! da-runtime: the one shell around the pure cores: driver, commit protocols, transports, settings, HTTP, telemetry.
//!
//! Edit when the way of running changes. Read first: `driver`. Test alone with `cargo test -p da-runtime`.
//! Does not belong here: anything that knows an event's meaning, and any service.

pub mod app;
pub mod batch;
pub mod cache;
pub mod clock;
pub mod cluster;
pub mod commit;
pub mod config;
pub mod dead_letter;
pub mod stage;
pub mod driver;
pub mod group;
pub mod http;
pub mod io;
pub mod passthrough;
pub mod ports;
pub mod probe;
pub mod reading;
pub mod registry;
pub mod stop;
pub mod telemetry;
pub mod tls;
pub mod vigil;
pub mod worker;
