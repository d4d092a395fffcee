//! B14 chain_loop_refused: a processor that closes a loop is refused at start; unchecked, its chains end at hop 16.

use std::sync::Arc;

use da_model::effects::{Emit, Key};
use da_model::event::{DiscreteEvent, Event, Metric};
use da_model::fault::Rejection;
use da_model::ids::{TopicName, UnitName};
use da_model::outcome::Reason;
use da_model::score::{Percent, Points};
use da_model::state::{RowKey, Snapshot, Table};
use da_model::topology::{Flaw, Topology};
use da_runtime::driver::{DriverOptions, stage};
use da_runtime::probe::Silent;
use dep::pipeline::Dep;
use dep::processors::{Decision, Link, PROCESSORS, Processor, edges};
use tests::lineup::Lineup;
use tests::rounds::{Rounds, recorded};
use tests::stack::{Form, Logged};

both! { b14_unchecked_a_chain_ends_at_hop_16, b14_unchecked_nobody_writes_a_foreign_topic }

const LESSON: TopicName = TopicName("dep.lesson.score");
const UNIT: TopicName = TopicName("dep.unit.score");
const SESSION: TopicName = TopicName("demux.assessment.score");

/// lesson.score → assessment.score: says the lesson's score as a new result of the session.
struct Loop;

/// unit.score → lesson.score: the same within the topics that dep may write.
struct Inner;

impl Processor for Loop {
    fn name(&self) -> &'static str {
        "loop"
    }

    fn links(&self) -> &'static [Link] {
        &[Link { consumes: LESSON, emits: &[SESSION] }]
    }

    fn tables(&self) -> &'static [&'static Table] {
        &[]
    }

    fn reads(&self, _: &DiscreteEvent<'_>) -> Vec<RowKey> {
        Vec::new()
    }

    fn decide<'r>(&self, de: &DiscreteEvent<'r>, _: &Snapshot<'_>) -> Result<Decision<'r>, Rejection> {
        let mut back = again(de, "usage.assessment.score");
        (back.collection_id, back.context.session_id) = (Some("a1".into()), Some("s1".into()));
        Ok(says(SESSION, back))
    }
}

impl Processor for Inner {
    fn name(&self) -> &'static str {
        "inner"
    }

    fn links(&self) -> &'static [Link] {
        &[Link { consumes: UNIT, emits: &[LESSON] }]
    }

    fn tables(&self) -> &'static [&'static Table] {
        &[]
    }

    fn reads(&self, _: &DiscreteEvent<'_>) -> Vec<RowKey> {
        Vec::new()
    }

    fn decide<'r>(&self, de: &DiscreteEvent<'r>, _: &Snapshot<'_>) -> Result<Decision<'r>, Rejection> {
        let mut back = again(de, "usage.lesson.score");
        back.context.lesson_id = Some("l1".into());
        Ok(says(LESSON, back))
    }
}

/// The next revision of another object, with another value each time, so that the loop feeds itself.
fn again<'r>(de: &DiscreteEvent<'r>, name: &'static str) -> DiscreteEvent<'r> {
    let mut back = de.clone();
    back.event_name = name.into();
    back.revision += 1;
    if let Metric::Score(score) = &mut back.result {
        let (raw, max) = (Points::whole(i64::from(50 + back.revision)), Points::whole(100));
        (score.score, score.raw, score.max) = (Percent::of(raw, max), Some(raw), Some(max));
        score.latest = Some(true);
    }
    back
}

fn says(topic: TopicName, de: DiscreteEvent<'_>) -> Decision<'_> {
    let event = Event::Discrete(Box::new(de));
    Decision {
        emits: vec![Emit { unit: UnitName("loop"), topic, key: Key::Inherited, event, depth: 0 }],
        ..Decision::default()
    }
}

fn with(more: &'static dyn Processor) -> Vec<&'static dyn Processor> {
    let mut all = PROCESSORS.to_vec();
    all.push(more);
    all
}

fn cycle(processors: &[&'static dyn Processor]) -> String {
    let topology = Topology::new(edges(processors).0, &[]);
    let cycle = topology.flaws().into_iter().find(|flaw| matches!(flaw, Flaw::Cycle(_)));
    cycle.expect("a cycle").to_string()
}

#[test]
fn b14_the_cycle_is_named() {
    let told = cycle(&with(&Loop));
    for name in [LESSON.0, SESSION.0, "loop", "lesson_score"] {
        assert!(told.contains(name), "{told}");
    }
    assert!(cycle(&with(&Inner)).contains("inner"));
}

/// Runs A1's short sister through the product's stages with one processor more and no check at start: what was said,
/// and whether nothing stopped.
fn unchecked(form: Form, more: &'static dyn Processor) -> (Vec<Logged>, bool) {
    let stack = form.start();
    stack.play("q(s1,a1,q1)=correct 0–10\nstop(s1,a1)@11");
    let accepted = recorded(&stack.log(), "gep.accepted");
    let dep = move |options: &DriverOptions| stage(Dep::of("dep", with(more)), options.clone());
    match form {
        Form::Embedded => {
            let mut rounds = Rounds::new(Arc::new(Silent));
            let options = DriverOptions::new(rounds.clock() as _);
            let at = rounds.stages().iter().position(|s| s.name() == "dep").unwrap();
            rounds.stages()[at] = dep(&options);
            drop(rounds.append(accepted));
            let fine = (0..100).map(|_| rounds.round()).fold(true, |fine, round| fine & round);
            (rounds.log(), fine)
        }
        Form::Cluster | Form::Secured => {
            let mut lineup = Lineup::new(Arc::new(Silent)).with("dep", Box::new(dep));
            lineup.append(accepted);
            let fine = lineup.drain().is_ok();
            (lineup.log(), fine)
        }
    }
}

fn b14_unchecked_a_chain_ends_at_hop_16(form: Form) {
    let (log, fine) = unchecked(form, &Inner);
    assert!(fine);
    assert_eq!(log.iter().map(|l| l.read().0.hop).max(), Some(16));
    let dead: Vec<_> = log.iter().filter(|l| l.topic == "dep.dead").map(Logged::dead).collect();
    assert!(dead.iter().all(|d| d.rejection.reason == Reason::HopLimit), "{dead:?}");
    assert_eq!(dead.len(), 1, "one per chain: {dead:?}");
}

fn b14_unchecked_nobody_writes_a_foreign_topic(form: Form) {
    let (log, fine) = unchecked(form, &Loop);
    assert!(!fine, "the Driver refuses an emission that was not declared");
    assert!(log.iter().all(|l| l.read().0.hop <= 16));
}
