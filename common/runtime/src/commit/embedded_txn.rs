//! `embedded_txn`: one SQLite file, one pipeline thread, one transaction per round over all stages (delivery.md §5).
//!
//! Place: Source, Sink and Protocol at once; the pipeline of `da up` and `da demo`. Before COMMIT nothing happened,
//! after it everything did: a round that fails is rolled back, its requests are told so, and the engine is opened anew.
//! Decides nothing about an event; starts no thread (`worker`).

use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use da_model::delivery::retry::{Reaction, reaction};
use da_model::fault::Fault;

pub use super::board::Watch;
use super::engine::Engine;
use super::folder;
pub use super::folder::{EmbeddedOptions, FILE, LOCK, OpenError};
pub use super::queue::QueueBounds;
use super::queue::{Request, Shared};
use super::status::{Lag, Status};
use crate::driver::{Stage, Stepped};
pub use crate::io::sql::Migration;
use crate::ports::{Appended, Sink, SinkError};
use crate::stop::{Phase, Stop};

/// A round takes no new steps after this.
const ROUND_MS: i64 = 50;
/// Bytes of requests one round appends.
const ROUND_BYTES: usize = 4 << 20;
/// Where this many records wait for later stages, earlier ones pause: the log stays in memory.
const BACKLOG: i64 = 8_192;
/// How long the loop sleeps at most while nothing waits; a request wakes it.
const IDLE: Duration = Duration::from_millis(50);

/// The engine with its queue.
pub struct Embedded {
    options: EmbeddedOptions,
    engine: Option<Engine>,
    shared: Arc<Shared>,
    statements: u64,
    _lock: File,
}

/// Whether a round had anything to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// A transaction was committed.
    Worked,
    /// Nothing waited.
    Idle,
}

impl Embedded {
    /// Locks the folder, opens the file and brings its tables up to date.
    ///
    /// # Errors
    /// [`OpenError`], each with a plain sentence.
    pub fn open(options: EmbeddedOptions) -> Result<Self, OpenError> {
        let lock = folder::lock(&options.dir)?;
        let engine = Engine::open(&options.file(), &options).map_err(OpenError::Database)?;
        let shared = Shared::new(options.queue, options.topics());
        let this = Self { options, engine: Some(engine), shared, statements: 0, _lock: lock };
        Ok(this)
    }

    /// The writing side for the HTTP edge.
    #[must_use]
    pub fn sink(&self) -> Arc<dyn Sink> {
        Arc::clone(&self.shared) as Arc<dyn Sink>
    }

    /// A handle that shows the status from any thread.
    #[must_use]
    pub fn watch(&self) -> Watch {
        Watch::over(vec![self.shared.board()])
    }

    /// The status as of the last commit.
    #[must_use]
    pub fn status(&self) -> Status {
        self.shared.status().clone()
    }

    /// The loop of the pipeline thread: rounds until the stop reaches [`Phase::Draining`] and the queue is empty.
    ///
    /// # Errors
    /// The [`Fault`] that ends the process: a fatal one, or one that lasts while draining.
    pub fn run(&mut self, stages: &mut [Box<dyn Stage>], stop: &Stop) -> Result<(), Fault> {
        let mut attempts = 0;
        loop {
            let draining = stop.is(Phase::Draining);
            if draining {
                self.shared.refuse(Some(SinkError::Draining));
            }
            self.shared.status().alive = self.options.clock.now();
            match self.round(stages) {
                Ok(_) if draining && self.shared.is_empty() => return Ok(()),
                Ok(Progress::Worked) => attempts = 0,
                Ok(Progress::Idle) => self.shared.wait(IDLE),
                Err(fault) if draining => return Err(fault),
                Err(fault) => {
                    self.back_off(fault, attempts, stop)?;
                    attempts += 1;
                }
            }
        }
    }

    /// One round, also for tests: append what waits, step every stage, commit, answer.
    ///
    /// # Errors
    /// A [`Fault`]: nothing of the round stands, its requests were told so. After a crash by the probe nobody is told.
    pub fn round(&mut self, stages: &mut [Box<dyn Stage>]) -> Result<Progress, Fault> {
        let requests = self.shared.take(ROUND_BYTES);
        match self.attempt(&requests, stages) {
            Ok(None) => Ok(Progress::Idle),
            Ok(Some(appended)) => {
                for (request, appended) in requests.into_iter().zip(appended) {
                    request.answer(Ok(appended));
                }
                Ok(Progress::Worked)
            }
            Err(fault) => {
                self.fail(requests, &fault);
                Err(fault)
            }
        }
    }

    /// Rounds until nothing waits; for tests and for draining a backlog.
    ///
    /// # Errors
    /// The first [`Fault`].
    pub fn drain(&mut self, stages: &mut [Box<dyn Stage>]) -> Result<(), Fault> {
        while self.round(stages)? == Progress::Worked {}
        Ok(())
    }

