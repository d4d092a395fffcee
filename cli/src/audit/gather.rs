//! Fills the evidence from a ledger, a log and its tables, read-only, beside running processes or alone.
//!
//! Place: the only part of the audit that reads. Judges nothing, but refuses evidence that is not whole: topics
//! that no longer start at offset 0.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use da_model::event::lineage::Lineage;
use da_model::event::{DeadLetter, Event, RejectedEvent};
use da_model::schema::{Schemas, codec};
use da_runtime::reading::{Page, Reading, Scan, TapRecord};
use serde_json::value::RawValue;

use super::evidence::{
    At, COLUMNS, Copy, Dead, Digests, Evidence, Kept, Link, Observed, Position, Refused, Sent, Stored, Usage, digest,
    shown,
};
use super::observed::de_of;
use crate::ledger::{self, Answer, Entry, RequestId, Run};
use crate::oracle::read::{Heard, Names, read};
use crate::oracle::tables::{Cell, Row};
use crate::output::Refusal;

const CHUNK: usize = 4_096;
const ROWS: usize = 20_000;
/// Above so many ledger events, texts are not kept.
const TEXTS_BELOW: usize = 60_000;

/// Reads records, rows and positions into evidence.
pub struct Gathering {
    reader: Box<dyn Reading>,
    schemas: Schemas,
    names: Names,
    /// What was gathered.
    pub evidence: Evidence,
}

/// The elements of ledgers with their verdicts; all ledgers must be of one tenant and partner.
///
/// # Errors
/// When a ledger cannot be read, has no head, or is of another tenant.
pub fn ledgers(paths: &[PathBuf], owner: impl Fn(&Run) -> (String, String)) -> anyhow::Result<(Evidence, Names)> {
    let (mut evidence, mut names) = (Evidence::default(), Names::default());
    for (number, path) in paths.iter().enumerate() {
        let ours = ledger(path, number, (&mut evidence, &mut names), &owner)?;
        let first = number == 0 || ours == (evidence.tenant.clone(), evidence.partner.clone());
        if !first {
            let what = format!("{} is of {ours:?}, the others are not", path.display());
            return Err(Refusal::wrong_use(what, "one audit per tenant"));
        }
        (evidence.tenant, evidence.partner) = ours;
    }
    evidence.texts = evidence.sent.len() < TEXTS_BELOW;
    Ok((evidence, names))
}

/// Connections of several ledgers are told apart by thousands.
const LEDGER: usize = 1_000;

fn ledger(
    path: &Path,
    number: usize,
    (evidence, names): (&mut Evidence, &mut Names),
    owner: &impl Fn(&Run) -> (String, String),
) -> anyhow::Result<(String, String)> {
    let mut requests: HashMap<RequestId, usize> = HashMap::new();
    let mut ours = None;
    let here = |id: RequestId| RequestId { connection: id.connection + number * LEDGER, ..id };
    ledger::read(path, |entry| {
        match (entry, &ours) {
            (Entry::Run(run), _) => ours = Some(owner(&run)),
            (Entry::Request { id, body }, Some((tenant, _))) => {
                let id = here(id);
                requests.insert(id, evidence.sent.len());
                let elements: Vec<&RawValue> = serde_json::from_str(body).context("a request is no array")?;
                for (index, raw) in elements.iter().enumerate() {
                    let heard = read(raw.get(), tenant, names);
                    evidence.sent.push(sent(id, index, heard, raw.get()));
                }
            }
            (Entry::Answer { id, answer }, _) => {
                answered(&mut evidence.sent, requests.get(&here(id)).copied(), &answer);
            }
            (Entry::Request { .. }, None) => {}
        }
        Ok(())
    })?;
    ours.ok_or_else(|| Refusal::wrong_use(format!("{} is no ledger", path.display()), "da simulate --ledger FILE"))
}

fn sent(request: RequestId, index: usize, heard: Heard, raw: &str) -> Sent {
    let refused = matches!(heard, Heard::Refused(_));
    Sent { request, index, heard, raw: refused.then(|| raw.into()), verdict: None, codes: Vec::new() }
}

