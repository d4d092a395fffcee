//! Posts the requests of simulated learners over several connections until every one is answered.
//!
//! Place: between the streams and a server that may be killed meanwhile. Each request stands in the ledger before it is
//! sent; a request without an answer is sent again, byte for byte. Prints nothing.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use anyhow::{Context, bail};
use da_runtime::ports::Clock;
use da_runtime::stop::{Phase, Stop};
use serde::Deserialize;

use crate::ledger::{self, Answer, Entry, RequestId, Run, Writer};

/// Where the events go.
#[derive(Debug, Clone)]
pub struct Target {
    /// Address of the server, with or without the path.
    pub url: String,
    /// The ingest key.
    pub key: String,
    /// Events per second in all; 0 is as fast as they are taken.
    pub rate: f64,
    /// Give up after so long without any answer, ms.
    pub patience: i64,
}

/// How far an earlier run with the same ledger came, per connection.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    /// Requests written to the ledger.
    pub written: Vec<u64>,
    /// The last request, where it was never answered.
    pub open: Vec<Option<String>>,
}

/// Counts while it goes on; shared by the connections.
#[derive(Debug, Default)]
pub struct Counts {
    /// Events answered `accepted`.
    pub accepted: AtomicU64,
    /// Events answered `duplicate`.
    pub duplicate: AtomicU64,
    /// Events answered `rejected`.
    pub rejected: AtomicU64,
    /// Requests answered.
    pub requests: AtomicU64,
    /// Requests sent again.
    pub repeats: AtomicU64,
    unfinished: AtomicBool,
}

/// How a play ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Every request was answered.
    Complete,
    /// No answer for too long; the same call goes on from there.
    NoAnswer,
    /// It was told to stop; the same call goes on from there.
    Interrupted,
}

/// What one connection needs.
struct Connection<'p> {
    client: reqwest::blocking::Client,
    target: &'p Target,
    ledger: &'p Writer,
    clock: &'p dyn Clock,
    stop: &'p Stop,
    counts: &'p Counts,
}

/// Everything a play is made of.
#[derive(Clone, Copy)]
pub struct Play<'p> {
    /// Where to.
    pub target: &'p Target,
    /// What.
    pub run: &'p Run,
    /// What is there already.
    pub progress: &'p Progress,
    /// Where each request is written first.
    pub ledger: &'p Writer,
    /// For pace and patience.
    pub clock: &'p dyn Clock,
    /// Ends it between two requests.
    pub stop: &'p Stop,
}

/// Reads how far a ledger came; `None` where it has no head yet.
///
/// # Errors
/// When the ledger cannot be read.
pub fn progress_of(path: &std::path::Path) -> anyhow::Result<Option<(Run, Progress)>> {
    if !path.exists() {
        return Ok(None);
    }
    let (mut head, mut progress) = (None, Progress::default());
    ledger::read(path, |entry| {
        match entry {
            Entry::Run(run) => {
                progress.written = vec![0; run.settings.connections];
                progress.open = vec![None; run.settings.connections];
                head = Some(run);
            }
            Entry::Request { id, body } => progress.wrote(id, body),
            Entry::Answer { id, .. } => {
                if let Some(open) = progress.open.get_mut(id.connection) {
                    *open = None;
                }
            }
        }
        Ok(())
    })?;
    Ok(head.map(|run| (run, progress)))
}

impl Progress {
    fn wrote(&mut self, id: RequestId, body: &str) {
        if let (Some(written), Some(open)) = (self.written.get_mut(id.connection), self.open.get_mut(id.connection)) {
            *written = id.number + 1;
            *open = Some(body.to_owned());
        }
    }
}

/// Plays all connections to the end; `tick` is called several times a second meanwhile.
///
/// # Errors
/// When the ledger cannot be written, or the server refuses the requests themselves (key, format).
pub fn play(play: Play<'_>, counts: &Counts, mut tick: impl FnMut(&Counts)) -> anyhow::Result<End> {
    let client = reqwest::blocking::Client::builder()
        .timeout(Duration::from_secs(40))
        .connect_timeout(Duration::from_secs(5))
        .no_proxy()
        .build()
        .context("set up the HTTP client")?;
    let world = play.run.settings.world();
    let (done, wait) = mpsc::sync_channel::<()>(1);
    let start = play.clock.now().0;
    let ended: anyhow::Result<()> = std::thread::scope(|scope| {
        let mut workers = Vec::new();
        for index in 0..play.run.settings.connections {
            let connection = Connection {
                client: client.clone(),
                target: play.target,
                ledger: play.ledger,
                clock: play.clock,
                stop: play.stop,
                counts,
            };
            let (done, world) = (done.clone(), &world);
            workers.push(scope.spawn(move || {
                let result = connection.run(play, world, (index, start));
                drop(done);
                result
            }));
        }
        drop(done);
        while wait.recv_timeout(Duration::from_millis(200)) == Err(RecvTimeoutError::Timeout) {
            tick(counts);
        }
        workers.into_iter().try_for_each(|w| w.join().unwrap_or_else(|_| bail!("a connection panicked")))
    });
    tick(counts);
    ended?;
    Ok(match (counts.unfinished.load(Ordering::Relaxed), play.stop.is(Phase::Leaving)) {
        (false, _) => End::Complete,
        (true, true) => End::Interrupted,
        (true, false) => End::NoAnswer,
    })
}

