//! The admin side: which topics there are and ought to be, and how far groups are behind.
//!
//! Place: `da topics`, `da lag`, tests. Plans from `topics.yaml`; applies only what adds: it never deletes a topic, takes
//! away partitions or shortens how long records are kept. Writes no record.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use da_model::fault::Fault;
use da_model::ids::{Offset, Partition, TopicName, TopicPartition};
use da_model::time::Timestamp;
use da_model::topics::{self, Topic};
use rdkafka::TopicPartitionList;
use rdkafka::admin::{
    AdminClient, AdminOptions, AlterConfig, ConfigResourceResult, ConfigSource, NewPartitions, NewTopic,
    ResourceSpecifier, TopicReplication,
};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::util::Timeout;

use super::client::{self, Ear, KafkaSettings, Scope, fatal, fault};
use super::reader::bounds_of;
use super::source::{list_of, next_of, number};
use crate::commit::outbox::longest;

/// The setting for what happens to old records of a topic.
pub(super) const CLEANUP: &str = "cleanup.policy";
/// The setting for the longest record of a topic: what is committed in a store must find room in the log.
const LARGEST: &str = "max.message.bytes";
/// How long a question may take.
const ASK: Duration = Duration::from_secs(10);
/// Partitions that are asked for in one request.
const PARTITIONS_AT_ONCE: usize = 48;
/// How often a lag is looked for before it is given up.
const LOOKS: usize = 200;
/// The same for new topics: a broker on a busy disk takes half a minute for five hundred partitions.
const LOOKS_FOR_TOPICS: usize = 2_400;

/// A topic as the brokers have it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// Partitions.
    pub partitions: u32,
    /// Replicas of the first partition.
    pub replicas: u32,
    /// Settings that were made for this topic.
    pub configs: BTreeMap<String, String>,
}

/// What a plan would do, or cannot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Create it.
    Create {
        /// Full name.
        topic: String,
        /// Partitions.
        partitions: u32,
        /// Settings of its own.
        configs: BTreeMap<String, String>,
    },
    /// Add partitions; only on a drained pipeline, because order and edges depend on their number.
    Grow {
        /// Full name.
        topic: String,
        /// As it is.
        from: u32,
        /// As it ought to be.
        to: u32,
    },
    /// Set a setting; all settings the topic has are in the list.
    Set {
        /// Full name.
        topic: String,
        /// Every setting of its own, with the new ones.
        configs: BTreeMap<String, String>,
        /// What changes, in words.
        what: String,
    },
    /// It differs, and changing it would take something away: for people to decide.
    Leave {
        /// Full name.
        topic: String,
        /// What differs, in words.
        what: String,
    },
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create { topic, partitions, .. } => write!(f, "create {topic} with {partitions} partitions"),
            Self::Grow { topic, from, to } => write!(f, "grow {topic} from {from} to {to} partitions"),
            Self::Set { topic, what, .. } => write!(f, "set {topic}: {what}"),
            Self::Leave { topic, what } => write!(f, "leave {topic} as it is: {what}"),
        }
    }
}

/// How far a group is behind on one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behind {
    /// The partition.
    pub at: TopicPartition,
    /// The committed offset, if there is one.
    pub committed: Option<Offset>,
    /// The end of what can be read.
    pub end: Offset,
    /// Offsets that wait; marks of transactions between records count, a partition without records has none.
    pub records: i64,
    /// Time of the first record that waits.
    pub oldest: Option<Timestamp>,
}

/// The admin client.
pub struct Admin {
    settings: KafkaSettings,
    client: AdminClient<Ear>,
    runtime: tokio::runtime::Runtime,
}

impl Admin {
    /// Builds the client.
    ///
    /// # Errors
    /// [`Fault::Fatal`] with a sentence where the settings are wrong.
    pub fn open(settings: &KafkaSettings) -> Result<Self, Fault> {
        let config = client::common(settings)?;
        let client = config.create_with_context(Ear::default()).map_err(|e| fatal("build of the admin client", e))?;
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let runtime = runtime.map_err(|e| fatal("build of the admin client", e))?;
        Ok(Self { settings: settings.clone(), client, runtime })
    }

