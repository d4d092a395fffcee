//! The consuming half of a member: assignment, records, pausing, offsets of the group.
//!
//! Place: used by `member` on its one thread. Assignments are handed up and begin only when the caller says from where;
//! a rebalance is served inside a poll and never meets an open transaction. Commits nothing.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use da_model::fault::Fault;
use da_model::ids::{Offset, Partition, TopicName, TopicPartition};
use da_model::time::Timestamp;
use rdkafka::client::DefaultClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, ConsumerGroupMetadata};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::util::Timeout;
use rdkafka::{ClientConfig, ClientContext, TopicPartitionList};
use rustc_hash::FxHashMap;

use super::client::{self, KafkaSettings, Scope, Trouble, fatal, fault, transient};
use super::ffi;
use crate::io::segment::Segment;
use crate::ports::{Clock, Committed, Fetched};

/// How long a read of the group's offsets may wait for open transactions.
const STABLE: Duration = Duration::from_secs(5);
/// How long a question to a broker may take.
const ASK: Duration = Duration::from_secs(5);
/// Batches of few records begin so far apart: what comes within it shares a transaction.
const PACE_MS: i64 = 25;
/// After a longer rest, or a longer batch, a poll gathers for so long: its own last words come back within it.
const ECHO_MS: i64 = 5;
/// So many idle polls with an unmoved end say that nothing readable is left.
const STILL: u8 = 8;

/// How the client tells that a session ended without an answer.
const LAPSED: &str = "SESSTMOUT";
/// Events looked at for the reason of a failed start.
const EVENTS: usize = 32;

/// A change of the assignment.
enum Change {
    Assigned(Vec<(String, i32)>),
    Revoked(Vec<(String, i32)>),
}

/// Serves rebalances: an assignment is only noted, a revocation is carried out and noted.
#[derive(Default)]
struct Rebalances {
    changes: Mutex<Vec<Change>>,
    trouble: Arc<Trouble>,
    /// The session ended without an answer of the brokers; until the next assignment.
    lapsed: AtomicBool,
}

impl Rebalances {
    fn note(&self, change: Change) {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner).push(change);
    }

    fn take(&self) -> Vec<Change> {
        std::mem::take(&mut *self.changes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ClientContext for Rebalances {
    fn error(&self, error: KafkaError, reason: &str) {
        client::Ear(Arc::clone(&self.trouble)).error(error, reason);
    }

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        if facility == LAPSED {
            self.lapsed.store(true, Ordering::SeqCst);
        }
        DefaultClientContext.log(level, facility, message);
    }
}

impl ConsumerContext for Rebalances {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, told: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let names = list.elements().iter().map(|e| (e.topic().to_owned(), e.partition())).collect::<Vec<_>>();
        if told == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            if names.is_empty() {
                drop(consumer.incremental_assign(list));
                return;
            }
            self.lapsed.store(false, Ordering::SeqCst);
            return self.note(Change::Assigned(names));
        }
        // Of what was handed up and never begun the client knows nothing; it would refuse the whole list.
        let mut begun = TopicPartitionList::new();
        let assigned = consumer.assignment().unwrap_or_default();
        for (topic, partition) in &names {
            if assigned.find_partition(topic, *partition).is_some() {
                begun.add_partition(topic, *partition);
            }
        }
        drop(consumer.incremental_unassign(&begun));
        self.note(Change::Revoked(names));
    }
}

/// A partition that is read.
struct Reading {
    next: Offset,
    end: Offset,
    still: u8,
    stalled: bool,
}

/// The consumer of one member.
pub(super) struct Source {
    consumer: BaseConsumer<Rebalances>,
    config: ClientConfig,
    names: FxHashMap<String, TopicName>,
    reading: BTreeMap<TopicPartition, Reading>,
    waiting: Vec<TopicPartition>,
    metadata: Option<ConsumerGroupMetadata>,
    batch_bytes: usize,
    scope: Scope,
    paused: bool,
    clock: Arc<dyn Clock>,
    /// When the next batch is due, if its records are few.
    paced: Timestamp,
}

/// Records of one poll.
#[derive(Default)]
struct Batch {
    segments: Vec<(TopicPartition, Segment)>,
    places: FxHashMap<TopicPartition, usize>,
    records: usize,
    bytes: usize,
}

