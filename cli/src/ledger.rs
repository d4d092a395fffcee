//! The ledger of a run: every request before it is sent, and what was answered.
//!
//! Place: written by `da simulate`, read by `da audit` and by a simulation that is taken up again. Append-only JSON
//! lines. Knows nothing of what an event means.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::Context;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::learners::Settings;

/// The first line: what determines the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The load.
    pub settings: Settings,
    /// Whose data it is.
    pub tenant: String,
    /// Who posts it.
    pub partner: String,
    /// The public part of the key, by which the audit finds tenant and partner in `keys.json`.
    pub key_id: String,
}

/// What came of one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// One letter per event: a accepted, d duplicate, r rejected; empty where the request was refused as a whole.
    pub verdicts: String,
    /// Codes of the rejected ones: index and codes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub codes: Vec<(usize, Vec<String>)>,
}

/// One line.
#[derive(Debug, Serialize, Deserialize)]
struct Line<'l> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    run: Option<Run>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    c: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    n: Option<u64>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    body: Option<&'l RawValue>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answer: Option<Answer>,
}

/// What a line says.
#[derive(Debug)]
pub enum Entry<'l> {
    /// The head.
    Run(Run),
    /// A request was about to be sent.
    Request {
        /// Which.
        id: RequestId,
        /// Its bytes.
        body: &'l str,
    },
    /// It was answered.
    Answer {
        /// Which.
        id: RequestId,
        /// How.
        answer: Answer,
    },
}

/// Connection, and number of the request on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId {
    /// The connection.
    pub connection: usize,
    /// From 0.
    pub number: u64,
}

/// The writing side, shared by the connections.
#[derive(Debug)]
pub struct Writer {
    file: Mutex<File>,
}

impl Writer {
    /// Opens a ledger for appending; half a line left by a kill is cut off.
    ///
    /// # Errors
    /// When the file cannot be opened or cut.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(path)
            .with_context(|| format!("open the ledger {}", path.display()))?;
        let whole = whole_lines(&mut file).with_context(|| format!("read the ledger {}", path.display()))?;
        file.set_len(whole).with_context(|| format!("cut the ledger {}", path.display()))?;
        Ok(Self { file: Mutex::new(file) })
    }

    /// Writes the head.
    ///
    /// # Errors
    /// When the line cannot be written.
    pub fn run(&self, run: &Run) -> anyhow::Result<()> {
        let line = Line { run: Some(run.clone()), c: None, n: None, body: None, answer: None };
        self.append(serde_json::to_string(&line)?)
    }

    /// Writes a request that is about to be sent; its body must be JSON in one line.
    ///
    /// # Errors
    /// When the line cannot be written.
    pub fn request(&self, id: RequestId, body: &str) -> anyhow::Result<()> {
        let (connection, number) = (id.connection, id.number);
        self.append(format!("{{\"c\":{connection},\"n\":{number},\"body\":{body}}}"))
    }

    /// Writes what was answered.
    ///
    /// # Errors
    /// When the line cannot be written.
    pub fn answer(&self, id: RequestId, answer: Answer) -> anyhow::Result<()> {
        let line = Line { run: None, c: Some(id.connection), n: Some(id.number), body: None, answer: Some(answer) };
        self.append(serde_json::to_string(&line)?)
    }

    fn append(&self, mut line: String) -> anyhow::Result<()> {
        line.push('\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(line.as_bytes()).context("append to the ledger")
    }
}

/// Reads a ledger line by line; half a line at the end counts as not written.
///
/// # Errors
/// When the file cannot be read, a line is none of a ledger, or `each` fails.
pub fn read(path: &Path, mut each: impl FnMut(Entry<'_>) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let file = File::open(path).with_context(|| format!("open the ledger {}", path.display()))?;
    let mut lines = BufReader::with_capacity(1 << 20, file);
    let (mut text, mut number) = (String::new(), 0_u64);
    loop {
        text.clear();
        lines.read_line(&mut text).with_context(|| format!("read the ledger {}", path.display()))?;
        if !text.ends_with('\n') {
            return Ok(());
        }
        number += 1;
        let line: Line<'_> = serde_json::from_str(&text).with_context(|| format!("line {number} of the ledger"))?;
        each(entry(line).with_context(|| format!("line {number} of the ledger is none"))?)?;
    }
}

fn entry(line: Line<'_>) -> Option<Entry<'_>> {
    if let Some(run) = line.run {
        return Some(Entry::Run(run));
    }
    let id = RequestId { connection: line.c?, number: line.n? };
    match (line.body, line.answer) {
        (Some(body), None) => Some(Entry::Request { id, body: body.get() }),
        (None, Some(answer)) => Some(Entry::Answer { id, answer }),
        (Some(_), Some(_)) | (None, None) => None,
    }
}

/// Length of the file up to its last line break.
fn whole_lines(file: &mut File) -> std::io::Result<u64> {
    let mut end = file.metadata()?.len();
    let mut buffer = vec![0; 65_536];
    while end > 0 {
        let start = end.saturating_sub(buffer.len() as u64);
        let wanted = usize::try_from(end - start).unwrap_or(0);
        file.seek(SeekFrom::Start(start))?;
        let part = buffer.get_mut(..wanted).unwrap_or_default();
        file.read_exact(part)?;
        if let Some(at) = part.iter().rposition(|b| *b == b'\n') {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learners::Profile;

    fn run() -> Run {
        let settings = Settings {
            profile: Profile::Demo,
            seed: 1,
            events: 10,
            connections: 2,
            batch: 5,
            classes: 2,
            learners: 30,
            base: 7,
        };
        Run { settings, tenant: "t".to_owned(), partner: "p".to_owned(), key_id: "k".to_owned() }
    }

    #[test]
    fn what_was_written_is_read_and_half_a_line_is_cut() {
        let path = std::env::temp_dir().join(format!("ledger-{}.jsonl", std::process::id()));
        let id = RequestId { connection: 1, number: 4 };
        let answer = Answer { status: 207, verdicts: "ar".to_owned(), codes: vec![(1, vec!["bad_enum".to_owned()])] };
        let writer = Writer::open(&path).unwrap();
        writer.run(&run()).unwrap();
        writer.request(id, "[{\"a\":1},{}]").unwrap();
        std::fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"c\":1,").unwrap();
        let writer = Writer::open(&path).unwrap();
        writer.answer(id, answer.clone()).unwrap();
        let mut seen = Vec::new();
        read(&path, |entry| {
            seen.push(match entry {
                Entry::Run(r) => format!("run {}", r == run()),
                Entry::Request { id, body } => format!("{} {} {body}", id.connection, id.number),
                Entry::Answer { id, answer: a } => format!("{} {} {}", id.connection, id.number, a == answer),
            });
            Ok(())
        })
        .unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(seen, ["run true", "1 4 [{\"a\":1},{}]", "1 4 true"]);
    }
}
