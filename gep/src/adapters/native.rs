//! The native format: the canonical event as JSON, for partners who build for this system (domain.md §2.7).
//!
//! Place: beside `gooru`. Same rules for tenant, times, ids, ranges and codes, but no aliases, synonyms or drift:
//! enums are our words, times integers, scores numbers.

use da_model::event::UsageEvent;
use da_model::event::item_word;
use da_model::event::usage::{Answer, AnswerStatus, EventKind, ObjectKind, ObjectRef, Score, ScoreReason, UsageName};
use da_model::ids::Text;
use da_model::outcome::{Flag, Reason};

use super::Adapter;
use super::context::{self, Names};
use super::draft::{Adapted, Draft, UsageDraft, blank};
use super::gooru::collect_codes;
use super::reaction::{reaction, reaction_id};
use super::score::{self, Sent};
use super::times::{TimeRules, times, timezone};
use crate::reader::{self, Shape, Value};
use crate::validate::{Desk, Field, Part};

/// The adapter `native`.
#[derive(Debug)]
pub struct Native;

const CONTEXT: Names = Names {
    class: "classId",
    course: "courseId",
    unit: "unitId",
    lesson: "lessonId",
    path_id: "pathId",
    path_type: "pathType",
    content_source: "contentSource",
    question_count: "questionCount",
    additional_context: "additionalContext",
    app_id: "appId",
    client_source: "clientSource",
    collection_id: "contextCollectionId",
    collection_type: "contextCollectionType",
};

const FIELDS: &[&str] = &[
    "tenantId",
    "eventId",
    "eventName",
    "type",
    "userId",
    "sessionId",
    "startTime",
    "endTime",
    "timezone",
    "object",
    "parent",
    "classId",
    "courseId",
    "unitId",
    "lessonId",
    "pathId",
    "pathType",
    "contentSource",
    "contextCollectionId",
    "contextCollectionType",
    "additionalContext",
    "questionCount",
    "appId",
    "clientSource",
    "answer",
    "score",
    "withdrawn",
    "externalTimeMs",
    "reaction",
    "codes",
    "isStudent",
    "extensions",
];
const OBJECT_FIELDS: &[&str] = &["kind", "id", "type", "subType"];

impl Adapter for Native {
    fn name(&self) -> &'static str {
        "native"
    }

    fn adapt<'b>(&self, event: Value<'_, 'b>, desk: &mut Desk<'_>) -> Adapted<'b> {
        let root = Part::new(Some(event), "");
        desk.audit(
            root,
            &reader::Names::of(FIELDS),
            &["eventId", "eventName", "type", "userId", "sessionId", "object"],
        );
        let event_id = desk.required_id(root, "eventId");
        let sent_id = (!event_id.is_empty()).then(|| event_id.clone().into_owned());
        let name = name(desk, root);
        let draft = usage(desk, root, name, event_id);
        Adapted { sent_id, drafts: vec![draft] }
    }
}

/// The canonical name; where there is none the rest is still checked.
fn name(desk: &mut Desk<'_>, root: Part<'_, '_>) -> Option<UsageName> {
    match desk.text(root, "eventName") {
        Field::Given(text) => {
            let name = UsageName::from_code(&text);
            if name.is_none() {
                desk.refuse(Reason::UnknownEvent, root.path_of("eventName"), "no event has this name");
            }
            name
        }
        Field::Absent => {
            desk.missing(root, "eventName");
            None
        }
        Field::Bad => None,
    }
}

fn usage<'b>(desk: &mut Desk<'_>, root: Part<'_, 'b>, name: Option<UsageName>, event_id: Text<'b>) -> Draft<'b> {
    let kind = name.map_or(EventKind::None, |name| kind(desk, root, name));
    let name = name.unwrap_or(UsageName::ReactionCreate);
    let known = kind != EventKind::None || !is_play(name);
    let mut event = blank(name, kind);
    event.tenant_id = context::tenant(desk, root, "tenantId");
    event.event_id = event_id;
    event.session_id = desk.required_id(root, "sessionId");
    event.user_id = context::learner(desk, root, "userId", &event.session_id);
    let rules = TimeRules { kind, receipt_may_stand_in: name == UsageName::ReactionCreate, text: false };
    let sent = times(desk, root, rules);
    (event.start_time, event.end_time) = (sent.start, sent.end);
    event.timezone = timezone(desk, root);
    context::context(desk, root, &CONTEXT, &mut event);
    objects(desk, root, &mut event);
    event.codes = codes(desk, root);
    event.is_student = boolean(desk, root, "isStudent").unwrap_or(true);
    context::extensions(desk, root, &mut event);
    if known && desk.reasons.iter().all(|r| r.path != "/eventName") {
        outcome(desk, root, &mut event);
    }
    let flags = std::mem::take(&mut desk.flags);
    Draft::Usage(Box::new(UsageDraft { event, flags, from_receipt: sent.from_receipt }))
}

