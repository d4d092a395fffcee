//! Reading topics from outside: committed records of a partition or of a whole topic, without a group.
//!
//! Place: the log side of `reading` on a cluster. Asks for the end of a partition instead of waiting for more.

use std::collections::BTreeSet;
use std::time::Duration;

use da_model::fault::Fault;
use da_model::ids::{Offset, Partition};
use da_model::topics::PREFIX;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::util::Timeout;
use rustc_hash::FxHashMap;

use super::client::{self, Ear, KafkaSettings, fatal, fault, transient};
use super::source::{next_of, number};
use crate::reading::TapRecord;

/// How long a question may take.
const ASK: Duration = Duration::from_secs(10);
/// How long nothing may come before a partition is given up, and how often that is looked at.
const LOOK: Duration = Duration::from_millis(50);
const LOOKS: usize = 200;

impl ConsumerContext for Ear {}

/// The reader.
pub struct KafkaReader {
    consumer: BaseConsumer<Ear>,
    /// Sees behind open transactions.
    beyond: BaseConsumer<Ear>,
    /// Full name and partition count by short name.
    topics: FxHashMap<String, (String, u32)>,
    /// The partition that is being read, and where.
    place: Option<(String, Partition, Offset)>,
    /// Behind what nothing more was readable on a partition, and where the partition ended then.
    over: FxHashMap<(String, Partition), (Offset, Offset)>,
    /// Partitions of a whole topic whose end has not come.
    open: BTreeSet<i32>,
}

impl KafkaReader {
    /// Connects and looks at the topics.
    ///
    /// # Errors
    /// A [`Fault`] that says why the brokers do not answer.
    pub fn open(settings: &KafkaSettings) -> Result<Self, Fault> {
        let mut config = client::common(settings)?;
        config.set("group.id", "gooru-da-reading").set("enable.auto.commit", "false");
        config.set("enable.partition.eof", "true").set("isolation.level", "read_committed");
        config.set("auto.offset.reset", "earliest").set("fetch.wait.max.ms", "5");
        let consumer: BaseConsumer<Ear> =
            config.create_with_context(Ear::default()).map_err(|e| fatal("build of a reader", e))?;
        config.set("isolation.level", "read_uncommitted");
        let beyond = config.create_with_context(Ear::default()).map_err(|e| fatal("build of a reader", e))?;
        let told = consumer.fetch_metadata(None, ASK);
        let told = told.map_err(|_| client::why(settings))?;
        let mut topics = FxHashMap::default();
        for topic in told.topics().iter().filter(|t| !t.name().starts_with("__")) {
            let full = topic.name().to_owned();
            let Some(name) = full.strip_prefix(settings.scope.0) else { continue };
            let short = name.strip_prefix(PREFIX).unwrap_or(name).to_owned();
            topics.insert(short, (full, u32::try_from(topic.partitions().len()).unwrap_or(0)));
        }
        Ok(Self { consumer, beyond, topics, place: None, over: FxHashMap::default(), open: BTreeSet::new() })
    }

    /// Names of all topics, without the common prefix.
    #[must_use]
    pub fn topics(&self) -> Vec<String> {
        let mut names: Vec<String> = self.topics.keys().cloned().collect();
        names.sort();
        names
    }

    /// Partitions of a topic; 0 where it is not there.
    #[must_use]
    pub fn partitions(&self, topic: &str) -> u32 {
        self.topics.get(topic).map_or(0, |(_, count)| *count)
    }

    /// First and end offset.
    ///
    /// # Errors
    /// A [`Fault`] that says why the brokers do not answer.
    pub fn bounds(&self, topic: &str, partition: Partition) -> Result<(Offset, Offset), Fault> {
        let Some((full, _)) = self.topics.get(topic) else { return Ok((Offset(0), Offset(0))) };
        let bounds = self.consumer.fetch_watermarks(full, number(partition), ASK);
        bounds.map(|(low, high)| (Offset(low), Offset(high))).map_err(|e| fault(format!("bounds of {full}"), &e))
    }

    /// First and end offset of every partition.
    ///
    /// # Errors
    /// A [`Fault`] that says why the brokers do not answer.
    pub fn all_bounds(&self, topic: &str) -> Result<Vec<(Offset, Offset)>, Fault> {
        let Some((full, count)) = self.topics.get(topic) else { return Ok(Vec::new()) };
        bounds_of(&self.consumer, full, *count)
    }

    /// Partitions whose stable end lies before their end: a transaction is open there.
    ///
    /// # Errors
    /// A [`Fault`] that says why the brokers do not answer.
    pub fn open_transactions(&self) -> Result<Vec<String>, Fault> {
        let mut open = Vec::new();
        for (full, count) in self.topics.values() {
            let stable = bounds_of(&self.consumer, full, *count)?;
            let ends = bounds_of(&self.beyond, full, *count)?;
            let open_here = stable.into_iter().zip(ends).enumerate().filter(|(_, (stable, end))| stable.1 < end.1);
            open.extend(open_here.map(|(partition, ((_, stable), (_, end)))| {
                format!("{full}/{partition}: stable up to {stable}, end {end}")
            }));
        }
        Ok(open)
    }

