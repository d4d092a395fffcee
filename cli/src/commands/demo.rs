//! `da demo`: two classes of simulated learners, their tables filling live, the proof, and what to try next.
//!
//! Place: starts [`crate::single`] on a folder of its own and plays learners over HTTP like any partner. The numbers
//! shown come from the tables, the last line from `da audit`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use clap::{ArgMatches, Args, FromArgMatches};
use da_runtime::app;
use da_runtime::clock::SystemClock;
use da_runtime::commit::embedded_txn::{FILE, LOCK};
use da_runtime::config::Settings;
use da_runtime::http::auth;
use da_runtime::ports::Clock;
use da_runtime::stop::Phase;
use serde_json::{Value, json};

use super::{Command, audit, up};
use crate::cluster;
use crate::learners::player::{self, Counts, End, Play, Progress, Target};
use crate::learners::{self, Profile};
use crate::ledger::{Run, Writer};
use crate::output::{Exit, Form, Output, Refusal};
use crate::settings::Chosen;
use crate::single::{self, Running};
use crate::standings::Board;

/// The ledger in the demo's folder; also tells such a folder from others.
const LEDGER: &str = "ledger.jsonl";

/// The command.
#[derive(Debug)]
pub struct Demo;

/// Play 30 learners of two classes for a minute and check every number
#[derive(Debug, Args)]
struct Arguments {
    /// Folder of the demo; one of an earlier demo is replaced
    #[arg(long, default_value = "da-demo")]
    dir: PathBuf,
    /// How long to play
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Events per second
    #[arg(long, default_value_t = 40)]
    rate: u32,
    /// Seed of the learners
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Keep serving afterwards; on a terminal that is so anyway
    #[arg(long)]
    keep: bool,
}

impl Command for Demo {
    fn name(&self) -> &'static str {
        "demo"
    }

    fn arguments(&self, base: clap::Command) -> clap::Command {
        Arguments::augment_args(base)
    }

    fn run(&self, matches: &ArgMatches, out: Output) -> anyhow::Result<Exit> {
        let arguments = Arguments::from_arg_matches(matches)?;
        clear(&arguments.dir)?;
        let chosen = Chosen { settings: None, dir: Some(arguments.dir.clone()) };
        let mut settings = chosen.load()?.settings;
        // What is refused on purpose would be warned of between the lines of progress; it is told at the end.
        settings.log_level = "error";
        app::install_telemetry(&settings, "da");
        let running = started(&mut settings, out)?;
        let (key, _) = auth::create(&arguments.dir, up::new_key("demo"), SystemClock.now())?;
        running.keys.reread();
        out.note(format_args!(
            "30 learners of 2 classes post to {}/v1/events for {} s\n",
            running.url, arguments.seconds
        ));
        if play(&arguments, &running, &key, out)? != End::Complete {
            running.stop.raise(Phase::Refusing);
            running.wait()?;
            out.note("interrupted, and nothing was checked; the same call starts anew");
            return Ok(Exit::Interrupted);
        }
        let exit = prove(&arguments.dir, out)?;
        let stays = arguments.keep || out.is_live();
        let admin = (settings.admin_listen.port() == 0).then_some(&*running.admin_url);
        next(&Site { dir: &arguments.dir, url: &running.url, admin, key: &key, stays }, out)?;
        if stays {
            running.wait()?;
        } else {
            running.stop()?;
        }
        Ok(exit)
    }
}

/// Starts on the ports of the settings, or on free ones where those are taken.
fn started(settings: &mut Settings, out: Output) -> anyhow::Result<Running> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    match single::start(settings, Arc::clone(&clock)) {
        Err(error) if error.to_string().contains("cannot be opened") => {
            out.note(format_args!("{error:#}\nso the demo takes free ports"));
            settings.http.listen.set_port(0);
            settings.admin_listen.set_port(0);
            single::start(settings, clock)
        }
        other => other,
    }
}

/// Removes the folder of an earlier demo; leaves every other folder alone.
fn clear(dir: &Path) -> anyhow::Result<()> {
    if !dir.exists() {
        return Ok(());
    }
    let name = dir.display();
    if !dir.join(LEDGER).is_file() && dir.join(FILE).exists() {
        let what = format!("{name} holds data that no demo made");
        return Err(Refusal::wrong_use(what, "da demo --dir ANOTHER"));
    }
    let lock = std::fs::File::open(dir.join(LOCK));
    if lock.is_ok_and(|file| file.try_lock().is_err()) {
        return Err(Refusal::unreachable(
            format!("{name} is in use by a running process"),
            "stop it, or da demo --dir ANOTHER",
        ));
    }
    std::fs::remove_dir_all(dir)
        .map_err(|error| Refusal::unreachable(format!("removing {name}: {error}"), "da demo --dir ANOTHER"))
}

