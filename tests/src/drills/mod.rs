//! The drills on a cluster: faults under load on real processes, then the audit on real topics and tables.
//!
//! Place: run by `make drill`, some side by side, each on a fleet of its own. A drill that cannot run here says
//! `skipped`; none says `ok` without an audit that agrees.

pub mod beside;
mod crash;
mod cut;
mod disk;
mod figures;
mod outage;
mod overload;
mod plan;
mod storm;
mod watch;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use crate::fleet::load::{Load, Offer};
use crate::fleet::member::{Member, SERVICES};
use crate::fleet::witness::Witness;
use crate::fleet::{self, Fleet};
use crate::process::now;
use figures::Figures;

pub use plan::{Drill, Options, Plan, Size, recovery_bar};

/// Seconds that an ordered stop may take once the serving period is over; the drills set none.
pub const STOP_S: f64 = 3.0;

/// Bytes on disk per event: topics, their copies in tables, write-ahead logs and the ledger; 6,700 were seen.
const BYTES_PER_EVENT: u64 = 10_000;
/// Bytes that an empty stack takes.
const BYTES_AT_REST: u64 = 400 << 20;

/// How a drill ended.
#[derive(Debug)]
pub enum Verdict {
    /// The audit agrees; figures for the line.
    Ok(String),
    /// Something that it needs is not here.
    Skipped(String),
}

/// Runs one drill in a folder of its own, which is kept when it fails.
///
/// # Errors
/// What does not agree.
pub fn run(plan: &Plan, tell: &dyn Fn(&str)) -> anyhow::Result<Verdict> {
    let dir = std::env::temp_dir().join(format!("da-drill-{}-{}", plan.drill.name(), std::process::id()));
    std::fs::create_dir_all(&dir)?;
    let (need, free) = (plan.size.events * BYTES_PER_EVENT + BYTES_AT_REST, free_bytes(&dir)?);
    tell(&format!("disk: needs about {} MB, {} MB are free in {}", need >> 20, free >> 20, dir.display()));
    let ended = if free >= 2 * need {
        start(plan, &dir, tell)
    } else {
        Err(anyhow::anyhow!("less than twice of what it needs is free; free some, or set TMPDIR to another disk"))
    };
    if ended.is_ok() {
        std::fs::remove_dir_all(&dir)?;
    }
    ended.with_context(|| format!("its files are kept in {}", dir.display()))
}

fn start(plan: &Plan, dir: &Path, tell: &dyn Fn(&str)) -> anyhow::Result<Verdict> {
    if plan.drill == Drill::DiskFull { disk::run(plan, dir, tell) } else { on_fleet(plan, dir, tell) }
}

fn on_fleet(plan: &Plan, dir: &Path, tell: &dyn Fn(&str)) -> anyhow::Result<Verdict> {
    let shape = fleet::Plan {
        programs: plan.programs.clone(),
        dir: dir.to_path_buf(),
        processes: plan.drill.processes(),
        partitions: plan.partitions,
        brokers: plan.drill.brokers(),
        cut: plan.drill.cut(),
    };
    let mut fleet = match Fleet::start(&shape)? {
        Ok(fleet) => fleet,
        Err(missing) => return Ok(Verdict::Skipped(missing)),
    };
    let witness = Witness::start(fleet.servers.address("KAFKA_BOOTSTRAP")?)?;
    let begun = now();
    let mut load = fleet.load(0, Offer { events: plan.size.events, seed: plan.seed, rate: plan.rate })?;
    let (figures, others) = (Figures::default(), Vec::new());
    let mut course = Course {
        fleet: &mut fleet,
        load: &mut load,
        others,
        plan,
        figures,
        tell,
        begun,
        answered: (0, begun, Duration::ZERO),
    };
    act(&mut course)?;
    let (figures, others) = (course.figures, course.others);
    load.wait(1_800)?;
    let ledgers: Vec<&Path> = std::iter::once(&load).chain(&others).map(|load| load.ledger.as_path()).collect();
    let stopped = finish(&mut fleet, (ledgers.as_slice(), witness), tell)?;
    if plan.drill.is_alone() {
        recovery_bar(&plan.level).map_or(Ok(()), |bar| figures.within(bar))?;
        ensure!(stopped <= STOP_S, "the ordered stop took {stopped:.2} s, more than {STOP_S} s");
    }
    Ok(Verdict::Ok(format!("{} stop={stopped:.2}s took={:.0}s", figures.line(), begun.elapsed().as_secs_f64())))
}

