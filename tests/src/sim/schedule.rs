//! What chance decides in a simulated run: batch sizes, crashes, orders; all from one seed.
//!
//! Place: asked by the simulated protocol and by property tests.

/// A small seeded generator (splitmix64).
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// From a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed ^ 0x9e37_79b9_7f4a_7c15)
    }

    /// The next number.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`; 0 for limit 0.
    pub fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit).unwrap_or(u64::MAX);
        self.next().checked_rem(limit).and_then(|n| usize::try_from(n).ok()).unwrap_or(0)
    }

    /// True once in `n` times.
    pub fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// The items in another order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for n in (1..items.len()).rev() {
            items.swap(n, self.below(n + 1));
        }
    }
}

/// How a run goes.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// The source of chance.
    pub chance: Chance,
    /// The most records of a batch; each batch draws a size from 1 to this.
    pub batch: usize,
    /// A crash once in so many steps; 0 for none.
    pub crash_once_in: usize,
}

impl Schedule {
    /// Large batches and no crash.
    #[must_use]
    pub const fn calm() -> Self {
        Self { chance: Chance::new(0), batch: 1000, crash_once_in: 0 }
    }

    /// Whether the process dies at this step.
    pub fn crashes(&mut self) -> bool {
        self.crash_once_in > 0 && self.chance.once_in(self.crash_once_in)
    }

    /// The size of the next batch.
    pub fn size(&mut self) -> usize {
        1 + self.chance.below(self.batch)
    }
}
