//! Intake from partner topics of the log, as a handler like any other (domain.md §2.5).
//!
//! Place: run by the Driver; judges with the same `take_in` as the HTTP edge. Never refuses a record as such: every
//! record ends in `gep.accepted`, `gep.system` or `gep.rejected`, so nothing in it can stop the consumer.

use da_model::effects::{Effects, Emit, Key};
use da_model::fault::Rejection;
use da_model::handler::Handler;
use da_model::ids::{TopicName, UnitName};
use da_model::outcome::{Outcome, Reason, Verdict};
use da_model::record::Record;
use da_model::schema::Schemas;
use da_model::state::{RowKey, Snapshot};

use super::body::split_record;
use super::{Element, Intake, Limits, Origin, Partner, take_in};

/// A topic of a partner, from the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartnerTopic {
    /// Its name, which is the partner's.
    pub topic: TopicName,
    /// Whom it speaks for.
    pub partner: Partner,
}

/// Reads partner topics.
#[derive(Debug)]
pub struct IntakeHandler {
    topics: Vec<PartnerTopic>,
    limits: Limits,
}

impl IntakeHandler {
    /// A reader of these topics.
    #[must_use]
    pub const fn new(topics: Vec<PartnerTopic>, limits: Limits) -> Self {
        Self { topics, limits }
    }

    /// Judges one record of a partner topic; nothing of a topic that is not listed.
    #[must_use]
    pub fn judge<'r>(&self, record: &Record<'r>) -> Intake<'r> {
        let Some(listed) = self.topics.iter().find(|t| t.topic == record.topic) else {
            return Intake::default();
        };
        let origin = Origin::Kafka { topic: record.topic, partition: record.partition, offset: record.offset };
        let elements = match record.value {
            Some(value) => split_record(value, &self.limits),
            None => vec![Element::refused(b"", Reason::Empty, "the record has no value")],
        };
        take_in(&elements, &listed.partner, record.timestamp, &origin, &self.limits)
    }
}

impl Handler for IntakeHandler {
    type Input<'r> = Record<'r>;

    fn name(&self) -> &'static str {
        "gep.intake"
    }

    fn topics(&self) -> Vec<TopicName> {
        self.topics.iter().map(|t| t.topic).collect()
    }

    fn decode<'r>(&self, record: &Record<'r>, _schemas: &Schemas) -> Result<Self::Input<'r>, Rejection> {
        Ok(*record)
    }

    fn reads(&self, _input: &Self::Input<'_>) -> Vec<RowKey> {
        Vec::new()
    }

    fn decide<'r>(&self, input: &Self::Input<'r>, _seen: &Snapshot<'_>) -> Result<Effects<'r>, Rejection> {
        let intake = self.judge(input);
        let mut effects = Effects::none(outcome(&intake));
        let unit = UnitName("intake");
        let emit =
            |e: super::IntakeEmit<'r>| Emit { unit, topic: e.topic, key: Key::Own(e.key), event: e.event, depth: 0 };
        effects.emits = intake.emits.into_iter().map(emit).collect();
        Ok(effects)
    }
}

/// One outcome for a record: rejected where nothing of it was accepted.
fn outcome(intake: &Intake<'_>) -> Outcome {
    let all = |verdict| intake.verdicts.iter().all(|line| line.verdict == verdict);
    if all(Verdict::Rejected) {
        Outcome::Rejected
    } else if all(Verdict::Duplicate) {
        Outcome::Duplicate
    } else {
        Outcome::Accepted
    }
}
