//! Bytes ↔ events by hand, byte-equal to apache-avro.
//!
//! Place: the hot path of every stage. The records are in `encode`, `decode` and `rare`, Avro's types in `primitive`.
//! Does not resolve foreign schemas: an id that is not ours is a rejection.

mod decode;
mod encode;
mod primitive;
mod rare;

use self::primitive::{In, Read};
use super::Schemas;
use crate::event::{DiscreteEvent, Event, ImpactSignal, Lineage, MetricKind, SignalView, UsageEvent};
use crate::fault::Rejection;
use crate::outcome::Reason;

/// Folder of `schemas/` whose schema an event is written with.
#[must_use]
pub fn schema_name(event: &Event<'_>) -> &'static str {
    match event {
        Event::Usage(_) => "accepted",
        Event::Impact(_) => "usage",
        Event::Discrete(de) => metric_schema(de.result.kind()),
        Event::System(_) => "system",
        Event::Entity(_) => "de.system",
        Event::Content(_) => "content",
        Event::Rejected(_) => "rejected",
        Event::Dead(_) => "dead_letter",
    }
}

fn metric_schema(kind: MetricKind) -> &'static str {
    match kind {
        MetricKind::Score => "de.score",
        MetricKind::Timespent => "de.timespent",
        MetricKind::Reaction => "de.reaction",
        MetricKind::View => "de.view",
        MetricKind::Competency => "de.competency",
    }
}

fn metric_of(schema: &str) -> Option<MetricKind> {
    MetricKind::ALL.iter().copied().find(|kind| metric_schema(*kind) == schema)
}

/// Room for most records; an impact signal holds an event and its changes.
const ROOM: usize = 1_024;

/// Appends prefix, lineage and event to `out`.
pub fn encode(event: &Event<'_>, lineage: &Lineage<'_>, schemas: &Schemas, out: &mut Vec<u8>) {
    let id = schemas.id_of(schema_name(event)).to_be_bytes();
    let room = if matches!(event, Event::Impact(_)) { 2 * ROOM } else { ROOM };
    primitive::append(out, room, |out| {
        out.byte(0);
        out.raw(&id);
        encode::lineage(lineage, out);
        match event {
            Event::Usage(usage) => encode::usage(usage, out),
            Event::Impact(impact) => encode::impact(impact, out),
            Event::Discrete(discrete) => encode::discrete(discrete, out),
            Event::System(system) => rare::write_system(system, out),
            Event::Entity(entity) => rare::write_entity(entity, out),
            Event::Content(content) => rare::write_content(content, out),
            Event::Rejected(rejected) => rare::write_rejected(rejected, out),
            Event::Dead(dead) => rare::write_dead(dead, out),
        }
    });
}

/// Appends the datum of a usage event without its lineage: the bytes of the fingerprint and of `gep.usage`'s `event`.
pub fn encode_usage_body(event: &UsageEvent<'_>, out: &mut Vec<u8>) {
    primitive::append(out, ROOM, |out| encode::usage(event, out));
}

/// Reads the lineage block of any value of ours.
///
/// # Errors
/// `schema_unknown` or `undecodable`.
pub fn decode_lineage<'r>(value: &'r [u8], schemas: &Schemas) -> Result<Lineage<'r>, Rejection> {
    let (_, mut from) = opened(value, schemas)?;
    decode::lineage(&mut from).map_err(undecodable)
}

/// Reads any value of ours.
///
/// # Errors
/// `schema_unknown` or `undecodable`.
pub fn decode<'r>(value: &'r [u8], schemas: &Schemas) -> Result<(Lineage<'r>, Event<'r>), Rejection> {
    let (name, mut from) = opened(value, schemas)?;
    let lineage = decode::lineage(&mut from).map_err(undecodable)?;
    let event = event(name, &mut from).map_err(undecodable)?;
    ended(from)?;
    Ok((lineage, event))
}

