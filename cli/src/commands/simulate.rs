//! `da simulate`: seeded learners post events to a server and keep a ledger of what was answered.
//!
//! Place: load for the demo, the bench and the drills. Outlives kills of the server and goes on with an old ledger.
//! Knows nothing of right numbers: that is `da audit`.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use anyhow::Context;
use clap::{ArgMatches, Args, FromArgMatches};
use da_runtime::app;
use da_runtime::clock::SystemClock;
use da_runtime::ports::Clock;
use da_runtime::stop::Stop;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::Command;
use crate::learners::player::{self, Counts, End, Play, Progress, Target};
use crate::learners::{Profile, Settings};
use crate::ledger::{Run, Writer};
use crate::output::{Exit, Form, Output, Refusal};

/// The command.
#[derive(Debug)]
pub struct Simulate;

/// Post the events of simulated learners and keep a ledger of the verdicts
#[derive(Debug, Args)]
struct Arguments {
    /// Where to post
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: String,
    /// Ingest key (`da keys create`)
    #[arg(long, required_unless_present = "key_file")]
    key: Option<String>,
    /// File that holds the ingest key
    #[arg(long)]
    key_file: Option<PathBuf>,
    /// Events per second in all; 0 is as fast as they are taken
    #[arg(long, default_value_t = 0.0)]
    rate: f64,
    /// Events in all
    #[arg(long, default_value_t = 10_000)]
    events: u64,
    /// Seed; the same seed gives the same learners and events
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Kind of load
    #[arg(long, value_enum, default_value_t = Profile::Demo)]
    profile: Profile,
    /// Connections
    #[arg(long, default_value_t = 8)]
    connections: usize,
    /// Events per request
    #[arg(long, default_value_t = 100)]
    batch: usize,
    /// The ledger; an unfinished one is taken up again
    #[arg(long)]
    ledger: PathBuf,
    /// Classes; by default 2, in bench and soak one per 30 learners
    #[arg(long)]
    classes: Option<usize>,
    /// Learners in all; by default 30, in bench and soak 1,000
    #[arg(long)]
    learners: Option<usize>,
    /// Tenant of the key, for the audit where it cannot read keys.json
    #[arg(long, default_value = "demo")]
    tenant: String,
    /// Partner of the key, likewise
    #[arg(long, default_value = "demo")]
    partner: String,
    /// Give up after so many seconds without any answer
    #[arg(long, default_value_t = 300)]
    patience: u32,
}

/// What a run came to.
#[derive(Debug, Serialize)]
struct Summary {
    complete: bool,
    events: u64,
    accepted: u64,
    duplicate: u64,
    rejected: u64,
    requests: u64,
    repeats: u64,
    seconds: f64,
    events_per_second: f64,
}

impl Command for Simulate {
    fn name(&self) -> &'static str {
        "simulate"
    }

    fn arguments(&self, base: clap::Command) -> clap::Command {
        Arguments::augment_args(base)
    }

    fn run(&self, matches: &ArgMatches, out: Output) -> anyhow::Result<Exit> {
        let arguments = Arguments::from_arg_matches(matches)?;
        let target = arguments.target()?;
        let clock = SystemClock;
        let (run, progress) = taken_up(&arguments.ledger, &arguments.new_run(&target, clock.now().0), out)?;
        let ledger = Writer::open(&arguments.ledger)?;
        if progress.written.is_empty() {
            ledger.run(&run)?;
        }
        let counts = Counts::default();
        let bar = bar(run.settings.events, out);
        let stop = Stop::new();
        app::leave_on_signal(stop.clone())?;
        let start = clock.now().0;
        let play =
            Play { target: &target, run: &run, progress: &progress, ledger: &ledger, clock: &clock, stop: &stop };
        let end = player::play(play, &counts, |counts| show(counts, &bar));
        bar.finish_and_clear();
        let end = end.map_err(|error| Refusal::unreachable(format!("{error:#}"), "da keys list, da validate"))?;
        report(&summary(&counts, end, clock.now().0 - start), out)?;
        let why = match end {
            End::Complete => return Ok(Exit::Fine),
            End::NoAnswer => "no answer for too long",
            End::Interrupted => "interrupted",
        };
        out.note(format!("{why}; the same call with --ledger {} goes on from there", arguments.ledger.display()));
        Ok(Exit::Interrupted)
    }
}

