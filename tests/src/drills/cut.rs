//! Connections cut just when the answer to a commit comes back, or before the commit itself has arrived: what was
//! committed is not known to whoever asked.
//!
//! Place: three of the drills, over the proxy of the fleet. Recovery is from the cut to the next committed output of the
//! slowest group; no process may end by itself.

use anyhow::{Context, ensure};

use super::watch::{Watch, patient};
use super::{Course, Drill};
use crate::fleet::proxy::Proxy;
use crate::process::{deadline, now};

/// How long none of the kind may come until the drill gives up, s.
const PATIENCE: u64 = 120;

pub(super) fn run(course: &mut Course<'_>, hit: &[&'static str]) -> anyhow::Result<()> {
    let watch = Watch::over(course.fleet)?;
    let cuts = course.plan.size.faults;
    let late = course.plan.drill == Drill::EndTxnLate;
    let told = if late { "a commit comes after its sender went on" } else { "the answer to a commit is lost" };
    for cut in 1..=cuts {
        watch.due(course, cut)?;
        let proxy = course.fleet.proxy.as_ref().context("a fleet behind a proxy")?;
        proxy.arm();
        let until = deadline(PATIENCE);
        while course.fleet.proxy.as_ref().is_some_and(|proxy| proxy.cuts() < cut) {
            patient(course, until, &format!("no commit came for {PATIENCE} s"))?;
        }
        let begun = now();
        let before = hit.iter().map(|s| Ok((*s, watch.stands(s)?))).collect::<anyhow::Result<Vec<_>>>()?;
        watch.moved(course, before, begun)?;
        course.tell(&format!("cut {cut}/{cuts}: {told}"));
    }
    let made = course.fleet.proxy.as_ref().map_or(0, Proxy::cuts);
    ensure!(made == cuts, "{made} connections were cut, {cuts} were meant");
    if late {
        let (refused, heeded) = course.fleet.proxy.as_ref().map_or((0, 0), Proxy::late);
        course.count("refused", refused);
        course.count("heeded", heeded);
    }
    Ok(())
}
