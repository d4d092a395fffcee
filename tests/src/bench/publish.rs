//! What one small transaction of a member takes: flush, offsets and commit of 50 records (delivery.md §6).
//!
//! Place: the reason for the native calls of `io/kafka/ffi.rs`; the safe ones take 100 ms. Runs where `KAFKA_BOOTSTRAP`
//! names brokers.

use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use da_runtime::probe::Silent;

use crate::cluster::broker::Broker;
use crate::cluster::{Cluster, Slot, at, committed, outbox};
use crate::process::now;

/// Records of one transaction.
pub const RECORDS: u32 = 50;

/// How long each of `count` transactions took, ms, sorted; `None` where no broker is at hand.
///
/// # Errors
/// What the member says.
///
/// # Panics
/// When no topic can be created.
pub fn measure(count: i64) -> anyhow::Result<Option<Vec<f64>>> {
    let Some(broker) = Broker::at_hand("publish") else { return Ok(None) };
    let fault = |e: da_model::fault::Fault| anyhow!("{e}");
    let (from, to) = (broker.topic(1), broker.topic(12));
    let mut member = broker.member(Slot::new(), &[from], Arc::new(Silent)).map_err(fault)?;
    while member.poll(1, Duration::from_millis(25)).map_err(fault)?.assigned.is_empty() {}
    let text = "x".repeat(160);
    let records: Vec<_> = (0..RECORDS).map(|n| (at(to, n % 12), text.as_str())).collect();
    let out = outbox(&records);
    let mut took = Vec::new();
    for n in 0..count {
        let began = now();
        member.publish(&[&out], &[(at(from, 0), committed(n, "e1 "))]).map_err(fault)?;
        took.push(began.elapsed().as_secs_f64() * 1e3);
    }
    member.close();
    took.sort_unstable_by(f64::total_cmp);
    Ok(Some(took))
}
