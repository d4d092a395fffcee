//! What an adapter makes: events built from the values sent alone.
//!
//! Place: between adapters and `intake/finish.rs`, which adds identity, receipt, fingerprint and the clock's shift.

use da_model::event::UsageEvent;
use da_model::event::system::EntityBody;
use da_model::event::usage::{EventKind, ObjectKind, ObjectRef, Track, UsageName};
use da_model::ids::Text;
use da_model::outcome::Flag;
use da_model::time::{LocalDate, Timestamp};
use uuid::Uuid;

/// The events of one element.
#[derive(Debug)]
pub struct Adapted<'b> {
    /// The id to name in the answer.
    pub sent_id: Option<String>,
    /// One event, or several (a flat override); none where the element is refused.
    pub drafts: Vec<Draft<'b>>,
}

/// One event as sent.
#[derive(Debug)]
pub enum Draft<'b> {
    /// Usage.
    Usage(Box<UsageDraft<'b>>),
    /// What happened to content, a class or a user.
    System(Box<SystemDraft<'b>>),
}

/// A usage event as sent: times before any shift, receivedAt 0, no flags, no fingerprint.
#[derive(Debug)]
pub struct UsageDraft<'b> {
    /// The event.
    pub event: UsageEvent<'b>,
    /// Corrections so far.
    pub flags: Vec<Flag>,
    /// Whether its times are to be taken from the receipt; they stand at 0 until then.
    pub from_receipt: bool,
}

/// A system event as sent.
#[derive(Debug)]
pub struct SystemDraft<'b> {
    /// What it says.
    pub body: EntityBody<'b>,
    /// The partner's id.
    pub event_id: Text<'b>,
    /// The name as sent; part of the event key.
    pub event_name: Text<'b>,
    /// Corrections so far.
    pub flags: Vec<Flag>,
}

/// An event without content.
#[must_use]
pub(super) fn blank<'b>(event_name: UsageName, kind: EventKind) -> UsageEvent<'b> {
    UsageEvent {
        event_key: Uuid::nil(),
        tenant_id: Text::Borrowed(""),
        partner_id: Text::Borrowed(""),
        event_id: Text::Borrowed(""),
        event_name,
        kind,
        user_id: Text::Borrowed(""),
        session_id: Text::Borrowed(""),
        start_time: None,
        end_time: Timestamp(0),
        received_at: Timestamp(0),
        clock_skew: None,
        timezone: Text::Borrowed("UTC"),
        local_date: LocalDate(0),
        object: ObjectRef { kind: ObjectKind::Unknown, id: Text::Borrowed(""), object_type: None, sub_type: None },
        parent: None,
        class_id: None,
        course_id: None,
        unit_id: None,
        lesson_id: None,
        track: Track::Main,
        path_id: 0,
        path_type: None,
        content_source: None,
        context_collection_id: None,
        context_collection_type: None,
        additional_context: None,
        dca_content_id: None,
        question_count: None,
        app_id: None,
        client_source: None,
        answer: None,
        score: None,
        withdrawn: false,
        external_time_ms: None,
        reaction: None,
        codes: Vec::new(),
        is_student: true,
        flags: Vec::new(),
        extensions: Vec::new(),
        fingerprint: Text::Borrowed(""),
    }
}
