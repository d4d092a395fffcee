//! Outages of what the services stand on: PostgreSQL, the broker, the registry go and come back while events flow.
//!
//! Place: four of the drills. Recovery is from the moment when it answers again to the next committed output of the
//! slowest group; no process may end by itself meanwhile.

use anyhow::Context;

use super::Course;
use super::watch::Watch;
use crate::fleet::member::SERVICES;
use crate::fleet::servers::Part;
use crate::process::{now, pause};
use crate::sim::Chance;

/// How a fault begins, how it ends, and how long it lasts at most, ms.
struct Kind {
    name: &'static str,
    begin: Option<&'static str>,
    end: &'static str,
    lasts: usize,
}

const POSTGRES: &[Kind] = &[
    Kind { name: "kill -9", begin: Some("kill"), end: "restart", lasts: 2_000 },
    Kind { name: "restart", begin: None, end: "restart", lasts: 0 },
    Kind { name: "freeze", begin: Some("pause"), end: "resume", lasts: 4_000 },
];

const BROKER: &[Kind] = &[
    Kind { name: "kill -9", begin: Some("kill"), end: "start-node", lasts: 2_000 },
    Kind { name: "term", begin: Some("term"), end: "start-node", lasts: 2_000 },
    FREEZE,
];

/// Also longer than a session.
const FREEZE: Kind = Kind { name: "freeze", begin: Some("pause"), end: "resume", lasts: 14_000 };

pub(super) fn postgres(course: &mut Course<'_>) -> anyhow::Result<()> {
    again_and_again(course, (Part::Postgres, POSTGRES), &["gep", "dep"])
}

pub(super) fn bounce(course: &mut Course<'_>) -> anyhow::Result<()> {
    again_and_again(course, (Part::Kafka, BROKER), &SERVICES)
}

pub(super) fn freeze(course: &mut Course<'_>) -> anyhow::Result<()> {
    again_and_again(course, (Part::Kafka, &[FREEZE]), &SERVICES)
}

fn again_and_again(
    course: &mut Course<'_>,
    (part, kinds): (Part, &[Kind]),
    hit: &[&'static str],
) -> anyhow::Result<()> {
    let mut chance = Chance::new(course.plan.seed);
    let watch = Watch::over(course.fleet)?;
    let faults = course.plan.size.faults;
    for fault in 1..=faults {
        watch.due(course, fault)?;
        pause(u64::try_from(chance.below(150))?);
        // Each kind comes in turn, so that few faults show all of them; which broker it meets is chance.
        let kind = kinds.get(usize::try_from(fault - 1)? % kinds.len()).context("a kind of fault")?;
        let node = (1 + chance.below(course.fleet.servers.brokers)).to_string();
        let words = |word| if part == Part::Kafka { vec![word, node.as_str()] } else { vec![word] };
        let begun = now();
        if let Some(word) = kind.begin {
            course.fleet.servers.act(part, &words(word))?;
            pause(u64::try_from(chance.below(kind.lasts))?);
        }
        course.fleet.servers.act(part, &words(kind.end))?;
        let (back, away) = (now(), begun.elapsed().as_secs_f64());
        let before: Vec<_> = hit.iter().map(|s| Ok((*s, watch.stands(s)?))).collect::<anyhow::Result<_>>()?;
        watch.moved(course, before, back)?;
        course.tell(&format!("fault {fault}/{faults}: {} of {part:?} {node}, away for {away:.1} s", kind.name));
    }
    // With one request a second or so, for want of events, this is an upper bound.
    course.count("unanswered-ms", u64::try_from(course.answered.2.as_millis())?);
    Ok(())
}

/// The registry goes for good; every service is killed and starts from the ids on disk.
pub(super) fn registry(course: &mut Course<'_>) -> anyhow::Result<()> {
    let watch = Watch::over(course.fleet)?;
    let faults = course.plan.size.faults;
    watch.due(course, 1)?;
    course.fleet.servers.act(Part::Registry, &["kill"])?;
    course.tell("the registry is away");
    for fault in 1..=faults {
        watch.due(course, fault)?;
        let service = *SERVICES.get(usize::try_from(fault)? % SERVICES.len()).context("a service")?;
        let killed = now();
        let member = course.fleet.member(service, 0)?;
        member.kill()?;
        member.start()?;
        pause(super::crash::LAST_WORDS_MS);
        let before = watch.stands(service)?;
        watch.moved(course, vec![(service, before)], killed)?;
        course.tell(&format!("restart {fault}/{faults} without a registry: {service}"));
    }
    Ok(())
}
