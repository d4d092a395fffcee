//! The copying stage that measures the floor: what reading, sending and committing cost where nothing is decided.
//!
//! Place: stands in for a Driver where `bench.copy` names a shape (performance.md §5); same group, topics, fan-out,
//! sizes, rows and transactions, over the same protocol. Understands no event; its output is bytes of its input. Refused
//! by brokers that no benchmark has marked.

use std::collections::BTreeMap;
use std::sync::Arc;

use da_model::delivery::frontier;
use da_model::fault::{Cause, Fault};
use da_model::ids::{Partition, TopicName, TopicPartition};
use da_model::record::Record;
use da_model::state::{Kind, Row, RowKey, Table, Value};
use da_model::topics;

use crate::commit::status::Counts;
use crate::commit::{Ask, Polled, Protocol, Work};
use crate::stage::{Stage, Stepped};

/// What follows from inputs: taken from a real run, gone through in turn.
///
/// Text: a line `rows <table> <distinct rows>` per table, then a line per input of words `<topic>=<bytes>` for a record
/// and `<table>*<rows>` for rows.
#[derive(Debug, Default)]
pub struct Shape {
    inputs: Vec<Follows>,
    tables: Vec<(&'static Table, u64)>,
}

#[derive(Debug, Default)]
struct Follows {
    records: Vec<(TopicName, usize)>,
    rows: Vec<(usize, u64)>,
}

impl Shape {
    /// Reads a shape; rows are of these tables.
    ///
    /// # Errors
    /// [`Fault::Fatal`] with the word that names nothing.
    pub fn read(text: &str, tables: &[&'static Table]) -> Result<Self, Fault> {
        let mut shape = Self::default();
        for line in text.lines() {
            match line.strip_prefix("rows ").map(|told| told.split_once(' ').unwrap_or((told, ""))) {
                Some((name, count)) => {
                    let table = tables.iter().find(|table| table.name == name).ok_or_else(|| odd(line))?;
                    shape.tables.push((table, count.parse().map_err(|_| odd(count))?));
                }
                None => {
                    let mut follows = line.split(' ').filter(|word| !word.is_empty());
                    let follows = follows.try_fold(Follows::default(), |so_far, word| shape.word(so_far, word))?;
                    shape.inputs.push(follows);
                }
            }
        }
        if shape.inputs.is_empty() { Err(odd("")) } else { Ok(shape) }
    }

    fn word(&self, mut follows: Follows, word: &str) -> Result<Follows, Fault> {
        if let Some((topic, bytes)) = word.split_once('=') {
            let topic = topics::named(topic).ok_or_else(|| odd(word))?;
            follows.records.push((topic, bytes.parse().map_err(|_| odd(word))?));
        } else if let Some((table, rows)) = word.split_once('*') {
            let table = self.tables.iter().position(|(of, _)| of.name == table).ok_or_else(|| odd(word))?;
            follows.rows.push((table, rows.parse().map_err(|_| odd(word))?));
        } else {
            return Err(odd(word));
        }
        Ok(follows)
    }
}

/// The stage that copies in place of another.
pub struct Passthrough {
    name: &'static str,
    topics: Vec<TopicName>,
    shape: Arc<Shape>,
    max_records: usize,
    inputs: usize,
    rows: Vec<u64>,
    counts: BTreeMap<TopicName, u32>,
}

/// A stage of `name` over `topics` that copies by a shape.
#[must_use]
pub fn stage((name, topics): (&'static str, &[TopicName]), shape: Arc<Shape>, max_records: usize) -> Box<dyn Stage> {
    let rows = vec![0; shape.tables.len()];
    let (topics, counts) = (topics.to_vec(), BTreeMap::new());
    Box::new(Passthrough { name, topics, shape, max_records, inputs: 0, rows, counts })
}

impl Stage for Passthrough {
    fn name(&self) -> &'static str {
        self.name
    }

    fn topics(&self) -> &[TopicName] {
        &self.topics
    }

    fn stalled(&self) -> &[TopicPartition] {
        &[]
    }

    fn waits(&self, _: TopicPartition) -> bool {
        false
    }

    fn step(&mut self, protocol: &mut dyn Protocol, max: usize) -> Result<Stepped, Fault> {
        let ask = Ask { group: self.name, topics: &self.topics, except: &[], max: max.min(self.max_records) };
        let polled = protocol.poll(ask)?;
        if polled.is_empty() {
            return Ok(Stepped::default());
        }
        protocol.begin(&[])?;
        let work = self.copied(protocol, &polled)?;
        let (rows, emitted) = (work.writes.len() as u64, work.out.len() as u64);
        protocol.commit(work)?;
        let records = polled.len();
        let counts = Counts { read: records as u64, batches: 1, rows, emitted, ..Counts::default() };
        Ok(Stepped { records, counts })
    }
}

impl Passthrough {
    fn copied(&mut self, protocol: &dyn Protocol, polled: &Polled) -> Result<Work, Fault> {
        let mut work = Work { group: self.name, ..Work::default() };
        let mut positions: BTreeMap<_, _> = polled.parts.iter().map(|part| (part.at, part.position.clone())).collect();
        let shape = Arc::clone(&self.shape);
        for record in polled.records() {
            let at = record.topic_partition();
            let position = positions.entry(at).or_default();
            position.next = frontier::advance(position.next, record.offset)
                .map_err(|e| Fault::Fatal(Cause::new(format!("read of {at}"), e)))?;
            let Some(follows) = shape.inputs.get(self.inputs % shape.inputs.len()) else { continue };
            self.inputs += 1;
            for (topic, bytes) in &follows.records {
                let partitions = *self.counts.entry(*topic).or_insert_with(|| protocol.partitions(*topic));
                copy(&record, (*topic, partitions, *bytes), &mut work);
            }
            for (table, rows) in &follows.rows {
                self.write((&shape, *table), *rows, &mut work);
            }
        }
        work.writes.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        work.writes.dedup_by(|a, b| a.0 == b.0);
        work.positions = positions.into_iter().collect();
        Ok(work)
    }

