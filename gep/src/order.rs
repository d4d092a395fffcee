//! The order key: which of two events about the same thing is the later one (domain.md §4.1).
//!
//! Place: every "latest" and "first" of the fold. Arrival decides only between events of the same millisecond.

use da_model::event::UsageEvent;
use da_model::ids::Offset;

/// (min(activity time, receivedAt), receivedAt, activity time + clockSkew, offset in gep.accepted).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Order(i64, i64, i64, i64);

/// A time that is stored by its distance from an order key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment(pub i64);

impl Order {
    /// Before all events.
    pub(crate) const ZERO: Self = Self(0, 0, 0, 0);

    /// The order key of an event at its offset.
    #[must_use]
    pub fn of(event: &UsageEvent<'_>, offset: Offset) -> Self {
        let (activity, received) = (event.end_time.0, event.received_at.0);
        Self(activity.min(received), received, activity.saturating_add(event.clock_skew.unwrap_or(0)), offset.0)
    }

    /// Its first part.
    pub(crate) const fn activity(self) -> i64 {
        self.0
    }

    /// How its parts differ from another's; the third part from its own first.
    pub(crate) const fn minus(self, other: Self) -> [i64; 4] {
        [
            self.0.wrapping_sub(other.0),
            self.1.wrapping_sub(other.1),
            self.2.wrapping_sub(self.0),
            self.3.wrapping_sub(other.3),
        ]
    }

    /// What differs so from this one.
    pub(crate) const fn plus(self, differences: [i64; 4]) -> Self {
        let [a, b, c, d] = differences;
        let activity = self.0.wrapping_add(a);
        Self(activity, self.1.wrapping_add(b), activity.wrapping_add(c), self.3.wrapping_add(d))
    }
}

/// Something an event said, with that event's order key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said<T>(pub Order, pub T);

/// Keeps the later of what is held and what is said now.
pub fn keep_latest<T>(held: &mut Option<Said<T>>, order: Order, said: T) {
    if held.as_ref().is_none_or(|h| h.0 < order) {
        *held = Some(Said(order, said));
    }
}

/// Keeps the earlier of what is held and what is said now.
pub fn keep_first<T>(held: &mut Option<Said<T>>, order: Order, said: impl FnOnce() -> T) {
    if held.as_ref().is_none_or(|h| h.0 > order) {
        *held = Some(Said(order, said()));
    }
}
