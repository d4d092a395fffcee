//! The brokers under a benchmark: topics of its own, records in and out, groups begun anew, positions.
//!
//! Place: below the runs. Speaks the client library itself, because peers use topics and groups that are none of ours.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, anyhow, bail, ensure};
use da_model::ids::Partition;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::BorrowedMessage;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use rdkafka::{Offset, TopicPartitionList};

use crate::process::{deadline, pause};

const ASK: Duration = Duration::from_secs(20);

/// The brokers.
pub struct Log {
    bootstrap: String,
    admin: AdminClient<DefaultClientContext>,
    runtime: tokio::runtime::Runtime,
    asking: BaseConsumer,
}

/// First and end offset per topic and partition.
pub type Bounds = BTreeMap<(String, i32), (i64, i64)>;

/// A record to send.
#[derive(Debug, Clone, Copy)]
pub struct Sent<'a> {
    /// Where.
    pub partition: Partition,
    /// Its key.
    pub key: &'a [u8],
    /// Its value.
    pub value: &'a [u8],
}

impl Log {
    /// The brokers at an address.
    ///
    /// # Errors
    /// When no client can be made.
    pub fn open(bootstrap: &str) -> anyhow::Result<Self> {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", bootstrap);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let asking = config.clone().set("group.id", "gooru-da-bench-reader").create()?;
        Ok(Self { bootstrap: bootstrap.to_owned(), admin: config.create()?, runtime, asking })
    }

    /// Makes topics; those that are there are left as they are.
    ///
    /// # Errors
    /// When the brokers refuse.
    pub fn create(&self, names: &[String], partitions: u32) -> anyhow::Result<()> {
        let count = i32::try_from(partitions)?;
        let new: Vec<NewTopic<'_>> =
            names.iter().map(|name| NewTopic::new(name, count, TopicReplication::Fixed(1))).collect();
        let done = self.runtime.block_on(self.admin.create_topics(&new, &AdminOptions::new()))?;
        for (name, code) in done.into_iter().filter_map(Result::err) {
            ensure!(code == RDKafkaErrorCode::TopicAlreadyExists, "topic {name}: {code}");
        }
        let until = deadline(60);
        while !names.iter().all(|name| self.partitions(name).is_ok_and(|found| found == count)) {
            ensure!(!until.passed(), "the new topics do not appear");
            pause(50);
        }
        Ok(())
    }

    /// Partitions of a topic.
    ///
    /// # Errors
    /// When the brokers do not answer.
    pub fn partitions(&self, topic: &str) -> anyhow::Result<i32> {
        let told = self.asking.fetch_metadata(Some(topic), ASK)?;
        let found = told.topics().first().filter(|t| t.error().is_none());
        Ok(i32::try_from(found.map_or(0, |t| t.partitions().len()))?)
    }

    /// First and end offsets of topics.
    ///
    /// # Errors
    /// When the brokers do not answer.
    pub fn bounds(&self, topics: &[String]) -> anyhow::Result<Bounds> {
        let mut bounds = Bounds::new();
        for topic in topics {
            for partition in 0..self.partitions(topic)? {
                let told = self.asking.fetch_watermarks(topic, partition, ASK)?;
                bounds.insert((topic.clone(), partition), told);
            }
        }
        Ok(bounds)
    }

    /// Deletes every record of topics.
    ///
    /// # Errors
    /// When the brokers refuse.
    pub fn empty(&self, topics: &[String]) -> anyhow::Result<()> {
        let mut list = TopicPartitionList::new();
        for ((topic, partition), (from, to)) in self.bounds(topics)? {
            if from < to {
                list.add_partition_offset(&topic, partition, Offset::End)?;
            }
        }
        if list.count() > 0 {
            self.runtime.block_on(self.admin.delete_records(&list, &AdminOptions::new()))?;
        }
        Ok(())
    }

    /// Deletes a group, so that it begins anew; waits until its members' sessions are over.
    ///
    /// # Errors
    /// When it does not go.
    pub fn forget(&self, group: &str) -> anyhow::Result<()> {
        let until = deadline(60);
        loop {
            let done = self.runtime.block_on(self.admin.delete_groups(&[group], &AdminOptions::new()))?;
            match done.into_iter().next().context("no answer about the group")? {
                Ok(_) | Err((_, RDKafkaErrorCode::GroupIdNotFound)) => return Ok(()),
                Err((_, code)) if until.passed() => bail!("group {group} does not go: {code}"),
                Err(_) => pause(100),
            }
        }
    }

