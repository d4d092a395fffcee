//! Kafka as the log under test: the brokers that `KAFKA_BOOTSTRAP` names.
//!
//! Place: where the variable is not set, every test over it says `skipped`. Starts no broker and deletes no topic.

use std::sync::Arc;

use da_model::fault::Fault;
use da_model::ids::{TopicName, TopicPartition};
use da_runtime::clock::SystemClock;
use da_runtime::io::kafka::admin::Admin;
use da_runtime::io::kafka::client::{KafkaSettings, Scope};
use da_runtime::io::kafka::member::{KafkaMember, MemberOptions};
use da_runtime::ports::Member;
use da_runtime::probe::{Probe, Silent};

use super::{Cluster, Slot, outbox, unique};

/// Kafka.
#[derive(Debug)]
pub struct Broker {
    settings: KafkaSettings,
    admin: Admin,
}

impl Broker {
    /// The brokers at hand, or a line that says what was skipped.
    ///
    /// # Panics
    /// When the settings are refused.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "where the stack runs is told to tests by the environment")]
    pub fn at_hand(test: &str) -> Option<Self> {
        let Ok(bootstrap) = std::env::var("KAFKA_BOOTSTRAP") else {
            eprintln!("skipped: {test}, because KAFKA_BOOTSTRAP names no broker");
            return None;
        };
        Some(Self::of(KafkaSettings::new(bootstrap)))
    }

    /// The same with names of its own for the topics of `topics.yaml`, too.
    ///
    /// # Panics
    /// When the settings are refused.
    #[must_use]
    pub fn apart(test: &str) -> Option<Self> {
        let scope = Scope(format!("{}.", unique("apart")).leak());
        Self::at_hand(test).map(|at_hand| Self::of(KafkaSettings { scope, ..at_hand.settings }))
    }

    fn of(settings: KafkaSettings) -> Self {
        let admin = Admin::open(&settings).unwrap_or_else(|e| panic!("{e}"));
        Self { settings, admin }
    }

    /// How to reach them.
    #[must_use]
    pub const fn settings(&self) -> &KafkaSettings {
        &self.settings
    }

    /// The admin side.
    #[must_use]
    pub const fn admin(&self) -> &Admin {
        &self.admin
    }

    /// A member of a group whose stage writes the topics of `service`.
    ///
    /// # Errors
    /// Why it cannot join.
    pub fn serving(&self, at: Slot, topics: &[TopicName], service: &'static str) -> Result<KafkaMember, Fault> {
        let base = MemberOptions::new(self.settings.clone(), at.group, at.slot.to_string(), Arc::new(SystemClock));
        KafkaMember::open(&MemberOptions { topics: topics.to_vec(), service, ..base })
    }

    /// A member of a group as the product builds it.
    ///
    /// # Errors
    /// Why it cannot join.
    pub fn open(&self, at: Slot, topics: &[TopicName], probe: Arc<dyn Probe>) -> Result<KafkaMember, Fault> {
        let base = MemberOptions::new(self.settings.clone(), at.group, at.slot.to_string(), Arc::new(SystemClock));
        KafkaMember::open(&MemberOptions { topics: topics.to_vec(), probe, ..base })
    }
}

impl Cluster for Broker {
    fn topic(&self, partitions: u32) -> TopicName {
        let name = TopicName(unique("topic"));
        self.admin.create_topic(name, partitions, 1).unwrap_or_else(|e| panic!("{e}"));
        name
    }

    fn member(&self, at: Slot, topics: &[TopicName], probe: Arc<dyn Probe>) -> Result<Box<dyn Member>, Fault> {
        Ok(Box::new(self.open(at, topics, probe)?))
    }

    /// Through a member of a group of its own that owns nothing: its transactions carry no offsets.
    fn append(&self, topic: TopicName, records: &[(u32, &str)]) {
        let mut member = self.member(Slot::new(), &[topic], Arc::new(Silent)).unwrap_or_else(|e| panic!("{e}"));
        while member.poll(1, std::time::Duration::from_millis(25)).unwrap_or_else(|e| panic!("{e}")).assigned.is_empty()
        {
        }
        let of: Vec<(TopicPartition, &str)> = records.iter().map(|(p, text)| (super::at(topic, *p), *text)).collect();
        member.publish(&[&outbox(&of)], &[]).unwrap_or_else(|e| panic!("{e}"));
        member.close();
    }
}