    fn attempt(&mut self, requests: &[Request], stages: &mut [Box<dyn Stage>]) -> Result<Option<Vec<Appended>>, Fault> {
        if self.engine.is_none() {
            self.engine = Some(Engine::open(&self.options.file(), &self.options)?);
        }
        let Some(engine) = self.engine.as_mut() else { return Ok(None) };
        if requests.is_empty() && waiting(engine, stages) == 0 {
            return Ok(None);
        }
        let now = self.options.clock.now();
        engine.open_round(now.0)?;
        let appended = requests.iter().map(|r| engine.append(&r.records)).collect();
        let mut stepped = vec![Stepped::default(); stages.len()];
        loop {
            let moved = pass(engine, stages, &mut stepped)?;
            let late = self.options.clock.now().since(now) >= ROUND_MS;
            if late || moved == 0 || waiting(engine, stages) == 0 {
                break;
            }
        }
        engine.close_round()?;
        self.publish(requests, stages, &stepped);
        Ok(Some(appended))
    }

    /// Tells the requests of a failed round, and drops everything the transaction may have left in memory.
    fn fail(&mut self, requests: Vec<Request>, fault: &Fault) {
        let engine = self.engine.take();
        let crashed = engine.as_ref().is_some_and(Engine::crashed);
        self.statements += engine.map_or(0, |e| e.statements());
        let mut status = self.shared.status();
        status.failed_rounds += 1;
        status.fault = Some(fault.to_string());
        drop(status);
        for request in requests.into_iter().filter(|_| !crashed) {
            request.answer(Err(SinkError::Unavailable(fault.to_string())));
        }
    }

    /// Refuses requests while waiting for the next attempt.
    fn back_off(&self, fault: Fault, attempts: u32, stop: &Stop) -> Result<(), Fault> {
        let mut left = match reaction(&fault, attempts) {
            Reaction::Again { after_ms } => Duration::from_millis(after_ms),
            Reaction::Split | Reaction::Forget | Reaction::Stop => Duration::ZERO,
        };
        self.shared.refuse(Some(SinkError::Unavailable(fault.to_string())));
        for request in self.shared.take(usize::MAX) {
            request.answer(Err(SinkError::Unavailable(fault.to_string())));
        }
        if left.is_zero() {
            return Err(fault);
        }
        while !left.is_zero() && !stop.is(Phase::Draining) {
            self.shared.pause(left.min(IDLE));
            left = left.saturating_sub(IDLE);
        }
        self.shared.refuse(None);
        Ok(())
    }

    fn publish(&self, requests: &[Request], stages: &[Box<dyn Stage>], stepped: &[Stepped]) {
        let Some(engine) = self.engine.as_ref() else { return };
        let now = self.options.clock.now();
        let mut status = self.shared.status();
        let mut lags = Vec::with_capacity(status.lags.len());
        for stage in stages {
            for at in engine.places(stage.topics()) {
                let (next, end) = engine.stands(stage.name(), at);
                let stalled = stage.stalled().contains(&at);
                let before = status.lags.get(lags.len()).filter(|l| l.at == at && l.next == next && next < end);
                let progress = before.map_or(now, |l| l.progress);
                lags.push(Lag { group: stage.name(), at, next, end, progress, stalled });
            }
        }
        status.lags = lags;
        for (stage, stepped) in stages.iter().zip(stepped) {
            status.counts.entry(stage.name()).or_default().add(&stepped.counts);
        }
        status.rounds += 1;
        status.appended += requests.iter().map(|r| r.records.len() as u64).sum::<u64>();
        status.statements = self.statements + engine.statements();
        status.cache_bytes = engine.cache().bytes();
        status.cache_rows = engine.cache().len();
        status.tail_bytes = engine.tail_bytes();
        status.fault = None;
        status.alive = now;
    }
}

impl std::fmt::Debug for Embedded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Embedded").field("dir", &self.options.dir).finish_non_exhaustive()
    }
}

fn waiting(engine: &Engine, stages: &[Box<dyn Stage>]) -> i64 {
    stages.iter().map(|s| engine.waiting(s.name(), s.topics(), s.stalled())).sum()
}

/// One step per stage in topology order; a stage whose successors are far behind pauses.
fn pass(engine: &mut Engine, stages: &mut [Box<dyn Stage>], stepped: &mut [Stepped]) -> Result<usize, Fault> {
    let mut moved = 0;
    for n in 0..stages.len() {
        let behind = stages.get(n + 1..).map_or(0, |later| waiting(engine, later));
        let (Some(stage), Some(sum)) = (stages.get_mut(n), stepped.get_mut(n)) else { break };
        if behind >= BACKLOG {
            continue;
        }
        let step = stage.step(engine, usize::MAX)?;
        moved += step.records;
        sum.records += step.records;
        sum.counts.add(&step.counts);
    }
    Ok(moved)
}

#[cfg(test)]
#[path = "embedded_tests.rs"]
mod tests;
