//! Systems against each other over one backlog: ours, ours copying, ours without transactions, and peers; ours there and
//! back in each repetition.
//!
//! Place: what the two contests, of demux and of dep, share. Keeps every run; says medians and spread.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use super::ground::Ground;
use super::race::{Cost, Runner};
use crate::process::bound;

/// How a service of ours runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// As it is.
    Real,
    /// Copying in the same shape.
    Copy,
    /// As it is, without transactions.
    AtLeastOnce,
    /// As it is, in two processes.
    Two,
}

/// All runs of all systems.
#[derive(Debug, Default)]
pub struct Score {
    runs: BTreeMap<String, Vec<Cost>>,
    /// Values that are no run: a name and a figure.
    pub figures: BTreeMap<&'static str, f64>,
    /// What could not be run, and why.
    pub skipped: BTreeMap<String, String>,
}

impl Mode {
    /// Its settings.
    #[must_use]
    pub fn variables(self, shape: &Path, batch: f64) -> Vec<(String, String)> {
        let set = |name: &str, value: String| (name.to_owned(), value);
        let mut variables = vec![set("DA__KAFKA__SESSION_TIMEOUT_MS", "3000".to_owned())];
        match self {
            Self::Real | Self::Two => {}
            Self::Copy => {
                variables.push(set("DA__BENCH__COPY", shape.display().to_string()));
                variables.push(set("DA__KAFKA__BATCH_RECORDS", format!("{:.0}", batch.max(1.0))));
            }
            Self::AtLeastOnce => variables.push(set("DA__BENCH__AT_LEAST_ONCE", "true".to_owned())),
        }
        variables
    }

    /// How many processes.
    #[must_use]
    pub const fn processes(self) -> usize {
        match self {
            Self::Two => 2,
            Self::Real | Self::Copy | Self::AtLeastOnce => 1,
        }
    }
}

impl Score {
    /// Keeps a run.
    pub fn keep(&mut self, who: &str, cost: Cost) {
        self.runs.entry(who.to_owned()).or_default().push(cost);
    }

    /// The runs of a system so far.
    #[must_use]
    pub fn of(&self, who: &str) -> &[Cost] {
        self.runs.get(who).map_or(&[], Vec::as_slice)
    }

    /// The median of a figure over the runs of a system.
    #[must_use]
    pub fn median(&self, who: &str, figure: impl Fn(&Cost) -> f64) -> Option<f64> {
        let mut values: Vec<f64> = self.of(who).iter().map(figure).collect();
        values.sort_unstable_by(f64::total_cmp);
        let (low, high) = (values.get(values.len().checked_sub(1)? / 2)?, values.get(values.len() / 2)?);
        Some((low + high) / 2.0)
    }

    /// One line about a system.
    #[must_use]
    pub fn line(&self, who: &str) -> String {
        if let Some(why) = self.skipped.get(who) {
            return format!("  {who:<26} skipped: {why}");
        }
        let at = |figure: fn(&Cost) -> f64| self.median(who, figure).unwrap_or(0.0);
        let clients = self.of(who).iter().map(|cost| cost.client);
        let (least, most) = clients.fold((f64::MAX, 0.0_f64), |(a, b), c| (a.min(c), b.max(c)));
        format!(
            "  {who:<26} {:>7.1} ({least:>6.1}–{most:>6.1}) {:>8.1} {:>9.1} {:>9.0} {:>7.0} {:>7.0} {:>5}",
            at(|c| c.client),
            at(|c| c.broker),
            at(|c| c.database),
            at(|c| super::race::ratio(c.inputs) / c.seconds.max(1e-3)),
            at(|c| c.batch),
            at(|c| super::race::ratio(c.resident >> 20)),
            self.of(who).len(),
        )
    }

    /// The head of such lines.
    #[must_use]
    pub fn head() -> String {
        format!(
            "  {:<26} {:>7} {:>15} {:>8} {:>9} {:>9} {:>7} {:>7} {:>5}",
            "CPU-s per million inputs",
            "client",
            "(least–most)",
            "broker",
            "database",
            "inputs/s",
            "batch",
            "MB",
            "runs"
        )
    }
}

/// The order of one repetition: ours there and back, then the peers, which take ten times as long.
#[must_use]
pub fn order<T: Clone>(ours: &[T], peers: &[T]) -> Vec<T> {
    ours.iter().chain(ours.iter().rev()).chain(peers).cloned().collect()
}

/// Starts a service of ours.
///
/// # Errors
/// When a program cannot be started.
pub fn ours(
    ground: &Ground,
    service: &'static str,
    (mode, variables): (Mode, &[(String, String)]),
) -> anyhow::Result<Vec<Runner>> {
    let mut runners = Vec::new();
    for slot in 0..mode.processes() {
        let mut member = ground.fleet.recruit((service, slot), variables)?;
        member.start()?;
        runners.push(Runner::Ours(Box::new(member)));
    }
    Ok(runners)
}

/// Starts a peer.
///
/// # Errors
/// When the program cannot be started.
pub fn peer(ground: &Ground, program: &str, arguments: &[&str]) -> anyhow::Result<Runner> {
    let path = ground.fleet.dir.join("peer.log");
    let log = File::create(&path)?;
    let mut command = bound(Path::new(program));
    command.args(arguments).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    Ok(Runner::Peer(command.spawn().with_context(|| format!("start {program}"))?, path))
}

/// What a script that makes a peer ready prints, or why it cannot.
///
/// # Errors
/// When the script fails otherwise than by saying what is missing.
pub fn ready(script: &str) -> anyhow::Result<Result<String, String>> {
    let output = Command::new("sh").arg(script).stdin(Stdio::null()).output()?;
    let told = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if output.status.code() == Some(3) {
        return Ok(Err(told));
    }
    ensure!(output.status.success(), "{script}: {told}");
    Ok(Ok(String::from_utf8(output.stdout)?.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_two_lies_between_them_and_the_way_back_is_the_other_way() {
        let mut score = Score::default();
        for client in [4.0, 2.0] {
            score.keep("a", Cost { client, ..Cost::default() });
        }
        assert_eq!((score.median("a", |c| c.client), score.median("b", |c| c.client)), (Some(3.0), None));
        assert_eq!(order(&[1, 2, 3], &[7]), [1, 2, 3, 3, 2, 1, 7]);
    }
}
