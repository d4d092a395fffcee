//! The envelope of Gooru 3.0 (web) and 4.0 (mobile) → a usage event.
//!
//! Place: the main way in. What is nested under session, user, context and payLoadObject is read by name; everything
//! else is dropped, and counted where nobody knows it. Tokens, keys, addresses and answers are never read.

use std::sync::LazyLock;

use da_model::event::UsageEvent;
use da_model::event::item_word;
use da_model::event::usage::{Answer, AnswerStatus, EventKind, ObjectKind, ObjectRef, Score, ScoreReason, UsageName};
use da_model::ids::Text;
use da_model::outcome::{Flag, Reason};

use super::super::context;
use super::super::draft::{Adapted, Draft, UsageDraft, blank};
use super::super::reaction::{reaction, reaction_id};
use super::super::score::{self, Sent};
use super::super::times::{TimeRules, times, timezone};
use super::super::words::{answer_status, grading_type, resource_kind};
use super::names::{self, Named};
use super::{grading, payload, system};
use crate::reader::{Names, Value};
use crate::validate::{Desk, Field, Part};

/// The parts of an envelope; a payload sent as a string lives elsewhere.
#[derive(Clone, Copy)]
pub(super) struct Envelope<'t, 'b, 'p> {
    pub(super) root: Part<'t, 'b>,
    pub(super) session: Part<'t, 'b>,
    pub(super) user: Part<'t, 'b>,
    pub(super) context: Part<'t, 'b>,
    pub(super) metrics: Part<'t, 'b>,
    pub(super) payload: Part<'p, 'p>,
}

const CONTEXT: context::Names = context::Names {
    class: "classGooruId",
    course: "courseGooruId",
    unit: "unitGooruId",
    lesson: "lessonGooruId",
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

/// Reads an envelope.
pub(super) fn adapt<'b>(root: Part<'_, 'b>, desk: &mut Desk<'_>) -> Adapted<'b> {
    let text = payload::text(root);
    let doc = payload::inner(desk, root, text.as_deref());
    let session = desk.part(root, "session", "/session");
    let user = desk.part(root, "user", "/user");
    let context = desk.part(root, "context", "/context");
    let metrics = metrics(desk, root);
    let payload = match &doc {
        Some(doc) => Part::new(Some(Value::root(doc)), payload::PATH),
        None if text.is_some() => Part::new(None, payload::PATH),
        None => desk.part(root, "payLoadObject", payload::PATH),
    };
    let envelope = Envelope { root, session, user, context, metrics, payload };
    audit(desk, envelope);
    let name = desk.text(root, "eventName");
    let named = match &name {
        Field::Given(name) => names::find(name),
        Field::Absent => {
            desk.missing(root, "eventName");
            None
        }
        Field::Bad => None,
    };
    let event_id = desk.required_id(root, "eventId");
    let sent_id = (!event_id.is_empty()).then(|| event_id.clone().into_owned());
    let draft = match (named, name.given()) {
        (Some(named), _) => Some(usage(desk, envelope, named, event_id)),
        (None, Some(name)) => system::adapt(desk, envelope, name, event_id),
        (None, None) => {
            unnamed(desk, envelope);
            None
        }
    };
    Adapted { sent_id, drafts: draft.into_iter().collect() }
}

/// metrics: an object, null, or the string `{}`.
fn metrics<'t, 'b>(desk: &mut Desk<'_>, root: Part<'t, 'b>) -> Part<'t, 'b> {
    let empty = root.get("metrics").and_then(Value::text).is_some_and(|text| text.trim() == "{}");
    if empty { Part::new(None, "/metrics") } else { desk.part(root, "metrics", "/metrics") }
}

fn audit(desk: &mut Desk<'_>, envelope: Envelope<'_, '_, '_>) {
    desk.audit(envelope.root, &ROOT, &["eventId", "eventName", "session", "user", "context"]);
    desk.audit(envelope.session, &SESSION_FIELDS, &["sessionId"]);
    desk.audit(envelope.user, &USER_FIELDS, &["gooruUId"]);
    desk.audit(envelope.context, &CONTEXT_FIELDS, &["type", "contentGooruId"]);
    desk.audit(envelope.payload, &PAYLOAD_FIELDS, &[]);
}

type Fields = LazyLock<Names<'static>>;

static SESSION_FIELDS: Fields =
    LazyLock::new(|| Names::of(&["apiKey", "sessionToken", "organizationUId", "sessionId"]));
static USER_FIELDS: Fields = LazyLock::new(|| Names::of(&["gooruUId", "userIp", "userAgent"]));

