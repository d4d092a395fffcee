//! The simulated protocol: one atomic step over the world, with a possible death before and after each part of it.
//!
//! Place: handed to the real Driver. A death is a fatal fault; the test then drops the stages and begins anew from
//! what the world holds.

use std::sync::Arc;

use da_model::fault::{Cause, Fault};
use da_model::ids::{Offset, TopicName, TopicPartition};
use da_model::state::RowKey;
use da_runtime::batch::Rows;
use da_runtime::commit::{Ask, Part, Polled, Protocol, Work};
use da_runtime::driver::Stage;
use da_runtime::io::segment::Segment;

use super::{Schedule, World};

/// A world under a schedule.
#[derive(Debug)]
pub struct SimProtocol {
    /// What is committed.
    pub world: World,
    /// What chance decides.
    pub schedule: Schedule,
    /// How often the process died.
    pub crashes: usize,
}

impl SimProtocol {
    /// A protocol over a world.
    #[must_use]
    pub const fn new(world: World, schedule: Schedule) -> Self {
        Self { world, schedule, crashes: 0 }
    }

    /// Runs freshly made stages until nothing is left to read; makes them anew after each death.
    ///
    /// # Errors
    /// A fault that is no death.
    pub fn run(&mut self, stages: impl Fn() -> Vec<Box<dyn Stage>>) -> Result<(), Fault> {
        let mut living = stages();
        loop {
            let mut moved = 0;
            let crashes = self.crashes;
            for stage in &mut living {
                let max = self.schedule.size();
                match stage.step(self, max) {
                    Ok(stepped) => moved += stepped.records,
                    Err(_) if self.crashes > crashes => break,
                    Err(fault) => return Err(fault),
                }
            }
            if self.crashes > crashes {
                living = stages();
            } else if moved == 0 {
                return Ok(());
            }
        }
    }

    fn perhaps_die(&mut self, at: &str) -> Result<(), Fault> {
        if self.schedule.crashes() {
            self.crashes += 1;
            return Err(Fault::Fatal(Cause::new(at, "the simulated process dies")));
        }
        Ok(())
    }

    fn part(&self, group: &'static str, at: TopicPartition, max: usize) -> Option<Part> {
        let position = self.world.positions.get(&(group, at)).cloned().unwrap_or_default();
        let from = usize::try_from(position.next.0).ok()?;
        let waiting = self.world.topics.get(&at)?.get(from..).filter(|w| !w.is_empty() && max > 0)?;
        let mut segment = Segment::new(Offset(position.next.0));
        for record in waiting.iter().take(max) {
            segment.push(record.at, record.key.as_deref(), record.value.as_deref());
        }
        let length = segment.len();
        Some(Part { at, position, spans: vec![(Arc::new(segment), 0..length)] })
    }
}

impl Protocol for SimProtocol {
    fn partitions(&self, _: TopicName) -> u32 {
        self.world.partitions
    }

    fn poll(&mut self, ask: Ask<'_>) -> Result<Polled, Fault> {
        self.perhaps_die("poll")?;
        let mut left = ask.max;
        let mut parts = Vec::new();
        let mut topics: Vec<TopicName> = ask.topics.to_vec();
        topics.sort_unstable();
        for at in topics.into_iter().flat_map(|topic| self.world.partitions_of(topic)) {
            if ask.except.contains(&at) {
                continue;
            }
            let part = self.part(ask.group, at, left);
            left -= part.as_ref().map_or(0, |p| p.spans.iter().map(|(_, range)| range.len()).sum());
            parts.extend(part);
        }
        Ok(Polled { parts, set_aside: false })
    }

    fn begin(&mut self, keys: &[RowKey]) -> Result<Rows, Fault> {
        self.perhaps_die("begin")?;
        let mut rows = Rows::default();
        for key in keys {
            rows.load(key.clone(), self.world.rows.get(key).cloned());
        }
        Ok(rows)
    }

    fn commit(&mut self, work: Work) -> Result<(), Fault> {
        self.perhaps_die("before commit")?;
        self.world.commit(work);
        self.perhaps_die("after commit")
    }

    fn abandon(&mut self) {}
}