/// Posts the events of all learners while the board shows what became of them.
fn play(arguments: &Arguments, running: &Running, key: &str, out: Output) -> anyhow::Result<End> {
    let run = run(arguments, key);
    let ledger = Writer::open(&arguments.dir.join(LEDGER))?;
    ledger.run(&run)?;
    let target =
        Target { url: running.url.clone(), key: key.to_owned(), rate: f64::from(arguments.rate), patience: 60_000 };
    let counts = Counts::default();
    let progress = Progress::default();
    let mut board = Board::new(cluster::file(&arguments.dir)?, run.settings.events, out);
    let (clock, stop) = (&SystemClock, &running.stop);
    let play = Play { target: &target, run: &run, progress: &progress, ledger: &ledger, clock, stop };
    let end = player::play(play, &counts, |counts| {
        let answered = [&counts.accepted, &counts.duplicate, &counts.rejected].map(|n| n.load(Ordering::Relaxed));
        board.show(answered.iter().sum());
    })?;
    if end == End::Complete {
        running.settle();
        board.last()?;
        tell_dead(running, out);
    }
    Ok(end)
}

/// Learners contradict themselves now and then; what became of that is told once.
fn tell_dead(running: &Running, out: Output) {
    let counts = running.watch.status().counts;
    let dead: u64 = counts.values().flat_map(|counts| counts.dead.values()).sum();
    if dead > 0 {
        let (da, dir) = (program(), running.dir.display());
        out.note(format_args!("{dead} refused after acceptance, kept with the reason: {da} tap '*.dead' --dir {dir}"));
    }
}

fn run(arguments: &Arguments, key: &str) -> Run {
    let settings = learners::Settings {
        profile: Profile::Demo,
        seed: arguments.seed,
        events: arguments.seconds * u64::from(arguments.rate),
        connections: 5,
        batch: 2,
        classes: 2,
        learners: 30,
        base: SystemClock.now().0,
    };
    let key_id = key.split('.').next().unwrap_or_default().to_owned();
    Run { settings, tenant: "demo".to_owned(), partner: "demo".to_owned(), key_id }
}

/// `da audit` over what was just played; its verdict is the last line of the result.
fn prove(dir: &Path, out: Output) -> anyhow::Result<Exit> {
    let ledger = dir.join(LEDGER);
    let words = ["audit".as_ref(), "--dir".as_ref(), dir.as_os_str(), "--ledger".as_ref(), ledger.as_os_str()];
    let matches = audit::Audit.arguments(clap::Command::new("audit")).try_get_matches_from(words)?;
    audit::Audit.run(&matches, out)
}

/// Where the demo ran.
struct Site<'a> {
    dir: &'a Path,
    url: &'a str,
    /// Named where it is not the port of the settings.
    admin: Option<&'a str>,
    key: &'a str,
    stays: bool,
}

impl Site<'_> {
    /// What to try next, and the line for it; every line works as printed.
    fn lines(&self) -> Vec<(&'static str, String)> {
        let (da, dir, address) = (program(), self.dir.display(), bare(self.url));
        let admin = self.admin.map(|url| format!("DA__ADMIN__LISTEN={} ", bare(url))).unwrap_or_default();
        let again = format!("DA__HTTP__LISTEN={address} {admin}{da} up --dir {dir}");
        let tap = format!("{da} tap 'dep.class.*' --from -10m --limit 5 --dir {dir}");
        let sql = "select class, item_kind, percent, learners, views from class_progress where level = 'course'";
        let sql = format!("sqlite3 -readonly -header -column {dir}/{FILE} \"{sql}\"");
        let again = (!self.stays).then_some(("start it again, in another terminal", again));
        let others = [
            ("post an event of your own", up::sample_request(self.url, self.key)),
            ("what was said about classes, record by record", tap),
            ("the classes, in SQL", sql),
        ];
        again.into_iter().chain(others).collect()
    }
}

/// The program as it was called.
fn program() -> String {
    std::env::args().next().unwrap_or_else(|| "da".to_owned())
}

fn bare(url: &str) -> &str {
    url.trim_start_matches("http://")
}

fn next(site: &Site<'_>, out: Output) -> anyhow::Result<()> {
    let (url, key, serving) = (site.url, site.key, site.stays);
    if out.form() == Form::Json {
        let line = |(what, command)| json!({"what": what, "command": command});
        let next: Vec<Value> = site.lines().into_iter().map(line).collect();
        return Ok(out.value(&json!({"url": url, "key": key, "serving": serving, "next": next}))?);
    }
    out.line("\nTry next:")?;
    site.lines().iter().try_for_each(|(what, command)| out.line(format_args!("\n# {what}\n{command}")))?;
    if serving {
        out.line(format_args!("\nstill serving at {url}, contract at {url}/docs; Ctrl-C ends it"))?;
    }
    Ok(())
}
