//! A refused record with its original bytes, coordinates and reason, as an event of `<service>.dead`.
//!
//! Place: made by the Driver in the step that moves the offset. Redriving is not here.

use da_model::event::{DeadLetter, Event};
use da_model::fault::{Cause, Fault, Rejection};
use da_model::ids::{TopicName, UnitName};
use da_model::outcome::Reason;
use da_model::record::Record;
use da_model::topics;

use crate::batch::Maker;

/// The dead-letter topic of a service.
///
/// # Errors
/// [`Fault::Fatal`] where `topics.yaml` has none.
pub fn topic_of(service: &str) -> Result<TopicName, Fault> {
    topics::named(&format!("{service}.dead"))
        .ok_or_else(|| Fault::Fatal(Cause::new(format!("dead letter of {service}"), "it has no dead-letter topic")))
}

/// The dead letter of a record that a unit refused.
#[must_use]
pub fn of<'r>(record: &Record<'r>, maker: &Maker<'_>, refused: (UnitName, Rejection)) -> Event<'r> {
    let (unit, rejection) = refused;
    let attempts = if rejection.reason == Reason::ProcessKiller { 3 } else { 1 };
    Event::Dead(Box::new(DeadLetter {
        topic: record.topic.0.into(),
        partition: record.partition,
        offset: record.offset,
        timestamp: record.timestamp,
        key: record.key.map(<[u8]>::to_vec),
        value: record.value.map(<[u8]>::to_vec),
        headers: Vec::new(),
        service: maker.service.into(),
        version: maker.version.into(),
        handler: unit.0.into(),
        rejection,
        attempts,
        redrives: 0,
    }))
}
