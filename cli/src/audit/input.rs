//! Brings the ledger together with `gep.accepted` and `gep.rejected`: who was answered what, and what is stored.
//!
//! Place: first step of the checker (I1 and I2 of delivery.md §12, first half). Knows no discrete event.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use da_model::key;

use super::evidence::{Copy, Evidence, Refused, Sent};
use super::finding::{Anomaly, Finding};
use super::mask;
use crate::oracle::event_key;
use crate::oracle::read::Heard;
use crate::oracle::told::{Id, Told};

/// One event of the ledger: where it stands, and which of its element's events it is.
pub(super) type Place<'e> = (&'e Sent, &'e Told);

/// All copies of one event key, and what the ledger says under it.
#[derive(Debug, Default)]
pub(super) struct Known<'e> {
    /// In the order of the ledger; without those refused.
    pub(super) sent: Vec<Place<'e>>,
    /// In the order of offsets.
    pub(super) copies: Vec<&'e Copy>,
}

/// By event key.
pub(super) type Inputs<'e> = HashMap<Id, Known<'e>>;

/// Where an element stands in the ledger.
fn place(sent: &Sent) -> String {
    format!("ledger connection {} request {} index {}", sent.request.connection, sent.request.number, sent.index)
}

/// Groups by event key and judges verdicts, copies and refusals.
pub(super) fn check<'e>(evidence: &'e Evidence, findings: &mut Vec<Finding>) -> Inputs<'e> {
    let mut inputs: Inputs<'e> = HashMap::new();
    for sent in &evidence.sent {
        verdict(sent, findings);
        let (Heard::Usage(list), false) = (&sent.heard, sent.verdict == Some('r')) else { continue };
        for told in list {
            let key: Id = event_key(&evidence.tenant, told).into();
            inputs.entry(key).or_default().sent.push((sent, told));
        }
    }
    for copy in &evidence.copies {
        match inputs.get_mut(&copy.event_key) {
            Some(known) => known.copies.push(copy),
            None => findings.push(Finding::new(
                Anomaly::Phantom,
                shown(copy),
                format!("event {} was not sent, or was refused", copy.event_key),
            )),
        }
    }
    for known in inputs.values_mut() {
        known.copies.sort_by(|a, b| a.at.cmp(&b.at));
        copies(known, evidence, findings);
    }
    refusals(evidence, findings);
    inputs
}

fn shown(copy: &Copy) -> String {
    format!("{}/{}@{}", copy.at.topic, copy.at.partition, copy.at.offset)
}

fn verdict(sent: &Sent, findings: &mut Vec<Finding>) {
    let mut wrong = |anomaly, detail: String| findings.push(Finding::new(anomaly, place(sent), detail));
    match (&sent.heard, sent.verdict) {
        (_, None) | (Heard::Usage(_) | Heard::System, Some('a' | 'd')) => {}
        (Heard::Refused(codes), Some('r')) => {
            let answered: BTreeSet<&str> = sent.codes.iter().map(String::as_str).collect();
            if answered != *codes {
                wrong(Anomaly::WrongReason, format!("answered {answered:?}, expected {codes:?}"));
            }
        }
        (Heard::Refused(codes), Some(letter)) => {
            wrong(Anomaly::WrongVerdict, format!("answered {letter}, expected a refusal with {codes:?}"));
        }
        (Heard::Usage(_) | Heard::System, Some(letter)) => {
            wrong(Anomaly::WrongVerdict, format!("answered {letter} {:?}, expected acceptance", sent.codes));
        }
    }
}

/// Copies of one event: at least one per `accepted`; `duplicate` only beside an equal one in the same request.
fn copies(known: &Known<'_>, evidence: &Evidence, findings: &mut Vec<Finding>) {
    let mut stored = 0;
    for (n, (sent, told)) in known.sent.iter().enumerate() {
        let earlier = known.sent.iter().take(n).any(|(other, t)| other.request == sent.request && t == told);
        let alone = matches!(&sent.heard, Heard::Usage(list) if list.len() == 1);
        match sent.verdict {
            Some('a') if earlier && alone => {
                findings.push(Finding::new(
                    Anomaly::WrongVerdict,
                    place(sent),
                    "answered accepted, expected duplicate",
                ));
            }
            Some('d') if !earlier => {
                findings.push(Finding::new(
                    Anomaly::WrongVerdict,
                    place(sent),
                    "answered duplicate without an equal one",
                ));
            }
            Some('a') => stored += usize::from(!earlier),
            Some(_) | None => {}
        }
    }
    if known.copies.len() < stored {
        let at = known.sent.first().map_or_else(String::new, |(sent, _)| place(sent));
        let detail = format!("{} of {stored} accepted copies are in gep.accepted", known.copies.len());
        findings.push(Finding::new(Anomaly::LostWrite, at, detail));
    }
    for copy in &known.copies {
        lies_right(copy, known, evidence, findings);
    }
}

