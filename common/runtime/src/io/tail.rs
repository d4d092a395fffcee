//! The end of each topic partition in memory: what later stages read without asking the store.
//!
//! Place: between the engine and `io/sqlite_log`. Records are appended here first; the round's chunks are made from
//! what was not written yet. Reads no store itself.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use da_model::ids::{Offset, TopicPartition};
use rustc_hash::FxHashMap;

use super::segment::Segment;

/// Segments with the records meant.
pub type Spans = Vec<(Arc<Segment>, Range<usize>)>;

/// The ends of all topic partitions.
#[derive(Debug, Default)]
pub struct Tails {
    tracks: FxHashMap<TopicPartition, Track>,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Track {
    end: Offset,
    segments: VecDeque<Arc<Segment>>,
    unwritten: usize,
    handed: usize,
    older: VecDeque<Arc<Segment>>,
}

impl Tails {
    /// Says where a partition ends in the store.
    pub fn open(&mut self, at: TopicPartition, end: Offset) {
        self.tracks.insert(at, Track { end, ..Track::default() });
    }

    /// The offset behind the last record, written or not.
    #[must_use]
    pub fn end(&self, at: TopicPartition) -> Offset {
        self.tracks.get(&at).map_or(Offset(0), |t| t.end)
    }

    /// Appends records; the segment begins at [`Tails::end`].
    pub fn append(&mut self, at: TopicPartition, segment: Segment) {
        if segment.is_empty() {
            return;
        }
        let track = self.tracks.entry(at).or_default();
        track.end = segment.end();
        track.unwritten += 1;
        self.bytes += segment.weight();
        track.segments.push_back(Arc::new(segment));
    }

    /// At most `max` records from an offset on; empty where memory does not hold that offset.
    #[must_use]
    pub fn read(&self, at: TopicPartition, from: Offset, max: usize) -> Spans {
        let Some(track) = self.tracks.get(&at) else { return Vec::new() };
        let fresh = spans(&track.segments, from, max);
        if fresh.is_empty() { spans(&track.older, from, max) } else { fresh }
    }

    /// Keeps segments read from the store until the readers passed them.
    pub fn refill(&mut self, at: TopicPartition, segments: Vec<Segment>) {
        let track = self.tracks.entry(at).or_default();
        self.bytes = self.bytes.saturating_sub(weight(&track.older));
        track.older = segments.into_iter().map(Arc::new).collect();
        self.bytes += weight(&track.older);
    }

    /// What is to be written next, per partition; it is on its way from now on.
    #[must_use]
    pub fn hand_over(&mut self) -> Vec<(TopicPartition, Vec<Arc<Segment>>)> {
        let mut all = Vec::new();
        for (at, track) in &mut self.tracks {
            let fresh = track.unwritten - track.handed;
            if fresh > 0 {
                let first = track.segments.len() - fresh;
                all.push((*at, track.segments.iter().skip(first).cloned().collect()));
                track.handed = track.unwritten;
            }
        }
        all.sort_unstable_by_key(|(at, _)| *at);
        all
    }

    /// What was handed over is written.
    pub fn written(&mut self) {
        for track in self.tracks.values_mut() {
            track.unwritten -= track.handed;
            track.handed = 0;
        }
    }

    /// Forgets written records of the partitions that nobody reads.
    pub fn forget_unread(&mut self, read: impl Fn(TopicPartition) -> bool) {
        let unread: Vec<_> = self.tracks.iter().filter(|(at, _)| !read(**at)).map(|(at, t)| (*at, t.end)).collect();
        for (at, end) in unread {
            self.trim(at, end);
        }
    }

    /// Forgets written records before an offset.
    pub fn trim(&mut self, at: TopicPartition, before: Offset) {
        let Some(track) = self.tracks.get_mut(&at) else { return };
        if track.older.back().is_some_and(|s| s.end() <= before) {
            self.bytes = self.bytes.saturating_sub(weight(&track.older));
            track.older.clear();
        }
        while track.segments.len() > track.unwritten && track.segments.front().is_some_and(|s| s.end() <= before) {
            let gone = track.segments.pop_front().map_or(0, |s| s.weight());
            self.bytes = self.bytes.saturating_sub(gone);
        }
    }

    /// Forgets all written records if more than `bound` bytes are kept; readers go to the store for them.
    pub fn bound(&mut self, bound: usize) {
        if self.bytes <= bound {
            return;
        }
        let all: Vec<_> = self.tracks.iter().map(|(at, t)| (*at, t.end)).collect();
        for (at, end) in all {
            self.trim(at, end);
        }
    }

    /// Bytes kept.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }
}

fn weight(segments: &VecDeque<Arc<Segment>>) -> usize {
    segments.iter().map(|s| s.weight()).sum()
}

fn spans(segments: &VecDeque<Arc<Segment>>, from: Offset, max: usize) -> Spans {
    let first = segments.partition_point(|s| s.end() <= from);
    let mut next = from;
    let mut left = max;
    let mut found = Vec::new();
    for segment in segments.iter().skip(first) {
        let Ok(start) = usize::try_from(next.0 - segment.base().0) else { break };
        let count = left.min(segment.len().saturating_sub(start));
        if count == 0 {
            break;
        }
        found.push((Arc::clone(segment), start..start + count));
        next = segment.end();
        left -= count;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use da_model::ids::{Partition, TopicName};
    use da_model::time::Timestamp;

    const AT: TopicPartition = TopicPartition { topic: TopicName("t"), partition: Partition(0) };

    fn segment(base: i64, records: usize) -> Segment {
        let mut segment = Segment::new(Offset(base));
        for _ in 0..records {
            segment.push(Timestamp(0), None, Some(b"v"));
        }
        segment
    }

    fn offsets(spans: &Spans) -> Vec<i64> {
        let all = spans.iter().flat_map(|(s, range)| range.clone().map(|n| s.record(AT, n).unwrap().offset.0));
        all.collect()
    }

    #[test]
    fn readers_see_what_was_appended_and_refilled() {
        let mut tails = Tails::default();
        tails.open(AT, Offset(10));
        tails.append(AT, segment(10, 2));
        tails.append(AT, segment(12, 3));
        assert_eq!(tails.end(AT), Offset(15));
        assert_eq!(offsets(&tails.read(AT, Offset(11), 3)), [11, 12, 13]);
        assert_eq!(offsets(&tails.read(AT, Offset(15), 3)), Vec::<i64>::new());
        assert!(tails.read(AT, Offset(7), 9).is_empty(), "7 is in the store only");
        tails.refill(AT, vec![segment(5, 5)]);
        assert_eq!(offsets(&tails.read(AT, Offset(7), 9)), [7, 8, 9]);
        assert_eq!(tails.hand_over()[0].1.len(), 2);
        tails.trim(AT, Offset(15));
        assert_eq!(offsets(&tails.read(AT, Offset(11), 1)), [11], "unwritten records stay");
        tails.append(AT, segment(15, 1));
        tails.written();
        assert_eq!(tails.hand_over()[0].1[0].base(), Offset(15), "what came later goes with the next round");
        tails.written();
        tails.trim(AT, Offset(13));
        assert!(tails.read(AT, Offset(11), 1).is_empty());
        assert_eq!(offsets(&tails.read(AT, Offset(12), 1)), [12], "the segment is still in use");
        tails.written();
        tails.bound(0);
        assert_eq!((tails.bytes(), tails.end(AT)), (0, Offset(16)));
    }
}