    /// All topics of the cluster that are not its own.
    ///
    /// # Errors
    /// A [`Fault`] that says why the brokers do not answer.
    pub fn topics(&self) -> Result<BTreeMap<String, Found>, Fault> {
        let mut found = self.listed()?;
        self.configs(&mut found)?;
        Ok(found)
    }

    /// All topics without their settings.
    fn listed(&self) -> Result<BTreeMap<String, Found>, Fault> {
        let told = self.client.inner().fetch_metadata(None, ASK);
        let told = told.map_err(|_| client::why(&self.settings))?;
        let mut found = BTreeMap::new();
        for topic in told.topics().iter().filter(|t| t.error().is_none() && !t.name().starts_with("__")) {
            let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
            let replicas = topic.partitions().first().map_or(0, |p| count(p.replicas().len()));
            let partitions = count(topic.partitions().len());
            found.insert(topic.name().to_owned(), Found { partitions, replicas, configs: BTreeMap::new() });
        }
        Ok(found)
    }

    fn configs(&self, found: &mut BTreeMap<String, Found>) -> Result<(), Fault> {
        let names: Vec<String> = found.keys().cloned().collect();
        let resources: Vec<_> = names.iter().map(|name| ResourceSpecifier::Topic(name)).collect();
        if resources.is_empty() {
            return Ok(());
        }
        let told = self.runtime.block_on(self.client.describe_configs(&resources, &options()));
        let told = told.map_err(|e| fault("read of the topics' settings", &e))?;
        for (name, told) in names.iter().zip(told) {
            let told = told.map_err(|code| fault(format!("settings of {name}"), &KafkaError::AdminOp(code)))?;
            let own = told.entries.into_iter().filter(|e| e.source == ConfigSource::DynamicTopic);
            if let Some(found) = found.get_mut(name) {
                found.configs = own.filter_map(|e| Some((e.name, e.value?))).collect();
            }
        }
        Ok(())
    }

    /// What happens to old records of these topics, by their full names; `None` where our user may not know.
    pub(super) fn cleanup_of(&self, names: &[&str]) -> Result<Vec<Option<String>>, Fault> {
        let resources: Vec<_> = names.iter().map(|name| ResourceSpecifier::Topic(name)).collect();
        let told = self.runtime.block_on(self.client.describe_configs(&resources, &options()));
        let told = told.map_err(|e| fault("read of the topics' settings", &e))?;
        let value = |(name, told): (&&str, ConfigResourceResult)| match told {
            Ok(told) => Ok(told.entries.into_iter().find(|e| e.name == CLEANUP).and_then(|e| e.value)),
            Err(RDKafkaErrorCode::TopicAuthorizationFailed) => Ok(None),
            Err(code) => Err(fault(format!("settings of {name}"), &KafkaError::AdminOp(code))),
        };
        names.iter().zip(told).map(value).collect()
    }

