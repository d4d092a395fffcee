//! Numbers on the edges of the record graph: new, repeat or gap (delivery.md §7).
//!
//! Place: an edge is (source topic, partition) → (destination topic, partition). The Driver numbers what it sends and
//! checks what it receives with the two lists kept here; a protocol stores them with the next offset. Knows no store.

use std::fmt::Write as _;
use std::sync::Arc;

use crate::ids::Partition;

/// The counters of one read topic partition: numbers sent from it, and numbers seen on it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Edges {
    sent: Vec<Counter>,
    seen: Vec<Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Counter {
    topic: Arc<str>,
    partition: Partition,
    last: i64,
}

/// What a number says about its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// The next one, or the first of an edge that was not known.
    New,
    /// Seen already: drop it.
    Repeat,
    /// Numbers are missing before it: count it and go on.
    Gap,
}

impl Edges {
    /// The number of the next record sent to a destination; from 1, without holes.
    pub fn send(&mut self, topic: &str, partition: Partition) -> i64 {
        let last = slot(&mut self.sent, topic, partition);
        *last += 1;
        *last
    }

    /// Takes a number that arrived from a source.
    pub fn arrive(&mut self, topic: &str, partition: Partition, seq: i64) -> Arrival {
        let last = slot(&mut self.seen, topic, partition);
        let known = *last;
        if seq <= known {
            return Arrival::Repeat;
        }
        *last = seq;
        if known == 0 || seq == known + 1 { Arrival::New } else { Arrival::Gap }
    }

    /// The text that is stored with the next offset: `>topic/partition=last` sent, `<topic/partition=last` seen.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::with_capacity(32 * (self.sent.len() + self.seen.len()));
        let sent = self.sent.iter().map(|c| ('>', c));
        let seen = self.seen.iter().map(|c| ('<', c));
        for (sign, c) in sent.chain(seen) {
            let gap = if text.is_empty() { "" } else { " " };
            let _ = write!(text, "{gap}{sign}{}/{}={}", c.topic, c.partition, c.last);
        }
        text
    }

    /// Reads [`Edges::to_text`]; `None` where the text is none of ours.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let mut edges = Self::default();
        for word in text.split(' ').filter(|w| !w.is_empty()) {
            let (name, last) = word.rsplit_once('=')?;
            let (name, partition) = name.rsplit_once('/')?;
            let (list, topic) = match (name.strip_prefix('>'), name.strip_prefix('<')) {
                (Some(topic), _) => (&mut edges.sent, topic),
                (None, Some(topic)) => (&mut edges.seen, topic),
                (None, None) => return None,
            };
            *slot(list, topic, Partition(partition.parse().ok()?)) = last.parse().ok()?;
        }
        Some(edges)
    }
}

fn slot<'c>(list: &'c mut Vec<Counter>, topic: &str, partition: Partition) -> &'c mut i64 {
    let found = list.iter().position(|c| c.partition == partition && *c.topic == *topic);
    let at = found.unwrap_or_else(|| {
        list.push(Counter { topic: topic.into(), partition, last: 0 });
        list.len() - 1
    });
    &mut list.get_mut(at).expect("the position found, or that of the entry just pushed").last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_new_a_repeat_or_a_gap() {
        let mut edges = Edges::default();
        let p = Partition(2);
        let cases = [
            (5, Arrival::New), // a reader that begins in mid-stream accepts the first number it sees
            (6, Arrival::New),
            (6, Arrival::Repeat),
            (3, Arrival::Repeat),
            (8, Arrival::Gap),
            (7, Arrival::Repeat),
            (9, Arrival::New),
        ];
        for (seq, expected) in cases {
            assert_eq!(edges.arrive("demux.question.score", p, seq), expected, "{seq}");
        }
        assert_eq!(edges.arrive("demux.question.score", Partition(0), 1), Arrival::New, "another edge");
    }

    #[test]
    fn sent_numbers_start_at_one_and_have_no_holes() {
        let mut edges = Edges::default();
        assert_eq!([edges.send("a", Partition(0)), edges.send("a", Partition(0))], [1, 2]);
        assert_eq!(edges.send("a", Partition(1)), 1);
    }

    #[test]
    fn counters_survive_their_text() {
        let mut edges = Edges::default();
        edges.send("dep.lesson.score", Partition(0));
        edges.send("a/b=c", Partition(11));
        edges.arrive("gep.usage", Partition(3), 41);
        assert_eq!(edges.to_text(), ">dep.lesson.score/0=1 >a/b=c/11=1 <gep.usage/3=41");
        assert_eq!(Edges::from_text(&edges.to_text()), Some(edges));
        assert_eq!(Edges::from_text(""), Some(Edges::default()));
        assert_eq!(Edges::from_text("nonsense"), None);
        assert_eq!(Edges::from_text(">a/0=x"), None);
    }
}
