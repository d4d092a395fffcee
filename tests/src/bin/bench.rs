//! `make bench`: what every stage costs beside a copy of the same shape, then what the whole process does.
//!
//! Place: one run on one machine, its own output is the report. Asserts nothing about speed.

use std::process::ExitCode;

use tests::bench::pure;
use tests::bench::whole::Bench;

fn main() -> ExitCode {
    stages();
    match whole() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("bench: FAILED {error:#}"));
            ExitCode::FAILURE
        }
    }
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

fn whole() -> anyhow::Result<()> {
    say(
        "whole process: bench profile, requests of 100 events, 8 connections, synchronous=FULL, load on the same cores",
    );
    let bench = Bench::start("load")?;
    say(&format!("  {}", bench.play("empty file", 200_000, 1)?));
    say(&format!("  {}", bench.play("file of the first run's rows", 200_000, 2)?));
    bench.finish()?;
    let bench = Bench::start("latency")?;
    let latencies = bench.latencies(4_000, 200)?;
    let at = |share: usize| latencies.get(latencies.len() * share / 100).copied().unwrap_or(0.0);
    say(&format!("  request to class row, one event per request at 200/s: p50 {:.1} ms, p99 {:.1} ms", at(50), at(99)));
    bench.finish()?;
    let bench = Bench::start("memory")?;
    let few = bench.sessions(0, 10_000)?;
    let many = bench.sessions(10_000, 1_000_000)?;
    let growth = (i128::from(many) - i128::from(few)) * 100 / i128::from(few.max(1));
    say(&format!(
        "  resident after 10^4 one-event sessions {} MB, after 10^6 {} MB: {growth:+} %",
        few >> 20,
        many >> 20
    ));
    bench.finish()
}

#[expect(clippy::print_stdout, reason = "the output of the program")]
fn say(line: &str) {
    println!("{line}");
}
