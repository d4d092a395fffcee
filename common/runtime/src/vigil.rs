//! The watch over a running engine: what it did since the last look becomes metrics and health.
//!
//! Place: a thread beside the workers of every process that reads their status. Changes nothing and decides nothing.

use std::collections::BTreeMap;
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
use da_model::ids::TopicPartition;
use da_model::names::{Label, LogEvent, Metric};
use da_model::outcome::Outcome;
use da_model::time::Timestamp;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(500);
/// A partition with waiting records that did not move for so long, while nothing outside is away, is stuck, ms.
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
    let mut vigil = Vigil { protocol, health, clock, before: Status::default(), shown: BTreeMap::new() };
    let work = move || {
        while !stop.is(Phase::Draining) {
            vigil.look(watch.status());
            // Nobody wakes this thread: it looks every now and then.
            std::thread::park_timeout(PAUSE);
        }
        count(&vigil.before, &watch.status());
    };
    Beside::start("vigil", work)
}

/// What was seen at the last look.
struct Vigil {
    protocol: &'static str,
    health: Health,
    clock: Arc<dyn Clock>,
    before: Status,
    shown: BTreeMap<Place, Timestamp>,
}

/// A group on a partition; beside it the last time it had a reason to stand still.
type Place = (&'static str, TopicPartition);

impl Vigil {
    fn look(&mut self, now: Status) {
        count(&self.before, &now);
        tell(&self.before, &now, self.protocol);
        let at = self.clock.now();
        show_tallies(&self.before, &now, at);
        self.loops(&now, at);
        let before = std::mem::take(&mut self.shown);
        let away = is_away(&self.before, &now);
        for lag in &now.lags {
            let place = (lag.group, lag.at);
            show(lag, at);
            let reason = away.or_else(|| why_still(lag));
            let excused = if reason.is_some() { at } else { before.get(&place).copied().unwrap_or(lag.progress) };
            self.health.report(&name_of(&place), condition(lag, reason, (at, excused)));
            self.shown.insert(place, excused);
        }
        for place in before.keys().filter(|place| !self.shown.contains_key(place)) {
            self.health.forget(&name_of(place));
            LAG_GAUGES.iter().for_each(|gauge| with_labels(place, |labels| metrics::forget(*gauge, labels)));
        }
        self.before = now;
    }

    /// Whether the loops run, and what they wait for.
    fn loops(&self, now: &Status, at: Timestamp) {
        let still = at.since(now.alive);
        let condition = match &now.fault {
            Some(fault) => Condition::Waiting(fault.clone()),
            None if now.alive != Timestamp::default() && still > STUCK_MS => {
                Condition::Stuck(format!("a loop has not run for {} s", still / 1000))
            }
            None => Condition::Good,
        };
        self.health.report("pipeline", condition);
    }
}

/// What is outside and does not answer, if anything: then nobody is to blame for standing still.
fn is_away(before: &Status, now: &Status) -> Option<&'static str> {
    let troubles = |status: &Status| status.tallies.values().map(|tally| tally.troubles).sum::<u64>();
    let line = troubles(now) != troubles(before);
    now.fault.as_ref().map(|_| "while something it needs is away").or(line.then_some("while the brokers are away"))
}

/// Why a partition is right to stand still by itself.
fn why_still(lag: &Lag) -> Option<&'static str> {
    match (lag.stalled, lag.waits) {
        (true, _) => Some("since its breaker stopped it"),
        (false, true) => Some("until a writer's schema can be asked for"),
        (false, false) => None,
    }
}

fn condition(lag: &Lag, reason: Option<&str>, (now, excused): (Timestamp, Timestamp)) -> Condition {
    let (behind, still) = (lag.end.0 - lag.next.0, now.since(lag.progress));
    let text = |why: &str| format!("{} stands at {} of {} for {} s {why}", lag.group, lag.next, lag.end, still / 1000);
    match reason {
        Some(why) if lag.stalled || lag.waits || (behind > 0 && still > STUCK_MS) => Condition::Waiting(text(why)),
        None if behind > 0 && now.since(excused.max(lag.progress)) > STUCK_MS => {
            Condition::Stuck(text("for no known reason"))
        }
        Some(_) | None => Condition::Good,
    }
}

