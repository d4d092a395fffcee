//! State, positions and outbox of one consumer group in PostgreSQL (delivery.md §4).
//!
//! Place: the `Store` of `sql_txn`, one per worker's thread. Rows of shared tables are locked when they are read. A row
//! that is not there cannot be locked: it is inserted so that a row another owner made meanwhile is left alone, and if
//! one was, the whole batch is given up and done again over what is there now. Decides nothing about an event.

use std::sync::Arc;

use da_model::delivery::edge::Edges;
use da_model::fault::{Cause, Fault};
use da_model::ids::{Offset, Partition, TopicPartition};
use da_model::state::{Feed, Row, RowKey, Table};
use rustc_hash::{FxHashMap, FxHashSet};
use sqlx::postgres::{PgArguments, PgRow};

use super::statements::Statements;
use super::{Connection, PostgresSettings, bind, int, migrate, text};
use crate::batch::Rows;
use crate::commit::Position;
use crate::commit::blob::{blob_of, outbox_of};
use crate::commit::care::Attempt;
use crate::io::segment::Packer;
use crate::io::sql::{Migration, key_of};
use crate::ports::{Blob, Claim, Epoch, Move, Store, Unit};

/// Rows per statement.
const ROWS: usize = 2_000;

/// What a store is made of.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// Where the database is.
    pub settings: PostgresSettings,
    /// The consumer group.
    pub group: &'static str,
    /// The slot that owns partitions through this store; for people.
    pub owner: String,
    /// Every table the group's handler reads or writes.
    pub tables: Vec<&'static Table>,
    /// Shared tables of which every row is fed by one partition here, as this group reads: not locked, and cached.
    pub alone: Vec<&'static Table>,
    /// The migrations that the database must hold, no more and no fewer of their owners.
    pub migrations: Vec<Migration>,
}

/// The store; connects at its first use.
#[derive(Debug)]
pub struct PostgresStore {
    connection: Connection,
    options: StoreOptions,
    tables: FxHashMap<&'static str, Statements>,
    texts: Texts,
    in_transaction: bool,
    absent: FxHashSet<RowKey>,
    lost: Vec<TopicPartition>,
    packer: Packer,
}

/// The statements over `position` and `outbox`.
#[derive(Debug)]
struct Texts {
    claim: Arc<str>,
    fence: Arc<str>,
    commit: Arc<str>,
    count: Arc<str>,
    pending: Arc<str>,
    stamped: Arc<str>,
}

impl Texts {
    fn new() -> Self {
        Self {
            claim: include_str!("claim.sql").into(),
            fence: include_str!("fence.sql").into(),
            commit: include_str!("commit.sql").into(),
            count: include_str!("count.sql").into(),
            pending: include_str!("pending.sql").into(),
            stamped: include_str!("stamped.sql").into(),
        }
    }
}

impl PostgresStore {
    /// A store that connects when it is first used.
    ///
    /// # Errors
    /// [`Fault::Fatal`] where a table cannot be kept here, or the process cannot have one more connection.
    pub fn new(options: StoreOptions) -> Result<Self, Fault> {
        if let Some(table) = options.tables.iter().find(|t| t.feed == Feed::Shared && t.range.is_some()) {
            let told = "a range of a shared table cannot be locked: rows may be added to it meanwhile";
            return Err(Fault::Fatal(Cause::new(format!("use of table {}", table.name), told)));
        }
        let application = format!("gooru-da {}", options.owner);
        let connection = Connection::new(options.settings.clone(), application)?;
        Ok(Self {
            connection,
            options,
            tables: FxHashMap::default(),
            texts: Texts::new(),
            in_transaction: false,
            absent: FxHashSet::default(),
            lost: Vec::new(),
            packer: Packer::default(),
        })
    }

    /// Connects and checks the tables, unless that was done.
    ///
    /// # Errors
    /// [`Fault::Fatal`] with a plain sentence where the database is not this program's.
    pub fn check(&mut self) -> Result<(), Fault> {
        self.connection.connect()?;
        if !self.tables.is_empty() || self.options.tables.is_empty() {
            return Ok(());
        }
        migrate::check(&mut self.connection, &self.options.migrations)?;
        let rows = self.connection.fetch(&self.texts.stamped, PgArguments::default())?;
        let stamped: Vec<String> = rows.iter().filter_map(|row| text(row, 0)).collect();
        for table in &self.options.tables {
            let stamped = !has_stamp(table) && stamped.iter().any(|name| name == table.name);
            let alone = self.options.alone.iter().any(|of| std::ptr::eq(*of, *table));
            let shared = table.feed == Feed::Shared && !alone;
            self.tables.insert(table.name, Statements::of(table, (stamped, shared)));
        }
        Ok(())
    }

