//! `embedded_txn`: one SQLite file, one pipeline thread, one transaction per round over all stages (delivery.md §5).
//!
//! Place: Source, Sink and Protocol at once; the pipeline of `da up` and `da demo`. Before COMMIT nothing happened,
//! after it everything did: a round that fails is rolled back, its requests are told so, and the engine is opened anew.
//! While a round is written the next one is decided over it; it is handed over only when the one before is in the
//! store, and falls with it. Decides nothing about an event; starts no thread (`worker`).

use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use da_model::fault::Fault;

pub use super::board::Watch;
use super::engine::Engine;
use super::folder;
pub use super::folder::{EmbeddedOptions, FILE, LOCK, OpenError};
pub use super::queue::QueueBounds;
use super::queue::{Request, Shared};
use super::settle::{Failed, Flight, Settled};
use super::status::{Counts, Status};
use crate::driver::Stage;
pub use crate::io::sql::Migration;
use crate::ports::{Appended, Sink, SinkError};
use crate::stop::{Phase, Stop};

/// A round takes no new steps after this.
const ROUND_MS: i64 = 50;
/// A round goes on so much longer while the one before it is still being written.
const PATIENCE: i64 = 2;
/// Bytes of requests one round appends.
const ROUND_BYTES: usize = 4 << 20;
/// Where this many records wait for later stages, earlier ones pause: the log stays in memory.
const BACKLOG: i64 = 8_192;
/// Where this many records wait in all, new requests stay in the bounded queue: the edge slows down, then refuses.
const BEHIND: i64 = 32_768;
/// How long the loop sleeps at most while nothing waits; a request wakes it.
pub(super) const IDLE: Duration = Duration::from_millis(50);

/// The engine with its queue.
pub struct Embedded {
    pub(super) options: EmbeddedOptions,
    pub(super) engine: Option<Engine>,
    pub(super) shared: Arc<Shared>,
    pub(super) statements: u64,
    pub(super) flight: Option<Flight>,
    pub(super) careful: bool,
    _lock: File,
}

/// Where the requests' records went, and what each stage did.
type Decided = (Vec<Appended>, Vec<(&'static str, Counts)>);

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
        let shared = Shared::new(options.queue, options.topics());
        let engine = Engine::open(&options.file(), &options, &shared, false).map_err(OpenError::Database)?;
        let this =
            Self { options, engine: Some(engine), shared, statements: 0, flight: None, careful: false, _lock: lock };
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
            match self.turn(stages, draining) {
                Ok(Progress::Idle) if draining && self.shared.is_empty() => return Ok(()),
                Ok(Progress::Worked) if draining && self.shared.is_empty() => return self.land(),
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
        loop {
            let progress = self.turn(stages, true)?;
            self.land()?;
            if !self.careful || progress == Progress::Idle {
                return Ok(progress);
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

    /// Decides a round, waits for the one before it and hands it over. With nothing to decide it waits for either.
    fn turn(&mut self, stages: &mut [Box<dyn Stage>], takes_all: bool) -> Result<Progress, Fault> {
        if self.careful {
            self.land()?;
        }
        let behind = self.engine.as_ref().is_some_and(|engine| waiting(engine, stages) >= BEHIND);
        let requests = if behind && !takes_all { Vec::new() } else { self.shared.take(ROUND_BYTES) };
        let decided = match self.decide(requests, stages) {
            Ok(Some(decided)) => decided,
            Ok(None) if self.flight.is_none() => return Ok(self.idle()),
            Ok(None) => return self.linger(),
            Err((requests, fault)) => {
                // What was handed over does not suffer from this; it is told first, unless this is a death.
                let crashed = self.engine.as_ref().is_some_and(Engine::crashed);
                let landed = if crashed { Ok(()) } else { self.land() };
                self.fail(requests, &fault);
                return landed.and(Err(fault));
            }
        };
        match self.settle() {
            Ok(Settled::Done) => self.submit(decided)?,
            Ok(Settled::Again(mut requests)) => {
                requests.extend(decided.requests);
                self.shared.put_back(requests);
            }
            Err((mut requests, fault)) => {
                requests.extend(decided.requests);
                self.fail(requests, &fault);
                return Err(fault);
            }
        }
        Ok(Progress::Worked)
    }

    /// Waits for a request, or for the round that was handed over.
    fn linger(&mut self) -> Result<Progress, Fault> {
        self.shared.wait(IDLE);
        if self.shared.is_written() {
            self.land()?;
        }
        Ok(Progress::Worked)
    }

    fn decide(&mut self, requests: Vec<Request>, stages: &mut [Box<dyn Stage>]) -> Result<Option<Flight>, Failed> {
        match self.attempt(&requests, stages) {
            Ok(None) => Ok(None),
            Ok(Some((appended, counts))) => {
                let lags = self.lags(stages);
                Ok(Some(Flight { requests, appended, counts, lags }))
            }
            Err(fault) => Err((requests, fault)),
        }
    }

    fn attempt(&mut self, requests: &[Request], stages: &mut [Box<dyn Stage>]) -> Result<Option<Decided>, Fault> {
        if self.engine.is_none() {
            self.engine = Some(Engine::open(&self.options.file(), &self.options, &self.shared, self.careful)?);
        }
        let Some(engine) = self.engine.as_mut() else { return Ok(None) };
        if requests.is_empty() && waiting(engine, stages) == 0 {
            return Ok(None);
        }
        let now = self.options.clock.now();
        engine.open_round(now.0)?;
        let appended = requests.iter().map(|r| engine.append(&r.records)).collect();
        let mut counts: Vec<_> = stages.iter().map(|stage| (stage.name(), Counts::default())).collect();
        loop {
            let moved = pass(engine, stages, &mut counts)?;
            let busy = self.flight.is_some() && !self.shared.is_written();
            let late = self.options.clock.now().since(now) >= if busy { PATIENCE * ROUND_MS } else { ROUND_MS };
            if late || moved == 0 || waiting(engine, stages) == 0 {
                return Ok(Some((appended, counts)));
            }
        }
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
fn pass(
    engine: &mut Engine,
    stages: &mut [Box<dyn Stage>],
    counts: &mut [(&'static str, Counts)],
) -> Result<usize, Fault> {
    let mut moved = 0;
    for n in 0..stages.len() {
        let behind = stages.get(n + 1..).map_or(0, |later| waiting(engine, later));
        let (Some(stage), Some((_, sum))) = (stages.get_mut(n), counts.get_mut(n)) else { break };
        if behind >= BACKLOG {
            continue;
        }
        let step = stage.step(engine, usize::MAX)?;
        moved += step.records;
        sum.add(&step.counts);
    }
    Ok(moved)
}

#[cfg(test)]
#[path = "embedded_tests.rs"]
mod tests;
