//! The flat snake_case forms that Gooru's grading pages send: grade, override, session update.
//!
//! Place: beside the envelope (domain.md §2.2, §12 "Flat form"). They have no id, so one is derived; an override with
//! `resources` becomes one event per element.

use da_model::event::UsageEvent;
use da_model::event::item_word;
use da_model::event::usage::{EventKind, ObjectKind, ObjectRef, UsageName};
use da_model::identity;
use da_model::ids::Text;
use da_model::outcome::Reason;
use da_model::time::Timestamp;

use super::super::context::{self, Names};
use super::super::draft::{Adapted, Draft, UsageDraft, blank};
use super::super::times::{instant, timezone};
use super::grading::{self, GradeNames};
use crate::reader::{self, Shape, Value};
use crate::validate::{Desk, Field, Part};

const CONTEXT: Names = Names {
    class: "class_id",
    course: "course_id",
    unit: "unit_id",
    lesson: "lesson_id",
    path_id: "path_id",
    path_type: "path_type",
    content_source: "content_source",
    question_count: "question_count",
    additional_context: "additional_context",
    app_id: "app_id",
    client_source: "client_source",
    collection_id: "context_collection_id",
    collection_type: "context_collection_type",
};

const RUBRIC: GradeNames =
    GradeNames { raw: "student_score", max: "max_score", status: "resource_attempt_status", grader: "grader_id" };
const OTHERS: GradeNames =
    GradeNames { raw: "score", max: "max_score", status: "resource_attempt_status", grader: "grader_id" };

const FIELDS: &[&str] = &[
    "event_name",
    "rubric_id",
    "student_id",
    "class_id",
    "course_id",
    "unit_id",
    "lesson_id",
    "collection_id",
    "collection_type",
    "collection_sub_type",
    "session_id",
    "resource_id",
    "student_score",
    "score",
    "max_score",
    "overall_comment",
    "category_score",
    "content_source",
    "created_at",
    "updated_at",
    "resources",
    "grader_id",
    "resource_attempt_status",
    "reason",
    "tenant_id",
    "partner_id",
    "path_id",
    "path_type",
    "question_count",
    "additional_context",
    "app_id",
    "client_source",
    "context_collection_id",
    "context_collection_type",
    "timezone",
    "extensions",
];
const IDENTITY: &[&str] = &["event_name", "student_id", "session_id", "collection_id", "resource_id"];
const ELEMENT_FIELDS: &[&str] =
    &["resource_id", "resource_attempt_status", "score", "max_score", "grader_id", "reason", "question_type"];

/// Reads a flat form.
pub(super) fn adapt<'b>(root: Part<'_, 'b>, desk: &mut Desk<'_>) -> Adapted<'b> {
    desk.audit(root, &reader::Names::of(FIELDS), IDENTITY);
    let mut adapted = Adapted { sent_id: None, drafts: Vec::new() };
    let Some(name) = name(desk, root) else { return adapted };
    let (base, from_receipt) = base(desk, root, name);
    let flags = std::mem::take(&mut desk.flags);
    let grade = if name == UsageName::ResourceRubricGrade { RUBRIC } else { OTHERS };
    for (path, element) in elements(desk, root, name) {
        let part = element.map_or(root, |element| Part::new(Some(element), &path));
        if element.is_some() {
            desk.audit(part, &reader::Names::of(ELEMENT_FIELDS), &["resource_id"]);
        }
        desk.flags.clone_from(&flags);
        let mut event = base.clone();
        let resource = if name == UsageName::CollectionScoreUpdate {
            desk.id(part, "resource_id").given().unwrap_or_default()
        } else {
            event.object = question(desk.required_id(part, "resource_id"));
            event.object.id.clone()
        };
        grading::read(desk, part, grade, &mut event);
        event.event_id = derived_id(&event, &resource, from_receipt.then_some(desk.received_at));
        adapted.sent_id.get_or_insert_with(|| event.event_id.clone().into_owned());
        let flags = std::mem::take(&mut desk.flags);
        adapted.drafts.push(Draft::Usage(Box::new(UsageDraft { event, flags, from_receipt })));
    }
    if !desk.reasons.is_empty() {
        adapted.sent_id = None;
    }
    adapted
}

