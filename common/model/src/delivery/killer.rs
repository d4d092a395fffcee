//! Records at which processes die: how a further attempt is made, until one is set aside (delivery.md §8).
//!
//! Place: the protocols count attempts at the first record of a partition and ask here. An attempt that nobody came back
//! from was a death. Keeps no count itself.

/// From this attempt on, records are tried one by one.
pub const ALONE: u32 = 3;
/// How often a record may be tried by itself.
const OWN: u32 = 3;

/// How records are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// In batches, as always.
    Together,
    /// One by one.
    Alone,
    /// Not again: the record has killed by itself as often as it may.
    SetAside,
}

/// The way of an attempt; `attempt` counts from 1 and goes on from [`ALONE`] for each record that is tried by itself.
#[must_use]
pub const fn way(attempt: u32) -> Way {
    if attempt < ALONE {
        Way::Together
    } else if attempt < ALONE + OWN {
        Way::Alone
    } else {
        Way::SetAside
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_killer_dies_twice_in_company_and_three_times_by_itself() {
        use Way::{Alone, SetAside, Together};
        let ways: Vec<Way> = (1..=7).map(way).collect();
        assert_eq!(ways, [Together, Together, Alone, Alone, Alone, SetAside, SetAside]);
    }
}
