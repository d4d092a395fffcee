//! What follows from recorded inputs, worked out in memory: the shape to copy by, and the rows a database would get.
//!
//! Place: before the runs, over the same handlers. Its figures are counts and bytes, never time.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use da_model::delivery::edge::Edges;
use da_model::event::lineage::{Lineage, Root, Source, record_id};
use da_model::ids::{Offset, Partition, TopicName, TopicPartition};
use da_model::schema::{Schemas, codec};
use da_model::state::{Row, RowKey, RowSource, Snapshot};
use da_model::time::Timestamp;
use da_model::{Handler, Record};

/// One record of a topic.
#[derive(Debug, Clone)]
pub struct Input {
    /// Its topic.
    pub topic: TopicName,
    /// Its partition.
    pub partition: Partition,
    /// Its offset.
    pub offset: Offset,
    /// Its key.
    pub key: Vec<u8>,
    /// Its value.
    pub value: Vec<u8>,
}

/// Rows of one batch, each once.
pub type Batch = Vec<(RowKey, Option<Arc<Row>>)>;

/// What follows from inputs.
#[derive(Debug, Default)]
pub struct Walk {
    /// Per input: topics with bytes, tables with rows.
    lines: Vec<String>,
    /// The rows, batch by batch.
    pub batches: Vec<Batch>,
    /// Records that follow and are not read again.
    pub outputs: Vec<Input>,
    /// How many records followed in all, and their bytes.
    pub emitted: (u64, u64),
    distinct: BTreeMap<&'static str, BTreeSet<RowKey>>,
    edges: BTreeMap<TopicPartition, Edges>,
}

struct Rows(HashMap<RowKey, Arc<Row>>);

impl RowSource for Rows {
    fn row(&self, key: &RowKey) -> Option<&Row> {
        self.0.get(key).map(|row| &**row)
    }

    fn range(&self, _: &RowKey) -> Vec<(&RowKey, &Row)> {
        Vec::new()
    }
}

/// Takes inputs through a handler, what it feeds itself too, in batches of so many.
#[must_use]
pub fn walk<H: Handler>(handler: &H, inputs: &[Input], schemas: &Schemas, batch: usize) -> Walk {
    let mut walk = Walk::default();
    let mut rows = Rows(HashMap::new());
    let read = handler.topics();
    let (mut turn, mut rest) = (inputs.to_vec(), Vec::new());
    while !turn.is_empty() {
        for piece in turn.chunks(batch.max(1)) {
            walk.piece(handler, piece, (&mut rows, schemas));
        }
        let (fed, left) = std::mem::take(&mut walk.outputs).into_iter().partition(|of| read.contains(&of.topic));
        turn = fed;
        rest.extend::<Vec<Input>>(left);
    }
    walk.outputs = rest;
    walk
}

impl Walk {
    fn piece<H: Handler>(&mut self, handler: &H, inputs: &[Input], (rows, schemas): (&mut Rows, &Schemas)) {
        let mut batch: BTreeMap<RowKey, Option<Arc<Row>>> = BTreeMap::new();
        for input in inputs {
            let (mut line, writes) = self.one(handler, input, (rows, schemas));
            for (key, row) in writes {
                // Once per batch: a later write of it goes to the store in the same row.
                let first = batch.insert(key.clone(), row).is_none();
                line.push_str(&self.counted(key, first));
            }
            self.lines.push(line);
        }
        if !batch.is_empty() {
            self.batches.push(batch.into_iter().collect());
        }
    }

    /// The word about a row, the first time that a batch writes it.
    fn counted(&mut self, key: RowKey, first: bool) -> String {
        if !first {
            return String::new();
        }
        let name = key.table().name;
        self.distinct.entry(name).or_default().insert(key);
        format!("{name}*1 ")
    }

    /// One input: the words about its records, and its writes.
    fn one<H: Handler>(
        &mut self,
        handler: &H,
        input: &Input,
        (rows, schemas): (&mut Rows, &Schemas),
    ) -> (String, Batch) {
        let (mut line, mut writes) = (String::new(), Vec::new());
        let record = record_of(input);
        let Ok(decoded) = handler.decode(&record, schemas) else { return (line, writes) };
        let reads = handler.reads(&decoded);
        let Ok(effects) = handler.decide(&decoded, &Snapshot::new(&reads, rows)) else { return (line, writes) };
        for (index, emit) in effects.emits.iter().enumerate() {
            let mut value = Vec::new();
            let index = i32::try_from(index).unwrap_or(0);
            let id = record_id(record.topic_partition(), record.offset, emit.unit, index);
            let edges = self.edges.entry(record.topic_partition()).or_default();
            let seq = edges.send(emit.topic.0, input.partition);
            codec::encode(&emit.event, &lineage(input, (id, index, seq)), schemas, &mut value);
            line.push_str(&format!("{}={} ", emit.topic.0, value.len()));
            self.emitted = (self.emitted.0 + 1, self.emitted.1 + value.len() as u64);
            self.outputs.push(Input { topic: emit.topic, value, ..input.clone() });
        }
        for write in effects.writes {
            let row = write.row.map(Arc::new);
            match &row {
                Some(row) => rows.0.insert(write.key.clone(), Arc::clone(row)),
                None => rows.0.remove(&write.key),
            };
            writes.push((write.key, row));
        }
        (line, writes)
    }

    /// The text that a copying stage reads.
    #[must_use]
    pub fn shape(&self) -> String {
        let tables = self.distinct.iter().map(|(name, keys)| format!("rows {name} {}\n", keys.len()));
        tables.chain(self.lines.iter().map(|line| format!("{}\n", line.trim_end()))).collect()
    }

    /// Inputs that were taken, what fed itself among them.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.lines.len()
    }

    /// Rows of all batches.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.batches.iter().map(|batch| batch.len() as u64).sum()
    }
}

fn record_of(input: &Input) -> Record<'_> {
    Record {
        topic: input.topic,
        partition: input.partition,
        offset: input.offset,
        timestamp: Timestamp(1_772_442_000_000),
        key: Some(&input.key),
        value: Some(&input.value),
        only: None,
    }
}

fn lineage(input: &Input, (id, index, seq): ([u8; 16], i32, i64)) -> Lineage<'static> {
    let root = Some(Root { event_key: uuid::Uuid::nil(), at: Timestamp(1_772_442_000_000) });
    let src = Source { topic: input.topic.0.into(), partition: input.partition, offset: input.offset, index };
    Lineage { id, src: Some(src), root, hop: 1, seq: Some(seq) }
}
