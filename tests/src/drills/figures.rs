//! What a drill measured: seconds from a fault to the next committed output.
//!
//! Place: printed at the end of a drill's line, and judged where the drill has a bar.

use anyhow::ensure;

use crate::rank::at;

/// The recoveries of a drill.
#[derive(Debug, Default)]
pub(super) struct Figures {
    recoveries: Vec<(&'static str, f64)>,
    counts: Vec<(&'static str, u64)>,
    unmeasured: u64,
}

impl Figures {
    /// One recovery of a service, in seconds.
    pub(super) fn recovered(&mut self, service: &'static str, seconds: f64) {
        self.recoveries.push((service, seconds));
    }

    /// One recovery that nobody saw: there was nothing to commit.
    pub(super) fn unmeasured(&mut self) {
        self.unmeasured += 1;
    }

    /// How many of something there were.
    pub(super) fn count(&mut self, what: &'static str, number: u64) {
        self.counts.push((what, number));
    }

    /// Fails when the slowest of a hundred recoveries took longer than so many seconds, or none was seen.
    pub(super) fn within(&self, bar: f64) -> anyhow::Result<()> {
        ensure!(!self.recoveries.is_empty(), "no recovery was seen");
        let p99 = at(&self.of(None), 99);
        ensure!(p99 <= bar, "recovery p99 took {p99:.2} s, more than {bar} s: {}", self.line());
        Ok(())
    }

    /// Recoveries of a service, or all, in order.
    fn of(&self, service: Option<&str>) -> Vec<f64> {
        let mine = self.recoveries.iter().filter(|(s, _)| service.is_none_or(|w| w == *s));
        let mut found: Vec<f64> = mine.map(|(_, n)| *n).collect();
        found.sort_by(f64::total_cmp);
        found
    }

    /// `changes=… recovery p50=… p99=… max=…` over all, and the median of each service.
    pub(super) fn line(&self) -> String {
        let unmeasured = (self.unmeasured > 0).then_some(("unmeasured", self.unmeasured));
        let counts = self.counts.iter().copied().chain(unmeasured);
        let counts: String = counts.map(|(what, number)| format!("{what}={number} ")).collect();
        let all = self.of(None);
        if all.is_empty() {
            return format!("{counts}recovery not measured");
        }
        let mut services: Vec<&str> = self.recoveries.iter().map(|(service, _)| *service).collect();
        services.sort_unstable();
        services.dedup();
        let each = services.iter().map(|service| format!(" {service} p50={:.2}s", at(&self.of(Some(service)), 50)));
        let each: String = each.collect();
        format!("{counts}recovery p50={:.2}s p99={:.2}s max={:.2}s{each}", at(&all, 50), at(&all, 99), at(&all, 100))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drill_without_recoveries_claims_none() {
        assert_eq!(Figures::default().line(), "recovery not measured");
        assert!(Figures::default().within(5.0).is_err());
    }

    #[test]
    fn one_slow_recovery_of_thirty_breaks_the_bar() {
        let mut figures = Figures::default();
        (0..29).for_each(|_| figures.recovered("gep", 0.3));
        assert!(figures.within(2.0).is_ok());
        figures.recovered("dep", 2.1);
        assert!(figures.within(2.0).is_err());
    }
}
