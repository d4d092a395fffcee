//! One run of a system over a preloaded backlog: CPU of client, broker and database between two positions.
//!
//! Place: every cost of the cluster benchmark. From process accounting; wall time is told beside it and judged by
//! nothing. What was spent before the first counted position is warm-up.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Child;

use anyhow::{Context, ensure};

use super::log::{Log, Looking};
use crate::bench::cpu;
use crate::fleet::Fleet;
use crate::fleet::member::Member;
use crate::process::{deadline, now, pause};

/// The share of the inputs that is warm-up.
pub const WARM: f64 = 0.2;
/// The same where a JVM must warm up.
pub const WARM_JVM: f64 = 0.6;
/// How often positions are looked at, ms.
const LOOK_MS: u64 = 20;
/// A run that takes longer is given up, s.
const LONGEST: u64 = 900;

/// What a run reads.
#[derive(Debug, Clone, Default)]
pub struct Field {
    /// Offsets of the records, in order, per topic and partition.
    pub offsets: BTreeMap<(String, i32), Vec<i64>>,
    /// Topics that the system writes and reads again; a run is over when nothing is left in them.
    pub feedback: Vec<String>,
}

/// A running system under measurement.
#[derive(Debug)]
pub enum Runner {
    /// A process of ours.
    Ours(Box<Member>),
    /// A program of others, and where its words go.
    Peer(Child, PathBuf),
}

/// What a run cost.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cost {
    /// CPU-s per million inputs of all client processes.
    pub client: f64,
    /// The same of the brokers.
    pub broker: f64,
    /// The same of the database.
    pub database: f64,
    /// Inputs counted.
    pub inputs: u64,
    /// Seconds they took.
    pub seconds: f64,
    /// Resident bytes of the clients at the end.
    pub resident: u64,
    /// Mean batch of our own, 0 of others.
    pub batch: f64,
    /// Rows written per input, by our own count.
    pub rows: f64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Look {
    consumed: u64,
    cpu: [f64; 3],
    seconds: f64,
}

impl Field {
    /// Records in all.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.offsets.values().map(|offsets| offsets.len() as u64).sum()
    }

    /// Topics that are counted.
    #[must_use]
    pub fn topics(&self) -> Vec<String> {
        let mut topics: Vec<String> = self.offsets.keys().map(|(topic, _)| topic.clone()).collect();
        topics.dedup();
        topics
    }

    fn consumed(&self, committed: &BTreeMap<(String, i32), i64>) -> u64 {
        let of = |(at, offsets): (&(String, i32), &Vec<i64>)| {
            committed.get(at).map_or(0, |next| offsets.partition_point(|offset| offset < next) as u64)
        };
        self.offsets.iter().map(of).sum()
    }
}

impl Runner {
    /// Its process.
    ///
    /// # Errors
    /// When it has ended.
    pub fn pid(&mut self) -> anyhow::Result<u32> {
        match self {
            Self::Ours(member) => {
                member.check()?;
                member.pid().context("the member does not run")
            }
            Self::Peer(child, log) => {
                if let Some(status) = child.try_wait()? {
                    let text = std::fs::read_to_string(log).unwrap_or_default();
                    let tail: Vec<&str> = text.lines().rev().take(8).collect();
                    anyhow::bail!("the peer ended with {status}: {}", tail.join(" | "));
                }
                Ok(child.id())
            }
        }
    }

    fn counted(&self, name: &str) -> f64 {
        let Self::Ours(member) = self else { return 0.0 };
        let page = member.page("/metrics").unwrap_or_default();
        let lines = page.lines().filter(|line| line.starts_with(&format!("{name}{{")));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }

    fn stop(self) -> anyhow::Result<()> {
        match self {
            Self::Ours(mut member) => member.stop(),
            Self::Peer(mut child, _) => {
                let pid = child.id().to_string();
                let asked = std::process::Command::new("kill").args(["-TERM", &pid]).status()?;
                ensure!(asked.success(), "kill -TERM {pid} failed");
                buried(&mut child)
            }
        }
    }
}

/// Waits for the end of a program that was asked to stop, and kills it where that does not help.
fn buried(child: &mut Child) -> anyhow::Result<()> {
    let until = deadline(60);
    while child.try_wait()?.is_none() {
        if until.passed() {
            child.kill()?;
        }
        pause(20);
    }
    Ok(())
}

/// What a run is measured on.
#[derive(Debug, Clone, Copy)]
pub struct Track<'t> {
    /// Stack and programs.
    pub fleet: &'t Fleet,
    /// The brokers.
    pub log: &'t Log,
}

