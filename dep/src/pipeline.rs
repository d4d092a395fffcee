//! dep as a handler: a discrete event goes to every processor that consumes its topic; their effects are merged.
//!
//! Place: reads the `demux.*` and `dep.*` topics of its processors; `chain` knows which those are. A processor that
//! refuses, or panics, costs its own part of the event alone. Which processors run is the settings' choice.

use da_model::effects::{Effects, Note};
use da_model::event::DiscreteEvent;
use da_model::fault::Rejection;
use da_model::handler::Handler;
use da_model::ids::{TopicName, UnitName};
use da_model::outcome::{Outcome, Reason};
use da_model::record::Record;
use da_model::schema::{Schemas, codec};
use da_model::state::{RowKey, Snapshot, Table};

use crate::chain::Chain;
use crate::processors::{PROCESSORS, Processor};

/// The handler of one group of processors.
pub struct Dep {
    group: &'static str,
    chain: Chain,
}

/// One discrete event.
#[derive(Debug)]
pub struct Input<'r> {
    /// What it says.
    pub de: DiscreteEvent<'r>,
    /// Set where a parked or redriven record concerns one processor alone.
    pub only: Option<UnitName>,
}

impl Default for Dep {
    fn default() -> Self {
        Self::of("dep", PROCESSORS.to_vec())
    }
}

impl Dep {
    /// A group of these processors.
    #[must_use]
    pub fn of(group: &'static str, processors: Vec<&'static dyn Processor>) -> Self {
        Self { group, chain: Chain::of(processors) }
    }

    /// Shared tables of which this group feeds every row from one partition.
    #[must_use]
    pub fn alone(&self) -> Vec<&'static Table> {
        self.chain.alone()
    }
}

impl Handler for Dep {
    type Input<'r> = Input<'r>;

    fn name(&self) -> &'static str {
        self.group
    }

    fn topics(&self) -> Vec<TopicName> {
        self.chain.topics()
    }

    fn decode<'r>(&self, record: &Record<'r>, schemas: &Schemas) -> Result<Input<'r>, Rejection> {
        let value = record.value.ok_or_else(|| Rejection::new(Reason::Empty, "the record has no value"))?;
        Ok(Input { de: codec::decode_discrete(value, schemas)?, only: record.only })
    }

    fn reads(&self, input: &Input<'_>) -> Vec<RowKey> {
        let mut keys = Vec::new();
        self.chain.gather((&input.de, input.only), &mut keys);
        keys
    }

    fn decide<'r>(&self, input: &Self::Input<'r>, seen: &Snapshot<'_>) -> Result<Effects<'r>, Rejection> {
        let mut effects = Effects::none(Outcome::Ignored);
        self.chain.follow((&input.de, input.only, 0), seen, &mut effects);
        if !effects.writes.is_empty() || !effects.emits.is_empty() {
            effects.outcome = Outcome::Applied;
        } else if effects.notes.contains(&Note::StaleRevision) {
            effects.outcome = Outcome::Duplicate;
        }
        Ok(effects)
    }
}
