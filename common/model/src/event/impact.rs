//! The impact signal of `gep.usage`: the event and the list of what it changed (domain.md §4.2).
//!
//! Place: said by GEP, taken apart by demux. Order inside a record: resource level, then item level.

use uuid::Uuid;

use super::discrete::{Cause, Context, Metric, MetricKind};
use super::usage::UsageEvent;
use crate::ids::Text;
use crate::outcome::codes;
use crate::time::{LocalDate, Timestamp};

/// An event and its changes.
#[derive(Debug, Clone, PartialEq)]
pub struct ImpactSignal<'a> {
    /// The whole canonical event.
    pub event: UsageEvent<'a>,
    /// What it changed; may be empty.
    pub changes: Vec<Change<'a>>,
}

/// What demux reads of a signal: whose event it was, and what it changed.
#[derive(Debug, Clone, PartialEq)]
pub struct SignalView<'a> {
    /// Key of the event.
    pub event_key: Uuid,
    /// Its id.
    pub event_id: Text<'a>,
    /// Whose data it is.
    pub tenant_id: Text<'a>,
    /// The learner.
    pub user_id: Text<'a>,
    /// What it changed; may be empty.
    pub changes: Vec<Change<'a>>,
}

impl<'a> From<ImpactSignal<'a>> for SignalView<'a> {
    fn from(signal: ImpactSignal<'a>) -> Self {
        let ImpactSignal { event, changes } = signal;
        let UsageEvent { event_key, event_id, tenant_id, user_id, .. } = event;
        Self { event_key, event_id, tenant_id, user_id, changes }
    }
}

codes! {
    /// The object of a change.
    Entity {
        /// A plain resource.
        Resource = "resource",
        /// A question.
        Question = "question",
        /// Practice.
        Collection = "collection",
        /// Test.
        Assessment = "assessment",
    }
}

/// One changed key.
#[derive(Debug, Clone, PartialEq)]
pub struct Change<'a> {
    /// The object.
    pub entity: Entity,
    /// The metric.
    pub metric: MetricKind,
    /// The session that caused it.
    pub session_id: Text<'a>,
    /// The item; absent for single resources.
    pub item_id: Option<Text<'a>>,
    /// The client's word for the item.
    pub item_type: Option<Text<'a>>,
    /// The resource, at resource level.
    pub resource_id: Option<Text<'a>>,
    /// The client's word for it.
    pub resource_type: Option<Text<'a>>,
    /// Where it belongs.
    pub context: Context<'a>,
    /// Activity time of the change.
    pub activity_time: Timestamp,
    /// Its local date.
    pub local_date: LocalDate,
    /// From 1, no holes.
    pub revision: i32,
    /// Why.
    pub cause: Cause,
    /// The value before; absent at revision 1.
    pub before: Option<Metric<'a>>,
    /// The value now.
    pub after: Metric<'a>,
}
