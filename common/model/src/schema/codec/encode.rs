//! Events and lineage as bytes: the fields of each record in the order of its schema file.
//!
//! Place: the writing half of the hot records; the rare ones are in `rare`. Allocates nothing but the output.

use super::primitive::Out;
use crate::event::discrete::{CompetencyValue, ReactionValue, ScoreValue, TimeValue, ViewValue};
use crate::event::lineage::{Root, Source};
use crate::event::usage::{Answer, ObjectRef, Score};
use crate::event::{Change, Context, DiscreteEvent, ImpactSignal, Lineage, Metric, MetricKind, ObjectKind, UsageEvent};

/// The lineage block.
pub(super) fn lineage(value: &Lineage<'_>, out: &mut Out<'_>) {
    out.raw(&value.id);
    out.branch(value.src.is_some());
    if let Some(Source { topic, partition, offset, index }) = &value.src {
        out.text(topic);
        out.coordinate(partition.0);
        out.long(offset.0);
        out.int(*index);
    }
    out.branch(value.root.is_some());
    if let Some(Root { event_key, at }) = value.root {
        out.uuid(event_key);
        out.long(at.0);
    }
    out.int(value.hop);
    out.maybe_long(value.seq);
}

/// A usage event without its lineage.
pub(super) fn usage(event: &UsageEvent<'_>, out: &mut Out<'_>) {
    out.uuid(event.event_key);
    out.text(&event.tenant_id);
    out.text(&event.partner_id);
    out.text(&event.event_id);
    out.text(event.event_name.code());
    out.count(event.kind.index());
    out.text(&event.user_id);
    out.text(&event.session_id);
    out.maybe_long(event.start_time.map(|t| t.0));
    out.long(event.end_time.0);
    out.long(event.received_at.0);
    out.maybe_long(event.clock_skew);
    out.text(&event.timezone);
    out.int(event.local_date.0);
    object(&event.object, out);
    out.branch(event.parent.is_some());
    if let Some(parent) = &event.parent {
        object(parent, out);
    }
    usage_place(event, out);
    usage_outcome(event, out);
}

fn usage_place(event: &UsageEvent<'_>, out: &mut Out<'_>) {
    for id in [&event.class_id, &event.course_id, &event.unit_id, &event.lesson_id] {
        out.maybe_text(id.as_ref());
    }
    out.count(event.track.index());
    out.long(event.path_id);
    out.maybe_text(event.path_type.as_ref());
    out.maybe_text(event.content_source.as_ref());
    out.maybe_text(event.context_collection_id.as_ref());
    out.maybe_text(event.context_collection_type.as_ref());
    out.maybe_text(event.additional_context.as_ref());
    out.maybe_long(event.dca_content_id);
    out.maybe_int(event.question_count);
    out.maybe_text(event.app_id.as_ref());
    out.maybe_text(event.client_source.as_ref());
}

fn usage_outcome(event: &UsageEvent<'_>, out: &mut Out<'_>) {
    out.branch(event.answer.is_some());
    if let Some(Answer { status, question_type, grading_type }) = &event.answer {
        out.count(status.index());
        out.maybe_text(question_type.as_ref());
        out.maybe_text(grading_type.as_ref());
    }
    out.branch(event.score.is_some());
    if let Some(Score { raw, max, reason, grader_id }) = &event.score {
        out.decimal(raw.0);
        out.decimal(max.0);
        out.count(reason.index());
        out.maybe_text(grader_id.as_ref());
    }
    out.boolean(event.withdrawn);
    out.maybe_long(event.external_time_ms);
    out.maybe_int(event.reaction);
    out.array(&event.codes, |o, code| o.text(code));
    out.boolean(event.is_student);
    out.array(&event.flags, |o, flag| o.text(flag.code()));
    out.array(&event.extensions, |o, (key, value)| {
        o.text(key);
        o.text(value);
    });
    out.text(&event.fingerprint);
}

fn object(object: &ObjectRef<'_>, out: &mut Out<'_>) {
    out.count(object.kind.index());
    out.text(&object.id);
    out.maybe_text(object.object_type.as_ref());
    out.maybe_text(object.sub_type.as_ref());
}

/// An impact signal without its lineage.
pub(super) fn impact(signal: &ImpactSignal<'_>, out: &mut Out<'_>) {
    usage(&signal.event, out);
    out.array(&signal.changes, |o, item| change(item, o));
}