const fn is_play(name: UsageName) -> bool {
    match name {
        UsageName::CollectionPlay | UsageName::CollectionResourcePlay | UsageName::ResourcePlay => true,
        UsageName::ReactionCreate
        | UsageName::ResourceRubricGrade
        | UsageName::ResourceScoreUpdate
        | UsageName::CollectionScoreUpdate => false,
    }
}

/// start or stop of a play, none of anything else.
fn kind(desk: &mut Desk<'_>, root: Part<'_, '_>, name: UsageName) -> EventKind {
    let play = is_play(name);
    let sent = match desk.text(root, "type") {
        Field::Given(word) => EventKind::from_code(&word),
        Field::Absent if play => {
            desk.missing(root, "type");
            return EventKind::None;
        }
        Field::Absent | Field::Bad => return EventKind::None,
    };
    match sent {
        Some(kind) if (kind != EventKind::None) == play => kind,
        Some(_) | None => {
            let wanted = if play { "type must be start or stop" } else { "type must be none" };
            desk.refuse(Reason::UnknownType, root.path_of("type"), wanted);
            EventKind::None
        }
    }
}

fn objects<'b>(desk: &mut Desk<'_>, root: Part<'_, 'b>, event: &mut UsageEvent<'b>) {
    let of_item = matches!(event.event_name, UsageName::CollectionPlay | UsageName::CollectionScoreUpdate);
    let object = desk.part(root, "object", "/object");
    event.object = object_ref(desk, object, of_item);
    let parent = desk.part(root, "parent", "/parent");
    if root.get("parent").is_some_and(|value| value.shape() == Shape::Object) {
        let parent = object_ref(desk, parent, true);
        event.parent = (!of_item).then_some(parent);
    }
    if !of_item && event.object.kind == ObjectKind::Unknown && means_question(desk, root, event.event_name) {
        event.object.kind = ObjectKind::Question;
    }
}

/// An answer's status or type, a grade or an override mean question (domain.md §12 "Kinds").
fn means_question(desk: &mut Desk<'_>, root: Part<'_, '_>, name: UsageName) -> bool {
    let answer = desk.part(root, "answer", "/answer");
    let said = answer.get("status").is_some() || answer.get("questionType").is_some();
    said || matches!(name, UsageName::ResourceRubricGrade | UsageName::ResourceScoreUpdate)
}

/// An object; items are collections and assessments, everything else resources and questions.
fn object_ref<'b>(desk: &mut Desk<'_>, part: Part<'_, 'b>, item: bool) -> ObjectRef<'b> {
    desk.audit(part, &reader::Names::of(OBJECT_FIELDS), &["id"]);
    let kind = desk.word(part, "kind", |word| ObjectKind::from_code(word).filter(|kind| fits(*kind, item)));
    if kind == Field::Absent {
        desk.missing(part, "kind");
    }
    ObjectRef {
        kind: kind.given().unwrap_or(ObjectKind::Unknown),
        id: desk.required_id(part, "id"),
        object_type: desk.text(part, "type").given(),
        sub_type: desk.text(part, "subType").given(),
    }
}

const fn fits(kind: ObjectKind, item: bool) -> bool {
    match kind {
        ObjectKind::Collection | ObjectKind::Assessment => item,
        ObjectKind::Resource | ObjectKind::Question => !item,
        ObjectKind::Unknown => true,
    }
}

fn codes<'b>(desk: &mut Desk<'_>, root: Part<'_, '_>) -> Vec<Text<'b>> {
    let Some(value) = root.get("codes") else { return Vec::new() };
    if value.shape() != Shape::Array {
        desk.bad_type(root, "codes", "an array of texts");
        return Vec::new();
    }
    let texts = value.items().map(|item| item.text().map(Text::into_owned)).collect();
    collect_codes(desk, root.path_of("codes"), texts)
}

fn boolean(desk: &mut Desk<'_>, part: Part<'_, '_>, name: &str) -> Option<bool> {
    let value = part.get(name)?;
    if let Shape::Bool(yes) = value.shape() {
        return Some(yes);
    }
    desk.bad_type(part, name, "true or false");
    None
}

