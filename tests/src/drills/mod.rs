//! The drills on a cluster: faults under load on real processes, then the audit on real topics and tables.
//!
//! Place: run by `make drill`, one after the other, each on a fleet of its own. A drill that cannot run here says
//! `skipped`; none says `ok` without an audit that agrees.

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
use std::time::Instant;

use anyhow::{Context, ensure};

use crate::fleet::load::{Load, Offer};
use crate::fleet::member::{Member, SERVICES};
use crate::fleet::{self, Fleet};
use crate::process::now;
use figures::Figures;

pub use plan::{Drill, Options, Plan, Size};

/// Bytes on disk per event: topics, their copies in tables, write-ahead logs and the ledger.
const BYTES_PER_EVENT: u64 = 60_000;
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
    let begun = now();
    let mut load = fleet.load(0, Offer { events: plan.size.events, seed: plan.seed, rate: plan.rate })?;
    let (figures, others) = (Figures::default(), Vec::new());
    let mut course = Course { fleet: &mut fleet, load: &mut load, others, plan, figures, tell, begun };
    match plan.drill {
        Drill::CrashLoop => crash::run(&mut course)?,
        Drill::PostgresCut => outage::postgres(&mut course)?,
        Drill::BrokerBounce => outage::bounce(&mut course)?,
        Drill::BrokerFreeze => outage::freeze(&mut course)?,
        Drill::RebalanceStorm => storm::run(&mut course)?,
        Drill::RegistryOutage => outage::registry(&mut course)?,
        Drill::CommitCut => cut::run(&mut course, &["gep", "dep"])?,
        Drill::EndTxnCut => cut::run(&mut course, &SERVICES)?,
        Drill::Overload => overload::run(&mut course)?,
        // It has no fleet.
        Drill::DiskFull => {}
    }
    let (figures, others) = (course.figures, course.others);
    load.wait(1_800)?;
    let ledgers: Vec<&Path> = std::iter::once(&load).chain(&others).map(|load| load.ledger.as_path()).collect();
    finish(&mut fleet, &ledgers, tell)?;
    Ok(Verdict::Ok(format!("{} took={:.0}s", figures.line(), begun.elapsed().as_secs_f64())))
}

fn finish(fleet: &mut Fleet, ledgers: &[&Path], tell: &dyn Fn(&str)) -> anyhow::Result<()> {
    fleet.members().iter_mut().try_for_each(Member::check)?;
    let auditing = now();
    tell(&fleet.audit(ledgers)?);
    tell(&format!("audit: took {:.1} s", auditing.elapsed().as_secs_f64()));
    let stopping = now();
    fleet.stop()?;
    tell(&format!("stop: all processes ended in order within {:.2} s", stopping.elapsed().as_secs_f64()));
    let panics = fleet.panics()?;
    ensure!(panics == 0, "{panics} panics in the logs");
    Ok(())
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
}

impl Course<'_> {
    /// A service has committed output again, `since` the fault; `None` where it had nothing left to do.
    fn recovered(&mut self, service: &'static str, since: Option<Instant>) {
        let Some(since) = since else { return self.figures.unmeasured() };
        let seconds = since.elapsed().as_secs_f64();
        self.figures.recovered(service, seconds);
        self.tell(&format!("{service} commits again after {seconds:.2} s"));
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
