//! The crash loop: a random service dies by kill -9 and is started again at once, while events flow.
//!
//! Place: one of the drills. Recovery is from the kill to the next committed output of that service.

use anyhow::Context;

use super::Course;
use super::watch::Watch;
use crate::fleet::member::SERVICES;
use crate::process::{now, pause};
use crate::sim::Chance;

/// How long what a dead process had sent may take to be done, ms.
pub(super) const LAST_WORDS_MS: u64 = 60;

pub(super) fn run(course: &mut Course<'_>) -> anyhow::Result<()> {
    let mut chance = Chance::new(course.plan.seed);
    let watch = Watch::over(course.fleet)?;
    let kills = course.plan.size.faults;
    for kill in 1..=kills {
        watch.due(course, kill)?;
        pause(u64::try_from(chance.below(150))?);
        let service = *SERVICES.get(chance.below(SERVICES.len())).context("a service by chance")?;
        let killed = now();
        let member = course.fleet.member(service, 0)?;
        member.kill()?;
        member.start()?;
        pause(LAST_WORDS_MS);
        let before = watch.stands(service)?;
        watch.moved(course, vec![(service, before)], killed)?;
        course.tell(&format!("kill {kill}/{kills}: {service}, kill -9"));
    }
    Ok(())
}
