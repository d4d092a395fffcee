//! What a user of the brokers may do, and how long a transaction takes: measured on a topic that is for that alone.
//!
//! Place: the work of `da doctor` on Kafka. Writes to the scratch topic only, joins no group, moves no offset, and uses
//! transactional ids that no member has.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::CString;
use std::sync::Arc;
use std::time::Duration;

use da_model::fault::Fault;
use da_model::ids::Partition;
use da_model::topics::{self, SCRATCH};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::producer::{BaseRecord, Producer, ThreadedProducer};
use rdkafka::util::Timeout;

use super::admin::Admin;
use super::client::{self, Ear, KafkaSettings, Trouble, fatal, transient};
use super::ffi::{self, Granted, TxnError, Unanswered};
use super::publisher::class;
use super::reader::KafkaReader;
use crate::ports::Clock;

pub use super::ffi::Rights;

/// How long a question, and the end of a transaction's records, may take.
const ASK: Duration = Duration::from_secs(10);
/// The last part of the transactional ids: no replica is called so.
const SLOT: &str = "doctor";
/// Records are of use for as long as the trial runs; the brokers stamp them, so that their clock is seen.
const CONFIGS: [(&str, &str); 2] = [("message.timestamp.type", "LogAppendTime"), ("retention.ms", "3600000")];

/// Rights on topics or groups by name; in words, where they are not told.
pub type Told = BTreeMap<String, Result<Rights, String>>;

/// What transactions of one group's producer came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sample {
    /// From begin to the end of each, ms.
    pub took: Vec<i64>,
    /// How far the brokers' clock is ahead of ours, ms; 0 where it stands between begin and end.
    pub ahead: i64,
}

/// The brokers under trial.
pub struct Trial {
    settings: KafkaSettings,
    clock: Arc<dyn Clock>,
    admin: Admin,
}

impl Trial {
    /// Builds the clients; asks nobody.
    ///
    /// # Errors
    /// [`Fault::Fatal`] with a sentence where the settings are wrong.
    pub fn open(settings: &KafkaSettings, clock: Arc<dyn Clock>) -> Result<Self, Fault> {
        Ok(Self { settings: settings.clone(), clock, admin: Admin::open(settings)? })
    }

    /// The admin side.
    #[must_use]
    pub const fn admin(&self) -> &Admin {
        &self.admin
    }

    /// The number of brokers, and how long a question to one takes, ms.
    ///
    /// # Errors
    /// A [`Fault`] that says why they do not answer.
    pub fn contact(&self) -> Result<(usize, i64), Fault> {
        // The first question makes the connection.
        self.admin.brokers()?;
        let begun = self.clock.now();
        let brokers = self.admin.brokers()?;
        Ok((brokers, self.clock.now().since(begun)))
    }

    /// What our user may do with topics, by full name.
    ///
    /// # Errors
    /// A [`Fault`] that says why the brokers do not answer.
    pub fn rights_on_topics(&self, names: &[String]) -> Result<Told, Fault> {
        self.told(ffi::rights_on_topics(self.admin.native(), &texts(names), ASK))
    }

    /// What our user may do with groups.
    ///
    /// # Errors
    /// A [`Fault`] that says why the brokers do not answer.
    pub fn rights_on_groups(&self, names: &[String]) -> Result<Told, Fault> {
        self.told(ffi::rights_on_groups(self.admin.native(), &texts(names), ASK))
    }

    fn told(&self, answer: Result<Vec<Granted>, Unanswered>) -> Result<Told, Fault> {
        let granted = answer.map_err(|(code, text)| self.trouble("look at the rights", code, text))?;
        Ok(granted.into_iter().map(|(name, told)| (name, told.map_err(in_words))).collect())
    }