fn name_of((group, at): &Place) -> String {
    format!("{group} {}/{}", at.topic, at.partition)
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
    if let (true, Some(cause)) = (now.failed_rounds > before.failed_rounds, now.fault.as_ref().or(now.refusal.as_ref()))
    {
        log::warn(LogEvent::BatchRetried, &[("cause", cause)]);
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

/// What a partition shows; gone with it.
const LAG_GAUGES: [Metric; 3] = [Metric::LagRecords, Metric::LagSeconds, Metric::LastProgress];

#[expect(clippy::cast_precision_loss, reason = "gauges are floating-point numbers")]
fn show(lag: &Lag, now: Timestamp) {
    let behind = lag.end.0 - lag.next.0;
    let waits_since = lag.oldest.unwrap_or(lag.progress);
    let age = if behind > 0 { now.since(waits_since).max(0) } else { 0 };
    let values = [behind as f64, age as f64 / 1000.0, lag.progress.0 as f64 / 1000.0];
    with_labels(&(lag.group, lag.at), |labels| {
        LAG_GAUGES.into_iter().zip(values).for_each(|(gauge, value)| metrics::gauge(gauge, labels, value));
    });
}

fn with_labels((group, at): &Place, work: impl FnOnce(metrics::Labels<'_>)) {
    let partition = at.partition.to_string();
    work(&[(Label::Group, group), (Label::Topic, at.topic.0), (Label::Partition, partition.as_str())]);
}

#[expect(clippy::cast_precision_loss, reason = "gauges are floating-point numbers")]
fn show_tallies(before: &Status, now: &Status, at: Timestamp) {
    for (service, tally) in &now.tallies {
        let old = before.tallies.get(service).copied().unwrap_or_default();
        let label = [(Label::Service, *service)];
        metrics::count(Metric::TxnSuspect, &label, tally.suspects.saturating_sub(old.suspects));
        metrics::count(Metric::Rebalances, &label, tally.rebalances.saturating_sub(old.rebalances));
        metrics::gauge(Metric::OutboxBlobs, &label, whole(tally.owed));
        let age = tally.owed_since.map_or(0, |since| at.since(since).max(0));
        metrics::gauge(Metric::OutboxOldest, &label, age as f64 / 1000.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;
    use crate::commit::status::Tally;
    use da_model::ids::{Offset, Partition, TopicName};

    const BEGUN: Timestamp = Timestamp(1_000_000);
    const PART: &str = "dep t/0";

    fn lag(next: i64) -> Lag {
        lag_of("t", next)
    }

    fn lag_of(topic: &'static str, next: i64) -> Lag {
        let at = TopicPartition { topic: TopicName(topic), partition: Partition(0) };
        let (stalled, waits, oldest) = (false, false, Some(Timestamp(BEGUN.0 - 5_000)));
        Lag { group: "dep", at, next: Offset(next), end: Offset(9), progress: BEGUN, stalled, waits, oldest }
    }

    fn with(lags: Vec<Lag>) -> Status {
        Status { lags, alive: BEGUN, ..Status::default() }
    }

    /// A watch, its parts and its clock.
    fn watch() -> (Vigil, Health, Arc<ManualClock>) {
        let (health, clock) = (Health::default(), Arc::new(ManualClock::new(BEGUN)));
        let (before, shown) = (Status::default(), BTreeMap::new());
        (Vigil { protocol: "cluster", health: health.clone(), clock: clock.clone(), before, shown }, health, clock)
    }

    /// A look after `ms` at loops that ran just now; then whether it is alive, and whether it is ready.
    fn look((vigil, health, clock): &mut (Vigil, Health, Arc<ManualClock>), ms: i64, now: Status) -> (bool, bool) {
        clock.advance(ms);
        vigil.look(Status { alive: clock.now(), ..now });
        (health.stuck().is_empty(), health.troubles().is_empty())
    }

    #[test]
    fn an_outage_of_whatever_length_makes_unready_and_never_dead() {
        let away = || Status { fault: Some("connect: refused".to_owned()), ..with(vec![lag(3)]) };
        let mut watch = watch();
        assert_eq!(look(&mut watch, 0, with(vec![lag(3)])), (true, true));
        assert_eq!(look(&mut watch, 1_000, away()), (true, false));
        assert_eq!(look(&mut watch, 600_000, away()), (true, false));
        assert_eq!(look(&mut watch, 500, with(vec![lag(3)])), (true, true), "it is back and has not moved yet");
        assert_eq!(look(&mut watch, STUCK_MS, with(vec![lag(3)])), (false, false), "back, and stands all the same");
        let (text, part) = (watch.1.stuck(), PART.to_owned());
        assert_eq!(text[&part], "dep stands at 3 of 9 for 721 s for no known reason");
        assert_eq!(look(&mut watch, 0, with(vec![lag(9)])), (true, true));
    }

    #[test]
    fn brokers_that_are_away_behind_quiet_polls_make_nobody_dead() {
        let troubled = |troubles| {
            let tallies = BTreeMap::from([("dep", Tally { troubles, ..Tally::default() })]);
            Status { tallies, ..with(vec![lag(3)]) }
        };
        let mut watch = watch();
        for n in 1..20 {
            assert!(look(&mut watch, 30_000, troubled(n)).0, "{n}");
            assert!(look(&mut watch, 500, troubled(n)).0, "{n}");
        }
        assert_eq!(look(&mut watch, STUCK_MS, troubled(19)), (false, false));
    }

    #[test]
    fn a_partition_that_is_left_out_for_a_reason_waits_and_is_not_stuck() {
        for reason in [Lag { stalled: true, ..lag(3) }, Lag { waits: true, ..lag(3) }] {
            let mut watch = watch();
            assert_eq!(look(&mut watch, 600_000, with(vec![reason])), (true, false));
            assert_eq!(look(&mut watch, 500, with(vec![lag(3)])), (true, true), "let in again");
        }
    }

    #[test]
    fn a_partition_without_a_reason_and_a_loop_that_hangs_are_stuck() {
        let mut watch = watch();
        assert_eq!(look(&mut watch, STUCK_MS, with(vec![lag(3)])), (true, true));
        assert_eq!(look(&mut watch, 1, with(vec![lag(3)])), (false, false));
        assert_eq!(look(&mut watch, 0, with(vec![lag(9)])), (true, true));
        watch.0.look(with(vec![lag(9)]));
        assert_eq!(watch.1.stuck().into_keys().collect::<Vec<_>>(), ["pipeline"]);
    }

    #[test]
    fn a_revoked_partition_is_gone_with_its_condition_and_its_gauges() {
        metrics::install();
        let shown = || metrics::render().lines().filter(|l| l.contains("topic=\"revoked\"")).count();
        let mut watch = watch();
        assert_eq!(look(&mut watch, STUCK_MS + 1, with(vec![lag_of("revoked", 3)])), (false, false));
        let page = metrics::render();
        let labels = "{group=\"dep\",topic=\"revoked\",partition=\"0\"}";
        assert!(page.contains(&format!("da_lag_records{labels} 6\n")), "{page}");
        assert!(page.contains(&format!("da_lag_seconds{labels} 125.001\n")), "{page}");
        assert_eq!(shown(), 3);
        assert_eq!(look(&mut watch, 500, with(vec![])), (true, true));
        assert_eq!(shown(), 0, "{}", metrics::render());
        assert_eq!(look(&mut watch, 500, with(vec![lag_of("revoked", 9)])), (true, true));
        assert_eq!(shown(), 3, "it may come back");
    }

    #[test]
    fn what_groups_go_through_is_counted() {
        metrics::install();
        let of = |suspects, owed| {
            let owed_since = Some(BEGUN);
            Status {
                tallies: BTreeMap::from([("vigil", Tally { suspects, owed, owed_since, ..Tally::default() })]),
                ..with(vec![])
            }
        };
        let mut watch = watch();
        look(&mut watch, 0, of(0, 0));
        assert!(metrics::render().contains("da_txn_suspect_total{service=\"vigil\"} 0\n"), "a number from the start");
        look(&mut watch, 2_000, of(2, 3));
        let page = metrics::render();
        for line in [
            "da_txn_suspect_total{service=\"vigil\"} 2",
            "da_outbox_blobs{service=\"vigil\"} 3",
            "da_outbox_oldest_seconds{service=\"vigil\"} 2",
        ] {
            assert!(page.contains(&format!("{line}\n")), "{line}: {page}");
        }
    }
}
