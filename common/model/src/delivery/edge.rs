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

    /// The text that is stored with the next offset, short enough for what a broker stores beside one: `>topic:` lists
    /// what was sent to the topic's partitions from 0 on, `<topic:` what was seen, in base 36; `p.n` goes on at p.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::with_capacity(16 * (self.sent.len() + self.seen.len()));
        for (sign, list) in [('>', &self.sent), ('<', &self.seen)] {
            for of_topic in list.chunk_by(|a, b| a.topic == b.topic) {
                put_topic(&mut text, sign, of_topic);
            }
        }
        text
    }

    /// Reads [`Edges::to_text`], and the longer form before it: `>topic/partition=last`, `<topic/partition=last`.
    /// `None` where the text is none of ours.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let mut edges = Self::default();
        for word in text.split(' ').filter(|w| !w.is_empty()) {
            let (list, word) = match (word.strip_prefix('>'), word.strip_prefix('<')) {
                (Some(word), _) => (&mut edges.sent, word),
                (None, Some(word)) => (&mut edges.seen, word),
                (None, None) => return None,
            };
            match word.rsplit_once(':').filter(|(_, numbers)| !numbers.contains('=')) {
                Some((topic, numbers)) => take_topic(list, topic, numbers)?,
                None => {
                    let (name, last) = word.rsplit_once('=')?;
                    let (topic, partition) = name.rsplit_once('/')?;
                    *slot(list, topic, Partition(partition.parse().ok()?)) = last.parse().ok()?;
                }
            }
        }
        Some(edges)
    }
}

/// The numbers of one topic, in the order of its partitions.
fn put_topic(text: &mut String, sign: char, of_topic: &[Counter]) {
    let Some(first) = of_topic.first() else { return };
    let gap = if text.is_empty() { "" } else { " " };
    let _ = write!(text, "{gap}{sign}{}:", first.topic);
    let mut next = 0;
    for (n, counter) in of_topic.iter().enumerate() {
        if n > 0 {
            text.push(',');
        }
        if counter.partition.0 != next {
            put_number(text, u64::from(counter.partition.0));
            text.push('.');
        }
        put_number(text, counter.last.unsigned_abs());
        next = counter.partition.0.saturating_add(1);
    }
}

fn take_topic(list: &mut Vec<Counter>, topic: &str, numbers: &str) -> Option<()> {
    let mut partition = 0;
    for number in numbers.split(',') {
        let last = match number.split_once('.') {
            Some((of, last)) => {
                partition = u32::from_str_radix(of, BASE).ok()?;
                last
            }
            None => number,
        };
        *slot(list, topic, Partition(partition)) = i64::from_str_radix(last, BASE).ok()?;
        partition = partition.checked_add(1)?;
    }
    Some(())
}

/// Digits and letters.
const BASE: u32 = 36;

fn put_number(text: &mut String, n: u64) {
    if n >= u64::from(BASE) {
        put_number(text, n / u64::from(BASE));
    }
    text.extend(u32::try_from(n % u64::from(BASE)).ok().and_then(|digit| char::from_digit(digit, BASE)));
}

/// The lists are in order: what is stored and read back is equal.
fn slot<'c>(list: &'c mut Vec<Counter>, topic: &str, partition: Partition) -> &'c mut i64 {
    let found = list.binary_search_by(|c| (&*c.topic, c.partition).cmp(&(topic, partition)));
    let at = found.unwrap_or_else(|at| {
        list.insert(at, Counter { topic: topic.into(), partition, last: 0 });
        at
    });
    &mut list.get_mut(at).expect("the position found, or that of the entry just inserted").last
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
        for _ in 0..36 {
            edges.send("a/b=c", Partition(0));
            edges.send("a/b=c", Partition(1));
        }
        edges.arrive("gep.usage", Partition(3), 41);
        assert_eq!(edges.to_text(), ">a/b=c:10,10,b.1 >dep.lesson.score:1 <gep.usage:3.15");
        assert_eq!(Edges::from_text(&edges.to_text()), Some(edges));
        assert_eq!(Edges::from_text(""), Some(Edges::default()));
        for foreign in ["nonsense", ">a/0=x", ">a:", ">a:1,,2", ">a:.1", ">a:zzzzzzzz.1", ">a:1.=2"] {
            assert_eq!(Edges::from_text(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn the_longer_form_of_before_is_still_read() {
        let mut edges = Edges::default();
        edges.arrive("gep.usage", Partition(3), 41);
        edges.send("a/b=c", Partition(11));
        edges.send("dep.lesson.score", Partition(0));
        assert_eq!(Edges::from_text(">dep.lesson.score/0=1 >a/b=c/11=1 <gep.usage/3=41"), Some(edges));
    }

    #[test]
    fn the_counters_of_many_partitions_fit_beside_an_offset() {
        let mut text = String::new();
        for partition in 0..180 {
            for topic in ["gep.accepted", "gep.rejected", "gep.system"] {
                let _ = write!(text, " >{topic}/{partition}={}", 1_000_000_000 + i64::from(partition));
            }
        }
        let edges = Edges::from_text(&text).unwrap();
        let short = edges.to_text();
        assert!(text.len() > 3 * short.len() && short.len() < 4_000, "{} and {}", text.len(), short.len());
        assert_eq!(Edges::from_text(&short), Some(edges));
    }
}
