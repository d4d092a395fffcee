//! One member of a consumer group with its one transactional producer: the port [`Member`] over Kafka.
//!
//! Place: built once per worker thread and used by it alone; `commit/{kafka_txn,sql_txn}` stand on it. Checks the
//! topics at the start; knows no protocol.

use std::sync::Arc;
use std::time::Duration;

use da_model::fault::{Cause, Fault};
use da_model::ids::{Offset, TopicName, TopicPartition};
use da_model::topics::{self, Partitioning, Topic};
use rustc_hash::FxHashMap;

use super::cleanup;
use super::client::{self, KafkaSettings, Scope, fatal};
use super::publisher::Publisher;
use super::slot::{Holder, Slot};
use super::source::Source;
use crate::commit::Outbox;
use crate::ports::{Clock, Committed, Fetched, Member};
use crate::probe::{Probe, Silent};

/// The topic by which a benchmark marks brokers as its own.
pub const BENCH_MARK: &str = "gooru-da-benchmark";

/// Who joins which group.
#[derive(Clone)]
pub struct MemberOptions {
    /// How to talk to the brokers.
    pub settings: KafkaSettings,
    /// The group: the handler's name.
    pub group: &'static str,
    /// Replica ordinal and thread: `0-1`. No two members of a group have the same one.
    pub slot: String,
    /// The topics it reads.
    pub topics: Vec<TopicName>,
    /// The service whose topics it writes.
    pub service: &'static str,
    /// For the time that a commit takes.
    pub clock: Arc<dyn Clock>,
    /// Told of each step; silent in production.
    pub probe: Arc<dyn Probe>,
    /// The process that it is part of.
    pub holder: Holder,
    /// As production runs; else only on brokers that a benchmark has marked.
    pub kind: MemberKind,
}

/// How a member runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MemberKind {
    /// Transactions; what every service is.
    #[default]
    ExactlyOnce,
    /// Transactions of a stage that copies for a benchmark.
    Copying,
    /// Records, then offsets, without a transaction; for a benchmark.
    AtLeastOnce,
}

impl MemberOptions {
    /// Options of a group that is named after its service.
    #[must_use]
    pub fn new(settings: KafkaSettings, group: &'static str, slot: impl Into<String>, clock: Arc<dyn Clock>) -> Self {
        let (slot, topics) = (slot.into(), Vec::new());
        let (probe, holder, kind) = (Arc::new(Silent), Holder::this(), MemberKind::default());
        Self { settings, group, slot, topics, service: group, clock, probe, holder, kind }
    }
}

/// A member over Kafka.
pub struct KafkaMember {
    source: Option<Source>,
    publisher: Publisher,
    counts: FxHashMap<String, u32>,
    scope: Scope,
}

impl KafkaMember {
    /// Looks at the topics and at who has the slot, then joins the group.
    ///
    /// # Errors
    /// [`Fault::Fatal`] with a sentence where settings or topics are wrong, another process runs with the slot, or the
    /// broker refuses us;
    /// [`Fault::Transient`] where it cannot be reached.
    pub fn open(options: &MemberOptions) -> Result<Self, Fault> {
        let MemberOptions { settings, group, slot, .. } = options;
        let source = Source::open(settings, (group, slot), &options.topics, Arc::clone(&options.clock))?;
        let ports = (Arc::clone(&options.clock), Arc::clone(&options.probe));
        let publisher = Publisher::new(settings, (group, slot), ports, options.kind)?;
        let counts = match source.counts() {
            Ok(counts) => counts,
            // The events of the connection are told inside a poll.
            Err(_) => return Err(client::unreachable(settings, source.told())),
        };
        check(options, &counts)?;
        let written = written(options.service).map(|topic| TopicName(topic.name.as_str()));
        cleanup::check(settings, options.topics.iter().copied().chain(written))?;
        let names: Vec<String> = options.topics.iter().map(|topic| settings.scope.topic(*topic)).collect();
        let (topics, me, clock) = (&names, &options.holder, &options.clock);
        let group = &settings.scope.group(group);
        Slot { settings, group, slot, topics, me, clock }.take(source.client())?;
        source.join()?;
        Ok(Self { source: Some(source), publisher, counts, scope: settings.scope })
    }

