//! Subjects of a schema registry: TopicNameStrategy.
//!
//! Place: between topics and schemas; asks no registry itself.

use crate::ids::TopicName;
use crate::topics;

/// The subject of a topic's values: `<full topic name>-value`.
#[must_use]
pub fn value_subject(topic: TopicName) -> String {
    format!("{}-value", topics::full_name(topic))
}

/// Every subject of ours with the folder of its schema, in topology order.
pub fn all() -> impl Iterator<Item = (String, &'static str)> {
    topics::all().iter().map(|topic| (format!("{}{}-value", topics::PREFIX, topic.name), topic.schema.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_the_topic_and_value() {
        let subject = value_subject(TopicName("demux.question.score"));
        assert_eq!(subject, "org.gooru.da.sink.demux.question.score-value");
        assert!(all().any(|(name, schema)| name == subject && schema == "de.score"));
    }

    #[test]
    fn every_topic_has_a_schema_and_every_schema_a_topic() {
        for (subject, schema) in all() {
            assert!(crate::schema::schema_text(schema).is_some(), "{subject}: {schema}");
        }
        for (name, _) in crate::schema::SCHEMAS {
            assert!(all().any(|(_, schema)| schema == *name), "{name}");
        }
    }
}
