//! The groups of a fleet as a drill watches them: how far they are, and when one moves again.
//!
//! Place: below every drill. A position is committed together with its output, so a group that moves has committed
//! output. While the brokers are away, nothing moves.

use std::cell::RefCell;
use std::time::Instant;

use anyhow::{Context, bail, ensure};
use da_model::ids::TopicName;
use da_runtime::io::kafka::client::KafkaSettings;
use da_runtime::io::kafka::positions::Positions;

use super::Course;
use crate::fleet::Fleet;
use crate::fleet::member::SERVICES;
use crate::process::{Deadline, deadline, pause};

/// How long a group may stand still after a fault is over, s.
const PATIENCE: u64 = 180;
/// How long nothing moves after the load is over until nothing is waited for, s.
const QUIET: u64 = 20;

/// How long brokers may tell nothing until they are asked over a new connection, s: a client can lose its coordinator
/// for ever.
const DEAF: u64 = 15;

/// The group of every service, in the order of [`SERVICES`].
pub(super) struct Watch(Vec<Group>);

struct Group {
    service: &'static str,
    kafka: KafkaSettings,
    topics: Vec<TopicName>,
    asked: RefCell<(Positions, Deadline)>,
}

impl Group {
    fn of(fleet: &Fleet, service: &'static str) -> anyhow::Result<Self> {
        let kafka = KafkaSettings::new(fleet.servers.address("KAFKA_BOOTSTRAP")?.to_owned());
        let asked = RefCell::new((fleet.positions(service)?, deadline(DEAF)));
        Ok(Self { service, kafka, topics: fleet.topics_of(service)?, asked })
    }

    fn now(&self) -> Option<i64> {
        let mut asked = self.asked.borrow_mut();
        if let Ok(standing) = asked.0.now() {
            asked.1 = deadline(DEAF);
            return Some(standing.iter().map(|(_, next)| next.0).sum());
        }
        if asked.1.passed()
            && let Ok(anew) = Positions::open(&self.kafka, self.service, &self.topics)
        {
            *asked = (anew, deadline(DEAF));
        }
        None
    }
}

impl Watch {
    /// Connects.
    pub(super) fn over(fleet: &Fleet) -> anyhow::Result<Self> {
        Ok(Self(SERVICES.iter().map(|service| Group::of(fleet, service)).collect::<anyhow::Result<_>>()?))
    }

    /// Records that a group has read, and the markers between them; `None` while the brokers do not tell.
    fn read_by(&self, service: &str) -> anyhow::Result<Option<i64>> {
        let group = self.0.iter().find(|group| group.service == service);
        Ok(group.with_context(|| format!("no group {service}"))?.now())
    }

    /// Where a group stands, asked until the brokers tell.
    pub(super) fn stands(&self, service: &str) -> anyhow::Result<i64> {
        let until = deadline(PATIENCE);
        loop {
            if let Some(sum) = self.read_by(service)? {
                return Ok(sum);
            }
            ensure!(!until.passed(), "the brokers do not tell where {service} stands");
            pause(10);
        }
    }

    /// Waits until each of these groups stands beyond where it stood, and tells of each as it does. Once the load is
    /// over and nothing moves any more, perhaps nothing is left to be done: the audit finds out whether that is so.
    pub(super) fn moved(
        &self,
        course: &mut Course<'_>,
        mut before: Vec<(&'static str, i64)>,
        since: Instant,
    ) -> anyhow::Result<()> {
        let (until, mut quiet) = (deadline(PATIENCE), deadline(QUIET));
        loop {
            for (service, stood) in std::mem::take(&mut before) {
                match self.read_by(service)? {
                    Some(now) if now > stood => course.recovered(service, Some(since)),
                    Some(_) | None => before.push((service, stood)),
                }
            }
            if before.is_empty() {
                return Ok(());
            }
            patient(course, until, &format!("no output is committed within {PATIENCE} s; stood at {before:?}"))?;
            if !course.load.over()? {
                quiet = deadline(QUIET);
            }
            if quiet.passed() {
                before.iter().for_each(|(service, _)| course.recovered(service, None));
                return Ok(());
            }
        }
    }

    /// Waits for the moment of a fault: faults are spread evenly over nine tenths of the events, as far as gep has
    /// come with them. Some events are refused, and some must follow the last fault.
    pub(super) fn due(&self, course: &mut Course<'_>, fault: u64) -> anyhow::Result<()> {
        let size = course.plan.size;
        let events = i64::try_from(fault * size.events * 9 / 10 / (size.faults + 1))?;
        let until = deadline(900);
        while self.read_by("gep")?.is_none_or(|now| now < events) {
            patient(course, until, &format!("gep has not come to event {events} within 15 minutes"))?;
        }
        Ok(())
    }
}

pub(super) fn patient(course: &mut Course<'_>, until: Deadline, told: &str) -> anyhow::Result<()> {
    course.fleet.check()?;
    course.look()?;
    if until.passed() {
        bail!("{told}");
    }
    pause(10);
    Ok(())
}
