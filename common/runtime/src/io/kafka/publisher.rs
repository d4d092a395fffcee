//! The producing half of a member: one transaction per publication, the offsets last.
//!
//! Place: used by `member` on its one thread. Flush and commit are native calls; after trouble on the line the producer
//! is built anew before the next transaction, which fences a late end of the last one (delivery.md §6). Reads nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use da_model::fault::{Cause, Fault};
use da_model::ids::{TopicName, TopicPartition};
use rdkafka::TopicPartitionList;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseRecord, Producer, ProducerContext, ThreadedProducer};
use rdkafka::util::Timeout;

use super::client::{Ear, KafkaSettings, Scope, Trouble, fatal, transactional, transient, without_transactions};
use super::ffi::{self, TxnError};
use super::member::MemberKind;
use super::source::number;
use crate::commit::{Outbox, Outgoing};
use crate::ports::{Clock, Committed};
use crate::probe::{Probe, Step};

/// How long the first contact of a producer may take; tried again after that.
const INIT: Duration = Duration::from_secs(10);
/// How long adding the offsets may take; repeated with the same arguments after that.
const OFFSETS: Duration = Duration::from_secs(10);
/// Above the message timeout: then nothing is outstanding any more.
const FLUSH: Duration = Duration::from_secs(12);
/// How long one call may wait for the end of a transaction; repeated after that, and in the end given up with its
/// producer: the client can lose its coordinator for ever while brokers are well (docs/delivery.md).
const END: Duration = Duration::from_secs(10);
/// A commit that takes longer is suspect, ms.
const SLOW_MS: i64 = 1_000;
/// How often a call is repeated that the client calls retriable.
const REPEATS: usize = 3;

impl ProducerContext for Ear {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, _)) = result {
            self.0.lose(error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail));
        }
    }
}

/// The producer of one slot.
pub(super) struct Publisher {
    config: ClientConfig,
    plain: bool,
    producer: Option<ThreadedProducer<Ear>>,
    ready: bool,
    /// How often its first contact came to nothing.
    begins: usize,
    suspect: bool,
    seen: u64,
    trouble: Arc<Trouble>,
    clock: Arc<dyn Clock>,
    probe: Arc<dyn Probe>,
    scope: Scope,
    names: BTreeMap<TopicName, String>,
}

impl Publisher {
    pub(super) fn new(
        settings: &KafkaSettings,
        (group, slot): (&str, &str),
        (clock, probe): (Arc<dyn Clock>, Arc<dyn Probe>),
        kind: MemberKind,
    ) -> Result<Self, Fault> {
        let plain = kind == MemberKind::AtLeastOnce;
        let config = if plain { without_transactions(settings)? } else { transactional(settings, group, slot)? };
        let (trouble, scope, names) = (Arc::default(), settings.scope, BTreeMap::new());
        let (producer, ready, begins, suspect, seen) = (None, false, 0, false, 0);
        Ok(Self { config, plain, producer, ready, begins, suspect, seen, trouble, clock, probe, scope, names })
    }

    /// Whether it knows no transactions.
    pub(super) const fn is_plain(&self) -> bool {
        self.plain
    }

    /// Sends everything and waits for it, without a transaction; the offsets to store then.
    pub(super) fn deliver(
        &mut self,
        out: &[&Outbox],
        upto: &[(TopicPartition, Committed)],
    ) -> Result<TopicPartitionList, Fault> {
        self.prepare()?;
        self.trouble.take_lost();
        self.send(out).map_err(|error| class("send of records", &error))?;
        offsets_of(self.scope, upto)
    }

    pub(super) const fn suspect(&self) -> bool {
        self.suspect
    }

    /// The caller has read the truth.
    pub(super) const fn clear(&mut self) {
        self.suspect = false;
    }

    /// A producer whose earlier transactions are over: after trouble a new one, which fences the old.
    pub(super) fn prepare(&mut self) -> Result<(), Fault> {
        if self.suspect {
            self.drop_producer();
        }
        if self.ready {
            return Ok(());
        }
        let attempted = "start of the transactional producer";
        let producer = match self.producer.take() {
            Some(producer) => producer,
            None => self.config.create_with_context(Ear(Arc::clone(&self.trouble))).map_err(|e| fatal(attempted, e))?,
        };
        let begun = if self.plain { Ok(()) } else { producer.init_transactions(Timeout::After(INIT)) };
        match begun.map_err(TxnError::from) {
            Ok(()) => {
                self.ready = true;
                self.begins = 0;
                // Nothing of an earlier producer can end a transaction of this one.
                self.seen = self.trouble.count();
                self.producer = Some(producer);
                Ok(())
            }
            Err(error) if error.fatal || !error.retriable => Err(class(attempted, &error)),
            Err(error) => {
                // The same call resumes where this one stopped; where it never comes to an end, a new producer begins.
                self.begins = (self.begins + 1) % REPEATS;
                if self.begins > 0 {
                    self.producer = Some(producer);
                }
                Err(transient(attempted, error.text))
            }
        }
    }

