//! `make drill`: the drills of delivery.md §12: faults under load on real processes, again and again, then the audit.
//!
//! Place: run by CI at floor level; without words it is the crash loop on a real `da up`, with `--cluster` the drills
//! of [`tests::drills`]. Prints the seed, how much disk it needs, and a verdict in one line. Every crash *point* is the
//! business of the tests; here chance decides when a process dies.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};

use anyhow::{Context, bail, ensure};
use tests::drills::beside::{self, Ended};
use tests::drills::{self, Drill, Options, STOP_S, recovery_bar};
use tests::process::{Server, Site, deadline, now, pause};
use tests::rank;
use tests::sim::Chance;

/// Bytes on disk per event: log, state and ledger, with room for the write-ahead log.
const BYTES_PER_EVENT: u64 = 14_000;

struct Plan {
    level: String,
    seed: u64,
    events: u64,
    kills: u64,
    programs: PathBuf,
}

/// Requests answered so far, read from the end of the ledger.
struct Progress {
    file: File,
    answered: u64,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.split_first() {
        Some((first, rest)) if first == "--cluster" => cluster(rest),
        Some(_) | None => embedded(),
    }
}

/// Every drill on a cluster, or the one that is named; the verdicts come once more at the end.
fn cluster(words: &[String]) -> ExitCode {
    match run_cluster(words) {
        Ok(ended) => {
            ended.iter().for_each(|drill| print(&drill.line));
            if ended.iter().any(|drill| drill.failed) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
        }
        Err(error) => say(&format!("drill: {error:#}"), ExitCode::from(2)),
    }
}

fn run_cluster(words: &[String]) -> anyhow::Result<Vec<Ended>> {
    let (options, only, beside) = options(words)?;
    let drills = Drill::ALL.into_iter().filter(|drill| only.is_none_or(|name| name == *drill));
    let plans = drills.map(|drill| options.plan(drill)).collect::<anyhow::Result<Vec<_>>>()?;
    beside::all(&plans, beside, print)
}

fn options(words: &[String]) -> anyhow::Result<(Options, Option<Drill>, usize)> {
    let programs = PathBuf::from("target/release");
    let mut options =
        Options { level: "floor".to_owned(), seed: 1, programs, events: None, faults: None, seconds: None, rate: 0 };
    let (mut only, mut beside) = (None, 1);
    for pair in words.chunks(2) {
        let [word, value] = pair else { bail!("{} needs a value", pair.concat()) };
        match word.as_str() {
            "--level" => options.level.clone_from(value),
            "--seed" => options.seed = value.parse()?,
            "--programs" => options.programs = PathBuf::from(value),
            "--events" => options.events = Some(value.parse()?),
            "--faults" => options.faults = Some(value.parse()?),
            "--seconds" => options.seconds = Some(value.parse()?),
            "--rate" => options.rate = value.parse()?,
            "--only" => only = Some(drill_of(value)?),
            "--beside" => beside = value.parse()?,
            other => bail!(
                "unknown argument {other}; known: --level --seed --only --beside --programs --events --faults \
                 --seconds --rate"
            ),
        }
    }
    Ok((options, only, beside))
}

fn drill_of(name: &str) -> anyhow::Result<Drill> {
    let names: Vec<&str> = Drill::ALL.iter().map(|drill| drill.name()).collect();
    let found = Drill::ALL.into_iter().find(|drill| drill.name() == name);
    found.with_context(|| format!("unknown drill {name}; known: {}", names.join(", ")))
}

fn embedded() -> ExitCode {
    match run() {
        Ok(line) => say(&line, ExitCode::SUCCESS),
        Err(error) => say(&format!("drill crash-loop: FAILED {error:#}"), ExitCode::FAILURE),
    }
}

#[expect(clippy::print_stdout, reason = "the output of the program")]
fn print(line: &str) {
    println!("{line}");
}

fn say(line: &str, code: ExitCode) -> ExitCode {
    print(line);
    code
}

fn run() -> anyhow::Result<String> {
    let plan = plan()?;
    let dir = std::env::temp_dir().join(format!("da-drill-{}-{}", plan.seed, std::process::id()));
    let need = plan.events * BYTES_PER_EVENT;
    std::fs::create_dir_all(&dir)?;
    let free = drills::free_bytes(&dir)?;
    say(
        &format!(
            "drill crash-loop: level {} seed {} events {} kills {}",
            plan.level, plan.seed, plan.events, plan.kills
        ),
        ExitCode::SUCCESS,
    );
    say(
        &format!("disk: needs about {} MB, {} MB are free in {}", need >> 20, free >> 20, dir.display()),
        ExitCode::SUCCESS,
    );
    ensure!(free >= 2 * need, "less than twice of what it needs is free; free some, or set TMPDIR to another disk");
    let verdict = crash_loop(&plan, &dir);
    if verdict.is_ok() {
        std::fs::remove_dir_all(&dir)?;
    }
    verdict.with_context(|| format!("its files are kept in {}", dir.display()))
}

fn plan() -> anyhow::Result<Plan> {
    let programs = PathBuf::from("target/release");
    let mut plan = Plan { level: "floor".to_owned(), seed: 1, events: 100_000, kills: 30, programs };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let value = words.next().with_context(|| format!("{word} needs a value"))?;
        match word.as_str() {
            "--level" => plan.level = value,
            "--seed" => plan.seed = value.parse()?,
            "--programs" => plan.programs = PathBuf::from(value),
            other => {
                bail!("unknown argument {other}; known: --level floor|target|moonshot, --seed N, --programs FOLDER")
            }
        }
    }
    (plan.events, plan.kills) = match plan.level.as_str() {
        "floor" => (100_000, 30),
        "target" => (1_000_000, 300),
        "moonshot" => (10_000_000, 1_000),
        other => bail!("unknown level {other}; known: floor, target, moonshot"),
    };
    Ok(plan)
}