fn event<'r>(schema: &str, from: &mut In<'r>) -> Read<Event<'r>> {
    if let Some(kind) = metric_of(schema) {
        return decode::discrete(kind, from).map(|e| Event::Discrete(Box::new(e)));
    }
    match schema {
        "accepted" => decode::usage(from).map(|e| Event::Usage(Box::new(e))),
        "usage" => decode::impact(from).map(|e| Event::Impact(Box::new(e))),
        "system" => rare::read_system(from).map(|e| Event::System(Box::new(e))),
        "de.system" => rare::read_entity(from).map(|e| Event::Entity(Box::new(e))),
        "content" => rare::read_content(from).map(|e| Event::Content(Box::new(e))),
        "rejected" => rare::read_rejected(from).map(|e| Event::Rejected(Box::new(e))),
        "dead_letter" => rare::read_dead(from).map(|e| Event::Dead(Box::new(e))),
        _ => Err("no decoder is known for the schema"),
    }
}

/// Reads a value of `gep.accepted`.
///
/// # Errors
/// `schema_unknown` or `undecodable`.
pub fn decode_usage<'r>(value: &'r [u8], schemas: &Schemas) -> Result<UsageEvent<'r>, Rejection> {
    body(value, schemas, |name, from| match name {
        "accepted" => decode::usage(from),
        _ => Err("the value is no usage event"),
    })
}

/// Reads a value of `gep.usage`.
///
/// # Errors
/// `schema_unknown` or `undecodable`.
pub fn decode_impact<'r>(value: &'r [u8], schemas: &Schemas) -> Result<ImpactSignal<'r>, Rejection> {
    body(value, schemas, |name, from| match name {
        "usage" => decode::impact(from),
        _ => Err("the value is no impact signal"),
    })
}

/// Reads of a value of `gep.usage` what demux needs.
///
/// # Errors
/// `schema_unknown` or `undecodable`.
pub fn decode_signal_view<'r>(value: &'r [u8], schemas: &Schemas) -> Result<SignalView<'r>, Rejection> {
    body(value, schemas, |name, from| match name {
        "usage" => decode::signal_view(from),
        _ => Err("the value is no impact signal"),
    })
}

/// Reads a value of a `demux.<object>.<metric>` or `dep.<object>.<metric>` topic.
///
/// # Errors
/// `schema_unknown` or `undecodable`.
pub fn decode_discrete<'r>(value: &'r [u8], schemas: &Schemas) -> Result<DiscreteEvent<'r>, Rejection> {
    body(value, schemas, |name, from| match metric_of(name) {
        Some(kind) => decode::discrete(kind, from),
        None => Err("the value is no discrete event"),
    })
}

fn body<'r, T>(
    value: &'r [u8],
    schemas: &Schemas,
    read: impl FnOnce(&str, &mut In<'r>) -> Read<T>,
) -> Result<T, Rejection> {
    let (name, mut from) = opened(value, schemas)?;
    decode::pass_lineage(&mut from).map_err(undecodable)?;
    let event = read(name, &mut from).map_err(undecodable)?;
    ended(from)?;
    Ok(event)
}

fn opened<'r>(value: &'r [u8], schemas: &Schemas) -> Result<(&'static str, In<'r>), Rejection> {
    let Some(([magic, id @ ..], datum)) = value.split_first_chunk::<5>() else {
        return Err(undecodable("the value is shorter than its prefix"));
    };
    if *magic != 0 {
        return Err(undecodable("the value has no schema id in front"));
    }
    let id = u32::from_be_bytes(*id);
    let name = schemas.name_of(id);
    name.map(|name| (name, In(datum)))
        .ok_or_else(|| Rejection::new(Reason::SchemaUnknown, format!("no schema is known under id {id}")))
}

fn ended(from: In<'_>) -> Result<(), Rejection> {
    if from.0.is_empty() { Ok(()) } else { Err(undecodable("bytes are left behind the value")) }
}

fn undecodable(flaw: primitive::Flaw) -> Rejection {
    Rejection::new(Reason::Undecodable, flaw)
}
