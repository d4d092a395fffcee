//! A stage with state by hand: counts the records of each partition in a row, and says the count in another topic.
//!
//! Place: between `sql_txn` and a test that wants to see each call; what it says shows every loss and every repeat, in
//! the log and in the store.

use std::sync::Arc;

use da_model::fault::Fault;
use da_model::ids::{TopicName, TopicPartition};
use da_model::state::{Column, Feed, Kind, Row, RowKey, RowSource, Table, Value};
use da_runtime::commit::sql_txn::{SqlOptions, SqlTxn};
use da_runtime::commit::{Ask, GroupProtocol, Polled, Protocol, Work};
use da_runtime::ports::{Member, Store};
use da_runtime::probe::Probe;

/// One row per partition, fed by it alone.
pub static COUNT: Table = Table {
    name: "count",
    doc: "Records of a partition.",
    keys: &[Column::new("tenant_id", Kind::Text, "always t1"), Column::new("part", Kind::Text, "the partition")],
    values: &[Column::new("n", Kind::Int, "how many")],
    feed: Feed::OneTopic,
    range: None,
};

/// One row fed by all partitions.
pub static TOTAL: Table = Table {
    name: "total",
    doc: "Records of all partitions.",
    keys: &[Column::new("tenant_id", Kind::Text, "always t1"), Column::new("id", Kind::Text, "always all")],
    values: &[Column::new("n", Kind::Int, "how many")],
    feed: Feed::Shared,
    range: None,
};

/// The row of a partition.
#[must_use]
pub fn count(partition: u32) -> RowKey {
    RowKey::new(&COUNT, &["t1", &partition.to_string()])
}

/// The row of all.
#[must_use]
pub fn total() -> RowKey {
    RowKey::new(&TOTAL, &["t1", "all"])
}

/// One worker over a group.
pub struct Tally {
    /// The protocol under test.
    pub txn: SqlTxn,
    from: TopicName,
    to: TopicName,
}

impl Tally {
    /// A worker over a member and a store.
    #[must_use]
    pub fn new(
        member: Box<dyn Member>,
        store: Box<dyn Store>,
        (from, to): (TopicName, TopicName),
        probe: &Arc<dyn Probe>,
    ) -> Self {
        let options = SqlOptions { probe: Arc::clone(probe), ..SqlOptions::default() };
        Self { txn: SqlTxn::new(member, store, options), from, to }
    }

    /// What waits, at most `max` records; begins nothing.
    ///
    /// # Errors
    /// A fault of the log or the store.
    pub fn poll(&mut self, max: usize) -> Result<Polled, Fault> {
        self.txn.poll(Ask { group: "tally", topics: &[self.from], except: &[], max })
    }

    /// Counts what was polled and commits it.
    ///
    /// # Errors
    /// A fault; nothing of it stands, unless its outcome is unknown.
    pub fn commit(&mut self, polled: &Polled) -> Result<usize, Fault> {
        let done = self.counted(polled);
        if done.is_err() {
            self.txn.abandon();
        }
        done.map(|()| polled.len())
    }

    fn counted(&mut self, polled: &Polled) -> Result<(), Fault> {
        let mut keys: Vec<RowKey> = polled.parts.iter().map(|part| count(part.at.partition.0)).collect();
        keys.push(total());
        let rows = self.txn.begin(&keys)?;
        let stored = |key: &RowKey| rows.row(key).and_then(|row| row.int(0)).unwrap_or(0);
        let row = |n: i64| Some(Arc::new(Row(vec![Value::Int(n)])));
        let mut work = Work { group: "tally", ..Work::default() };
        for part in &polled.parts {
            let mut position = part.position.clone();
            let key = count(part.at.partition.0);
            let mut n = stored(&key);
            let to = TopicPartition { topic: self.to, partition: part.at.partition };
            for record in part.spans.iter().flat_map(|(s, range)| range.clone().filter_map(|n| s.record(part.at, n))) {
                position.next = record.offset.next();
                n += 1;
                let seq = position.edges.send(self.to.0, to.partition);
                let text = format!("{seq}:{n}:{}", String::from_utf8_lossy(record.value.unwrap_or_default()));
                work.out.push((part.at, to), (record.timestamp, record.key), |arena| arena.extend(text.as_bytes()));
            }
            work.writes.push((key, row(n)));
            work.positions.push((part.at, position));
        }
        work.writes.push((total(), row(stored(&total()) + i64::try_from(polled.len()).unwrap_or(0))));
        work.writes.sort_by(|a, b| a.0.cmp(&b.0));
        self.txn.commit(work)
    }

    /// One batch.
    ///
    /// # Errors
    /// As [`Tally::commit`].
    pub fn step(&mut self, max: usize) -> Result<usize, Fault> {
        let polled = self.poll(max)?;
        if polled.is_empty() { Ok(0) } else { self.commit(&polled) }
    }

    /// Steps until every owned partition is read to its end; faults that pass are waited out.
    ///
    /// # Errors
    /// The first fault that does not pass.
    pub fn drain(&mut self, max: usize) -> Result<(), Fault> {
        let mut patience = 100;
        loop {
            let stepped = self.step(max);
            let stands = self.txn.stands();
            match stepped {
                Ok(0) if !stands.is_empty() && stands.iter().all(|(_, next, end)| next == end) => return Ok(()),
                Ok(_) => {}
                Err(Fault::Transient(_) | Fault::Fenced(_)) if patience > 0 => patience -= 1,
                Err(fault) => return Err(fault),
            }
        }
    }

    /// The partitions it reads.
    #[must_use]
    pub fn owns(&self) -> Vec<u32> {
        self.txn.stands().into_iter().map(|(at, _, _)| at.partition.0).collect()
    }
}

impl std::fmt::Debug for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tally").field("txn", &self.txn).finish_non_exhaustive()
    }
}