    /// A look at the committed offsets of a group.
    ///
    /// # Errors
    /// When no client can be made.
    pub fn looking(&self, group: &str, topics: &[String]) -> anyhow::Result<Looking> {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.bootstrap).set("group.id", group).set("enable.auto.commit", "false");
        config.set("isolation.level", "read_uncommitted");
        let mut list = TopicPartitionList::new();
        for topic in topics {
            list.add_partition_range(topic, 0, self.partitions(topic)? - 1);
        }
        Ok(Looking { consumer: config.create()?, list })
    }

    /// Every committed record between bounds; ends when all partitions are at their end.
    ///
    /// # Errors
    /// When records do not come.
    pub fn read(
        &self,
        bounds: &Bounds,
        mut each: impl FnMut(&BorrowedMessage<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut list = TopicPartitionList::new();
        for ((topic, partition), (from, to)) in bounds {
            if from < to {
                list.add_partition_offset(topic, *partition, Offset::Offset(*from))?;
            }
        }
        let mut left = list.count();
        if left == 0 {
            return Ok(());
        }
        let consumer = self.reader()?;
        consumer.assign(&list)?;
        let until = deadline(300);
        while left > 0 {
            match consumer.poll(Duration::from_millis(200)) {
                Some(Ok(message)) => each(&message)?,
                Some(Err(KafkaError::PartitionEOF(_))) => left -= 1,
                Some(Err(error)) => return Err(error.into()),
                None => ensure!(!until.passed(), "records do not come"),
            }
        }
        Ok(())
    }

    /// A consumer of no group that is told of the ends of partitions.
    ///
    /// # Errors
    /// When no client can be made.
    pub fn reader(&self) -> anyhow::Result<BaseConsumer> {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.bootstrap).set("group.id", "gooru-da-bench-reader");
        config.set("enable.auto.commit", "false").set("enable.partition.eof", "true");
        config.set("isolation.level", "read_committed").set("fetch.queue.backoff.ms", "10");
        Ok(config.create()?)
    }

    /// Sends records to a topic, as fast as they are taken.
    ///
    /// # Errors
    /// When the brokers refuse.
    pub fn send<'a>(&self, topic: &str, records: impl Iterator<Item = Sent<'a>>) -> anyhow::Result<()> {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.bootstrap).set("acks", "all").set("enable.idempotence", "true");
        config.set("compression.type", "lz4").set("linger.ms", "20").set("queue.buffering.max.kbytes", "65536");
        let producer: ThreadedProducer<DefaultProducerContext> = config.create()?;
        for record in records {
            let partition = i32::try_from(record.partition.0)?;
            let mut message = BaseRecord::to(topic).partition(partition).key(record.key).payload(record.value);
            while let Err((error, back)) = producer.send(message) {
                let full = error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull);
                ensure!(full, "send to {topic}: {error}");
                message = back;
                pause(2);
            }
        }
        producer.flush(ASK).map_err(|e| anyhow!("flush of {topic}: {e}"))
    }
}

/// The committed offsets of a group, asked again and again.
pub struct Looking {
    consumer: BaseConsumer,
    list: TopicPartitionList,
}

impl Looking {
    /// What is committed now.
    ///
    /// # Errors
    /// When the brokers do not answer.
    pub fn now(&self) -> anyhow::Result<BTreeMap<(String, i32), i64>> {
        let told = self.consumer.committed_offsets(self.list.clone(), ASK)?;
        let of = |e: rdkafka::topic_partition_list::TopicPartitionListElem<'_>| match e.offset() {
            Offset::Offset(next) => Some(((e.topic().to_owned(), e.partition()), next)),
            Offset::Beginning | Offset::End | Offset::Stored | Offset::Invalid | Offset::OffsetTail(_) => None,
        };
        Ok(told.elements().into_iter().filter_map(of).collect())
    }
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Log").field("bootstrap", &self.bootstrap).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Looking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Looking").finish_non_exhaustive()
    }
}