impl Connection<'_> {
    fn run(&self, play: Play<'_>, world: &super::course::World, at: (usize, i64)) -> anyhow::Result<()> {
        let (connection, start) = at;
        let mut stream = play.run.settings.stream(world, connection);
        let written = play.progress.written.get(connection).copied().unwrap_or(0);
        if let Some(body) = play.progress.open.get(connection).and_then(Option::as_ref) {
            self.until_answered(RequestId { connection, number: written.saturating_sub(1) }, body)?;
        }
        let mut number = 0;
        let mut sent = 0;
        while let Some((body, events)) = stream.request() {
            let id = RequestId { connection, number };
            number += 1;
            if id.number < written {
                continue;
            }
            self.keep_pace(start, (sent, play.run.settings.connections));
            if self.stop.is(Phase::Leaving) {
                self.counts.unfinished.store(true, Ordering::Relaxed);
            }
            if self.counts.unfinished.load(Ordering::Relaxed) {
                return Ok(());
            }
            self.ledger.request(id, &body)?;
            self.until_answered(id, &body)?;
            sent += events as u64;
        }
        Ok(())
    }

    /// Waits until the event with this number may be sent.
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "milliseconds of a run")]
    fn keep_pace(&self, start: i64, (sent, connections): (u64, usize)) {
        if self.target.rate > 0.0 {
            let due = start + (sent as f64 * connections as f64 * 1000.0 / self.target.rate) as i64;
            self.pause_until(due);
        }
    }

    /// Parks this thread, which nobody wakes: a wait with the clock as the only judge.
    fn pause_until(&self, due: i64) {
        loop {
            let left = due - self.clock.now().0;
            if left <= 0 || self.stop.is(Phase::Leaving) {
                return;
            }
            std::thread::park_timeout(Duration::from_millis(left.unsigned_abs().min(250)));
        }
    }

    fn until_answered(&self, id: RequestId, body: &str) -> anyhow::Result<()> {
        let first = self.clock.now().0;
        for tries in 0_u32.. {
            match self.once(body)? {
                Reply::Answer(answer) => {
                    self.count(&answer);
                    return self.ledger.answer(id, answer);
                }
                Reply::Again(after) => {
                    self.counts.repeats.fetch_add(1, Ordering::Relaxed);
                    let backoff = 50 << tries.min(4);
                    self.pause_until(self.clock.now().0 + after.unwrap_or(backoff));
                }
            }
            if self.clock.now().0 - first > self.target.patience || self.stop.is(Phase::Leaving) {
                self.counts.unfinished.store(true, Ordering::Relaxed);
                return Ok(());
            }
        }
        Ok(())
    }

    fn once(&self, body: &str) -> anyhow::Result<Reply> {
        let url = self.target.url.trim_end_matches('/');
        let url = if url.ends_with("/v1/events") { url.to_owned() } else { format!("{url}/v1/events") };
        let request = self.client.post(&url).header("authorization", format!("Bearer {}", self.target.key));
        let sent = request.header("content-type", "application/json").body(body.to_owned()).send();
        let Ok(response) = sent else {
            return Ok(Reply::Again(None));
        };
        let status = response.status().as_u16();
        let after = response.headers().get("retry-after").and_then(|v| v.to_str().ok()?.parse::<i64>().ok());
        let Ok(text) = response.bytes() else {
            return Ok(Reply::Again(None));
        };
        match status {
            202 | 207 | 422 => Ok(Reply::Answer(answer_of(status, &text)?)),
            429 | 503 => Ok(Reply::Again(after.map(|s| s * 1000))),
            500..=599 => Ok(Reply::Again(None)),
            _ => bail!("{url} refused a request with {status}: {}", String::from_utf8_lossy(&text)),
        }
    }

    fn count(&self, answer: &Answer) {
        let of = |letter: char| answer.verdicts.chars().filter(|v| *v == letter).count() as u64;
        self.counts.accepted.fetch_add(of('a'), Ordering::Relaxed);
        self.counts.duplicate.fetch_add(of('d'), Ordering::Relaxed);
        self.counts.rejected.fetch_add(of('r'), Ordering::Relaxed);
        self.counts.requests.fetch_add(1, Ordering::Relaxed);
    }
}

enum Reply {
    Answer(Answer),
    Again(Option<i64>),
}

#[derive(Deserialize)]
struct Body {
    results: Vec<Verdict>,
}

#[derive(Deserialize)]
struct Verdict {
    index: usize,
    verdict: String,
    #[serde(default)]
    reasons: Vec<Reason>,
}

#[derive(Deserialize)]
struct Reason {
    code: String,
}

fn answer_of(status: u16, text: &[u8]) -> anyhow::Result<Answer> {
    let body: Body = serde_json::from_slice(text).context("read the answer's verdicts")?;
    let mut answer = Answer { status, verdicts: String::new(), codes: Vec::new() };
    for verdict in body.results {
        answer.verdicts.push(verdict.verdict.chars().next().unwrap_or('?'));
        if !verdict.reasons.is_empty() {
            answer.codes.push((verdict.index, verdict.reasons.into_iter().map(|r| r.code).collect()));
        }
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_keeps_verdicts_and_codes() {
        let text = br#"{"accepted":1,"results":[{"index":0,"eventId":"a","verdict":"accepted","flags":[]},
            {"index":1,"verdict":"rejected","reasons":[{"code":"bad_enum","path":"/x","message":"m"}]}]}"#;
        let answer = answer_of(207, text).unwrap();
        assert_eq!((answer.verdicts.as_str(), answer.codes.len()), ("ar", 1));
        assert_eq!(answer.codes.first(), Some(&(1, vec!["bad_enum".to_owned()])));
    }
}
