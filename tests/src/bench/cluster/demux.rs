//! The contest of demux: itself, a copy of its shape, at least once, two processes, a Python loop, Kafka Streams.
//!
//! Place: over recorded `gep.usage` of the bench profile. A run whose outputs differ in their sums does not count: it
//! ends the benchmark.

use std::path::PathBuf;

use anyhow::ensure;
use rdkafka::message::Message;
use serde_json::Value;

use super::contest::{Mode, Score, order, ours, peer, ready};
use super::ground::{Ground, OUT, Size, USAGE_JSON, field_of, field_of_json, full, written};
use super::log::Bounds;
use super::race::{Cost, Field, WARM, WARM_JVM};
use super::sums::Sums;
use super::walk::walk;

/// The names of the runs.
pub const REAL: &str = "demux";
/// Copying in the same shape.
pub const COPY: &str = "demux, copying";
/// Without transactions.
pub const AT_LEAST_ONCE: &str = "demux, at least once";
/// In two processes.
pub const TWO: &str = "demux, two processes";
/// The loop.
pub const LOOP: &str = "confluent-kafka + orjson";
/// The Streams program.
pub const STREAMS: &str = "Kafka Streams EOS v2";

struct Contest<'g> {
    ground: &'g Ground,
    field: Field,
    json: Field,
    shape: PathBuf,
    meant: Sums,
    emitted: (u64, u64),
    repeats: u64,
    turn: usize,
}

/// Runs it.
///
/// # Errors
/// When a system of ours fails, or outputs differ.
pub fn run(ground: &Ground, size: &Size, score: &mut Score, say: &dyn Fn(&str)) -> anyhow::Result<()> {
    let walked = walk(&demux::pipeline::Demux::default(), &ground.usage, &ground.schemas, 1_000);
    let shape = ground.fleet.dir.join("demux.shape");
    std::fs::write(&shape, walked.shape())?;
    let mut meant = Sums::default();
    for output in &walked.outputs {
        meant.add(&ground.json_of(&output.value)?)?;
    }
    let (avro, json) = ground.as_json(&ground.usage, USAGE_JSON, size.repeats)?;
    let mut contest = Contest {
        ground,
        field: field_of(&ground.usage),
        json: field_of_json(&ground.log, USAGE_JSON)?,
        shape,
        meant,
        emitted: walked.emitted,
        repeats: u64::try_from(size.repeats)?,
        turn: 0,
    };
    let (records, bytes) = walked.emitted;
    say(&format!(
        "  {} inputs of {avro} B ({json} B as JSON), {:.2} outputs each of {} B, {} partitions, lz4",
        ground.usage.len(),
        super::race::ratio(records) / super::race::ratio(ground.usage.len() as u64),
        bytes / records.max(1),
        size.partitions,
    ));
    contest.all(size, score)?;
    say(&Score::head());
    for who in [REAL, COPY, AT_LEAST_ONCE, TWO, LOOP, STREAMS] {
        say(&score.line(who));
    }
    Ok(())
}