fn answered(sent: &mut [Sent], first: Option<usize>, answer: &Answer) {
    let Some(mine) = first.and_then(|first| sent.get_mut(first..)) else { return };
    for (element, verdict) in mine.iter_mut().zip(answer.verdicts.chars()) {
        element.verdict = Some(verdict);
    }
    for (index, codes) in &answer.codes {
        if let Some(element) = mine.get_mut(*index) {
            element.codes.clone_from(codes);
        }
    }
}

impl Gathering {
    /// Opens log and tables beside a ledger's evidence.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn new(
        mut reader: Box<dyn Reading>,
        schemas: Schemas,
        (mut evidence, names): (Evidence, Names),
    ) -> anyhow::Result<Self> {
        evidence.partitions = reader.partitions("gep.accepted")?;
        evidence.holes = reader.holes();
        Ok(Self { reader, schemas, names, evidence })
    }

    /// Whether every group has read everything. What lies behind an open transaction counts for no group yet, so none may
    /// be open.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn settled(&mut self) -> anyhow::Result<bool> {
        Ok(self.reader.open()?.is_empty() && self.reader.positions()?.iter().all(|p| p.end == p.next))
    }

    /// Refuses a log whose beginning was removed.
    ///
    /// # Errors
    /// A refusal naming the topic.
    pub fn begins_at_zero(&mut self) -> anyhow::Result<()> {
        for topic in self.reader.topics()? {
            let firsts = self.reader.first_offsets(&topic)?;
            if let Some(partition) = firsts.iter().position(|first| first.is_some_and(|f| f.0 > 0)) {
                let what = format!("{topic}/{partition} no longer starts at offset 0: nothing can be proved");
                return Err(Refusal::wrong_use(what, "audit before retention removes records"));
            }
        }
        Ok(())
    }

    /// Reads everything; `tick` is told of progress by topic or table.
    ///
    /// # Errors
    /// When the file or a record cannot be read.
    pub fn everything(&mut self, mut tick: impl FnMut(&str)) -> anyhow::Result<()> {
        for position in self.reader.positions()? {
            let topic = self.names.of(&position.topic);
            let next = At { topic, partition: position.partition.0, offset: position.next.0 };
            self.evidence.positions.push(Position { group: position.group, next, end: position.end.0 });
        }
        for kept in self.reader.kept()? {
            let (topic, partition) = (self.names.of(&kept.topic), kept.partition.0);
            let (next, outbox) = (kept.next.map(|n| n.0), kept.outbox.map(|n| n.0));
            self.evidence.kept.push(Kept { group: kept.group, topic, partition, next, outbox });
        }
        self.evidence.open = self.reader.open()?;
        for topic in da_model::topics::all() {
            tick(&topic.name);
            self.topic(&topic.name)?;
        }
        for (table, keys, columns) in COLUMNS {
            tick(table);
            self.table(table, keys, columns)?;
        }
        Ok(())
    }

    fn topic(&mut self, topic: &'static str) -> anyhow::Result<()> {
        let mut place = Scan::default();
        loop {
            let records = self.reader.scan(topic, &mut place, CHUNK)?;
            if records.is_empty() {
                return Ok(());
            }
            for record in &records {
                let at = || format!("{topic}/{}@{}", record.partition, record.offset);
                self.record(topic, record).with_context(at)?;
            }
        }
    }

    fn record(&mut self, topic: &'static str, record: &TapRecord) -> anyhow::Result<()> {
        let at = At { topic: self.names.of(topic), partition: record.partition.0, offset: record.offset.0 };
        let key: Box<str> = String::from_utf8_lossy(record.key.as_deref().unwrap_or_default()).into();
        let value = record.value.as_deref().unwrap_or_default();
        let (lineage, event) = codec::decode(value, &self.schemas)?;
        match event {
            Event::Usage(usage) => self.evidence.copies.push(Copy {
                at,
                key,
                event_key: self.names.of(&usage.event_key.to_string()),
                received: usage.received_at.0,
                value: digest(value),
            }),
            Event::Impact(signal) => {
                let (link, event_key) = (self.link(&lineage), self.names.of(&signal.event.event_key.to_string()));
                self.evidence.usage.push(Usage { at, key, link, event_key, changes: signal.changes.len() });
            }
            Event::Discrete(event) => {
                let de = de_of(topic, &event, &mut self.names);
                let text = self.evidence.texts.then(|| shown(&de).into());
                let link = self.link(&lineage);
                let de_id = event.de_id.to_string().into();
                self.evidence.observed.push(Observed { at, key, link, de_id, digests: Digests::of(&de), text });
            }
            Event::Rejected(event) => self.evidence.refused.push(refused(at, key, &event)),
            Event::Dead(letter) => {
                let (of, link) = (self.at_of(&letter), self.link(&lineage));
                let value = digest(letter.value.as_deref().unwrap_or_default());
                self.evidence.dead.push(Dead {
                    at,
                    of,
                    reason: letter.rejection.reason.code().to_owned(),
                    value,
                    link,
                });
            }
            Event::System(_) | Event::Entity(_) | Event::Content(_) => {}
        }
        Ok(())
    }

    fn at_of(&mut self, letter: &DeadLetter<'_>) -> At {
        At { topic: self.names.of(&letter.topic), partition: letter.partition.0, offset: letter.offset.0 }
    }

    fn link(&mut self, lineage: &Lineage<'_>) -> Link {
        let (topic, partition, offset, index) =
            lineage.src.as_ref().map_or(("", 0, -1, 0), |s| (&*s.topic, s.partition.0, s.offset.0, s.index));
        let root = lineage.root.map_or_else(String::new, |r| r.event_key.to_string());
        Link {
            from: At { topic: self.names.of(topic), partition, offset },
            index,
            seq: lineage.seq.unwrap_or(-1),
            hop: lineage.hop,
            root: self.names.of(&root),
        }
    }

    fn table(&mut self, table: &'static str, keys: &[&str], columns: &'static [&'static str]) -> anyhow::Result<()> {
        let tenant = self.evidence.tenant.clone();
        for page in 0.. {
            let page = Page { table, keys, columns, tenant: &tenant, from: page * ROWS, max: ROWS };
            let rows = self.reader.page(&page)?;
            for row in &rows {
                let parts: Vec<String> = keys.iter().map(|name| key_part(row.get(*name))).collect();
                let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
                let key: Box<str> = da_model::key::joined(&parts).into();
                let cells: Row = columns.iter().map(|name| (*name, self.cell(row.get(*name)))).collect();
                self.evidence.tables.insert((table, key), Stored::of(table, &cells, self.evidence.texts));
            }
            if rows.len() < ROWS {
                break;
            }
        }
        Ok(())
    }

    fn cell(&mut self, value: Option<&serde_json::Value>) -> Cell {
        match value {
            Some(serde_json::Value::Number(n)) => n.as_i64().map_or(Cell::Null, Cell::Int),
            Some(serde_json::Value::Bool(b)) => Cell::Int(i64::from(*b)),
            Some(serde_json::Value::String(text)) => da_model::time::LocalDate::from_iso(text)
                .map_or_else(|| Cell::Text(self.names.of(text)), |d| Cell::Int(d.0.into())),
            _ => Cell::Null,
        }
    }
}

/// A key column as text; dates as days.
fn key_part(value: Option<&serde_json::Value>) -> String {
    match value {
        Some(serde_json::Value::String(text)) => {
            da_model::time::LocalDate::from_iso(text).map_or_else(|| text.clone(), |d| d.0.to_string())
        }
        Some(other) => other.to_string(),
        None => String::new(),
    }
}

fn refused(at: At, key: Box<str>, event: &RejectedEvent<'_>) -> Refused {
    Refused {
        at,
        key,
        sha256: event.original_sha256.to_string(),
        codes: event.reasons.iter().map(|r| r.reason.code().to_owned()).collect(),
        original: event.original.clone().into(),
        length: event.original_length,
    }
}
