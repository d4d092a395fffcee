//! System events: what happened to content, classes and users (domain.md §7.1).
//!
//! Place: mapped by the adapters into `gep.system`; demux will turn them into `demux.<entity>`. Details pass by an
//! allow-list: no e-mail, name, token or address.

use uuid::Uuid;

use crate::ids::Text;
use crate::time::Timestamp;

/// A record of `gep.system` (key tenant + entity id).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemEvent<'a> {
    /// Identity: UUIDv5 over tenantId, eventId, eventName, type none.
    pub event_key: Uuid,
    /// Receipt at the edge.
    pub received_at: Timestamp,
    /// What it says.
    pub body: EntityBody<'a>,
}

/// A record of `demux.<entity>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityEvent<'a> {
    /// UUIDv5 over name, tenantId, entityId, eventKey.
    pub de_id: Uuid,
    /// What it says.
    pub body: EntityBody<'a>,
}

/// The fields both share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityBody<'a> {
    /// Whose data it is.
    pub tenant_id: Text<'a>,
    /// content, class or user.
    pub entity: Text<'a>,
    /// Its id.
    pub entity_id: Text<'a>,
    /// created, updated, …
    pub action: Text<'a>,
    /// When.
    pub at: Timestamp,
    /// Who did it.
    pub actor_id: Option<Text<'a>>,
    /// The learner concerned.
    pub learner_id: Option<Text<'a>>,
    /// The content around it.
    pub parent_id: Option<Text<'a>>,
    /// Course.
    pub course_id: Option<Text<'a>>,
    /// Unit.
    pub unit_id: Option<Text<'a>>,
    /// Lesson.
    pub lesson_id: Option<Text<'a>>,
    /// Class.
    pub class_id: Option<Text<'a>>,
    /// contentFormat.
    pub format: Option<Text<'a>>,
    /// Allow-listed details; nested values as JSON text.
    pub data: Vec<(Text<'a>, Text<'a>)>,
}
