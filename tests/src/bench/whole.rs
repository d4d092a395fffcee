//! The whole process: `da up` under `da simulate --profile bench`, load generator on the same two cores.
//!
//! Place: second table of `make bench`. From the first request to the last group drained; figures of the server are
//! from process accounting and from its file, read beside it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use da_runtime::io::sqlite_log::Reader;
use serde_json::json;

use super::cpu;
use crate::process::{Server, Site, deadline, now, pause, pause_until};

/// Sessions posted before the next wait for the drain, and events of each request.
const PART: u64 = 10_000;
const PER_REQUEST: usize = 500;
/// The server's counts are at most this old.
const LOOK_MS: u64 = 500;

/// What one run of load came to.
#[derive(Debug)]
pub struct Run {
    /// What it was about.
    pub name: &'static str,
    /// Events sent.
    pub events: u64,
    /// Seconds from the first request to the last group drained.
    pub seconds: f64,
    /// CPU seconds of the server.
    pub server_cpu: f64,
    /// Rows in tables added per event.
    pub rows_per_event: f64,
    /// Rows written per event, by the engine's own count: a row once per step that changes it.
    pub written_per_event: f64,
    /// SQL statements per event, by the engine's own count.
    pub statements_per_event: f64,
    /// Records in topics added per event.
    pub records_per_event: f64,
    /// Resident bytes at the end.
    pub resident: u64,
}

/// A running server with its key.
#[derive(Debug)]
pub struct Bench {
    site: Site,
    server: Server,
    key: String,
    dir: PathBuf,
}

impl std::fmt::Display for Run {
    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let events = self.events as f64;
        write!(
            f,
            "{:<28} {:>7} events {:>6.0} events/s {:>6.1} CPU-s/M; per event {:.1} rows added, {:.1} written, {:.1} \
             records, {:.3} statements; {} MB resident",
            self.name,
            self.events,
            events / self.seconds,
            self.server_cpu * 1e6 / events,
            self.rows_per_event,
            self.written_per_event,
            self.records_per_event,
            self.statements_per_event,
            self.resident >> 20
        )
    }
}

impl Bench {
    /// Starts a server in a new folder, with settings of its own as variables of the environment.
    ///
    /// # Errors
    /// When it does not become ready.
    pub fn start(program: &Path, name: &str, settings: &[(&str, String)]) -> anyhow::Result<Self> {
        let dir = std::env::temp_dir().join(format!("da-bench-{name}-{}", std::process::id()));
        let site = Site::new(program, &dir)?;
        let key = site.key()?;
        let mut server = site.start_with(settings)?;
        site.ready(&mut server)?;
        Ok(Self { site, server, key, dir })
    }

    /// Stops the server and removes its folder.
    ///
    /// # Errors
    /// When it does not stop.
    pub fn finish(self) -> anyhow::Result<()> {
        let status = self.server.stop()?;
        ensure!(status.success(), "da up ended with {status}");
        Ok(std::fs::remove_dir_all(self.dir)?)
    }

    fn reader(&self) -> anyhow::Result<Reader> {
        Reader::open(&self.dir.join("da.sqlite")).map_err(|fault| anyhow::anyhow!("{fault}"))
    }

    /// Plays the bench profile and waits until everything is drained.
    ///
    /// # Errors
    /// When the load fails.
    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    pub fn play(&self, name: &'static str, events: u64, seed: u64) -> anyhow::Result<Run> {
        let before = self.sizes()?;
        let counted = self.counted()?;
        let cpu = cpu::of_process(self.server.pid()).unwrap_or(0.0);
        let ledger = self.dir.join(format!("ledger-{seed}.jsonl"));
        let started = now();
        let load = Command::new(&self.site.program)
            .args(["simulate", "--profile", "bench", "--connections", "8", "--batch", "100", "--quiet"])
            .args(["--url", &self.site.url(), "--key", &self.key, "--seed", &seed.to_string()])
            .args(["--events", &events.to_string(), "--ledger"])
            .arg(&ledger)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()?;
        ensure!(load.success(), "da simulate ended with {load}");
        self.drained()?;
        let seconds = started.elapsed().as_secs_f64();
        let server_cpu = cpu::of_process(self.server.pid()).unwrap_or(0.0) - cpu;
        let after = self.sizes()?;
        let counts = self.counted()?;
        Ok(Run {
            name,
            events,
            seconds,
            server_cpu,
            written_per_event: (counts.0 - counted.0) / events as f64,
            statements_per_event: (counts.1 - counted.1) / events as f64,
            rows_per_event: (after.0 - before.0) as f64 / events as f64,
            records_per_event: (after.1 - before.1) as f64 / events as f64,
            resident: cpu::resident(self.server.pid()).unwrap_or(0),
        })
    }

    /// One event per request at a steady rate over eight connections: milliseconds from the scheduled time to the
    /// class row, so that a stall counts for every event it delays.
    ///
    /// # Errors
    /// When a request fails or a row does not appear.
    pub fn latencies(&self, requests: u64, per_second: u64) -> anyhow::Result<Vec<f64>> {
        const CONNECTIONS: u64 = 8;
        let started = now();
        let mut all = std::thread::scope(|scope| {
            let one = |connection| move || self.steadily(connection, (requests, per_second, CONNECTIONS), started);
            let running: Vec<_> = (0..CONNECTIONS).map(|connection| scope.spawn(one(connection))).collect();
            let ended =
                running.into_iter().map(|thread| thread.join().unwrap_or_else(|_| bail!("a connection panicked")));
            ended.collect::<anyhow::Result<Vec<Vec<f64>>>>()
        })?
        .concat();
        all.sort_by(f64::total_cmp);
        Ok(all)
    }

