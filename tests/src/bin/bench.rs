//! `make bench`: what every stage costs beside a copy of the same shape, then what the whole process does.
//!
//! Place: one run on one machine, its own output is the report; `bench load` runs one part alone. Asserts nothing about
//! speed.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use tests::bench::cluster::{self, ground::Size};
use tests::bench::whole::Bench;
use tests::bench::{publish, pure};
use tests::process::now;
use tests::rank;

/// The parts, in the order in which they run.
const PARTS: [&str; 9] = ["pure", "load", "latency", "memory", "publish", "dep", "hops", "chain", "cluster"];
/// What may stand beside the parts.
const OPTIONS: &str = "--program FILE, --events N, --sessions N; of cluster: --programs FOLDER, --cluster-events N, \
                       --dep-events N, --repetitions N, --repeats N, --seconds N";
/// Rows in the file before the second run of load.
const ROWS: u64 = 1_000_000;
/// The row cache of the server whose memory is watched, MiB: full long before the first figure.
const CACHE_MIB: u64 = 16;

/// What to run.
struct Plan {
    parts: Vec<String>,
    program: PathBuf,
    events: u64,
    sessions: u64,
    cluster: Size,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("bench: FAILED {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let plan = plan()?;
    let started = now();
    for part in &plan.parts {
        match part.as_str() {
            "pure" => stages(),
            "load" => load(&plan)?,
            "latency" => latency(&plan)?,
            "publish" => publications()?,
            "dep" => cluster::dep_alone(&plan.cluster, &say)?,
            "hops" => cluster::hops(&plan.cluster, &say)?,
            "chain" => cluster::chain(&plan.cluster, &say)?,
            "cluster" => {
                cluster::run(&plan.cluster, &say)?;
            }
            _ => memory(&plan)?,
        }
    }
    say(&format!("bench: done {} in {} s", plan.parts.join(" "), started.elapsed().as_secs()));
    Ok(())
}

fn plan() -> anyhow::Result<Plan> {
    let (parts, program, cluster) = (Vec::new(), PathBuf::from("target/release/da"), Size::default());
    let mut plan = Plan { parts, program, events: 200_000, sessions: 1_000_000, cluster };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().with_context(|| format!("{word} needs a value"));
        match word.as_str() {
            "--program" => plan.program = value()?.into(),
            "--events" => plan.events = value()?.parse()?,
            "--sessions" => plan.sessions = value()?.parse()?,
            "--programs" => plan.cluster.programs = value()?.into(),
            "--cluster-events" => plan.cluster.events = value()?.parse()?,
            "--dep-events" => plan.cluster.dep_events = value()?.parse()?,
            "--repetitions" => plan.cluster.repetitions = value()?.parse()?,
            "--repeats" => plan.cluster.repeats = value()?.parse()?,
            "--seconds" => plan.cluster.seconds = value()?.parse()?,
            part if PARTS.contains(&part) => plan.parts.push(word),
            other => bail!("unknown argument {other}; known: {}, {OPTIONS}", PARTS.join(", ")),
        }
    }
    if plan.parts.is_empty() {
        // One wants a broker of its own, which `make bench` starts for it; the others are parts of `cluster`.
        let all = PARTS.into_iter().filter(|part| !matches!(*part, "publish" | "dep" | "hops" | "chain"));
        plan.parts = all.map(str::to_owned).collect();
    }
    Ok(plan)
}

fn stages() {
    say("pure part of each stage: decode, decide, encode; rows in memory, no I/O; CPU-s per million inputs");
    say(&format!(
        "  {:<8} {:>9} {:>9} {:>16} {:>12} {:>8} {:>12}",
        "stage", "inputs", "outputs", "CPU-s/M inputs", "a copy", "ratio", "µs/output"
    ));
    for cost in pure::measure(20_000) {
        say(&format!("  {cost}"));
    }
}

fn load(plan: &Plan) -> anyhow::Result<()> {
    say(
        "whole process: bench profile, requests of 100 events, 8 connections, synchronous=FULL, load on the same cores",
    );
    let bench = Bench::start(&plan.program, "load", &[])?;
    say(&format!("  {}", bench.play("empty file", plan.events, 1)?));
    let mut seed = 1;
    while plan.events >= 200_000 && bench.rows()? < ROWS {
        seed += 1;
        say(&format!("  {}", bench.play("filling the file", plan.events, seed)?));
    }
    say(&format!("  the file holds {} rows in tables", bench.rows()?));
    say(&format!("  {}", bench.play("the same into that file", plan.events, seed + 1)?));
    bench.finish()
}

fn latency(plan: &Plan) -> anyhow::Result<()> {
    let bench = Bench::start(&plan.program, "latency", &[])?;
    let latencies = bench.latencies(4_000, 200)?;
    let at = |share| rank::at(&latencies, share);
    say(&format!("request to class row, one event per request at 200/s: p50 {:.1} ms, p99 {:.1} ms", at(50), at(99)));
    bench.finish()
}

/// The first figure is taken with every bounded store in memory as full as it gets: what grows after it grows with the
/// sessions.
fn memory(plan: &Plan) -> anyhow::Result<()> {
    say(&format!("resident memory over one-event sessions, each of a learner of its own; cache.bytes {CACHE_MIB} MiB"));
    let bench = Bench::start(&plan.program, "memory", &[("DA__CACHE__BYTES", format!("{CACHE_MIB} MiB"))])?;
    let told = |done: u64, resident: u64| {
        if done.is_multiple_of(100_000) || done < 100_000 {
            say(&format!("  {done:>8} sessions {:>5} MB", resident >> 20));
        }
    };
    let few = bench.sessions(0, 10_000, told)?;
    let many = bench.sessions(10_000, plan.sessions, told)?;
    let growth = (i128::from(many) - i128::from(few)) * 100 / i128::from(few.max(1));
    say(&format!(
        "  resident after 10^4 one-event sessions {} MB, after {} {} MB: {growth:+} % (bar: at most +20 %)",
        few >> 20,
        plan.sessions,
        many >> 20
    ));
    bench.finish()
}

fn publications() -> anyhow::Result<()> {
    match publish::measure(1_000)? {
        None => say("publish: skipped, KAFKA_BOOTSTRAP names no broker"),
        Some(took) => {
            let at = |share| rank::at(&took, share);
            let (p50, p90, p99) = (at(50), at(90), at(99));
            let what = format!("flush + offsets + commit of {} records", publish::RECORDS);
            say(&format!("{what}: p50 {p50:.1} ms, p90 {p90:.1} ms, p99 {p99:.1} ms (bar: p50 at most 10 ms)"));
        }
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the output of the program")]
fn say(line: &str) {
    println!("{line}");
}
