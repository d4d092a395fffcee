//! dep as a handler: a discrete event goes to every processor that consumes its topic; their effects are merged.
//!
//! Place: reads the `demux.*` and `dep.*` topics of its processors. A processor that refuses, or panics, costs its own
//! part of the event alone. Which processors run is the settings' choice.

use std::panic::{AssertUnwindSafe, catch_unwind};

use da_model::effects::{Effects, Note};
use da_model::event::DiscreteEvent;
use da_model::fault::Rejection;
use da_model::handler::Handler;
use da_model::ids::{TopicName, UnitName};
use da_model::outcome::{Outcome, Reason};
use da_model::record::Record;
use da_model::schema::{Schemas, codec};
use da_model::state::{RowKey, Snapshot};

use crate::processors::{Decision, PROCESSORS, Processor};

/// The handler of one group of processors.
pub struct Dep {
    group: &'static str,
    processors: Vec<&'static dyn Processor>,
    /// Name of a DE without `usage.`, and who consumes it; sorted by name.
    routes: Vec<(&'static str, Vec<usize>)>,
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
        let mut routes: Vec<(&'static str, Vec<usize>)> = Vec::new();
        for (n, processor) in processors.iter().enumerate() {
            for link in processor.links() {
                add_route(&mut routes, bare(link.consumes), n);
            }
        }
        routes.sort_unstable_by_key(|(name, _)| *name);
        Self { group, processors, routes }
    }

    /// The processors that an input concerns.
    fn concerned<'s>(&'s self, input: &Input<'_>) -> impl Iterator<Item = &'static dyn Processor> + use<'s> {
        let name = input.de.event_name.strip_prefix("usage.").unwrap_or(&input.de.event_name);
        let found = self.routes.binary_search_by(|(route, _)| (*route).cmp(name));
        let indexes = found.ok().and_then(|at| self.routes.get(at)).map_or(&[][..], |(_, indexes)| indexes);
        let only = input.only;
        let listed = indexes.iter().filter_map(|n| self.processors.get(*n).copied());
        listed.filter(move |processor| only.is_none_or(|only| only.0 == processor.name()))
    }
}

impl Handler for Dep {
    type Input<'r> = Input<'r>;

    fn name(&self) -> &'static str {
        self.group
    }

    fn topics(&self) -> Vec<TopicName> {
        let links = self.processors.iter().flat_map(|processor| processor.links());
        let mut topics: Vec<TopicName> = links.map(|link| link.consumes).collect();
        topics.sort_unstable();
        topics.dedup();
        topics
    }

    fn decode<'r>(&self, record: &Record<'r>, schemas: &Schemas) -> Result<Input<'r>, Rejection> {
        let value = record.value.ok_or_else(|| Rejection::new(Reason::Empty, "the record has no value"))?;
        Ok(Input { de: codec::decode_discrete(value, schemas)?, only: record.only })
    }

    fn reads(&self, input: &Input<'_>) -> Vec<RowKey> {
        self.concerned(input).flat_map(|processor| processor.reads(&input.de)).collect()
    }

    fn decide<'r>(&self, input: &Self::Input<'r>, seen: &Snapshot<'_>) -> Result<Effects<'r>, Rejection> {
        let mut effects = Effects::none(Outcome::Ignored);
        for processor in self.concerned(input) {
            match decided(processor, &input.de, seen) {
                Ok(decision) => merge(&mut effects, decision),
                Err(rejection) => effects.refused.push((UnitName(processor.name()), rejection)),
            }
        }
        if !effects.writes.is_empty() || !effects.emits.is_empty() {
            effects.outcome = Outcome::Applied;
        } else if effects.notes.contains(&Note::StaleRevision) {
            effects.outcome = Outcome::Duplicate;
        }
        Ok(effects)
    }
}

/// A processor that panics fails alone, like one that refuses.
fn decided<'r>(
    processor: &dyn Processor,
    de: &DiscreteEvent<'r>,
    seen: &Snapshot<'_>,
) -> Result<Decision<'r>, Rejection> {
    catch_unwind(AssertUnwindSafe(|| processor.decide(de, seen))).unwrap_or_else(|_| {
        Err(Rejection::new(Reason::HandlerFailed, format!("processor {} panicked", processor.name())))
    })
}

fn merge<'r>(effects: &mut Effects<'r>, decision: Decision<'r>) {
    effects.writes.extend(decision.writes);
    effects.emits.extend(decision.emits);
    effects.notes.extend(decision.notes);
}

/// The name without its source: `lesson.score` of `dep.lesson.score`, as in the event's name.
fn bare(topic: TopicName) -> &'static str {
    topic.0.split_once('.').map_or(topic.0, |(_, name)| name)
}

fn add_route(routes: &mut Vec<(&'static str, Vec<usize>)>, name: &'static str, processor: usize) {
    match routes.iter_mut().find(|(route, _)| *route == name) {
        Some((_, indexes)) if indexes.contains(&processor) => {}
        Some((_, indexes)) => indexes.push(processor),
        None => routes.push((name, vec![processor])),
    }
}
