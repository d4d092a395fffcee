//! What a member holds of one partition in memory: everything fetched and not committed yet.
//!
//! Place: kept by the protocols over a consumer group, so that an abandoned batch is redone without reading it again.
//! Forgets what is committed; decides nothing.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use da_model::ids::{Offset, TopicPartition};
use da_model::time::Timestamp;

use super::Position;
use crate::io::segment::Segment;

/// How batches are gathered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// How long a poll waits for the first record.
    pub wait: Duration,
    /// So many bytes make a batch; nothing is fetched while as many are held.
    pub bytes: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self { wait: Duration::from_millis(25), bytes: 4 << 20 }
    }
}

impl Pace {
    /// How long the next poll may wait, how many records it may bring of which `most` are wanted, and whether it may
    /// fetch any.
    pub(crate) fn next<'h>(&self, held: impl Iterator<Item = &'h Held>, most: usize) -> (Duration, usize, bool) {
        let (records, bytes) = held.fold((0, 0), |(n, bytes), held| (n + held.waiting, bytes + held.bytes));
        let wait = if records == 0 { self.wait } else { Duration::ZERO };
        (wait, most.saturating_sub(records).max(1), bytes < self.bytes)
    }

    /// The bytes that each of so many partitions gives to a batch at most, before its last record.
    pub(crate) fn share<'h>(&self, held: impl Iterator<Item = &'h Held>) -> usize {
        let (count, bytes) = held.fold((0_usize, 0), |(n, bytes), held| (n + 1, bytes + held.bytes));
        if bytes <= self.bytes { usize::MAX } else { self.bytes / count.max(1) }
    }
}

/// The records of one partition behind its position.
#[derive(Debug, Default)]
pub(crate) struct Held {
    position: Position,
    segments: VecDeque<Arc<Segment>>,
    /// Records of the first segment that are committed.
    done: usize,
    waiting: usize,
    /// Of the keys and values that wait.
    bytes: usize,
}

impl Held {
    /// Nothing held yet.
    pub(crate) fn new(position: Position) -> Self {
        Self { position, ..Self::default() }
    }

    /// Where the group stands.
    pub(crate) const fn position(&self) -> &Position {
        &self.position
    }

    /// Records that wait.
    pub(crate) const fn waiting(&self) -> usize {
        self.waiting
    }

    /// Where the group stands, and the end that the log told, if it did; never before the position.
    pub(crate) fn stands(&self, at: TopicPartition, end: Option<Offset>) -> (TopicPartition, Offset, Offset) {
        let next = self.position.next;
        (at, next, end.unwrap_or(next).max(next))
    }

    /// The time of the first record that waits.
    pub(crate) fn oldest(&self, at: TopicPartition) -> Option<Timestamp> {
        let first = self.segments.front()?.record(at, self.done)?;
        Some(first.timestamp)
    }

    /// Takes what was fetched, behind everything held; what lies before the position was committed by another owner.
    pub(crate) fn push(&mut self, segment: Segment) {
        let passed = segment.before(self.position.next);
        if passed == segment.len() {
            return;
        }
        if self.segments.is_empty() {
            self.done = passed;
        }
        self.waiting += segment.len() - passed;
        self.bytes += size(&segment, passed..segment.len());
        self.segments.push_back(Arc::new(segment));
    }

    /// The first `max` records that wait, fewer where the bytes before one of them are as many as asked for.
    pub(crate) fn spans(&self, max: usize, bytes: usize) -> Vec<(Arc<Segment>, Range<usize>)> {
        let (mut left, mut taken) = (max, 0_usize);
        let mut from = self.done;
        let mut spans = Vec::new();
        for segment in &self.segments {
            let mut upto = from;
            while upto < segment.len() && left > 0 && taken < bytes {
                taken += segment.size(upto);
                left -= 1;
                upto += 1;
            }
            if from < upto {
                spans.push((Arc::clone(segment), from..upto));
            }
            if upto < segment.len() {
                break;
            }
            from = 0;
        }
        spans
    }

    /// Moves the position and forgets what lies before it.
    pub(crate) fn advance(&mut self, position: Position) {
        self.position = position;
        while let Some(first) = self.segments.front() {
            let passed = first.before(self.position.next).max(self.done);
            self.waiting = self.waiting.saturating_sub(passed - self.done);
            self.bytes = self.bytes.saturating_sub(size(first, self.done..passed));
            self.done = passed;
            if passed < first.len() {
                break;
            }
            self.segments.pop_front();
            self.done = 0;
        }
    }
}