fn change(change: &Change<'_>, out: &mut Out<'_>) {
    out.count(change.entity.index());
    out.count(change.metric.index());
    out.text(&change.session_id);
    out.maybe_text(change.item_id.as_ref());
    out.maybe_text(change.item_type.as_ref());
    out.maybe_text(change.resource_id.as_ref());
    out.maybe_text(change.resource_type.as_ref());
    context(&change.context, out);
    out.long(change.activity_time.0);
    out.int(change.local_date.0);
    out.int(change.revision);
    out.count(change.cause.index());
    match &change.before {
        None => out.count(0),
        Some(before) => {
            out.count(before.kind().index() + 1);
            metric(before, out);
        }
    }
    out.count(change.after.kind().index());
    metric(&change.after, out);
}

fn context(context: &Context<'_>, out: &mut Out<'_>) {
    out.text(&context.tenant_id);
    out.maybe_text(context.partner_id.as_ref());
    for id in [&context.class_id, &context.course_id, &context.unit_id, &context.lesson_id] {
        out.maybe_text(id.as_ref());
    }
    out.maybe_text(context.collection_id.as_ref());
    out.maybe_text(context.collection_type.as_ref());
    out.maybe_text(context.session_id.as_ref());
    out.maybe_int(context.attempt);
    out.count(context.track.index());
    out.long(context.path_id);
    out.maybe_text(context.path_type.as_ref());
    out.maybe_int(context.question_count);
    out.maybe_text(context.content_source.as_ref());
    out.maybe_text(context.context_collection_id.as_ref());
    out.maybe_text(context.context_collection_type.as_ref());
    out.maybe_text(context.additional_context.as_ref());
    out.maybe_text(context.client_source.as_ref());
}

/// A discrete event without its lineage; a `previous` of another metric than `result` counts as absent.
pub(super) fn discrete(event: &DiscreteEvent<'_>, out: &mut Out<'_>) {
    out.text(&event.event_name);
    out.uuid(event.de_id);
    out.int(event.revision);
    out.text(&event.event_id);
    out.uuid(event.event_key);
    out.long(event.activity_time.0);
    out.int(event.local_date.0);
    out.count(event.cause.index());
    out.maybe_text(event.user_id.as_ref());
    out.maybe_text(event.resource_id.as_ref());
    out.maybe_text(event.resource_type.as_ref());
    out.maybe_text(event.collection_id.as_ref());
    out.maybe_text(event.collection_type.as_ref());
    item_kind(event.item_kind, out);
    out.maybe_text(event.code.as_ref());
    context(&event.context, out);
    metric(&event.result, out);
    let kind: MetricKind = event.result.kind();
    let previous = event.previous.as_ref().filter(|p| p.kind() == kind);
    out.branch(previous.is_some());
    if let Some(previous) = previous {
        metric(previous, out);
    }
}

fn item_kind(kind: Option<ObjectKind>, out: &mut Out<'_>) {
    match kind {
        Some(ObjectKind::Collection) => out.raw(&[2, 0]),
        Some(ObjectKind::Assessment) => out.raw(&[2, 2]),
        None | Some(ObjectKind::Resource | ObjectKind::Question | ObjectKind::Unknown) => out.branch(false),
    }
}

fn metric(value: &Metric<'_>, out: &mut Out<'_>) {
    match value {
        Metric::Score(score) => score_value(score, out),
        Metric::Timespent(TimeValue { time_spent, delta, wall_time, visits }) => {
            out.long(*time_spent);
            out.long(*delta);
            out.long(*wall_time);
            out.int(*visits);
        }
        Metric::Reaction(ReactionValue { reaction, count }) => {
            out.int(*reaction);
            out.int(*count);
        }
        Metric::View(ViewValue { views, delta, items }) => {
            out.long(*views);
            out.long(*delta);
            out.int(*items);
        }
        Metric::Competency(CompetencyValue { status, score, item_id, session_id }) => {
            out.int(*status);
            out.maybe_decimal(score.map(|p| p.0));
            out.maybe_text(item_id.as_ref());
            out.maybe_text(session_id.as_ref());
        }
    }
}

fn score_value(value: &ScoreValue<'_>, out: &mut Out<'_>) {
    out.maybe_decimal(value.score.map(|p| p.0));
    out.maybe_decimal(value.raw.map(|p| p.0));
    out.maybe_decimal(value.max.map(|p| p.0));
    out.boolean(value.graded);
    out.branch(value.status.is_some());
    if let Some(status) = value.status {
        out.count(status.index());
    }
    out.branch(value.latest.is_some());
    if let Some(latest) = value.latest {
        out.boolean(latest);
    }
    out.maybe_int(value.count);
    out.array(&value.codes, |o, code| o.text(code));
}