impl Source {
    /// A client of the group that has not joined it.
    pub(super) fn open(
        settings: &KafkaSettings,
        (group, slot): (&str, &str),
        topics: &[TopicName],
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Fault> {
        let config = client::consumer(settings, group, slot)?;
        let names: FxHashMap<String, TopicName> = topics.iter().map(|t| (settings.scope.topic(*t), *t)).collect();
        let consumer = build(&config)?;
        let (reading, waiting) = (BTreeMap::new(), Vec::new());
        let KafkaSettings { batch_bytes, scope, .. } = *settings;
        let (metadata, paused, paced) = (None, false, Timestamp::default());
        Ok(Self { consumer, config, names, reading, waiting, metadata, batch_bytes, scope, paused, clock, paced })
    }

    /// Joins the group.
    pub(super) fn join(&self) -> Result<(), Fault> {
        subscribe(&self.consumer, &self.names)
    }

    /// The client, for questions before it joins.
    pub(super) const fn client(&self) -> &BaseConsumer<impl ConsumerContext + use<>> {
        &self.consumer
    }

    /// Joins anew with nothing assigned. A client whose session lapsed asks for a new place, and a heartbeat of the old
    /// one that is still on its way is then refused as somebody else's; the client takes that for its end.
    fn join_again(&mut self) -> Result<(), Fault> {
        let lost = self.reading.keys().chain(&self.waiting);
        let lost = lost.map(|at| (self.scope.topic(at.topic), number(at.partition))).collect();
        self.consumer = build(&self.config)?;
        self.join()?;
        self.consumer.context().note(Change::Revoked(lost));
        Ok(())
    }

    /// Whether an error is the end of a client that lost its session while the brokers did not answer.
    fn is_lapsed(&self, error: &KafkaError) -> bool {
        let fenced = error.rdkafka_error_code() == Some(RDKafkaErrorCode::FencedInstanceId);
        let fatal = matches!(error, KafkaError::MessageConsumptionFatal(_));
        fatal && fenced && self.consumer.context().lapsed.load(Ordering::SeqCst)
    }

    pub(super) fn poll(&mut self, max: usize, wait: Duration) -> Result<Fetched, Fault> {
        let mut batch = Batch::default();
        self.gather(&mut batch, max.max(1), wait)?;
        let mut fetched = Fetched::default();
        for change in self.consumer.context().take() {
            self.change(change, &mut fetched, &mut batch);
        }
        self.metadata = self.capture();
        if batch.records == 0 && !self.paused && !wait.is_zero() {
            self.idle();
        }
        fetched.segments = batch.segments;
        Ok(fetched)
    }

    /// Polls until the batch is full or its time has come; ends early at a rebalance.
    fn gather(&mut self, batch: &mut Batch, max: usize, wait: Duration) -> Result<(), Fault> {
        let (mut next, mut due) = (Some(wait), None);
        while let Some(timeout) = next.filter(|_| batch.records < max && batch.bytes < self.batch_bytes) {
            match self.consumer.poll(Timeout::After(timeout)) {
                Some(Ok(message)) => {
                    take(&message, (&self.names, &mut self.reading), batch);
                    next = Some(Duration::ZERO);
                }
                Some(Err(error)) if self.is_lapsed(&error) => return self.join_again(),
                Some(Err(error)) => refuse(&error)?,
                None if batch.records == 0 || wait.is_zero() || !timeout.is_zero() => next = None,
                None => next = left(self.paced, self.clock.now(), &mut due),
            }
        }
        if batch.records > 0 {
            self.paced = self.clock.now().plus(PACE_MS);
        }
        Ok(())
    }

    fn change(&mut self, change: Change, fetched: &mut Fetched, batch: &mut Batch) {
        match change {
            Change::Assigned(list) => {
                for at in self.known(&list) {
                    self.waiting.push(at);
                    fetched.assigned.push(at);
                }
            }
            Change::Revoked(list) => {
                for at in self.known(&list) {
                    self.waiting.retain(|w| *w != at);
                    fetched.assigned.retain(|w| *w != at);
                    self.reading.remove(&at);
                    batch.segments.retain(|(of, _)| *of != at);
                    fetched.revoked.push(at);
                }
            }
        }
    }

    fn known(&self, list: &[(String, i32)]) -> Vec<TopicPartition> {
        let at = |(topic, partition): &(String, i32)| {
            let (topic, partition) = (*self.names.get(topic)?, u32::try_from(*partition).ok()?);
            Some(TopicPartition { topic, partition: Partition(partition) })
        };
        list.iter().filter_map(at).collect()
    }

    /// The group's metadata, if this consumer is a member now; the two looks must see the same generation.
    fn capture(&self) -> Option<ConsumerGroupMetadata> {
        let native = self.consumer.client().native_ptr();
        let before = ffi::generation(native)?;
        let metadata = self.consumer.group_metadata()?;
        let same = ffi::generation(native) == Some(before);
        (same && !self.consumer.assignment_lost()).then_some(metadata)
    }

    /// Nothing came: where the end does not move either, what lies before it are marks of transactions.
    fn idle(&mut self) {
        let native = self.consumer.client().native_ptr();
        for (at, reading) in &mut self.reading {
            let Some(end) = ffi::end_of(native, &self.scope.topic(at.topic), number(at.partition)) else { continue };
            let end = Offset(end).max(reading.next);
            reading.still = if end == reading.end { reading.still.saturating_add(1) } else { 0 };
            reading.end = end;
        }
    }

    pub(super) fn metadata(&self) -> Option<&ConsumerGroupMetadata> {
        self.metadata.as_ref()
    }

    pub(super) fn start(&mut self, at: &[(TopicPartition, Offset)]) -> Result<(), Fault> {
        let (again, first): (Vec<_>, Vec<_>) = at.iter().partition(|(at, _)| self.reading.contains_key(at));
        if !first.is_empty() {
            let list = list_of(self.scope, &first)?;
            self.consumer.incremental_assign(&list).map_err(|e| fault("begin of assigned partitions", &e))?;
            first.iter().for_each(|begun| self.reads(*begun));
            // The client remembers over a revocation that a partition was paused.
            let done = if self.paused { self.consumer.pause(&list) } else { self.consumer.resume(&list) };
            done.map_err(|e| fault("begin of assigned partitions", &e))?;
        }
        if again.is_empty() {
            return Ok(());
        }
        let list = list_of(self.scope, &again)?;
        let told = self.consumer.seek_partitions(list, ASK).map_err(|e| fault("seek", &e))?;
        let mut done = Ok(());
        for begun in again {
            match sought(&told, &self.scope.topic(begun.0.topic), begun.0.partition) {
                Ok(()) => self.reads(begun),
                Err(error) => done = Err(transient(format!("seek of {}", begun.0), error)),
            }
        }
        done
    }

    /// From here on the records of a partition come from an offset; one that was left out is left out still.
    fn reads(&mut self, (at, next): (TopicPartition, Offset)) {
        self.waiting.retain(|w| *w != at);
        let stalled = self.reading.get(&at).is_some_and(|before| before.stalled);
        self.reading.insert(at, Reading { next, end: next.next(), still: 0, stalled });
    }

    pub(super) fn pause(&mut self, paused: bool) -> Result<(), Fault> {
        if self.paused == paused {
            return Ok(());
        }
        let of: Vec<_> = self.reading.iter().filter(|(_, r)| !r.stalled).map(|(at, r)| (*at, r.next)).collect();
        let list = list_of(self.scope, &of)?;
        let done = if paused { self.consumer.pause(&list) } else { self.consumer.resume(&list) };
        done.map_err(|e| fault("pause of partitions", &e))?;
        self.paused = paused;
        Ok(())
    }

    /// Leaves exactly these out; see [`crate::ports::Member::stall`].
    pub(super) fn stall(&mut self, at: &[TopicPartition]) -> Result<(), Fault> {
        let (mut out, mut back) = (Vec::new(), Vec::new());
        for (of, reading) in &mut self.reading {
            match (reading.stalled, at.contains(of)) {
                (false, true) => out.push((*of, reading.next)),
                (true, false) => back.push((*of, reading.next)),
                (false, false) | (true, true) => continue,
            }
            reading.stalled = !reading.stalled;
        }
        if !out.is_empty() {
            self.consumer.pause(&list_of(self.scope, &out)?).map_err(|e| fault("pause of stopped partitions", &e))?;
        }
        if !back.is_empty() && !self.paused {
            self.consumer
                .resume(&list_of(self.scope, &back)?)
                .map_err(|e| fault("resumption of stopped partitions", &e))?;
        }
        Ok(())
    }

    pub(super) fn committed(&self, of: &[TopicPartition]) -> Result<Vec<Option<Committed>>, Fault> {
        if of.is_empty() {
            return Ok(Vec::new());
        }
        let attempted = "read of committed offsets";
        let mut list = TopicPartitionList::with_capacity(of.len());
        for at in of {
            list.add_partition(&self.scope.topic(at.topic), number(at.partition));
        }
        let told = self.consumer.committed_offsets(list, STABLE).map_err(|e| fault(attempted, &e))?;
        of.iter()
            .map(|at| {
                let found = told.find_partition(&self.scope.topic(at.topic), number(at.partition));
                let found = found.ok_or_else(|| transient(attempted, format!("no answer about {at}")))?;
                found.error().map_err(|e| fault(format!("{attempted} of {at}"), &e))?;
                Ok(next_of(found.offset()).map(|next| Committed { next, metadata: found.metadata().to_owned() }))
            })
            .collect()
    }

    pub(super) fn bounds(&self, of: &[TopicPartition]) -> Result<Vec<(Offset, Offset)>, Fault> {
        let ask = |at: &TopicPartition| {
            let told = self.consumer.fetch_watermarks(&self.scope.topic(at.topic), number(at.partition), ASK);
            told.map(|(low, high)| (Offset(low), Offset(high))).map_err(|e| fault(format!("bounds of {at}"), &e))
        };
        of.iter().map(ask).collect()
    }

    /// Stores offsets of the group outside any transaction.
    pub(super) fn store(&self, offsets: &TopicPartitionList) -> Result<(), Fault> {
        self.consumer.commit(offsets, CommitMode::Sync).map_err(|e| fault("store of offsets", &e))
    }

    pub(super) fn ends(&self) -> Vec<(TopicPartition, Offset)> {
        let native = self.consumer.client().native_ptr();
        let of = |(at, reading): (&TopicPartition, &Reading)| {
            if reading.still >= STILL {
                return (*at, reading.next);
            }
            let told = ffi::end_of(native, &self.scope.topic(at.topic), number(at.partition));
            // Before the first answer nobody knows whether something waits.
            (*at, told.map_or(reading.next.next(), Offset).max(reading.next))
        };
        self.reading.iter().map(of).collect()
    }

    /// What the client told last about the connection; its events are served by polls alone.
    pub(super) fn told(&self) -> Option<(RDKafkaErrorCode, String)> {
        for _ in 0..EVENTS {
            drop(self.consumer.poll(Timeout::After(Duration::ZERO)));
        }
        self.consumer.context().trouble.take()
    }

    /// How often the connection failed or timed out since this client was built.
    pub(super) fn troubles(&self) -> u64 {
        self.consumer.context().trouble.count()
    }

    /// Topics of the cluster with their partition counts.
    pub(super) fn counts(&self) -> Result<FxHashMap<String, u32>, KafkaError> {
        let told = self.consumer.fetch_metadata(None, ASK)?;
        let count = |t: &rdkafka::metadata::MetadataTopic| u32::try_from(t.partitions().len()).unwrap_or(0);
        Ok(told.topics().iter().filter(|t| t.error().is_none()).map(|t| (t.name().to_owned(), count(t))).collect())
    }
}

fn build(config: &ClientConfig) -> Result<BaseConsumer<Rebalances>, Fault> {
    config.create_with_context(Rebalances::default()).map_err(|e| fatal("build of the consumer", e))
}

fn subscribe(consumer: &BaseConsumer<Rebalances>, names: &FxHashMap<String, TopicName>) -> Result<(), Fault> {
    let list: Vec<&str> = names.keys().map(String::as_str).collect();
    consumer.subscribe(&list).map_err(|e| fatal(format!("subscription of {}", list.join(", ")), e))
}

/// How long a batch that has records waits for more, if it does; when it is due is settled at the first question.
fn left(paced: Timestamp, now: Timestamp, due: &mut Option<Timestamp>) -> Option<Duration> {
    let due = *due.get_or_insert(paced.max(now.plus(ECHO_MS)));
    let ms = due.since(now).clamp(0, PACE_MS).unsigned_abs();
    (ms > 0).then(|| Duration::from_millis(ms))
}

/// Copies a record out of the fetch buffer, which one message would pin as a whole.
fn take(
    message: &BorrowedMessage<'_>,
    (names, reading): (&FxHashMap<String, TopicName>, &mut BTreeMap<TopicPartition, Reading>),
    batch: &mut Batch,
) {
    let (Some(topic), Ok(partition)) = (names.get(message.topic()), u32::try_from(message.partition())) else { return };
    let at = TopicPartition { topic: *topic, partition: Partition(partition) };
    let offset = Offset(message.offset());
    // What was fetched before a revocation or a seek is none of ours any more.
    let Some(reading) = reading.get_mut(&at).filter(|r| r.next <= offset) else { return };
    reading.next = offset.next();
    reading.still = 0;
    let (key, value) = (message.key(), message.payload());
    batch.records += 1;
    batch.bytes += key.map_or(0, <[u8]>::len) + value.map_or(0, <[u8]>::len);
    let place = *batch.places.entry(at).or_insert_with(|| {
        batch.segments.push((at, Segment::new(offset)));
        batch.segments.len() - 1
    });
    if let Some((_, segment)) = batch.segments.get_mut(place) {
        segment.push_at(offset, Timestamp(message.timestamp().to_millis().unwrap_or(0)), (key, value));
    }
}

/// An error in place of a record: most are told and waited out by the client itself.
fn refuse(error: &KafkaError) -> Result<(), Fault> {
    let attempted = "poll of Kafka";
    let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail);
    if matches!(code, RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange) {
        let told = "the next offset to read is not in the log any more: records were removed before they were read";
        return Err(fatal(attempted, told));
    }
    if matches!(error, KafkaError::MessageConsumptionFatal(_)) {
        let fenced = matches!(code, RDKafkaErrorCode::FencedInstanceId | RDKafkaErrorCode::Fatal);
        let told = "another process runs with the slot of this one; give each its own slot";
        return Err(if fenced { fatal(attempted, format!("{told} ({code})")) } else { fatal(attempted, error) });
    }
    match fault(attempted, error) {
        refused @ Fault::Fatal(_) => Err(refused),
        Fault::Transient(_) | Fault::Refused(_) | Fault::Fenced(_) => Ok(()),
    }
}

