//! More than is taken: a key far over its rate, a load as fast as it goes, and a database that stands still.
//!
//! Place: one of the drills. What cannot be taken is refused and comes again; nothing is lost, memory stays bounded, and
//! the backlog drains exactly.

use anyhow::{Context, ensure};

use super::Course;
use super::watch::Watch;
use crate::fleet::load::Offer;
use crate::fleet::servers::Part;
use crate::process::{now, pause};

/// How long the database stands still, ms: groups fall behind meanwhile.
const STILL_MS: u64 = 4_000;
/// The most memory that a process may have used, MB.
const MOST_MB: u64 = 1_024;

pub(super) fn run(course: &mut Course<'_>) -> anyhow::Result<()> {
    let plan = course.plan;
    // As much again, as fast as it goes, with a key that may post a fraction of it.
    let offer = Offer { events: plan.size.events, seed: plan.seed + 1, rate: 0 };
    let greedy = course.fleet.limited_load(offer)?;
    course.others.push(greedy);
    let watch = Watch::over(course.fleet)?;
    for fault in 1..=plan.size.faults {
        watch.due(course, fault)?;
        course.fleet.servers.act(Part::Postgres, &["pause"])?;
        pause(STILL_MS);
        course.fleet.servers.act(Part::Postgres, &["resume"])?;
        let back = now();
        let hit = ["gep", "dep"];
        let before = hit.iter().map(|s| Ok((*s, watch.stands(s)?))).collect::<anyhow::Result<Vec<_>>>()?;
        watch.moved(course, before, back)?;
        course.tell(&format!("still {fault}/{}: the database stood still under load", plan.size.faults));
    }
    course.load.wait(1_800)?;
    course.count("events-per-s", plan.size.events / course.begun.elapsed().as_secs().max(1));
    let greedy = course.others.last_mut().context("the greedy load")?;
    greedy.wait(1_800)?;
    let refused = greedy.repeats()?;
    ensure!(refused > 0, "nothing was refused: this was no overload");
    course.count("refused", refused);
    for member in course.fleet.members() {
        let (name, peak) = (member.service, member.peak_mb()?);
        ensure!(peak <= MOST_MB, "{} took {peak} MB", member.name());
        course.figures.count(name, peak);
    }
    Ok(())
}
