//! demux against the examples and rules of domain.md §5 and §6.

use da_model::effects::{Effects, Key};
use da_model::event::discrete::{ReactionValue, ScoreStatus, ScoreValue, TimeValue, ViewValue};
use da_model::event::usage::{EventKind, ObjectKind, ObjectRef, Track, UsageName};
use da_model::event::{
    Cause, Change, Context, DiscreteEvent, Entity, Event, ImpactSignal, Metric as Value, MetricKind, UsageEvent,
};
use da_model::fault::Rejection;
use da_model::handler::Handler;
use da_model::identity::event_key;
use da_model::ids::UnitName;
use da_model::outcome::{Outcome, Reason};
use da_model::score::{Percent, Points};
use da_model::state::{Row, RowKey, RowSource, Snapshot};
use da_model::time::{LocalDate, Timestamp};
use da_model::topology::Topology;

use demux::metrics::{METRICS, Metric, edges};
use demux::objects::Object;
use demux::pipeline::{Demux, Input, SOURCE};
use demux::settings::Settings;

const EVENT: &str = "26826e3d-682b-4c41-92ec-333c534526d9";
const LEARNER: &str = "424b1fee-9709-4315-85d9-5954058b4714";
const SESSION: &str = "ec077ad4-aec7-44b1-a8b4-406c0190f12c";
const ITEM: &str = "ee8f6454-f178-4ec7-b609-912fe2e7a724";
const QUESTION: &str = "ceb309b8-8ec1-4b9e-873a-50eaddc1221e";
const DAY: i32 = 20_514;

struct NoRows;

impl RowSource for NoRows {
    fn row(&self, _: &RowKey) -> Option<&Row> {
        None
    }

    fn range(&self, _: &RowKey) -> Vec<(&RowKey, &Row)> {
        Vec::new()
    }
}

/// The question stop of domain.md §2.3 (2).
fn event() -> UsageEvent<'static> {
    let end = Timestamp(1_772_442_050_000);
    let object = |kind, id: &'static str| ObjectRef { kind, id: id.into(), object_type: None, sub_type: None };
    UsageEvent {
        event_key: event_key("t-north", EVENT, "collection.resource.play", "stop"),
        tenant_id: "t-north".into(),
        partner_id: "quizlab".into(),
        event_id: EVENT.into(),
        event_name: UsageName::CollectionResourcePlay,
        kind: EventKind::Stop,
        user_id: LEARNER.into(),
        session_id: SESSION.into(),
        start_time: Some(end.plus(-30_000)),
        end_time: end,
        received_at: end,
        clock_skew: None,
        timezone: "Asia/Jakarta".into(),
        local_date: LocalDate(DAY),
        object: object(ObjectKind::Question, QUESTION),
        parent: Some(object(ObjectKind::Assessment, ITEM)),
        class_id: None,
        course_id: None,
        unit_id: None,
        lesson_id: None,
        track: Track::Main,
        path_id: 0,
        path_type: None,
        content_source: None,
        context_collection_id: None,
        context_collection_type: None,
        additional_context: None,
        dca_content_id: None,
        question_count: None,
        app_id: None,
        client_source: None,
        answer: None,
        score: None,
        withdrawn: false,
        external_time_ms: None,
        reaction: None,
        codes: Vec::new(),
        is_student: true,
        flags: Vec::new(),
        extensions: Vec::new(),
        fingerprint: "f".into(),
    }
}

fn context() -> Context<'static> {
    Context {
        tenant_id: "t-north".into(),
        partner_id: Some("quizlab".into()),
        class_id: Some("126e79e2-e6ca-41d6-a1ad-bc4e10bfa287".into()),
        course_id: Some("d0e414d9-68ed-4851-9ae0-a30dfef64997".into()),
        unit_id: Some("69168fc1-fff7-413d-96fc-df860b1ab892".into()),
        lesson_id: None,
        collection_id: None,
        collection_type: None,
        session_id: Some(SESSION.into()),
        attempt: Some(1),
        track: Track::Main,
        path_id: 0,
        path_type: None,
        question_count: Some(2),
        content_source: Some("coursemap".into()),
        context_collection_id: None,
        context_collection_type: None,
        additional_context: None,
        client_source: Some("mobile".into()),
    }
}

