//! Seeded chance for simulated learners: the same seed gives the same bytes on every machine.
//!
//! Place: used by `learners` alone. Deliberately no crate and no entropy from outside: xoshiro256**, seeded by splitmix64.

/// A seeded stream of numbers.
#[derive(Debug, Clone)]
pub struct Random {
    a: u64,
    b: u64,
    c: u64,
    d: u64,
}

/// Mean and spread of the logarithm of a lognormal distribution.
#[derive(Debug, Clone, Copy)]
pub struct Lognormal(pub f64, pub f64);

impl Random {
    /// The stream with this number under this seed.
    #[must_use]
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut state = seed ^ stream.wrapping_mul(0xd134_2543_de82_ef95).rotate_left(17);
        let mut next = || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        };
        Self { a: next(), b: next(), c: next(), d: next() }
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        let result = self.b.wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let t = self.b << 17;
        self.c ^= self.a;
        self.d ^= self.b;
        self.b ^= self.c;
        self.a ^= self.d;
        self.c ^= t;
        self.d = self.d.rotate_left(45);
        result
    }

    /// A number in `0..n`; 0 for n = 0.
    pub fn below(&mut self, n: u64) -> u64 {
        let wide = u128::from(self.bits()) * u128::from(n);
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    /// An index into a list of `n` entries.
    pub fn index(&mut self, n: usize) -> usize {
        usize::try_from(self.below(n as u64)).unwrap_or(0)
    }

    /// Milliseconds in `low..high`.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below(u64::try_from(high - low).unwrap_or(0)).cast_signed()
    }

    /// A number in `[0, 1)`.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit an f64 exactly")]
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Yes with this probability.
    pub fn chance(&mut self, share: f64) -> bool {
        self.unit() < share
    }

    /// One of the entries; `None` of none.
    pub fn pick<'t, T>(&mut self, from: &'t [T]) -> Option<&'t T> {
        from.get(self.index(from.len()))
    }

    /// One of the entries of a list that is never empty.
    pub fn word(&mut self, from: &[&'static str]) -> &'static str {
        self.pick(from).copied().unwrap_or_default()
    }

    /// The index whose cumulative weight covers a random point.
    pub fn weighted(&mut self, cumulative: &[f64]) -> usize {
        let point = self.unit() * cumulative.last().copied().unwrap_or(0.0);
        cumulative.partition_point(|w| *w <= point).min(cumulative.len().saturating_sub(1))
    }

    /// A lognormal number.
    pub fn lognormal(&mut self, of: Lognormal) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        let normal = radius * (std::f64::consts::TAU * self.unit()).cos();
        (of.0 + of.1 * normal).exp()
    }

    /// A lognormal number of seconds, as milliseconds, cut at a limit.
    #[expect(clippy::cast_possible_truncation, reason = "cut at the limit before")]
    pub fn seconds(&mut self, of: Lognormal, limit: f64) -> i64 {
        (self.lognormal(of).min(limit) * 1000.0) as i64
    }

    /// A random UUID (version 4) as text.
    pub fn uuid(&mut self) -> String {
        let high = (self.bits() & 0xffff_ffff_ffff_0fff) | 0x4000;
        let low = (self.bits() & 0x3fff_ffff_ffff_ffff) | 0x8000_0000_0000_0000;
        format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xffff,
            low >> 48,
            low & 0xffff_ffff_ffff
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers() {
        let take = |seed, stream| {
            let mut random = Random::new(seed, stream);
            (0..5).map(|_| random.uuid()).collect::<Vec<_>>()
        };
        assert_eq!(take(1, 0), take(1, 0));
        assert_ne!(take(1, 0), take(1, 1));
        assert_ne!(take(1, 0), take(2, 0));
        assert!(take(1, 0).iter().all(|u| u.len() == 36 && u.as_bytes().get(14) == Some(&b'4')));
    }

    #[test]
    fn durations_have_the_median_they_should_have() {
        let mut random = Random::new(7, 0);
        let mut seconds: Vec<f64> = (0..20_001).map(|_| random.lognormal(Lognormal(1.73, 1.47))).collect();
        seconds.sort_by(f64::total_cmp);
        let median = seconds.get(10_000).copied().unwrap_or(0.0);
        assert!((median - 1.73_f64.exp()).abs() < 0.3, "{median}");
        let hits = (0..100_000).filter(|_| random.chance(0.1)).count();
        assert!((9_500..10_500).contains(&hits), "{hits}");
    }
}