/// Whether a partition was sought; the client answers for each by itself.
fn sought(told: &TopicPartitionList, topic: &str, partition: Partition) -> Result<(), String> {
    let found = told.find_partition(topic, number(partition)).ok_or("the client says nothing about it")?;
    found.error().map_err(|error| error.to_string())
}

pub(super) fn list_of(scope: Scope, of: &[(TopicPartition, Offset)]) -> Result<TopicPartitionList, Fault> {
    let mut list = TopicPartitionList::with_capacity(of.len());
    for (at, next) in of {
        list.add_partition_offset(&scope.topic(at.topic), number(at.partition), rdkafka::Offset::Offset(next.0))
            .map_err(|e| fatal(format!("list of {at}"), e))?;
    }
    Ok(list)
}

/// A stored offset; `None` where none is stored.
pub(super) const fn next_of(offset: rdkafka::Offset) -> Option<Offset> {
    if let rdkafka::Offset::Offset(next) = offset { Some(Offset(next)) } else { None }
}

/// Kafka's own number of a partition.
pub(super) fn number(partition: Partition) -> i32 {
    i32::try_from(partition.0).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left of the wait at these times, ms after 0, of a batch that is paced until `paced`.
    fn waits(paced: i64, asked: &[i64]) -> Vec<Option<u128>> {
        let mut due = None;
        let left = |at: &i64| left(Timestamp(paced), Timestamp(*at), &mut due).map(|wait| wait.as_millis());
        asked.iter().map(left).collect()
    }

    #[test]
    fn a_batch_waits_until_the_last_one_is_long_ago_and_a_moment_for_its_echo() {
        assert_eq!(waits(1_025, &[1_003, 1_020, 1_025]), [Some(22), Some(5), None], "the last one has just begun");
        assert_eq!(waits(1_025, &[1_080, 1_083, 1_085]), [Some(5), Some(2), None], "it took longer than the pace");
        assert_eq!(waits(0, &[1_000, 1_006]), [Some(5), None], "there was none");
        assert_eq!(waits(1_025, &[7]), [Some(25)], "the clock was set back");
    }
}
