//! The order key: which of two events about the same thing is the later one (domain.md §4.1).
//!
//! Place: every "latest" and "first" of the fold. Arrival decides only between events of the same millisecond.

use da_model::event::UsageEvent;
use da_model::ids::Offset;
use serde::{Deserialize, Serialize};

/// (min(activity time, receivedAt), receivedAt, activity time + clockSkew, offset in gep.accepted).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Order(i64, i64, i64, i64);

impl Order {
    /// The order key of an event at its offset.
    #[must_use]
    pub fn of(event: &UsageEvent<'_>, offset: Offset) -> Self {
        let (activity, received) = (event.end_time.0, event.received_at.0);
        Self(activity.min(received), received, activity.saturating_add(event.clock_skew.unwrap_or(0)), offset.0)
    }
}

/// Something an event said, with that event's order key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said<T>(pub Order, pub T);

/// Keeps the later of what is held and what is said now.
pub fn keep_latest<T>(held: &mut Option<Said<T>>, order: Order, said: T) {
    if held.as_ref().is_none_or(|h| h.0 < order) {
        *held = Some(Said(order, said));
    }
}

/// Keeps the earlier of what is held and what is said now.
pub fn keep_first<T>(held: &mut Option<Said<T>>, order: Order, said: T) {
    if held.as_ref().is_none_or(|h| h.0 > order) {
        *held = Some(Said(order, said));
    }
}
