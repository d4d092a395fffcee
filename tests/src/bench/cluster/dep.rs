//! The contest of dep: itself, a copy with as many rows, at least once, Kafka Streams with a store; and its rows against
//! a bare upsert of the same rows.
//!
//! Place: over discrete events that demux made of recorded inputs. Every run has a database of its own; figures are per
//! discrete event, with what dep feeds itself inside.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, ensure};
use da_runtime::io::sql::postgres::migrate::migrate;
use da_runtime::io::sql::postgres::{Connection, PostgresSettings, PostgresStore, StoreOptions};
use da_runtime::ports::{Store, Unit};
use rdkafka::message::Message;
use serde_json::Value;

use super::contest::{Mode, Score, order, ours, peer, ready};
use super::ground::{DISCRETE_JSON, Ground, Size, TOTALS, field_of, field_of_json, full, written};
use super::log::Sent;
use super::race::{Cost, Field, WARM, WARM_JVM, ratio};
use super::walk::{Batch, Input, walk};
use crate::cluster::database::plan;

/// The names of the runs.
pub const REAL: &str = "dep";
/// Copying in the same shape.
pub const COPY: &str = "dep, copying";
/// Without transactions of the log.
pub const AT_LEAST_ONCE: &str = "dep, at least once";
/// In two processes.
pub const TWO: &str = "dep, two processes";
/// With a store on disk.
pub const ROCKSDB: &str = "Kafka Streams, RocksDB";
/// With a store in memory.
pub const MEMORY: &str = "Kafka Streams, in memory";
/// A figure: database microseconds per row of dep, and of the bare upsert.
pub const ROW: &str = "database, µs per row of dep";
/// See [`ROW`].
pub const BARE_ROW: &str = "database, µs per row of a bare upsert";
const GROUP: &str = "dep";

struct Contest<'g> {
    ground: &'g Ground,
    inputs: Vec<Input>,
    field: Field,
    json: Field,
    shape: PathBuf,
    /// Time per learner in courses, ms.
    meant: BTreeMap<String, i64>,
    repeats: i64,
    turn: usize,
}

/// Runs it.
///
/// # Errors
/// When a system of ours fails, or outputs differ.
pub fn run(ground: &Ground, size: &Size, score: &mut Score, say: &dyn Fn(&str)) -> anyhow::Result<()> {
    let inputs = discrete(ground, size)?;
    // As many as the peers of demux read: a JVM wants to be warm.
    let repeats = (size.repeats * ground.usage.len() / inputs.len().max(1)).max(1);
    let (avro, json) = ground.as_json(&inputs, DISCRETE_JSON, repeats)?;
    let mut field = field_of(&inputs);
    field.feedback = read_from("dep.").iter().map(|name| full(name)).collect();
    let mut contest = Contest {
        ground,
        meant: times(ground, &inputs)?,
        json: field_of_json(&ground.log, DISCRETE_JSON)?,
        shape: ground.fleet.dir.join("dep.shape"),
        repeats: i64::try_from(repeats)?,
        inputs,
        field,
        turn: 0,
    };
    say(&format!("  {} discrete events of {avro} B ({json} B as JSON)", contest.inputs.len()));
    contest.all(size, score)?;
    say(&Score::head());
    for who in [REAL, COPY, AT_LEAST_ONCE, TWO, ROCKSDB, MEMORY] {
        say(&score.line(who));
    }
    let figure = |name| score.figures.get(name).copied().unwrap_or(0.0);
    say(&format!("  {ROW}: {:.1}; {BARE_ROW}: {:.1}", figure(ROW), figure(BARE_ROW)));
    Ok(())
}

