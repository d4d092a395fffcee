//! One record as one line: the fields of `kcat -J`, in its order, with the Avro value decoded.
//!
//! Place: the form of `da tap`. A value that cannot be decoded is shown as hexadecimal text, never left out.

use da_model::ids::{Offset, Partition, TopicName};
use da_model::schema::json_text;
use da_model::time::Timestamp;
use da_model::topics;
use serde::Serialize;
use serde_json::Value;

/// What stands in place of a masked text.
pub const MASK: &str = "***";

/// Names of fields that point at a person.
const PERSONAL: [&str; 6] = ["userId", "learnerId", "actorId", "user", "original", "graderId"];

/// A record of the log with its value decoded.
#[derive(Debug, Clone)]
pub struct Shown {
    /// Its topic.
    pub topic: TopicName,
    /// Its partition.
    pub partition: Partition,
    /// Its offset.
    pub offset: Offset,
    /// Its time on the log.
    pub at: Timestamp,
    /// Its key.
    pub key: Option<String>,
    /// Its decoded value.
    pub payload: Value,
    /// The id of its schema.
    pub schema: Option<u32>,
}

#[derive(Serialize)]
struct Line<'a> {
    topic: String,
    partition: u32,
    offset: i64,
    tstype: &'static str,
    ts: i64,
    broker: i32,
    headers: [(); 0],
    key: Option<&'a str>,
    payload: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    value_schema_id: Option<u32>,
}

impl Shown {
    /// Hides what points at a person: ids of people, keys that hold one, and original bytes.
    pub fn mask(&mut self) {
        let learner =
            topics::find(self.topic).is_none_or(|t| t.key.iter().any(|part| part != "tenant" && part != "class"));
        if learner {
            self.key = self.key.as_deref().map(mask_key);
        }
        mask_value(&mut self.payload);
    }

    /// The line, as kcat prints it.
    ///
    /// # Errors
    /// Never in practice: every part is plain JSON.
    pub fn line(&self) -> serde_json::Result<String> {
        json_text::to_line(&Line {
            topic: topics::full_name(self.topic),
            partition: self.partition.0,
            offset: self.offset.0,
            tstype: "create",
            ts: self.at.0,
            broker: 0,
            headers: [],
            key: self.key.as_deref(),
            payload: &self.payload,
            value_schema_id: self.schema,
        })
    }
}

/// Bytes that are no value of ours, as text that loses nothing.
#[must_use]
pub fn hexadecimal(bytes: &[u8]) -> Value {
    Value::String(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn mask_key(key: &str) -> String {
    match key.split_once(da_model::ids::SEPARATOR) {
        Some((tenant, _)) => format!("{tenant}{}{MASK}", da_model::ids::SEPARATOR),
        None => MASK.to_owned(),
    }
}

fn mask_value(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, inner) in fields.iter_mut() {
                if PERSONAL.contains(&name.as_str()) && !inner.is_null() {
                    *inner = Value::String(MASK.to_owned());
                } else {
                    mask_value(inner);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mask_value),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown() -> Shown {
        Shown {
            topic: TopicName("demux.assessment.score"),
            partition: Partition(7),
            offset: Offset(91_822),
            at: Timestamp(1_795_161_600_123),
            key: Some("t-north\u{1f}424b".to_owned()),
            payload: serde_json::json!({"userId": "424b"}),
            schema: Some(12),
        }
    }

    #[test]
    fn the_line_has_the_fields_and_order_of_kcat() {
        let prefix = topics::PREFIX;
        assert_eq!(
            shown().line().unwrap(),
            format!(
                r#"{{"topic":"{prefix}demux.assessment.score","partition":7,"offset":91822,"tstype":"create","ts":1795161600123,"broker":0,"headers":[],"key":"t-north\u001f424b","payload":{{"userId":"424b"}},"value_schema_id":12}}"#
            )
        );
    }

    #[test]
    fn masking_hides_people_and_nothing_else() {
        let payload = serde_json::json!({"userId": "424b", "revision": 2});
        let mut shown = Shown { payload, ..shown() };
        shown.mask();
        assert_eq!(shown.key.as_deref(), Some("t-north\u{1f}***"));
        assert_eq!(shown.payload, serde_json::json!({"userId": "***", "revision": 2}));
        let mut class = Shown { topic: TopicName("dep.class.score"), key: Some("t\u{1f}c1".to_owned()), ..shown };
        class.mask();
        assert_eq!(class.key.as_deref(), Some("t\u{1f}c1"));
    }
}