fn size(segment: &Segment, of: Range<usize>) -> usize {
    of.map(|n| segment.size(n)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use da_model::ids::{Partition, TopicName};

    fn position(next: i64) -> Position {
        Position { next: Offset(next), ..Position::default() }
    }

    fn lengths(held: &Held, max: usize) -> Vec<(usize, usize)> {
        held.spans(max, usize::MAX).into_iter().map(|(_, range)| (range.start, range.end)).collect()
    }

    #[test]
    fn what_is_committed_is_forgotten_and_the_rest_is_held() {
        let mut held = Held::new(position(10));
        for offsets in [[10, 11, 14], [15, 20, 21]] {
            let mut segment = Segment::new(Offset(offsets[0]));
            for offset in offsets {
                segment.push_at(Offset(offset), Timestamp(offset * 100), (None, None));
            }
            held.push(segment);
        }
        held.push(Segment::new(Offset(22)));
        assert_eq!((held.waiting(), lengths(&held, 4)), (6, vec![(0, 3), (0, 1)]));
        assert_eq!(lengths(&held, 4), [(0, 3), (0, 1)], "asked again, the same records");
        let at = TopicPartition { topic: TopicName("t"), partition: Partition(0) };
        assert_eq!(held.oldest(at), Some(Timestamp(1_000)));
        held.advance(position(12));
        assert_eq!((held.waiting(), lengths(&held, 2)), (4, vec![(2, 3), (0, 1)]), "offset 13 holds no record");
        assert_eq!(held.oldest(at), Some(Timestamp(1_400)));
        held.advance(position(12));
        assert_eq!(held.waiting(), 4);
        held.advance(position(21));
        assert_eq!((held.waiting(), lengths(&held, 9), held.position().next), (1, vec![(2, 3)], Offset(21)));
        held.advance(position(22));
        assert_eq!((held.waiting(), lengths(&held, 9)), (0, vec![]));
        assert_eq!(held.oldest(at), None);
    }

    /// Records at consecutive offsets from `base` on, of so many bytes each.
    fn segment(base: i64, sizes: &[usize]) -> Segment {
        let mut segment = Segment::new(Offset(base));
        for bytes in sizes {
            segment.push(Timestamp(0), None, Some(&vec![0; *bytes]));
        }
        segment
    }

    #[test]
    fn what_another_owner_committed_is_not_taken() {
        let mut held = Held::new(position(10));
        held.push(segment(10, &[1]));
        held.advance(position(14));
        assert_eq!((held.waiting(), held.bytes), (0, 0), "the store says that others went on");
        held.push(segment(11, &[1, 1]));
        assert_eq!(held.waiting(), 0);
        held.push(segment(13, &[1, 2, 4]));
        assert_eq!((held.waiting(), held.bytes, lengths(&held, 9)), (2, 6, vec![(1, 3)]));
        held.push(segment(16, &[8]));
        assert_eq!((held.waiting(), held.bytes, lengths(&held, 9)), (3, 14, vec![(1, 3), (0, 1)]));
        held.advance(position(15));
        assert_eq!((held.waiting(), held.bytes), (2, 12));
    }

    #[test]
    fn a_batch_is_cut_by_bytes_and_nothing_is_fetched_while_as_many_are_held() {
        let pace = Pace { wait: Duration::from_millis(7), bytes: 100 };
        let mut one = Held::new(position(0));
        assert_eq!(pace.next([&one].into_iter(), 50), (Duration::from_millis(7), 50, true));
        one.push(segment(0, &[30, 30, 30]));
        assert_eq!(pace.next([&one].into_iter(), 50), (Duration::ZERO, 47, true));
        assert_eq!(pace.share([&one].into_iter()), usize::MAX);
        one.push(segment(3, &[30]));
        let mut two = Held::new(position(0));
        two.push(segment(0, &[500, 500]));
        assert_eq!(pace.next([&one, &two].into_iter(), 5), (Duration::ZERO, 1, false));
        let bytes = pace.share([&one, &two].into_iter());
        let taken = |held: &Held| held.spans(9, bytes).into_iter().map(|(_, range)| range.len()).sum::<usize>();
        assert_eq!((bytes, taken(&one), taken(&two)), (50, 2, 1), "each at least one, none much more than its share");
    }
}