    /// What would make the cluster agree with `topics.yaml`; `partitions` stands for the counts given there.
    ///
    /// # Errors
    /// A [`Fault`] that says why the brokers do not answer.
    pub fn plan(&self, partitions: Option<u32>) -> Result<Vec<Change>, Fault> {
        let name = |topic: &'static Topic| self.settings.scope.topic(TopicName(topic.name.as_str()));
        let ours: Vec<(&'static Topic, String)> = topics::all().iter().map(|topic| (topic, name(topic))).collect();
        let mut found = self.listed()?;
        // Others may have thousands on the same brokers.
        found.retain(|name, _| ours.iter().any(|(_, ours)| ours == name));
        self.configs(&mut found)?;
        let plan = ours
            .iter()
            .flat_map(|(topic, name)| changes(topic, (name, partitions.unwrap_or(topic.partitions)), found.get(name)));
        Ok(plan.collect())
    }

    /// Carries out a plan; what is to be left is left.
    ///
    /// # Errors
    /// The first [`Fault`]; what came before it stands, and a new plan shows what is left to do.
    pub fn apply(&self, plan: &[Change], replication: i32) -> Result<(), Fault> {
        let new: Vec<New<'_>> = plan.iter().filter_map(new_of).collect();
        for few in batches(&new) {
            let told = self.create(few, replication);
            told.map_err(|e| fault(few.iter().map(|new| new.0).collect::<Vec<_>>().join(", "), &e))?;
        }
        for change in plan {
            let attempted = change.to_string();
            let told = match change {
                Change::Grow { topic, to, .. } => {
                    let new = [NewPartitions::new(topic, usize::try_from(*to).unwrap_or(0))];
                    self.runtime.block_on(self.client.create_partitions(&new, &options())).and_then(all_good)
                }
                Change::Set { topic, configs, .. } => self.set(topic, configs),
                Change::Create { .. } | Change::Leave { .. } => Ok(()),
            };
            told.map_err(|e| fault(attempted, &e))?;
        }
        let counts = plan.iter().filter_map(|change| match change {
            Change::Create { topic, partitions, .. } => Some((topic.as_str(), *partitions)),
            Change::Grow { topic, to, .. } => Some((topic.as_str(), *to)),
            Change::Set { .. } | Change::Leave { .. } => None,
        });
        self.seen(&counts.collect::<Vec<_>>())
    }

    /// Waits until brokers tell others of what was just created: they learn of it one after the other.
    fn seen(&self, counts: &[(&str, u32)]) -> Result<(), Fault> {
        for _ in 0..LOOKS_FOR_TOPICS {
            let told = self.client.inner().fetch_metadata(None, ASK);
            let told = told.map_err(|_| client::why(&self.settings))?;
            let has = |(name, count): &(&str, u32)| {
                let found = told.topics().iter().find(|t| t.name() == *name);
                found.is_some_and(|t| t.error().is_none() && t.partitions().len() == *count as usize)
            };
            if counts.iter().all(has) {
                return Ok(());
            }
            // Nobody wakes this thread: it looks every now and then.
            std::thread::park_timeout(Duration::from_millis(25));
        }
        Err(client::transient("change of topics", "the brokers took it and do not show it yet"))
    }

    fn create(&self, new: &[New<'_>], replication: i32) -> Result<(), KafkaError> {
        let asked = new.iter().map(|(topic, partitions, configs)| {
            let bare = NewTopic::new(topic, number(Partition(*partitions)), TopicReplication::Fixed(replication));
            configs.iter().fold(bare, |new, (key, value)| new.set(key, value))
        });
        let asked: Vec<_> = asked.collect();
        let told = self.runtime.block_on(self.client.create_topics(&asked, &options()))?;
        // A run that was cut short made some, and the brokers did not show them yet.
        let failed = told.into_iter().filter_map(Result::err);
        let failed = failed.map(|(_, code)| code).find(|code| *code != RDKafkaErrorCode::TopicAlreadyExists);
        failed.map_or(Ok(()), |code| Err(KafkaError::AdminOp(code)))
    }

    fn set(&self, topic: &str, configs: &BTreeMap<String, String>) -> Result<(), KafkaError> {
        let mut alter = AlterConfig::new(ResourceSpecifier::Topic(topic));
        for (key, value) in configs {
            alter = alter.set(key, value);
        }
        let told = self.runtime.block_on(self.client.alter_configs([&alter], &options()))?;
        told.into_iter().try_for_each(|one| one.map(drop).map_err(|(_, code)| KafkaError::AdminOp(code)))
    }

    /// Creates one topic that is not in the list: partners' topics in trials and tests.
    ///
    /// # Errors
    /// A [`Fault`] that says what the brokers refused.
    pub fn create_topic(&self, topic: TopicName, partitions: u32, replication: i32) -> Result<(), Fault> {
        let name = self.settings.scope.topic(topic);
        let told = self.create(&[(&name, partitions, &BTreeMap::new())], replication);
        told.map_err(|e| fault(format!("create {name}"), &e))?;
        self.seen(&[(&name, partitions)])
    }

    /// Brokers of the cluster.
    ///
    /// # Errors
    /// A [`Fault`] that says why they do not answer.
    pub fn brokers(&self) -> Result<usize, Fault> {
        let told = self.client.inner().fetch_metadata(None, ASK);
        let told = told.map_err(|_| client::why(&self.settings))?;
        Ok(told.brokers().len())
    }

    /// Creates a topic with one partition and the brokers' own number of replicas, unless it is there.
    pub(super) fn ensure(&self, topic: TopicName, configs: &BTreeMap<String, String>) -> Result<(), Fault> {
        let name = topics::full_name(topic);
        let told = self.client.inner().fetch_metadata(None, ASK);
        let told = told.map_err(|_| client::why(&self.settings))?;
        if told.topics().iter().any(|t| t.name() == name && t.error().is_none()) {
            return Ok(());
        }
        self.create(&[(&name, 1, configs)], -1).map_err(|e| fault(format!("create {name}"), &e))?;
        self.seen(&[(&name, 1)])
    }

    /// The native client, for questions that the safe one does not know.
    pub(super) fn native(&self) -> *mut rdkafka::types::RDKafka {
        self.client.inner().native_ptr()
    }

    /// How far a group is behind on every partition of these topics.
    ///
    /// # Errors
    /// A [`Fault`] that says why the brokers do not answer.
    pub fn lag(&self, group: &str, of: &[TopicName]) -> Result<Vec<Behind>, Fault> {
        let mut config = client::common(&self.settings)?;
        config
            .set("group.id", self.settings.scope.group(group))
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true");
        config.set("isolation.level", "read_committed").set("auto.offset.reset", "earliest");
        // An end is told by an answer without records, which a broker keeps back for as long as it may.
        config.set("fetch.wait.max.ms", "5");
        let consumer: BaseConsumer = config.create().map_err(|e| fatal("build of a consumer", e))?;
        let mut behind = Vec::new();
        for topic in of {
            behind.extend(self.lag_of(&consumer, *topic)?);
        }
        Ok(behind)
    }

    fn lag_of(&self, consumer: &BaseConsumer, topic: TopicName) -> Result<Vec<Behind>, Fault> {
        let name = self.settings.scope.topic(topic);
        let attempted = || format!("lag on {name}");
        let told = consumer.fetch_metadata(Some(&name), ASK);
        let told = told.map_err(|_| client::why(&self.settings))?;
        let count = told.topics().first().map_or(0, |t| t.partitions().len());
        let mut list = TopicPartitionList::new();
        list.add_partition_range(&name, 0, i32::try_from(count).unwrap_or(0) - 1);
        let committed = committed_of(consumer, &list).map_err(|e| fault(attempted(), &e))?;
        let mut behind = Vec::with_capacity(count);
        let bounds = bounds_of(consumer, &name, u32::try_from(count).unwrap_or(0))?;
        for (partition, (low, end)) in (0..).map(Partition).zip(bounds) {
            let element = committed.find_partition(&name, number(partition));
            let committed = element.and_then(|element| next_of(element.offset()));
            let records = end.0 - committed.unwrap_or(low).0;
            let at = TopicPartition { topic, partition };
            behind.push(Behind { at, committed, end, records, oldest: None });
        }
        first_records((consumer, self.settings.scope), &mut behind)?;
        Ok(behind)
    }
}

/// The group's offsets. A coordinator that has just begun, or has moved, says for a while that it is none.
fn committed_of(consumer: &BaseConsumer, list: &TopicPartitionList) -> Result<TopicPartitionList, KafkaError> {
    const NOT_YET: [RDKafkaErrorCode; 3] = [
        RDKafkaErrorCode::NotCoordinator,
        RDKafkaErrorCode::CoordinatorNotAvailable,
        RDKafkaErrorCode::CoordinatorLoadInProgress,
    ];
    let mut told = consumer.committed_offsets(list.clone(), ASK);
    for _ in 0..LOOKS {
        let code = told.as_ref().err().and_then(KafkaError::rdkafka_error_code);
        if !code.is_some_and(|code| NOT_YET.contains(&code)) {
            break;
        }
        // Nobody wakes this thread: it looks every now and then.
        std::thread::park_timeout(Duration::from_millis(50));
        told = consumer.committed_offsets(list.clone(), ASK);
    }
    told
}

/// Reads the first record that waits on each partition; where there is none, nothing waits but marks of transactions.
fn first_records((consumer, scope): (&BaseConsumer, Scope), behind: &mut [Behind]) -> Result<(), Fault> {
    let from = |b: &Behind| (b.at, b.committed.unwrap_or(Offset(b.end.0 - b.records)));
    let of: Vec<_> = behind.iter().filter(|b| b.records > 0).map(from).collect();
    let mut open = of.len();
    consumer.assign(&list_of(scope, &of)?).map_err(|e| fault("read of what waits", &e))?;
    for _ in 0..LOOKS {
        if open == 0 {
            break;
        }
        let (partition, oldest) = match consumer.poll(Timeout::After(Duration::from_millis(50))) {
            Some(Ok(m)) => (m.partition(), Some(Timestamp(m.timestamp().to_millis().unwrap_or(0)))),
            Some(Err(KafkaError::PartitionEOF(partition))) => (partition, None),
            Some(Err(_)) | None => continue,
        };
        let waits = |b: &&mut Behind| number(b.at.partition) == partition && b.records > 0 && b.oldest.is_none();
        if let Some(found) = behind.iter_mut().find(waits) {
            open -= 1;
            found.oldest = oldest;
            found.records = oldest.map_or(0, |_| found.records);
        }
    }
    consumer.unassign().map_err(|e| fault("read of what waits", &e))
}

/// A topic to be created: full name, partitions, settings.
type New<'a> = (&'a str, u32, &'a BTreeMap<String, String>);

fn new_of(change: &Change) -> Option<New<'_>> {
    match change {
        Change::Create { topic, partitions, configs } => Some((topic, *partitions, configs)),
        Change::Grow { .. } | Change::Set { .. } | Change::Leave { .. } => None,
    }
}

/// As many topics as a busy broker makes in the time of one request: a partition is a folder with files.
fn batches<'a, 'n>(new: &'a [New<'n>]) -> impl Iterator<Item = &'a [New<'n>]> {
    let most = new.iter().map(|(_, partitions, _)| *partitions).max().unwrap_or(1).max(1);
    new.chunks((PARTITIONS_AT_ONCE / most as usize).max(1))
}

