//! The loop of one worker over a consumer group: step, show, back off, and the ordered end.
//!
//! Place: run by `worker` on a thread of its own, for every protocol over a group. Decides nothing about events and
//! commits nothing itself; while it rests the member stays in its group.

use std::sync::Arc;
use std::time::Duration;

use da_model::delivery::retry::{Reaction, reaction};
use da_model::fault::Fault;
use da_model::time::Timestamp;

use crate::commit::GroupProtocol;
use crate::commit::board::Board;
use crate::commit::status::{Lag, Status, Tally};
use crate::driver::{Stage, Stepped};
use crate::ports::Clock;
use crate::stop::{Phase, Stop};

/// The longest rest without a look at the stop.
const SLICE: Duration = Duration::from_millis(100);
/// The rest after a refused generation: the group is about to tell what changed.
const FENCED: Duration = Duration::from_millis(25);
/// A group has long told what changed when it has refused so often in a row.
const OFTEN: u32 = 20;
/// Between two looks at the lags, ms.
const SHOW_MS: i64 = 200;

/// A stage over a group, ready to run.
pub struct Group {
    stage: Box<dyn Stage>,
    protocol: Box<dyn GroupProtocol>,
    board: Board,
    clock: Arc<dyn Clock>,
    shown: Option<Timestamp>,
}

impl Group {
    /// Shows what it does on `board`.
    #[must_use]
    pub fn new(stage: Box<dyn Stage>, protocol: Box<dyn GroupProtocol>, board: Board, clock: Arc<dyn Clock>) -> Self {
        Self { stage, protocol, board, clock, shown: None }
    }

    /// The group's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.stage.name()
    }

    /// Steps until the stop reaches [`Phase::Draining`], then leaves the group.
    ///
    /// # Errors
    /// The [`Fault`] that ends the process, or that left the last batch undone.
    pub fn run(&mut self, stop: &Stop) -> Result<(), Fault> {
        self.board.status().alive = self.clock.now();
        let ended = self.steps(stop);
        let closed = self.protocol.close();
        self.board.status().lags.clear();
        ended.and(closed)
    }

    fn steps(&mut self, stop: &Stop) -> Result<(), Fault> {
        let mut attempts = 0;
        while !stop.is(Phase::Draining) {
            match self.step() {
                Ok(_) => attempts = 0,
                // The group has gone on without us: others do what was left undone.
                Err(Fault::Fenced(_)) if stop.is(Phase::Draining) => return Ok(()),
                Err(fault) if stop.is(Phase::Draining) => return Err(fault),
                Err(fault) => {
                    self.react(fault, attempts, stop)?;
                    attempts += 1;
                }
            }
        }
        Ok(())
    }

    /// One step, also for tests.
    ///
    /// # Errors
    /// A [`Fault`]; nothing of the batch stands, unless its outcome is in doubt: then the next step finds out.
    pub fn step(&mut self) -> Result<Stepped, Fault> {
        let stepped = self.stage.step(&mut *self.protocol, usize::MAX)?;
        self.show(&stepped);
        Ok(stepped)
    }

    /// Rests as long as the fault asks for, polling on with all partitions paused.
    fn react(&mut self, fault: Fault, attempts: u32, stop: &Stop) -> Result<(), Fault> {
        let mut left = match reaction(&fault, attempts) {
            Reaction::Again { after_ms } => Duration::from_millis(after_ms + self.jitter(after_ms)),
            Reaction::Forget => FENCED,
            Reaction::Split | Reaction::Stop => return Err(fault),
        };
        let mut status = self.board.status();
        status.failed_rounds += 1;
        self.tally(&mut status);
        let text = |when: bool| when.then(|| fault.to_string());
        status.fault = text(matches!(fault, Fault::Transient(_)));
        status.refusal = text(matches!(fault, Fault::Fenced(_)) && attempts >= OFTEN);
        drop(status);
        while !left.is_zero() && !stop.is(Phase::Draining) {
            let slice = left.min(SLICE);
            match self.protocol.rest(slice) {
                Err(fault @ Fault::Fatal(_)) => return Err(fault),
                Ok(()) | Err(Fault::Transient(_) | Fault::Refused(_) | Fault::Fenced(_)) => {}
            }
            self.board.status().alive = self.clock.now();
            left = left.saturating_sub(slice);
        }
        Ok(())
    }

    /// Up to a quarter, so that workers that failed together do not come back together.
    fn jitter(&self, ms: u64) -> u64 {
        self.clock.now().0.unsigned_abs() % (ms / 4 + 1)
    }

    fn show(&mut self, stepped: &Stepped) {
        let now = self.clock.now();
        let due = self.shown.is_none_or(|at| now.since(at).abs() >= SHOW_MS);
        let lags = due.then(|| self.lags(now));
        let mut status = self.board.status();
        status.alive = now;
        (status.fault, status.refusal) = (None, None);
        self.tally(&mut status);
        if stepped.records > 0 {
            status.counts.entry(self.stage.name()).or_default().add(&stepped.counts);
            status.rounds += 1;
        }
        if let Some(lags) = lags {
            status.lags = lags;
            self.shown = Some(now);
        }
    }

    fn tally(&self, status: &mut Status) {
        let shown = status.tallies.entry(self.stage.name()).or_default();
        let tally = self.protocol.tally();
        let since = shown.owed_since.unwrap_or_else(|| self.clock.now());
        *shown = Tally { owed_since: (tally.owed > 0).then_some(since), ..tally };
    }

    fn lags(&self, now: Timestamp) -> Vec<Lag> {
        let before = self.board.status().lags.clone();
        let lag = |(at, next, end)| {
            let stood = before.iter().find(|l| l.at == at && l.next == next && next < end);
            let progress = stood.map_or(now, |l| l.progress);
            let (stalled, waits) = (self.stage.stalled().contains(&at), self.stage.waits(at));
            let oldest = if next < end { self.protocol.oldest(at) } else { None };
            Lag { group: self.stage.name(), at, next, end, progress, stalled, waits, oldest }
        };
        self.protocol.stands().into_iter().map(lag).collect()
    }
}

