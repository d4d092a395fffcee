//! The ground of the cluster benchmark: the stack, recorded `gep.usage` of the bench profile, and the same as JSON.
//!
//! Place: made once, before any run. The events go through the real gep; what peers read is the same records as JSON.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use da_model::ids::{Offset, Partition, TopicName};
use da_model::schema::json::event_to_json;
use da_model::schema::{Schemas, codec};
use da_model::topics;
use da_runtime::config::{self, Sources};
use da_runtime::io::kafka::member::BENCH_MARK;
use rdkafka::message::Message;
use serde_json::Value;

use super::log::{Log, Sent};
use super::race::{Field, Track};
use super::walk::Input;
use crate::fleet::{Fleet, Plan};
use crate::process::{deadline, now, pause};

/// How large a benchmark is.
#[derive(Debug, Clone)]
pub struct Size {
    /// Folder of the programs.
    pub programs: PathBuf,
    /// Events that are posted.
    pub events: u64,
    /// Of them, the inputs of demux whose outputs dep reads.
    pub dep_events: usize,
    /// Runs per system.
    pub repetitions: usize,
    /// How often peers read the same inputs: a JVM wants to be warm.
    pub repeats: usize,
    /// Partitions per topic.
    pub partitions: u32,
    /// Seconds of the open-loop part.
    pub seconds: u64,
}

impl Default for Size {
    /// What ends in about twenty minutes on two cores.
    fn default() -> Self {
        Self {
            programs: PathBuf::from("target/release"),
            events: 100_000,
            dep_events: 40_000,
            repetitions: 3,
            repeats: 10,
            partitions: 12,
            seconds: 60,
        }
    }
}

/// The stack with recorded inputs.
#[derive(Debug)]
pub struct Ground {
    /// Stack and programs.
    pub fleet: Fleet,
    /// The brokers.
    pub log: Log,
    /// Schema ids of the topics.
    pub schemas: Schemas,
    /// Recorded `gep.usage`.
    pub usage: Vec<Input>,
}

/// Topics of the peers' outputs begin so.
pub const OUT: &str = "bench.out.";
/// The impact signals as JSON.
pub const USAGE_JSON: &str = "bench.usage";
/// The discrete events as JSON.
pub const DISCRETE_JSON: &str = "bench.discrete";
/// The totals of a stateful peer.
pub const TOTALS: &str = "bench.totals";

impl Ground {
    /// Starts the stack and records the inputs; `Err` in the inner place names what is missing here.
    ///
    /// # Errors
    /// When something is there and fails.
    pub fn make(size: &Size, dir: &Path, say: &dyn Fn(&str)) -> anyhow::Result<Result<Self, String>> {
        let plan = Plan {
            programs: size.programs.clone(),
            dir: dir.to_path_buf(),
            processes: 1,
            partitions: size.partitions,
            brokers: 1,
            cut: None,
        };
        let fleet = match Fleet::prepared(&plan)? {
            Ok(fleet) => fleet,
            Err(missing) => return Ok(Err(missing)),
        };
        let mut ground = Self::over(fleet)?;
        let log = &ground.log;
        log.create(&[BENCH_MARK.to_owned()], 1)?;
        let own = [USAGE_JSON, DISCRETE_JSON, TOTALS].map(str::to_owned);
        let outs = written("demux").into_iter().map(|name| name.replacen("demux.", OUT, 1));
        log.create(&own.into_iter().chain(outs).collect::<Vec<_>>(), size.partitions)?;
        ground.record(size, say)?;
        Ok(Ok(ground))
    }

    /// A fleet as a ground, without recorded inputs.
    ///
    /// # Errors
    /// When brokers or registry do not answer.
    pub fn over(fleet: Fleet) -> anyhow::Result<Self> {
        let log = Log::open(fleet.servers.address("KAFKA_BOOTSTRAP")?)?;
        let schemas = schemas_of(fleet.settings())?;
        Ok(Self { fleet, log, schemas, usage: Vec::new() })
    }

    /// Posts the bench profile to a gep, and reads what it says.
    fn record(&mut self, size: &Size, say: &dyn Fn(&str)) -> anyhow::Result<()> {
        let (started, track) = (now(), self.track());
        let (broker, database) = (track.broker(), track.database());
        let mut gep = self.fleet.recruit(("gep", 0), &[])?;
        gep.start()?;
        gep.ready()?;
        let pid = gep.pid().context("gep runs")?;
        let before = crate::bench::cpu::of_tree(pid);
        self.post(&size.programs, (gep.http(), 1), size.events)?;
        self.drained(&["gep.accepted"], "gep")?;
        let track = self.track();
        let per = |seconds: f64| seconds / super::race::ratio(size.events) * 1e6;
        say(&format!(
            "  gep: {} events in {} s; CPU-s/M: gep {:.0}, broker {:.0}, database {:.0}",
            size.events,
            started.elapsed().as_secs(),
            per(crate::bench::cpu::of_tree(pid) - before),
            per(track.broker() - broker),
            per(track.database() - database),
        ));
        gep.stop()?;
        self.usage = self.inputs(&["gep.usage"])?;
        ensure!(!self.usage.is_empty(), "gep said nothing");
        Ok(())
    }

