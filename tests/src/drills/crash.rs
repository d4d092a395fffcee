//! The crash loop: a random service dies by kill -9 and is started again at once, while events flow.
//!
//! Place: one of the drills. Recovery is from the kill to the next position that its group commits, which is committed
//! together with its output.

use anyhow::{bail, ensure};
use da_runtime::io::kafka::positions::Positions;

use super::Course;
use crate::fleet::Standing;
use crate::fleet::member::SERVICES;
use crate::process::{deadline, now, pause};
use crate::sim::Chance;

/// How long what a dead process had sent may take to be done, ms.
const LAST_WORDS_MS: u64 = 60;

pub(super) fn run(course: &mut Course<'_>) -> anyhow::Result<()> {
    let mut chance = Chance::new(course.plan.seed);
    let watched = watched(course)?;
    let (events, kills) = (course.plan.size.events, course.plan.size.faults);
    for kill in 1..=kills {
        // Nine of ten events at most are left when the last kill comes: some are refused, and some must follow it.
        wait_for(course, &watched, kill * events * 9 / 10 / (kills + 1))?;
        pause(u64::try_from(chance.below(150))?);
        let victim = usize::try_from(chance.below(SERVICES.len()))?;
        let Some((service, positions)) = watched.get(victim) else { bail!("no service {victim}") };
        let killed = now();
        let member = course.fleet.member(service, 0)?;
        member.kill()?;
        member.start()?;
        pause(LAST_WORDS_MS);
        moved(course, positions, &positions.now()?)?;
        let seconds = killed.elapsed().as_secs_f64();
        course.figures.recovered(service, seconds);
        (course.tell)(&format!("kill {kill}/{kills} {service} recovered in {seconds:.2} s"));
    }
    Ok(())
}

/// The group of every service.
pub(super) fn watched(course: &Course<'_>) -> anyhow::Result<Vec<(&'static str, Positions)>> {
    SERVICES.iter().map(|service| Ok((*service, course.fleet.positions(service)?))).collect()
}

/// Waits until the first group has read so many events.
pub(super) fn wait_for(
    course: &mut Course<'_>,
    watched: &[(&'static str, Positions)],
    events: u64,
) -> anyhow::Result<()> {
    let until = deadline(600);
    loop {
        let mut least = u64::MAX;
        for (_, positions) in watched.iter().take(1) {
            least = least.min(sum(&positions.now()?)?);
        }
        if least >= events {
            return Ok(());
        }
        course.fleet.check()?;
        course.load.over()?;
        ensure!(!until.passed(), "only {least} of {events} events were processed within ten minutes");
        pause(20);
    }
}

/// Waits until a group stands beyond where it stood.
pub(super) fn moved(course: &mut Course<'_>, positions: &Positions, before: &Standing) -> anyhow::Result<()> {
    let (before, until) = (sum(before)?, deadline(120));
    while sum(&positions.now()?)? <= before {
        course.fleet.check()?;
        ensure!(!until.passed(), "no committed output within two minutes");
        pause(10);
    }
    Ok(())
}

fn sum(standing: &Standing) -> anyhow::Result<u64> {
    Ok(u64::try_from(standing.iter().map(|(_, next)| next.0).sum::<i64>())?)
}
