//! Everything that can be said on a topic, one variant per record schema.
//!
//! Place: handlers build these; the Driver adds the lineage and the codec writes them (`schema/codec`). Texts borrow
//! the fetch buffer where they can.

pub mod content;
pub mod dead_letter;
pub mod discrete;
pub mod impact;
pub mod item_word;
pub mod lineage;
pub mod rejected;
pub mod system;
pub mod usage;

pub use content::ContentState;
pub use dead_letter::DeadLetter;
pub use discrete::{Cause, Context, DiscreteEvent, Metric, MetricKind};
pub use impact::{Change, Entity, ImpactSignal, SignalView};
pub use lineage::{Lineage, Source};
pub use rejected::{RejectedEvent, RejectionSource};
pub use system::{EntityEvent, SystemEvent};
pub use usage::{EventKind, ObjectKind, UsageEvent};

/// One record's value without its lineage.
#[derive(Debug, Clone, PartialEq)]
pub enum Event<'a> {
    /// `gep.accepted`.
    Usage(Box<UsageEvent<'a>>),
    /// `gep.usage`.
    Impact(Box<ImpactSignal<'a>>),
    /// `demux.<object>.<metric>`, `dep.<object>.<metric>`.
    Discrete(Box<DiscreteEvent<'a>>),
    /// `gep.system`.
    System(Box<SystemEvent<'a>>),
    /// `demux.<entity>`.
    Entity(Box<EntityEvent<'a>>),
    /// `gep.content`.
    Content(Box<ContentState<'a>>),
    /// `gep.rejected`.
    Rejected(Box<RejectedEvent<'a>>),
    /// `<service>.dead`.
    Dead(Box<DeadLetter<'a>>),
}
