//! The log of a cluster as a test sees it: every committed record once, and how far the groups are.
//!
//! Place: below [`super::cluster`]. Joins no group. Sees no half of a transaction: positions are asked first, then where
//! the partitions end, and records are read when nothing before those ends is undecided any more.

use std::collections::BTreeMap;
use std::sync::Arc;

use da_model::fault::{Cause, Fault};
use da_model::ids::{Offset, TopicName, TopicPartition};
use da_model::schema::Schemas;
use da_model::time::Timestamp;
use da_runtime::commit::status::Lag;
use da_runtime::io::kafka::client::KafkaSettings;
use da_runtime::io::kafka::positions::Positions;
use da_runtime::io::kafka::reader::KafkaReader;

use super::Logged;

/// A group and the topics it reads.
pub(super) type Group = (&'static str, Vec<TopicName>);

/// What was seen of a partition.
#[derive(Default)]
struct Seen {
    end: Offset,
    records: Vec<Logged>,
}

/// What was seen of a cluster.
pub(super) struct Eyes {
    reader: KafkaReader,
    groups: Vec<(Group, Positions)>,
    all: Positions,
    seen: BTreeMap<TopicPartition, Seen>,
    schemas: Arc<Schemas>,
}

impl Seen {
    /// Behind the last record; marks of transactions are nothing to read.
    fn next(&self) -> Offset {
        self.records.last().map_or(Offset(0), |last| last.offset.next())
    }
}

impl Eyes {
    pub(super) fn new(kafka: &KafkaSettings, topics: &[TopicName], groups: Vec<Group>, schemas: Schemas) -> Self {
        let positions = |group: &str, of: &[TopicName]| {
            Positions::open(kafka, group, of).unwrap_or_else(|fault| panic!("positions of {group}: {fault}"))
        };
        Self {
            reader: KafkaReader::open(kafka).unwrap_or_else(|fault| panic!("{fault}")),
            all: positions("eyes", topics),
            groups: groups.into_iter().map(|of| (of.clone(), positions(of.0, &of.1))).collect(),
            seen: BTreeMap::new(),
            schemas: Arc::new(schemas),
        }
    }

    /// Follows a group over these topics from now on, whatever it read by the settings.
    pub(super) fn follow(&mut self, kafka: &KafkaSettings, of: Group) {
        if self.groups.iter().any(|(known, _)| *known == of) {
            return;
        }
        self.groups.retain(|((group, _), _)| *group != of.0);
        let positions = Positions::open(kafka, of.0, &of.1);
        self.groups.push((of, positions.unwrap_or_else(|fault| panic!("positions: {fault}"))));
    }

    /// Reads what is new; where every group stood before that.
    ///
    /// # Errors
    /// A [`Fault`] that may pass: what was just made is not known to every part of a broker at once.
    pub(super) fn look(&mut self) -> Result<Vec<Lag>, Fault> {
        let stands: Result<Vec<_>, Fault> = self.groups.iter().map(|(_, positions)| positions.now()).collect();
        let stands = stands?;
        for (at, end) in self.all.ends()? {
            if self.seen.entry(at).or_default().end != end {
                self.read(at, end)?;
            }
        }
        let lags = self.groups.iter().zip(stands).flat_map(|(((group, topics), _), stands)| {
            let stands: BTreeMap<TopicPartition, Offset> = stands.into_iter().collect();
            let of = self.seen.iter().filter(|(at, _)| topics.contains(&at.topic));
            of.map(move |(at, seen)| {
                let next = stands.get(at).copied().unwrap_or_default().min(seen.next());
                let (end, progress) = (seen.next(), Timestamp(0));
                Lag { group, at: *at, next, end, progress, stalled: false, waits: false, oldest: None }
            })
        });
        Ok(lags.collect())
    }

    fn read(&mut self, at: TopicPartition, end: Offset) -> Result<(), Fault> {
        if self.reader.bounds(at.topic.0, at.partition)?.1 < end {
            return Err(Fault::Transient(Cause::new(format!("read of {at}"), "a transaction is still open")));
        }
        let seen = self.seen.entry(at).or_default();
        let records = self.reader.records((at.topic.0, at.partition), seen.next(), usize::MAX)?;
        seen.records.extend(records.into_iter().map(|record| Logged::of(record, &self.schemas)));
        seen.end = end;
        Ok(())
    }

    /// Every record seen, each topic in its order.
    pub(super) fn log(&self) -> Vec<Logged> {
        self.seen.values().flat_map(|seen| seen.records.iter().cloned()).collect()
    }
}
