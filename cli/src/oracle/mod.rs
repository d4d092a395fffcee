//! The oracle: recomputes everything from what was sent and from the order in which it was accepted.
//!
//! Place: used by `da audit` and by tests. It is a second reading of domain.md and shares no code with the handlers of
//! gep, demux and dep; of da-model it uses ids and time zones only. Slow and naive on purpose.

pub mod class;
pub mod de;
mod flat;
mod form;
pub mod learner;
pub mod number;
pub mod read;
pub mod rollup;
pub mod session;
pub mod tables;
#[cfg(test)]
mod tests;
pub mod told;

use de::De;
use learner::{Became, Learner};
use rollup::Rollups;
use session::Event;
use told::{Id, Told};

const FAR_AHEAD: i64 = 600_000;

/// The copy of an event that counts, as `gep.accepted` holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// Partition.
    pub partition: u32,
    /// Offset.
    pub offset: i64,
    /// Receipt.
    pub received: i64,
}

/// One learner with his roll-ups up to the class's door.
#[derive(Debug, Default)]
pub struct Story {
    learner: Learner,
    rollups: Rollups,
}

impl Story {
    /// Applies one accepted copy; events come in offset order.
    pub fn apply(&mut self, told: Told, key: Id, accepted: Accepted) -> (Became, Vec<De>) {
        let (became, changes) = self.learner.apply(resolved(told, key, accepted));
        let mut all = Vec::with_capacity(changes.len() * 4);
        for de in changes {
            let above = self.rollups.apply(&de);
            all.push(de);
            all.extend(above);
        }
        (became, all)
    }
}

/// eventKey (domain.md §5.2).
#[must_use]
pub fn event_key(tenant: &str, told: &Told) -> String {
    da_model::identity::event_key(tenant, &told.event_id, told.name.text(), told.step.text()).to_string()
}

/// The event with its times as the receipt makes them (domain.md §2.1).
#[must_use]
pub fn resolved(told: Told, key: Id, accepted: Accepted) -> Event {
    let received = accepted.received;
    let (mut start, mut end) = (told.start, told.end.unwrap_or(received));
    if let Some(start) = start {
        end = end.max(start);
    }
    let skew = if end > received + FAR_AHEAD { end - received } else { 0 };
    end -= skew;
    start = start.map(|s| s - skew);
    let date = da_model::time::local_date(da_model::time::Timestamp(end), &told.zone).0;
    let order = (end.min(received), received, end + skew, accepted.offset);
    Event { told, key, at: (accepted.partition, accepted.offset), start, end, date, order }
}
