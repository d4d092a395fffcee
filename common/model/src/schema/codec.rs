//! Bytes ↔ events by hand, byte-equal to apache-avro.
//!
//! Place: the hot path of every stage.

use crate::event::{DiscreteEvent, Event, ImpactSignal, Lineage, UsageEvent};
use crate::fault::Rejection;
use crate::schema::Schemas;

/// Appends prefix, lineage and event to `out`.
pub fn encode(event: &Event<'_>, lineage: &Lineage<'_>, schemas: &Schemas, out: &mut Vec<u8>) {
    let _ = (event, lineage, schemas, out);
}

/// Appends the datum of a usage event without its lineage: the bytes of the fingerprint and of `gep.usage`'s `event`.
pub fn encode_usage_body(event: &UsageEvent<'_>, out: &mut Vec<u8>) {
    let _ = (event, out);
}

/// Reads the lineage block of any value of ours.
///
/// # Errors
/// `schema_unknown` or `undecodable`.
pub fn decode_lineage<'r>(value: &'r [u8], schemas: &Schemas) -> Result<Lineage<'r>, Rejection> {
    let _ = (value, schemas);
    Err(Rejection::new(crate::outcome::Reason::Undecodable, "not yet"))
}

/// Reads any value of ours.
///
/// # Errors
/// `schema_unknown` or `undecodable`.
pub fn decode<'r>(value: &'r [u8], schemas: &Schemas) -> Result<(Lineage<'r>, Event<'r>), Rejection> {
    let _ = (value, schemas);
    Err(Rejection::new(crate::outcome::Reason::Undecodable, "not yet"))
}

/// Reads a value of `gep.accepted`.
///
/// # Errors
/// `schema_unknown` or `undecodable`.
pub fn decode_usage<'r>(value: &'r [u8], schemas: &Schemas) -> Result<UsageEvent<'r>, Rejection> {
    let _ = (value, schemas);
    Err(Rejection::new(crate::outcome::Reason::Undecodable, "not yet"))
}

/// Reads a value of `gep.usage`.
///
/// # Errors
/// `schema_unknown` or `undecodable`.
pub fn decode_impact<'r>(value: &'r [u8], schemas: &Schemas) -> Result<ImpactSignal<'r>, Rejection> {
    let _ = (value, schemas);
    Err(Rejection::new(crate::outcome::Reason::Undecodable, "not yet"))
}

/// Reads a value of a `demux.<object>.<metric>` or `dep.<object>.<metric>` topic.
///
/// # Errors
/// `schema_unknown` or `undecodable`.
pub fn decode_discrete<'r>(value: &'r [u8], schemas: &Schemas) -> Result<DiscreteEvent<'r>, Rejection> {
    let _ = (value, schemas);
    Err(Rejection::new(crate::outcome::Reason::Undecodable, "not yet"))
}