    pub(super) fn publish(
        &mut self,
        out: &[&Outbox],
        upto: &[(TopicPartition, Committed)],
        metadata: &ConsumerGroupMetadata,
    ) -> Result<(), Fault> {
        self.prepare()?;
        let offsets = offsets_of(self.scope, upto)?;
        self.trouble.take_lost();
        // Events of the line are told with a delay: what came since the last transaction may have been about its end.
        if self.troubled() {
            return Err(transient("begin of a transaction", "the connection failed since the last one"));
        }
        let done = self.transact(out, &offsets, metadata);
        self.troubled();
        done
    }

    /// Whether the line failed since the last look; then the last transaction is suspect.
    fn troubled(&mut self) -> bool {
        let count = self.trouble.count();
        let more = count != self.seen;
        self.seen = count;
        self.suspect |= more;
        more
    }

    fn transact(
        &mut self,
        out: &[&Outbox],
        offsets: &TopicPartitionList,
        metadata: &ConsumerGroupMetadata,
    ) -> Result<(), Fault> {
        let producer = self.producer()?;
        if let Err(error) = producer.begin_transaction().map_err(TxnError::from) {
            return Err(self.give_up("begin of a transaction", &error));
        }
        if let Err(error) = self.send(out) {
            return Err(self.abort("send of records", &error));
        }
        self.probe(Step::AfterSends)?;
        if let Err(error) = self.add_offsets(offsets, metadata) {
            return Err(self.abort("send of offsets", &error));
        }
        self.probe(Step::AfterOffsets)?;
        let begun = self.clock.now();
        let ended = self.end();
        if self.clock.now().since(begun) > SLOW_MS {
            self.suspect = true;
        }
        self.probe(Step::AfterEnd)?;
        ended
    }

    /// Sends everything and waits until nothing is outstanding.
    fn send(&mut self, out: &[&Outbox]) -> Result<(), TxnError> {
        let mut records: Vec<Outgoing<'_>> = out.iter().flat_map(|o| o.records()).collect();
        // A partition's records behind each other: the client fills one request after the other.
        records.sort_by_key(|r| r.to);
        for record in &records {
            self.names.entry(record.to.topic).or_insert_with(|| self.scope.topic(record.to.topic));
        }
        let Some(producer) = &self.producer else { return Ok(()) };
        for record in &records {
            let topic = self.names.get(&record.to.topic).map_or("", String::as_str);
            send_one(producer, topic, record)?;
        }
        let delivered = records.is_empty() || ffi::flush(producer.client().native_ptr(), FLUSH);
        match self.trouble.take_lost() {
            None if delivered => Ok(()),
            lost => {
                let code = lost.unwrap_or(RDKafkaErrorCode::MessageTimedOut);
                Err(TxnError { code, text: code.to_string(), fatal: false, retriable: false, abort: true })
            }
        }
    }

    fn add_offsets(&self, offsets: &TopicPartitionList, metadata: &ConsumerGroupMetadata) -> Result<(), TxnError> {
        let Some(producer) = &self.producer else { return Ok(()) };
        repeat(|| Ok(producer.send_offsets_to_transaction(offsets, metadata, Timeout::After(OFFSETS))?))
    }

    /// Commits; what stays retriable has an unknown outcome.
    fn end(&mut self) -> Result<(), Fault> {
        let native = self.producer()?.client().native_ptr();
        let Err(error) = repeat(|| ffi::commit(native, END)) else { return Ok(()) };
        if error.abort && !error.fatal {
            return Err(self.abort("commit of a transaction", &error));
        }
        Err(self.give_up("commit of a transaction", &error))
    }