fn all_good(told: Vec<Result<String, (String, rdkafka::error::RDKafkaErrorCode)>>) -> Result<(), KafkaError> {
    told.into_iter().try_for_each(|one| one.map(drop).map_err(|(_, code)| KafkaError::AdminOp(code)))
}

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(ASK)).operation_timeout(Some(ASK))
}

/// The settings that `topics.yaml` asks for.
fn configs_of(topic: &Topic) -> BTreeMap<String, String> {
    let kept = topic.retention_days.map_or(-1, |days| i64::from(days) * 86_400_000);
    BTreeMap::from([
        (CLEANUP.to_owned(), topic.cleanup.clone()),
        ("retention.ms".to_owned(), kept.to_string()),
        (LARGEST.to_owned(), longest(topic).to_string()),
    ])
}

/// What makes one topic agree with its row.
fn changes(topic: &Topic, (name, partitions): (&str, u32), found: Option<&Found>) -> Vec<Change> {
    let name = name.to_owned();
    let meant = configs_of(topic);
    let Some(found) = found else { return vec![Change::Create { topic: name, partitions, configs: meant }] };
    let mut changes = Vec::new();
    let (from, to) = (found.partitions, partitions);
    if from < to {
        changes.push(Change::Grow { topic: name.clone(), from, to });
    } else if from > to {
        let what = format!("it has {from} partitions, {to} are planned");
        changes.push(Change::Leave { topic: name.clone(), what });
    }
    let (mut configs, mut told) = (found.configs.clone(), Vec::new());
    for (key, value) in meant {
        let now = configs.get(&key).cloned();
        if now.as_ref() == Some(&value) {
            continue;
        }
        let what = format!("{key} is {}, {value} is planned", now.as_deref().unwrap_or("the broker's default"));
        if adds(&key, now.as_deref(), &value) {
            configs.insert(key, value);
            told.push(what);
        } else {
            changes.push(Change::Leave { topic: name.clone(), what });
        }
    }
    if !told.is_empty() {
        changes.push(Change::Set { topic: name, configs, what: told.join("; ") });
    }
    changes
}

