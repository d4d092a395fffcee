//! `da audit --ledger FILE`: did everything that was accepted have exactly its effects?
//!
//! Place: after a simulation, over a cluster, beside a running or over a stopped `da up`. Waits until no group has lag, then reads and
//! judges; changes nothing.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{ArgMatches, Args, FromArgMatches};
use da_runtime::clock::SystemClock;
use da_runtime::ports::Clock;
use indicatif::ProgressBar;
use serde::Serialize;

use super::Command;
use crate::audit::finding::{Finding, Tally};
use crate::audit::gather::{self, Gathering};
use crate::cluster;
use crate::ledger::Run;
use crate::output::{Exit, Form, Output};
use crate::settings::Chosen;

/// The command.
#[derive(Debug)]
pub struct Audit;

/// Check a ledger against topics and tables: nothing lost, nothing twice, nothing wrong
#[derive(Debug, Args)]
struct Arguments {
    /// The ledger of `da simulate`; may be given again where several runs filled the data folder
    #[arg(long = "ledger", required = true)]
    ledgers: Vec<PathBuf>,
    /// Wait at most so many seconds until no group has lag
    #[arg(long, default_value_t = 120)]
    wait: u32,
    /// Print at most so many findings
    #[arg(long, default_value_t = 20)]
    show: usize,
    #[command(flatten)]
    chosen: Chosen,
}

/// The verdict for programs.
#[derive(Debug, Serialize)]
struct Verdict {
    ok: bool,
    accepted: usize,
    lost: usize,
    duplicated: usize,
    misordered: usize,
    wrong: usize,
    findings: Vec<String>,
}

impl Command for Audit {
    fn name(&self) -> &'static str {
        "audit"
    }

    fn arguments(&self, base: clap::Command) -> clap::Command {
        Arguments::augment_args(base)
    }

    fn run(&self, matches: &ArgMatches, out: Output) -> anyhow::Result<Exit> {
        let arguments = Arguments::from_arg_matches(matches)?;
        let settings = arguments.chosen.load()?.settings;
        let dir = settings.dir.clone();
        let bar = if out.is_live() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
        let tick = |what: &str| {
            bar.set_message(what.to_owned());
            bar.tick();
        };
        tick("reading the ledger");
        let ledger = gather::ledgers(&arguments.ledgers, |run| owner(&dir, run))?;
        let mut gathering = Gathering::new(cluster::reading(&settings)?, cluster::schemas(&settings)?, ledger)?;
        tick("waiting until no group has lag");
        drained(&mut gathering, i64::from(arguments.wait) * 1000)?;
        gathering.begins_at_zero()?;
        gathering.everything(tick)?;
        tick("recomputing");
        let findings = crate::audit::check(&gathering.evidence);
        let accepted = crate::audit::accepted(&gathering.evidence);
        bar.finish_and_clear();
        report(&findings, accepted, (arguments.show, out))
    }
}

/// Whose events they are: by the key in the data folder, else as the ledger's head says.
fn owner(dir: &Path, run: &Run) -> (String, String) {
    let keys = std::fs::read(dir.join(da_runtime::http::auth::FILE)).unwrap_or_default();
    let keys: serde_json::Value = serde_json::from_slice(&keys).unwrap_or_default();
    let list = keys.as_array().or_else(|| keys.get("keys").and_then(|k| k.as_array()));
    let key = list.into_iter().flatten().find(|k| k.get("id").and_then(|id| id.as_str()) == Some(&run.key_id));
    let field = |name: &str, other: &str| {
        let found = key.and_then(|k| k.get(name)).and_then(|v| v.as_str());
        found.unwrap_or(other).to_owned()
    };
    (field("tenant", &run.tenant), field("partner", &run.partner))
}

/// Waits until no transaction is open and every group has read everything; what is left then is for the findings.
fn drained(gathering: &mut Gathering, patience: i64) -> anyhow::Result<()> {
    let clock = SystemClock;
    let until = clock.now().0 + patience;
    while !gathering.settled()? && clock.now().0 < until {
        // Nobody wakes this thread: a look at the positions every now and then is the only way to see them move.
        std::thread::park_timeout(Duration::from_millis(100));
    }
    Ok(())
}

fn report(findings: &[Finding], accepted: usize, (show, out): (usize, Output)) -> anyhow::Result<Exit> {
    let Tally { lost, duplicated, misordered, wrong } = Tally::of(findings);
    let ok = findings.is_empty();
    if out.form() == Form::Json {
        let findings = findings.iter().take(show).map(ToString::to_string).collect();
        out.value(&Verdict { ok, accepted, lost, duplicated, misordered, wrong, findings })?;
    } else {
        findings.iter().take(show).try_for_each(|finding| out.line(finding))?;
        if findings.len() > show {
            out.line(format!("… and {} more (--show)", findings.len() - show))?;
        }
        let verdict = if ok { "ok" } else { "FAILED" };
        out.line(format!(
            "audit: {verdict} accepted={accepted} lost={lost} duplicated={duplicated} misordered={misordered} wrong={wrong}"
        ))?;
    }
    Ok(if ok { Exit::Fine } else { Exit::Findings })
}
