//! The rare records as JSON for people: system events, content, refused events and dead letters.
//!
//! Place: under `json`, which holds the records of every event.

use serde_json::{Value, json};

use super::json::{Fields, map, object, time};
use crate::event::rejected::RejectionSource;
use crate::event::system::EntityBody;
use crate::event::{ContentState, DeadLetter, Event, RejectedEvent};
use crate::fault::Rejection;

/// The fields of a rare record; none for the others.
pub(super) fn rare(event: &Event<'_>) -> Fields {
    match event {
        Event::System(system) => {
            let mut fields =
                vec![("eventKey", json!(system.event_key.to_string())), ("receivedAt", time(system.received_at))];
            fields.extend(body(&system.body));
            fields
        }
        Event::Entity(entity) => {
            let mut fields = vec![("deId", json!(entity.de_id.to_string()))];
            fields.extend(body(&entity.body));
            fields
        }
        Event::Content(state) => content(state),
        Event::Rejected(rejected) => refused(rejected),
        Event::Dead(letter) => dead(letter),
        Event::Usage(_) | Event::Impact(_) | Event::Discrete(_) => Vec::new(),
    }
}

fn body(body: &EntityBody<'_>) -> Fields {
    vec![
        ("tenantId", json!(body.tenant_id)),
        ("entity", json!(body.entity)),
        ("entityId", json!(body.entity_id)),
        ("action", json!(body.action)),
        ("at", time(body.at)),
        ("actorId", json!(body.actor_id)),
        ("learnerId", json!(body.learner_id)),
        ("parentId", json!(body.parent_id)),
        ("courseId", json!(body.course_id)),
        ("unitId", json!(body.unit_id)),
        ("lessonId", json!(body.lesson_id)),
        ("classId", json!(body.class_id)),
        ("format", json!(body.format)),
        ("data", map(&body.data)),
    ]
}

fn content(state: &ContentState<'_>) -> Fields {
    vec![
        ("tenantId", json!(state.tenant_id)),
        ("contentId", json!(state.content_id)),
        ("kind", json!(state.kind)),
        ("format", json!(state.format)),
        ("subFormat", json!(state.sub_format)),
        ("title", json!(state.title)),
        ("courseId", json!(state.course_id)),
        ("unitId", json!(state.unit_id)),
        ("lessonId", json!(state.lesson_id)),
        ("itemId", json!(state.item_id)),
        ("codes", json!(state.codes)),
        ("questionType", json!(state.question_type)),
        ("signature", json!(state.signature)),
        ("deleted", json!(state.deleted)),
        ("at", time(state.at)),
    ]
}

fn refused(event: &RejectedEvent<'_>) -> Fields {
    let (transport, source) = match &event.source {
        RejectionSource::Http { request_id, index } => {
            ("http", object(vec![("requestId", json!(request_id)), ("index", json!(index))]))
        }
        RejectionSource::Kafka { topic, partition, offset, index } => {
            let fields = vec![
                ("topic", json!(topic)),
                ("partition", json!(partition.0)),
                ("offset", json!(offset.0)),
                ("index", json!(index)),
            ];
            ("kafka", object(fields))
        }
    };
    vec![
        ("tenantId", json!(event.tenant_id)),
        ("partnerId", json!(event.partner_id)),
        ("receivedAt", time(event.received_at)),
        ("transport", json!(transport)),
        ("source", source),
        ("reasons", event.reasons.iter().map(|r| object(reason("code", r))).collect()),
        ("original", bytes(&event.original)),
        ("originalLength", json!(event.original_length)),
        ("originalSha256", json!(event.original_sha256)),
    ]
}

fn dead(letter: &DeadLetter<'_>) -> Fields {
    let header = |(key, value): &(_, Vec<u8>)| object(vec![("key", json!(key)), ("value", bytes(value))]);
    let mut fields = vec![
        ("topic", json!(letter.topic)),
        ("partition", json!(letter.partition.0)),
        ("offset", json!(letter.offset.0)),
        ("timestamp", time(letter.timestamp)),
        ("key", json!(letter.key.as_deref().map(bytes))),
        ("value", json!(letter.value.as_deref().map(bytes))),
        ("headers", letter.headers.iter().map(header).collect()),
        ("service", json!(letter.service)),
        ("version", json!(letter.version)),
        ("handler", json!(letter.handler)),
    ];
    fields.extend(reason("reason", &letter.rejection));
    fields.extend([("attempts", json!(letter.attempts)), ("redrives", json!(letter.redrives))]);
    fields
}

fn reason(code: &'static str, rejection: &Rejection) -> Fields {
    vec![(code, json!(rejection.reason.code())), ("path", json!(rejection.path)), ("message", json!(rejection.detail))]
}

fn bytes(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => json!(text),
        Err(_) => Value::String(bytes.iter().map(|byte| format!("{byte:02x}")).collect()),
    }
}