    /// As many rows as a batch of the real stage writes, each of them once.
    fn write(&mut self, (shape, table): (&Shape, usize), rows: u64, work: &mut Work) {
        let (Some((of, distinct)), Some(written)) = (shape.tables.get(table), self.rows.get_mut(table)) else { return };
        for _ in 0..rows {
            let row = Row(of.values.iter().map(|column| plain(column.kind)).collect());
            work.writes.push((key_of(of, *written % (*distinct).max(1)), Some(Arc::new(row))));
            *written += 1;
        }
    }
}

/// One record of so many bytes, filled from the input.
fn copy(record: &Record<'_>, (topic, partitions, bytes): (TopicName, u32, usize), work: &mut Work) {
    let from = record.topic_partition();
    let partition = Partition(from.partition.0.checked_rem(partitions).unwrap_or(0));
    let to = TopicPartition { topic, partition };
    let source = record.value.filter(|value| !value.is_empty()).unwrap_or(b"empty");
    work.out.push((from, to), (record.timestamp, record.key), |arena| {
        let mut left = bytes;
        while let Some(piece) = source.get(..left.min(source.len())).filter(|piece| !piece.is_empty()) {
            arena.extend_from_slice(piece);
            left -= piece.len();
        }
    });
}

/// The key of a made-up row: as long as real ids, and as scattered.
fn key_of(table: &'static Table, number: u64) -> RowKey {
    let mixed = number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let part = |(n, kind): (usize, Kind)| match kind {
        Kind::Text => format!("{:016x}-{:016x}-{n}", mixed ^ (mixed >> 29), mixed.rotate_left(17)),
        Kind::Bool => (number % 2).to_string(),
        Kind::Int | Kind::Percent | Kind::Points | Kind::Time | Kind::Bytes => number.to_string(),
        Kind::Date => (number % 20_000).to_string(),
    };
    let parts: Vec<String> = table.keys.iter().enumerate().map(|(n, column)| part((n, column.kind))).collect();
    RowKey::new(table, &parts.iter().map(String::as_str).collect::<Vec<_>>())
}

fn plain(kind: Kind) -> Value {
    match kind {
        Kind::Text => Value::from("a text of thirty-six letters or such"),
        Kind::Bytes => Value::Bytes(Arc::from(&b"sixteen or so"[..])),
        Kind::Bool => Value::Int(1),
        Kind::Int | Kind::Percent | Kind::Points | Kind::Time | Kind::Date => Value::Int(4_321),
    }
}

fn odd(word: &str) -> Fault {
    Fault::Fatal(Cause::new("read of the shape to copy by", format!("`{word}` names no topic, table or number")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use da_model::ids::Offset;
    use da_model::state::{Column, Feed};
    use da_model::time::Timestamp;

    use crate::batch::Rows;
    use crate::commit::{Part, Position};
    use crate::io::segment::Segment;

    static T: Table = Table {
        name: "t",
        doc: "",
        keys: &[Column::new("id", Kind::Text, ""), Column::new("n", Kind::Int, "")],
        values: &[Column::new("v", Kind::Int, "")],
        feed: Feed::OneTopic,
        range: None,
    };

    /// Hands out three records of ten bytes once, and keeps the work.
    struct Once(Option<Polled>, Vec<Work>);

    impl Protocol for Once {
        fn partitions(&self, _: TopicName) -> u32 {
            4
        }

        fn poll(&mut self, _: Ask<'_>) -> Result<Polled, Fault> {
            Ok(self.0.take().unwrap_or_default())
        }

        fn begin(&mut self, _: &[RowKey]) -> Result<Rows, Fault> {
            Ok(Rows::default())
        }

        fn commit(&mut self, work: Work) -> Result<(), Fault> {
            self.1.push(work);
            Ok(())
        }

        fn abandon(&mut self) {}
    }

    fn once() -> Once {
        let at = TopicPartition { topic: TopicName("gep.usage"), partition: Partition(2) };
        let mut segment = Segment::new(Offset(5));
        for offset in 5..8 {
            segment.push_at(Offset(offset), Timestamp(9), (Some(b"k"), Some(b"0123456789")));
        }
        let position = Position { next: Offset(5), ..Position::default() };
        let part = Part { at, position, spans: vec![(Arc::new(segment), 0..3)] };
        Once(Some(Polled { parts: vec![part], ..Polled::default() }), Vec::new())
    }

    #[test]
    fn what_follows_has_the_shape_and_the_bytes_of_the_input() {
        let text = "rows t 2\ndemux.question.score=25 t*2\n\n";
        let shape = Arc::new(Shape::read(text, &[&T]).unwrap());
        let mut protocol = once();
        let mut stage = stage(("demux", &[TopicName("gep.usage")]), shape, 100);
        let stepped = stage.step(&mut protocol, 100).unwrap();
        assert_eq!((stepped.records, stepped.counts.read, stepped.counts.emitted, stepped.counts.rows), (3, 3, 2, 2));
        let work = protocol.1.first().unwrap();
        let out: Vec<_> = work.out.records().map(|o| (o.to.partition.0, o.key, o.value)).collect();
        let copied = &b"0123456789012345678901234"[..];
        assert_eq!(out, [(2, Some(&b"k"[..]), copied); 2], "the second input is followed by nothing");
        assert_eq!(work.positions.first().map(|(_, p)| p.next), Some(Offset(8)));
        let keys: Vec<_> = work.writes.iter().map(|(key, _)| key.joined()).collect();
        assert_eq!(keys.iter().collect::<std::collections::BTreeSet<_>>().len(), 2, "as many rows as are distinct");
    }

    #[test]
    fn a_word_that_names_nothing_is_refused() {
        for text in ["", "demux.question.scores=1", "u*1", "rows u 1", "demux.question.score=x", "word"] {
            assert!(matches!(Shape::read(text, &[&T]), Err(Fault::Fatal(_))), "{text}");
        }
    }
}
