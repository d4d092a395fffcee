//! The writing half of the embedded engine: a decided round becomes one transaction of the one write connection.
//!
//! Place: on a thread of its own, so that the next round is decided while this one is written and synced. Takes rounds
//! in order, one after the other, and takes none after one that failed: its connection is dropped, which rolls back.
//! Decides nothing and reads no rows.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use da_model::fault::{Cause, Fault};
use da_model::ids::TopicPartition;
use rustc_hash::FxHashMap;

use super::engine::known;
use super::overlay::Set;
use super::queue::Shared;
use crate::io::segment::{Packer, Segment};
use crate::io::sql::sqlite::Database;
use crate::io::sql::statements::Statements;
use crate::io::sqlite_log::{Log, Stored};
use crate::probe::{Probe, Step};
use crate::worker::Beside;

/// The statements of all tables, by name.
pub(crate) type Tables = FxHashMap<&'static str, Statements>;

/// Everything one round changes.
#[derive(Debug)]
pub(crate) struct Round {
    /// The last value of each row, in key order.
    pub(crate) writes: Vec<Set>,
    /// New records.
    pub(crate) chunks: Vec<(TopicPartition, Vec<Arc<Segment>>)>,
    /// Positions that moved.
    pub(crate) moved: Vec<Stored>,
    /// Stamped on rows, chunks and positions.
    pub(crate) now: i64,
}

enum Job {
    Round(Round),
    Try(Vec<Set>),
    #[cfg(test)]
    FillDisk,
}

/// What became of a job.
struct Answer {
    result: Result<(), Fault>,
    crashed: bool,
    statements: u64,
}

/// What the writer works with.
pub(crate) struct Tools {
    /// The one write connection.
    pub(crate) db: Database,
    /// The log's tables.
    pub(crate) log: Arc<Log>,
    /// The handlers' tables.
    pub(crate) tables: Arc<Tables>,
    /// Told of each step.
    pub(crate) probe: Arc<dyn Probe>,
    /// Woken when a round is written.
    pub(crate) shared: Arc<Shared>,
}

/// The writer as the engine holds it.
pub(crate) struct Writer {
    jobs: Option<SyncSender<Job>>,
    answers: Receiver<Answer>,
    thread: Option<Beside<()>>,
    statements: u64,
    crashed: bool,
}

impl Writer {
    /// Starts it.
    pub(crate) fn start(tools: Tools) -> Result<Self, Fault> {
        let (jobs, inbox) = sync_channel(1);
        let (outbox, answers) = sync_channel(1);
        let statements = tools.db.statements();
        let thread = Beside::start("writer", move || {
            work(Desk { tools, packer: Packer::default(), crashed: false }, &inbox, &outbox)
        })?;
        Ok(Self { jobs: Some(jobs), answers, thread: Some(thread), statements, crashed: false })
    }

    /// Hands a round over; the one before must have been waited for.
    pub(crate) fn submit(&self, round: Round) -> Result<(), Fault> {
        self.send(Job::Round(round))
    }

    /// Waits for the round handed over.
    pub(crate) fn wait(&mut self) -> Result<(), Fault> {
        let answer = self.answers.recv().map_err(|_| gone())?;
        self.statements = answer.statements;
        self.crashed |= answer.crashed;
        answer.result
    }

    /// Whether the store would hold these rows; writes nothing.
    pub(crate) fn attempt(&mut self, writes: Vec<Set>) -> Result<(), Fault> {
        self.send(Job::Try(writes))?;
        self.wait()
    }

    /// Statements run as of the last answer.
    pub(crate) const fn statements(&self) -> u64 {
        self.statements
    }

    /// Whether a probe killed it.
    pub(crate) const fn crashed(&self) -> bool {
        self.crashed
    }

    /// Lets the file grow no further, as a full disk does.
    #[cfg(test)]
    pub(crate) fn fill_disk(&mut self) {
        self.send(Job::FillDisk).unwrap();
        self.wait().unwrap();
    }

    fn send(&self, job: Job) -> Result<(), Fault> {
        self.jobs.as_ref().and_then(|jobs| jobs.send(job).ok()).ok_or_else(gone)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        // Whoever opens the file next must find the transaction ended; a panic of the thread was an answer already.
        drop(self.thread.take().map(Beside::join));
    }
}

/// The thread's side.
struct Desk {
    tools: Tools,
    packer: Packer,
    crashed: bool,
}

fn work(mut desk: Desk, inbox: &Receiver<Job>, outbox: &SyncSender<Answer>) {
    while let Ok(job) = inbox.recv() {
        let awaited = matches!(job, Job::Try(_));
        let (result, goes_on) = desk.run(job);
        let answer = Answer { result, crashed: desk.crashed, statements: desk.tools.db.statements() };
        if !awaited {
            desk.tools.shared.written();
        }
        let heard = outbox.send(answer).is_ok();
        if !goes_on || !heard {
            break;
        }
    }
}

impl Desk {
    fn run(&mut self, job: Job) -> (Result<(), Fault>, bool) {
        match job {
            Job::Round(round) => {
                let result = self.round(&round);
                let goes_on = result.is_ok();
                (result, goes_on)
            }
            Job::Try(writes) => {
                let result = self.attempt(&writes);
                let goes_on = matches!(result, Ok(()) | Err(Fault::Refused(_)));
                (result, goes_on)
            }
            #[cfg(test)]
            Job::FillDisk => (self.tools.db.script("PRAGMA max_page_count = 1"), true),
        }
    }

    fn round(&mut self, round: &Round) -> Result<(), Fault> {
        self.tools.db.run("BEGIN IMMEDIATE", vec![])?;
        self.write(&round.writes, round.now)?;
        self.probe(Step::AfterState)?;
        self.tools.log.append((&mut self.tools.db, &mut self.packer), &round.chunks, round.now)?;
        self.probe(Step::AfterOutputs)?;
        self.tools.log.store(&mut self.tools.db, &round.moved, round.now)?;
        self.probe(Step::BeforeCommit)?;
        self.tools.db.run("COMMIT", vec![])?;
        self.probe(Step::AfterCommit)
    }

    fn attempt(&mut self, writes: &[Set]) -> Result<(), Fault> {
        self.tools.db.run("BEGIN IMMEDIATE", vec![])?;
        let written = self.write(writes, 0);
        self.tools.db.run("ROLLBACK", vec![])?;
        written
    }

    fn write(&mut self, writes: &[Set], now: i64) -> Result<(), Fault> {
        for piece in writes.chunk_by(|a, b| a.0.table() == b.0.table()) {
            let Some((key, _)) = piece.first() else { continue };
            let statements = known(&self.tools.tables, key)?;
            self.tools.db.write(statements, piece, now)?;
        }
        Ok(())
    }

    fn probe(&mut self, step: Step) -> Result<(), Fault> {
        self.tools.probe.at(step).map_err(|crash| {
            self.crashed = true;
            Fault::Transient(Cause::new("round", crash))
        })
    }
}

fn gone() -> Fault {
    Fault::Fatal(Cause::new("write of a round", "the writer has ended"))
}
