//! Bytes as events and lineage: the mirror of `encode`, field for field.
//!
//! Place: the reading half of the hot records; the rare ones are in `rare`. Texts borrow the bytes.

use super::primitive::{In, Read};
use crate::event::discrete::{CompetencyValue, ReactionValue, ScoreStatus, ScoreValue, TimeValue, ViewValue};
use crate::event::lineage::{Root, Source};
use crate::event::usage::{Answer, AnswerStatus, ObjectRef, Score, ScoreReason, Track, UsageName};
use crate::event::{
    Cause, Change, Context, DiscreteEvent, Entity, EventKind, ImpactSignal, Lineage, Metric, MetricKind, ObjectKind,
    SignalView, UsageEvent,
};
use crate::ids::{Offset, Partition};
use crate::outcome::Flag;
use crate::score::{Percent, Points};
use crate::time::{LocalDate, Timestamp};

/// The lineage block.
pub(super) fn lineage<'r>(from: &mut In<'r>) -> Read<Lineage<'r>> {
    let mut id = [0; 16];
    for (to, byte) in id.iter_mut().zip(from.fixed(16)?) {
        *to = *byte;
    }
    Ok(Lineage {
        id,
        src: from.maybe(source)?,
        root: from.maybe(|f| Ok(Root { event_key: f.uuid()?, at: Timestamp(f.long()?) }))?,
        hop: from.int()?,
        seq: from.maybe(In::long)?,
    })
}

fn source<'r>(from: &mut In<'r>) -> Read<Source<'r>> {
    Ok(Source {
        topic: from.text()?,
        partition: Partition(from.coordinate()?),
        offset: Offset(from.long()?),
        index: from.int()?,
    })
}

/// Passes over a lineage block: the Driver has read it before it asks a handler.
pub(super) fn pass_lineage(from: &mut In<'_>) -> Read<()> {
    from.fixed(16)?; // id
    from.maybe(|f| {
        f.bytes()?; // topic
        f.pass_number()?; // partition
        f.pass_number()?; // offset
        f.pass_number() // index
    })?;
    from.maybe(|f| {
        f.bytes()?; // eventKey
        f.pass_number() // at
    })?;
    from.pass_number()?; // hop
    from.maybe(|f| f.pass_number()).map(drop) // seq
}

/// A usage event without its lineage.
pub(super) fn usage<'r>(from: &mut In<'r>) -> Read<UsageEvent<'r>> {
    Ok(UsageEvent {
        event_key: from.uuid()?,
        tenant_id: from.text()?,
        partner_id: from.text()?,
        event_id: from.text()?,
        event_name: UsageName::from_code(from.word()?).ok_or("an event name is not known")?,
        kind: from.choice(EventKind::ALL)?,
        user_id: from.text()?,
        session_id: from.text()?,
        start_time: from.maybe(stamp)?,
        end_time: stamp(from)?,
        received_at: stamp(from)?,
        clock_skew: from.maybe(In::long)?,
        timezone: from.text()?,
        local_date: LocalDate(from.int()?),
        object: object(from)?,
        parent: from.maybe(object)?,
        class_id: from.maybe_text()?,
        course_id: from.maybe_text()?,
        unit_id: from.maybe_text()?,
        lesson_id: from.maybe_text()?,
        track: from.choice(Track::ALL)?,
        path_id: from.long()?,
        path_type: from.maybe_text()?,
        content_source: from.maybe_text()?,
        context_collection_id: from.maybe_text()?,
        context_collection_type: from.maybe_text()?,
        additional_context: from.maybe_text()?,
        dca_content_id: from.maybe(In::long)?,
        question_count: from.maybe_int()?,
        app_id: from.maybe_text()?,
        client_source: from.maybe_text()?,
        answer: from.maybe(answer)?,
        score: from.maybe(score)?,
        withdrawn: from.boolean()?,
        external_time_ms: from.maybe(In::long)?,
        reaction: from.maybe_int()?,
        codes: from.array(In::text)?,
        is_student: from.boolean()?,
        flags: from.array(|f| Flag::from_code(f.word()?).ok_or("a flag is not known"))?,
        extensions: from.array(|f| Ok((f.text()?, f.text()?)))?,
        fingerprint: from.text()?,
    })
}