    fn abort(&mut self, attempted: &str, error: &TxnError) -> Fault {
        if error.fatal {
            return self.give_up(attempted, error);
        }
        let Some(producer) = &self.producer else { return class(attempted, error) };
        match repeat(|| Ok(producer.abort_transaction(Timeout::After(END))?)) {
            Ok(()) => class(attempted, error),
            // Where the producer was fenced, its records are only said to be purged: the abort knows why.
            Err(failed) => self.give_up("abort of a transaction", &failed),
        }
    }

    /// The producer is of no use any more; what its last transaction came to is read from the group.
    fn give_up(&mut self, attempted: &str, error: &TxnError) -> Fault {
        self.suspect = true;
        class(attempted, error)
    }

    fn probe(&mut self, step: Step) -> Result<(), Fault> {
        let probe = Arc::clone(&self.probe);
        probe.at(step).map_err(|crash| fatal("a probe", crash))
    }

    fn producer(&self) -> Result<&ThreadedProducer<Ear>, Fault> {
        self.producer.as_ref().ok_or_else(|| transient("a transaction", "the producer is not there"))
    }

    pub(super) fn drop_producer(&mut self) {
        self.producer = None;
        self.ready = false;
    }
}

fn send_one(producer: &ThreadedProducer<Ear>, topic: &str, record: &Outgoing<'_>) -> Result<(), TxnError> {
    loop {
        let mut message = BaseRecord::<[u8], [u8]>::to(topic)
            .partition(number(record.to.partition))
            .payload(record.value)
            .timestamp(record.timestamp.0);
        message.key = record.key;
        match producer.send(message) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => {
                if !ffi::flush(producer.client().native_ptr(), FLUSH) {
                    return Err(TxnError::from(KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull)));
                }
            }
            Err((error, _)) => return Err(TxnError::from(error)),
        }
    }
}

/// Repeats a call with the same arguments while the client calls its error retriable.
fn repeat(call: impl Fn() -> Result<(), TxnError>) -> Result<(), TxnError> {
    let mut done = call();
    for _ in 0..REPEATS {
        match done {
            Err(TxnError { retriable: true, .. }) => done = call(),
            other => return other,
        }
    }
    done
}

fn offsets_of(scope: Scope, upto: &[(TopicPartition, Committed)]) -> Result<TopicPartitionList, Fault> {
    let mut list = TopicPartitionList::with_capacity(upto.len());
    for (at, committed) in upto {
        let mut element = list.add_partition(&scope.topic(at.topic), number(at.partition));
        element
            .set_offset(rdkafka::Offset::Offset(committed.next.0))
            .map_err(|e| fatal(format!("offset of {at}"), e))?;
        element.set_metadata(&committed.metadata);
    }
    Ok(list)
}

/// What a failed transaction means to the worker.
pub(super) fn class(attempted: &str, error: &TxnError) -> Fault {
    let cause = Cause::new(attempted, format!("{} ({})", error.text, error.code));
    if TOO_LARGE.contains(&error.code) {
        Fault::Refused(cause)
    } else if FENCED.contains(&error.code) {
        Fault::Fenced(cause)
    } else if HOPELESS.contains(&error.code) {
        Fault::Fatal(cause)
    } else {
        Fault::Transient(cause)
    }
}

/// A record that the log does not take.
const TOO_LARGE: &[RDKafkaErrorCode] = &[RDKafkaErrorCode::MessageSizeTooLarge, RDKafkaErrorCode::InvalidMessageSize];

/// The group or the slot has gone on without us.
const FENCED: &[RDKafkaErrorCode] = &[
    RDKafkaErrorCode::IllegalGeneration,
    RDKafkaErrorCode::UnknownMemberId,
    RDKafkaErrorCode::RebalanceInProgress,
    RDKafkaErrorCode::FencedInstanceId,
    RDKafkaErrorCode::Fenced,
    RDKafkaErrorCode::ProducerFenced,
    RDKafkaErrorCode::InvalidProducerEpoch,
];

/// What no repetition heals.
const HOPELESS: &[RDKafkaErrorCode] = &[
    RDKafkaErrorCode::OffsetMetadataTooLarge,
    RDKafkaErrorCode::UnknownTopic,
    RDKafkaErrorCode::UnknownPartition,
    RDKafkaErrorCode::TopicAuthorizationFailed,
    RDKafkaErrorCode::GroupAuthorizationFailed,
    RDKafkaErrorCode::TransactionalIdAuthorizationFailed,
    RDKafkaErrorCode::ClusterAuthorizationFailed,
    RDKafkaErrorCode::InvalidTransactionTimeout,
];
