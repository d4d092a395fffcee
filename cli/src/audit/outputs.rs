//! Folds every learner again and compares, event by event, with the records of all topics.
//!
//! Place: second step of the checker (I1, I3 and the tables of I5). One learner at a time, so that a million events
//! fit. The order of members' events, which decides how a class went, is read off their topic.

use std::collections::{HashMap, HashSet};

use super::evidence::{At, Copy, Digests, Evidence, Observed, Stored, Usage, shown};
use super::finding::{Anomaly, Finding};
use super::input::{Inputs, Known};
use crate::oracle::class::Classes;
use crate::oracle::de::De;
use crate::oracle::learner::Became;
use crate::oracle::tables::Tables;
use crate::oracle::told::{Id, Told};
use crate::oracle::{Accepted, Story};

/// What the comparison holds while it goes through the learners.
pub(super) struct Outputs<'e> {
    evidence: &'e Evidence,
    by_id: HashMap<(&'e str, &'e str), Vec<usize>>,
    matched: Vec<bool>,
    usage: HashMap<&'e At, Vec<&'e Usage>>,
    conflicts: HashMap<&'e At, usize>,
    usage_seen: usize,
    unseen_rows: HashSet<(&'static str, &'e str)>,
    members: HashMap<Id, De>,
    findings: Vec<Finding>,
}

/// A copy with what it says.
type Turn<'e> = (&'e Id, Accepted, Option<&'e Told>, &'e Copy);

/// Compares everything derived with the evidence.
pub(super) fn check(evidence: &Evidence, inputs: &Inputs<'_>) -> Vec<Finding> {
    let mut outputs = Outputs::new(evidence);
    let mut learners: HashMap<&str, Vec<Turn<'_>>> = HashMap::new();
    for (key, known) in inputs {
        for (n, copy) in known.copies.iter().enumerate() {
            let accepted = Accepted { partition: copy.at.partition, offset: copy.at.offset, received: copy.received };
            let told = told_of(known, n);
            let user = told.or_else(|| known.sent.first().map(|(_, t)| *t)).map_or("", |t| &*t.user);
            learners.entry(user).or_default().push((key, accepted, told, copy));
        }
    }
    let mut users: Vec<_> = learners.into_iter().collect();
    users.sort_by_key(|(user, _)| *user);
    for (_, mut turns) in users {
        turns.sort_by_key(|(_, accepted, ..)| (accepted.partition, accepted.offset));
        outputs.learner(turns);
    }
    outputs.classes();
    outputs.leftovers();
    outputs.findings
}

/// The content of the n-th copy: the first is the ledger's first, the last its last; between them it is certain only
/// where all contents are equal. What was answered `duplicate` left no copy.
fn told_of<'e>(known: &Known<'e>, n: usize) -> Option<&'e Told> {
    let stored = known.sent.iter().filter(|(sent, _)| sent.verdict != Some('d'));
    let stored: Vec<&'e Told> = stored.map(|(_, told)| *told).collect();
    let (first, last) = (*stored.first()?, *stored.last()?);
    match n {
        0 => Some(first),
        _ if stored.iter().all(|told| *told == first) => Some(first),
        n if stored.len() == known.copies.len() => stored.get(n).copied(),
        n if n + 1 == known.copies.len() => Some(last),
        _ => None,
    }
}

impl<'e> Outputs<'e> {
    fn new(evidence: &'e Evidence) -> Self {
        let mut by_id: HashMap<(&str, &str), Vec<usize>> = HashMap::new();
        for (n, record) in evidence.observed.iter().enumerate() {
            by_id.entry((&record.at.topic, &record.de_id)).or_default().push(n);
        }
        let mut usage: HashMap<&At, Vec<&Usage>> = HashMap::new();
        for record in &evidence.usage {
            usage.entry(&record.link.from).or_default().push(record);
        }
        let mut conflicts: HashMap<&At, usize> = HashMap::new();
        for letter in evidence.dead.iter().filter(|d| d.reason == "id_conflict") {
            *conflicts.entry(&letter.of).or_default() += 1;
        }
        Self {
            evidence,
            by_id,
            matched: vec![false; evidence.observed.len()],
            usage,
            conflicts,
            usage_seen: 0,
            unseen_rows: evidence.tables.iter().filter(|(_, row)| !row.void).map(|((t, k), _)| (*t, &**k)).collect(),
            members: HashMap::new(),
            findings: Vec::new(),
        }
    }