    /// The share of one connection, which has a class of its own.
    fn steadily(
        &self,
        connection: u64,
        (requests, per_second, connections): (u64, u64, u64),
        started: Instant,
    ) -> anyhow::Result<Vec<f64>> {
        let client = reqwest::blocking::Client::new();
        let mut reader = self.reader()?;
        let class = format!("latency-{connection}");
        let sql = format!("SELECT coalesce(sum(visits), 0) AS n FROM class_time WHERE class = '{class}-class'");
        let mut latencies = Vec::new();
        for (seen, n) in (connection..requests).step_by(usize::try_from(connections)?).enumerate() {
            let scheduled = Duration::from_micros(n * 1_000_000 / per_second);
            pause_until(started + scheduled);
            self.post(&client, &visit(n, &class))?;
            let until = deadline(10);
            while number(&mut reader, &sql)? <= u64::try_from(seen)? {
                ensure!(!until.passed(), "the class row does not move");
                pause(1);
            }
            latencies.push((started.elapsed() - scheduled).as_secs_f64() * 1000.0);
        }
        Ok(latencies)
    }

    /// Posts one-event sessions from number `from` up to `to`, a part at a time, waits for each part to be drained and
    /// tells how many are done and what is resident; returns the resident bytes after the last.
    ///
    /// # Errors
    /// When a request fails.
    pub fn sessions(&self, from: u64, to: u64, mut tell: impl FnMut(u64, u64)) -> anyhow::Result<u64> {
        let client = reqwest::blocking::Client::new();
        let mut done = from;
        while done < to {
            let until = (done + PART).min(to);
            for first in (done..until).step_by(PER_REQUEST) {
                let numbers = first..(first + PER_REQUEST as u64).min(until);
                let events: Vec<serde_json::Value> = numbers.map(|n| visit(n, "session")).collect();
                self.post(&client, &serde_json::Value::Array(events))?;
            }
            self.drained()?;
            done = until;
            tell(done, self.resident()?);
        }
        self.resident()
    }

    /// Rows of all tables.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn rows(&self) -> anyhow::Result<u64> {
        Ok(self.sizes()?.0)
    }

    fn resident(&self) -> anyhow::Result<u64> {
        cpu::resident(self.server.pid()).context("the server is gone")
    }

    /// Rows written and statements run since the start, once the watch has looked at the end of a run.
    fn counted(&self) -> anyhow::Result<(f64, f64)> {
        pause(2 * LOOK_MS);
        let page = self.site.admin_page("/metrics").context("no metrics")?;
        let sum = |name: &str| -> f64 {
            let lines = page.lines().filter(|line| line.starts_with(name));
            lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
        };
        Ok((sum("da_rows_total{"), sum("da_statements_total{")))
    }

    /// Posts a body, again where the answer was that it may be: repeating is safe.
    fn post(&self, client: &reqwest::blocking::Client, body: &serde_json::Value) -> anyhow::Result<()> {
        let until = deadline(120);
        loop {
            let request = client.post(format!("{}/v1/events", self.site.url())).bearer_auth(&self.key);
            let answer = request.header("content-type", "application/json").body(body.to_string()).send()?;
            if !matches!(answer.status().as_u16(), 429 | 503) || until.passed() {
                ensure!(answer.status() == 202, "{}: {}", answer.status(), answer.text()?);
                break;
            }
            pause(100);
        }
        Ok(())
    }

    fn drained(&self) -> anyhow::Result<()> {
        let mut reader = self.reader()?;
        let until = deadline(600);
        loop {
            let positions = reader.positions().map_err(|fault| anyhow::anyhow!("{fault}"))?;
            if positions.iter().all(|p| p.next >= p.end) {
                return Ok(());
            }
            ensure!(!until.passed(), "the groups are not drained after ten minutes");
            pause(5);
        }
    }

    /// Rows of all tables, and records of all topics.
    fn sizes(&self) -> anyhow::Result<(u64, u64)> {
        let mut reader = self.reader()?;
        let tables = dep::tables::tables().into_iter().chain(gep::tables::all());
        let mut rows = 0;
        for table in tables {
            rows += number(&mut reader, &format!("SELECT count(*) AS n FROM {}", table.name))?;
        }
        let records =
            number(&mut reader, "SELECT coalesce(sum(last_offset - first_offset + 1), 0) AS n FROM log_chunk")?;
        Ok((rows, records))
    }
}

fn number(reader: &mut Reader, sql: &str) -> anyhow::Result<u64> {
    let rows = reader.query(sql).map_err(|fault| anyhow::anyhow!("{fault}"))?;
    rows.first()
        .and_then(|row| row.get("n"))
        .and_then(serde_json::Value::as_u64)
        .with_context(|| format!("no number from {sql}"))
}

/// One visit of a resource in a collection, in a session of its own.
pub(super) fn visit(n: u64, word: &str) -> serde_json::Value {
    let id = |what: &str| da_model::identity::id_of(&[what, word, &n.to_string()]).to_string();
    json!({
        "eventId": id("event"), "eventName": "collection.resource.play",
        "startTime": 1_772_442_000_000_u64, "endTime": 1_772_442_001_000_u64,
        "session": {"sessionId": id("session")}, "user": {"gooruUId": id("learner")},
        "context": {
            "type": "stop", "contentGooruId": id("resource"), "parentGooruId": "c0ffee00-0000-4000-8000-000000000001",
            "collectionType": "collection", "resourceType": "resource", "classGooruId": format!("{word}-class"),
            "courseGooruId": "course", "unitGooruId": "unit", "lessonGooruId": "lesson", "contentSource": "coursemap"
        }
    })
}
