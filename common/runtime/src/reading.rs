//! A log and its tables as they are seen from outside: what tap, audit and the demonstrations stand on.
//!
//! Place: read-only, beside running processes or alone; implemented for the SQLite file and for a cluster. Joins no
//! group and commits nothing.

use da_model::fault::{Cause, Fault};
use da_model::ids::{Offset, Partition, TopicName};
use serde_json::{Map, Value};

use crate::io::kafka::admin::Admin;
use crate::io::kafka::client::KafkaSettings;
use crate::io::kafka::reader::KafkaReader;
use crate::io::sql::postgres::reading::TableReader;
use crate::io::sqlite_log::Reader;

/// A record as tap and audit see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TapRecord {
    /// Topic without the common prefix.
    pub topic: String,
    /// Partition.
    pub partition: Partition,
    /// Offset.
    pub offset: Offset,
    /// Epoch milliseconds.
    pub timestamp: i64,
    /// Key.
    pub key: Option<Vec<u8>>,
    /// Value; absent is a tombstone.
    pub value: Option<Vec<u8>>,
}

/// A group's position as tap and audit see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupPosition {
    /// The group.
    pub group: String,
    /// Topic without the common prefix.
    pub topic: String,
    /// Partition.
    pub partition: Partition,
    /// The next offset the group reads.
    pub next: Offset,
    /// The end of what can be read there; the marks that end transactions are nothing to read.
    pub end: Offset,
}

/// Where a group stands on a partition by the database, of which its offset in the log is a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptPosition {
    /// The group.
    pub group: String,
    /// Topic without the common prefix.
    pub topic: String,
    /// Partition.
    pub partition: Partition,
    /// The next offset to read; absent where there is none.
    pub next: Option<Offset>,
    /// The end of the last batch whose outputs are still in the outbox. Published ones go lazily: they lie at or below
    /// the group's offset.
    pub outbox: Option<Offset>,
}

/// A piece of a table in the order of its keys.
#[derive(Debug, Clone, Copy)]
pub struct Page<'a> {
    /// The table.
    pub table: &'a str,
    /// Its key columns.
    pub keys: &'a [&'a str],
    /// Its other columns.
    pub columns: &'a [&'a str],
    /// Whose rows.
    pub tenant: &'a str,
    /// Rows to pass over.
    pub from: usize,
    /// The most rows.
    pub max: usize,
}

/// How far the scan of a topic is; new for each.
#[derive(Debug, Clone, Default)]
pub struct Scan {
    partition: u32,
    next: Offset,
    begun: bool,
}

/// The log and the tables.
pub trait Reading {
    /// Names of all topics.
    ///
    /// # Errors
    /// A [`Fault`] of the log.
    fn topics(&mut self) -> Result<Vec<String>, Fault>;

    /// Partitions of a topic; 0 where it is not there.
    ///
    /// # Errors
    /// A [`Fault`] of the log.
    fn partitions(&mut self, topic: &str) -> Result<u32, Fault>;

    /// Whether other things than records take offsets, as the ends of transactions do.
    fn holes(&self) -> bool;

    /// Committed records of one topic partition from an offset on: at least one if any is there, about `max` at most.
    ///
    /// # Errors
    /// A [`Fault`] of the log.
    fn records(&mut self, at: (&str, Partition), from: Offset, max: usize) -> Result<Vec<TapRecord>, Fault>;

    /// The next committed records of a whole topic, about `max` at most and none at its end: each partition in its order,
    /// the partitions as they come.
    ///
    /// # Errors
    /// A [`Fault`] of the log.
    fn scan(&mut self, topic: &str, place: &mut Scan, max: usize) -> Result<Vec<TapRecord>, Fault> {
        while place.partition < self.partitions(topic)? {
            let records = self.records((topic, Partition(place.partition)), place.next, max)?;
            if let Some(last) = records.last() {
                place.next = last.offset.next();
                return Ok(records);
            }
            *place = Scan { partition: place.partition + 1, ..Scan::default() };
        }
        Ok(Vec::new())
    }

    /// The first offset a topic partition still holds; absent where nothing was ever written.
    ///
    /// # Errors
    /// A [`Fault`] of the log.
    fn first_offset(&mut self, topic: &str, partition: Partition) -> Result<Option<Offset>, Fault>;

    /// The same for every partition of a topic, in their order.
    ///
    /// # Errors
    /// A [`Fault`] of the log.
    fn first_offsets(&mut self, topic: &str) -> Result<Vec<Option<Offset>>, Fault> {
        let partitions = self.partitions(topic)?;
        (0..partitions).map(|p| self.first_offset(topic, Partition(p))).collect()
    }

    /// The end of a topic partition.
    ///
    /// # Errors
    /// A [`Fault`] of the log.
    fn end(&mut self, topic: &str, partition: Partition) -> Result<Offset, Fault>;

    /// Positions of all groups; lag is `end - next`.
    ///
    /// # Errors
    /// A [`Fault`] of the log.
    fn positions(&mut self) -> Result<Vec<GroupPosition>, Fault>;

    /// Where groups stand by the database, and what waits in its outbox; none where one file holds log and tables.
    ///
    /// # Errors
    /// A [`Fault`] of the database.
    fn kept(&mut self) -> Result<Vec<KeptPosition>, Fault> {
        Ok(Vec::new())
    }

