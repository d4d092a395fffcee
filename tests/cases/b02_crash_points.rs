//! B2 crash_between_dedupe_and_output: A1 with crashes at every probe point of either form, once and twice in a row.

use std::sync::{Arc, Mutex};

use da_runtime::ports::Append;
use da_runtime::probe::{Crash, Probe, Step};
use tests::line::{self, Line};
use tests::lineup::Lineup;
use tests::rounds::{Rounds, recorded};
use tests::stack::{Form, Logged, Stack};
use tests::{laws, tables};

use super::a01_full_session::{expected, input};

/// Crashes at one step, after letting it pass a few times, as often as it is told before it is quiet again.
#[derive(Default)]
struct Fuse(Mutex<State>);

#[derive(Default)]
struct State {
    step: Option<Step>,
    pass: usize,
    left: usize,
    fired: usize,
}

impl Fuse {
    fn at(step: Step) -> Self {
        let this = Self::default();
        this.aim(Some(step));
        this
    }

    fn aim(&self, step: Option<Step>) {
        self.0.lock().unwrap().step = step;
    }

    fn arm(&self, pass: usize, left: usize) {
        let mut state = self.0.lock().unwrap();
        (state.pass, state.left) = (pass, left);
    }

    fn fired(&self) -> usize {
        self.0.lock().unwrap().fired
    }
}

impl Probe for Fuse {
    fn at(&self, step: Step) -> Result<(), Crash> {
        let mut state = self.0.lock().unwrap();
        if Some(step) != state.step || state.left == 0 {
            return Ok(());
        }
        if state.pass > 0 {
            state.pass -= 1;
            return Ok(());
        }
        state.left -= 1;
        state.fired += 1;
        Err(Crash(step))
    }
}

fn lines(log: &[Logged]) -> Vec<Line> {
    laws::hold(log);
    log.iter().filter_map(Logged::discrete).map(|de| Line::of(&de)).collect()
}

fn ids(log: &[Logged]) -> Vec<String> {
    let mut ids: Vec<String> = log.iter().filter_map(Logged::discrete).map(|de| de.de_id.to_string()).collect();
    ids.sort();
    ids
}

/// Sends a record until it is acknowledged: where nobody was told, the process died, starts again, and the client
/// sends the same again.
fn send(rounds: &mut Rounds, record: &Append) {
    loop {
        let mut receipt = rounds.append(vec![record.clone()]);
        rounds.round();
        if matches!(receipt.try_recv(), Ok(Ok(_))) {
            return;
        }
        rounds.open();
    }
}

#[test]
fn b02_no_crash_changes_the_outcome() {
    let stack = Stack::start();
    stack.play(&input());
    let calm = stack.log();
    let accepted = recorded(&calm, "gep.accepted");
    assert_eq!(accepted.len(), 22);
    let mut fired = Vec::new();
    for (turn, step) in Step::ALL.iter().flat_map(|step| [*step, *step]).enumerate() {
        let times = turn % 2 + 1;
        let fuse = Arc::new(Fuse::at(step));
        let mut rounds = Rounds::new(Arc::clone(&fuse) as _);
        for (n, record) in accepted.iter().enumerate() {
            // Starting anew takes most of the time of this test: each turn crashes at another third of the events, and
            // at steps that every stage takes, at another stage.
            let several = matches!(step, Step::AfterReads | Step::AfterState);
            fuse.arm(if several { n % 5 } else { 0 }, if (n + turn) % 3 == 0 { times } else { 0 });
            send(&mut rounds, record);
        }
        fuse.arm(0, 0);
        fired.push(fuse.fired());
        rounds.drain();
        let log = rounds.log();
        let what = format!("{step:?} {times} times");
        line::expect_exactly(&lines(&log), &expected());
        assert_eq!(ids(&log), ids(&calm), "{what}");
        assert_eq!(tables::difference(&tables::whole(&rounds.file()), &stack.whole_tables()), "", "{what}");
    }
    assert!(fired.iter().all(|n| *n >= 3), "crashes per turn: {fired:?}");
}

/// Appends a record and lets everything come to rest; how many crashed on the way.
fn come_to_rest(lineup: &mut Lineup, record: &Append) -> usize {
    lineup.append(vec![record.clone()]);
    lineup.drain().unwrap()
}

#[test]
fn b02_no_crash_of_a_cluster_changes_the_outcome() {
    if !Form::Cluster.at_hand("b02_no_crash_of_a_cluster_changes_the_outcome") {
        return;
    }
    let stack = Form::Cluster.start();
    stack.play(&input());
    let calm = stack.log();
    let accepted = recorded(&calm, "gep.accepted");
    let fuse = Arc::new(Fuse::default());
    let mut lineup = Lineup::new(Arc::clone(&fuse) as _);
    assert_eq!(come_to_rest(&mut lineup, &accepted[0]), 0);
    let mut steps = Step::KAFKA.iter().chain(Step::SQL);
    for question in accepted[1..].chunks(2) {
        let step = steps.next().copied();
        fuse.aim(step);
        // The first worker that comes there dies once, at the question's start; the next one twice, at its stop.
        let alone = matches!(step, Some(Step::Fetched | Step::BeforeTransaction | Step::BeforeForget));
        let mut crashes = 0;
        for (record, (pass, left)) in question.iter().zip([(0, 1), (usize::from(!alone), 2)]) {
            fuse.arm(pass, left);
            crashes += come_to_rest(&mut lineup, record);
            fuse.arm(0, 0);
        }
        // A batch that was committed never comes there again.
        let before = [Step::Fetched, Step::BeforeTransaction, Step::AfterSends, Step::AfterOffsets, Step::StoreCommit];
        let least = if step.is_some_and(|step| before.contains(&step)) { 3 } else { 2 };
        assert!(step.is_none() || (least..=3).contains(&crashes), "{step:?}: {crashes}");
    }
    let log = lineup.log();
    line::expect_exactly(&lines(&log), &expected());
    assert_eq!(ids(&log), ids(&calm));
    assert_eq!(tables::difference(&tables::whole(lineup.tables()), &stack.whole_tables()), "");
}
