//! The graph of who consumes and emits which topic: cycles, longest path, dead ends, strangers.
//!
//! Place: built from the registries before anything starts, and by the house test. Knows no registry: links are handed
//! in. A cycle would make records for ever, so it is refused by name (delivery.md §7).

use std::collections::{BTreeMap, BTreeSet};

use crate::event::lineage::HOP_LIMIT;
use crate::ids::{TopicName, UnitName};
use crate::topics;

/// One unit reads one topic and may therefore write others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The metric, processor or handler.
    pub unit: UnitName,
    /// What it reads.
    pub consumes: TopicName,
    /// What it writes because of that.
    pub emits: Vec<TopicName>,
}

/// What is wrong with a topology.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// Records would lead to records for ever.
    #[error("a cycle: {}", joined(.0))]
    Cycle(Vec<TopicName>),
    /// The longest chain has more hops than a record may have.
    #[error("a chain of {hops} hops, {} are allowed: {}", HOP_LIMIT, joined(.path))]
    TooLong {
        /// Steps of the chain.
        hops: usize,
        /// Its topics.
        path: Vec<TopicName>,
    },
    /// A unit names a topic that `topics.yaml` does not list.
    #[error("{unit} names the topic {topic}, which topics.yaml does not list")]
    Unlisted {
        /// Who names it.
        unit: UnitName,
        /// What it names.
        topic: TopicName,
    },
}

/// What a sound topology looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sound {
    /// How many topics are read or written.
    pub topics: usize,
    /// The longest chain.
    pub longest: Vec<TopicName>,
}

/// Judges a topology.
///
/// # Errors
/// The first [`Flaw`], cycles before all others.
pub fn check(links: &[Link]) -> Result<Sound, Flaw> {
    let mut next: BTreeMap<TopicName, BTreeSet<TopicName>> = BTreeMap::new();
    for link in links {
        next.entry(link.consumes).or_default().extend(&link.emits);
    }
    let mut longest = Vec::new();
    let mut known = BTreeMap::new();
    for topic in next.keys() {
        let path = longest_from(*topic, &next, &mut Vec::new(), &mut known)?;
        if path.len() > longest.len() {
            longest = path;
        }
    }
    let hops = longest.len().saturating_sub(1);
    if i32::try_from(hops).is_ok_and(|hops| hops > HOP_LIMIT) {
        return Err(Flaw::TooLong { hops, path: longest });
    }
    strangers(links)?;
    let all: BTreeSet<TopicName> = next.iter().flat_map(|(from, to)| to.iter().chain([from])).copied().collect();
    Ok(Sound { topics: all.len(), longest })
}

/// Topics written here that `topics.yaml` says a service reads, and no unit here does; fine in a process that runs a
/// part of the units, a flaw where all of them run.
#[must_use]
pub fn dead_ends(links: &[Link]) -> Vec<TopicName> {
    let read: BTreeSet<TopicName> = links.iter().map(|link| link.consumes).collect();
    let has_reader = |topic: &TopicName| topics::find(*topic).is_some_and(|t| t.consumers.iter().any(|c| c != "sink"));
    let written: BTreeSet<TopicName> = links.iter().flat_map(|link| link.emits.iter().copied()).collect();
    written.into_iter().filter(|topic| has_reader(topic) && !read.contains(topic)).collect()
}

type Next = BTreeMap<TopicName, BTreeSet<TopicName>>;

fn longest_from(
    topic: TopicName,
    next: &Next,
    open: &mut Vec<TopicName>,
    known: &mut BTreeMap<TopicName, Vec<TopicName>>,
) -> Result<Vec<TopicName>, Flaw> {
    if let Some(path) = known.get(&topic) {
        return Ok(path.clone());
    }
    if let Some(start) = open.iter().position(|t| *t == topic) {
        return Err(Flaw::Cycle(open.iter().skip(start).copied().chain([topic]).collect()));
    }
    open.push(topic);
    let mut best = Vec::new();
    for following in next.get(&topic).into_iter().flatten() {
        let path = longest_from(*following, next, open, known)?;
        if path.len() > best.len() {
            best = path;
        }
    }
    open.pop();
    best.insert(0, topic);
    known.insert(topic, best.clone());
    Ok(best)
}

fn strangers(links: &[Link]) -> Result<(), Flaw> {
    for link in links {
        for topic in link.emits.iter() {
            if topics::find(*topic).is_none() {
                return Err(Flaw::Unlisted { unit: link.unit, topic: *topic });
            }
        }
    }
    Ok(())
}

fn joined(path: &[TopicName]) -> String {
    path.iter().map(|topic| topic.0).collect::<Vec<_>>().join(" → ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(consumes: &'static str, emits: &[&'static str]) -> Link {
        let emits = emits.iter().map(|name| TopicName(name)).collect();
        Link { unit: UnitName("unit"), consumes: TopicName(consumes), emits }
    }

    #[test]
    fn a_cycle_is_named() {
        let links = [
            link("demux.assessment.score", &["dep.lesson.score"]),
            link("dep.lesson.score", &["demux.assessment.score"]),
        ];
        let flaw = check(&links).unwrap_err();
        let text = "a cycle: demux.assessment.score → dep.lesson.score → demux.assessment.score";
        assert_eq!(flaw.to_string(), text);
        assert!(matches!(check(&[link("dep.unit.view", &["dep.unit.view"])]), Err(Flaw::Cycle(_))));
    }

    #[test]
    fn the_longest_chain_is_found_and_strangers_are_refused() {
        let sound = check(&[
            link("gep.accepted", &["gep.usage"]),
            link("gep.usage", &["demux.question.score"]),
            link("demux.question.score", &[]),
        ]);
        assert_eq!(
            sound.unwrap().longest,
            [TopicName("gep.accepted"), TopicName("gep.usage"), TopicName("demux.question.score")]
        );
        assert!(matches!(check(&[link("gep.accepted", &["gep.usages"])]), Err(Flaw::Unlisted { .. })));
        assert_eq!(dead_ends(&[link("gep.accepted", &["gep.usage", "gep.dead"])]), [TopicName("gep.usage")]);
    }
}
