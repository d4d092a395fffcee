//! Short ways to say what goes in and what came out.

use da_model::event::{Event, RejectedEvent, SystemEvent, UsageEvent};
use da_model::outcome::Verdict;
use da_model::time::Timestamp;
use gep::intake::{
    AnonymousPolicy, BodyForm, Element, Intake, IntakeEmit, Limits, Origin, Partner, VerdictLine, split_body, take_in,
};

/// 2026-03-02T09:00:00Z
pub(crate) const T0: i64 = 1_772_442_000_000;

pub(crate) fn north() -> Partner {
    Partner {
        tenant: "t-north".to_owned(),
        tenants: vec!["t-south".to_owned()],
        partner: "quizlab".to_owned(),
        adapter: "gooru",
        anonymous: AnonymousPolicy::Reject,
        allow_extensions: false,
    }
}

pub(crate) fn native() -> Partner {
    Partner { adapter: "native", ..north() }
}

pub(crate) fn http() -> Origin {
    Origin::Http { request_id: "r-1".to_owned() }
}

/// Judges a body as it would be received at `at`.
pub(crate) fn judged<'b>(body: &'b [u8], partner: &Partner, at: i64) -> Intake<'b> {
    let limits = Limits::default();
    let elements = split_body(body, BodyForm::Json, &limits).unwrap();
    take_in(&elements, partner, Timestamp(at), &http(), &limits)
}

pub(crate) fn taken(body: &str) -> Intake<'_> {
    judged(body.as_bytes(), &north(), T0 + 3_900_000)
}

/// The one usage event of a body that must be accepted.
pub(crate) fn usage(body: &str) -> UsageEvent<'_> {
    usage_at(body, T0 + 3_900_000)
}

pub(crate) fn usage_at(body: &str, at: i64) -> UsageEvent<'_> {
    let intake = judged(body.as_bytes(), &north(), at);
    assert_eq!(intake.verdicts[0].reasons, [], "{body}");
    assert_eq!(intake.emits.len(), 1);
    as_usage(intake.emits.into_iter().next().unwrap())
}

pub(crate) fn as_usage(emit: IntakeEmit<'_>) -> UsageEvent<'_> {
    let Event::Usage(event) = emit.event else { panic!("no usage event: {:?}", emit.event) };
    *event
}

pub(crate) fn as_system(emit: IntakeEmit<'_>) -> SystemEvent<'_> {
    let Event::System(event) = emit.event else { panic!("no system event: {:?}", emit.event) };
    *event
}

pub(crate) fn as_rejected(emit: IntakeEmit<'_>) -> RejectedEvent<'_> {
    let Event::Rejected(event) = emit.event else { panic!("not rejected: {:?}", emit.event) };
    *event
}

/// Codes and paths of a verdict.
pub(crate) fn reasons(line: &VerdictLine) -> Vec<(&'static str, &str)> {
    line.reasons.iter().map(|r| (r.reason.code(), r.path.as_str())).collect()
}

/// The refusals of a body with one element.
#[track_caller]
pub(crate) fn refused(body: &str, expected: &[(&str, &str)]) {
    refused_by(body, &north(), expected);
}

#[track_caller]
pub(crate) fn refused_by(body: &str, partner: &Partner, expected: &[(&str, &str)]) {
    let intake = judged(body.as_bytes(), partner, T0 + 3_900_000);
    assert_eq!(reasons(&intake.verdicts[0]), expected, "{body}");
    assert_eq!(intake.verdicts[0].verdict, Verdict::Rejected);
    let record = as_rejected(intake.emits.into_iter().next().unwrap());
    assert_eq!(record.reasons, intake.verdicts[0].reasons);
}

pub(crate) fn flags(line: &VerdictLine) -> Vec<&'static str> {
    line.flags.iter().map(|f| f.code()).collect()
}

/// Judges elements as they stand, past the splitting of a body.
pub(crate) fn element(bytes: &[u8]) -> VerdictLine {
    let limits = Limits::default();
    let intake = take_in(&[Element::new(bytes)], &north(), Timestamp(T0), &http(), &limits);
    intake.verdicts.into_iter().next().unwrap()
}

/// A question's stop with fields replaced: `change` maps a fragment to another.
pub(crate) fn question(changes: &[(&str, &str)]) -> String {
    changed(
        r#"{"eventId":"e1","eventName":"collection.resource.play","startTime":1772442000000,"endTime":1772442030000,"timezone":"UTC","session":{"sessionId":"s1"},"user":{"gooruUId":"A"},"context":{"type":"stop","contentGooruId":"q1","parentGooruId":"a1","collectionType":"assessment","resourceType":"question","classGooruId":"k1","courseGooruId":"c1","unitGooruId":"u1","lessonGooruId":"l1","pathId":0,"contentSource":"coursemap"},"payLoadObject":{"questionType":"MC","attemptStatus":"correct","isStudent":true}}"#,
        changes,
    )
}

/// The stop of an external assessment.
pub(crate) fn external(metrics: &str) -> String {
    format!(
        r#"{{"eventId":"x","eventName":"collection.play","startTime":{T0},"endTime":{},"session":{{"sessionId":"s1"}},"user":{{"gooruUId":"A"}},"metrics":{metrics},"context":{{"type":"stop","contentGooruId":"x1","collectionType":"assessment-external"}}}}"#,
        T0 + 900_000
    )
}

/// A grading event in the envelope.
pub(crate) fn grading(name: &str, payload: &str) -> String {
    format!(
        r#"{{"eventId":"g","eventName":"{name}","startTime":{T0},"endTime":{T0},"session":{{"sessionId":"s1"}},"user":{{"gooruUId":"A"}},"context":{{"contentGooruId":"q1","parentGooruId":"a1","collectionType":"assessment"}},"payLoadObject":{payload}}}"#
    )
}

pub(crate) fn reaction(kind: &str) -> String {
    format!(
        r#"{{"eventId":"e","eventName":"reaction.create","startTime":{T0},"endTime":{T0},"session":{{"sessionId":"s1"}},"user":{{"gooruUId":"A"}},"context":{{"contentGooruId":"r1","parentGooruId":"a1","reactionType":{kind}}}}}"#
    )
}

pub(crate) fn changed(base: &str, changes: &[(&str, &str)]) -> String {
    let mut text = base.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{from} is not in the fixture");
        text = text.replacen(from, to, 1);
    }
    text
}
