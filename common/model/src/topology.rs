//! Which topic leads to which: cycles, dead ends and the longest way of a record, judged before anything starts.
//!
//! Place: fed by the registries of all services and by topics.yaml; asked at start, by `da validate` and by the house
//! test. Dead-letter topics are not part of it: every handler may write its own.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::ids::{TopicName, UnitName};
use crate::topics;

/// One way of a record: a unit reads it on one topic and writes to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// The topic read.
    pub from: TopicName,
    /// The metric, processor or handler.
    pub unit: UnitName,
    /// The topic written.
    pub to: TopicName,
}

/// Every way that the units of a process, or of a whole site, can take.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Topology {
    edges: Vec<Edge>,
    sources: BTreeSet<TopicName>,
    read: BTreeSet<TopicName>,
}

/// Why a topology is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flaw {
    /// Records would go round for ever.
    Cycle(Vec<Edge>),
    /// A unit names a topic that topics.yaml does not list.
    Unlisted(UnitName, TopicName),
    /// A topic is written, but nobody reads it and topics.yaml does not say `sink`.
    DeadEnd(TopicName),
    /// A topic is read, but nobody writes it.
    Unfed(TopicName),
}

impl Topology {
    /// The topology of these ways. `sources` are written from outside: by the intake, or by partners.
    #[must_use]
    pub fn new(mut edges: Vec<Edge>, sources: &[TopicName]) -> Self {
        edges.sort_unstable();
        edges.dedup();
        let read = edges.iter().map(|edge| edge.from).collect();
        Self { edges, sources: sources.iter().copied().collect(), read }
    }

    /// This topology with topics that are read and lead no further.
    #[must_use]
    pub fn reading(mut self, topics: impl IntoIterator<Item = TopicName>) -> Self {
        self.read.extend(topics);
        self
    }

    /// All ways, sorted.
    #[must_use]
    pub fn edges(&self) -> &[Edge] {
        &self.edges
    }

    /// Everything wrong with it; empty where it may start.
    #[must_use]
    pub fn flaws(&self) -> Vec<Flaw> {
        let mut flaws: Vec<Flaw> = self.cycle().map(Flaw::Cycle).into_iter().collect();
        flaws.extend(self.unlisted());
        flaws.extend(self.dead_ends().into_iter().map(Flaw::DeadEnd));
        flaws.extend(self.unfed().into_iter().map(Flaw::Unfed));
        flaws
    }

    /// A cycle, from a topic back to itself.
    #[must_use]
    pub fn cycle(&self) -> Option<Vec<Edge>> {
        let mut done = BTreeSet::new();
        self.edges.iter().find_map(|edge| self.cycle_from(edge.from, &mut Vec::new(), &mut done))
    }

    /// The longest way of a record; its length is the greatest hop but one. Empty where there is a cycle.
    #[must_use]
    pub fn longest(&self) -> Vec<Edge> {
        if self.cycle().is_some() {
            return Vec::new();
        }
        let mut known = BTreeMap::new();
        let ways = self.edges.iter().map(|edge| self.longest_from(edge.from, &mut known));
        ways.max_by_key(Vec::len).unwrap_or_default()
    }

    /// Topics that are written and neither read nor marked `sink`.
    #[must_use]
    pub fn dead_ends(&self) -> Vec<TopicName> {
        let written: BTreeSet<TopicName> = self.edges.iter().map(|edge| edge.to).collect();
        let sink = |topic: &TopicName| topics::find(*topic).is_some_and(|t| t.consumers.iter().any(|c| c == "sink"));
        written.into_iter().filter(|topic| !self.read.contains(topic) && !sink(topic)).collect()
    }

    /// Topics that are read, but neither written by a unit nor from outside.
    #[must_use]
    pub fn unfed(&self) -> Vec<TopicName> {
        let written: BTreeSet<TopicName> = self.edges.iter().map(|edge| edge.to).collect();
        let fed = |topic: &TopicName| written.contains(topic) || self.sources.contains(topic);
        self.read.iter().copied().filter(|topic| !fed(topic)).collect()
    }

