//! Topics as chunks in one SQLite table, group positions beside them, and the read-only view for tap and audit.
//!
//! Place: below `commit/embedded_txn`. One row per topic, partition and round. Keeps nothing in memory (`io/tail`).

use std::path::Path;
use std::sync::Arc;

use da_model::delivery::edge::Edges;
use da_model::fault::{Cause, Fault};
use da_model::ids::{Offset, Partition, TopicName, TopicPartition};
use da_model::state::{Column, Feed, Kind, Row, RowKey, Table, Value};
use sqlx::AssertSqlSafe;

use super::segment::{Packer, Segment, segment_of};
use super::sql::Arg;
use super::sql::sqlite::{Access, Database};
use super::sql::statements::Statements;
use crate::commit::Position;
use crate::reading::{GroupPosition, TapRecord};

/// Chunks read at once when a reader is behind the records in memory.
const CHUNKS: i64 = 8;

/// The log's chunks.
pub static CHUNK: Table = Table {
    name: "log_chunk",
    doc: "The records of one topic partition appended in one round.",
    keys: &[
        Column::new("topic_id", Kind::Int, "row of log_topic"),
        Column::new("part", Kind::Int, "partition"),
        Column::new("last_offset", Kind::Int, "offset of the last record"),
    ],
    values: &[
        Column::new("first_offset", Kind::Int, "offset of the first record"),
        Column::new("at", Kind::Time, "when it was written"),
        Column::new("records", Kind::Bytes, "the records, io/segment.rs"),
    ],
    feed: Feed::Shared,
    range: None,
};

/// The groups' positions.
pub static POSITION: Table = Table {
    name: "position",
    doc: "Where a group stands on a topic partition.",
    keys: &[
        Column::new("grp", Kind::Text, "consumer group"),
        Column::new("topic_id", Kind::Int, "row of log_topic"),
        Column::new("part", Kind::Int, "partition"),
    ],
    values: &[
        Column::new("next_offset", Kind::Int, "the next offset to read"),
        Column::new("edges", Kind::Text, "edge counters sent (>) and seen (<)"),
    ],
    feed: Feed::Shared,
    range: None,
};

/// The topics of a file with their ids.
#[derive(Debug)]
pub struct Log {
    ids: Vec<(TopicName, i64)>,
    partitions: u32,
    chunk: Statements,
    position: Statements,
}

/// A stored position: group, where, position.
pub type Stored = (String, TopicPartition, Position);

impl Log {
    /// Makes sure that the topics have ids and that the partition count is the one the file was made with.
    ///
    /// # Errors
    /// [`Fault::Fatal`] where the partition count differs.
    pub fn open(db: &mut Database, topics: &[TopicName], partitions: u32) -> Result<Self, Fault> {
        let count = vec![Arg::Int(i64::from(partitions))];
        db.run("INSERT INTO log_setting (name, value) VALUES ('partitions', ?) ON CONFLICT (name) DO NOTHING", count)?;
        let made = db.fetch("SELECT value FROM log_setting WHERE name = 'partitions'", vec![], |row| Ok(row.int(0)))?;
        if made.first() != Some(&Some(i64::from(partitions))) {
            let told = format!("the file was made with {made:?} partitions per topic, the settings say {partitions}");
            return Err(Fault::Fatal(Cause::new("open of the log", told)));
        }
        let names = serde_json::to_string(&topics.iter().map(|t| t.0).collect::<Vec<_>>()).unwrap_or_default();
        let names = vec![Arg::Text(names.into())];
        db.run("INSERT INTO log_topic (name) SELECT value FROM json_each(?) WHERE true ON CONFLICT DO NOTHING", names)?;
        let rows =
            db.fetch("SELECT id, name FROM log_topic ORDER BY id", vec![], |row| Ok((row.int(0), row.text(1))))?;
        let known = |name: &str| topics.iter().find(|t| t.0 == name).copied();
        let ids = rows.into_iter().filter_map(|(id, name)| Some((known(&name?)?, id?))).collect();
        Ok(Self { ids, partitions, chunk: Statements::of(&CHUNK, false), position: Statements::of(&POSITION, true) })
    }

