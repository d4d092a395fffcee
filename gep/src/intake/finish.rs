//! An event as sent → the event as kept: identity, fingerprint, receipt, the clock's shift, the flags of age.
//!
//! Place: behind every adapter, so that no partner format can get these wrong (domain.md §2.1 times, §3 fingerprint).
//! The fingerprint is taken before the receipt touches anything: it must not depend on when a copy arrived.

use da_model::event::lineage::Root;
use da_model::event::usage::EventKind;
use da_model::event::{Event, SystemEvent, UsageEvent};
use da_model::identity;
use da_model::key;
use da_model::outcome::Flag;
use da_model::schema::codec::encode_usage_body;
use da_model::time::{Timestamp, local_date};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::rejected::hex;
use super::{IntakeEmit, SYSTEM};
use crate::adapters::{Draft, SystemDraft, UsageDraft};
use crate::pipeline::ACCEPTED;
use crate::tables::concerns_item;

/// A clock may be this far ahead, ms.
const AHEAD: i64 = 10 * 60 * 1_000;
/// Beyond this age an event is late, ms.
const LATE: i64 = 14 * DAY;
/// Beyond this age its clock is behind, ms.
const BEHIND: i64 = 400 * DAY;
const DAY: i64 = 24 * 60 * 60 * 1_000;

/// A finished event, ready to append.
pub(super) struct Finished<'b> {
    /// The record.
    pub(super) emit: IntakeEmit<'b>,
    /// What was corrected.
    pub(super) flags: Vec<Flag>,
    /// Identity and content, for repeats within a request; absent for system events, which pass again.
    pub(super) seen: Option<(Uuid, [u8; 32])>,
}

/// When an event came in, and what bounds its time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Receipt {
    /// The receipt.
    pub(super) at: Timestamp,
    /// The most one visit counts, ms.
    pub(super) visit_cap_ms: i64,
}

/// Finishes one event.
pub(super) fn finish<'b>(draft: Draft<'b>, receipt: Receipt, scratch: &mut Vec<u8>) -> Finished<'b> {
    match draft {
        Draft::Usage(draft) => usage(*draft, receipt, scratch),
        Draft::System(draft) => system(*draft, receipt.at),
    }
}

fn usage<'b>(draft: UsageDraft<'b>, receipt: Receipt, scratch: &mut Vec<u8>) -> Finished<'b> {
    let received_at = receipt.at;
    let UsageDraft { mut event, mut flags, from_receipt } = draft;
    let name = event.event_name.code();
    event.event_key = identity::event_key(&event.tenant_id, &event.event_id, name, event.kind.code());
    event.local_date = local_date(event.end_time, &event.timezone);
    let fingerprint = fingerprint(&event, scratch);
    receive(&mut event, received_at, from_receipt, &mut flags);
    if counted_time(&event).is_some_and(|ms| ms > receipt.visit_cap_ms) {
        flags.push(Flag::Capped);
    }
    flags.sort_unstable();
    flags.dedup();
    event.flags.clone_from(&flags);
    event.fingerprint = hex(&fingerprint).into();
    let seen = Some((event.event_key, fingerprint));
    let root = Some(Root { event_key: event.event_key, at: received_at });
    let key = key::learner_key(&event.tenant_id, &event.user_id);
    let emit = IntakeEmit { topic: ACCEPTED, key, event: Event::Usage(Box::new(event)), root };
    Finished { emit, flags, seen }
}

/// The time an event adds: of a visit's stop, or as an external item reports it; a stop without a start has none yet.
fn counted_time(event: &UsageEvent<'_>) -> Option<i64> {
    let visit = event.kind == EventKind::Stop && !concerns_item(event);
    let wall = event.start_time.filter(|_| visit).map(|start| event.end_time.since(start));
    event.external_time_ms.or(wall)
}

/// SHA-256 over the Avro bytes of the event as sent.
fn fingerprint(event: &UsageEvent<'_>, scratch: &mut Vec<u8>) -> [u8; 32] {
    scratch.clear();
    encode_usage_body(event, scratch);
    Sha256::digest(&scratch).into()
}

fn receive(event: &mut UsageEvent<'_>, received_at: Timestamp, from_receipt: bool, flags: &mut Vec<Flag>) {
    event.received_at = received_at;
    let sent = event.end_time;
    if from_receipt {
        event.start_time = Some(received_at);
        event.end_time = received_at;
    }
    let skew = shift(&mut event.end_time, received_at, flags);
    if skew > 0 {
        event.start_time = event.start_time.map(|start| start.plus(-skew));
        event.clock_skew = Some(skew);
    }
    if event.end_time != sent {
        event.local_date = local_date(event.end_time, &event.timezone);
    }
}

/// Moves a time that is too far ahead back to the receipt, and flags what is old; returns how far it moved.
fn shift(end: &mut Timestamp, received_at: Timestamp, flags: &mut Vec<Flag>) -> i64 {
    let ahead = end.since(received_at);
    if ahead > AHEAD {
        *end = received_at;
        flags.push(Flag::ClockAhead);
        return ahead;
    }
    if ahead < -BEHIND {
        flags.push(Flag::ClockBehind);
    }
    if ahead < -LATE {
        flags.push(Flag::Late);
    }
    0
}

fn system(draft: SystemDraft<'_>, received_at: Timestamp) -> Finished<'_> {
    let SystemDraft { mut body, event_id, event_name, mut flags } = draft;
    shift(&mut body.at, received_at, &mut flags);
    flags.sort_unstable();
    let event_key = identity::event_key(&body.tenant_id, &event_id, &event_name, "none");
    let key = key::joined(&[&body.tenant_id, &body.entity_id]);
    let event = Event::System(Box::new(SystemEvent { event_key, received_at, body }));
    let root = Some(Root { event_key, at: received_at });
    Finished { emit: IntakeEmit { topic: SYSTEM, key, event, root }, flags, seen: None }
}
