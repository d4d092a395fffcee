//! Whether topics keep their records in the way that `topics.yaml` says, looked at once at the start.
//!
//! Place: used by [`super::member`] and [`super::sink`] before they read or write: on a topic that Kafka compacts, records
//! that count would vanish under their keys. Looks at topics of ours that are fed; changes nothing.

use da_model::fault::Fault;
use da_model::ids::TopicName;
use da_model::topics::{self, Topic};

use super::admin::{Admin, CLEANUP};
use super::client::{KafkaSettings, fatal};

/// Refuses topics with another cleanup than is meant. What our user may not look at is not refused: `da topics plan`
/// shows it to whoever may.
///
/// # Errors
/// [`Fault::Fatal`] with a sentence that names the topic, what it is and what it must be; else why the brokers do not
/// answer.
pub(super) fn check(settings: &KafkaSettings, of: impl Iterator<Item = TopicName>) -> Result<(), Fault> {
    let fed = |topic: &&'static Topic| topic.feeds == "now";
    let mut meant: Vec<(String, &'static Topic)> =
        of.filter_map(topics::find).filter(fed).map(|t| (settings.scope.topic(TopicName(&t.name)), t)).collect();
    // Brokers refuse a question that names a topic twice.
    meant.sort_by(|one, other| one.0.cmp(&other.0));
    meant.dedup_by(|one, other| one.0 == other.0);
    if meant.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = meant.iter().map(|(name, _)| name.as_str()).collect();
    let found = Admin::open(settings)?.cleanup_of(&names)?;
    for ((name, topic), found) in meant.iter().zip(found) {
        if let Some(found) = found.filter(|found| *found != topic.cleanup) {
            let attempted = format!("check of the topics at {}", settings.bootstrap);
            return Err(fatal(attempted, refusal((name, &topic.cleanup), &found)));
        }
    }
    Ok(())
}

fn refusal((name, meant): (&str, &str), found: &str) -> String {
    let harm = if found.contains("compact") { ": records that count would vanish" } else { "" };
    format!(
        "{name} has {CLEANUP}={found} and must have {meant}{harm}; `da topics plan` lists all that differs, \
         kafka-configs.sh --alter --topic {name} --add-config {CLEANUP}={meant} corrects it"
    )
}
