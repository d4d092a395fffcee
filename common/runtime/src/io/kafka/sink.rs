//! The writing side for the edge: records are acknowledged by all replicas before their request is answered.
//!
//! Place: the [`Sink`] of `gep` over Kafka, protocol `ingest` (delivery.md §2). One counter per request; the last report
//! answers it. Bounded in bytes; a full queue refuses at once. Never waits for a request and keeps nothing on disk.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use da_model::fault::Fault;
use da_model::ids::{Offset, Partition, TopicName};
use da_model::key::partition_of;
use rdkafka::ClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::{BaseRecord, Producer, ProducerContext, ThreadedProducer};
use rustc_hash::FxHashMap;
use tokio::sync::oneshot;

use super::cleanup;
use super::client::{self, Ear, KafkaSettings, Trouble, fatal};
use super::ffi;
use super::source::number;
use crate::ports::{Append, Appended, Receipt, Sink, SinkError};
use crate::worker::Beside;

/// How long the first contact may take.
const CONTACT: Duration = Duration::from_secs(5);

/// What may be on its way at once.
#[derive(Debug, Clone, Copy)]
pub struct SinkBounds {
    /// Records.
    pub records: usize,
    /// Bytes of their keys and values; below the client's own queue.
    pub bytes: usize,
}

impl Default for SinkBounds {
    fn default() -> Self {
        Self { records: 100_000, bytes: 30 << 20 }
    }
}

/// An idempotent producer, shared by all requests.
pub struct KafkaSink {
    /// Made anew where the client gives the old one up.
    producer: RwLock<Arc<Client>>,
    config: ClientConfig,
    routes: FxHashMap<&'static str, (String, u32)>,
    bounds: SinkBounds,
    load: Arc<Load>,
    draining: AtomicBool,
    trouble: Arc<Trouble>,
}

type Client = ThreadedProducer<Reports>;

/// What is on its way.
#[derive(Debug, Default)]
struct Load {
    records: AtomicUsize,
    bytes: AtomicUsize,
}

/// One request: answered by the report of its last record.
struct Request {
    left: AtomicUsize,
    state: Mutex<State>,
    load: Arc<Load>,
    size: (usize, usize),
}

struct State {
    places: Appended,
    lost: Option<String>,
    answer: Option<oneshot::Sender<Result<Appended, SinkError>>>,
}

/// A record's place in its request.
struct Slot {
    request: Arc<Request>,
    index: usize,
}

/// The ear of the edge's producer.
#[derive(Default)]
struct Reports(Ear);

impl ClientContext for Reports {
    fn error(&self, error: KafkaError, reason: &str) {
        self.0.error(error, reason);
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = Box<Slot>;

    fn delivery(&self, result: &DeliveryResult<'_>, slot: Box<Slot>) {
        match result {
            Ok(message) => slot.request.stored(slot.index, Offset(message.offset())),
            Err((error, _)) => slot.request.failed(1, &error.to_string()),
        }
    }
}

impl Request {
    fn stored(&self, index: usize, offset: Offset) {
        if let Some((_, _, place)) = self.state().places.get_mut(index) {
            *place = offset;
        }
        self.done(1);
    }

    fn failed(&self, records: usize, why: &str) {
        self.state().lost.get_or_insert_with(|| why.to_owned());
        self.done(records);
    }