    /// Statements run so far.
    #[must_use]
    pub const fn statements(&self) -> u64 {
        self.connection.statements()
    }

    /// Ends the connection as a dead process does: without a word.
    pub fn cut(&mut self) {
        self.connection.drop_connection();
    }

    fn places(&self, of: &[TopicPartition]) -> Result<PgArguments, Fault> {
        let mut args = PgArguments::default();
        bind::add(&mut args, self.options.group)?;
        bind::add(&mut args, of.iter().map(|at| at.topic.0).collect::<Vec<_>>())?;
        bind::add(&mut args, of.iter().map(|at| i64::from(at.partition.0)).collect::<Vec<_>>())?;
        Ok(args)
    }

    /// Locks the positions in the order given and compares them; whoever differs is lost.
    fn fence(&mut self, fences: &[(TopicPartition, Epoch, Offset)]) -> Result<(), Fault> {
        let places: Vec<TopicPartition> = fences.iter().map(|(at, ..)| *at).collect();
        let args = self.places(&places)?;
        let rows = self.connection.fetch(&self.texts.fence, args)?;
        let held = |n: usize| rows.iter().find(|row| int(row, 0) == i64::try_from(n + 1).ok());
        let holds = |(n, (_, epoch, next)): (usize, &(TopicPartition, Epoch, Offset))| {
            // A partition that was never read stands nowhere: its first batch says where it begins.
            held(n).is_some_and(|row| int(row, 1) == Some(epoch.0) && int(row, 2).is_none_or(|stored| stored == next.0))
        };
        self.lost = fences.iter().enumerate().filter(|f| !holds(*f)).map(|(_, (at, ..))| *at).collect();
        match self.lost.first() {
            None => Ok(()),
            Some(at) => Err(Fault::Fenced(Cause::new(format!("write for {at}"), "another owner took the partition"))),
        }
    }

    fn load(&mut self, rows: &mut Rows, keys: &[RowKey]) -> Result<(), Fault> {
        for piece in keys.chunk_by(|a, b| a.table() == b.table()) {
            let Some(table) = piece.first().map(RowKey::table) else { continue };
            let (prefixes, full): (Vec<&RowKey>, Vec<&RowKey>) =
                piece.iter().partition(|k| table.range.is_some() && k.is_prefix());
            for keys in full.chunks(ROWS) {
                self.load_full(rows, (table, keys))?;
            }
            for keys in prefixes.chunks(ROWS) {
                self.load_ranges(rows, (table, keys))?;
            }
        }
        Ok(())
    }