    /// The partition count of every topic.
    #[must_use]
    pub const fn partitions(&self) -> u32 {
        self.partitions
    }

    /// Whether a topic belongs to this log.
    #[must_use]
    pub fn has(&self, topic: TopicName) -> bool {
        self.ids.iter().any(|(t, _)| *t == topic)
    }

    /// The end of every partition of every topic.
    ///
    /// # Errors
    /// A [`Fault`] of the database.
    pub fn ends(&self, db: &mut Database) -> Result<Vec<(TopicPartition, Offset)>, Fault> {
        let sql = "WITH RECURSIVE p (part) AS (SELECT 0 UNION ALL SELECT part + 1 FROM p WHERE part + 1 < ?) \
                   SELECT t.id, p.part, (SELECT max(last_offset) FROM log_chunk c WHERE c.topic_id = t.id AND \
                   c.part = p.part) FROM log_topic t, p";
        let rows = db.fetch(sql, vec![Arg::Int(i64::from(self.partitions))], |row| {
            Ok((self.place(row.int(0), row.int(1)), row.int(2)))
        })?;
        Ok(rows
            .into_iter()
            .filter_map(|(at, last)| Some((at?, last.map_or(Offset(0), |o| Offset(o).next()))))
            .collect())
    }

    /// All stored positions.
    ///
    /// # Errors
    /// A [`Fault`] of the database, or edge counters that cannot be read.
    pub fn positions(&self, db: &mut Database) -> Result<Vec<Stored>, Fault> {
        let sql = "SELECT grp, topic_id, part, next_offset, edges FROM position";
        let rows = db.fetch(sql, vec![], |row| {
            let edges = row.text(4).and_then(|text| Edges::from_text(&text));
            let edges = edges.ok_or_else(|| Fault::Fatal(Cause::new("read of a position", "its edges are damaged")))?;
            let next = Offset(row.int(3).unwrap_or_default());
            Ok((row.text(0), self.place(row.int(1), row.int(2)), Position { next, edges }))
        })?;
        Ok(rows.into_iter().filter_map(|(group, at, position)| Some((group?, at?, position))).collect())
    }

    /// Chunks that hold an offset and what follows it, a few at once.
    ///
    /// # Errors
    /// A [`Fault`] of the database, or [`Fault::Fatal`] for a damaged chunk.
    pub fn read(&self, db: &mut Database, at: TopicPartition, from: Offset) -> Result<Vec<Segment>, Fault> {
        let sql = "SELECT first_offset, records FROM log_chunk WHERE topic_id = ? AND part = ? AND last_offset >= ? \
                   ORDER BY last_offset LIMIT ?";
        let id = self.id(at.topic)?;
        let args = vec![Arg::Int(id), Arg::Int(i64::from(at.partition.0)), Arg::Int(from.0), Arg::Int(CHUNKS)];
        db.fetch(sql, args, |row| {
            let base = Offset(row.int(0).unwrap_or_default());
            segment_of(base, row.bytes(1).unwrap_or_default()).map_err(|e| damaged(at, base, &e))
        })
    }

    /// Writes one chunk per partition, all in one statement where they fit.
    ///
    /// # Errors
    /// A [`Fault`] of the database.
    pub fn append(
        &self,
        (db, packer): (&mut Database, &mut Packer),
        new: &[(TopicPartition, Vec<Arc<Segment>>)],
        now: i64,
    ) -> Result<(), Fault> {
        let mut rows = Vec::with_capacity(new.len());
        for (at, segments) in new {
            let (Some(first), Some(last)) = (segments.first(), segments.last()) else { continue };
            let numbers = [self.id(at.topic)?, i64::from(at.partition.0), last.end().0 - 1].map(|n| n.to_string());
            let key = RowKey::new(&CHUNK, &numbers.each_ref().map(String::as_str));
            let values = vec![first.base().0.into(), now.into(), Value::Bytes(packer.chunk_of(segments).into())];
            rows.push((key, Some(Arc::new(Row(values)))));
        }
        db.write(&self.chunk, &rows, now)
    }

