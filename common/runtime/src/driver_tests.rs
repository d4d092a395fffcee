//! The Driver over a log that grows while a batch is redone, and a store that cannot hold one row.
//!
//! Place: test code of `driver`. Whatever arrives meanwhile, only the record at fault is refused.

use std::sync::Arc;

use da_model::effects::Write;
use da_model::ids::{Offset, Partition};
use da_model::outcome::Outcome;
use da_model::state::{Column, Feed, Kind, Row, Table, Value};

use super::*;
use crate::clock::ManualClock;
use crate::commit::{Part, Work};
use crate::io::segment::Segment;

const LINES: TopicName = TopicName("partner.lines");

static LINE: Table = Table {
    name: "line",
    doc: "Lines.",
    keys: &[Column::new("tenant_id", Kind::Text, ""), Column::new("line", Kind::Text, "")],
    values: &[Column::new("n", Kind::Int, "")],
    feed: Feed::OneTopic,
    range: None,
};

/// Writes a row per line.
struct Lines;

impl Handler for Lines {
    type Input<'r> = &'r str;

    fn name(&self) -> &'static str {
        "gep"
    }

    fn topics(&self) -> Vec<TopicName> {
        vec![LINES]
    }

    fn decode<'r>(&self, record: &Record<'r>, _: &da_model::schema::Schemas) -> Result<Self::Input<'r>, Rejection> {
        Ok(std::str::from_utf8(record.value.unwrap_or_default()).unwrap())
    }

    fn reads(&self, input: &Self::Input<'_>) -> Vec<RowKey> {
        vec![RowKey::new(&LINE, &["t1", input])]
    }

    fn decide<'r>(&self, input: &Self::Input<'r>, _: &Snapshot<'_>) -> Result<Effects<'r>, Rejection> {
        let mut effects = Effects::none(Outcome::Applied);
        let row = Some(Row(vec![Value::Int(1)]));
        effects.writes.push(Write { key: RowKey::new(&LINE, &["t1", input]), row });
        Ok(effects)
    }
}

/// One more partition has its records at each poll; a store that cannot hold the line `huge`.
struct Growing {
    lines: Vec<(u32, &'static str)>,
    come: usize,
    polls: usize,
}

impl Protocol for Growing {
    fn partitions(&self, _: TopicName) -> u32 {
        1
    }

    fn poll(&mut self, ask: Ask<'_>) -> Result<Polled, Fault> {
        self.polls += 1;
        assert!(self.polls < 20, "it goes round and round");
        let come = self.lines.get(..self.come).unwrap_or(&self.lines);
        self.come += 1;
        let mut polled = Polled::default();
        for (n, (partition, line)) in come.iter().enumerate().take(ask.max) {
            let at = TopicPartition { topic: LINES, partition: Partition(*partition) };
            let mut segment = Segment::new(Offset(n as i64));
            segment.push(Timestamp(0), Some(b"k"), Some(line.as_bytes()));
            let spans = vec![(Arc::new(segment), 0..1)];
            polled.parts.push(Part { at, position: Position { next: Offset(n as i64), ..Position::default() }, spans });
        }
        Ok(polled)
    }

    fn begin(&mut self, keys: &[RowKey]) -> Result<Rows, Fault> {
        let mut rows = Rows::default();
        keys.iter().for_each(|key| rows.load(key.clone(), None));
        Ok(rows)
    }

    fn commit(&mut self, work: Work) -> Result<(), Fault> {
        let huge = work.writes.iter().any(|(key, _)| key.joined().contains("huge"));
        let refused = || Fault::Refused(da_model::fault::Cause::new("write of a row", "it is too large"));
        if huge { Err(refused()) } else { Ok(()) }
    }

    fn abandon(&mut self) {}
}

/// Records behind which it moved, those refused, and those that were good.
fn step(lines: &[(u32, &'static str)]) -> (usize, u64, u64) {
    let mut stage = stage(Lines, DriverOptions::new(Arc::new(ManualClock::new(Timestamp(0)))));
    let mut protocol = Growing { lines: lines.to_vec(), come: 1, polls: 0 };
    let Stepped { records, counts } = stage.step(&mut protocol, usize::MAX).unwrap();
    let dead = counts.dead.get(&Reason::HandlerFailed).copied().unwrap_or(0);
    (records, dead, counts.outcomes.get(&Outcome::Applied).copied().unwrap_or(0))
}

#[test]
fn what_arrives_while_a_refused_record_is_done_again_is_not_refused_with_it() {
    assert_eq!(step(&[(0, "huge"), (1, "good")]), (2, 1, 1));
    assert_eq!(step(&[(1, "huge"), (0, "good")]), (2, 1, 1), "wherever it lies in the batch");
}

#[test]
fn a_second_record_at_fault_is_refused_by_itself() {
    assert_eq!(step(&[(0, "huge"), (1, "also huge"), (2, "good")]), (1, 1, 0));
}