    fn load_full(&mut self, rows: &mut Rows, (table, keys): (&'static Table, &[&RowKey])) -> Result<(), Fault> {
        let statements = known(&self.tables, table)?;
        let (sql, shared) = (Arc::clone(&statements.load), statements.shared);
        let found = self.connection.fetch(&sql, bind::keys(table, table.keys.len(), keys.iter().copied())?)?;
        let mut there = vec![false; keys.len()];
        for row in &found {
            let n = int(row, 0).and_then(|n| usize::try_from(n - 1).ok()).unwrap_or(usize::MAX);
            let (Some(key), Some(seen)) = (keys.get(n), there.get_mut(n)) else { continue };
            *seen = true;
            rows.load((*key).clone(), Some(Arc::new(bind::read(row, 1, table.values)?)));
        }
        for (key, _) in keys.iter().zip(there).filter(|(_, there)| !there) {
            rows.load((*key).clone(), None);
            if shared {
                self.absent.insert((*key).clone());
            }
        }
        Ok(())
    }

    fn load_ranges(&mut self, rows: &mut Rows, (table, keys): (&'static Table, &[&RowKey])) -> Result<(), Fault> {
        let Some(sql) = known(&self.tables, table)?.range.clone() else { return Ok(()) };
        let width = table.range.map_or(0, |range| range.prefix);
        for row in self.connection.fetch(&sql, bind::keys(table, width, keys.iter().copied())?)? {
            let key = key_of(table, &bind::read(&row, 0, table.keys)?);
            rows.load(key, Some(Arc::new(bind::read(&row, table.keys.len(), table.values)?)));
        }
        Ok(())
    }

    fn write(&mut self, writes: &[(RowKey, Option<Arc<Row>>)]) -> Result<(), Fault> {
        for piece in writes.chunk_by(|a, b| a.0.table() == b.0.table()) {
            let Some(table) = piece.first().map(|(key, _)| key.table()) else { continue };
            let set = piece.iter().filter_map(|(key, row)| Some((key, row.as_ref()?)));
            let (new, old): (Vec<_>, Vec<_>) = set.partition(|(key, _)| self.absent.contains(*key));
            for rows in old.chunks(ROWS) {
                let sql = Arc::clone(&known(&self.tables, table)?.upsert);
                self.connection.run(&sql, bind::rows(table, rows)?)?;
            }
            for rows in new.chunks(ROWS) {
                self.insert(table, rows)?;
            }
            let gone: Vec<&RowKey> = piece.iter().filter(|(_, row)| row.is_none()).map(|(key, _)| key).collect();
            for keys in gone.chunks(ROWS) {
                let sql = Arc::clone(&known(&self.tables, table)?.delete);
                self.connection.run(&sql, bind::keys(table, table.keys.len(), keys.iter().copied())?)?;
            }
        }
        Ok(())
    }

    /// Rows of a shared table that were not there when they were read; the unique key is the lock.
    fn insert(&mut self, table: &'static Table, rows: &[(&RowKey, &Arc<Row>)]) -> Result<(), Fault> {
        let sql = Arc::clone(&known(&self.tables, table)?.insert);
        let made = self.connection.run(&sql, bind::rows(table, rows)?)?;
        if made == rows.len() as u64 {
            return Ok(());
        }
        let told = format!("another owner made {} of {} new rows first", rows.len() as u64 - made, rows.len());
        Err(Fault::Fenced(Cause::new(format!("write of {}", table.name), told)))
    }

    /// Positions, blobs to keep and blobs that may go: one statement.
    fn advance(&mut self, moves: &[Move]) -> Result<(), Fault> {
        let mut args = self.places(&moves.iter().map(|m| m.at).collect::<Vec<_>>())?;
        bind::add(&mut args, moves.iter().map(|m| m.from.0).collect::<Vec<_>>())?;
        bind::add(&mut args, moves.iter().map(|m| m.to.next.0).collect::<Vec<_>>())?;
        bind::add(&mut args, moves.iter().map(|m| m.to.edges.to_text()).collect::<Vec<_>>())?;
        bind::add(&mut args, moves.iter().map(|m| m.published.0).collect::<Vec<_>>())?;
        bind::add(&mut args, moves.iter().map(|m| blob_of(&mut self.packer, &m.out)).collect::<Vec<_>>())?;
        let rows = self.connection.fetch(&self.texts.commit, args)?;
        let moved = rows.first().and_then(|row| int(row, 0)).unwrap_or(0);
        if usize::try_from(moved).is_ok_and(|moved| moved == moves.len()) {
            return Ok(());
        }
        let told = format!("{moved} of {} positions moved", moves.len());
        Err(Fault::Fatal(Cause::new("write of the positions", told)))
    }

    fn rollback(&mut self) {
        self.absent.clear();
        if !std::mem::take(&mut self.in_transaction) || !self.connection.is_connected() {
            return;
        }
        if self.connection.script("ROLLBACK").is_err() {
            self.connection.drop_connection();
        }
    }

    fn opened(&mut self, fences: &[(TopicPartition, Epoch, Offset)], keys: &[RowKey]) -> Result<Rows, Fault> {
        self.connection.script("BEGIN")?;
        self.in_transaction = true;
        self.fence(fences)?;
        let mut rows = Rows::default();
        self.load(&mut rows, keys)?;
        Ok(rows)
    }

    fn ended(&mut self, unit: &Unit) -> Result<(), Fault> {
        self.write(&unit.writes)?;
        self.advance(&unit.moves)?;
        self.connection.script("COMMIT")
    }
}

impl Store for PostgresStore {
    fn claim(&mut self, of: &[TopicPartition]) -> Result<Vec<Claim>, Fault> {
        self.rollback();
        self.check()?;
        let mut sorted = of.to_vec();
        sorted.sort_unstable();
        let mut args = self.places(&sorted)?;
        bind::add(&mut args, self.options.owner.as_str())?;
        let rows = self.connection.fetch(&self.texts.claim, args)?;
        of.iter().map(|at| claim_of(*at, &rows)).collect()
    }

    fn begin(&mut self, fences: &[(TopicPartition, Epoch, Offset)], keys: &[RowKey]) -> Result<Rows, Fault> {
        self.rollback();
        self.lost.clear();
        self.check()?;
        self.opened(fences, keys).inspect_err(|_| self.rollback())
    }

    fn lost(&mut self) -> Vec<TopicPartition> {
        std::mem::take(&mut self.lost)
    }

    fn commit(&mut self, unit: &Unit) -> Result<(), Fault> {
        if !self.in_transaction || !self.connection.is_connected() {
            self.rollback();
            return Err(Fault::Transient(Cause::new("commit", "the connection with the open transaction is gone")));
        }
        let ended = self.ended(unit).inspect_err(|_| self.rollback());
        self.in_transaction = false;
        self.absent.clear();
        ended
    }

    fn abandon(&mut self) {
        self.rollback();
    }

    fn count(&mut self, attempts: &[Attempt]) -> Result<(), Fault> {
        self.rollback();
        self.check()?;
        let mut args = self.places(&attempts.iter().map(|attempt| attempt.at).collect::<Vec<_>>())?;
        bind::add(&mut args, attempts.iter().map(|attempt| attempt.next.0).collect::<Vec<_>>())?;
        bind::add(&mut args, attempts.iter().map(|attempt| i64::from(attempt.number)).collect::<Vec<_>>())?;
        self.connection.run(&self.texts.count, args).map(drop)
    }

    fn pending(&mut self, at: TopicPartition, behind: Offset) -> Result<Vec<Blob>, Fault> {
        self.check()?;
        let mut args = PgArguments::default();
        bind::add(&mut args, self.options.group)?;
        bind::add(&mut args, at.topic.0)?;
        bind::add(&mut args, i64::from(at.partition.0))?;
        bind::add(&mut args, behind.0)?;
        let rows = self.connection.fetch(&self.texts.pending, args)?;
        rows.iter().map(|row| kept(at, row)).collect()
    }
}

fn known<'t>(tables: &'t FxHashMap<&'static str, Statements>, table: &Table) -> Result<&'t Statements, Fault> {
    let found = tables.get(table.name).filter(|statements| statements.table == table);
    found.ok_or_else(|| Fault::Fatal(Cause::new(format!("use of table {}", table.name), "it was not registered")))
}

fn has_stamp(table: &Table) -> bool {
    table.values.iter().any(|c| c.name == "updated_at")
}

fn claim_of(at: TopicPartition, rows: &[PgRow]) -> Result<Claim, Fault> {
    let what = || format!("claim of {at}");
    let is_it = |row: &&PgRow| text(row, 0).as_deref() == Some(at.topic.0) && int(row, 1) == Some(partition(at));
    let row = rows.iter().find(is_it);
    let row = row.ok_or_else(|| Fault::Fatal(Cause::new(what(), "the database did not give its position back")))?;
    let edges = text(row, 4).unwrap_or_default();
    let edges =
        Edges::from_text(&edges).ok_or_else(|| Fault::Fatal(Cause::new(what(), "its edge counters cannot be read")))?;
    Ok(Claim {
        at,
        epoch: Epoch(int(row, 2).unwrap_or_default()),
        position: int(row, 3).map(|next| Position { next: Offset(next), edges }),
        published: int(row, 5).map(Offset),
        attempts: int(row, 6).and_then(|n| u32::try_from(n).ok()).unwrap_or(0),
    })
}

fn kept(at: TopicPartition, row: &PgRow) -> Result<Blob, Fault> {
    use sqlx::Row as _;
    let (start, end) = (int(row, 0).unwrap_or_default(), int(row, 1).unwrap_or_default());
    let payload = row.try_get::<&[u8], _>(2).unwrap_or_default();
    let out = outbox_of(at, payload)
        .map_err(|told| Fault::Fatal(Cause::new(format!("read of the blob of {at} up to {end}"), told)))?;
    Ok(Blob { start: Offset(start), end: Offset(end), out })
}

fn partition(at: TopicPartition) -> i64 {
    let Partition(n) = at.partition;
    i64::from(n)
}