impl std::fmt::Debug for Group {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Group").field("name", &self.name()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;
    use std::sync::Mutex;

    use da_model::fault::Cause;
    use da_model::ids::{Offset, Partition, TopicName, TopicPartition};
    use da_model::state::RowKey;

    use crate::batch::Rows;
    use crate::clock::ManualClock;
    use crate::commit::status::Counts;
    use crate::commit::{Ask, Polled, Protocol, Work};

    /// What the protocol was asked for.
    type Asked = Arc<Mutex<Vec<String>>>;
    /// One result per step; then the stop, and what goes wrong in the step that it meets.
    type Steps = VecDeque<Result<Stepped, Fault>>;

    struct Scripted(Steps, Stop, Option<Fault>);

    impl Stage for Scripted {
        fn name(&self) -> &'static str {
            "demux"
        }

        fn topics(&self) -> &[TopicName] {
            &[]
        }

        fn stalled(&self) -> &[TopicPartition] {
            &[]
        }

        fn waits(&self, _: TopicPartition) -> bool {
            false
        }

        fn step(&mut self, _: &mut dyn Protocol, _: usize) -> Result<Stepped, Fault> {
            self.0.pop_front().unwrap_or_else(|| {
                self.1.raise(Phase::Draining);
                self.2.take().map_or(Ok(Stepped::default()), Err)
            })
        }
    }

    struct Quiet(Asked, Option<Fault>);

    impl Protocol for Quiet {
        fn partitions(&self, _: TopicName) -> u32 {
            1
        }

        fn poll(&mut self, _: Ask<'_>) -> Result<Polled, Fault> {
            Ok(Polled::default())
        }

        fn begin(&mut self, _: &[RowKey]) -> Result<Rows, Fault> {
            Ok(Rows::default())
        }

        fn commit(&mut self, _: Work) -> Result<(), Fault> {
            Ok(())
        }

        fn abandon(&mut self) {}
    }

    impl GroupProtocol for Quiet {
        fn rest(&mut self, wait: Duration) -> Result<(), Fault> {
            self.0.lock().unwrap().push(format!("rest {}", wait.as_millis()));
            self.1.take().map_or(Ok(()), Err)
        }

        fn tally(&self) -> Tally {
            Tally { suspects: 2, owed: 1, ..Tally::default() }
        }

        fn oldest(&self, _: TopicPartition) -> Option<Timestamp> {
            Some(Timestamp(7))
        }

        fn stands(&self) -> Vec<(TopicPartition, Offset, Offset)> {
            let at = TopicPartition { topic: TopicName("t"), partition: Partition(0) };
            vec![(at, Offset(3), Offset(5))]
        }

        fn close(&mut self) -> Result<(), Fault> {
            self.0.lock().unwrap().push("close".to_owned());
            Ok(())
        }
    }

    fn cause() -> Cause {
        Cause::new("commit", "no")
    }

    fn worked(read: u64) -> Result<Stepped, Fault> {
        Ok(Stepped { records: 1, counts: Counts { read, ..Counts::default() } })
    }

    /// The end of a run over `steps`, what was asked for meanwhile, and what the board shows then.
    fn run(steps: Steps, at_rest: Option<Fault>) -> (Result<(), Fault>, Vec<String>, Board) {
        run_to(steps, at_rest, None)
    }

    /// The same with what goes wrong in the last step.
    fn run_to(steps: Steps, at_rest: Option<Fault>, at_last: Option<Fault>) -> (Result<(), Fault>, Vec<String>, Board) {
        let (stop, asked, board) = (Stop::new(), Asked::default(), Board::default());
        let stage = Box::new(Scripted(steps, stop.clone(), at_last));
        let protocol = Box::new(Quiet(Arc::clone(&asked), at_rest));
        // The jitter of 100 ms is the rest of the time by 26, of 200 ms by 51.
        let clock = Arc::new(ManualClock::new(Timestamp(26 * 51)));
        let ended = Group::new(stage, protocol, board.clone(), clock).run(&stop);
        let asked = asked.lock().unwrap().clone();
        (ended, asked, board)
    }

    #[test]
    fn a_transient_fault_is_waited_out_and_shown_while_it_lasts() {
        let again = || Err(Fault::Transient(cause()));
        let (ended, asked, board) = run([worked(4), again(), again(), worked(3), again()].into(), None);
        assert_eq!(ended, Ok(()));
        assert_eq!(asked, ["rest 100", "rest 100", "rest 100", "rest 100", "close"], "the wait doubles until it works");
        let status = board.status();
        assert_eq!((status.counts["demux"].read, status.rounds, status.failed_rounds), (7, 2, 3));
        let owed_since = Some(Timestamp(26 * 51));
        assert_eq!(status.tallies["demux"], Tally { suspects: 2, owed: 1, owed_since, ..Tally::default() });
        assert_eq!((status.fault.as_deref(), status.lags.len()), (None, 0), "a member that left has no lag");
    }

    #[test]
    fn a_refused_generation_is_no_error() {
        let (ended, asked, board) = run([Err(Fault::Fenced(cause()))].into(), Some(Fault::Transient(cause())));
        assert_eq!((ended, asked), (Ok(()), vec!["rest 25".to_owned(), "close".to_owned()]));
        assert_eq!(board.status().failed_rounds, 1);
    }

    #[test]
    fn a_refusal_that_repeats_is_shown_until_a_step_works() {
        let refused = |times: u32| {
            let steps = (0..times).map(|_| Err(Fault::Fenced(cause()))).collect();
            let (.., board) = run_to(steps, None, Some(Fault::Fenced(cause())));
            board.status().refusal.take()
        };
        assert_eq!(refused(OFTEN), None, "a rebalance takes a moment");
        assert_eq!(refused(OFTEN + 1), Some(Fault::Fenced(cause()).to_string()));
        let steps = (0..=OFTEN).map(|_| Err(Fault::Fenced(cause()))).chain([worked(1)]).collect();
        let (_, _, board) = run(steps, None);
        let status = board.status();
        assert_eq!((status.refusal.as_deref(), status.fault.as_deref()), (None, None));
    }

    #[test]
    fn a_generation_refused_while_the_process_ends_is_no_error_and_what_is_away_is_said() {
        let (ended, asked, _) = run_to([worked(1)].into(), None, Some(Fault::Fenced(cause())));
        assert_eq!((ended, asked), (Ok(()), vec!["close".to_owned()]), "others have its partitions");
        let (ended, ..) = run_to([worked(1)].into(), None, Some(Fault::Transient(cause())));
        assert_eq!(ended, Err(Fault::Transient(cause())));
    }

    #[test]
    fn a_fatal_fault_ends_the_run_and_leaves_the_group() {
        let fatal = || Fault::Fatal(cause());
        for (step, at_rest) in
            [(fatal(), None), (Fault::Refused(cause()), None), (Fault::Transient(cause()), Some(fatal()))]
        {
            let (ended, asked, _) = run([Err(step.clone()), worked(1)].into(), at_rest);
            assert!(ended.is_err(), "{step}");
            assert_eq!(asked.last().map(String::as_str), Some("close"), "{step}");
        }
    }
}