    /// Open transactions, by where they are: records behind them cannot be read yet.
    ///
    /// # Errors
    /// A [`Fault`] of the log or the database.
    fn open(&mut self) -> Result<Vec<String>, Fault> {
        Ok(Vec::new())
    }

    /// Rows with the values that SQLite holds: scaled integers, ISO dates, epoch milliseconds, 0 and 1.
    ///
    /// # Errors
    /// A [`Fault`] of the database.
    fn page(&mut self, page: &Page<'_>) -> Result<Vec<Map<String, Value>>, Fault>;
}

impl Reading for Reader {
    fn topics(&mut self) -> Result<Vec<String>, Fault> {
        self.topics()
    }

    fn partitions(&mut self, _: &str) -> Result<u32, Fault> {
        self.partitions()
    }

    fn holes(&self) -> bool {
        false
    }

    fn records(&mut self, at: (&str, Partition), from: Offset, max: usize) -> Result<Vec<TapRecord>, Fault> {
        self.records(at, from, max)
    }

    fn first_offset(&mut self, topic: &str, partition: Partition) -> Result<Option<Offset>, Fault> {
        self.first_offset(topic, partition)
    }

    fn end(&mut self, topic: &str, partition: Partition) -> Result<Offset, Fault> {
        self.end(topic, partition)
    }

    fn positions(&mut self) -> Result<Vec<GroupPosition>, Fault> {
        self.positions()
    }

    fn page(&mut self, page: &Page<'_>) -> Result<Vec<Map<String, Value>>, Fault> {
        let quoted = |names: &[&str]| names.iter().map(|n| format!("\"{n}\"")).collect::<Vec<_>>().join(", ");
        let (order, columns) = (quoted(page.keys), quoted(page.columns));
        let Page { table, tenant, from, max, .. } = page;
        let tenant = tenant.replace('\'', "''");
        self.query(&format!(
            "SELECT {order}, {columns} FROM {table} WHERE tenant_id = '{tenant}' ORDER BY {order} LIMIT {max} OFFSET {from}"
        ))
    }
}

/// The log and the tables of a cluster.
pub struct ClusterReading {
    log: KafkaReader,
    admin: Admin,
    groups: Vec<(&'static str, Vec<TopicName>)>,
    tables: Option<TableReader>,
}

impl ClusterReading {
    /// Over the topics of a cluster and, where given, its tables; `groups` are those whose positions count.
    ///
    /// # Errors
    /// A [`Fault`] where the brokers do not answer.
    pub fn open(
        kafka: &KafkaSettings,
        groups: Vec<(&'static str, Vec<TopicName>)>,
        tables: Option<TableReader>,
    ) -> Result<Self, Fault> {
        Ok(Self { log: KafkaReader::open(kafka)?, admin: Admin::open(kafka)?, groups, tables })
    }
}

impl Reading for ClusterReading {
    fn topics(&mut self) -> Result<Vec<String>, Fault> {
        Ok(self.log.topics())
    }

    fn partitions(&mut self, topic: &str) -> Result<u32, Fault> {
        Ok(self.log.partitions(topic))
    }

    fn holes(&self) -> bool {
        true
    }

    fn records(&mut self, at: (&str, Partition), from: Offset, max: usize) -> Result<Vec<TapRecord>, Fault> {
        self.log.records(at, from, max)
    }

    fn scan(&mut self, topic: &str, place: &mut Scan, max: usize) -> Result<Vec<TapRecord>, Fault> {
        if !std::mem::replace(&mut place.begun, true) {
            self.log.begin(topic)?;
        }
        self.log.more(topic, max)
    }

    fn first_offset(&mut self, topic: &str, partition: Partition) -> Result<Option<Offset>, Fault> {
        let (first, end) = self.log.bounds(topic, partition)?;
        Ok((end.0 > 0).then_some(first))
    }

    fn first_offsets(&mut self, topic: &str) -> Result<Vec<Option<Offset>>, Fault> {
        let bounds = self.log.all_bounds(topic)?;
        Ok(bounds.into_iter().map(|(first, end)| (end.0 > 0).then_some(first)).collect())
    }

    fn end(&mut self, topic: &str, partition: Partition) -> Result<Offset, Fault> {
        Ok(self.log.bounds(topic, partition)?.1)
    }

    fn positions(&mut self) -> Result<Vec<GroupPosition>, Fault> {
        let mut positions = Vec::new();
        for (group, topics) in &self.groups {
            for behind in self.admin.lag(group, topics)? {
                let next = behind.committed.unwrap_or_default();
                let end = Offset(next.0 + behind.records);
                let (group, topic) = ((*group).to_owned(), behind.at.topic.0.to_owned());
                positions.push(GroupPosition { group, topic, partition: behind.at.partition, next, end });
            }
        }
        Ok(positions)
    }

    fn kept(&mut self) -> Result<Vec<KeptPosition>, Fault> {
        self.tables.as_mut().map_or(Ok(Vec::new()), TableReader::kept)
    }

    fn open(&mut self) -> Result<Vec<String>, Fault> {
        let mut open = self.log.open_transactions()?;
        if let Some(tables) = &mut self.tables {
            open.extend(tables.open_transactions()?);
        }
        Ok(open)
    }

    fn page(&mut self, page: &Page<'_>) -> Result<Vec<Map<String, Value>>, Fault> {
        match &mut self.tables {
            Some(tables) => tables.page(page),
            None => Err(Fault::Fatal(Cause::new(format!("read of {}", page.table), "the settings name no database"))),
        }
    }
}
