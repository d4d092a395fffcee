//! Go on or stall: many failures of ours on an internal topic mean a bad deploy (delivery.md §8).
//!
//! Place: asked by the Driver per topic partition before anything of a batch is written. Partner topics have no
//! breaker. Only `undecodable`, `schema_unknown` and `handler_failed` count (`Reason::is_ours`).

/// When to stall.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// The smallest batch whose share of failures counts, and the fewest failures "since start".
    pub enough: u32,
    /// Failures in a row.
    pub in_a_row: u32,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { enough: 20, in_a_row: 100 }
    }
}

/// The memory of one topic partition since the start of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Breaker {
    run: u32,
    failed: u32,
    any_valid: bool,
}

/// What the breaker says about a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Write it; the breaker to keep from now on.
    GoOn(Breaker),
    /// Write nothing, stop the partition, raise the alarm.
    Stall,
}

impl Breaker {
    /// Judges a batch given as "failed by our fault" per record, in offset order.
    #[must_use]
    pub fn judge(self, batch: &[bool], limits: Thresholds) -> Decision {
        let mut next = self;
        let mut longest = self.run;
        for failed in batch {
            next.run = if *failed { next.run.saturating_add(1) } else { 0 };
            next.failed = next.failed.saturating_add(u32::from(*failed));
            next.any_valid |= !failed;
            longest = longest.max(next.run);
        }
        let failures = batch.iter().filter(|f| **f).count();
        let enough = usize::try_from(limits.enough).unwrap_or(usize::MAX);
        let share = batch.len() >= enough && failures * 2 > batch.len();
        let hopeless = !next.any_valid && next.failed >= limits.enough;
        if share || longest >= limits.in_a_row || hopeless { Decision::Stall } else { Decision::GoOn(next) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(failed: usize, valid: usize) -> Vec<bool> {
        [vec![true; failed], vec![false; valid]].concat()
    }

    #[test]
    fn a_batch_stalls_by_share_run_or_hopelessness() {
        let fresh = Breaker::default();
        let proven = Breaker { any_valid: true, ..fresh };
        let cases = [
            (proven, batch(10, 10), true), // half is not more than half
            (proven, batch(11, 10), false),
            (proven, batch(11, 8), true), // 19 records are not enough
            (Breaker { run: 99, ..proven }, batch(1, 30), false),
            (Breaker { run: 98, ..proven }, batch(1, 30), true),
            (fresh, batch(19, 0), true),
            (fresh, batch(20, 0), false),
            (Breaker { failed: 19, run: 19, ..fresh }, batch(1, 0), false),
            (Breaker { failed: 19, run: 19, ..fresh }, batch(1, 1), true),
            (proven, vec![], true),
        ];
        for (n, (breaker, records, goes_on)) in cases.into_iter().enumerate() {
            let decision = breaker.judge(&records, Thresholds::default());
            assert_eq!(matches!(decision, Decision::GoOn(_)), goes_on, "case {n}");
        }
    }

    #[test]
    fn a_run_goes_on_over_batches_and_ends_with_a_valid_record() {
        let Decision::GoOn(b) = Breaker::default().judge(&[false, true, true], Thresholds::default()) else {
            unreachable!("three records never stall")
        };
        assert_eq!(b.run, 2);
        let Decision::GoOn(b) = b.judge(&[true, false], Thresholds::default()) else {
            unreachable!("two records never stall")
        };
        assert_eq!((b.run, b.failed), (0, 3));
    }
}
