//! Logs with consumer groups to test protocols on: one in memory that always is at hand, and Kafka where it runs.
//!
//! Place: one suite runs over both (`it/kafka.rs`). A log that is not at hand is reported `skipped`, never passed.

pub mod broker;
pub mod contract;
pub mod copier;
pub mod database;
pub mod fragile;
pub mod memory;
pub mod shelf;
pub mod tally;
pub mod worker;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use da_model::fault::Fault;
use da_model::ids::{Offset, Partition, TopicName, TopicPartition};
use da_model::time::Timestamp;
use da_runtime::commit::Outbox;
use da_runtime::ports::{Committed, Member};
use da_runtime::probe::{Crash, Probe, Silent, Step};

/// A log with consumer groups.
pub trait Cluster {
    /// Creates a topic of a name that nobody else has.
    fn topic(&self, partitions: u32) -> TopicName;

    /// A member of a group.
    ///
    /// # Errors
    /// Why it cannot join.
    fn member(&self, at: Slot, topics: &[TopicName], probe: Arc<dyn Probe>) -> Result<Box<dyn Member>, Fault>;

    /// Appends one record to each partition named, outside any transaction.
    fn append(&self, topic: TopicName, records: &[(u32, &str)]);
}

/// A group and a place in it.
#[derive(Debug, Clone, Copy)]
pub struct Slot {
    /// The group.
    pub group: &'static str,
    /// The place.
    pub slot: u32,
}

impl Slot {
    /// The first place of a new group.
    #[must_use]
    pub fn new() -> Self {
        Self { group: unique("group"), slot: 0 }
    }

    /// Another place of the same group.
    #[must_use]
    pub const fn other(self, slot: u32) -> Self {
        Self { slot, ..self }
    }
}

impl Default for Slot {
    fn default() -> Self {
        Self::new()
    }
}

/// A name that nobody else has; it lives as long as the process.
#[must_use]
pub fn unique(what: &str) -> &'static str {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("t.{what}.{}-{n}", uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, &seed())).leak()
}

/// Another process may run the same tests on the same brokers.
fn seed() -> [u8; 12] {
    let mut seed = [0; 12];
    let now = da_runtime::ports::Clock::now(&da_runtime::clock::SystemClock);
    seed[..8].copy_from_slice(&now.0.to_be_bytes());
    seed[8..].copy_from_slice(&std::process::id().to_be_bytes());
    seed
}

/// A partition of a topic.
#[must_use]
pub const fn at(topic: TopicName, partition: u32) -> TopicPartition {
    TopicPartition { topic, partition: Partition(partition) }
}

/// Outputs that hold one text each, without key.
#[must_use]
pub fn outbox(records: &[(TopicPartition, &str)]) -> Outbox {
    let mut out = Outbox::default();
    for (to, text) in records {
        out.push((*to, *to), (Timestamp(1), None), |arena| arena.extend_from_slice(text.as_bytes()));
    }
    out
}

/// A next offset with what is stored beside it.
#[must_use]
pub fn committed(next: i64, metadata: &str) -> Committed {
    Committed { next: Offset(next), metadata: metadata.to_owned() }
}

/// Everything readable on a topic now, by partition.
///
/// # Panics
/// When the log cannot be read.
#[must_use]
pub fn read(cluster: &dyn Cluster, topic: TopicName) -> Vec<Vec<String>> {
    let mut member = cluster.member(Slot::new(), &[topic], Arc::new(Silent)).unwrap_or_else(|e| panic!("{e}"));
    let count = member.partitions(topic);
    let mut found = vec![Vec::new(); count as usize];
    let mut next = vec![None; count as usize];
    loop {
        let fetched = member.poll(10_000, std::time::Duration::from_millis(25)).unwrap_or_else(|e| panic!("{e}"));
        for owned in fetched.assigned {
            let bounds = member.bounds(&[owned]).unwrap_or_else(|e| panic!("{e}"));
            member.start(&[(owned, bounds[0].0)]).unwrap_or_else(|e| panic!("{e}"));
            next[owned.partition.0 as usize] = Some(bounds[0].0);
        }
        for (of, segment) in fetched.segments {
            let part = of.partition.0 as usize;
            next[part] = Some(segment.end());
            let records = (0..segment.len()).filter_map(|n| segment.record(of, n)?.value.map(<[u8]>::to_vec));
            found[part].extend(records.map(|v| String::from_utf8_lossy(&v).into_owned()));
        }
        let ends = member.ends();
        let done = ends.iter().filter(|(of, end)| next[of.partition.0 as usize] == Some(*end)).count();
        if done == count as usize {
            member.close();
            return found;
        }
    }
}

/// Dies at the nth time a step is reached, once.
#[derive(Debug, Default)]
pub struct Deadly(Mutex<Option<(Step, usize)>>);

impl Deadly {
    /// Arms it anew; `nth` counts from 1.
    pub fn arm(&self, step: Step, nth: usize) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((step, nth));
    }

    /// Whether it has not killed yet.
    pub fn armed(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }
}

impl Probe for Deadly {
    fn at(&self, step: Step) -> Result<(), Crash> {
        let mut armed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *armed {
            Some((deadly, left)) if *deadly == step => {
                *left -= 1;
                if *left == 0 {
                    *armed = None;
                    return Err(Crash(step));
                }
                Ok(())
            }
            Some(_) | None => Ok(()),
        }
    }
}
