//! THE loop: poll, decode, read, decide, commit, for any handler over any protocol.
//!
//! Place: the only caller of a [`Protocol`] and of handlers. One step is one batch over all partitions of the handler:
//! everything of it is committed at once, or nothing. Waits for nothing and starts nothing.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use da_model::delivery::breaker::{Breaker, Decision};
use da_model::effects::Effects;
use da_model::fault::{Fault, Rejection};
use da_model::handler::Handler;
use da_model::ids::{TopicName, TopicPartition, UnitName};
use da_model::names::Span;
use da_model::outcome::Reason;
use da_model::record::Record;
use da_model::schema::codec;
use da_model::state::{RowKey, Snapshot};
use da_model::time::Timestamp;
use da_model::topics;
use rustc_hash::FxHashSet;

use crate::batch::{Fold, Maker, Origin, Routes, Rows, service_of};
use crate::commit::{Ask, Place, Polled, Position, Protocol};
use crate::registry::translate::{Foreign, Waiting};
pub use crate::stage::{DriverOptions, Stage, Stepped};
use crate::telemetry::trace;

/// The first step after a start.
const FIRST_RECORDS: usize = 128;

/// A stage that runs `handler`.
pub fn stage<H: Handler + 'static>(handler: H, options: DriverOptions) -> Box<dyn Stage> {
    let (name, topics) = (handler.name(), handler.topics());
    let internal: Vec<TopicName> = topics.iter().copied().filter(|t| topics::find(*t).is_some()).collect();
    let service = service_of(name, &internal);
    let (routes, stalled, waiting, breakers) = (Routes::default(), Vec::new(), Waiting::default(), BTreeMap::new());
    let window = options.max_records.min(FIRST_RECORDS);
    Box::new(Driver { handler, name, service, topics, internal, options, routes, window, stalled, waiting, breakers })
}

/// The loop over one handler.
struct Driver<H> {
    handler: H,
    name: &'static str,
    service: &'static str,
    topics: Vec<TopicName>,
    internal: Vec<TopicName>,
    options: DriverOptions,
    routes: Routes,
    window: usize,
    stalled: Vec<TopicPartition>,
    waiting: Waiting,
    breakers: BTreeMap<TopicPartition, Breaker>,
}

/// A decoded record with what it wants to read.
struct Decoded<'r, I> {
    origin: Origin<'r>,
    input: Result<I, Rejection>,
    reads: Vec<RowKey>,
}

/// Records that failed by our fault, per partition in offset order.
type Failures = BTreeMap<TopicPartition, Vec<bool>>;

impl<H: Handler> Stage for Driver<H> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn topics(&self) -> &[TopicName] {
        &self.topics
    }

    fn stalled(&self) -> &[TopicPartition] {
        &self.stalled
    }

    fn waits(&self, at: TopicPartition) -> bool {
        self.waiting.holds(at)
    }

    fn step(&mut self, protocol: &mut dyn Protocol, max: usize) -> Result<Stepped, Fault> {
        if self.routes.is_empty() {
            self.routes = Routes::of(self.service, |topic| protocol.partitions(topic));
        }
        let started = self.options.clock.now();
        let mut max = max.min(self.window);
        let mut condemn = None;
        loop {
            let except = self.waiting.except(&self.stalled, started);
            let ask = Ask { group: self.name, topics: &self.topics, except: &except, max };
            let polled = protocol.poll(ask)?;
            if polled.is_empty() {
                return Ok(Stepped::default());
            }
            let done = self.batch(protocol, &polled, condemn);
            if !matches!(done, Ok(Some(_))) {
                protocol.abandon();
            }
            match done {
                Ok(Some(stepped)) => {
                    self.resize(stepped.records, started);
                    return Ok(stepped);
                }
                Ok(None) => condemn = None,
                Err(Fault::Refused(_)) if polled.len() > 1 => max = polled.len() / 2,
                Err(Fault::Refused(_)) if condemn != polled.first() => condemn = polled.first(),
                Err(fault) => return Err(fault),
            }
        }
    }
}

impl<H: Handler> Driver<H> {
    /// Decides and commits one batch, the record at `unread` refused as such; `None` says that a partition was stopped, by
    /// the breaker or for want of a writer's schema, and the batch must be redone without it.
    fn batch(&mut self, protocol: &mut dyn Protocol, polled: &Polled, unread: Place) -> Result<Option<Stepped>, Fault> {
        let Some(foreign) = self.waiting.foreign(&self.options, polled) else { return Ok(None) };
        let span = trace::batch(self.service, self.name, polled);
        let condemned = |record: &Record<'_>| polled.condemned(record, unread);
        let decoded: Vec<_> = polled.records().map(|r| self.decode(r, &foreign, condemned(&r))).collect();
        let rows = span.timed(Span::Read, || protocol.begin(&union(&decoded)))?;
        let (fold, failures) = self.fold(decoded, (rows, positions(polled)))?;
        let (work, mut counts) = fold.finish();
        let Some(breakers) = self.judge(&failures) else { return Ok(None) };
        let records: usize = failures.values().map(Vec::len).sum();
        counts.read += u64::try_from(records).unwrap_or(u64::MAX);
        counts.batches += 1;
        span.timed(Span::Commit, || protocol.commit(work))?;
        span.done();
        self.breakers.extend(breakers);
        Ok(Some(Stepped { records, counts }))
    }

