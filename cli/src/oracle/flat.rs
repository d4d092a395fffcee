//! Reads the flat grading form of Gooru's grading pages (domain.md §2.2, §12 "Flat form").
//!
//! Place: called by `read` for elements with `event_name`. One element can become several events.

use serde_json::Value;

use super::read::{Codes, Heard, Names, Reader, item_kind_of, status_of};
use super::told::{Carried, Id, Name, Place, ResourceKind, Step, Told};

/// Reads a flat element.
pub(super) fn read(root: &Value, tenant: &str, names: &mut Names) -> Heard {
    let mut reader = Reader::new(root, names);
    let name = match reader.text("/event_name") {
        Some("resource.rubric.grade") => Name::Grade,
        Some("resource.score.update") => Name::Override,
        Some("collection.score.update") => Name::Update,
        Some(_) => return Heard::Refused(Codes::from(["unknown_event"])),
        None => return Heard::Refused(Codes::from(["missing_field"])),
    };
    let base = base(&mut reader, name);
    let mut events = match name {
        Name::Override => elements(&mut reader, &base),
        Name::Item | Name::Inside | Name::Single | Name::Reaction | Name::Grade | Name::Update => {
            vec![single(&mut reader, base)]
        }
    };
    if !reader.codes.is_empty() {
        return Heard::Refused(reader.codes);
    }
    for told in &mut events {
        told.event_id = event_id(told, tenant).into();
    }
    Heard::Usage(events)
}

/// The derived id: UUIDv5 over `event`, tenant, name, student, session, collection, resource, updated_at.
fn event_id(told: &Told, tenant: &str) -> String {
    let at = told.end.map_or_else(String::new, |t| t.to_string());
    let parts = [
        "event",
        tenant,
        told.name.text(),
        &told.user,
        &told.session,
        told.item.as_deref().unwrap_or_default(),
        told.resource.as_deref().unwrap_or_default(),
        &at,
    ];
    da_model::identity::id_of(&parts).to_string()
}

fn base(reader: &mut Reader<'_>, name: Name) -> Told {
    let at = reader.time("/updated_at");
    let word = reader.text("/collection_type").map(str::to_ascii_lowercase);
    let item_kind = word.as_deref().and_then(item_kind_of);
    if word.is_some() && item_kind.is_none() {
        reader.codes.insert("bad_enum");
    }
    let source = reader.text("/content_source").map(str::to_ascii_lowercase);
    let place = Place {
        class: reader.id("/class_id"),
        course: reader.id("/course_id"),
        unit: reader.id("/unit_id"),
        lesson: reader.id("/lesson_id"),
    };
    Told {
        event_id: Id::default(),
        name,
        step: Step::None,
        user: reader.required("/student_id").unwrap_or_default(),
        session: reader.required("/session_id").unwrap_or_default(),
        start: at,
        end: at,
        zone: reader.names.of("UTC"),
        item: reader.required("/collection_id"),
        item_kind,
        item_word: word.map(|w| reader.names.of(&w)),
        resource: None,
        resource_kind: (name != Name::Update).then_some(ResourceKind::Question),
        place,
        path_id: reader.whole("/path_id").unwrap_or(0),
        daily: source.as_deref() == Some("dailyclassactivity"),
        status: None,
        question_type: None,
        score: None,
        comment: false,
        withdrawn: false,
        external_time: None,
        reaction: None,
        codes: Vec::new(),
        student: true,
        carried: Carried { content_source: source.map(|s| reader.names.of(&s)), ..Carried::default() },
    }
}

fn single(reader: &mut Reader<'_>, mut told: Told) -> Told {
    let max = "/max_score";
    let raw = if told.name == Name::Grade { "/student_score" } else { "/score" };
    if told.name == Name::Grade {
        told.resource = reader.required("/resource_id");
    }
    (told.score, told.comment) = reader.score((raw, max), true);
    if told.score.is_none() && !told.comment && reader.codes.is_empty() {
        reader.codes.insert("missing_field");
    }
    told
}

fn elements(reader: &mut Reader<'_>, base: &Told) -> Vec<Told> {
    let count = reader.at("/resources").and_then(Value::as_array).map_or(0, Vec::len);
    if count == 0 {
        reader.codes.insert("missing_field");
    }
    (0..count).map(|n| element(reader, base, &format!("/resources/{n}"))).collect()
}

fn element(reader: &mut Reader<'_>, base: &Told, at: &str) -> Told {
    let mut told = base.clone();
    told.resource = reader.required(&format!("{at}/resource_id"));
    if let Some(word) = reader.text(&format!("{at}/resource_attempt_status")) {
        told.status = status_of(word).filter(|s| ["correct", "incorrect"].contains(s));
        reader.codes.extend(told.status.is_none().then_some("bad_enum"));
    }
    let paths = (format!("{at}/score"), format!("{at}/max_score"));
    (told.score, told.comment) = reader.score((&paths.0, &paths.1), told.status.is_none());
    if told.score.is_none() && !told.comment && told.status.is_none() && reader.codes.is_empty() {
        reader.codes.insert("missing_field");
    }
    told
}
