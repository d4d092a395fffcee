//! Everything an audit judges by, in memory: the ledger, the topics' records, the tables, the positions.
//!
//! Place: filled by `gather` from a ledger and a data file, or by a test; judged by the checker, which reads nothing
//! else. Values are kept as digests, so that a million events fit; small runs keep the texts too, to show differences.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::ledger::RequestId;
use crate::oracle::de::{De, Value};
use crate::oracle::read::Heard;
use crate::oracle::tables::{Cell, Row};
use crate::oracle::told::Id;

/// One element of one request, in the order of the ledger.
#[derive(Debug, Clone)]
pub struct Sent {
    /// Its request.
    pub request: RequestId,
    /// Its index there.
    pub index: usize,
    /// What it says, as the oracle reads it.
    pub heard: Heard,
    /// Its bytes, where they were refused or have to be.
    pub raw: Option<Box<str>>,
    /// `a`, `d`, `r`; none where the request was never answered.
    pub verdict: Option<char>,
    /// Codes of the refusal.
    pub codes: Vec<String>,
}

/// Where a record lies.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct At {
    /// Topic without prefix.
    pub topic: Id,
    /// Partition.
    pub partition: u32,
    /// Offset.
    pub offset: i64,
}

/// Where a record comes from, by its lineage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The input record.
    pub from: At,
    /// Which output of it.
    pub index: i32,
    /// Number on the edge.
    pub seq: i64,
    /// Steps from the intake.
    pub hop: i32,
    /// Key of the event the chain began with.
    pub root: Id,
}

/// A record of `gep.accepted`: a copy of an event.
#[derive(Debug, Clone)]
pub struct Copy {
    /// Where.
    pub at: At,
    /// Record key.
    pub key: Box<str>,
    /// Event key.
    pub event_key: Id,
    /// Receipt.
    pub received: i64,
    /// Digest of the value.
    pub value: u64,
}

/// A record of `gep.rejected`.
#[derive(Debug, Clone)]
pub struct Refused {
    /// Where.
    pub at: At,
    /// Record key.
    pub key: Box<str>,
    /// SHA-256 of the bytes sent, hex, as the record says.
    pub sha256: String,
    /// Codes.
    pub codes: Vec<String>,
    /// Kept bytes.
    pub original: Box<[u8]>,
    /// Length as sent, as the record says.
    pub length: i64,
}

/// A record of `gep.usage`.
#[derive(Debug, Clone)]
pub struct Usage {
    /// Where.
    pub at: At,
    /// Record key.
    pub key: Box<str>,
    /// From where.
    pub link: Link,
    /// Event key.
    pub event_key: Id,
    /// Number of changes.
    pub changes: usize,
}

/// A dead letter.
#[derive(Debug, Clone)]
pub struct Dead {
    /// Where.
    pub at: At,
    /// The refused record, as the letter says.
    pub of: At,
    /// Its code.
    pub reason: String,
    /// Digest of the kept value.
    pub value: u64,
    /// From where.
    pub link: Link,
}

/// A discrete event as a topic holds it.
#[derive(Debug, Clone)]
pub struct Observed {
    /// Where.
    pub at: At,
    /// Record key.
    pub key: Box<str>,
    /// From where.
    pub link: Link,
    /// deId as the record says.
    pub de_id: Id,
    /// What it says, in digests.
    pub digests: Digests,
    /// What it says, where texts are kept.
    pub text: Option<Box<str>>,
}

/// What a discrete event says, by parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digests {
    /// Value and value before.
    pub value: u64,
    /// Ids, times, revision, scope.
    pub identity: u64,
}

/// A stored row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Digest of the columns the oracle knows.
    pub digest: u64,
    /// Whether it says nothing.
    pub void: bool,
    /// The columns, where texts are kept.
    pub row: Option<Row>,
}

/// A group's position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The group.
    pub group: String,
    /// Topic and partition with the next offset.
    pub next: At,
    /// End of the input.
    pub end: i64,
}

/// A group's position as the database holds it, of which its offset in the log is a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The group.
    pub group: String,
    /// Topic without prefix.
    pub topic: Id,
    /// Partition.
    pub partition: u32,
    /// Next offset.
    pub next: Option<i64>,
    /// End of the last batch whose outputs are still in the outbox.
    pub outbox: Option<i64>,
}

/// All of it.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// Tenant.
    pub tenant: String,
    /// Partner.
    pub partner: String,
    /// Partitions per topic.
    pub partitions: u32,
    /// Whether other things than records take offsets, as the ends of transactions do.
    pub holes: bool,
    /// Whether texts are kept.
    pub texts: bool,
    /// The ledger.
    pub sent: Vec<Sent>,
    /// `gep.accepted`.
    pub copies: Vec<Copy>,
    /// `gep.rejected`.
    pub refused: Vec<Refused>,
    /// `gep.usage`.
    pub usage: Vec<Usage>,
    /// `<service>.dead`.
    pub dead: Vec<Dead>,
    /// `demux.*`, `dep.*`.
    pub observed: Vec<Observed>,
    /// Tables: (table, key after the tenant joined by U+001F).
    pub tables: HashMap<(&'static str, Box<str>), Stored>,
    /// Positions in the log.
    pub positions: Vec<Position>,
    /// Positions in the database, where the log is elsewhere.
    pub kept: Vec<Kept>,
    /// Transactions that are open, by where they are.
    pub open: Vec<String>,
}

