//! Did everything that was accepted have exactly its effects? Judged from a ledger and a data file.
//!
//! Place: behind `da audit` and the drills. [`check`] is pure: evidence in, findings out, so that a test can spoil good
//! evidence in a thousand ways. `gather` fills the evidence.

pub mod evidence;
pub mod finding;
pub mod gather;
mod input;
mod mask;
mod observed;
mod order;
mod outputs;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use crate::oracle::event_key;
use crate::oracle::read::Heard;
use evidence::Evidence;
use finding::Finding;

/// Everything that is wrong; empty for a good run.
#[must_use]
pub fn check(evidence: &Evidence) -> Vec<Finding> {
    let mut findings = Vec::new();
    // What was not read to its end comes first: it explains most of the rest.
    order::check(evidence, &mut findings);
    let inputs = input::check(evidence, &mut findings);
    findings.extend(outputs::check(evidence, &inputs));
    findings
}

/// Distinct events of the ledger whose final verdict is accepted or duplicate.
#[must_use]
pub fn accepted(evidence: &Evidence) -> usize {
    let counted = evidence.sent.iter().filter(|s| matches!(s.verdict, Some('a' | 'd')));
    let keys: HashSet<String> = counted
        .flat_map(|sent| match &sent.heard {
            Heard::Usage(list) => list.iter().map(|told| event_key(&evidence.tenant, told)).collect(),
            Heard::System | Heard::Refused(_) => Vec::new(),
        })
        .collect();
    keys.len()
}
