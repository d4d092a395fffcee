//! Kafka as a log: one member of a consumer group with its transactional producer, the sink of the edge, the admin side.
//!
//! Place: the only folder that names the client library; `commit/` stands on the ports it implements. Understands no
//! event, decides nothing about positions and starts no thread of the pipeline.

pub mod admin;
mod cleanup;
pub mod client;
mod ffi;
pub mod member;
pub mod positions;
mod publisher;
pub mod reader;
pub mod sink;
pub mod slot;
mod source;
pub mod trial;
