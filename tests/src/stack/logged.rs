//! What a case reads: records of the log, and what a request was answered.
//!
//! Place: below [`super::Stack`], the same for both forms. Reads nothing itself.

use std::sync::Arc;

use da_model::event::{DeadLetter, DiscreteEvent, Event, Lineage, RejectedEvent, UsageEvent};
use da_model::ids::{Offset, Partition};
use da_model::schema::{Schemas, codec};
use da_model::time::Timestamp;
use da_runtime::reading::TapRecord;
use serde_json::Value;

/// A record of the log.
#[derive(Debug, Clone)]
pub struct Logged {
    /// Topic without the common prefix.
    pub topic: String,
    /// Partition.
    pub partition: Partition,
    /// Offset.
    pub offset: Offset,
    /// The record's timestamp.
    pub timestamp: Timestamp,
    /// Its key as text.
    pub key: String,
    /// Its value.
    pub value: Vec<u8>,
    schemas: Arc<Schemas>,
}

impl Logged {
    /// A record of a log that writes with these schema ids.
    #[must_use]
    pub fn of(record: TapRecord, schemas: &Arc<Schemas>) -> Self {
        Self {
            topic: record.topic,
            partition: record.partition,
            offset: record.offset,
            timestamp: Timestamp(record.timestamp),
            key: String::from_utf8_lossy(&record.key.unwrap_or_default()).into_owned(),
            value: record.value.unwrap_or_default(),
            schemas: Arc::clone(schemas),
        }
    }

    /// The event it holds, with its lineage.
    ///
    /// # Panics
    /// When the value cannot be read.
    #[must_use]
    pub fn read(&self) -> (Lineage<'_>, Event<'_>) {
        let read = codec::decode(&self.value, &self.schemas);
        read.unwrap_or_else(|r| panic!("{} {}: {r}", self.topic, self.offset))
    }

    /// The discrete event it holds, if it is one.
    #[must_use]
    pub fn discrete(&self) -> Option<DiscreteEvent<'_>> {
        if !self.topic.starts_with("demux.") && !self.topic.starts_with("dep.") {
            return None;
        }
        if let Event::Discrete(de) = self.read().1 { Some(*de) } else { None }
    }

    /// The refused event it holds.
    ///
    /// # Panics
    /// When it holds something else.
    #[must_use]
    pub fn rejected(&self) -> RejectedEvent<'_> {
        let Event::Rejected(event) = self.read().1 else {
            panic!("{} {}: not a rejected event", self.topic, self.offset)
        };
        *event
    }

    /// The dead letter it holds.
    ///
    /// # Panics
    /// When it holds something else.
    #[must_use]
    pub fn dead(&self) -> DeadLetter<'_> {
        let Event::Dead(letter) = self.read().1 else { panic!("{} {}: not a dead letter", self.topic, self.offset) };
        *letter
    }

    /// The accepted event it holds.
    ///
    /// # Panics
    /// When it holds something else.
    #[must_use]
    pub fn accepted(&self) -> UsageEvent<'_> {
        let Event::Usage(event) = self.read().1 else {
            panic!("{} {}: not an accepted event", self.topic, self.offset)
        };
        *event
    }
}

/// What a request was answered.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The body; null where it is no JSON.
    pub body: Value,
    /// `retry-after`, if there is one.
    pub retry_after: Option<String>,
}

impl Reply {
    /// Verdict of element `index`, followed by its flags or the codes of its reasons.
    #[must_use]
    pub fn verdict(&self, index: usize) -> Vec<String> {
        let result = &self.body["results"][index];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let list = |value: &Value, of: fn(&Value) -> &Value| -> Vec<String> {
            value.as_array().into_iter().flatten().map(|v| text(of(v))).collect()
        };
        let mut words = vec![text(&result["verdict"])];
        words.extend(list(&result["flags"], |flag| flag));
        words.extend(list(&result["reasons"], |reason| &reason["code"]));
        words
    }
}
