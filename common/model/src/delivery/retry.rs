//! What to do about a fault, and how long to wait before the next attempt (delivery.md §8).
//!
//! Place: asked by every loop that meets a [`Fault`]. A rejection is never retried and does not come here.

use crate::fault::Fault;

/// The first wait.
pub const FIRST_WAIT_MS: u64 = 100;
/// The longest wait.
pub const LONGEST_WAIT_MS: u64 = 10_000;

/// What follows from a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reaction {
    /// Do the same batch again after this many milliseconds (the caller adds jitter).
    Again {
        /// Milliseconds.
        after_ms: u64,
    },
    /// Halve the batch, down to the one record that the store cannot hold.
    Split,
    /// Forget the batch: the partition has another owner.
    Forget,
    /// Stop the process.
    Stop,
}

/// The reaction to a fault after `attempts` earlier ones in a row.
#[must_use]
pub fn reaction(fault: &Fault, attempts: u32) -> Reaction {
    match fault {
        Fault::Transient(_) => Reaction::Again { after_ms: wait_ms(attempts) },
        Fault::Refused(_) => Reaction::Split,
        Fault::Fenced(_) => Reaction::Forget,
        Fault::Fatal(_) => Reaction::Stop,
    }
}

/// 100 ms × 2ⁿ, at most 10 s.
#[must_use]
pub fn wait_ms(attempts: u32) -> u64 {
    FIRST_WAIT_MS.saturating_mul(1_u64.checked_shl(attempts).unwrap_or(u64::MAX)).min(LONGEST_WAIT_MS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Cause;

    #[test]
    fn waits_double_up_to_ten_seconds() {
        let expected = [(0, 100), (1, 200), (2, 400), (3, 800), (6, 6_400), (7, 10_000), (63, 10_000), (200, 10_000)];
        for (attempts, ms) in expected {
            assert_eq!(wait_ms(attempts), ms, "{attempts}");
        }
    }

    #[test]
    fn each_fault_has_its_reaction() {
        let cause = || Cause::new("commit", "no");
        let cases = [
            (Fault::Transient(cause()), Reaction::Again { after_ms: 400 }),
            (Fault::Refused(cause()), Reaction::Split),
            (Fault::Fenced(cause()), Reaction::Forget),
            (Fault::Fatal(cause()), Reaction::Stop),
        ];
        for (fault, expected) in cases {
            assert_eq!(reaction(&fault, 2), expected, "{fault}");
        }
    }
}