/// A timestamp.
pub(super) fn stamp(from: &mut In<'_>) -> Read<Timestamp> {
    from.long().map(Timestamp)
}

fn object<'r>(from: &mut In<'r>) -> Read<ObjectRef<'r>> {
    Ok(ObjectRef {
        kind: from.choice(ObjectKind::ALL)?,
        id: from.text()?,
        object_type: from.maybe_text()?,
        sub_type: from.maybe_text()?,
    })
}

fn answer<'r>(from: &mut In<'r>) -> Read<Answer<'r>> {
    Ok(Answer {
        status: from.choice(AnswerStatus::ALL)?,
        question_type: from.maybe_text()?,
        grading_type: from.maybe_text()?,
    })
}

fn score<'r>(from: &mut In<'r>) -> Read<Score<'r>> {
    Ok(Score {
        raw: Points(from.decimal()?),
        max: Points(from.decimal()?),
        reason: from.choice(ScoreReason::ALL)?,
        grader_id: from.maybe_text()?,
    })
}

/// An impact signal without its lineage.
pub(super) fn impact<'r>(from: &mut In<'r>) -> Read<ImpactSignal<'r>> {
    Ok(ImpactSignal { event: usage(from)?, changes: from.array(change)? })
}

/// An impact signal without its lineage, of its event only what demux needs: the rest is passed over unread.
pub(super) fn signal_view<'r>(from: &mut In<'r>) -> Read<SignalView<'r>> {
    let (event_key, tenant_id) = (from.uuid()?, from.text()?);
    from.bytes()?; // partnerId
    let event_id = from.text()?;
    from.bytes()?; // eventName
    from.long()?; // type
    let user_id = from.text()?;
    rest_of_usage(from)?;
    Ok(SignalView { event_key, event_id, tenant_id, user_id, changes: from.array(change)? })
}

/// Passes over a usage event behind its userId: the fields of [`usage`], in their order.
fn rest_of_usage(from: &mut In<'_>) -> Read<()> {
    from.bytes()?; // sessionId
    from.maybe(|f| f.pass_number())?; // startTime
    from.pass_number()?; // endTime
    from.pass_number()?; // receivedAt
    from.maybe(|f| f.pass_number())?; // clockSkew
    from.bytes()?; // timezone
    from.pass_number()?; // localDate
    pass_object(from)?;
    from.maybe(|f| pass_object(f))?; // parent
    for _id_of_the_scope in 0..4 {
        from.pass_maybe_bytes()?;
    }
    from.pass_number()?; // track
    from.pass_number()?; // pathId
    for _from_path_type_to_additional_context in 0..5 {
        from.pass_maybe_bytes()?;
    }
    from.maybe(|f| f.pass_number())?; // dcaContentId
    from.maybe(|f| f.pass_number())?; // questionCount
    from.pass_maybe_bytes()?; // appId
    from.pass_maybe_bytes()?; // clientSource
    from.maybe(|f| {
        f.pass_number()?; // status
        f.pass_maybe_bytes()?; // questionType
        f.pass_maybe_bytes() // gradingType
    })?;
    from.maybe(|f| {
        f.bytes()?; // raw
        f.bytes()?; // max
        f.pass_number()?; // reason
        f.pass_maybe_bytes() // graderId
    })?;
    from.boolean()?; // withdrawn
    from.maybe(|f| f.pass_number())?; // externalTimeMs
    from.maybe(|f| f.pass_number())?; // reaction
    from.array(|f| f.bytes().map(drop))?; // codes
    from.boolean()?; // isStudent
    from.array(|f| f.bytes().map(drop))?; // flags
    from.array(|f| f.bytes().and_then(|_| f.bytes()).map(drop))?; // extensions
    from.bytes().map(drop) // fingerprint
}

#[inline(always)]
fn pass_object(from: &mut In<'_>) -> Read<()> {
    from.pass_number()?; // kind
    from.bytes()?; // id
    from.pass_maybe_bytes()?; // type
    from.pass_maybe_bytes() // subType
}