fn item(entity: Entity, revision: i32, before: Option<Value<'static>>, after: Value<'static>) -> Change<'static> {
    Change {
        entity,
        metric: after.kind(),
        session_id: SESSION.into(),
        item_id: Some(ITEM.into()),
        item_type: Some(entity.code().into()),
        resource_id: None,
        resource_type: None,
        context: context(),
        activity_time: Timestamp(1_772_442_050_000),
        local_date: LocalDate(DAY),
        revision,
        cause: Cause::Play,
        before,
        after,
    }
}

fn question(after: Value<'static>) -> Change<'static> {
    let mut change = item(Entity::Question, 1, None, after);
    (change.resource_id, change.resource_type) = (Some(QUESTION.into()), Some("question".into()));
    (change.context.collection_id, change.context.collection_type) = (Some(ITEM.into()), Some("assessment".into()));
    change
}

fn time(before: i64, after: i64) -> Value<'static> {
    Value::Timespent(TimeValue { time_spent: after, delta: after - before, wall_time: after, visits: 1 })
}

fn score(raw: i64, max: i64) -> Value<'static> {
    let (raw, max) = (Points::whole(raw), Points::whole(max));
    let (percent, latest) = (Percent::of(raw, max), Some(true));
    let (raw, max) = (Some(raw), Some(max));
    Value::Score(ScoreValue { score: percent, raw, max, graded: true, latest, ..ScoreValue::default() })
}

/// The record of domain.md §4.2.
fn signal() -> ImpactSignal<'static> {
    let changes = vec![
        question(time(0, 30_000)),
        question(score(0, 1)),
        item(Entity::Assessment, 2, Some(time(0, 20_000)), time(20_000, 50_000)),
        item(Entity::Assessment, 2, Some(score(1, 1)), score(1, 2)),
    ];
    ImpactSignal { event: event(), changes }
}

fn decided(demux: &Demux, signal: ImpactSignal<'static>, only: Option<UnitName>) -> Effects<'static> {
    let input = Input { signal: signal.into(), only };
    assert!(demux.reads(&input).is_empty());
    demux.decide(&input, &Snapshot::new(&[], &NoRows)).expect("no signal is refused as a whole")
}

fn said(effects: &Effects<'static>) -> Vec<(&'static str, DiscreteEvent<'static>)> {
    let discrete = |event: &Event<'static>| {
        let Event::Discrete(de) = event else { unreachable!("demux says discrete events only") };
        (**de).clone()
    };
    effects.emits.iter().map(|emit| (emit.topic.0, discrete(&emit.event))).collect()
}

fn id_of_one(change: Change<'static>) -> String {
    let effects = decided(&Demux::default(), ImpactSignal { event: event(), changes: vec![change] }, None);
    assert!(effects.refused.is_empty(), "{:?}", effects.refused);
    said(&effects).first().map(|(_, de)| de.de_id.to_string()).unwrap_or_default()
}

#[test]
fn the_signal_of_the_domain_becomes_four_events_in_its_order() {
    let effects = decided(&Demux::default(), signal(), None);
    let said = said(&effects);
    let topics: Vec<&str> = said.iter().map(|(topic, _)| *topic).collect();
    let expected =
        ["demux.question.timespent", "demux.question.score", "demux.assessment.timespent", "demux.assessment.score"];
    assert_eq!(topics, expected);
    assert_eq!(effects.outcome, Outcome::Applied);
    assert!(effects.emits.iter().all(|emit| emit.key == Key::Inherited));
    let Some((_, de)) = said.get(3) else { unreachable!("four were said") };
    assert_eq!(de.event_name, "usage.assessment.score");
    assert_eq!(de.event_key.to_string(), "ea24c629-7c90-5663-a697-4dbe2bbc81da");
    assert_eq!((de.event_id.as_ref(), de.revision), (EVENT, 2));
    assert_eq!((de.collection_id.as_deref(), de.resource_id.as_deref()), (Some(ITEM), None));
    assert_eq!((&de.result, &de.previous), (&score(1, 2), &Some(score(1, 1))));
    assert_eq!(de.context, context());
}