fn name(desk: &mut Desk<'_>, root: Part<'_, '_>) -> Option<UsageName> {
    match desk.text(root, "event_name") {
        Field::Given(text) => {
            let name = UsageName::from_code(&text).filter(|name| is_grading(*name));
            if name.is_none() {
                desk.refuse(Reason::UnknownEvent, root.path_of("event_name"), "no flat form has this name");
            }
            name
        }
        Field::Absent => {
            desk.missing(root, "event_name");
            None
        }
        Field::Bad => None,
    }
}

const fn is_grading(name: UsageName) -> bool {
    match name {
        UsageName::ResourceRubricGrade | UsageName::ResourceScoreUpdate | UsageName::CollectionScoreUpdate => true,
        UsageName::CollectionPlay
        | UsageName::CollectionResourcePlay
        | UsageName::ResourcePlay
        | UsageName::ReactionCreate => false,
    }
}

/// What all events of one form share, and whether its time is the receipt's.
fn base<'b>(desk: &mut Desk<'_>, root: Part<'_, 'b>, name: UsageName) -> (UsageEvent<'b>, bool) {
    let mut event = blank(name, EventKind::None);
    event.tenant_id = context::tenant(desk, root, "tenant_id");
    event.session_id = desk.required_id(root, "session_id");
    event.user_id = context::learner(desk, root, "student_id", &event.session_id);
    let at = instant(desk, root, "updated_at", true);
    event.end_time = at.given().unwrap_or(Timestamp(0));
    event.start_time = Some(event.end_time);
    event.timezone = timezone(desk, root);
    context::context(desk, root, &CONTEXT, &mut event);
    item(desk, root, &mut event);
    context::extensions(desk, root, &mut event);
    (event, at == Field::Absent)
}

/// The item: the object of a session update, else the parent.
fn item<'b>(desk: &mut Desk<'_>, root: Part<'_, 'b>, event: &mut UsageEvent<'b>) {
    let kind = desk.word(root, "collection_type", item_word::kind_of).given().unwrap_or(ObjectKind::Unknown);
    let object_type = desk.text(root, "collection_type").given();
    let sub_type = desk.text(root, "collection_sub_type").given();
    if event.event_name == UsageName::CollectionScoreUpdate {
        let id = desk.required_id(root, "collection_id");
        event.object = ObjectRef { kind, id, object_type, sub_type };
    } else if let Field::Given(id) = desk.id(root, "collection_id") {
        event.parent = Some(ObjectRef { kind, id, object_type, sub_type });
    }
}

fn question(id: Text<'_>) -> ObjectRef<'_> {
    ObjectRef { kind: ObjectKind::Question, id, object_type: None, sub_type: None }
}

/// The elements of an override's `resources` with their paths; of any other form the form itself.
fn elements<'t, 'b>(desk: &mut Desk<'_>, root: Part<'t, 'b>, name: UsageName) -> Vec<(String, Option<Value<'t, 'b>>)> {
    if name != UsageName::ResourceScoreUpdate {
        return vec![(String::new(), None)];
    }
    let Some(resources) = root.get("resources") else {
        if root.has("resource_id") {
            return vec![(String::new(), None)];
        }
        desk.missing(root, "resources");
        return Vec::new();
    };
    if resources.shape() != Shape::Array {
        desk.bad_type(root, "resources", "an array");
        return Vec::new();
    }
    let mut found = Vec::new();
    for (n, element) in resources.items().enumerate() {
        if element.shape() == Shape::Object {
            found.push((format!("/resources/{n}"), Some(element)));
        } else {
            desk.refuse(Reason::BadType, format!("/resources/{n}"), "an element must be an object");
        }
    }
    if resources.items().next().is_none() {
        desk.missing(root, "resources");
    }
    found
}

/// UUIDv5 over `event`, tenant, name, student, session, collection, resource and time (domain.md §2.2).
fn derived_id(event: &UsageEvent<'_>, resource: &str, receipt: Option<Timestamp>) -> Text<'static> {
    let at = receipt.unwrap_or(event.end_time).0.to_string();
    let of_item = event.event_name == UsageName::CollectionScoreUpdate;
    let item = if of_item { Some(&event.object) } else { event.parent.as_ref() };
    let id = identity::id_of(&[
        "event",
        &event.tenant_id,
        event.event_name.code(),
        &event.user_id,
        &event.session_id,
        item.map_or("", |item| &item.id),
        resource,
        &at,
    ]);
    Text::Owned(id.to_string())
}