impl Contest<'_> {
    fn all(&mut self, size: &Size, score: &mut Score) -> anyhow::Result<()> {
        let python = self.tool(LOOP, "tests/bench/peers/venv.sh", score)?;
        let java = self.tool(STREAMS, "tests/bench/peers/java.sh", score)?;
        // Whoever came first would pay for a cold broker.
        self.ours(Mode::Real, &Score::default())?;
        for _ in 0..size.repetitions {
            for who in order(&[REAL, COPY, AT_LEAST_ONCE, TWO], &[LOOP, STREAMS]) {
                let cost = match (who, &python, &java) {
                    (LOOP, Some(python), _) => self.looped(python)?,
                    (STREAMS, _, Some(classes)) => self.streamed(classes)?,
                    (LOOP | STREAMS, ..) => continue,
                    (COPY, ..) => self.ours(Mode::Copy, score)?,
                    (AT_LEAST_ONCE, ..) => self.ours(Mode::AtLeastOnce, score)?,
                    (TWO, ..) => self.ours(Mode::Two, score)?,
                    _ => self.ours(Mode::Real, score)?,
                };
                score.keep(who, cost);
            }
        }
        Ok(())
    }

    fn tool(&self, who: &str, script: &str, score: &mut Score) -> anyhow::Result<Option<String>> {
        match ready(script)? {
            Ok(tool) => Ok(Some(tool)),
            Err(missing) => {
                score.skipped.insert(who.to_owned(), missing);
                Ok(None)
            }
        }
    }

    fn ours(&mut self, mode: Mode, score: &Score) -> anyhow::Result<Cost> {
        // Begins at the first record again: nobody reads what is written here.
        self.ground.log.forget("demux")?;
        let batch = score.of(REAL).last().map_or(1_000.0, |cost| cost.batch);
        let topics: Vec<String> = written("demux").iter().map(|name| full(name)).collect();
        let before = self.ground.log.bounds(&topics)?;
        let runners = ours(self.ground, "demux", (mode, &mode.variables(&self.shape, batch)))?;
        let cost = self.ground.track().run(runners, ("demux", &self.field), WARM)?;
        if mode == Mode::Copy {
            self.as_large(&since(&before, self.ground.log.bounds(&topics)?))?;
        } else if score.of(mode_name(mode)).is_empty() {
            self.same(&before, &topics, (mode_name(mode), 1))?;
        }
        Ok(cost)
    }

    fn looped(&mut self, python: &str) -> anyhow::Result<Cost> {
        let (group, topics, before) = self.anew("loop")?;
        let brokers = self.ground.fleet.servers.address("KAFKA_BOOTSTRAP")?;
        let runner = peer(self.ground, python, &["tests/bench/peers/loop.py", brokers, &group, USAGE_JSON, OUT])?;
        let cost = self.ground.track().run(vec![runner], (&group, &self.json), WARM)?;
        self.same(&before, &topics, (LOOP, self.repeats))?;
        Ok(cost)
    }

    fn streamed(&mut self, classes: &str) -> anyhow::Result<Cost> {
        let (group, topics, before) = self.anew("streams")?;
        let brokers = self.ground.fleet.servers.address("KAFKA_BOOTSTRAP")?;
        let dir = self.ground.fleet.dir.join(&group).display().to_string();
        let arguments = ["-Xmx512m", "-cp", classes, "Demux", brokers, &group, USAGE_JSON, OUT, &dir];
        let runner = peer(self.ground, "java", &arguments)?;
        let cost = self.ground.track().run(vec![runner], (&group, &self.json), WARM_JVM)?;
        self.same(&before, &topics, (STREAMS, self.repeats))?;
        Ok(cost)
    }

    /// A group of its own, and where the outputs stand; those of the run before are thrown away.
    fn anew(&mut self, word: &str) -> anyhow::Result<(String, Vec<String>, Bounds)> {
        self.turn += 1;
        let topics: Vec<String> = written("demux").iter().map(|name| name.replacen("demux.", OUT, 1)).collect();
        self.ground.log.empty(&topics)?;
        let before = self.ground.log.bounds(&topics)?;
        Ok((format!("bench-{word}-{}", self.turn), topics, before))
    }

    fn same(&self, before: &Bounds, topics: &[String], (who, times): (&str, u64)) -> anyhow::Result<()> {
        let mut found = Sums::default();
        self.ground.log.read(&since(before, self.ground.log.bounds(topics)?), |message| {
            let value = message.payload().unwrap_or_default();
            let json: Value = match value.first() {
                Some(0) => self.ground.json_of(value)?,
                Some(_) | None => serde_json::from_slice(value)?,
            };
            found.add(&json)
        })?;
        self.meant.times(times).same(&found, who)
    }

    /// A copy has as many records of the same size; the inputs of the last turn through the shape may differ.
    fn as_large(&self, written: &Bounds) -> anyhow::Result<()> {
        let (mut records, mut bytes) = (0_u64, 0_u64);
        self.ground.log.read(written, |message| {
            records += 1;
            bytes += message.payload_len() as u64;
            Ok(())
        })?;
        ensure!(
            (records, bytes) == self.emitted,
            "the copy has {records} records of {bytes} B, not {:?}",
            self.emitted
        );
        Ok(())
    }
}

const fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Real => REAL,
        Mode::Copy => COPY,
        Mode::AtLeastOnce => AT_LEAST_ONCE,
        Mode::Two => TWO,
    }
}

/// What was written meanwhile.
fn since(before: &Bounds, mut after: Bounds) -> Bounds {
    for (at, (from, _)) in &mut after {
        *from = before.get(at).map_or(*from, |(_, end)| *end);
    }
    after
}
