//! Order on every edge and completeness of every topic: numbers without holes, causes in their order, ends reached.
//!
//! Place: third step of the checker (I4, I6, I8 and I9 of delivery.md §12). Judges lineage and offsets, no value.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::evidence::{At, Evidence, Link, Position};
use super::finding::{Anomaly, Finding};
use super::outputs::named;
use crate::oracle::told::Id;

/// Source topic and partition, destination topic and partition.
type Edge<'e> = (&'e Id, u32, &'e Id, u32);

/// Judges edges, offsets, dead letters and positions.
pub(super) fn check(evidence: &Evidence, findings: &mut Vec<Finding>) {
    positions(evidence, findings);
    kept(evidence, findings);
    edges(evidence, findings);
    offsets(evidence, findings);
    letters(evidence, findings);
}

fn links(evidence: &Evidence) -> impl Iterator<Item = (&At, &Link)> {
    let usage = evidence.usage.iter().map(|u| (&u.at, &u.link));
    let dead = evidence.dead.iter().map(|d| (&d.at, &d.link));
    usage.chain(dead).chain(evidence.observed.iter().map(|o| (&o.at, &o.link)))
}

fn edges(evidence: &Evidence, findings: &mut Vec<Finding>) {
    let mut edges: BTreeMap<Edge<'_>, Vec<(&At, &Link)>> = BTreeMap::new();
    for (at, link) in links(evidence) {
        edges.entry((&link.from.topic, link.from.partition, &at.topic, at.partition)).or_default().push((at, link));
    }
    for list in edges.values_mut() {
        list.sort_by_key(|(at, _)| at.offset);
        edge(list, findings);
    }
}

/// Along the offsets, numbers go up by one from 1, and causes never go back.
fn edge(list: &[(&At, &Link)], findings: &mut Vec<Finding>) {
    let mut last: Option<&Link> = None;
    for (at, link) in list {
        let expected = last.map_or(1, |l| l.seq + 1);
        let behind = last.is_some_and(|l| (l.from.offset, l.index) >= (link.from.offset, link.index));
        let mut found = |anomaly, detail| findings.push(Finding::new(anomaly, named(at), detail));
        if last.is_some_and(|l| l.seq == link.seq) {
            found(Anomaly::Duplicate, format!("number {} twice on its edge", link.seq));
        } else if behind || link.seq < expected {
            found(
                Anomaly::Misordered,
                format!("number {} after {}, cause {}", link.seq, expected - 1, named(&link.from)),
            );
        } else if link.seq > expected {
            found(Anomaly::LostWrite, format!("numbers {expected} to {} are missing on its edge", link.seq - 1));
        }
        last = Some(link);
    }
}

/// Offsets of a topic partition go up by one from 0; where the ends of transactions take offsets, they only go up.
fn offsets(evidence: &Evidence, findings: &mut Vec<Finding>) {
    let mut all: HashMap<(&Id, u32), Vec<i64>> = HashMap::new();
    let inputs = evidence.copies.iter().map(|c| &c.at).chain(evidence.refused.iter().map(|r| &r.at));
    for at in links(evidence).map(|(at, _)| at).chain(inputs) {
        all.entry((&at.topic, at.partition)).or_default().push(at.offset);
    }
    for ((topic, partition), mut offsets) in all {
        offsets.sort_unstable();
        let follow: Vec<i64> = if evidence.holes {
            offsets.iter().map(|offset| offset + 1).collect()
        } else {
            (1..).take(offsets.len()).collect()
        };
        let next = std::iter::once(0).chain(follow);
        let gap = offsets.iter().zip(next).find(|(offset, n)| if evidence.holes { *offset < n } else { *offset != n });
        if let Some((offset, n)) = gap {
            let (anomaly, what) =
                if *offset > n { (Anomaly::LostWrite, "missing") } else { (Anomaly::Duplicate, "twice") };
            findings.push(Finding::new(
                anomaly,
                format!("{topic}/{partition}"),
                format!("offset {} is {what}", n.min(*offset)),
            ));
        }
    }
}

