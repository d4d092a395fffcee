//! Which partitions are tried with care after deaths: counted before they are decided, one by one, set aside.
//!
//! Place: kept by the protocols over a consumer group; where the counts are stored is theirs. The first records of a
//! partition after a start are counted, and the count is gone once they are committed. Decides nothing about an event.

use std::collections::BTreeMap;

use da_model::delivery::killer::{ALONE, Way, way};
use da_model::ids::{Offset, TopicPartition};

/// The first batch after a start holds no more records than this; so many are tried one by one.
const EXTENT: usize = 128;

/// One attempt at the record where a partition stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// The partition.
    pub at: TopicPartition,
    /// Where it stands.
    pub next: Offset,
    /// The number of the attempt, from 1.
    pub number: u32,
}

/// How the next batch is taken from the partitions that have records.
#[derive(Debug)]
pub(super) struct Taking {
    /// The one partition of which one record is tried before anything else.
    only: Option<TopicPartition>,
    /// The attempts that must be stored before the batch is decided.
    pub(super) attempts: Vec<Attempt>,
    /// The most records.
    pub(super) max: usize,
    /// Whether its one record is tried no more.
    pub(super) set_aside: bool,
}

impl Taking {
    /// Whether records of this partition belong to the batch.
    pub(super) fn takes(&self, at: TopicPartition) -> bool {
        self.only.is_none_or(|only| only == at)
    }
}

/// What is known about the partitions of one member.
#[derive(Debug, Default)]
pub(super) struct Care(BTreeMap<TopicPartition, Tried>);

#[derive(Debug, Clone, Copy)]
struct Tried {
    next: Offset,
    attempts: u32,
    counted: bool,
    /// Records that are still to be tried one by one.
    alone: usize,
}

impl Tried {
    const fn number(self) -> u32 {
        if self.counted { self.attempts } else { self.attempts + 1 }
    }
}

impl Care {
    /// A partition was taken over where it stands, after so many attempts there.
    pub(super) fn learn(&mut self, at: TopicPartition, next: Offset, attempts: u32) {
        // Taken over once more by the same process: no death lies between.
        if self.0.get(&at).is_some_and(|tried| tried.counted && tried.next == next) {
            return;
        }
        let alone = if way(attempts + 1) == Way::Together { 0 } else { EXTENT };
        self.0.insert(at, Tried { next, attempts, counted: false, alone });
    }

    /// A partition is none of ours any more.
    pub(super) fn forget(&mut self, at: TopicPartition) {
        self.0.remove(&at);
    }

    /// How at most `max` records of the partitions that have some are taken.
    pub(super) fn taking(&self, waiting: &[TopicPartition], max: usize) -> Taking {
        let only = self.alone(waiting);
        Taking {
            only,
            attempts: self.uncounted(only.as_ref().map_or(waiting, std::slice::from_ref)),
            max: if only.is_some() { 1 } else { max },
            set_aside: only.is_some_and(|at| self.sets_aside(at)),
        }
    }

    /// The partition of which one record is to be tried before anything else.
    fn alone(&self, waiting: &[TopicPartition]) -> Option<TopicPartition> {
        waiting.iter().copied().find(|at| self.0.get(at).is_some_and(|tried| tried.alone > 0))
    }

    /// The attempts that must be stored before these partitions are decided.
    fn uncounted(&self, of: &[TopicPartition]) -> Vec<Attempt> {
        let attempt = |at: &TopicPartition| {
            let tried = self.0.get(at).filter(|tried| !tried.counted)?;
            Some(Attempt { at: *at, next: tried.next, number: tried.number() })
        };
        of.iter().filter_map(attempt).collect()
    }

    /// They are stored.
    pub(super) fn counted(&mut self, attempts: &[Attempt]) {
        for attempt in attempts {
            if let Some(tried) = self.0.get_mut(&attempt.at) {
                (tried.attempts, tried.counted) = (attempt.number, true);
            }
        }
    }

    /// Whether the record where a partition stands is tried no more.
    fn sets_aside(&self, at: TopicPartition) -> bool {
        self.0.get(&at).is_some_and(|tried| way(tried.number()) == Way::SetAside)
    }

    /// What a batch left behind: its count is gone with it.
    pub(super) fn moved(&mut self, at: TopicPartition, next: Offset) {
        let Some(tried) = self.0.get_mut(&at) else { return };
        let alone = tried.alone.saturating_sub(1);
        *tried = if alone > 0 {
            Tried { next, attempts: ALONE - 1, counted: false, alone }
        } else {
            Tried { next, attempts: 0, counted: true, alone }
        };
    }

    /// What is to be stored when this process ends in order: nobody has died at these.
    pub(super) fn forgiven(&self) -> Vec<Attempt> {
        let open = self.0.iter().filter(|(_, tried)| tried.counted && tried.attempts > 0);
        open.map(|(at, tried)| Attempt { at: *at, next: tried.next, number: tried.attempts - 1 }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use da_model::ids::{Partition, TopicName};

    const fn at(partition: u32) -> TopicPartition {
        TopicPartition { topic: TopicName("t"), partition: Partition(partition) }
    }

    /// The attempt that a process makes that finds so many.
    fn start(attempts: u32) -> (Care, Vec<Attempt>) {
        let mut care = Care::default();
        care.learn(at(0), Offset(7), attempts);
        let counted = care.uncounted(&[at(0)]);
        care.counted(&counted);
        (care, counted)
    }

    #[test]
    fn every_start_counts_once_until_something_is_committed() {
        let (mut care, counted) = start(0);
        assert_eq!(counted, [Attempt { at: at(0), next: Offset(7), number: 1 }]);
        assert_eq!((care.uncounted(&[at(0)]), care.alone(&[at(0)])), (vec![], None));
        care.learn(at(0), Offset(7), 1);
        assert_eq!(care.uncounted(&[at(0)]), [], "the same process took it over again");
        care.moved(at(0), Offset(9));
        assert_eq!((care.uncounted(&[at(0)]), care.forgiven()), (vec![], vec![]));
        assert_eq!(start(1).0.forgiven()[0].number, 1, "who leaves in order takes his attempt back");
    }

    #[test]
    fn from_the_third_start_on_records_are_tried_one_by_one_and_the_killer_is_set_aside() {
        assert_eq!(start(1).0.alone(&[at(0)]), None);
        for (attempts, aside) in [(2, false), (3, false), (4, false), (5, true)] {
            let (care, counted) = start(attempts);
            assert_eq!(counted[0].number, attempts + 1);
            assert_eq!((care.alone(&[at(1), at(0)]), care.sets_aside(at(0))), (Some(at(0)), aside), "{attempts}");
        }
        let (mut care, _) = start(2);
        care.moved(at(0), Offset(8));
        assert_eq!(care.uncounted(&[at(0)])[0].number, ALONE, "the next one is counted by itself");
        for _ in 1..EXTENT {
            assert_eq!(care.alone(&[at(0)]), Some(at(0)));
            care.moved(at(0), Offset(9));
        }
        assert_eq!(care.alone(&[at(0)]), None, "all that the batch could hold is behind");
    }
}
