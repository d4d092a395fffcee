//! Connections cut just when the answer to a commit comes back: what was committed is not known to whoever asked.
//!
//! Place: two of the drills, over the proxy of the fleet. Recovery is from the cut to the next committed output of the
//! slowest group; no process may end by itself.

use anyhow::{Context, ensure};

use super::Course;
use super::watch::{Watch, patient};
use crate::fleet::proxy::Proxy;
use crate::process::{deadline, now};

/// How long no answer of the kind may come until the drill gives up, s.
const PATIENCE: u64 = 120;

pub(super) fn run(course: &mut Course<'_>, hit: &[&'static str]) -> anyhow::Result<()> {
    let watch = Watch::over(course.fleet)?;
    let cuts = course.plan.size.faults;
    for cut in 1..=cuts {
        watch.due(course, cut)?;
        let proxy = course.fleet.proxy.as_ref().context("a fleet behind a proxy")?;
        proxy.arm();
        let until = deadline(PATIENCE);
        while course.fleet.proxy.as_ref().is_some_and(|proxy| proxy.cuts() < cut) {
            patient(course, until, &format!("no answer to a commit came for {PATIENCE} s"))?;
        }
        let begun = now();
        let before = hit.iter().map(|s| Ok((*s, watch.stands(s)?))).collect::<anyhow::Result<Vec<_>>>()?;
        watch.moved(course, before, begun)?;
        course.tell(&format!("cut {cut}/{cuts}: the answer to a commit is lost"));
    }
    let made = course.fleet.proxy.as_ref().map_or(0, Proxy::cuts);
    ensure!(made == cuts, "{made} answers were cut off, {cuts} were meant");
    Ok(())
}