/// Dead letters: only id conflicts are explained, and their bytes are those of the record they refuse.
fn letters(evidence: &Evidence, findings: &mut Vec<Finding>) {
    let values: HashMap<&At, u64> = evidence.copies.iter().map(|c| (&c.at, c.value)).collect();
    for letter in &evidence.dead {
        if letter.reason != "id_conflict" {
            let detail = format!("{} of {} is not expected", letter.reason, named(&letter.of));
            findings.push(Finding::new(Anomaly::WrongReason, named(&letter.at), detail));
        }
        if values.get(&letter.of).is_none_or(|value| *value != letter.value) {
            let detail = format!("not the bytes of {}", named(&letter.of));
            findings.push(Finding::new(Anomaly::WrongBytes, named(&letter.at), detail));
        }
        if letter.of != letter.link.from {
            let detail =
                format!("of {} by its text, of {} by its lineage", named(&letter.of), named(&letter.link.from));
            findings.push(Finding::new(Anomaly::WrongContext, named(&letter.at), detail));
        }
    }
}

/// Every topic that a service reads is read to its end by some group, and by every group that reads it.
fn positions(evidence: &Evidence, findings: &mut Vec<Finding>) {
    for position in &evidence.positions {
        if position.next.offset != position.end {
            let Position { group, next, end } = position;
            let detail = format!("next offset {}, end {end}", next.offset);
            findings.push(Finding::new(
                Anomaly::OpenPosition,
                format!("{group} {}/{}", next.topic, next.partition),
                detail,
            ));
        }
    }
    let mut ends: BTreeMap<(&Id, u32), i64> = BTreeMap::new();
    let copies = evidence.copies.iter().map(|c| &c.at);
    for at in copies.chain(links(evidence).map(|(at, _)| at)) {
        let end = ends.entry((&at.topic, at.partition)).or_default();
        *end = (*end).max(at.offset + 1);
    }
    for ((topic, partition), end) in ends {
        let read = da_model::topics::named(topic).and_then(da_model::topics::find);
        let mut of_topic = evidence.positions.iter().filter(|p| p.next.topic == *topic).peekable();
        // A service may hand its own records on without reading them; then no group stands anywhere in the topic.
        let untouched = of_topic.peek().is_none();
        let is_read = read.is_some_and(|t| t.consumers.iter().any(|c| c != "sink") && !(untouched && t.is_own()));
        if is_read && !of_topic.any(|p| p.next.partition == partition && p.end >= end) {
            findings.push(Finding::new(Anomaly::OpenPosition, format!("{topic}/{partition}"), "no group has read it"));
        }
    }
}

/// The database and the log say the same of a group's place, nothing waits to be published, and nothing is open.
fn kept(evidence: &Evidence, findings: &mut Vec<Finding>) {
    for place in &evidence.open {
        findings.push(Finding::new(Anomaly::OpenTransaction, place, "it has not ended"));
    }
    // A group whose outputs and offsets are one transaction of the log has no position in the database.
    let groups: BTreeSet<&str> = evidence.kept.iter().map(|k| k.group.as_str()).collect();
    let in_log: BTreeMap<_, i64> = evidence
        .positions
        .iter()
        .filter(|p| groups.contains(p.group.as_str()))
        .map(|p| ((p.group.as_str(), &p.next.topic, p.next.partition), p.next.offset))
        .collect();
    let known: BTreeSet<_> = evidence.kept.iter().map(|k| (k.group.as_str(), &k.topic, k.partition)).collect();
    for kept in &evidence.kept {
        let offset = in_log.get(&(kept.group.as_str(), &kept.topic, kept.partition)).copied();
        let place = format!("{} {}/{}", kept.group, kept.topic, kept.partition);
        if kept.outbox > offset {
            let detail = format!("outputs up to {:?} are in the outbox, the group offset is {offset:?}", kept.outbox);
            findings.push(Finding::new(Anomaly::Unpublished, place.as_str(), detail));
        }
        if kept.next != offset {
            let detail = format!("next offset {:?} in the database, {offset:?} in the log", kept.next);
            findings.push(Finding::new(Anomaly::OpenPosition, place, detail));
        }
    }
    for ((group, topic, partition), offset) in in_log {
        if offset > 0 && !known.contains(&(group, topic, partition)) {
            let detail = format!("next offset {offset} in the log, none in the database");
            findings.push(Finding::new(Anomaly::OpenPosition, format!("{group} {topic}/{partition}"), detail));
        }
    }
}