#[inline(always)]
fn change<'r>(from: &mut In<'r>) -> Read<Change<'r>> {
    Ok(Change {
        entity: from.choice(Entity::ALL)?,
        metric: from.choice(MetricKind::ALL)?,
        session_id: from.text()?,
        item_id: from.maybe_text()?,
        item_type: from.maybe_text()?,
        resource_id: from.maybe_text()?,
        resource_type: from.maybe_text()?,
        context: context(from)?,
        activity_time: stamp(from)?,
        local_date: LocalDate(from.int()?),
        revision: from.int()?,
        cause: from.choice(Cause::ALL)?,
        before: before(from)?,
        after: {
            let kind = from.choice(MetricKind::ALL)?;
            metric(kind, from)?
        },
    })
}

fn before<'r>(from: &mut In<'r>) -> Read<Option<Metric<'r>>> {
    let branch = usize::try_from(from.long()?).map_err(|_| "a union branch is negative")?;
    let Some(kind) = branch.checked_sub(1) else {
        return Ok(None);
    };
    let kind = MetricKind::ALL.get(kind).copied().ok_or("a union branch is out of range")?;
    metric(kind, from).map(Some)
}

#[inline(always)]
fn context<'r>(from: &mut In<'r>) -> Read<Context<'r>> {
    Ok(Context {
        tenant_id: from.text()?,
        partner_id: from.maybe_text()?,
        class_id: from.maybe_text()?,
        course_id: from.maybe_text()?,
        unit_id: from.maybe_text()?,
        lesson_id: from.maybe_text()?,
        collection_id: from.maybe_text()?,
        collection_type: from.maybe_text()?,
        session_id: from.maybe_text()?,
        attempt: from.maybe_int()?,
        track: from.choice(Track::ALL)?,
        path_id: from.long()?,
        path_type: from.maybe_text()?,
        question_count: from.maybe_int()?,
        content_source: from.maybe_text()?,
        context_collection_id: from.maybe_text()?,
        context_collection_type: from.maybe_text()?,
        additional_context: from.maybe_text()?,
        client_source: from.maybe_text()?,
    })
}

/// A discrete event of one metric without its lineage.
pub(super) fn discrete<'r>(kind: MetricKind, from: &mut In<'r>) -> Read<DiscreteEvent<'r>> {
    Ok(DiscreteEvent {
        event_name: from.text()?,
        de_id: from.uuid()?,
        revision: from.int()?,
        event_id: from.text()?,
        event_key: from.uuid()?,
        activity_time: stamp(from)?,
        local_date: LocalDate(from.int()?),
        cause: from.choice(Cause::ALL)?,
        user_id: from.maybe_text()?,
        resource_id: from.maybe_text()?,
        resource_type: from.maybe_text()?,
        collection_id: from.maybe_text()?,
        collection_type: from.maybe_text()?,
        item_kind: from.maybe(|f| f.choice(&[ObjectKind::Collection, ObjectKind::Assessment]))?,
        code: from.maybe_text()?,
        context: context(from)?,
        result: metric(kind, from)?,
        previous: from.maybe(|f| metric(kind, f))?,
    })
}

fn metric<'r>(kind: MetricKind, from: &mut In<'r>) -> Read<Metric<'r>> {
    Ok(match kind {
        MetricKind::Score => Metric::Score(score_value(from)?),
        MetricKind::Timespent => Metric::Timespent(TimeValue {
            time_spent: from.long()?,
            delta: from.long()?,
            wall_time: from.long()?,
            visits: from.int()?,
        }),
        MetricKind::Reaction => Metric::Reaction(ReactionValue { reaction: from.int()?, count: from.int()? }),
        MetricKind::View => Metric::View(ViewValue { views: from.long()?, delta: from.long()?, items: from.int()? }),
        MetricKind::Competency => Metric::Competency(CompetencyValue {
            status: from.int()?,
            score: from.maybe(In::decimal)?.map(Percent),
            item_id: from.maybe_text()?,
            session_id: from.maybe_text()?,
        }),
    })
}

fn score_value<'r>(from: &mut In<'r>) -> Read<ScoreValue<'r>> {
    Ok(ScoreValue {
        score: from.maybe(In::decimal)?.map(Percent),
        raw: from.maybe(In::decimal)?.map(Points),
        max: from.maybe(In::decimal)?.map(Points),
        graded: from.boolean()?,
        status: from.maybe(|f| f.choice(ScoreStatus::ALL))?,
        latest: from.maybe(In::boolean)?,
        count: from.maybe_int()?,
        codes: from.array(In::text)?,
    })
}