/// What demux makes of the first inputs, in topics that hold nothing else.
fn discrete(ground: &Ground, size: &Size) -> anyhow::Result<Vec<Input>> {
    let few = ground.usage.get(..size.dep_events.min(ground.usage.len())).unwrap_or_default();
    let walked = walk(&demux::pipeline::Demux::default(), few, &ground.schemas, 1_000);
    ground.log.empty(&written("demux").iter().map(|name| full(name)).collect::<Vec<_>>())?;
    let read = read_from("demux.");
    for topic in &read {
        let sent = walked.outputs.iter().filter(|output| output.topic.0 == topic);
        let sent = sent.map(|o| Sent { partition: o.partition, key: &o.key, value: &o.value });
        ground.log.send(&full(topic), sent)?;
    }
    ground.inputs(&read.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Time per learner that reaches a course, by the events.
fn times(ground: &Ground, inputs: &[Input]) -> anyhow::Result<BTreeMap<String, i64>> {
    let mut times = BTreeMap::new();
    for input in
        inputs.iter().filter(|i| matches!(i.topic.0, "demux.collection.timespent" | "demux.assessment.timespent"))
    {
        let event = ground.json_of(&input.value)?;
        let at = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        if at("/context/track").as_deref() != Some("main") || at("/context/courseId").is_none() {
            continue;
        }
        let delta = event.pointer("/result/delta").and_then(Value::as_i64).unwrap_or(0);
        *times.entry(at("/userId").unwrap_or_default()).or_default() += delta;
    }
    times.retain(|_, time| *time != 0);
    Ok(times)
}

impl Contest<'_> {
    fn all(&mut self, size: &Size, score: &mut Score) -> anyhow::Result<()> {
        let java = match ready("tests/bench/peers/java.sh")? {
            Ok(classes) => Some(classes),
            Err(missing) => {
                score.skipped.insert(ROCKSDB.to_owned(), missing.clone());
                score.skipped.insert(MEMORY.to_owned(), missing);
                None
            }
        };
        // Whoever came first would pay for a cold broker.
        self.ours(Mode::Real, &mut Score::default())?;
        for _ in 0..size.repetitions {
            for who in order(&[REAL, COPY, AT_LEAST_ONCE, TWO], &[ROCKSDB, MEMORY]) {
                let cost = match (who, &java) {
                    (ROCKSDB, Some(classes)) => self.streamed(classes, "rocksdb", ROCKSDB)?,
                    (MEMORY, Some(classes)) => self.streamed(classes, "memory", MEMORY)?,
                    (ROCKSDB | MEMORY, None) => continue,
                    (COPY, _) => self.ours(Mode::Copy, score)?,
                    (AT_LEAST_ONCE, _) => self.ours(Mode::AtLeastOnce, score)?,
                    (TWO, _) => self.ours(Mode::Two, score)?,
                    _ => self.ours(Mode::Real, score)?,
                };
                score.keep(who, cost);
            }
        }
        Ok(())
    }

    fn ours(&mut self, mode: Mode, score: &mut Score) -> anyhow::Result<Cost> {
        let batch = score.of(REAL).last().map_or(200.0, |cost| cost.batch);
        if mode == Mode::Copy {
            let walked = walk(&dep::pipeline::Dep::default(), &self.inputs, &self.ground.schemas, whole(batch));
            std::fs::write(&self.shape, walked.shape())?;
        }
        self.ground.log.forget(GROUP)?;
        self.ground.log.empty(&written("dep").iter().map(|name| full(name)).collect::<Vec<_>>())?;
        let database = self.database()?;
        let mut variables = mode.variables(&self.shape, batch);
        variables.push(("DA__POSTGRES__URL".to_owned(), database.clone()));
        let runners = ours(self.ground, GROUP, (mode, &variables))?;
        let cost = self.ground.track().run(runners, (GROUP, &self.field), WARM)?;
        if mode != Mode::Copy {
            self.same(&self.told_by_tables(&database)?, 1, "the table level_time")?;
        }
        if mode == Mode::Real {
            self.rows(&cost, score)?;
        }
        Ok(cost)
    }

    /// What the database spends on a row, beside a bare upsert of the same rows in the same batches.
    fn rows(&mut self, cost: &Cost, score: &mut Score) -> anyhow::Result<()> {
        let least = |score: &mut Score, name, value: f64| {
            let figure = score.figures.entry(name).or_insert(f64::MAX);
            *figure = figure.min(value);
        };
        least(score, ROW, cost.database / cost.rows.max(1e-9));
        let walked = walk(&dep::pipeline::Dep::default(), &self.inputs, &self.ground.schemas, whole(cost.batch));
        let database = self.database()?;
        let track = self.ground.track();
        let before = track.database();
        bare(&database, &walked.batches)?;
        // The server's children are reaped when they end; what they did counts then, too.
        let spent = track.database() - before;
        least(score, BARE_ROW, spent / ratio(walked.rows().max(1)) * 1e6);
        Ok(())
    }

    fn streamed(&mut self, classes: &str, store: &str, who: &str) -> anyhow::Result<Cost> {
        self.turn += 1;
        let group = format!("bench-totals-{}", self.turn);
        self.ground.log.empty(&[TOTALS.to_owned()])?;
        let bounds = self.ground.log.bounds(&[TOTALS.to_owned()])?;
        let brokers = self.ground.fleet.servers.address("KAFKA_BOOTSTRAP")?;
        let dir = self.ground.fleet.dir.join(&group).display().to_string();
        let arguments = ["-Xmx512m", "-cp", classes, "Totals", brokers, &group, DISCRETE_JSON, TOTALS, &dir, store];
        let runner = peer(self.ground, "java", &arguments)?;
        let cost = self.ground.track().run(vec![runner], (&group, &self.json), WARM_JVM)?;
        let after = self.ground.log.bounds(&[TOTALS.to_owned()])?;
        let meant = after.into_iter().map(|(at, (from, end))| {
            let from = bounds.get(&at).map_or(from, |(_, end)| *end);
            (at, (from, end))
        });
        let mut last: BTreeMap<String, (String, i64)> = BTreeMap::new();
        self.ground.log.read(&meant.collect(), |message| {
            let event: Value = serde_json::from_slice(message.payload().unwrap_or_default())?;
            note(&event, &mut last);
            Ok(())
        })?;
        let mut found = BTreeMap::new();
        for (user, sum) in last.into_values() {
            *found.entry(user).or_default() += sum;
        }
        found.retain(|_, time: &mut i64| *time != 0);
        self.same(&found, self.repeats, who)?;
        Ok(cost)
    }

    /// A migrated database of its own; its address.
    fn database(&mut self) -> anyhow::Result<String> {
        self.turn += 1;
        let server = self.ground.fleet.servers.address("DATABASE_URL")?;
        let (name, settings) = (format!("bench_{}", self.turn), PostgresSettings::of(server));
        Connection::new(settings, "bench")?.script(&format!("CREATE DATABASE {name}"))?;
        let (address, _) = server.rsplit_once('/').context("an address with a database")?;
        let url = format!("{address}/{name}");
        migrate(PostgresSettings::of(&url), &plan())?;
        Ok(url)
    }

    fn told_by_tables(&self, database: &str) -> anyhow::Result<BTreeMap<String, i64>> {
        let sql = "SELECT learner || ' ' || sum(time_ms) FROM level_time WHERE level = 'course' GROUP BY learner";
        let mut connection = Connection::new(PostgresSettings::of(database), "bench")?;
        let mut told = BTreeMap::new();
        for row in connection.texts(sql)?.into_iter().flatten() {
            let (learner, time) = row.split_once(' ').context("learner and time")?;
            told.insert(learner.to_owned(), time.parse()?);
        }
        told.retain(|_, time: &mut i64| *time != 0);
        Ok(told)
    }

    fn same(&self, found: &BTreeMap<String, i64>, times: i64, who: &str) -> anyhow::Result<()> {
        for learner in self.meant.keys().chain(found.keys()) {
            let (meant, found) = (self.meant.get(learner).map(|time| time * times), found.get(learner).copied());
            ensure!(meant == found, "{who}: a learner has {found:?} ms in courses, not {meant:?}");
        }
        Ok(())
    }
}

/// Keeps the last total of a key whose metric is time and whose level is the course.
fn note(event: &Value, last: &mut BTreeMap<String, (String, i64)>) {
    let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (name, user) = (text("eventName"), text("userId"));
    let item = matches!(name.as_str(), "usage.collection.timespent" | "usage.assessment.timespent");
    let at = |of: &str| event.pointer(&format!("/context/{of}")).and_then(Value::as_str);
    if item && text("level") == "course" && at("track") == Some("main") && at("courseId").is_some() {
        let key = format!("{user} {:?} {:?} {name}", at("classId"), at("courseId"));
        last.insert(key, (user, event.get("sum").and_then(Value::as_i64).unwrap_or(0)));
    }
}

/// The rows alone: no blob, no position, one transaction per batch.
fn bare(database: &str, batches: &[Batch]) -> anyhow::Result<()> {
    let tables = dep::tables::tables();
    let mut store = PostgresStore::new(StoreOptions {
        settings: PostgresSettings::of(database),
        group: GROUP,
        owner: "bare".to_owned(),
        tables,
        alone: Vec::new(),
        migrations: plan().migrations,
    })?;
    for batch in batches {
        store.begin(&[], &[])?;
        store.commit(&Unit { writes: batch.clone(), moves: Vec::new() })?;
    }
    Ok(())
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a batch has a few records")]
fn whole(batch: f64) -> usize {
    batch.max(1.0) as usize
}

/// Topics that dep reads, of one producer.
fn read_from(producer: &str) -> Vec<String> {
    let read = da_model::Handler::topics(&dep::pipeline::Dep::default());
    read.iter().map(|topic| topic.0.to_owned()).filter(|name| name.starts_with(producer)).collect()
}
