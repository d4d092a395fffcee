//! Events as JSON for people: the field names of the wire, in its order.
//!
//! Place: what `da tap` and the examples show. Decimals are JSON numbers, dates ISO texts, times milliseconds, bytes
//! text where they are UTF-8 and hexadecimal text else. Nothing reads this form back.

use serde_json::{Map, Value, json};

use super::json_rare::rare;
use crate::event::discrete::{CompetencyValue, ReactionValue, ScoreValue, TimeValue, ViewValue};
use crate::event::usage::{Answer, ObjectRef, Score};
use crate::event::{Change, Context, DiscreteEvent, Event, ImpactSignal, Lineage, Metric, UsageEvent};
use crate::ids::Text;
use crate::score::{Percent, Points};
use crate::time::Timestamp;

/// Names and values of one record.
pub(super) type Fields = Vec<(&'static str, Value)>;

/// A whole value, its lineage first.
#[must_use]
pub fn event_to_json(event: &Event<'_>, lineage: &Lineage<'_>) -> Value {
    let mut fields = vec![("lineage", lineage_to_json(lineage))];
    match event {
        Event::Usage(usage) => fields.extend(usage_fields(usage)),
        Event::Impact(impact) => fields.extend(impact_fields(impact)),
        Event::Discrete(discrete) => fields.extend(discrete_fields(discrete)),
        Event::System(_) | Event::Entity(_) | Event::Content(_) | Event::Rejected(_) | Event::Dead(_) => {
            fields.extend(rare(event));
        }
    }
    object(fields)
}

/// The lineage block, its source as `topic/partition@offset#index`.
#[must_use]
pub fn lineage_to_json(lineage: &Lineage<'_>) -> Value {
    let src = lineage.src.as_ref().map(|s| format!("{}/{}@{}#{}", s.topic, s.partition, s.offset, s.index));
    let root = lineage.root.map(|r| json!({"eventKey": r.event_key.to_string(), "at": r.at.0}));
    object(vec![
        ("src", json!(src)),
        ("hop", json!(lineage.hop)),
        ("seq", json!(lineage.seq)),
        ("id", json!(uuid::Uuid::from_bytes(lineage.id).to_string())),
        ("root", json!(root)),
    ])
}

/// A metric record.
#[must_use]
pub fn metric_to_json(metric: &Metric<'_>) -> Value {
    object(match metric {
        Metric::Score(value) => score_fields(value),
        Metric::Timespent(TimeValue { time_spent, delta, wall_time, visits }) => vec![
            ("timeSpent", json!(time_spent)),
            ("delta", json!(delta)),
            ("wallTime", json!(wall_time)),
            ("visits", json!(visits)),
        ],
        Metric::Reaction(ReactionValue { reaction, count }) => {
            vec![("reaction", json!(reaction)), ("count", json!(count))]
        }
        Metric::View(ViewValue { views, delta, items }) => {
            vec![("views", json!(views)), ("delta", json!(delta)), ("items", json!(items))]
        }
        Metric::Competency(CompetencyValue { status, score, item_id, session_id }) => vec![
            ("status", json!(status)),
            ("score", json!(score.map(percent))),
            ("itemId", json!(item_id)),
            ("sessionId", json!(session_id)),
        ],
    })
}

fn score_fields(value: &ScoreValue<'_>) -> Fields {
    vec![
        ("score", json!(value.score.map(percent))),
        ("rawScore", json!(value.raw.map(points))),
        ("maxScore", json!(value.max.map(points))),
        ("graded", json!(value.graded)),
        ("status", json!(value.status.map(|s| s.code()))),
        ("latest", json!(value.latest)),
        ("count", json!(value.count)),
        ("codes", json!(value.codes)),
    ]
}

fn usage_fields(event: &UsageEvent<'_>) -> Fields {
    let mut fields = vec![
        ("eventKey", json!(event.event_key.to_string())),
        ("tenantId", json!(event.tenant_id)),
        ("partnerId", json!(event.partner_id)),
        ("eventId", json!(event.event_id)),
        ("eventName", json!(event.event_name.code())),
        ("type", json!(event.kind.code())),
        ("userId", json!(event.user_id)),
        ("sessionId", json!(event.session_id)),
        ("startTime", json!(event.start_time.map(|t| t.0))),
        ("endTime", time(event.end_time)),
        ("receivedAt", time(event.received_at)),
        ("clockSkew", json!(event.clock_skew)),
        ("timezone", json!(event.timezone)),
        ("localDate", json!(event.local_date.to_iso())),
        ("object", object_ref(&event.object)),
        ("parent", json!(event.parent.as_ref().map(object_ref))),
    ];
    fields.extend(usage_place(event));
    fields.extend([
        ("answer", json!(event.answer.as_ref().map(answer))),
        ("score", json!(event.score.as_ref().map(score))),
        ("withdrawn", json!(event.withdrawn)),
        ("externalTimeMs", json!(event.external_time_ms)),
        ("reaction", json!(event.reaction)),
        ("codes", json!(event.codes)),
        ("isStudent", json!(event.is_student)),
        ("flags", event.flags.iter().map(|f| f.code()).collect()),
        ("extensions", map(&event.extensions)),
        ("fingerprint", json!(event.fingerprint)),
    ]);
    fields
}

fn usage_place(event: &UsageEvent<'_>) -> Fields {
    vec![
        ("classId", json!(event.class_id)),
        ("courseId", json!(event.course_id)),
        ("unitId", json!(event.unit_id)),
        ("lessonId", json!(event.lesson_id)),
        ("track", json!(event.track.code())),
        ("pathId", json!(event.path_id)),
        ("pathType", json!(event.path_type)),
        ("contentSource", json!(event.content_source)),
        ("contextCollectionId", json!(event.context_collection_id)),
        ("contextCollectionType", json!(event.context_collection_type)),
        ("additionalContext", json!(event.additional_context)),
        ("dcaContentId", json!(event.dca_content_id)),
        ("questionCount", json!(event.question_count)),
        ("appId", json!(event.app_id)),
        ("clientSource", json!(event.client_source)),
    ]
}

fn object_ref(value: &ObjectRef<'_>) -> Value {
    object(vec![
        ("kind", json!(value.kind.code())),
        ("id", json!(value.id)),
        ("type", json!(value.object_type)),
        ("subType", json!(value.sub_type)),
    ])
}

fn answer(value: &Answer<'_>) -> Value {
    object(vec![
        ("status", json!(value.status.code())),
        ("questionType", json!(value.question_type)),
        ("gradingType", json!(value.grading_type)),
    ])
}

fn score(value: &Score<'_>) -> Value {
    object(vec![
        ("raw", points(value.raw)),
        ("max", points(value.max)),
        ("reason", json!(value.reason.code())),
        ("graderId", json!(value.grader_id)),
    ])
}

fn impact_fields(signal: &ImpactSignal<'_>) -> Fields {
    vec![("event", object(usage_fields(&signal.event))), ("changes", signal.changes.iter().map(change).collect())]
}

fn change(change: &Change<'_>) -> Value {
    object(vec![
        ("entity", json!(change.entity.code())),
        ("metric", json!(change.metric.code())),
        ("sessionId", json!(change.session_id)),
        ("itemId", json!(change.item_id)),
        ("itemType", json!(change.item_type)),
        ("resourceId", json!(change.resource_id)),
        ("resourceType", json!(change.resource_type)),
        ("context", context(&change.context)),
        ("activityTime", time(change.activity_time)),
        ("localDate", json!(change.local_date.to_iso())),
        ("revision", json!(change.revision)),
        ("cause", json!(change.cause.code())),
        ("before", json!(change.before.as_ref().map(metric_to_json))),
        ("after", metric_to_json(&change.after)),
    ])
}

fn context(context: &Context<'_>) -> Value {
    object(vec![
        ("tenantId", json!(context.tenant_id)),
        ("partnerId", json!(context.partner_id)),
        ("classId", json!(context.class_id)),
        ("courseId", json!(context.course_id)),
        ("unitId", json!(context.unit_id)),
        ("lessonId", json!(context.lesson_id)),
        ("collectionId", json!(context.collection_id)),
        ("collectionType", json!(context.collection_type)),
        ("sessionId", json!(context.session_id)),
        ("attempt", json!(context.attempt)),
        ("track", json!(context.track.code())),
        ("pathId", json!(context.path_id)),
        ("pathType", json!(context.path_type)),
        ("questionCount", json!(context.question_count)),
        ("contentSource", json!(context.content_source)),
        ("contextCollectionId", json!(context.context_collection_id)),
        ("contextCollectionType", json!(context.context_collection_type)),
        ("additionalContext", json!(context.additional_context)),
        ("clientSource", json!(context.client_source)),
    ])
}

fn discrete_fields(event: &DiscreteEvent<'_>) -> Fields {
    vec![
        ("eventName", json!(event.event_name)),
        ("deId", json!(event.de_id.to_string())),
        ("revision", json!(event.revision)),
        ("eventId", json!(event.event_id)),
        ("eventKey", json!(event.event_key.to_string())),
        ("activityTime", time(event.activity_time)),
        ("localDate", json!(event.local_date.to_iso())),
        ("cause", json!(event.cause.code())),
        ("userId", json!(event.user_id)),
        ("resourceId", json!(event.resource_id)),
        ("resourceType", json!(event.resource_type)),
        ("collectionId", json!(event.collection_id)),
        ("collectionType", json!(event.collection_type)),
        ("itemKind", json!(event.item_kind.map(|k| k.code()))),
        ("code", json!(event.code)),
        ("context", context(&event.context)),
        ("result", metric_to_json(&event.result)),
        ("previous", json!(event.previous.as_ref().map(metric_to_json))),
    ]
}

/// One record.
pub(super) fn object(fields: Fields) -> Value {
    Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
}

/// A map of texts.
pub(super) fn map(entries: &[(Text<'_>, Text<'_>)]) -> Value {
    Value::Object(entries.iter().map(|(key, value)| (key.to_string(), json!(value))).collect::<Map<_, _>>())
}

/// Epoch milliseconds.
pub(super) fn time(at: Timestamp) -> Value {
    json!(at.0)
}

fn percent(value: Percent) -> Value {
    decimal(&value.to_text())
}

fn points(value: Points) -> Value {
    let text = value.to_text();
    text.parse::<i64>().map_or_else(|_| decimal(&text), |whole| json!(whole))
}

fn decimal(text: &str) -> Value {
    text.parse::<f64>().map_or(Value::Null, |number| json!(number))
}
