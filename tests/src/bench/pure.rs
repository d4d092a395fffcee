//! The pure part of every stage: decode → decide → encode over rows in memory, without I/O.
//!
//! Place: first table of `make bench`. Beside each stage stands a copy of the same shape: as many outputs of the same
//! sizes, filled from the input's bytes. Every figure is the least of some rounds: a busy neighbour, and pages that the
//! log of the bench touches first, are no cost of a stage.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

use cli::learners::{Profile, Settings};
use da_model::event::lineage::{Lineage, Root, Source, record_id};
use da_model::ids::{Offset, Partition, TopicName};
use da_model::schema::{Schemas, codec};
use da_model::state::{Row, RowKey, RowSource, Snapshot};
use da_model::time::Timestamp;
use da_model::{Event, Handler, Record};
use gep::intake::{BodyForm, Limits, Origin, split_body, take_in};

use super::cpu;
use crate::edge;

const NOW: Timestamp = Timestamp(1_772_442_000_000);

/// How often each stage runs, on rows of its own.
const ROUNDS: usize = 5;

/// What one stage cost.
#[derive(Debug, Clone)]
pub struct Cost {
    /// The stage.
    pub stage: &'static str,
    /// Records in.
    pub inputs: usize,
    /// Records out.
    pub outputs: usize,
    /// Bytes out.
    pub bytes: usize,
    /// CPU nanoseconds of decode, decide and encode.
    pub nanos: u64,
    /// CPU nanoseconds of a copy of the same shape.
    pub copy_nanos: u64,
}

impl fmt::Display for Cost {
    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (nanos, copy) = (self.nanos as f64, self.copy_nanos.max(1) as f64);
        let (inputs, outputs) = (self.inputs.max(1) as f64, self.outputs.max(1) as f64);
        write!(f, "{:<8} {:>9} {:>9} ", self.stage, self.inputs, self.outputs)?;
        let (each, copied) = (nanos / inputs / 1_000.0, copy / inputs / 1_000.0);
        write!(f, "{each:>16.2} {copied:>12.2} {:>8.1} {:>12.2}", nanos / copy, nanos / outputs / 1_000.0)
    }
}

/// Records in memory, their bytes in one arena.
#[derive(Debug, Default)]
struct Log {
    bytes: Vec<u8>,
    records: Vec<(TopicName, Range<usize>)>,
}

struct Rows(HashMap<RowKey, Row>);

impl RowSource for Rows {
    fn row(&self, key: &RowKey) -> Option<&Row> {
        self.0.get(key)
    }

    fn range(&self, _: &RowKey) -> Vec<(&RowKey, &Row)> {
        Vec::new()
    }
}

/// Runs `events` events of the bench profile through all stages.
#[must_use]
pub fn measure(events: u64) -> Vec<Cost> {
    let settings = Settings {
        profile: Profile::Bench,
        seed: 1,
        events,
        connections: 1,
        batch: 100,
        classes: 40,
        learners: 1000,
        base: NOW.0,
    };
    let world = settings.world();
    let mut stream = settings.stream(&world, 0);
    let bodies: Vec<String> = std::iter::from_fn(|| stream.request().map(|(body, _)| body)).collect();
    let (accepted, intake) = least(|log| intake(&bodies, log));
    let (usage, gep) = least(|log| run("gep", &gep::pipeline::Gep::default(), (&accepted, log)));
    let (discrete, demux) = least(|log| run("demux", &demux::pipeline::Demux::default(), (&usage, log)));
    let (_, dep) = least(|log| dep_rounds(&discrete, log));
    vec![intake, gep, demux, dep]
}

/// What a stage says, and the least it cost. A round writes into the memory of the one before, as a service does: how a
/// log of twenty thousand events grows is no cost of a stage.
fn least(round: impl Fn(Log) -> (Log, Cost)) -> (Log, Cost) {
    let (mut log, mut least) = round(Log::default());
    for _ in 1..ROUNDS {
        let (again, cost) = round(log.emptied());
        log = again;
        least.nanos = least.nanos.min(cost.nanos);
        least.copy_nanos = least.copy_nanos.min(cost.copy_nanos);
    }
    (log, least)
}

fn intake(bodies: &[String], mut log: Log) -> (Log, Cost) {
    let partner = edge::partner();
    let (limits, schemas) = (Limits::default(), Schemas::embedded());
    let origin = Origin::Http { request_id: "bench".to_owned() };
    let mut inputs = 0;
    let before = cpu::of_this_thread();
    for body in bodies {
        let Ok(elements) = split_body(body.as_bytes(), BodyForm::Json, &limits) else { continue };
        inputs += elements.len();
        for emit in take_in(&elements, &partner, NOW, &origin, &limits).emits {
            let lineage = emit.root.map(|root| Lineage::of_intake(root.event_key, root.at));
            let lineage = lineage.unwrap_or_else(|| Lineage::of_intake(uuid_nil(), NOW));
            log.push(emit.topic, (&emit.event, &lineage), &schemas);
        }
    }
    let nanos = cpu::of_this_thread() - before;
    let sent: Vec<&[u8]> = bodies.iter().map(String::as_bytes).collect();
    let copy_nanos = copy(&sent, &log);
    log.records.retain(|(topic, _)| topic.0 == "gep.accepted");
    let cost = Cost { stage: "intake", inputs, outputs: log.records.len(), bytes: log.bytes.len(), nanos, copy_nanos };
    (log, cost)
}