/// Key and partition of a copy.
fn lies_right(copy: &Copy, known: &Known<'_>, evidence: &Evidence, findings: &mut Vec<Finding>) {
    let keys = known.sent.iter().map(|(_, told)| key::learner_key(&evidence.tenant, &told.user));
    let keys: BTreeSet<String> = keys.collect();
    if !keys.contains(&*copy.key) {
        findings.push(Finding::new(Anomaly::WrongKey, shown(copy), format!("key {:?}, expected {keys:?}", copy.key)));
    }
    let right = keys.iter().any(|k| key::partition_of(k.as_bytes(), evidence.partitions).0 == copy.at.partition);
    if !right {
        findings.push(Finding::new(Anomaly::WrongPartition, shown(copy), "not the partition of its key"));
    }
}

/// Every refused element is kept once or more, with its codes, its masked bytes and their hash.
fn refusals(evidence: &Evidence, findings: &mut Vec<Finding>) {
    let mut kept: BTreeMap<&str, Vec<&Refused>> = BTreeMap::new();
    for refused in &evidence.refused {
        kept.entry(&refused.sha256).or_default().push(refused);
    }
    let mut expected: BTreeMap<String, usize> = BTreeMap::new();
    for sent in evidence.sent.iter().filter(|s| s.verdict != Some('a') && s.verdict != Some('d')) {
        let Some(raw) = &sent.raw else { continue };
        let hash = mask::sha256(raw.as_bytes());
        let records = kept.get(hash.as_str()).map_or(&[][..], Vec::as_slice);
        let so_far = expected.entry(hash).or_default();
        *so_far += usize::from(sent.verdict == Some('r'));
        if records.len() < *so_far {
            let detail = format!("{} of {so_far} times in gep.rejected", records.len());
            findings.push(Finding::new(Anomaly::LostWrite, place(sent), detail));
        }
        records.iter().for_each(|r| refusal(sent, raw, r, (evidence, findings)));
    }
    for refused in evidence.refused.iter().filter(|r| !expected.contains_key(&r.sha256)) {
        let at = format!("gep.rejected/{}@{}", refused.at.partition, refused.at.offset);
        findings.push(Finding::new(Anomaly::Phantom, at, "bytes that were not sent, or not refused"));
    }
}

fn refusal(sent: &Sent, raw: &str, refused: &Refused, (evidence, findings): (&Evidence, &mut Vec<Finding>)) {
    let at = format!("gep.rejected/{}@{}", refused.at.partition, refused.at.offset);
    let mut wrong = |anomaly, detail: String| findings.push(Finding::new(anomaly, at.clone(), detail));
    if let Heard::Refused(codes) = &sent.heard {
        let said: BTreeSet<&str> = refused.codes.iter().map(String::as_str).collect();
        if said != *codes {
            wrong(Anomaly::WrongReason, format!("{said:?}, expected {codes:?}"));
        }
    }
    if *refused.original != *mask::kept(raw.as_bytes()) || refused.length != raw.len() as i64 {
        wrong(
            Anomaly::WrongBytes,
            format!("{} bytes kept of {}, of {} sent", refused.original.len(), refused.length, raw.len()),
        );
    }
    let key = key::joined(&[&evidence.tenant, &evidence.partner]);
    if *refused.key != *key {
        wrong(Anomaly::WrongKey, format!("key {:?}, expected {key:?}", refused.key));
    }
    if key::partition_of(key.as_bytes(), evidence.partitions).0 != refused.at.partition {
        wrong(Anomaly::WrongPartition, "not the partition of its key".to_owned());
    }
}