    fn done(&self, records: usize) {
        if self.left.fetch_sub(records, Ordering::AcqRel) != records {
            return;
        }
        self.load.records.fetch_sub(self.size.0, Ordering::AcqRel);
        self.load.bytes.fetch_sub(self.size.1, Ordering::AcqRel);
        let mut state = self.state();
        let places = std::mem::take(&mut state.places);
        let result = state.lost.take().map_or(Ok(places), |why| Err(SinkError::Unavailable(why)));
        if let Some(answer) = state.answer.take() {
            // The edge may have gone away.
            drop(answer.send(result));
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KafkaSink {
    /// Connects, and looks at the topics that will be written.
    ///
    /// # Errors
    /// [`Fault::Fatal`] with a sentence where settings or topics are wrong or the broker refuses us;
    /// [`Fault::Transient`] where it cannot be reached.
    pub fn open(settings: &KafkaSettings, topics: &[TopicName], bounds: SinkBounds) -> Result<Self, Fault> {
        let sink = Self::connect(settings, topics, bounds)?;
        cleanup::check(settings, topics.iter().copied())?;
        Ok(sink)
    }

    fn connect(settings: &KafkaSettings, topics: &[TopicName], bounds: SinkBounds) -> Result<Self, Fault> {
        let config = client::edge(settings)?;
        let trouble: Arc<Trouble> = Arc::default();
        let producer = build(&config, &trouble)?;
        let told = producer.client().fetch_metadata(None, CONTACT);
        let told = told.map_err(|_| client::unreachable(settings, trouble.take()))?;
        let mut routes = FxHashMap::default();
        for topic in topics {
            let name = settings.scope.topic(*topic);
            let found = told.topics().iter().find(|t| t.name() == name).map_or(0, |t| t.partitions().len());
            let count = u32::try_from(found).unwrap_or(0);
            if count == 0 {
                let attempted = format!("check of the topics at {}", settings.bootstrap);
                return Err(fatal(attempted, format!("topic {name} does not exist; run `da topics apply`")));
            }
            routes.insert(topic.0, (name, count));
        }
        let (producer, draining) = (RwLock::new(Arc::new(producer)), AtomicBool::new(false));
        Ok(Self { producer, config, trouble, routes, bounds, load: Arc::default(), draining })
    }

    /// Asks the brokers for a sign of life; why there is none.
    ///
    /// # Errors
    /// That reason, in words.
    pub fn contact(&self) -> Result<(), String> {
        let topic = self.routes.values().next().map(|(name, _)| name.as_str());
        let told = self.client().client().fetch_metadata(topic, CONTACT);
        told.map(drop).map_err(|error| self.trouble.take().map_or_else(|| error.to_string(), |(_, reason)| reason))
    }

    /// The producer. The client gives one up for ever where it can no longer tell repeats from new records; what was on
    /// its way is then unknown, its requests are told so, and a new producer begins anew.
    fn client(&self) -> Arc<Client> {
        let living = |producer: &Arc<Client>| producer.client().fatal_error().is_none().then(|| Arc::clone(producer));
        if let Some(producer) = living(&self.producer.read().unwrap_or_else(PoisonError::into_inner)) {
            return producer;
        }
        let mut producer = self.producer.write().unwrap_or_else(PoisonError::into_inner);
        if let (None, Ok(new)) = (living(&producer), build(&self.config, &self.trouble)) {
            let old = std::mem::replace(&mut *producer, Arc::new(new));
            // Its end waits for reports, and no request waits for it.
            drop(Beside::start("sink", move || drop(old)));
        }
        Arc::clone(&producer)
    }

    /// From now on every append is refused.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// Waits until every record is reported; `false` where some are left after `longest`.
    #[must_use]
    pub fn flush(&self, longest: Duration) -> bool {
        ffi::flush(self.client().client().native_ptr(), longest)
    }

    /// Takes room for a request, or says that there is none; a lone request passes whatever its size.
    fn reserve(&self, (records, bytes): (usize, usize)) -> Result<(), SinkError> {
        let held = self.load.records.fetch_add(records, Ordering::AcqRel);
        let heavy = self.load.bytes.fetch_add(bytes, Ordering::AcqRel);
        let full =
            held.saturating_add(records) > self.bounds.records || heavy.saturating_add(bytes) > self.bounds.bytes;
        if full && held > 0 {
            self.load.records.fetch_sub(records, Ordering::AcqRel);
            self.load.bytes.fetch_sub(bytes, Ordering::AcqRel);
            return Err(SinkError::Full { retry_after: 1 });
        }
        Ok(())
    }

    fn send(&self, request: &Arc<Request>, records: &[(&Append, &str, Partition)]) {
        let producer = self.client();
        for (index, (record, topic, partition)) in records.iter().enumerate() {
            let slot = Box::new(Slot { request: Arc::clone(request), index });
            let mut message = BaseRecord::<[u8], [u8], Box<Slot>>::with_opaque_to(topic, slot)
                .partition(number(*partition))
                .key(&record.key)
                .timestamp(record.timestamp.0);
            message.payload = record.value.as_deref();
            if let Err((error, _)) = producer.send(message) {
                // What was sent stays sent: the outcome is unknown, and the client repeats the request.
                return request.failed(records.len() - index, &error.to_string());
            }
        }
    }
}

fn build(config: &ClientConfig, trouble: &Arc<Trouble>) -> Result<Client, Fault> {
    let reports = Reports(Ear(Arc::clone(trouble)));
    config.create_with_context(reports).map_err(|e| fatal("build of the producer", e))
}

impl Sink for KafkaSink {
    fn append(&self, records: Vec<Append>) -> Result<Receipt, SinkError> {
        if self.draining.load(Ordering::Acquire) {
            return Err(SinkError::Draining);
        }
        let mut routed = Vec::with_capacity(records.len());
        let mut places = Vec::with_capacity(records.len());
        for record in &records {
            let Some((name, count)) = self.routes.get(record.topic.0) else {
                return Err(SinkError::Unavailable(format!("topic {} is not declared", record.topic)));
            };
            let partition = partition_of(&record.key, *count);
            places.push((record.topic, partition, Offset(0)));
            routed.push((record, name.as_str(), partition));
        }
        let (answer, receipt) = oneshot::channel();
        if records.is_empty() {
            drop(answer.send(Ok(places)));
            return Ok(receipt);
        }
        let bytes = records.iter().map(|r| r.key.len() + r.value.as_ref().map_or(0, Vec::len)).sum();
        let size = (records.len(), bytes);
        self.reserve(size)?;
        let state = Mutex::new(State { places, lost: None, answer: Some(answer) });
        let left = AtomicUsize::new(records.len());
        let request = Arc::new(Request { left, state, load: Arc::clone(&self.load), size });
        self.send(&request, &routed);
        Ok(receipt)
    }
}

impl std::fmt::Debug for KafkaSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KafkaSink").field("bounds", &self.bounds).field("load", &self.load).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use da_model::time::Timestamp;
    use rdkafka::mocking::MockCluster;

    const TOPIC: TopicName = TopicName("gep.accepted");

    fn append(sink: &KafkaSink) -> Result<Appended, SinkError> {
        let record = Append { topic: TOPIC, key: b"k".to_vec(), value: Some(b"v".to_vec()), timestamp: Timestamp(1) };
        sink.append(vec![record])?.blocking_recv().unwrap_or(Err(SinkError::Draining))
    }

    #[test]
    fn a_producer_that_the_client_gave_up_is_made_anew_and_a_lost_broker_is_noticed() {
        let brokers = MockCluster::new(1).unwrap();
        brokers.create_topic(&da_model::topics::full_name(TOPIC), 1, 1).unwrap();
        let settings = KafkaSettings::new(brokers.bootstrap_servers());
        // The mock tells no settings of topics.
        let sink = KafkaSink::connect(&settings, &[TOPIC], SinkBounds::default()).unwrap();
        assert!(append(&sink).is_ok() && sink.contact().is_ok());
        ffi::give_up(sink.client().client().native_ptr());
        assert!(append(&sink).is_ok(), "the next request goes by a new one");
        drop(brokers);
        assert!(sink.contact().is_err());
    }
}
