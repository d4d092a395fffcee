//! Which processors an event concerns, and what goes on from one of them to the next without being read again (ADR 16).
//!
//! Place: asked by the pipeline for each event. What a processor says under the key of the event goes to its consumers
//! here at once, in the order of the chain, whatever the batch; its record is written all the same. Decides nothing.

use std::panic::{AssertUnwindSafe, catch_unwind};

use da_model::effects::{Effects, Emit};
use da_model::event::{DiscreteEvent, Event};
use da_model::fault::Rejection;
use da_model::ids::{TopicName, UnitName};
use da_model::outcome::{Outcome, Reason};
use da_model::state::{Feed, RowKey, Snapshot, Table};
use da_model::topics;
use da_model::topology::Topology;

use crate::processors::{self, Decision, PROCESSORS, Processor};

/// The processors of one group.
pub(crate) struct Chain {
    processors: Vec<&'static dyn Processor>,
    /// Name of a DE without `usage.`, and who consumes it; sorted by name.
    routes: Vec<(&'static str, Vec<usize>)>,
    /// Topics whose records go on to their consumers here as they are written.
    handed: Vec<TopicName>,
}

impl Chain {
    pub(crate) fn of(processors: Vec<&'static dyn Processor>) -> Self {
        let mut routes: Vec<(&'static str, Vec<usize>)> = Vec::new();
        for (n, processor) in processors.iter().enumerate() {
            for link in processor.links() {
                add_route(&mut routes, bare(link.consumes), n);
            }
        }
        routes.sort_unstable_by_key(|(name, _)| *name);
        let handed = handed_on(&processors);
        Self { processors, routes, handed }
    }

    /// The topics that must be read, in order.
    pub(crate) fn topics(&self) -> Vec<TopicName> {
        let links = self.processors.iter().flat_map(|processor| processor.links());
        let mut topics: Vec<TopicName> = links.map(|link| link.consumes).collect();
        topics.retain(|topic| !self.handed.contains(topic));
        topics.sort_unstable();
        topics.dedup();
        topics
    }

    /// Shared tables whose rows all follow from one partition each: those of processors to which the level below hands on
    /// whatever it says of an item kind, and an item kind has a topic of its own.
    pub(crate) fn alone(&self) -> Vec<&'static Table> {
        let handed = |topic: &TopicName| self.handed.contains(topic);
        let linked = |processor: &dyn Processor| {
            processor.links().iter().any(|link| handed(&link.consumes) || link.emits.iter().any(handed))
        };
        let unread = |processor: &dyn Processor| {
            processor.links().iter().all(|link| handed(&link.consumes) || !is_own(link.consumes))
        };
        let tables = |of: &dyn Processor| of.tables().iter().copied().filter(|table| table.feed == Feed::Shared);
        let mut alone: Vec<_> = self.processors.iter().filter(|p| linked(**p)).flat_map(|p| tables(*p)).collect();
        alone.retain(|table| {
            self.processors.iter().filter(|p| p.tables().contains(table)).all(|p| linked(*p) && unread(*p))
        });
        alone.sort_unstable_by_key(|table| table.name);
        alone.dedup();
        alone
    }

    /// The processors that an event concerns, or the one it is meant for.
    fn concerned<'s>(
        &'s self,
        de: &DiscreteEvent<'_>,
        only: Option<UnitName>,
    ) -> impl Iterator<Item = &'static dyn Processor> + use<'s> {
        let name = de.event_name.strip_prefix("usage.").unwrap_or(&de.event_name);
        let found = self.routes.binary_search_by(|(route, _)| (*route).cmp(name));
        let indexes = found.ok().and_then(|at| self.routes.get(at)).map_or(&[][..], |(_, indexes)| indexes);
        let listed = indexes.iter().filter_map(|n| self.processors.get(*n).copied());
        listed.filter(move |processor| only.is_none_or(|only| only.0 == processor.name()))
    }

    /// The event in a record that its consumers here get at once.
    fn goes_on<'e, 'r>(&self, emit: &'e Emit<'r>) -> Option<&'e DiscreteEvent<'r>> {
        let Event::Discrete(de) = &emit.event else { return None };
        self.handed.contains(&emit.topic).then_some(&**de)
    }

    /// The rows that an event and what it can lead to are about.
    pub(crate) fn gather(&self, (de, only): (&DiscreteEvent<'_>, Option<UnitName>), keys: &mut Vec<RowKey>) {
        for processor in self.concerned(de, only) {
            keys.extend(processor.reads(de));
            let heralds = processor.heralds(de, &self.handed);
            heralds.iter().filter_map(|herald| self.goes_on(herald)).for_each(|next| self.gather((next, None), keys));
        }
    }

    /// What follows from an event, and from what that leads to, `depth` records behind the one that was read.
    pub(crate) fn follow<'r>(
        &self,
        (de, only, depth): (&DiscreteEvent<'r>, Option<UnitName>, i32),
        seen: &Snapshot<'_>,
        effects: &mut Effects<'r>,
    ) {
        for processor in self.concerned(de, only) {
            match decided(processor, de, seen) {
                Ok(decision) => self.take((decision, depth), seen, effects),
                Err(rejection) => effects.refused.push((UnitName(processor.name()), rejection)),
            }
        }
    }

    /// Takes what one processor wants, each record before what follows from it.
    fn take<'r>(&self, (decision, depth): (Decision<'r>, i32), seen: &Snapshot<'_>, effects: &mut Effects<'r>) {
        effects.writes.extend(decision.writes);
        effects.notes.extend(decision.notes);
        for emit in decision.emits {
            let mut further = Effects::none(Outcome::Ignored);
            if let Some(next) = self.goes_on(&emit) {
                self.follow((next, None, depth + 1), seen, &mut further);
            }
            effects.emits.push(Emit { depth, ..emit });
            merge(effects, further);
        }
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

fn merge<'r>(effects: &mut Effects<'r>, further: Effects<'r>) {
    effects.writes.extend(further.writes);
    effects.emits.extend(further.emits);
    effects.refused.extend(further.refused);
    effects.notes.extend(further.notes);
}

/// What these processors alone write and some of them read, under the key it was read with, and say beforehand. Where that
/// goes in a circle, nothing is handed on: the hop limit ends it.
fn handed_on(processors: &[&'static dyn Processor]) -> Vec<TopicName> {
    let (edges, read) = processors::edges(processors);
    if Topology::new(edges.clone(), &[]).cycle().is_some() {
        return Vec::new();
    }
    let absent = |other: &&&dyn Processor| processors.iter().all(|processor| processor.name() != other.name());
    let silent = processors.iter().filter(|processor| !processor.hands_on());
    let others = PROCESSORS.iter().filter(absent).chain(silent);
    let foreign: Vec<TopicName> = others.flat_map(|other| other.links()).flat_map(|link| link.emits).copied().collect();
    let mut handed: Vec<TopicName> = edges.into_iter().map(|edge| edge.to).collect();
    handed.retain(|topic| read.contains(topic) && !foreign.contains(topic) && is_own(*topic));
    handed.sort_unstable();
    handed.dedup();
    handed
}

fn is_own(topic: TopicName) -> bool {
    topics::find(topic).is_some_and(topics::Topic::is_own)
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
