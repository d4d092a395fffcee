//! The records that are rare: system events, content, refused events and dead letters, both ways.
//!
//! Place: beside `encode` and `decode`, which hold the records of every event.

use super::decode::stamp;
use super::primitive::{In, Out, Read};
use crate::event::rejected::RejectionSource;
use crate::event::system::EntityBody;
use crate::event::{ContentState, DeadLetter, EntityEvent, RejectedEvent, SystemEvent};
use crate::fault::Rejection;
use crate::ids::{Offset, Partition, Text};
use crate::outcome::Reason;

/// Writes a system event.
pub(super) fn write_system(event: &SystemEvent<'_>, out: &mut Out<'_>) {
    out.uuid(event.event_key);
    out.long(event.received_at.0);
    write_body(&event.body, out);
}

/// Reads a system event.
pub(super) fn read_system<'r>(from: &mut In<'r>) -> Read<SystemEvent<'r>> {
    Ok(SystemEvent { event_key: from.uuid()?, received_at: stamp(from)?, body: read_body(from)? })
}

/// Writes an entity event.
pub(super) fn write_entity(event: &EntityEvent<'_>, out: &mut Out<'_>) {
    out.uuid(event.de_id);
    write_body(&event.body, out);
}

/// Reads an entity event.
pub(super) fn read_entity<'r>(from: &mut In<'r>) -> Read<EntityEvent<'r>> {
    Ok(EntityEvent { de_id: from.uuid()?, body: read_body(from)? })
}

fn write_body(body: &EntityBody<'_>, out: &mut Out<'_>) {
    out.text(&body.tenant_id);
    out.text(&body.entity);
    out.text(&body.entity_id);
    out.text(&body.action);
    out.long(body.at.0);
    for text in [&body.actor_id, &body.learner_id, &body.parent_id, &body.course_id] {
        out.maybe_text(text.as_ref());
    }
    for text in [&body.unit_id, &body.lesson_id, &body.class_id, &body.format] {
        out.maybe_text(text.as_ref());
    }
    out.array(&body.data, |o, (key, value)| {
        o.text(key);
        o.text(value);
    });
}

fn read_body<'r>(from: &mut In<'r>) -> Read<EntityBody<'r>> {
    Ok(EntityBody {
        tenant_id: from.text()?,
        entity: from.text()?,
        entity_id: from.text()?,
        action: from.text()?,
        at: stamp(from)?,
        actor_id: from.maybe(In::text)?,
        learner_id: from.maybe(In::text)?,
        parent_id: from.maybe(In::text)?,
        course_id: from.maybe(In::text)?,
        unit_id: from.maybe(In::text)?,
        lesson_id: from.maybe(In::text)?,
        class_id: from.maybe(In::text)?,
        format: from.maybe(In::text)?,
        data: from.array(|f| Ok((f.text()?, f.text()?)))?,
    })
}

/// Writes a content state.
pub(super) fn write_content(state: &ContentState<'_>, out: &mut Out<'_>) {
    out.text(&state.tenant_id);
    out.text(&state.content_id);
    out.text(&state.kind);
    out.text(&state.format);
    out.maybe_text(state.sub_format.as_ref());
    out.maybe_text(state.title.as_ref());
    for id in [&state.course_id, &state.unit_id, &state.lesson_id, &state.item_id] {
        out.maybe_text(id.as_ref());
    }
    out.array(&state.codes, |o, code| o.text(code));
    out.maybe_text(state.question_type.as_ref());
    out.boolean(state.signature);
    out.boolean(state.deleted);
    out.long(state.at.0);
}

/// Reads a content state.
pub(super) fn read_content<'r>(from: &mut In<'r>) -> Read<ContentState<'r>> {
    Ok(ContentState {
        tenant_id: from.text()?,
        content_id: from.text()?,
        kind: from.text()?,
        format: from.text()?,
        sub_format: from.maybe(In::text)?,
        title: from.maybe(In::text)?,
        course_id: from.maybe(In::text)?,
        unit_id: from.maybe(In::text)?,
        lesson_id: from.maybe(In::text)?,
        item_id: from.maybe(In::text)?,
        codes: from.array(In::text)?,
        question_type: from.maybe(In::text)?,
        signature: from.boolean()?,
        deleted: from.boolean()?,
        at: stamp(from)?,
    })
}

