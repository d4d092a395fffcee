//! Kafka, registry and PostgreSQL of a fleet: started by the scripts of `deploy/local` in a run folder of their own.
//!
//! Place: below [`super::Fleet`]. Whatever stack the environment names is left alone; what runs here is stopped when
//! the value is dropped.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use crate::measure;

/// A part of the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The brokers.
    Kafka,
    /// The schema registry.
    Registry,
    /// The database.
    Postgres,
}

/// What runs, and where.
#[derive(Debug)]
pub struct Servers {
    run: PathBuf,
    /// How many brokers there are.
    pub brokers: usize,
    addresses: BTreeMap<String, String>,
}

/// Whether the stack is there.
#[derive(Debug)]
pub enum Started {
    /// It runs.
    Here(Servers),
    /// Something that it needs is not on this machine.
    Missing(String),
}

impl Part {
    const ALL: [Self; 3] = [Self::Kafka, Self::Registry, Self::Postgres];

    const fn script(self) -> &'static str {
        match self {
            Self::Kafka => "deploy/local/kafka.sh",
            Self::Registry => "deploy/local/registry.sh",
            Self::Postgres => "deploy/local/postgres.sh",
        }
    }
}

fn script(run: &Path, part: Part, words: &[&str]) -> Command {
    let mut command = Command::new("sh");
    command.arg(part.script()).args(words).env("STACK_RUN", run).stdin(Stdio::null());
    command.current_dir(measure::root());
    for given in ["KAFKA_BOOTSTRAP", "REGISTRY_URL", "DATABASE_URL", "NODES", "KAFKA_SECURITY"] {
        command.env_remove(given);
    }
    command
}

/// Should this process be killed outright, what it started must not outlive it.
fn guard(run: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(run)?;
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let began = stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(19)).context("no start in stat")?;
    std::fs::write(run.join("owner"), format!("{} {began}\n", std::process::id()))?;
    let mut command = Command::new("setsid");
    command.current_dir(measure::root());
    command.args(["-f", "sh", "deploy/local/stack.sh", "guard"]).env("STACK_RUN", run).stdin(Stdio::null());
    ensure!(command.stdout(Stdio::null()).stderr(Stdio::null()).status()?.success(), "setsid -f failed");
    Ok(())
}

impl Servers {
    /// Starts all three, one after the other: three at once would only be in each other's way. Where a port is advertised,
    /// clients of the one broker are sent there.
    ///
    /// # Errors
    /// When one is there and does not start.
    pub fn start(run: &Path, brokers: usize, advertised: Option<u16>) -> anyhow::Result<Started> {
        Self::of(&Part::ALL, run, (brokers, advertised))
    }

    /// Starts one broker and nothing else.
    ///
    /// # Errors
    /// When it is there and does not start.
    pub fn broker(run: &Path) -> anyhow::Result<Started> {
        Self::of(&[Part::Kafka], run, (1, None))
    }

    fn of(parts: &[Part], run: &Path, (brokers, advertised): (usize, Option<u16>)) -> anyhow::Result<Started> {
        let mut servers = Self { run: run.to_path_buf(), brokers, addresses: BTreeMap::new() };
        guard(run)?;
        for &part in parts {
            let mut start = script(run, part, &["start"]);
            start.envs(advertised.map(|port| ("KAFKA_ADVERTISED_PORT", port.to_string())));
            let output = start.env("NODES", brokers.to_string()).output().context("run sh")?;
            let told = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            if output.status.code() == Some(3) {
                return Ok(Started::Missing(told));
            }
            ensure!(output.status.success(), "{} start: {told}", part.script());
            servers.read_addresses(part)?;
        }
        Ok(Started::Here(servers))
    }

    fn read_addresses(&mut self, part: Part) -> anyhow::Result<()> {
        let output = script(&self.run, part, &["url"]).output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let lines = text.lines().filter_map(|line| line.strip_prefix("export ")?.split_once('='));
        self.addresses.extend(lines.map(|(name, value)| (name.to_owned(), value.trim_matches('\'').to_owned())));
        Ok(())
    }

    /// An address by the name under which the scripts export it.
    ///
    /// # Errors
    /// When there is none.
    pub fn address(&self, name: &str) -> anyhow::Result<&str> {
        self.addresses.get(name).map(String::as_str).with_context(|| format!("the stack names no {name}"))
    }

    /// Has something done to a part: `kill`, `term`, `pause`, `resume`, `restart`, `start-node 1`.
    ///
    /// # Errors
    /// When the script says that it did not work.
    pub fn act(&self, part: Part, words: &[&str]) -> anyhow::Result<()> {
        let output = script(&self.run, part, words).output()?;
        let told = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{} {}: {}", part.script(), words.join(" "), told.trim());
        Ok(())
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        for part in Part::ALL {
            // There is nobody to tell; the scripts stop by pid, and what runs not is fine.
            let _ = script(&self.run, part, &["stop"]).output();
        }
        // Out of the guard's way: the logs are of use where a drill failed.
        let _ = std::fs::rename(&self.run, self.run.with_extension("ended"));
    }
}
