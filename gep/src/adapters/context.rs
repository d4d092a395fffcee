//! Where an event belongs: tenant, learner, class to lesson, path, and what is only carried.
//!
//! Place: one reading for all formats, which differ in field names alone (domain.md §2.1).

use std::borrow::Cow;

use da_model::event::usage::{Track, UsageEvent};
use da_model::ids::Text;
use da_model::outcome::{Flag, Reason};

use super::base64;
use super::words::{content_source_known, path_type_known};
use crate::intake::AnonymousPolicy;
use crate::reader::{Doc, Shape, Value};
use crate::validate::{Desk, Field, Part};

/// The longest additionalContext that is carried, bytes.
const ADDITIONAL_LIMIT: usize = 1_024;
/// Most entries and bytes of `extensions`.
const EXTENSIONS_LIMIT: (usize, usize) = (16, 1_024);

/// What a format calls the fields of a context.
#[derive(Debug)]
pub(super) struct Names {
    pub(super) class: &'static str,
    pub(super) course: &'static str,
    pub(super) unit: &'static str,
    pub(super) lesson: &'static str,
    pub(super) path_id: &'static str,
    pub(super) path_type: &'static str,
    pub(super) content_source: &'static str,
    pub(super) question_count: &'static str,
    pub(super) additional_context: &'static str,
    pub(super) app_id: &'static str,
    pub(super) client_source: &'static str,
    pub(super) collection_id: &'static str,
    pub(super) collection_type: &'static str,
}

/// Fills the context of an event.
pub(super) fn context<'b>(desk: &mut Desk<'_>, part: Part<'_, 'b>, names: &Names, event: &mut UsageEvent<'b>) {
    event.partner_id = Text::Owned(desk.partner.partner.clone());
    event.class_id = desk.id(part, names.class).given();
    event.course_id = desk.id(part, names.course).given();
    event.unit_id = desk.id(part, names.unit).given();
    event.lesson_id = desk.id(part, names.lesson).given();
    event.app_id = desk.text(part, names.app_id).given();
    event.client_source = desk.text(part, names.client_source).given();
    carried(desk, part, names, event);
    path(desk, part, names, event);
    source(desk, part, names, event);
    additional(desk, part, names, event);
    if let Field::Given(count) = desk.integer(part, names.question_count) {
        event.question_count = i32::try_from(count).ok();
        if event.question_count.is_none() {
            let detail = format!("{} is out of range", names.question_count);
            desk.refuse(Reason::BadNumber, part.path_of(names.question_count), detail);
        }
    }
    event.track = match event.content_source.as_deref() {
        Some("dailyclassactivity") => Track::Daily,
        Some(_) | None if event.path_id != 0 => Track::Path,
        Some(_) | None => Track::Main,
    };
}

/// contextCollectionId and contextCollectionType, where they were not found elsewhere before.
pub(super) fn carried<'b>(desk: &mut Desk<'_>, part: Part<'_, 'b>, names: &Names, event: &mut UsageEvent<'b>) {
    let id = desk.id(part, names.collection_id).given();
    let kind = desk.text(part, names.collection_type).given();
    event.context_collection_id = event.context_collection_id.take().or(id);
    event.context_collection_type = event.context_collection_type.take().or(kind);
}

fn path<'b>(desk: &mut Desk<'_>, part: Part<'_, 'b>, names: &Names, event: &mut UsageEvent<'b>) {
    event.path_id = desk.integer(part, names.path_id).given().unwrap_or(0);
    if event.path_id < 0 {
        desk.refuse(Reason::BadNumber, part.path_of(names.path_id), format!("{} is below 0", names.path_id));
    }
    event.path_type = desk.text(part, names.path_type).given();
    if event.path_type.as_deref().is_some_and(|word| !path_type_known(word)) {
        event.path_type = None;
        desk.flag(Flag::PathTypeDropped);
    }
}