/// Writes a refused event.
pub(super) fn write_rejected(event: &RejectedEvent<'_>, out: &mut Out<'_>) {
    out.text(&event.tenant_id);
    out.text(&event.partner_id);
    out.long(event.received_at.0);
    match &event.source {
        RejectionSource::Http { request_id, index } => {
            out.raw(&[0, 0]);
            out.text(request_id);
            out.int(*index);
        }
        RejectionSource::Kafka { topic, partition, offset, index } => {
            out.raw(&[2, 2]);
            out.text(topic);
            out.coordinate(partition.0);
            out.long(offset.0);
            out.int(*index);
        }
    }
    out.array(&event.reasons, |o, reason| write_reason(reason, o));
    out.bytes(&event.original);
    out.long(event.original_length);
    out.text(&event.original_sha256);
}

/// Reads a refused event; the transport must agree with the source.
pub(super) fn read_rejected<'r>(from: &mut In<'r>) -> Read<RejectedEvent<'r>> {
    Ok(RejectedEvent {
        tenant_id: from.text()?,
        partner_id: from.text()?,
        received_at: stamp(from)?,
        source: read_source(from)?,
        reasons: from.array(read_reason)?,
        original: from.bytes()?.to_vec(),
        original_length: from.long()?,
        original_sha256: from.text()?,
    })
}

fn read_source<'r>(from: &mut In<'r>) -> Read<RejectionSource<'r>> {
    match (from.long()?, from.long()?) {
        (0, 0) => Ok(RejectionSource::Http { request_id: from.text()?, index: from.int()? }),
        (1, 1) => Ok(RejectionSource::Kafka {
            topic: from.text()?,
            partition: Partition(from.coordinate()?),
            offset: Offset(from.long()?),
            index: from.int()?,
        }),
        _ => Err("transport and source do not agree"),
    }
}

/// Writes a dead letter.
pub(super) fn write_dead(letter: &DeadLetter<'_>, out: &mut Out<'_>) {
    out.text(&letter.topic);
    out.coordinate(letter.partition.0);
    out.long(letter.offset.0);
    out.long(letter.timestamp.0);
    for bytes in [&letter.key, &letter.value] {
        out.branch(bytes.is_some());
        if let Some(bytes) = bytes {
            out.bytes(bytes);
        }
    }
    out.array(&letter.headers, |o, (key, value): &(Text<'_>, Vec<u8>)| {
        o.text(key);
        o.bytes(value);
    });
    out.text(&letter.service);
    out.text(&letter.version);
    out.text(&letter.handler);
    write_reason(&letter.rejection, out);
    out.int(letter.attempts);
    out.int(letter.redrives);
}

/// Reads a dead letter.
pub(super) fn read_dead<'r>(from: &mut In<'r>) -> Read<DeadLetter<'r>> {
    Ok(DeadLetter {
        topic: from.text()?,
        partition: Partition(from.coordinate()?),
        offset: Offset(from.long()?),
        timestamp: stamp(from)?,
        key: from.maybe(In::bytes)?.map(<[u8]>::to_vec),
        value: from.maybe(In::bytes)?.map(<[u8]>::to_vec),
        headers: from.array(|f| Ok((f.text()?, f.bytes()?.to_vec())))?,
        service: from.text()?,
        version: from.text()?,
        handler: from.text()?,
        rejection: read_reason(from)?,
        attempts: from.int()?,
        redrives: from.int()?,
    })
}

fn write_reason(reason: &Rejection, out: &mut Out<'_>) {
    out.text(reason.reason.code());
    out.text(&reason.path);
    out.text(&reason.detail);
}

fn read_reason(from: &mut In<'_>) -> Read<Rejection> {
    Ok(Rejection {
        reason: Reason::from_code(from.word()?).ok_or("a reason code is not known")?,
        path: from.word()?.to_owned(),
        detail: from.word()?.to_owned(),
    })
}