#[test]
fn a_resource_level_event_names_the_resource_and_keeps_the_item_in_its_context() {
    let effects = decided(&Demux::default(), signal(), None);
    let said = said(&effects);
    let Some((_, de)) = said.first() else { unreachable!("four were said") };
    assert_eq!((de.resource_id.as_deref(), de.resource_type.as_deref()), (Some(QUESTION), Some("question")));
    assert_eq!((&de.collection_id, &de.collection_type, &de.item_kind), (&None, &None, &None));
    assert_eq!(de.context.collection_id.as_deref(), Some(ITEM));
}

#[test]
fn ids_are_those_of_the_domain() {
    let test = Entity::Assessment;
    let of_time = id_of_one(item(test, 2, Some(time(0, 20_000)), time(20_000, 50_000)));
    assert_eq!(of_time, "7a0c939c-7452-5016-bc8e-8d5a43407b91");
    assert_eq!(id_of_one(item(test, 2, Some(score(1, 1)), score(1, 2))), "3ee71aae-f246-56cb-8415-32d62a27017f");
    let view = Value::View(ViewValue { views: 1, delta: 1, items: 1 });
    assert_eq!(id_of_one(item(test, 1, None, view)), "2f67f593-2073-5c79-9b66-924dbcb12035");
    let mut reaction = item(Entity::Collection, 3, None, Value::Reaction(ReactionValue { reaction: 4, count: 2 }));
    reaction.session_id = "dd9eb009-40f7-4ae5-9789-8e6e4f990940".into();
    reaction.item_id = Some("e4a8e902-76fc-4fd7-abcb-b9cda4dbb9a7".into());
    assert_eq!(id_of_one(reaction), "137fa5ea-2d07-52bf-a08d-5159df9684f2");
}

#[test]
fn the_score_of_a_collection_is_keyed_by_its_scope_and_not_by_the_session() {
    let one = id_of_one(item(Entity::Collection, 1, None, score(3, 4)));
    let mut other_session = item(Entity::Collection, 1, None, score(3, 4));
    other_session.session_id = "s2".into();
    assert_eq!(id_of_one(other_session), one);
    let mut other_path = item(Entity::Collection, 1, None, score(3, 4));
    (other_path.context.track, other_path.context.path_id) = (Track::Path, 7);
    assert_ne!(id_of_one(other_path), one);
    let parts = [
        "usage.collection.score",
        "t-north",
        LEARNER,
        ITEM,
        "126e79e2-e6ca-41d6-a1ad-bc4e10bfa287",
        "d0e414d9-68ed-4851-9ae0-a30dfef64997",
        "69168fc1-fff7-413d-96fc-df860b1ab892",
        "",
        "main",
        "0",
        "1",
    ];
    assert_eq!(da_model::identity::id_of(&parts).to_string(), one);
}

/// Fails on answers of questions alone.
struct Failing;

impl Metric for Failing {
    fn name(&self) -> &'static str {
        "score"
    }

    fn kind(&self) -> MetricKind {
        MetricKind::Score
    }

    fn objects(&self) -> &'static [Object] {
        METRICS.iter().find(|metric| metric.name() == "score").map_or(&[], |metric| metric.objects())
    }

    fn check(&self, change: &Change<'_>) -> Result<(), Rejection> {
        match change.entity {
            Entity::Question => Err(Rejection::new(Reason::HandlerFailed, "made to fail")),
            Entity::Assessment => unreachable!("made to panic"),
            Entity::Resource | Entity::Collection => Ok(()),
        }
    }
}