    fn found(&mut self, anomaly: Anomaly, place: String, detail: String) {
        self.findings.push(Finding::new(anomaly, place, detail));
    }

    fn learner(&mut self, turns: Vec<Turn<'_>>) {
        let (mut story, mut tables) = (Story::default(), Tables::default());
        for (key, accepted, told, copy) in turns {
            let Some(told) = told else {
                self.uncertain(key, &copy.at);
                continue;
            };
            let (became, expected) = story.apply(told.clone(), key.clone(), accepted);
            let changes = expected.iter().filter(|de| de.topic.starts_with("demux.")).count();
            let signal = self.signal(became, (key, copy), changes);
            expected.iter().for_each(|de| tables.apply(de));
            self.event(expected, signal, &copy.at);
        }
        self.rows(&tables);
    }

    /// A later copy that may be a repeat or a conflict: it leads to no signal, and to a dead letter at most.
    fn uncertain(&mut self, key: &Id, at: &At) {
        let records = self.usage.get(at).map_or(0, Vec::len);
        self.usage_seen += records;
        if records > 0 {
            self.found(Anomaly::Duplicate, named(at), format!("a later copy of event {key} went out"));
        }
    }

    /// The record of `gep.usage`, or the dead letter, that a copy must have led to; whether a signal is there.
    fn signal(&mut self, became: Became, (key, copy): (&Id, &Copy), changes: usize) -> bool {
        let at = &copy.at;
        let records = self.usage.get(at).cloned().unwrap_or_default();
        let letters = self.conflicts.get(at).copied().unwrap_or(0);
        let wanted = usize::from(became == Became::Applied);
        let conflicts = usize::from(became == Became::Conflict);
        self.usage_seen += records.len();
        if records.len() < wanted {
            self.found(Anomaly::LostWrite, named(at), format!("event {key} has no record in gep.usage"));
        }
        if records.len() > wanted {
            self.found(Anomaly::Duplicate, named(at), format!("event {key} went out {} times", records.len()));
        }
        if letters < conflicts {
            self.found(Anomaly::LostWrite, named(at), format!("no dead letter id_conflict for event {key}"));
        }
        if letters > conflicts {
            self.found(Anomaly::Duplicate, named(at), format!("{letters} dead letters id_conflict for event {key}"));
        }
        if let Some(record) = records.first().filter(|_| became == Became::Applied) {
            self.signal_says((record, copy), key, changes);
        }
        records.len() >= wanted
    }

    fn signal_says(&mut self, (record, copy): (&Usage, &Copy), key: &Id, changes: usize) {
        let place = named(&record.at);
        if record.event_key != *key || record.link.root != *key {
            self.found(Anomaly::WrongContext, place.clone(), format!("event {}, expected {key}", record.event_key));
        }
        if record.changes != changes {
            self.found(Anomaly::WrongValue, place.clone(), format!("{} changes, expected {changes}", record.changes));
        }
        if copy.key != record.key {
            self.found(Anomaly::WrongKey, place.clone(), format!("key {:?}, expected that of its input", record.key));
        }
        if record.at.partition != copy.at.partition {
            self.found(Anomaly::WrongPartition, place, format!("expected {}", copy.at.partition));
        }
    }

    /// Everything one event must have led to: a single missing record is lost, several of many are a torn outcome.
    fn event(&mut self, expected: Vec<De>, signal: bool, at: &At) {
        let all = expected.len();
        let mut missing = Vec::new();
        for de in expected {
            if !self.compare(&de, Some(at.partition)) {
                missing.push(shown(&de));
            }
            if de.topic.starts_with("dep.member.") {
                self.members.insert(de.id(&self.evidence.tenant).into(), de);
            }
        }
        let torn = missing.len() > 1 && (missing.len() < all || signal);
        let anomaly = if torn { Anomaly::Torn } else { Anomaly::LostWrite };
        for text in missing {
            self.found(anomaly, named(at), format!("missing {text}"));
        }
    }