    /// Posts the bench profile over eight connections, as fast as it is taken.
    ///
    /// # Errors
    /// When the load fails.
    pub fn post(&self, programs: &Path, (to, seed): (std::net::SocketAddr, u64), events: u64) -> anyhow::Result<()> {
        let load = Command::new(programs.join("da"))
            .args(["simulate", "--profile", "bench", "--connections", "8", "--batch", "100", "--quiet"])
            .args(["--url", &format!("http://{to}"), "--key", self.fleet.key(), "--seed", &seed.to_string()])
            .args(["--tenant", "drill", "--partner", "drill", "--events", &events.to_string(), "--ledger"])
            .arg(self.fleet.dir.join(format!("ledger-bench-{seed}.jsonl")))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()?;
        ensure!(load.success(), "da simulate ended with {load}");
        Ok(())
    }

    /// Waits until a group has read everything of topics.
    ///
    /// # Errors
    /// When it does not come to the end in ten minutes.
    pub fn drained(&self, topics: &[&str], group: &str) -> anyhow::Result<()> {
        let full: Vec<String> = topics.iter().map(|t| full(t)).collect();
        let (until, looking) = (deadline(600), self.log.looking(group, &full)?);
        loop {
            let (bounds, committed) = (self.log.bounds(&full)?, looking.now()?);
            // Behind the last record may lie the mark of a transaction.
            if bounds.iter().all(|(at, (from, to))| *to - committed.get(at).unwrap_or(from) <= 1) {
                return Ok(());
            }
            ensure!(!until.passed(), "{group} is not drained after ten minutes");
            pause(50);
        }
    }

    /// Every record of topics of ours.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn inputs(&self, of: &[&str]) -> anyhow::Result<Vec<Input>> {
        let names: Vec<(String, TopicName)> =
            of.iter().filter_map(|name| Some((full(name), topics::named(name)?))).collect();
        let bounds = self.log.bounds(&names.iter().map(|(full, _)| full.clone()).collect::<Vec<_>>())?;
        let mut inputs = Vec::new();
        self.log.read(&bounds, |message| {
            let topic = names.iter().find(|(full, _)| full == message.topic()).map(|(_, topic)| *topic);
            inputs.push(Input {
                topic: topic.context("a topic that was asked for")?,
                partition: Partition(u32::try_from(message.partition())?),
                offset: Offset(message.offset()),
                key: message.key().unwrap_or_default().to_vec(),
                value: message.payload().unwrap_or_default().to_vec(),
            });
            Ok(())
        })?;
        inputs.sort_by_key(|input| (input.offset, input.topic, input.partition));
        Ok(inputs)
    }

    /// Sends inputs as JSON to a topic, so often; the mean bytes before and after.
    ///
    /// # Errors
    /// When one cannot be read, or the brokers refuse.
    pub fn as_json(&self, inputs: &[Input], topic: &str, times: usize) -> anyhow::Result<(usize, usize)> {
        let mut values = Vec::with_capacity(inputs.len());
        for input in inputs {
            values.push(serde_json::to_vec(&self.json_of(&input.value)?)?);
        }
        for _ in 0..times {
            let sent = inputs.iter().zip(&values);
            let sent = sent.map(|(input, value)| Sent { partition: input.partition, key: &input.key, value });
            self.log.send(topic, sent)?;
        }
        let mean = |sum: usize| sum / inputs.len().max(1);
        Ok((mean(inputs.iter().map(|i| i.value.len()).sum()), mean(values.iter().map(Vec::len).sum())))
    }

    /// A value of ours as JSON.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn json_of(&self, value: &[u8]) -> anyhow::Result<Value> {
        let (lineage, event) = codec::decode(value, &self.schemas).map_err(|e| anyhow::anyhow!("{e}"))?;
        Ok(event_to_json(&event, &lineage))
    }

    /// What runs are measured on.
    #[must_use]
    pub const fn track(&self) -> Track<'_> {
        Track { fleet: &self.fleet, log: &self.log }
    }
}

/// The field of inputs in topics of ours.
#[must_use]
pub fn field_of(inputs: &[Input]) -> Field {
    let mut field = Field::default();
    for input in inputs {
        let at = (full(input.topic.0), i32::try_from(input.partition.0).unwrap_or(0));
        field.offsets.entry(at).or_default().push(input.offset.0);
    }
    field.offsets.values_mut().for_each(|offsets| offsets.sort_unstable());
    field
}

/// The field of a topic without transactions.
///
/// # Errors
/// When the brokers do not answer.
pub fn field_of_json(log: &Log, topic: &str) -> anyhow::Result<Field> {
    let bounds = log.bounds(&[topic.to_owned()])?;
    let offsets = bounds.into_iter().map(|(at, (from, to))| (at, (from..to).collect()));
    Ok(Field { offsets: offsets.collect(), feedback: Vec::new() })
}

/// The name of a topic on the log.
#[must_use]
pub fn full(name: &str) -> String {
    topics::named(name).map_or_else(|| name.to_owned(), topics::full_name)
}

/// Topics that a service writes now, dead letters aside.
#[must_use]
pub fn written(service: &str) -> Vec<String> {
    let of = topics::all().iter().filter(|t| t.feeds == "now" && t.producers.iter().any(|p| p == service));
    of.filter(|t| t.schema != "dead_letter").map(|t| t.name.clone()).collect()
}

fn schemas_of(settings: &Path) -> anyhow::Result<Schemas> {
    let text = std::fs::read_to_string(settings)?;
    let sources = Sources { file: Some(("da.yaml".to_owned(), text)), environment: Vec::new() };
    let loaded = config::read(&sources).map_err(|findings| anyhow::anyhow!("{findings:?}"))?;
    cli::cluster::schemas(&loaded.settings)
}