#[test]
fn b13_a_failing_or_panicking_metric_costs_its_own_events_alone() {
    static FAILING: Failing = Failing;
    let others = METRICS.iter().copied().filter(|metric| metric.name() != "score");
    let demux = Demux::of(others.chain([&FAILING as &'static dyn Metric]).collect());
    let effects = decided(&demux, signal(), None);
    let topics: Vec<&str> = effects.emits.iter().map(|emit| emit.topic.0).collect();
    assert_eq!(topics, ["demux.question.timespent", "demux.assessment.timespent"]);
    let refused: Vec<(&str, Reason)> = effects.refused.iter().map(|(unit, r)| (unit.0, r.reason)).collect();
    assert_eq!(refused, [("score", Reason::HandlerFailed), ("score", Reason::HandlerFailed)]);
}

#[test]
fn a_change_that_contradicts_itself_is_refused() {
    let mut wrong_delta = item(Entity::Assessment, 2, Some(time(0, 20_000)), time(0, 50_000));
    let mut wrong_percent = item(Entity::Assessment, 1, None, score(1, 2));
    if let Value::Score(value) = &mut wrong_percent.after {
        value.score = Some(Percent(5001));
    }
    let half = ScoreValue { raw: Some(Points::ONE), ..ScoreValue::default() };
    let wrong_reaction = item(Entity::Collection, 1, None, Value::Reaction(ReactionValue { reaction: 0, count: 1 }));
    let no_object = item(Entity::Resource, 1, None, score(1, 2));
    wrong_delta.context.session_id = None;
    let changes = vec![
        wrong_delta,
        wrong_percent,
        item(Entity::Assessment, 1, None, Value::Score(half)),
        wrong_reaction,
        no_object,
    ];
    let effects = decided(&Demux::default(), ImpactSignal { event: event(), changes }, None);
    assert!(effects.emits.is_empty());
    let units: Vec<&str> = effects.refused.iter().map(|(unit, _)| unit.0).collect();
    assert_eq!(units, ["timespent", "score", "score", "reaction", "score"]);
}

#[test]
fn null_scores_pass_as_null() {
    let withdrawn = ScoreValue { status: Some(ScoreStatus::Withdrawn), latest: Some(false), ..ScoreValue::default() };
    let change = item(Entity::Assessment, 2, Some(score(1, 2)), Value::Score(withdrawn.clone()));
    let effects = decided(&Demux::default(), ImpactSignal { event: event(), changes: vec![change] }, None);
    assert_eq!(said(&effects).first().map(|(_, de)| de.result.clone()), Some(Value::Score(withdrawn)));
}

#[test]
fn a_redriven_record_concerns_its_metric_alone() {
    let effects = decided(&Demux::default(), signal(), Some(UnitName("score")));
    let topics: Vec<&str> = effects.emits.iter().map(|emit| emit.topic.0).collect();
    assert_eq!(topics, ["demux.question.score", "demux.assessment.score"]);
}

#[test]
fn a_signal_without_changes_has_no_effect() {
    let effects = decided(&Demux::default(), ImpactSignal { event: event(), changes: Vec::new() }, None);
    assert_eq!((effects.outcome, effects.emits.len(), effects.writes.len()), (Outcome::Ignored, 0, 0));
}

#[test]
fn every_fed_topic_of_demux_comes_from_one_metric_named_as_it_says() {
    let ways = edges(METRICS);
    let usage = |schema: &str| schema.starts_with("de.") && schema != "de.system";
    let listed = da_model::topics::all().iter().filter(|t| t.name.starts_with("demux.") && usage(&t.schema));
    for topic in listed {
        let units: Vec<&str> = ways.iter().filter(|edge| edge.to.0 == topic.name).map(|edge| edge.unit.0).collect();
        assert_eq!(units.len(), 1, "{}", topic.name);
        assert!(topic.name.ends_with(&format!(".{}", units.concat())), "{}", topic.name);
    }
    assert_eq!(ways.len(), 13);
    assert_eq!(Topology::new(ways, &[SOURCE]).cycle(), None);
}

#[test]
fn settings_choose_metrics_and_name_an_unknown_one() {
    let chosen = Settings { metrics: Some(vec!["view".to_owned(), "score".to_owned()]) }.chosen();
    let names: Vec<&str> = chosen.iter().flatten().map(|metric| metric.name()).collect();
    assert_eq!(names, ["score", "view"]);
    assert_eq!(Settings { metrics: Some(vec!["scores".to_owned()]) }.chosen().err().as_deref(), Some("scores"));
    let demux = Demux::of(Settings { metrics: Some(vec!["view".to_owned()]) }.chosen().unwrap_or_default());
    assert!(decided(&demux, signal(), None).refused.is_empty());
}
