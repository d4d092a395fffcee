//! Where a group stands, asked again and again over one connection.
//!
//! Place: for whoever watches a group from outside, such as the drills; `da lag` asks once and looks at records, too.
//! Joins no group and commits nothing.

use std::time::Duration;

use da_model::fault::Fault;
use da_model::ids::{Offset, Partition, TopicName, TopicPartition};
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::topic_partition_list::TopicPartitionListElem;

use super::client::{self, KafkaSettings, Scope, fatal, fault};

/// How long a question may take.
const ASK: Duration = Duration::from_secs(5);

/// The committed positions of one group.
pub struct Positions {
    consumer: BaseConsumer,
    group: String,
    scope: Scope,
    list: TopicPartitionList,
    of: Vec<TopicName>,
}

impl Positions {
    /// Positions of `group` on all partitions of these topics.
    ///
    /// # Errors
    /// A [`Fault`] where the brokers do not answer.
    pub fn open(settings: &KafkaSettings, group: &str, of: &[TopicName]) -> Result<Self, Fault> {
        let mut config = client::common(settings)?;
        config.set("group.id", settings.scope.group(group)).set("enable.auto.commit", "false");
        // Read committed would wait for every transaction that is open just now.
        config.set("isolation.level", "read_uncommitted");
        let consumer: BaseConsumer = config.create().map_err(|e| fatal("build of a consumer", e))?;
        let mut list = TopicPartitionList::new();
        for topic in of {
            let name = settings.scope.topic(*topic);
            let told = consumer.fetch_metadata(Some(&name), ASK);
            let told = told.map_err(|e| fault(format!("partitions of {name}"), &e))?;
            let count = told.topics().first().map_or(0, |t| t.partitions().len());
            list.add_partition_range(&name, 0, i32::try_from(count).unwrap_or(0) - 1);
        }
        Ok(Self { consumer, group: group.to_owned(), scope: settings.scope, list, of: of.to_vec() })
    }

    /// Where the partitions end, whatever is still open or undone before that.
    ///
    /// # Errors
    /// A [`Fault`] where the brokers do not answer in time.
    pub fn ends(&self) -> Result<Vec<(TopicPartition, Offset)>, Fault> {
        let mut found = Vec::new();
        for (at, element) in self.list.elements().iter().filter_map(|e| Some((self.at(e)?, e))) {
            let told = self.consumer.fetch_watermarks(element.topic(), element.partition(), ASK);
            found.push((at, Offset(told.map_err(|e| fault(format!("end of {at}"), &e))?.1)));
        }
        Ok(found)
    }

    fn at(&self, element: &TopicPartitionListElem<'_>) -> Option<TopicPartition> {
        let topic = *self.of.iter().find(|topic| self.scope.topic(**topic) == element.topic())?;
        let partition = u32::try_from(element.partition()).map(Partition).ok()?;
        Some(TopicPartition { topic, partition })
    }

    /// What is committed now; partitions without a position are left out.
    ///
    /// # Errors
    /// A [`Fault`] where the brokers do not answer in time.
    pub fn now(&self) -> Result<Vec<(TopicPartition, Offset)>, Fault> {
        let told = self.consumer.committed_offsets(self.list.clone(), ASK);
        let told = told.map_err(|e| fault(format!("positions of {}", self.group), &e))?;
        let mut found = Vec::new();
        for element in told.elements() {
            if let (Some(at), rdkafka::Offset::Offset(next)) = (self.at(&element), element.offset()) {
                found.push((at, Offset(next)));
            }
        }
        Ok(found)
    }
}