/// What the event says came out, where its name has such a thing.
fn outcome<'b>(desk: &mut Desk<'_>, root: Part<'_, 'b>, event: &mut UsageEvent<'b>) {
    match event.event_name {
        UsageName::CollectionPlay => {
            let external = event.object.object_type.as_deref().is_some_and(item_word::is_external);
            if external && event.kind == EventKind::Stop {
                event.external_time_ms = score::milliseconds(desk, root, "externalTimeMs");
                points(desk, root, event, false);
            }
        }
        UsageName::CollectionResourcePlay | UsageName::ResourcePlay => {
            if event.kind == EventKind::Stop && event.object.kind == ObjectKind::Question {
                event.answer = Some(visit_answer(desk, root));
            }
        }
        UsageName::ReactionCreate => {
            event.reaction = reaction(desk, root, "reaction", false);
            if let Some(reaction) = event.reaction {
                event.event_id = reaction_id(&event.event_id, reaction);
            }
        }
        UsageName::ResourceRubricGrade | UsageName::ResourceScoreUpdate | UsageName::CollectionScoreUpdate => {
            grade(desk, root, event);
        }
    }
}

fn grade<'b>(desk: &mut Desk<'_>, root: Part<'_, 'b>, event: &mut UsageEvent<'b>) {
    let withdrawn = boolean(desk, root, "withdrawn").unwrap_or(false);
    if withdrawn && event.event_name == UsageName::CollectionScoreUpdate {
        event.withdrawn = true;
        return;
    }
    if event.event_name == UsageName::ResourceScoreUpdate {
        let allowed = |s: &AnswerStatus| matches!(s, AnswerStatus::Correct | AnswerStatus::Incorrect);
        let (answer, said) = answer(desk, root, |word| AnswerStatus::from_code(word).filter(allowed));
        event.answer = said.then_some(answer);
    }
    let commented = event.answer.is_none();
    if points(desk, root, event, commented) == Sent::Nothing && event.answer.is_none() {
        desk.missing(root, "score");
    }
}

/// Reads score {raw, max, reason, graderId}.
fn points<'b>(desk: &mut Desk<'_>, root: Part<'_, 'b>, event: &mut UsageEvent<'b>, comment: bool) -> Sent {
    let part = desk.part(root, "score", "/score");
    desk.audit(part, &reader::Names::of(&["raw", "max", "reason", "graderId"]), &[]);
    let sent = score::score(desk, part, ["raw", "max"], comment);
    let external = default_reason(event.event_name) == ScoreReason::External;
    let fits = |reason: &ScoreReason| (*reason == ScoreReason::External) == external;
    let reason = desk.word(part, "reason", |word| ScoreReason::from_code(word).filter(fits)).given();
    let grader_id = desk.id(part, "graderId").given();
    if let Sent::Points(raw, max) = sent {
        let reason = reason.unwrap_or_else(|| default_reason(event.event_name));
        event.score = Some(Score { raw, max, reason, grader_id });
    }
    sent
}

const fn default_reason(name: UsageName) -> ScoreReason {
    match name {
        UsageName::CollectionPlay
        | UsageName::CollectionResourcePlay
        | UsageName::ResourcePlay
        | UsageName::ReactionCreate => ScoreReason::External,
        UsageName::ResourceRubricGrade => ScoreReason::Rubric,
        UsageName::ResourceScoreUpdate => ScoreReason::Override,
        UsageName::CollectionScoreUpdate => ScoreReason::Regrade,
    }
}

fn visit_answer<'b>(desk: &mut Desk<'_>, root: Part<'_, 'b>) -> Answer<'b> {
    let (answer, said) = answer(desk, root, AnswerStatus::from_code);
    if !said {
        desk.flag(Flag::StatusMissing);
    }
    answer
}

/// The answer, and whether its status was said; without one it is attempted.
fn answer<'b>(
    desk: &mut Desk<'_>,
    root: Part<'_, 'b>,
    read: impl Fn(&str) -> Option<AnswerStatus>,
) -> (Answer<'b>, bool) {
    let part = desk.part(root, "answer", "/answer");
    desk.audit(part, &reader::Names::of(&["status", "questionType", "gradingType"]), &[]);
    let status = desk.word(part, "status", read);
    let question_type = desk.text(part, "questionType").given();
    let grading_type = desk.text(part, "gradingType").given();
    let (status, said) = match status {
        Field::Given(status) => (status, true),
        Field::Bad => (AnswerStatus::Attempted, true),
        Field::Absent => (AnswerStatus::Attempted, false),
    };
    (Answer { status, question_type, grading_type }, said)
}