    /// Fits the next batch to the time a step may take: what a batch reads and writes is known only once it is done.
    fn resize(&mut self, records: usize, started: Timestamp) {
        let took = self.options.clock.now().since(started).max(0);
        let (took, may) = (took.unsigned_abs() as usize, self.options.max_ms.unsigned_abs() as usize);
        let fits = if took > may { records * may / took } else { self.window * 2 };
        self.window = fits.max(self.options.least_records).min(self.options.max_records);
    }

    fn decode<'r>(
        &self,
        record: Record<'r>,
        foreign: &'r Foreign,
        condemned: Option<Rejection>,
    ) -> Decoded<'r, H::Input<'r>> {
        if let Some(refused) = condemned {
            return Decoded::refused(Origin::unread(record, &self.options.schemas), refused);
        }
        let read = match foreign.read(record) {
            Ok(read) => read,
            Err(rejection) => return Decoded::refused(Origin::new(record, None), rejection),
        };
        let lineage = match read.value.filter(|_| self.internal.contains(&record.topic)) {
            Some(value) => match codec::decode_lineage(value, &self.options.schemas) {
                Ok(lineage) => Some(lineage),
                Err(rejection) => return Decoded::refused(Origin::new(record, None), rejection),
            },
            None => None,
        };
        let origin = Origin::new(record, lineage);
        let decoded = caught(|| {
            let input = self.handler.decode(&read, &self.options.schemas)?;
            let reads = self.handler.reads(&input);
            Ok((input, reads))
        });
        match decoded {
            Ok((input, reads)) => Decoded { origin, input: Ok(input), reads },
            Err(rejection) => Decoded::refused(origin, rejection),
        }
    }

    /// One input after the other.
    fn fold<'r>(
        &self,
        decoded: Vec<Decoded<'r, H::Input<'r>>>,
        before: (Rows, BTreeMap<TopicPartition, Position>),
    ) -> Result<(Fold<'_>, Failures), Fault> {
        let name = UnitName(self.name);
        let mut fold = Fold::new(self.maker(), before.0, before.1);
        let mut failures = Failures::new();
        for Decoded { mut origin, input, reads } in decoded {
            let failed = failures.entry(origin.record.topic_partition()).or_default();
            if !fold.arrive(&origin)? {
                failed.push(false);
                continue;
            }
            let decided =
                input.and_then(|input| caught(|| self.handler.decide(&input, &Snapshot::new(&reads, &fold.rows))));
            failed.push(failed_by_us(&decided));
            match decided {
                Ok(effects) => fold.apply(&mut origin, effects)?,
                Err(rejection) => fold.reject(&mut origin, name, rejection)?,
            }
        }
        Ok((fold, failures))
    }

    /// The breakers after this batch, or `None` after stalling the partitions whose breaker says so.
    fn judge(&mut self, failures: &Failures) -> Option<Vec<(TopicPartition, Breaker)>> {
        let mut next = Vec::with_capacity(failures.len());
        let stalled = self.stalled.len();
        for (at, failed) in failures.iter().filter(|(at, _)| topics::find(at.topic).is_some()) {
            let breaker = self.breakers.get(at).copied().unwrap_or_default();
            match breaker.judge(failed, self.options.breaker) {
                Decision::GoOn(breaker) => next.push((*at, breaker)),
                Decision::Stall => self.stalled.push(*at),
            }
        }
        (self.stalled.len() == stalled).then_some(next)
    }

    const fn maker(&self) -> Maker<'_> {
        let options = &self.options;
        Maker {
            handler: self.name,
            service: self.service,
            version: options.version,
            schemas: &options.schemas,
            routes: &self.routes,
        }
    }
}

impl<'r, I> Decoded<'r, I> {
    const fn refused(origin: Origin<'r>, rejection: Rejection) -> Self {
        Self { origin, input: Err(rejection), reads: Vec::new() }
    }
}

fn failed_by_us(decided: &Result<Effects<'_>, Rejection>) -> bool {
    match decided {
        Ok(effects) => effects.refused.iter().any(|(_, r)| r.reason.is_ours()),
        Err(rejection) => rejection.reason.is_ours(),
    }
}

/// Runs a piece of the handler; a panic in it refuses this one record.
fn caught<T>(piece: impl FnOnce() -> Result<T, Rejection>) -> Result<T, Rejection> {
    catch_unwind(AssertUnwindSafe(piece))
        .unwrap_or_else(|_| Err(Rejection::new(Reason::HandlerFailed, "the handler panicked on this record")))
}

/// The keys all inputs want, each once.
fn union<I>(decoded: &[Decoded<'_, I>]) -> Vec<RowKey> {
    let mut seen = FxHashSet::default();
    decoded.iter().flat_map(|d| &d.reads).filter(|k| seen.insert(*k)).cloned().collect()
}

fn positions(polled: &Polled) -> BTreeMap<TopicPartition, Position> {
    polled.parts.iter().map(|part| (part.at, part.position.clone())).collect()
}

#[cfg(test)]
#[path = "driver_tests.rs"]
mod tests;