    /// Whether an expected event is there; if so it is compared.
    fn compare(&mut self, de: &De, inherited: Option<u32>) -> bool {
        let id = de.id(&self.evidence.tenant);
        let found = self.by_id.get(&(de.topic, id.as_str())).cloned().unwrap_or_default();
        let Some(record) = found.first().and_then(|n| self.evidence.observed.get(*n)) else { return false };
        for n in &found {
            if let Some(matched) = self.matched.get_mut(*n) {
                *matched = true;
            }
        }
        let place = named(&record.at);
        if found.len() > 1 {
            self.found(Anomaly::Duplicate, place.clone(), format!("deId {id} is there {} times", found.len()));
        }
        let key = de.record_key(&self.evidence.tenant);
        if *record.key != *key {
            self.found(Anomaly::WrongKey, place.clone(), format!("key {:?}, expected {key:?}", record.key));
        }
        let by_key = || da_model::key::partition_of(key.as_bytes(), self.evidence.partitions).0;
        let partition = inherited.filter(|_| de.is_of_learner()).unwrap_or_else(by_key);
        if record.at.partition != partition {
            self.found(Anomaly::WrongPartition, place.clone(), format!("expected {partition}"));
        }
        self.says(de, record, place);
        true
    }

    fn says(&mut self, de: &De, record: &Observed, place: String) {
        let expected = Digests::of(de);
        let texts = || {
            let told = record.text.as_deref().unwrap_or("(texts are not kept in large runs)");
            format!("expected {}\n    found {told}", shown(de))
        };
        if expected.value != record.digests.value {
            self.found(Anomaly::WrongValue, place.clone(), texts());
        }
        if expected.identity != record.digests.identity || record.link.root != de.origin.event_key {
            self.found(Anomaly::WrongContext, place, texts());
        }
    }

    /// Classes in the order in which their members' events lie in the topic.
    fn classes(&mut self) {
        let mut members = std::mem::take(&mut self.members);
        let mut records: Vec<&Observed> =
            self.evidence.observed.iter().filter(|r| r.at.topic.starts_with("dep.member.")).collect();
        records.sort_by(|a, b| a.at.cmp(&b.at));
        let mut ordered: Vec<De> = records.iter().filter_map(|r| members.remove(&r.de_id)).collect();
        // What is missing from the topic was reported; the class is still judged as if it were there.
        let mut rest: Vec<De> = members.into_values().collect();
        rest.sort_by_key(|de| (de.origin.partition, de.origin.offset));
        ordered.extend(rest);
        let (mut classes, mut tables) = (Classes::default(), Tables::default());
        for de in ordered.iter().filter_map(|de| classes.apply(de)) {
            tables.apply(&de);
            if !self.compare(&de, None) {
                self.found(Anomaly::LostWrite, de.topic.to_owned(), format!("missing {}", shown(&de)));
            }
        }
        self.rows(&tables);
    }

    fn rows(&mut self, tables: &Tables) {
        for ((table, key), row) in &tables.rows {
            let joined: Vec<&str> = key.iter().map(|k| &**k).collect();
            self.row((table, da_model::key::joined(&joined).into()), &Stored::of(table, row, true));
        }
    }

    fn row(&mut self, key: (&'static str, Box<str>), expected: &Stored) {
        let evidence = self.evidence;
        let place = format!("{} {}", key.0, key.1.replace('\u{1f}', " "));
        let Some((stored, found)) = evidence.tables.get_key_value(&key) else {
            if !expected.void {
                self.found(Anomaly::WrongAggregate, place, format!("no row, expected {:?}", expected.row));
            }
            return;
        };
        self.unseen_rows.remove(&(stored.0, &*stored.1));
        if found.digest != expected.digest {
            let detail = format!("expected {:?}\n    found {:?}", expected.row, found.row);
            self.found(Anomaly::WrongAggregate, place, detail);
        }
    }

    /// What nothing explains.
    fn leftovers(&mut self) {
        let evidence = self.evidence;
        for (record, matched) in evidence.observed.iter().zip(std::mem::take(&mut self.matched)) {
            if !matched {
                let text = record.text.as_deref().unwrap_or_default();
                self.found(
                    Anomaly::Phantom,
                    named(&record.at),
                    format!("deId {} is not expected {text}", record.de_id),
                );
            }
        }
        if self.usage_seen < evidence.usage.len() {
            let more = evidence.usage.len() - self.usage_seen;
            self.found(Anomaly::Phantom, "gep.usage".to_owned(), format!("{more} records of no accepted event"));
        }
        for (table, key) in std::mem::take(&mut self.unseen_rows) {
            let place = format!("{table} {}", key.replace('\u{1f}', " "));
            self.found(Anomaly::WrongAggregate, place, "a row that nothing explains".to_owned());
        }
    }
}

/// Where a record lies, for people.
pub(super) fn named(at: &At) -> String {
    format!("{}/{}@{}", at.topic, at.partition, at.offset)
}