/// Whether a setting keeps at least as much as before; the broker's default of `cleanup.policy` is `delete`.
fn adds(key: &str, now: Option<&str>, meant: &str) -> bool {
    if key == CLEANUP {
        return now.unwrap_or("delete") == meant;
    }
    if key == LARGEST {
        let bytes = |text: &str| text.parse::<usize>().unwrap_or(0);
        return now.is_none_or(|now| bytes(now) <= bytes(meant));
    }
    let kept = |text: &str| text.parse::<i64>().map_or(0, |ms| if ms < 0 { i64::MAX } else { ms });
    kept(meant) == i64::MAX || now.is_some_and(|now| kept(now) <= kept(meant))
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin").field("bootstrap", &self.settings.bootstrap).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Topic {
        topics::all().iter().find(|t| t.name == "gep.usage").unwrap().clone()
    }

    fn found(partitions: u32, configs: &[(&str, &str)]) -> Found {
        let configs = configs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Found { partitions, replicas: 1, configs }
    }

    #[test]
    fn a_plan_only_adds() {
        let plain = ("max.message.bytes", "8388608");
        let both = [("cleanup.policy", "delete"), ("retention.ms", "-1"), plain];
        let shown = |found: Option<&Found>, topic: &Topic| -> Vec<String> {
            changes(topic, ("t", 12), found).iter().map(ToString::to_string).collect()
        };
        assert_eq!(shown(None, &row()), ["create t with 12 partitions"]);
        assert_eq!(shown(Some(&found(12, &both)), &row()), Vec::<String>::new());
        assert_eq!(shown(Some(&found(3, &both)), &row()), ["grow t from 3 to 12 partitions"]);
        assert_eq!(shown(Some(&found(24, &both)), &row()), ["leave t as it is: it has 24 partitions, 12 are planned"]);
        assert_eq!(
            shown(Some(&found(12, &[("cleanup.policy", "compact"), ("retention.ms", "1000"), plain])), &row()),
            [
                "leave t as it is: cleanup.policy is compact, delete is planned",
                "set t: retention.ms is 1000, -1 is planned"
            ]
        );
        let dead = topics::all().iter().find(|t| t.name == "gep.dead").unwrap();
        assert_eq!(shown(Some(&found(12, &both)), dead), ["set t: max.message.bytes is 8388608, 16777216 is planned"]);
        assert_eq!(
            shown(Some(&found(12, &both[..2])), &row()),
            ["set t: max.message.bytes is the broker's default, 8388608 is planned"]
        );
        let large = [both[0], both[1], ("max.message.bytes", "20000000")];
        assert_eq!(
            shown(Some(&found(12, &large)), dead),
            ["leave t as it is: max.message.bytes is 20000000, 16777216 is planned"]
        );
        let week = Topic { retention_days: Some(7), ..row() };
        assert_eq!(
            shown(Some(&found(12, &both)), &week),
            ["leave t as it is: retention.ms is -1, 604800000 is planned"]
        );
        let kept = found(12, &[("cleanup.policy", "delete"), ("retention.ms", "5"), plain, ("segment.ms", "9")]);
        let Some(Change::Set { configs, .. }) = changes(&row(), ("t", 12), Some(&kept)).pop() else {
            panic!("retention grows")
        };
        assert_eq!(configs["segment.ms"], "9", "settings of its own stay");
    }
}