static ROOT: Fields = LazyLock::new(|| {
    Names::of(&[
        "eventId",
        "eventName",
        "startTime",
        "endTime",
        "timezone",
        "session",
        "user",
        "version",
        "metrics",
        "context",
        "payLoadObject",
        "contextCollectionId",
        "contextCollectionType",
        "source",
        "extensions",
    ])
});

static CONTEXT_FIELDS: Fields = LazyLock::new(|| {
    Names::of(&[
        "type",
        "contentGooruId",
        "parentGooruId",
        "parentEventId",
        "classGooruId",
        "courseGooruId",
        "unitGooruId",
        "lessonGooruId",
        "collectionType",
        "collectionSubType",
        "resourceType",
        "questionCount",
        "reactionType",
        "contentSource",
        "pathId",
        "pathType",
        "contextCollectionId",
        "contextCollectionType",
        "additionalContext",
        "tenantId",
        "partnerId",
        "appId",
        "clientSource",
        "source",
        "reportsContext",
    ])
});

static PAYLOAD_FIELDS: Fields = LazyLock::new(|| {
    Names::of(&[
        "questionType",
        "attemptStatus",
        "gradingType",
        "isStudent",
        "taxonomyIds",
        "sourceId",
        "reportsContext",
        "answerObject",
        "score",
        "maxScore",
        "reason",
        "graderId",
        "data",
        "source",
        "target",
        "referenceParentGooruIds",
        "contentFormat",
        "subEventName",
    ])
});

/// What can be said about an event without a name.
fn unnamed(desk: &mut Desk<'_>, envelope: Envelope<'_, '_, '_>) {
    let session = desk.required_id(envelope.session, "sessionId");
    context::learner(desk, envelope.user, "gooruUId", &session);
    context::tenant(desk, envelope.context, "tenantId");
    desk.required_id(envelope.context, "contentGooruId");
}

fn usage<'b>(desk: &mut Desk<'_>, from: Envelope<'_, 'b, '_>, named: Named, event_id: Text<'b>) -> Draft<'b> {
    let kind = kind(desk, from.context, named);
    let parent = desk.id(from.context, "parentGooruId").given();
    let inside = named.by_parent && parent.is_some();
    let name = if inside { UsageName::CollectionResourcePlay } else { named.name };
    let mut event = blank(name, kind);
    event.tenant_id = context::tenant(desk, from.context, "tenantId");
    event.session_id = desk.required_id(from.session, "sessionId");
    event.user_id = context::learner(desk, from.user, "gooruUId", &event.session_id);
    let rules = TimeRules { kind, receipt_may_stand_in: name == UsageName::ReactionCreate, text: true };
    let sent = times(desk, from.root, rules);
    (event.start_time, event.end_time) = (sent.start, sent.end);
    event.timezone = timezone(desk, from.root);
    context::carried(desk, from.root, &CONTEXT, &mut event);
    context::context(desk, from.context, &CONTEXT, &mut event);
    event.event_id = event_id;
    objects(desk, from, (named.item, parent), &mut event);
    event.codes = payload::codes(desk, from.payload);
    event.is_student = desk.boolean(from.payload, "isStudent").given().unwrap_or(true);
    context::extensions(desk, from.root, &mut event);
    outcome(desk, from, &mut event);
    let flags = std::mem::take(&mut desk.flags);
    Draft::Usage(Box::new(UsageDraft { event, flags, from_receipt: sent.from_receipt }))
}

/// start or stop of a play, in any case.
fn kind(desk: &mut Desk<'_>, context: Part<'_, '_>, named: Named) -> EventKind {
    if !names::is_play(named.name) {
        return EventKind::None;
    }
    let sent = match desk.text(context, "type") {
        Field::Given(word) if word.eq_ignore_ascii_case("start") => EventKind::Start,
        Field::Given(word) if word.eq_ignore_ascii_case("stop") => EventKind::Stop,
        Field::Given(_) => {
            desk.refuse(Reason::UnknownType, context.path_of("type"), "type must be start or stop");
            return EventKind::None;
        }
        Field::Absent => {
            if named.kind.is_none() {
                desk.missing(context, "type");
            }
            return named.kind.unwrap_or(EventKind::None);
        }
        Field::Bad => return EventKind::None,
    };
    if named.kind.is_some_and(|kind| kind != sent) {
        desk.refuse(Reason::BadEnum, context.path_of("type"), "type contradicts the event's name");
    }
    sent
}

