//! The watch over a running engine: what it did since the last look becomes metrics and health.
//!
//! Place: a thread beside the pipeline that reads its status. Changes nothing and decides nothing.

use std::sync::Arc;
use std::time::Duration;

use da_model::names::{Label, Metric};
use da_runtime::commit::embedded_txn::Watch;
use da_runtime::commit::status::{Counts, Lag, Status};
use da_runtime::http::health::{Condition, Health};
use da_runtime::ports::Clock;
use da_runtime::stop::{Phase, Stop};
use da_runtime::telemetry::metrics;
use da_runtime::worker::Beside;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(500);
/// A partition with waiting records that did not move for so long is stuck, ms.
const STUCK_MS: i64 = 120_000;

/// The engine counts per service, over all topics.
const ALL: (Label, &str) = (Label::Topic, "all");

/// Starts the watch; it ends with the process.
///
/// # Errors
/// Where the system starts no thread.
pub(crate) fn start(watch: Watch, health: Health, clock: Arc<dyn Clock>, stop: Stop) -> anyhow::Result<Beside<()>> {
    let work = move || {
        let mut before = Status::default();
        while !stop.is(Phase::Draining) {
            let now = watch.status();
            count(&before, &now);
            now.lags.iter().for_each(|lag| show(lag, &health, &*clock));
            health.report("pipeline", now.fault.clone().map_or(Condition::Good, Condition::Waiting));
            before = now;
            // Nobody wakes this thread: it looks every now and then.
            std::thread::park_timeout(PAUSE);
        }
        count(&before, &watch.status());
    };
    Ok(Beside::start("vigil", work)?)
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
        // Shown from the start, so that an alert on them is an alert on a number and not on an absence.
        metrics::count(Metric::EdgeDup, &[label, ALL], counts.edge_repeats.saturating_sub(old.edge_repeats));
        metrics::count(Metric::EdgeGap, &[label, ALL], counts.edge_gaps.saturating_sub(old.edge_gaps));
    }
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