impl Track<'_> {
    /// Runs systems over a field until all of it is committed for a group; counts from a share of it on.
    ///
    /// # Errors
    /// When one ends early, or does not come to the end.
    pub fn run(&self, mut runners: Vec<Runner>, (group, field): (&str, &Field), warm: f64) -> anyhow::Result<Cost> {
        let looking = self.log.looking(group, &field.topics())?;
        let looks = self.watch(&mut runners, (group, field), &looking)?;
        let mut resident = 0;
        for runner in &mut runners {
            resident += cpu::resident(runner.pid()?).unwrap_or(0);
        }
        pause(600);
        let (batches, records) = sum(&runners, "da_batches_total", "da_records_total");
        let (rows, _) = sum(&runners, "da_rows_total", "");
        runners.into_iter().try_for_each(Runner::stop)?;
        let cost = cost(&looks, field.total(), warm).context("too few looks; the backlog is too short")?;
        let rows = rows / ratio(field.total().max(1));
        // A copy has no outcomes to count.
        let records = if records > 0.0 { records } else { ratio(field.total()) };
        let batch = if batches > 0.0 { records / batches } else { 0.0 };
        Ok(Cost { resident, batch, rows, ..cost })
    }

    fn watch(
        &self,
        runners: &mut [Runner],
        (group, field): (&str, &Field),
        looking: &Looking,
    ) -> anyhow::Result<Vec<Look>> {
        let (until, started, total) = (deadline(LONGEST), now(), field.total());
        let mut looks = Vec::new();
        loop {
            let consumed = field.consumed(&looking.now()?);
            let client = runners.iter_mut().map(Runner::pid).collect::<anyhow::Result<Vec<u32>>>()?;
            let client = client.into_iter().map(cpu::of_tree).sum();
            let cpu = [client, self.broker(), self.database()];
            let whole = consumed >= total && self.drained(group, field)?;
            // The last look is the one that finds everything done.
            let consumed = if whole { total } else { consumed.min(total.saturating_sub(1)) };
            looks.push(Look { consumed, cpu, seconds: started.elapsed().as_secs_f64() });
            if whole {
                return Ok(looks);
            }
            ensure!(!until.passed(), "{consumed} of {total} records after {LONGEST} s");
            pause(LOOK_MS);
        }
    }

    /// Behind the last record of a partition lies the mark of its transaction and nothing else.
    fn drained(&self, group: &str, field: &Field) -> anyhow::Result<bool> {
        if field.feedback.is_empty() {
            return Ok(true);
        }
        let committed = self.log.looking(group, &field.feedback)?.now()?;
        let bounds = self.log.bounds(&field.feedback)?;
        let left = |(at, (from, to)): (&(String, i32), &(i64, i64))| *to - committed.get(at).unwrap_or(from) > 1;
        Ok(!bounds.iter().any(left))
    }

    /// CPU seconds of the brokers so far.
    #[must_use]
    pub fn broker(&self) -> f64 {
        self.of("kafka/node1/pid")
    }

    /// CPU seconds of the database so far.
    #[must_use]
    pub fn database(&self) -> f64 {
        self.of("postgres/pid")
    }

    fn of(&self, file: &str) -> f64 {
        let text = std::fs::read_to_string(self.fleet.dir.join("run").join(file)).unwrap_or_default();
        text.split(' ').next().and_then(|pid| pid.parse().ok()).map_or(0.0, cpu::of_tree)
    }
}

fn sum(runners: &[Runner], one: &str, two: &str) -> (f64, f64) {
    (runners.iter().map(|r| r.counted(one)).sum(), runners.iter().map(|r| r.counted(two)).sum())
}

/// From the first look with the warm share done to the first that finds everything done.
fn cost(looks: &[Look], total: u64, warm: f64) -> Option<Cost> {
    let from = looks.iter().find(|look| look.consumed > 0 && ratio(look.consumed) >= warm * ratio(total))?;
    let to = looks.last()?;
    let inputs = to.consumed.checked_sub(from.consumed).filter(|inputs| *inputs > 0)?;
    let [client, broker, database] = std::array::from_fn(|n| {
        (to.cpu.get(n).unwrap_or(&0.0) - from.cpu.get(n).unwrap_or(&0.0)) / ratio(inputs) * 1e6
    });
    Some(Cost { client, broker, database, inputs, seconds: to.seconds - from.seconds, ..Cost::default() })
}

/// A count as a figure for people.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
pub const fn ratio(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_spent_before_the_warm_share_is_not_counted() {
        let look = |consumed, client, seconds| Look { consumed, cpu: [client, 0.0, 0.0], seconds };
        let looks = [look(0, 1.0, 0.0), look(100, 3.0, 1.0), look(600, 4.0, 2.0), look(1000, 5.0, 3.0)];
        let cost = cost(&looks, 1000, 0.5).unwrap();
        assert_eq!((cost.inputs, cost.client, cost.seconds), (400, 2_500.0, 1.0));
        assert!(super::cost(&looks[..1], 1000, 0.5).is_none());
    }
}