    /// Committed records from an offset on, `max` at most; none where the end is reached.
    ///
    /// # Errors
    /// A [`Fault`] where the records do not come.
    pub fn records(&mut self, at: (&str, Partition), from: Offset, max: usize) -> Result<Vec<TapRecord>, Fault> {
        let (topic, partition) = at;
        let Some((full, _)) = self.topics.get(topic).cloned() else { return Ok(Vec::new()) };
        let attempted = || format!("read of {full}/{partition}");
        // Asked first: going to a place where nothing is costs a hundred times as much as the answer that nothing is.
        let (_, end) = self.bounds(topic, partition)?;
        let here = (full.clone(), partition);
        if from >= end || self.over.get(&here) == Some(&(from, end)) {
            return Ok(Vec::new());
        }
        self.go(&full, partition, from)?;
        let (mut found, mut quiet): (Vec<TapRecord>, usize) = (Vec::new(), 0);
        while found.len() < max {
            match self.consumer.poll(Timeout::After(LOOK)) {
                Some(Ok(m)) => {
                    quiet = 0;
                    found.push(record_of(topic, &m));
                }
                Some(Err(KafkaError::PartitionEOF(_))) => {
                    // Whoever asks again must be told of the end again.
                    self.place = None;
                    self.over.insert(here, (found.last().map_or(from, |last| last.offset.next()), end));
                    return Ok(found);
                }
                Some(Err(_)) | None if quiet < LOOKS => quiet += 1,
                Some(Err(error)) => return Err(fault(attempted(), &error)),
                None => return Err(transient(attempted(), "no record and no end came")),
            }
        }
        self.place = found.last().map(|last| (full, partition, last.offset.next()));
        Ok(found)
    }

    /// Goes to the beginning of a whole topic: one assignment for all partitions that hold anything.
    ///
    /// # Errors
    /// A [`Fault`] that says why the brokers do not answer.
    pub fn begin(&mut self, topic: &str) -> Result<(), Fault> {
        self.place = None;
        self.open.clear();
        let Some((full, count)) = self.topics.get(topic).cloned() else { return Ok(()) };
        let mut list = TopicPartitionList::new();
        let bounds = bounds_of(&self.consumer, &full, count)?;
        for (partition, (first, end)) in (0..count).map(Partition).zip(bounds) {
            if first < end {
                let added = list.add_partition_offset(&full, number(partition), rdkafka::Offset::Offset(first.0));
                added.map_err(|e| fault(format!("read of {full}/{partition}"), &e))?;
                self.open.insert(number(partition));
            }
        }
        self.consumer.assign(&list).map_err(|e| fault(format!("read of {full}"), &e))
    }

    /// The next records since [`KafkaReader::begin`], `max` at most; none once the end of every partition has come.
    ///
    /// # Errors
    /// A [`Fault`] where the records do not come.
    pub fn more(&mut self, topic: &str, max: usize) -> Result<Vec<TapRecord>, Fault> {
        let (mut found, mut quiet) = (Vec::new(), 0);
        while !self.open.is_empty() && found.len() < max {
            match self.consumer.poll(Timeout::After(LOOK)) {
                Some(Ok(m)) => {
                    quiet = 0;
                    found.push(record_of(topic, &m));
                }
                // Told again where records were added meanwhile.
                Some(Err(KafkaError::PartitionEOF(partition))) => drop(self.open.remove(&partition)),
                Some(Err(_)) | None if quiet < LOOKS => quiet += 1,
                Some(Err(error)) => return Err(fault(format!("read of {topic}"), &error)),
                None => return Err(transient(format!("read of {topic}"), "no record and no end came")),
            }
        }
        Ok(found)
    }

    /// Goes to a place, unless the reader stands there.
    fn go(&mut self, full: &str, partition: Partition, from: Offset) -> Result<(), Fault> {
        let stands = self.place.as_ref().is_some_and(|(t, p, o)| t == full && *p == partition && *o == from);
        if stands {
            return Ok(());
        }
        let attempted = || format!("read of {full}/{partition}@{from}");
        let mut list = TopicPartitionList::new();
        let added = list.add_partition_offset(full, number(partition), rdkafka::Offset::Offset(from.0));
        added.and_then(|()| self.consumer.assign(&list)).map_err(|e| fault(attempted(), &e))
    }
}

/// First and end offset of the partitions of a topic: two questions for all of them.
pub(super) fn bounds_of<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    full: &str,
    count: u32,
) -> Result<Vec<(Offset, Offset)>, Fault> {
    let attempted = || format!("bounds of {full}");
    let ask = |at: rdkafka::Offset| {
        let mut list = TopicPartitionList::with_capacity(count as usize);
        for partition in (0..count).map(Partition) {
            let added = list.add_partition_offset(full, number(partition), at);
            added.map_err(|e| fault(attempted(), &e))?;
        }
        let told = consumer.offsets_for_times(list, ASK).map_err(|e| fault(attempted(), &e))?;
        let of = |partition| {
            let found = told.find_partition(full, number(partition));
            let found = found.ok_or_else(|| transient(attempted(), "a partition is missing in the answer"))?;
            found.error().map_err(|e| fault(attempted(), &e))?;
            Ok(next_of(found.offset()).unwrap_or_default())
        };
        (0..count).map(Partition).map(of).collect::<Result<Vec<Offset>, Fault>>()
    };
    Ok(ask(rdkafka::Offset::Beginning)?.into_iter().zip(ask(rdkafka::Offset::End)?).collect())
}

fn record_of(topic: &str, m: &BorrowedMessage<'_>) -> TapRecord {
    TapRecord {
        topic: topic.to_owned(),
        partition: Partition(u32::try_from(m.partition()).unwrap_or(0)),
        offset: Offset(m.offset()),
        timestamp: m.timestamp().to_millis().unwrap_or(0),
        key: m.key().map(<[u8]>::to_vec),
        value: m.payload().map(<[u8]>::to_vec),
    }
}