    fn source(&mut self) -> Result<&mut Source, Fault> {
        self.source.as_mut().ok_or_else(|| fatal("use of a member of a group", "it was closed"))
    }
}

impl Member for KafkaMember {
    fn partitions(&self, topic: TopicName) -> u32 {
        self.counts.get(&self.scope.topic(topic)).copied().unwrap_or(0)
    }

    fn poll(&mut self, max: usize, wait: Duration) -> Result<Fetched, Fault> {
        self.source()?.poll(max, wait)
    }

    fn start(&mut self, at: &[(TopicPartition, Offset)]) -> Result<(), Fault> {
        self.source()?.start(at)
    }

    fn pause(&mut self, paused: bool) -> Result<(), Fault> {
        self.source()?.pause(paused)
    }

    fn stall(&mut self, at: &[TopicPartition]) -> Result<(), Fault> {
        self.source()?.stall(at)
    }

    fn committed(&mut self, of: &[TopicPartition]) -> Result<Vec<Option<Committed>>, Fault> {
        // Ends this slot's own open transaction first; only then can its offsets be stable.
        self.publisher.prepare()?;
        let committed = self.source()?.committed(of)?;
        self.publisher.clear();
        Ok(committed)
    }

    fn bounds(&mut self, of: &[TopicPartition]) -> Result<Vec<(Offset, Offset)>, Fault> {
        self.source()?.bounds(of)
    }

    fn ends(&self) -> Vec<(TopicPartition, Offset)> {
        self.source.as_ref().map(Source::ends).unwrap_or_default()
    }

    fn publish(&mut self, out: &[&Outbox], upto: &[(TopicPartition, Committed)]) -> Result<(), Fault> {
        if self.publisher.is_plain() {
            let offsets = self.publisher.deliver(out, upto)?;
            return self.source()?.store(&offsets);
        }
        let Some(metadata) = self.source.as_ref().and_then(Source::metadata) else {
            let told = "the consumer is no member of its group now";
            return Err(Fault::Fenced(Cause::new("begin of a transaction", told)));
        };
        self.publisher.publish(out, upto, metadata)
    }

    fn suspect(&self) -> bool {
        self.publisher.suspect()
    }

    fn troubles(&self) -> u64 {
        self.source.as_ref().map_or(0, Source::troubles)
    }

    fn close(&mut self) {
        self.publisher.drop_producer();
        self.source = None;
    }
}

/// The topics must be there, and what inherits a partition must have as many as it inherits from.
fn check(options: &MemberOptions, counts: &FxHashMap<String, u32>) -> Result<(), Fault> {
    let attempted = || format!("check of the topics at {}", options.settings.bootstrap);
    let missing = |name: &str| fatal(attempted(), format!("topic {name} does not exist; run `da topics apply`"));
    if options.kind != MemberKind::ExactlyOnce && !counts.contains_key(BENCH_MARK) {
        let told =
            "`bench` is set, and no benchmark has marked these brokers: what it writes is worth nothing elsewhere";
        return Err(fatal(attempted(), told));
    }
    let mut read = Vec::new();
    for topic in &options.topics {
        let name = options.settings.scope.topic(*topic);
        let count = *counts.get(&name).ok_or_else(|| missing(&name))?;
        // From a partner's topic nothing inherits: what becomes of its records goes by their keys.
        if topics::find(*topic).is_some() {
            read.push((name, count));
        }
    }
    for topic in written(options.service) {
        let name = options.settings.scope.topic(TopicName(topic.name.as_str()));
        let count = *counts.get(&name).ok_or_else(|| missing(&name))?;
        let inherits = topic.partitioning == Partitioning::Inherited;
        let other = read.iter().find(|(_, of)| inherits && topic.feeds == "now" && *of != count);
        if let Some((from, of)) = other {
            let told = format!(
                "{name} has {count} partitions and {from}, from which it inherits them, has {of}; make them equal: \
                 `da topics plan` shows what topics.yaml says"
            );
            return Err(fatal(attempted(), told));
        }
    }
    Ok(())
}

/// The topics that a service writes.
fn written(service: &'static str) -> impl Iterator<Item = &'static Topic> {
    topics::all().iter().filter(move |topic| topic.producers.iter().any(|p| p == service))
}