/// dep reads its own roll-ups: rounds until nothing new is said.
fn dep_rounds(discrete: &Log, mut all: Log) -> (Log, Cost) {
    let handler = dep::pipeline::Dep::default();
    let read: Vec<TopicName> = handler.topics();
    let mut rows = Rows(HashMap::new());
    let mut total: Option<Cost> = None;
    let mut input = discrete.only(&read);
    while !input.records.is_empty() {
        let (out, cost) = run_with("dep", &handler, (&input, std::mem::take(&mut all).emptied()), &mut rows);
        total = Some(match total {
            None => cost,
            Some(sum) => Cost {
                outputs: sum.outputs + cost.outputs,
                inputs: sum.inputs + cost.inputs,
                bytes: sum.bytes + cost.bytes,
                nanos: sum.nanos + cost.nanos,
                copy_nanos: sum.copy_nanos + cost.copy_nanos,
                ..sum
            },
        });
        input = out.only(&read);
        all = out;
    }
    let none = Cost { stage: "dep", inputs: 0, outputs: 0, bytes: 0, nanos: 0, copy_nanos: 0 };
    (all, total.unwrap_or(none))
}

fn run<H: Handler>(stage: &'static str, handler: &H, logs: (&Log, Log)) -> (Log, Cost) {
    run_with(stage, handler, logs, &mut Rows(HashMap::new()))
}

fn run_with<H: Handler>(
    stage: &'static str,
    handler: &H,
    (input, mut out): (&Log, Log),
    rows: &mut Rows,
) -> (Log, Cost) {
    let schemas = Schemas::embedded();
    let before = cpu::of_this_thread();
    for (offset, (topic, range)) in input.records.iter().enumerate() {
        let offset = Offset(i64::try_from(offset).unwrap_or(0));
        let record = Record {
            topic: *topic,
            partition: Partition(0),
            offset,
            timestamp: NOW,
            key: Some(b"t1"),
            value: input.bytes.get(range.clone()),
            only: None,
        };
        one(handler, &record, rows, (&mut out, &schemas));
    }
    let nanos = cpu::of_this_thread() - before;
    let values: Vec<&[u8]> = input.records.iter().filter_map(|(_, range)| input.bytes.get(range.clone())).collect();
    let copy_nanos = copy(&values, &out);
    let (inputs, outputs, bytes) = (input.records.len(), out.records.len(), out.bytes.len());
    (out, Cost { stage, inputs, outputs, bytes, nanos, copy_nanos })
}

fn one<H: Handler>(handler: &H, record: &Record<'_>, rows: &mut Rows, (out, schemas): (&mut Log, &Schemas)) {
    let Ok(input) = handler.decode(record, schemas) else { return };
    let reads = handler.reads(&input);
    let Ok(effects) = handler.decide(&input, &Snapshot::new(&reads, rows)) else { return };
    for (index, emit) in effects.emits.iter().enumerate() {
        let index = i32::try_from(index).unwrap_or(0);
        let lineage = Lineage {
            id: record_id(record.topic_partition(), record.offset, emit.unit, index),
            src: Some(Source {
                topic: record.topic.0.into(),
                partition: record.partition,
                offset: record.offset,
                index,
            }),
            root: Some(Root { event_key: uuid_nil(), at: NOW }),
            hop: 1,
            seq: Some(record.offset.0),
        };
        out.push(emit.topic, (&emit.event, &lineage), schemas);
    }
    for write in effects.writes {
        match write.row {
            Some(row) => rows.0.insert(write.key, row),
            None => rows.0.remove(&write.key),
        };
    }
}

/// As many outputs of the same sizes as in `shape`, filled from the inputs.
fn copy(inputs: &[&[u8]], shape: &Log) -> u64 {
    let mut arena = Vec::new();
    let before = cpu::of_this_thread();
    let mut sources = inputs.iter().cycle();
    for (_, range) in &shape.records {
        let source = sources.next().copied().unwrap_or_default();
        let mut left = range.len();
        while left > 0 && !source.is_empty() {
            let part = source.get(..left.min(source.len())).unwrap_or_default();
            arena.extend_from_slice(part);
            left -= part.len();
        }
    }
    std::hint::black_box(&arena);
    cpu::of_this_thread() - before
}

impl Log {
    fn emptied(mut self) -> Self {
        self.records.clear();
        self.bytes.clear();
        self
    }

    fn push(&mut self, topic: TopicName, (event, lineage): (&Event<'_>, &Lineage<'_>), schemas: &Schemas) {
        let start = self.bytes.len();
        codec::encode(event, lineage, schemas, &mut self.bytes);
        self.records.push((topic, start..self.bytes.len()));
    }

    fn only(&self, topics: &[TopicName]) -> Self {
        let mut kept = Self::default();
        for (topic, range) in self.records.iter().filter(|(topic, _)| topics.contains(topic)) {
            let start = kept.bytes.len();
            kept.bytes.extend_from_slice(self.bytes.get(range.clone()).unwrap_or_default());
            kept.records.push((*topic, start..kept.bytes.len()));
        }
        kept
    }
}

fn uuid_nil() -> uuid::Uuid {
    uuid::Uuid::nil()
}