/// The columns of each table that the oracle knows; keys and `updated_at` apart.
pub const COLUMNS: &[(&str, &[&str], &[&str])] = &[
    (
        "resource_time",
        RESOURCE_KEY,
        &[
            "kind",
            "class",
            "course",
            "unit",
            "lesson",
            "track",
            "path_id",
            "time_ms",
            "wall_ms",
            "visits",
            "revision",
            "activity_time",
        ],
    ),
    (
        "resource_reaction",
        RESOURCE_KEY,
        &["kind", "class", "course", "unit", "lesson", "track", "path_id", "reaction", "revision", "activity_time"],
    ),
    (
        "question_score",
        RESOURCE_KEY,
        &[
            "class",
            "course",
            "unit",
            "lesson",
            "track",
            "path_id",
            "raw",
            "max",
            "percent",
            "graded",
            "status",
            "revision",
            "activity_time",
        ],
    ),
    (
        "item_time",
        ITEM_KEY,
        &[
            "kind",
            "class",
            "course",
            "unit",
            "lesson",
            "track",
            "path_id",
            "time_ms",
            "wall_ms",
            "revision",
            "activity_time",
        ],
    ),
    (
        "item_reaction",
        ITEM_KEY,
        &[
            "kind",
            "class",
            "course",
            "unit",
            "lesson",
            "track",
            "path_id",
            "reaction",
            "count",
            "revision",
            "activity_time",
        ],
    ),
    (
        "item_view",
        ITEM_KEY,
        &[
            "kind",
            "class",
            "course",
            "unit",
            "lesson",
            "track",
            "path_id",
            "views",
            "started_at",
            "stopped_at",
            "local_date",
            "revision",
            "activity_time",
        ],
    ),
    (
        "assessment_score",
        ITEM_KEY,
        &[
            "kind",
            "class",
            "course",
            "unit",
            "lesson",
            "track",
            "path_id",
            "raw",
            "max",
            "percent",
            "graded",
            "status",
            "revision",
            "activity_time",
        ],
    ),
    ("learner_item_score", LEARNER_ITEM, &["kind", "score_session", "raw", "max", "percent"]),
    ("learner_item_view", LEARNER_ITEM, &["kind", "views"]),
    ("day_time", DAY, &["time_ms"]),
    ("day_view", DAY, &["views"]),
    ("level_score", LEVEL, &["raw", "max", "count", "percent", "revision"]),
    ("level_time", LEVEL, &["time_ms", "wall_ms", "visits", "revision"]),
    ("level_view", LEVEL, &["views", "items", "revision"]),
    ("class_score", CLASS, &["raw", "max", "count", "percent", "revision"]),
    ("class_time", CLASS, &["time_ms", "wall_ms", "visits", "revision"]),
    ("class_view", CLASS, &["views", "items", "revision"]),
];

const RESOURCE_KEY: &[&str] = &["learner", "session", "item", "resource"];
const ITEM_KEY: &[&str] = &["learner", "session", "item"];
const LEARNER_ITEM: &[&str] = &["learner", "class", "course", "unit", "lesson", "track", "path_id", "item"];
const DAY: &[&str] = &["learner", "class", "local_date", "track", "item_kind"];
const LEVEL: &[&str] = &["learner", "class", "course", "unit", "lesson", "level", "item_kind"];
const CLASS: &[&str] = &["class", "course", "item_kind"];

/// A digest of anything.
#[must_use]
pub fn digest(of: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

impl Digests {
    /// Of an expected or an observed event; the entity key is covered by deId.
    #[must_use]
    pub fn of(de: &De) -> Self {
        // The difference that a value before had said is no part of the value before.
        let previous = de.previous.clone().map(Value::without_delta);
        let value = digest(format!("{:?} {previous:?}", de.result));
        // A collection's score spans sessions: whether the one that caused it is named is left open.
        let session = de.session.as_ref().filter(|_| de.topic != "demux.collection.score");
        let identity = (
            (de.topic, de.revision, &de.origin.event_id, &de.origin.event_key, de.activity, de.date),
            (&de.user, session, &de.item, &de.resource),
            (&de.scope.place, de.scope.track, de.scope.path_id),
            de.cause,
            (&de.carried.content_source, de.carried.question_count, &de.carried.client_source, &de.carried.path_type),
        );
        Self { value, identity: digest(identity) }
    }
}

/// An event in one line, for people.
#[must_use]
pub fn shown(de: &De) -> String {
    format!(
        "{} r{} {:?} ← {:?}; event {} at {} on {}, {:?} {:?} {:?} {:?} in {:?} {} {} cause {} carried {:?}",
        de.topic,
        de.revision,
        de.result,
        de.previous,
        de.origin.event_id,
        de.activity,
        de.date,
        de.user,
        de.session,
        de.item,
        de.resource,
        de.scope.place,
        de.scope.track,
        de.scope.path_id,
        de.cause,
        de.carried
    )
}

impl Stored {
    /// Of an expected or an observed row.
    #[must_use]
    pub fn of(table: &str, row: &Row, texts: bool) -> Self {
        let columns = COLUMNS.iter().find(|(name, ..)| *name == table).map_or(&[][..], |(_, _, columns)| columns);
        let cells: Vec<&Cell> = columns.iter().map(|c| row.get(c).unwrap_or(&Cell::Null)).collect();
        let void = crate::oracle::tables::Tables::is_void(table, row);
        Self { digest: digest(cells), void, row: texts.then(|| row.clone()) }
    }
}