/// The faults of a drill.
fn act(course: &mut Course<'_>) -> anyhow::Result<()> {
    match course.plan.drill {
        Drill::CrashLoop => crash::run(course),
        Drill::PostgresCut => outage::postgres(course),
        Drill::BrokerBounce => outage::bounce(course),
        Drill::BrokerFreeze => outage::freeze(course),
        Drill::RebalanceStorm => storm::run(course),
        Drill::RegistryOutage => outage::registry(course),
        Drill::CommitCut => cut::run(course, &["gep", "dep"]),
        Drill::EndTxnCut | Drill::EndTxnLate => cut::run(course, &SERVICES),
        Drill::Overload => overload::run(course),
        // It has no fleet.
        Drill::DiskFull => Ok(()),
    }
}

/// The audit, the comparison with what was read meanwhile, and an ordered stop of everything; the seconds of the stop.
fn finish(fleet: &mut Fleet, (ledgers, witness): (&[&Path], Witness), tell: &dyn Fn(&str)) -> anyhow::Result<f64> {
    fleet.members().iter_mut().try_for_each(Member::check)?;
    let auditing = now();
    tell(&fleet.audit(ledgers)?);
    tell(&format!("audit: took {:.1} s", auditing.elapsed().as_secs_f64()));
    let records = witness.agrees()?;
    tell(&format!("witness: a reader during the faults saw the same {records} records as one afterwards"));
    let stopping = now();
    fleet.stop()?;
    let stopped = stopping.elapsed().as_secs_f64();
    tell(&format!("stop: all processes ended in order within {stopped:.2} s"));
    let panics = fleet.panics()?;
    ensure!(panics == 0, "{panics} panics in the logs");
    Ok(stopped)
}

/// A drill under way.
struct Course<'a> {
    fleet: &'a mut Fleet,
    load: &'a mut Load,
    /// Loads beside it; their ledgers are audited too.
    others: Vec<Load>,
    plan: &'a Plan,
    figures: Figures,
    tell: &'a dyn Fn(&str),
    begun: Instant,
    /// Requests answered, since when, and the longest time without one more.
    answered: (u64, Instant, Duration),
}

impl Course<'_> {
    /// A service has committed output again, `since` the fault; `None` where it had nothing left to do.
    fn recovered(&mut self, service: &'static str, since: Option<Instant>) {
        let Some(since) = since else { return self.figures.unmeasured() };
        let seconds = since.elapsed().as_secs_f64();
        self.figures.recovered(service, seconds);
        self.tell(&format!("{service} commits again after {seconds:.2} s"));
    }

    /// Looks whether the load is answered; an error where it failed.
    fn look(&mut self) -> anyhow::Result<()> {
        let (answered, at) = (self.load.answered()?, now());
        let (before, since, longest) = self.answered;
        if answered > before {
            self.answered = (answered, at, longest);
        } else if !self.load.over()? {
            self.answered.2 = longest.max(at.duration_since(since));
        }
        Ok(())
    }

    fn count(&mut self, what: &'static str, number: u64) {
        self.figures.count(what, number);
    }

    /// A line of the fault log, with the seconds since the load began.
    fn tell(&self, line: &str) {
        (self.tell)(&format!("{:8.2} {line}", self.begun.elapsed().as_secs_f64()));
    }
}

/// Free bytes on the disk of a folder.
///
/// # Errors
/// When `df` does not say.
pub fn free_bytes(dir: &Path) -> anyhow::Result<u64> {
    let output = Command::new("df").args(["--output=avail", "-B1"]).arg(dir).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().last().and_then(|l| l.trim().parse().ok()).context("df does not say how much is free")
}
