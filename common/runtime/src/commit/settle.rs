//! The end of a round: handed to the writer, waited for, then told to its requests and to the status.
//!
//! Place: the second half of `embedded_txn`, which opens and decides rounds. Decides nothing.

use std::time::Duration;

use da_model::delivery::retry::{Reaction, reaction};
use da_model::fault::Fault;

use super::embedded_txn::{Embedded, IDLE, Progress};
use super::engine::Engine;
use super::queue::Request;
use super::status::{Counts, Lag};
use crate::driver::Stage;
use crate::ports::{Appended, SinkError};
use crate::stop::{Phase, Stop};

/// A round from its first decision to its answers.
#[derive(Debug)]
pub(super) struct Flight {
    pub(super) requests: Vec<Request>,
    pub(super) appended: Vec<Appended>,
    pub(super) counts: Vec<(&'static str, Counts)>,
    pub(super) lags: Vec<Lag>,
}

/// What became of the round that was handed over.
#[derive(Debug)]
pub(super) enum Settled {
    /// It is in the store, or there was none.
    Done,
    /// The store cannot hold a row of it: it is done again step by step, with these requests.
    Again(Vec<Request>),
}

/// Why a round came to nothing, with the requests to be told.
pub(super) type Failed = (Vec<Request>, Fault);

impl Embedded {
    /// Hands a decided round over.
    pub(super) fn submit(&mut self, decided: Flight) -> Result<(), Fault> {
        let Some(engine) = self.engine.as_mut() else { return Ok(()) };
        match engine.submit() {
            Ok(()) => {
                self.flight = Some(decided);
                Ok(())
            }
            Err(fault) => {
                self.fail(decided.requests, &fault);
                Err(fault)
            }
        }
    }

    /// Waits for the round that was handed over, and answers its requests.
    pub(super) fn settle(&mut self) -> Result<Settled, Failed> {
        let (Some(flight), Some(engine)) = (self.flight.take(), self.engine.as_mut()) else { return Ok(Settled::Done) };
        let settled = engine.settle();
        self.shared.seen();
        match settled {
            Ok(()) => {
                self.careful = false;
                self.publish(&flight);
                for (request, appended) in flight.requests.into_iter().zip(flight.appended) {
                    request.answer(Ok(appended));
                }
                Ok(Settled::Done)
            }
            Err(Fault::Refused(_)) if !self.careful => {
                self.careful = true;
                self.close();
                Ok(Settled::Again(flight.requests))
            }
            Err(Fault::Refused(cause)) => Err((flight.requests, Fault::Fatal(cause))),
            Err(fault) => Err((flight.requests, fault)),
        }
    }

    /// Settles where nothing waits behind.
    pub(super) fn land(&mut self) -> Result<(), Fault> {
        match self.settle() {
            Ok(Settled::Done) => Ok(()),
            Ok(Settled::Again(requests)) => {
                self.shared.put_back(requests);
                Ok(())
            }
            Err((requests, fault)) => {
                self.fail(requests, &fault);
                Err(fault)
            }
        }
    }

    /// Nothing waits, and the file could be opened. A fault is told no longer: whoever hears that nothing works sends
    /// nothing, and only work would show that it does again.
    pub(super) fn idle(&self) -> Progress {
        self.shared.status().fault = None;
        Progress::Idle
    }

    /// Drops everything in memory; whatever was not committed is rolled back.
    pub(super) fn close(&mut self) {
        if let Some(engine) = self.engine.take() {
            self.statements += engine.statements();
        }
    }

    /// Tells the requests of a failed round, and drops everything the transaction may have left in memory.
    pub(super) fn fail(&mut self, requests: Vec<Request>, fault: &Fault) {
        let crashed = self.engine.as_ref().is_some_and(Engine::crashed);
        self.flight = None;
        self.close();
        let mut status = self.shared.status();
        status.failed_rounds += 1;
        status.fault = Some(fault.to_string());
        drop(status);
        for request in requests.into_iter().filter(|_| !crashed) {
            request.answer(Err(SinkError::Unavailable(fault.to_string())));
        }
    }

    /// Refuses requests while waiting for the next attempt.
    pub(super) fn back_off(&self, fault: Fault, attempts: u32, stop: &Stop) -> Result<(), Fault> {
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

    /// Where all groups stand once the decided round is in the store.
    pub(super) fn lags(&self, stages: &[Box<dyn Stage>]) -> Vec<Lag> {
        let Some(engine) = self.engine.as_ref() else { return Vec::new() };
        let now = self.options.clock.now();
        let status = self.shared.status();
        let mut lags = Vec::with_capacity(status.lags.len());
        for stage in stages {
            for at in engine.places(stage.topics()) {
                let (next, end) = engine.stands(stage.name(), at);
                let stalled = stage.stalled().contains(&at);
                let before = status.lags.get(lags.len()).filter(|l| l.at == at && l.next == next && next < end);
                let progress = before.map_or(now, |l| l.progress);
                let oldest = (next < end).then(|| engine.time_of(at, next)).flatten();
                let (group, waits) = (stage.name(), stage.waits(at));
                lags.push(Lag { group, at, next, end, progress, stalled, waits, oldest });
            }
        }
        lags
    }

    pub(super) fn publish(&self, flight: &Flight) {
        let Some(engine) = self.engine.as_ref() else { return };
        let now = self.options.clock.now();
        let mut status = self.shared.status();
        status.lags.clone_from(&flight.lags);
        for (stage, counts) in &flight.counts {
            status.counts.entry(stage).or_default().add(counts);
        }
        status.rounds += 1;
        status.appended += flight.requests.iter().map(|r| r.records.len() as u64).sum::<u64>();
        status.statements = self.statements + engine.statements();
        status.cache_bytes = engine.cache().bytes();
        status.cache_rows = engine.cache().len();
        status.tail_bytes = engine.tail_bytes();
        status.fault = None;
        status.alive = now;
    }
}