/// The object and the item around it.
fn objects<'b>(
    desk: &mut Desk<'_>,
    from: Envelope<'_, 'b, '_>,
    hints: (Option<&'static str>, Option<Text<'b>>),
    event: &mut UsageEvent<'b>,
) {
    let (default_item, parent) = hints;
    let id = desk.required_id(from.context, "contentGooruId");
    let item_word = match desk.text(from.context, "collectionType") {
        Field::Given(word) => Some(word),
        Field::Absent => default_item.map(Text::Borrowed),
        Field::Bad => None,
    };
    let item_kind = item_word.as_deref().map_or(Some(ObjectKind::Unknown), item_word::kind_of);
    if item_kind.is_none() {
        let path = from.context.path_of("collectionType");
        desk.refuse(Reason::BadEnum, path, "collectionType is none of the known words");
    }
    let kind = item_kind.unwrap_or(ObjectKind::Unknown);
    let sub_type = desk.text(from.context, "collectionSubType").given();
    if names::is_of_item(event.event_name) {
        event.object = ObjectRef { kind, id, object_type: item_word, sub_type };
        return;
    }
    event.parent = parent.map(|id| ObjectRef { kind, id, object_type: item_word, sub_type });
    let kind = resource(desk, from, event.event_name);
    let object_type = desk.text(from.context, "resourceType").given();
    event.object = ObjectRef { kind, id, object_type, sub_type: None };
}

/// The kind of a resource: as said, else what only questions have means question.
fn resource(desk: &mut Desk<'_>, from: Envelope<'_, '_, '_>, name: UsageName) -> ObjectKind {
    if let Field::Given(kind) = desk.word(from.context, "resourceType", resource_kind) {
        return kind;
    }
    let graded = matches!(name, UsageName::ResourceRubricGrade | UsageName::ResourceScoreUpdate);
    let asked = desk.text(from.payload, "questionType").given().is_some();
    let answered = desk.text(from.payload, "attemptStatus").given().is_some();
    if graded || asked || answered { ObjectKind::Question } else { ObjectKind::Unknown }
}

/// What the event says came out: answer, score, reaction.
fn outcome<'b>(desk: &mut Desk<'_>, from: Envelope<'_, 'b, '_>, event: &mut UsageEvent<'b>) {
    match event.event_name {
        UsageName::CollectionPlay => external(desk, from, event),
        UsageName::CollectionResourcePlay | UsageName::ResourcePlay => {
            if event.kind == EventKind::Stop && event.object.kind == ObjectKind::Question {
                event.answer = Some(answer(desk, from.payload));
            }
        }
        UsageName::ReactionCreate => {
            event.reaction = reaction(desk, from.context, "reactionType", true);
            if let Some(reaction) = event.reaction {
                event.event_id = reaction_id(&event.event_id, reaction);
            }
        }
        UsageName::ResourceRubricGrade | UsageName::ResourceScoreUpdate | UsageName::CollectionScoreUpdate => {
            grading::grade(desk, from.payload, event);
        }
    }
}

/// The result of an external item, on its stop.
fn external(desk: &mut Desk<'_>, from: Envelope<'_, '_, '_>, event: &mut UsageEvent<'_>) {
    let external = event.object.object_type.as_deref().is_some_and(item_word::is_external);
    if !external || event.kind != EventKind::Stop {
        return;
    }
    event.external_time_ms = score::milliseconds(desk, from.metrics, "timeSpent");
    if let Sent::Points(raw, max) = score::score(desk, from.metrics, ["score", "maxScore"], false) {
        event.score = Some(Score { raw, max, reason: ScoreReason::External, grader_id: None });
    }
}

/// The answer of a question's stop.
fn answer<'b>(desk: &mut Desk<'_>, payload: Part<'_, '_>) -> Answer<'b> {
    let status = match desk.word(payload, "attemptStatus", answer_status) {
        Field::Given(status) => status,
        Field::Absent => {
            desk.flag(Flag::StatusMissing);
            AnswerStatus::Attempted
        }
        Field::Bad => AnswerStatus::Attempted,
    };
    answer_of(desk, payload, status)
}

/// An answer with what is carried beside its status.
pub(super) fn answer_of<'b>(desk: &mut Desk<'_>, payload: Part<'_, '_>, status: AnswerStatus) -> Answer<'b> {
    let question_type = desk.text(payload, "questionType").given().map(|t| Text::Owned(t.into_owned()));
    let grading_type = desk.word(payload, "gradingType", grading_type).given().map(Text::Borrowed);
    Answer { status, question_type, grading_type }
}
