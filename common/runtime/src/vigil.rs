//! The watch over a running engine: what it did since the last look becomes metrics and health.
//!
//! Place: a thread beside the workers of every process that reads their status. Changes nothing and decides nothing.

use std::sync::Arc;
use std::time::Duration;

use crate::commit::embedded_txn::Watch;
use crate::commit::status::{Counts, Lag, Status};
use crate::http::health::{Condition, Health};
use crate::ports::Clock;
use crate::stop::{Phase, Stop};
use crate::telemetry::{log, metrics};
use crate::worker::Beside;
use da_model::fault::Fault;
use da_model::names::{Label, LogEvent, Metric};
use da_model::outcome::Outcome;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(500);
/// A partition with waiting records that did not move for so long is stuck, ms.
const STUCK_MS: i64 = 120_000;

/// The engine counts per service, over all topics.
const ALL: (Label, &str) = (Label::Topic, "all");

/// Starts the watch; it ends with the process.
///
/// # Errors
/// [`Fault::Fatal`] where the system starts no thread.
pub fn start(
    (watch, protocol): (Watch, &'static str),
    health: Health,
    clock: Arc<dyn Clock>,
    stop: Stop,
) -> Result<Beside<()>, Fault> {
    let work = move || {
        let mut before = Status::default();
        while !stop.is(Phase::Draining) {
            let now = watch.status();
            count(&before, &now);
            tell(&before, &now, protocol);
            now.lags.iter().for_each(|lag| show(lag, &health, &*clock));
            health.report("pipeline", now.fault.clone().map_or(Condition::Good, Condition::Waiting));
            before = now;
            // Nobody wakes this thread: it looks every now and then.
            std::thread::park_timeout(PAUSE);
        }
        count(&before, &watch.status());
    };
    Beside::start("vigil", work)
}

fn count(before: &Status, now: &Status) {
    let none = Counts::default();
    for (service, counts) in &now.counts {
        let old = before.counts.get(service).unwrap_or(&none);
        let label = (Label::Service, *service);
        for (outcome, n) in &counts.outcomes {
            let by = n.saturating_sub(old.outcomes.get(outcome).copied().unwrap_or(0));
            add(Metric::Records, &[label, ALL, (Label::Outcome, outcome.code())], by);
        }
        for (reason, n) in &counts.dead {
            let by = n.saturating_sub(old.dead.get(reason).copied().unwrap_or(0));
            add(Metric::DeadLetters, &[label, (Label::Handler, service), (Label::Reason, reason.code())], by);
        }
        add(Metric::Emitted, &[label, ALL], counts.emitted.saturating_sub(old.emitted));
        for (note, n) in &counts.notes {
            let by = n.saturating_sub(old.notes.get(note).copied().unwrap_or(0));
            add(Metric::Notes, &[label, (Label::Note, note.code())], by);
        }
        let repeats = |counts: &Counts| counts.outcomes.get(&Outcome::Duplicate).copied().unwrap_or(0);
        add(Metric::DedupeHits, &[label], repeats(counts).saturating_sub(repeats(old)));
        add(Metric::Batches, &[label], counts.batches.saturating_sub(old.batches));
        add(Metric::Rows, &[label], counts.rows.saturating_sub(old.rows));
        // Shown from the start, so that an alert on them is an alert on a number and not on an absence.
        metrics::count(Metric::EdgeDup, &[label, ALL], counts.edge_repeats.saturating_sub(old.edge_repeats));
        metrics::count(Metric::EdgeGap, &[label, ALL], counts.edge_gaps.saturating_sub(old.edge_gaps));
    }
}

/// Says what someone may want to look into, once per look.
fn tell(before: &Status, now: &Status, protocol: &'static str) {
    let protocol = [(Label::Protocol, protocol)];
    add(Metric::Statements, &protocol, now.statements.saturating_sub(before.statements));
    metrics::count(Metric::CommitErrors, &protocol, now.failed_rounds.saturating_sub(before.failed_rounds));
    metrics::gauge(Metric::CacheBytes, &[], whole(now.cache_bytes));
    if let (true, Some(fault)) = (now.failed_rounds > before.failed_rounds, &now.fault) {
        log::warn(LogEvent::BatchRetried, &[("cause", fault)]);
    }
    let stalled = |status: &Status| status.lags.iter().filter(|lag| lag.stalled).map(|lag| lag.at).collect::<Vec<_>>();
    for at in stalled(now).iter().filter(|at| !stalled(before).contains(at)) {
        log::error(LogEvent::BreakerOpen, &[("partition", at)]);
    }
    let sum = |status: &Status, of: fn(&Counts) -> u64| status.counts.values().map(of).sum::<u64>();
    let gaps = sum(now, |c| c.edge_gaps).saturating_sub(sum(before, |c| c.edge_gaps));
    if gaps > 0 {
        log::error(LogEvent::EdgeGapSeen, &[("gaps", &gaps)]);
    }
    let dead = sum(now, |c| c.dead.values().sum()).saturating_sub(sum(before, |c| c.dead.values().sum()));
    if dead > 0 {
        log::warn(LogEvent::DeadLettered, &[("records", &dead)]);
    }
}

#[expect(clippy::cast_precision_loss, reason = "gauges are floating-point numbers")]
fn whole(n: usize) -> f64 {
    n as f64
}

fn add(metric: Metric, labels: metrics::Labels<'_>, by: u64) {
    if by > 0 {
        metrics::count(metric, labels, by);
    }
}

#[expect(clippy::cast_precision_loss, reason = "gauges are floating-point numbers")]
fn show(lag: &Lag, health: &Health, clock: &dyn Clock) {
    let part = format!("{}/{}", lag.at.topic, lag.at.partition);
    let partition = lag.at.partition.to_string();
    let labels = [(Label::Group, lag.group), (Label::Topic, lag.at.topic.0), (Label::Partition, partition.as_str())];
    let behind = lag.end.0 - lag.next.0;
    metrics::gauge(Metric::LagRecords, &labels, behind as f64);
    metrics::gauge(Metric::LastProgress, &labels, lag.progress.0 as f64 / 1000.0);
    let still = clock.now().since(lag.progress);
    let condition = if behind > 0 && still > STUCK_MS {
        Condition::Stuck(format!("{} stands at {} of {} for {} s", lag.group, lag.next, lag.end, still / 1000))
    } else if lag.stalled {
        Condition::Waiting(format!("{} was stopped by its breaker", lag.group))
    } else {
        Condition::Good
    };
    health.report(&part, condition);
}