    /// Runs so many transactions as a member of `group` would, and reads the last one back.
    ///
    /// # Errors
    /// A [`Fault`] that says which step is refused or unanswered.
    pub fn transactions(&self, group: &str, count: usize) -> Result<Sample, Fault> {
        let configs = CONFIGS.map(|(key, value)| (key.to_owned(), value.to_owned()));
        self.admin.ensure(SCRATCH, &BTreeMap::from(configs))?;
        let mut reader = KafkaReader::open(&self.settings)?;
        let (_, from) = reader.bounds(SCRATCH.0, Partition(0))?;
        let trouble = Arc::<Trouble>::default();
        let config = client::transactional(&self.settings, group, SLOT)?;
        let producer: ThreadedProducer<Ear> =
            config.create_with_context(Ear(Arc::clone(&trouble))).map_err(|e| fatal("build of a producer", e))?;
        let attempted = format!("start of transactions as {group}-{SLOT}");
        producer.init_transactions(Timeout::After(ASK)).map_err(|e| self.refused(&attempted, e.into(), &trouble))?;
        let mark = format!("{group} {}", self.clock.now().0);
        let mut sample = Sample::default();
        let mut last = (self.clock.now(), self.clock.now());
        // The first one makes the brokers know the partition: it is not counted.
        for _ in 0..=count {
            let begun = self.clock.now();
            let attempted = format!("transaction as {group}-{SLOT} on {SCRATCH}");
            transaction(&producer, &trouble, &mark).map_err(|e| self.refused(&attempted, e, &trouble))?;
            last = (begun, self.clock.now());
            sample.took.push(last.1.since(begun));
        }
        sample.took.remove(0);
        let found = reader.records((SCRATCH.0, Partition(0)), from, 10_000)?;
        let ours = found.iter().rev().find(|record| record.key.as_deref() == Some(mark.as_bytes()));
        let Some(ours) = ours else {
            return Err(transient(format!("read of {SCRATCH}"), "a committed record cannot be read back"));
        };
        sample.ahead = (ours.timestamp - last.1.0).max(0) + (ours.timestamp - last.0.0).min(0);
        Ok(sample)
    }

    fn refused(&self, attempted: &str, error: TxnError, trouble: &Trouble) -> Fault {
        if client::is_of_the_line(error.code) {
            return client::unreachable(&self.settings, trouble.take());
        }
        class(attempted, &error)
    }

    fn trouble(&self, attempted: &str, code: RDKafkaErrorCode, text: String) -> Fault {
        if client::is_of_the_line(code) {
            return client::unreachable(&self.settings, Some((code, text)));
        }
        fatal(format!("{attempted} at {}", self.settings.bootstrap), text)
    }
}

/// One record in one transaction.
fn transaction(producer: &ThreadedProducer<Ear>, trouble: &Trouble, mark: &str) -> Result<(), TxnError> {
    producer.begin_transaction()?;
    let name = topics::full_name(SCRATCH);
    let record = BaseRecord::<str, [u8]>::to(&name).partition(0).key(mark).payload(b"da doctor");
    producer.send(record).map_err(|(error, _)| TxnError::from(error))?;
    let native = producer.client().native_ptr();
    let delivered = ffi::flush(native, ASK);
    match trouble.take_lost() {
        None if delivered => ffi::commit(native, ASK),
        lost => {
            let code = lost.unwrap_or(RDKafkaErrorCode::MessageTimedOut);
            Err(TxnError { code, text: code.to_string(), fatal: false, retriable: false, abort: true })
        }
    }
}

/// Each name once: brokers refuse a question that names one twice.
fn texts(names: &[String]) -> Vec<CString> {
    let names: BTreeSet<&String> = names.iter().collect();
    names.into_iter().filter_map(|name| CString::new(name.as_str()).ok()).collect()
}

/// How a topic is told of that is not there.
pub const MISSING: &str = "it does not exist";

/// Codes that have a plainer sentence than the client's.
const WORDS: &[(RDKafkaErrorCode, &str)] = &[
    (RDKafkaErrorCode::UnknownTopicOrPartition, MISSING),
    (RDKafkaErrorCode::UnknownTopic, MISSING),
    (RDKafkaErrorCode::TopicAuthorizationFailed, "this user may not even see it"),
    (RDKafkaErrorCode::GroupAuthorizationFailed, "this user may not even see it"),
];

fn in_words(code: RDKafkaErrorCode) -> String {
    WORDS.iter().find(|(of, _)| *of == code).map_or_else(|| code.to_string(), |(_, words)| (*words).to_owned())
}

impl std::fmt::Debug for Trial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trial").field("admin", &self.admin).finish_non_exhaustive()
    }
}