    /// Stores positions, all in one statement where they fit.
    ///
    /// # Errors
    /// A [`Fault`] of the database.
    pub fn store(&self, db: &mut Database, moved: &[Stored], now: i64) -> Result<(), Fault> {
        let mut rows = Vec::with_capacity(moved.len());
        for (group, at, position) in moved {
            let numbers = [self.id(at.topic)?, i64::from(at.partition.0)].map(|n| n.to_string());
            let [topic, part] = numbers.each_ref().map(String::as_str);
            let values = vec![position.next.0.into(), position.edges.to_text().as_str().into()];
            rows.push((RowKey::new(&POSITION, &[group, topic, part]), Some(Arc::new(Row(values)))));
        }
        db.write(&self.position, &rows, now)
    }

    fn id(&self, topic: TopicName) -> Result<i64, Fault> {
        let found = self.ids.iter().find(|(t, _)| *t == topic).map(|(_, id)| *id);
        found.ok_or_else(|| Fault::Fatal(Cause::new(format!("use of topic {topic}"), "it is not declared")))
    }

    fn place(&self, topic: Option<i64>, part: Option<i64>) -> Option<TopicPartition> {
        let topic = self.ids.iter().find(|(_, id)| Some(*id) == topic).map(|(t, _)| *t)?;
        Some(TopicPartition { topic, partition: Partition(u32::try_from(part?).ok()?) })
    }
}

/// Read-only access to a data file, beside a running process or alone.
#[derive(Debug)]
pub struct Reader {
    db: Database,
}

impl Reader {
    /// Opens `da.sqlite` for reading.
    ///
    /// # Errors
    /// A [`Fault`] where there is no such file, or it is none of ours.
    pub fn open(file: &Path) -> Result<Self, Fault> {
        if !file.is_file() {
            return Err(Fault::Fatal(Cause::new(format!("open of {}", file.display()), "there is no such file")));
        }
        let mut db = Database::open(file, Access::Read)?;
        db.fetch("SELECT count(*) FROM log_topic", vec![], |_| Ok(()))?;
        Ok(Self { db })
    }

    /// Names of all topics, in the order they were declared.
    ///
    /// # Errors
    /// A [`Fault`] of the database.
    pub fn topics(&mut self) -> Result<Vec<String>, Fault> {
        let names = self.db.fetch("SELECT name FROM log_topic ORDER BY id", vec![], |row| Ok(row.text(0)))?;
        Ok(names.into_iter().flatten().collect())
    }

    /// Records of one topic partition from an offset on: at least one if any is there, then up to `max`, by whole
    /// chunks of the log. Go on at the offset behind the last one.
    ///
    /// # Errors
    /// A [`Fault`] of the database or of a damaged chunk.
    pub fn records(&mut self, at: (&str, Partition), from: Offset, max: usize) -> Result<Vec<TapRecord>, Fault> {
        let (topic, partition) = at;
        let sql = "SELECT first_offset, records FROM log_chunk WHERE topic_id = (SELECT id FROM log_topic WHERE name \
                   = ?) AND part = ? AND last_offset >= ? ORDER BY last_offset LIMIT ?";
        let mut next = from;
        let mut found = Vec::new();
        while found.len() < max {
            let args = vec![Arg::Text(topic.into()), Arg::Int(partition.0.into()), Arg::Int(next.0), Arg::Int(CHUNKS)];
            let before = found.len();
            for records in self.db.fetch(sql, args, |row| chunk_records(row, topic, partition))? {
                found.extend(records.into_iter().filter(|r| r.offset >= from));
            }
            if found.len() == before {
                break;
            }
            next = found.last().map_or(next, |r: &TapRecord| r.offset.next());
        }
        Ok(found)
    }

