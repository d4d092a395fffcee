//! The rebalance storm: members of every group are killed, frozen, resumed as zombies, leave and join, all the time.
//!
//! Place: one of the drills. Three places per service; the first of gep is never asked to leave, because the load goes
//! there. A frozen process may be taken for dead by the brokers and lose its partitions before it goes on.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use super::Course;
use crate::fleet::member::SERVICES;
use crate::process::{deadline, now, pause};
use crate::sim::Chance;

/// What the second process of a slot says.
const TAKEN: &str = "another process runs with the slot of this one";
/// Between two changes, ms.
const LEAST_MS: usize = 1_000;
const SPREAD_MS: usize = 4_000;
/// A freeze lasts up to so many seconds: half of them are longer than a session.
const LONGEST_FREEZE_S: usize = 20;

/// A process that goes on at this moment.
struct Frozen {
    place: usize,
    until: Instant,
}

pub(super) fn run(course: &mut Course<'_>) -> anyhow::Result<()> {
    twin(course)?;
    let mut chance = Chance::new(course.plan.seed);
    let over = deadline(course.plan.size.seconds);
    let mut frozen: Vec<Frozen> = Vec::new();
    let mut changes = 0;
    while !over.passed() || changes < course.plan.size.faults {
        let next = now() + Duration::from_millis(u64::try_from(LEAST_MS + chance.below(SPREAD_MS))?);
        while now() < next {
            thaw(course, &mut frozen, now())?;
            course.fleet.check()?;
            pause(20);
        }
        let told = change(course, &mut frozen, &mut chance)?;
        changes += 1;
        course.tell(&format!("change {changes}: {told}"));
    }
    thaw(course, &mut frozen, now() + Duration::from_secs(3_600))?;
    for member in course.fleet.members().iter_mut().filter(|m| !m.is_there()) {
        member.start()?;
    }
    course.count("changes", changes);
    Ok(())
}

/// A second process of a slot ends with a plain sentence, and the first one goes on.
fn twin(course: &mut Course<'_>) -> anyhow::Result<()> {
    for service in SERVICES {
        let mut twin = course.fleet.twin(service, 1)?;
        twin.start()?;
        let status = twin.ended(60)?;
        let told = twin.last_words();
        ensure!(status.code() == Some(3) && told.contains(TAKEN), "a twin of {service}-1 ended with {status}: {told}");
        course.fleet.check()?;
        course.tell(&format!("a second {service}-1 is refused"));
    }
    Ok(())
}

/// Lets everybody go on whose time has come.
fn thaw(course: &mut Course<'_>, frozen: &mut Vec<Frozen>, at: Instant) -> anyhow::Result<()> {
    for Frozen { place, .. } in frozen.iter().filter(|f| f.until <= at) {
        let member = course.fleet.members().get(*place).context("a frozen place")?;
        member.signal("CONT")?;
        let told = format!("{} goes on", member.name());
        course.tell(&told);
    }
    frozen.retain(|f| f.until > at);
    Ok(())
}

/// One change by chance to one place.
fn change(course: &mut Course<'_>, frozen: &mut Vec<Frozen>, chance: &mut Chance) -> anyhow::Result<String> {
    let places = course.fleet.members().len();
    let place = chance.below(places);
    let kind = chance.below(4);
    let seconds = 1 + chance.below(LONGEST_FREEZE_S);
    let member = course.fleet.members().get_mut(place).context("a place")?;
    let name = member.name();
    if !member.is_there() {
        member.start()?;
        return Ok(format!("{name} joins"));
    }
    let sleeps = frozen.iter().any(|f| f.place == place);
    // A frozen process can only be killed: it hears nothing else.
    let stays = member.service == "gep" && member.slot == 0;
    match kind {
        0 | 1 if !sleeps => {
            member.signal("STOP")?;
            frozen.push(Frozen { place, until: now() + Duration::from_secs(u64::try_from(seconds)?) });
            Ok(format!("{name} is frozen for {seconds} s"))
        }
        2 if !sleeps && !stays => {
            member.stop()?;
            Ok(format!("{name} leaves"))
        }
        _ => {
            member.kill()?;
            frozen.retain(|f| f.place != place);
            member.start()?;
            Ok(format!("{name} is killed and starts again"))
        }
    }
}
