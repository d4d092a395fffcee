//! The roles of gep as a running service: so far the HTTP edge.
//!
//! Place: the only part of gep that names da-runtime. Every port is handed in; nothing is opened here. The processor
//! needs no code of its own here: its handler is run by the Driver as it is.

pub mod ingest;
