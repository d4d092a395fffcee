//! New, repeat or conflict: the event against what was applied to its session.
//!
//! Place: first step of the pipeline. There is no other dedupe memory and no window (domain.md §4.1).

use da_model::event::UsageEvent;
use da_model::fault::Rejection;
use da_model::outcome::Reason;
use da_model::state::{Row, Value};

use crate::tables::resource_of;

/// What an event key was found to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// Not seen before.
    New,
    /// Seen with the same content, however long ago.
    Repeat,
    /// Seen with other content: the first one stays.
    Conflict(Rejection),
}

/// Compares the event with the applied row under its key.
#[must_use]
pub fn check(applied: Option<&Row>, event: &UsageEvent<'_>) -> Known {
    match applied.and_then(|row| row.text(0)) {
        None => Known::New,
        Some(fingerprint) if fingerprint == event.fingerprint => Known::Repeat,
        Some(_) => Known::Conflict(Rejection::at(
            Reason::IdConflict,
            "/eventId",
            "an event with this id, name and type was applied before with other content; the first one stays",
        )),
    }
}

/// The row that remembers the event.
#[must_use]
pub fn remember(event: &UsageEvent<'_>, wall_ms: Option<i64>) -> Row {
    let resource = resource_of(event).unwrap_or_default();
    Row(vec![Value::from(&*event.fingerprint), Value::from(resource), Value::from(wall_ms)])
}