    fn unlisted(&self) -> impl Iterator<Item = Flaw> + '_ {
        let named = self.edges.iter().flat_map(|edge| [(edge.unit, edge.from), (edge.unit, edge.to)]);
        let foreign = named.filter(|(_, topic)| topics::find(*topic).is_none() && !self.sources.contains(topic));
        foreign.collect::<BTreeSet<_>>().into_iter().map(|(unit, topic)| Flaw::Unlisted(unit, topic))
    }

    fn leaving(&self, topic: TopicName) -> impl Iterator<Item = Edge> + '_ {
        self.edges.iter().copied().filter(move |edge| edge.from == topic)
    }

    fn cycle_from(&self, at: TopicName, path: &mut Vec<Edge>, done: &mut BTreeSet<TopicName>) -> Option<Vec<Edge>> {
        if let Some(start) = path.iter().position(|edge| edge.from == at) {
            return path.get(start..).map(<[Edge]>::to_vec);
        }
        if done.contains(&at) {
            return None;
        }
        for edge in self.leaving(at) {
            path.push(edge);
            let found = self.cycle_from(edge.to, path, done);
            path.pop();
            if found.is_some() {
                return found;
            }
        }
        done.insert(at);
        None
    }

    fn longest_from(&self, at: TopicName, known: &mut BTreeMap<TopicName, Vec<Edge>>) -> Vec<Edge> {
        if let Some(way) = known.get(&at) {
            return way.clone();
        }
        let mut longest = Vec::new();
        for edge in self.leaving(at) {
            let way = self.longest_from(edge.to, known);
            if way.len() + 1 > longest.len() {
                longest = std::iter::once(edge).chain(way).collect();
            }
        }
        known.insert(at, longest.clone());
        longest
    }
}

/// A way as people read it: `dep.lesson.score → (unit_score) → dep.unit.score`.
#[must_use]
pub fn shown(way: &[Edge]) -> String {
    let mut text = way.first().map_or_else(String::new, |edge| edge.from.to_string());
    for edge in way {
        text.push_str(&format!(" → ({}) → {}", edge.unit, edge.to));
    }
    text
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cycle(way) => write!(f, "records would go round: {}", shown(way)),
            Self::Unlisted(unit, topic) => write!(f, "{unit} names {topic}, which topics.yaml does not list"),
            Self::DeadEnd(topic) => write!(f, "{topic} is written, but nobody reads it and it is no sink"),
            Self::Unfed(topic) => write!(f, "{topic} is read, but nobody writes it"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(from: &'static str, unit: &'static str, to: &'static str) -> Edge {
        Edge { from: TopicName(from), unit: UnitName(unit), to: TopicName(to) }
    }

    fn chain() -> Vec<Edge> {
        vec![
            edge("gep.usage", "score", "demux.assessment.score"),
            edge("demux.assessment.score", "lesson_score", "dep.lesson.score"),
            edge("demux.assessment.score", "course_score", "dep.course.score"),
            edge("dep.lesson.score", "unit_score", "dep.unit.score"),
            edge("dep.unit.score", "course_score", "dep.course.score"),
        ]
    }

    #[test]
    fn a_chain_is_fine_and_its_longest_way_is_found() {
        let topology = Topology::new(chain(), &[TopicName("gep.usage")]);
        assert_eq!(topology.flaws(), []);
        let way = "gep.usage → (score) → demux.assessment.score → (lesson_score) → dep.lesson.score → (unit_score) → \
                   dep.unit.score → (course_score) → dep.course.score";
        assert_eq!(shown(&topology.longest()), way);
    }

    #[test]
    fn b14_a_loop_is_refused_by_name() {
        let mut edges = chain();
        edges.push(edge("dep.lesson.score", "looping", "demux.assessment.score"));
        let topology = Topology::new(edges, &[TopicName("gep.usage")]);
        let flaws: Vec<String> = topology.flaws().iter().map(ToString::to_string).collect();
        let way = "records would go round: demux.assessment.score → (lesson_score) → dep.lesson.score → (looping) → \
                   demux.assessment.score";
        assert_eq!(flaws, [way]);
        assert!(topology.longest().is_empty());
    }

    #[test]
    fn a_unit_that_reads_what_it_writes_is_a_loop() {
        let topology = Topology::new(vec![edge("dep.unit.score", "x", "dep.unit.score")], &[]);
        assert_eq!(topology.cycle().map(|way| way.len()), Some(1));
    }

    #[test]
    fn dead_ends_unfed_and_unlisted_topics_are_named() {
        let edges = vec![edge("demux.question.score", "x", "dep.lesson.score"), edge("gep.usage", "y", "dep.nowhere")];
        let flaws: Vec<String> = Topology::new(edges, &[]).flaws().iter().map(ToString::to_string).collect();
        let expected = [
            "y names dep.nowhere, which topics.yaml does not list",
            "dep.lesson.score is written, but nobody reads it and it is no sink",
            "dep.nowhere is written, but nobody reads it and it is no sink",
            "demux.question.score is read, but nobody writes it",
            "gep.usage is read, but nobody writes it",
        ];
        assert_eq!(flaws, expected);
        let read = Topology::new(chain(), &[TopicName("gep.usage")]).reading([TopicName("demux.question.score")]);
        assert_eq!(read.unfed(), [TopicName("demux.question.score")]);
    }
}