fn source<'b>(desk: &mut Desk<'_>, part: Part<'_, 'b>, names: &Names, event: &mut UsageEvent<'b>) {
    let sent = desk.text(part, names.content_source).given().unwrap_or(Cow::Borrowed("coursemap"));
    let lower = if sent.chars().any(char::is_uppercase) { Cow::Owned(sent.to_lowercase()) } else { sent };
    if !content_source_known(&lower) {
        desk.flag(Flag::ContentSourceUnknown);
    }
    event.content_source = Some(lower);
}

fn additional<'b>(desk: &mut Desk<'_>, part: Part<'_, 'b>, names: &Names, event: &mut UsageEvent<'b>) {
    let Field::Given(text) = desk.text(part, names.additional_context) else { return };
    let decoded = if text.len() <= ADDITIONAL_LIMIT { dca_content_id(desk, &text) } else { None };
    match decoded {
        Some(id) => {
            event.dca_content_id = id;
            event.additional_context = Some(text);
        }
        None => desk.flag(Flag::AdditionalContextBad),
    }
}

/// The id inside a decodable additionalContext; the outer `None` where it cannot be decoded.
fn dca_content_id(desk: &Desk<'_>, text: &str) -> Option<Option<i64>> {
    let json = String::from_utf8(base64::decode(text)?).ok()?;
    let doc = Doc::read(&json, desk.limits).ok()?;
    let object = Value::root(&doc);
    if object.shape() != Shape::Object {
        return None;
    }
    let Some(id) = object.get("dcaContentId").filter(|id| !id.is_null()) else { return Some(None) };
    let id = id.whole().or_else(|| id.text().and_then(|text| text.parse().ok()));
    id.map(Some)
}

/// The tenant: the credential's, or one it may write for.
pub(super) fn tenant<'b>(desk: &mut Desk<'_>, part: Part<'_, 'b>, name: &str) -> Text<'b> {
    match desk.id(part, name) {
        Field::Given(id) if desk.partner.may_write(&id) => id,
        Field::Given(_) => {
            let detail = "the credential may not write for this tenant";
            desk.refuse(Reason::TenantForbidden, part.path_of(name), detail);
            Text::Borrowed("")
        }
        Field::Absent => Text::Owned(desk.partner.tenant.clone()),
        Field::Bad => Text::Borrowed(""),
    }
}

/// The learner; nobody is refused, or becomes one learner per session.
pub(super) fn learner<'b>(desk: &mut Desk<'_>, part: Part<'_, 'b>, name: &str, session: &str) -> Text<'b> {
    let id = desk.required_id(part, name);
    if id != "anonymous" {
        return id;
    }
    match desk.partner.anonymous {
        AnonymousPolicy::Accept => Text::Owned(format!("anonymous:{session}")),
        AnonymousPolicy::Reject => {
            desk.refuse(Reason::AnonymousUser, part.path_of(name), "the learner is not known");
            id
        }
    }
}

/// Extras, where the partner's settings let them pass.
pub(super) fn extensions<'b>(desk: &mut Desk<'_>, root: Part<'_, 'b>, event: &mut UsageEvent<'b>) {
    let Some(value) = root.get("extensions") else { return };
    if !desk.partner.allow_extensions {
        desk.unknown.push(root.path_of("extensions"));
        return;
    }
    if value.shape() != Shape::Object {
        desk.bad_type(root, "extensions", "an object of strings");
        return;
    }
    let mut found: Vec<(Text<'b>, Text<'b>)> = Vec::new();
    for (key, value) in value.entries() {
        match (key.text(), value.text()) {
            (Some(key), Some(value)) => found.push((key, value)),
            _ => desk.bad_type(root, "extensions", "an object of strings"),
        }
    }
    let bytes: usize = found.iter().map(|(key, value)| key.len() + value.len()).sum();
    if found.len() > EXTENSIONS_LIMIT.0 || bytes > EXTENSIONS_LIMIT.1 {
        let detail = format!("at most {} entries and {} bytes", EXTENSIONS_LIMIT.0, EXTENSIONS_LIMIT.1);
        desk.refuse(Reason::TooDeep, root.path_of("extensions"), detail);
    }
    found.sort();
    found.dedup_by(|a, b| a.0 == b.0);
    event.extensions = found;
}