    /// The first offset a topic partition still holds; 0 unless records were removed.
    ///
    /// # Errors
    /// A [`Fault`] of the database.
    pub fn first_offset(&mut self, topic: &str, partition: Partition) -> Result<Option<Offset>, Fault> {
        let sql = "SELECT min(first_offset) FROM log_chunk WHERE topic_id = (SELECT id FROM log_topic WHERE name = ?) \
                   AND part = ?";
        let args = vec![Arg::Text(topic.into()), Arg::Int(partition.0.into())];
        let found = self.db.fetch(sql, args, |row| Ok(row.int(0)))?;
        Ok(found.into_iter().flatten().next().map(Offset))
    }

    /// Partition count of every topic.
    ///
    /// # Errors
    /// A [`Fault`] of the database.
    pub fn partitions(&mut self) -> Result<u32, Fault> {
        let sql = "SELECT value FROM log_setting WHERE name = 'partitions'";
        let found = self.db.fetch(sql, vec![], |row| Ok(row.int(0)))?;
        Ok(found.into_iter().flatten().next().and_then(|n| u32::try_from(n).ok()).unwrap_or(1))
    }

    /// Positions of all groups; lag is `end - next`. A group that has read nothing yet is not listed.
    ///
    /// # Errors
    /// A [`Fault`] of the database.
    pub fn positions(&mut self) -> Result<Vec<GroupPosition>, Fault> {
        let sql = "SELECT p.grp, t.name, p.part, p.next_offset, coalesce((SELECT max(last_offset) + 1 FROM log_chunk c \
                   WHERE c.topic_id = p.topic_id AND c.part = p.part), 0) FROM position p JOIN log_topic t ON \
                   t.id = p.topic_id ORDER BY p.grp, t.id, p.part";
        let rows = self.db.fetch(sql, vec![], |row| {
            Ok(GroupPosition {
                group: row.text(0).unwrap_or_default(),
                topic: row.text(1).unwrap_or_default(),
                partition: Partition(row.int(2).and_then(|n| u32::try_from(n).ok()).unwrap_or_default()),
                next: Offset(row.int(3).unwrap_or_default()),
                end: Offset(row.int(4).unwrap_or_default()),
            })
        })?;
        Ok(rows)
    }

    /// The end of a topic partition: the offset behind its last record.
    ///
    /// # Errors
    /// A [`Fault`] of the database.
    pub fn end(&mut self, topic: &str, partition: Partition) -> Result<Offset, Fault> {
        let sql = "SELECT max(last_offset) FROM log_chunk WHERE topic_id = (SELECT id FROM log_topic WHERE name = ?) \
                   AND part = ?";
        let args = vec![Arg::Text(topic.into()), Arg::Int(partition.0.into())];
        let found = self.db.fetch(sql, args, |row| Ok(row.int(0)))?;
        Ok(found.into_iter().flatten().next().map_or(Offset(0), |last| Offset(last).next()))
    }

    /// Runs one query, for analysts, audits and tests; the connection cannot write.
    ///
    /// # Errors
    /// A [`Fault`] of the database, also where the text is no query.
    pub fn query(&mut self, sql: &str) -> Result<Vec<serde_json::Map<String, serde_json::Value>>, Fault> {
        self.db.fetch(AssertSqlSafe(sql), vec![], |row| Ok(row.json()))
    }
}

fn chunk_records(
    row: &super::sql::sqlite::Fetched,
    topic: &str,
    partition: Partition,
) -> Result<Vec<TapRecord>, Fault> {
    let at = TopicPartition { topic: TopicName(""), partition };
    let base = Offset(row.int(0).unwrap_or_default());
    let segment = segment_of(base, row.bytes(1).unwrap_or_default()).map_err(|e| damaged(at, base, &e))?;
    let records = (0..segment.len()).filter_map(|n| segment.record(at, n)).map(|r| TapRecord {
        topic: topic.to_owned(),
        partition,
        offset: r.offset,
        timestamp: r.timestamp.0,
        key: r.key.map(<[u8]>::to_vec),
        value: r.value.map(<[u8]>::to_vec),
    });
    Ok(records.collect())
}

fn damaged(at: TopicPartition, base: Offset, what: &str) -> Fault {
    Fault::Fatal(Cause::new(format!("read of the chunk {at}@{base}"), what))
}
