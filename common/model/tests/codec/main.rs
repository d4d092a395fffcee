//! The hand-written codec against apache-avro and the schema files.
#![expect(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "tests fail by panicking, and read the example files"
)]

mod dice;
mod examples;
mod plain;
mod property;
mod resolve;