fn crash_loop(plan: &Plan, dir: &Path) -> anyhow::Result<String> {
    let site = Site::new(&plan.programs.join("da"), dir)?;
    let key = site.key()?;
    let ledger = dir.join("ledger.jsonl");
    let mut server = site.start()?;
    site.ready(&mut server)?;
    let mut load = load(&site, (&key, &ledger), plan)?;
    let mut recoveries = Vec::new();
    let mut chance = Chance::new(plan.seed);
    let mut progress = Progress::of(&ledger)?;
    let requests = plan.events.div_ceil(100);
    for kill in 1..=plan.kills {
        let target = kill * requests / (plan.kills + 1);
        if !progress.wait_for(target, &mut load)? {
            bail!("the load ended before kill {kill}");
        }
        pause(u64::try_from(chance.below(120))?);
        server.kill()?;
        let killed = now();
        let answered = progress.read()?;
        server = site.start()?;
        progress.wait_for(answered + 1, &mut load)?;
        recoveries.push(killed.elapsed().as_secs_f64());
    }
    ensure!(load.wait()?.success(), "da simulate failed; see {}", dir.join("load.log").display());
    finish(&site, server, (&ledger, &mut recoveries), plan)
}

fn load(site: &Site, (key, ledger): (&str, &Path), plan: &Plan) -> anyhow::Result<Child> {
    let log = File::create(site.dir.join("load.log"))?;
    let (events, seed) = (plan.events.to_string(), plan.seed.to_string());
    let child = Command::new(&site.program)
        .args([
            "simulate",
            "--profile",
            "soak",
            "--url",
            &site.url(),
            "--key",
            key,
            "--events",
            &events,
            "--seed",
            &seed,
        ])
        .args(["--tenant", "drill", "--partner", "drill", "--ledger"])
        .arg(ledger)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()?;
    Ok(child)
}

fn finish(
    site: &Site,
    server: Server,
    (ledger, recoveries): (&Path, &mut Vec<f64>),
    plan: &Plan,
) -> anyhow::Result<String> {
    let audit =
        Command::new(&site.program).args(["audit", "--ledger"]).arg(ledger).arg("--dir").arg(&site.dir).output()?;
    let text = String::from_utf8_lossy(&audit.stdout);
    say(text.trim_end(), ExitCode::SUCCESS);
    ensure!(audit.status.success(), "the audit does not agree: {}", String::from_utf8_lossy(&audit.stderr));
    let last = text.lines().last().unwrap_or_default();
    ensure!(last.starts_with("audit: ok"), "the audit's last line is {last:?}");
    let stopping = now();
    let status = server.stop()?;
    ensure!(status.success(), "da up ended with {status} when asked to stop");
    let stopped = stopping.elapsed().as_secs_f64();
    let panics = site.log()?.matches("panicked at").count();
    ensure!(panics == 0, "{panics} panics in the server's log");
    recoveries.sort_by(f64::total_cmp);
    let at = |share| rank::at(recoveries, share);
    let bar = recovery_bar(&plan.level).context("a level has a bar")?;
    ensure!(at(99) <= bar, "recovery p99 took {:.2} s, more than {bar} s", at(99));
    ensure!(stopped <= STOP_S, "the ordered stop took {stopped:.2} s, more than {STOP_S} s");
    Ok(format!(
        "drill crash-loop: ok level={} seed={} events={} kills={} recovery p50={:.2}s p99={:.2}s max={:.2}s stop={stopped:.2}s",
        plan.level,
        plan.seed,
        plan.events,
        plan.kills,
        at(50),
        at(99),
        at(100)
    ))
}

impl Progress {
    fn of(ledger: &Path) -> anyhow::Result<Self> {
        let until = deadline(30);
        while !ledger.exists() {
            ensure!(!until.passed(), "the load writes no ledger");
            pause(10);
        }
        Ok(Self { file: File::open(ledger)?, answered: 0 })
    }

    fn read(&mut self) -> anyhow::Result<u64> {
        let mut text = Vec::new();
        let at = self.file.stream_position()?;
        self.file.read_to_end(&mut text)?;
        let whole = text.iter().rposition(|b| *b == b'\n').map_or(0, |n| n + 1);
        self.file.seek(SeekFrom::Start(at + u64::try_from(whole)?))?;
        let lines = text.get(..whole).unwrap_or_default().split(|b| *b == b'\n');
        let answers = lines.filter(|line| line.windows(10).take(60).any(|w| w == b"\"answer\":{"));
        self.answered += u64::try_from(answers.count())?;
        Ok(self.answered)
    }

    /// Waits for so many answers; `false` when the load ended first.
    fn wait_for(&mut self, answers: u64, load: &mut Child) -> anyhow::Result<bool> {
        let until = deadline(600);
        loop {
            if self.read()? >= answers {
                return Ok(true);
            }
            if load.try_wait()?.is_some() {
                return Ok(self.read()? >= answers);
            }
            ensure!(!until.passed(), "no progress for ten minutes");
            pause(3);
        }
    }
}
