//! What a member holds of one partition in memory: everything fetched and not committed yet.
//!
//! Place: kept by the protocols over a consumer group, so that an abandoned batch is redone without reading it again.
//! Forgets what is committed; decides nothing.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use da_model::ids::{Offset, TopicPartition};
use da_model::time::Timestamp;

use super::Position;
use crate::io::segment::Segment;

/// The records of one partition behind its position.
#[derive(Debug, Default)]
pub(crate) struct Held {
    position: Position,
    segments: VecDeque<Arc<Segment>>,
    /// Records of the first segment that are committed.
    done: usize,
    waiting: usize,
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

    /// Takes what was fetched, behind everything held.
    pub(crate) fn push(&mut self, segment: Segment) {
        if !segment.is_empty() {
            self.waiting += segment.len();
            self.segments.push_back(Arc::new(segment));
        }
    }

    /// The first `max` records that wait.
    pub(crate) fn spans(&self, max: usize) -> Vec<(Arc<Segment>, Range<usize>)> {
        let mut left = max;
        let mut from = self.done;
        let mut spans = Vec::new();
        for segment in &self.segments {
            let upto = segment.len().min(from.saturating_add(left));
            if from < upto {
                left -= upto - from;
                spans.push((Arc::clone(segment), from..upto));
            }
            if left == 0 {
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
            self.done = passed;
            if passed < first.len() {
                break;
            }
            self.segments.pop_front();
            self.done = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use da_model::ids::{Partition, TopicName};

    fn position(next: i64) -> Position {
        Position { next: Offset(next), ..Position::default() }
    }

    fn lengths(held: &Held, max: usize) -> Vec<(usize, usize)> {
        held.spans(max).into_iter().map(|(_, range)| (range.start, range.end)).collect()
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
}
