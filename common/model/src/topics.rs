//! The list of topics, read from the compiled-in `topics.yaml`; the only file that spells the topic prefix.
//!
//! Place: names, partitioning and schemas of everything emitted. Partner topics are not listed here: their names are
//! the partner's and come from the settings.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::ids::TopicName;

/// The prefix of every topic of ours.
pub const PREFIX: &str = "org.gooru.da.sink.";

/// The topic that `da doctor` measures on; no service reads or writes it, and it lies beside the others on purpose.
pub const SCRATCH: TopicName = TopicName("org.gooru.da.scratch.doctor");

/// One row of `topics.yaml`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Topic {
    /// Name without the prefix.
    pub name: String,
    /// Parts of the key.
    pub key: Vec<String>,
    /// How a record's partition is found.
    pub partitioning: Partitioning,
    /// Folder of `schemas/`.
    pub schema: String,
    /// `now`, or the feature that will feed it.
    pub feeds: String,
    /// `delete` or `compact`.
    #[serde(default = "delete")]
    pub cleanup: String,
    /// Partition count where a cluster is planned.
    #[serde(default = "twelve")]
    pub partitions: u32,
    /// Retention in days; absent keeps for ever.
    #[serde(default)]
    pub retention_days: Option<u32>,
    /// Services that write it.
    pub producers: Vec<String>,
    /// Services that read it, or `sink`.
    pub consumers: Vec<String>,
    /// One phrase.
    pub purpose: String,
}

impl Topic {
    /// Whether the service that writes it is also its reader, under the key of what it read: then it may hand the records
    /// on without reading them.
    #[must_use]
    pub fn is_own(&self) -> bool {
        self.partitioning == Partitioning::Inherited && self.producers.iter().any(|p| self.consumers.contains(p))
    }
}

/// How a record's partition is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Partitioning {
    /// The input's partition.
    Inherited,
    /// From the key.
    ByKey,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    topics: Vec<Topic>,
}

fn delete() -> String {
    "delete".to_owned()
}

fn twelve() -> u32 {
    12
}

static TOPICS: LazyLock<Vec<Topic>> = LazyLock::new(|| {
    let file: Result<File, _> = serde_saphyr::from_str(include_str!("../../../topics.yaml"));
    file.map(|f| f.topics).expect("the compiled-in topics.yaml parses; the house test reads it first")
});

/// All topics, in the order of the file, which is also topology order.
#[must_use]
pub fn all() -> &'static [Topic] {
    &TOPICS
}

/// The row of a topic of ours.
#[must_use]
pub fn find(name: TopicName) -> Option<&'static Topic> {
    TOPICS.iter().find(|t| t.name == name.0)
}

/// The listed name equal to `name`, if there is one.
#[must_use]
pub fn named(name: &str) -> Option<TopicName> {
    TOPICS.iter().find(|t| t.name == name).map(|t| TopicName(t.name.as_str()))
}

/// The name on the log: with the prefix for topics of ours, as it is for a partner's.
#[must_use]
pub fn full_name(name: TopicName) -> String {
    if find(name).is_some() { format!("{PREFIX}{name}") } else { name.0.to_owned() }
}