impl Arguments {
    fn target(&self) -> anyhow::Result<Target> {
        let key = match (&self.key, &self.key_file) {
            (Some(key), _) => key.clone(),
            (None, Some(path)) => std::fs::read_to_string(path)
                .with_context(|| format!("read the key file {}", path.display()))?
                .trim()
                .to_owned(),
            (None, None) => return Err(Refusal::wrong_use("no ingest key", "da simulate --key KEY")),
        };
        Ok(Target { url: self.url.clone(), key, rate: self.rate, patience: i64::from(self.patience) * 1000 })
    }

    fn new_run(&self, target: &Target, now: i64) -> Run {
        let learners = self.learners.unwrap_or(match self.profile {
            Profile::Demo => 30,
            Profile::Bench | Profile::Soak => 1_000,
        });
        let classes = self.classes.unwrap_or(match self.profile {
            Profile::Demo => 2,
            Profile::Bench | Profile::Soak => learners.div_ceil(30),
        });
        let settings = Settings {
            profile: self.profile,
            seed: self.seed,
            events: self.events,
            connections: self.connections.max(1),
            batch: self.batch.clamp(1, 1_000),
            classes,
            learners,
            base: now,
        };
        let key_id = target.key.split('.').next().unwrap_or_default().to_owned();
        Run { settings, tenant: self.tenant.clone(), partner: self.partner.clone(), key_id }
    }
}

/// The run of an unfinished ledger with equal settings, or the new one.
fn taken_up(path: &Path, new: &Run, out: Output) -> anyhow::Result<(Run, Progress)> {
    let Some((old, progress)) = player::progress_of(path)? else {
        return Ok((new.clone(), Progress::default()));
    };
    let same = Settings { base: old.settings.base, ..new.settings.clone() };
    if same != old.settings {
        let what = format!("{} is the ledger of a run with other settings", path.display());
        return Err(Refusal::wrong_use(what, "another --ledger, or the same --seed, --events, --profile"));
    }
    out.note(format!("going on after {} requests of {}", progress.written.iter().sum::<u64>(), path.display()));
    Ok((old, progress))
}

fn bar(events: u64, out: Output) -> ProgressBar {
    if !out.is_live() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:30} {human_pos}/{human_len} events  {per_sec}  {eta} left  {msg}");
    let bar = ProgressBar::new(events);
    style.map_or_else(|_| bar.clone(), |style| bar.clone().with_style(style))
}

fn show(counts: &Counts, bar: &ProgressBar) {
    let [accepted, duplicate, rejected] =
        [&counts.accepted, &counts.duplicate, &counts.rejected].map(|n| n.load(Ordering::Relaxed));
    bar.set_position(accepted + duplicate + rejected);
    let repeats = counts.repeats.load(Ordering::Relaxed);
    if repeats > 0 {
        bar.set_message(format!("{repeats} sent again"));
    }
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn summary(counts: &Counts, end: End, ms: i64) -> Summary {
    let [accepted, duplicate, rejected] =
        [&counts.accepted, &counts.duplicate, &counts.rejected].map(|n| n.load(Ordering::Relaxed));
    let (events, seconds) = (accepted + duplicate + rejected, ms as f64 / 1000.0);
    Summary {
        complete: end == End::Complete,
        events,
        accepted,
        duplicate,
        rejected,
        requests: counts.requests.load(Ordering::Relaxed),
        repeats: counts.repeats.load(Ordering::Relaxed),
        seconds,
        events_per_second: if ms > 0 { events as f64 / seconds } else { 0.0 },
    }
}

fn report(summary: &Summary, out: Output) -> anyhow::Result<()> {
    if out.form() == Form::Json {
        return Ok(out.value(summary)?);
    }
    let Summary { events, accepted, duplicate, rejected, requests, repeats, seconds, events_per_second, .. } = summary;
    out.line(format!(
        "simulate: events={events} accepted={accepted} duplicate={duplicate} rejected={rejected} requests={requests} \
         repeats={repeats} seconds={seconds:.1} rate={events_per_second:.0}/s"
    ))?;
    Ok(())
}
