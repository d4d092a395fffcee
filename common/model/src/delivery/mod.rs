//! The rules of delivery as pure functions: what a protocol and the Driver must do, without doing it.
//!
//! Place: obeyed by da-runtime's `driver` and `commit/` alone. Every event counts exactly once in each store and topic,
//! or is accounted for as duplicate, rejected or dead letter (delivery.md §1). Which protocol gives what:
//!
//! | Log and store | Protocol | Atomic step |
//! |---|---|---|
//! | one SQLite file | `embedded_txn` | next offset, state and outputs of every stage, one transaction per round |
//! | Kafka, none | `kafka_txn` | outputs and group offsets, one Kafka transaction per batch |
//! | Kafka, PostgreSQL | `sql_txn` | next offset, state and a blob of outputs, one SQL transaction per batch |
//!
//! Does not belong here: transactions, clocks, waiting.

pub mod breaker;
pub mod edge;
pub mod frontier;
pub mod killer;
pub mod park;
pub mod retry;
pub mod take_over;
