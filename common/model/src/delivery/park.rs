//! Parked units: waiting, ready, expired, or too many to park one more (delivery.md §9).
//!
//! Place: the rules alone; storing, waking and re-driving are the Driver's, in a later release.

use crate::time::Timestamp;

/// How long a unit waits for content, unless the settings say otherwise: 24 h.
pub const DEADLINE_MS: i64 = 86_400_000;

/// What to do with a parked unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parked {
    /// Leave it.
    Waits,
    /// What it waited for is there: decide it again.
    Ready,
    /// The deadline passed: dead letter `metadata_timeout`.
    Expired,
}

/// Bounds on what is parked at once, per content, per tenant or in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Units.
    pub rows: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Ready goes before expired: what arrived in time is never refused for having been looked at late.
#[must_use]
pub fn state(ready: bool, deadline: Timestamp, now: Timestamp) -> Parked {
    match (ready, now >= deadline) {
        (true, _) => Parked::Ready,
        (false, true) => Parked::Expired,
        (false, false) => Parked::Waits,
    }
}

/// Whether one more unit of `bytes` may be parked; if not, the partition pauses and nothing is dropped.
#[must_use]
pub const fn has_room(held: Bounds, bytes: u64, limit: Bounds) -> bool {
    held.rows < limit.rows && held.bytes.saturating_add(bytes) <= limit.bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parked_unit_waits_wakes_or_expires() {
        let at = Timestamp;
        let cases = [
            (false, 100, 99, Parked::Waits),
            (false, 100, 100, Parked::Expired),
            (true, 100, 99, Parked::Ready),
            (true, 100, 500, Parked::Ready),
        ];
        for (ready, deadline, now, expected) in cases {
            assert_eq!(state(ready, at(deadline), at(now)), expected, "{ready} {deadline} {now}");
        }
    }

    #[test]
    fn room_ends_at_either_bound() {
        let limit = Bounds { rows: 2, bytes: 10 };
        let cases = [(0, 0, 10, true), (0, 0, 11, false), (1, 9, 1, true), (2, 0, 1, false), (1, u64::MAX, 1, false)];
        for (rows, bytes, more, expected) in cases {
            assert_eq!(has_room(Bounds { rows, bytes }, more, limit), expected, "{rows} {bytes} {more}");
        }
    }
}
