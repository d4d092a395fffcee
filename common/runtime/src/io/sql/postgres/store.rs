//! State, positions and outbox of one consumer group in PostgreSQL (delivery.md §4).
//!
//! Place: the `Store` of `sql_txn`, one per worker's thread. A batch is written by one statement, which fences it. Rows
//! that other owners may write are locked when they are read, and only then is there a transaction before that statement.
//! A row that is not there cannot be locked: it is inserted so that a row another owner made meanwhile is left alone, and
//! if one was, the whole batch is given up and done again over what is there now. Decides nothing about an event.

use std::collections::BTreeMap;
use std::sync::Arc;

use da_model::delivery::edge::Edges;
use da_model::fault::{Cause, Fault};
use da_model::ids::{Offset, Partition, TopicName, TopicPartition};
use da_model::state::{Feed, RowKey, Table};
use rustc_hash::{FxHashMap, FxHashSet};
use sqlx::postgres::{PgArguments, PgRow};

use super::statements::Statements;
use super::writing::{Deeds, Writing};
use super::{Connection, PostgresSettings, bind, flag, int, migrate, text};
use crate::batch::Rows;
use crate::commit::Position;
use crate::commit::blob::{blob_of, outbox_of};
use crate::commit::care::Attempt;
use crate::io::segment::Packer;
use crate::io::sql::{Migration, key_of};
use crate::ports::{Blob, Claim, Epoch, Store, Unit};

/// Rows that one statement reads.
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
    writing: Writing,
    texts: Texts,
    /// The batch that was begun.
    batch: Option<Begun>,
    /// Rows that others may write, known not to be there.
    absent: FxHashSet<RowKey>,
    lost: Vec<TopicPartition>,
    /// The number of the last claim.
    claimed: i64,
    /// Whether that was the group's last one and holds all its partitions.
    whole: bool,
    packer: Packer,
}

/// A batch between its rows and its commit.
#[derive(Debug)]
struct Begun {
    fences: Vec<(TopicPartition, Epoch, Offset)>,
    /// Whether rows are locked for it.
    in_transaction: bool,
}

/// The statements over `position` and `outbox`.
#[derive(Debug)]
struct Texts {
    claim: Arc<str>,
    whole: Arc<str>,
    fence: Arc<str>,
    count: Arc<str>,
    pending: Arc<str>,
    stamped: Arc<str>,
}

impl Texts {
    fn new() -> Self {
        Self {
            claim: include_str!("claim.sql").into(),
            whole: include_str!("whole.sql").into(),
            fence: include_str!("fence.sql").into(),
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
            writing: Writing::of(std::iter::empty()),
            texts: Texts::new(),
            batch: None,
            absent: FxHashSet::default(),
            lost: Vec::new(),
            claimed: 0,
            whole: false,
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
        let stamped = |table: &Table| !has_stamp(table) && stamped.iter().any(|name| name == table.name);
        self.writing = Writing::of(self.options.tables.iter().map(|table| (*table, stamped(table))));
        self.tables = self.options.tables.iter().map(|table| (table.name, Statements::of(table))).collect();
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

    /// The partitions of the batch that are not its owner's any more, or stand elsewhere.
    fn astray(&mut self, fences: &[(TopicPartition, Epoch, Offset)]) -> Result<Vec<TopicPartition>, Fault> {
        let places: Vec<TopicPartition> = fences.iter().map(|(at, ..)| *at).collect();
        let args = self.places(&places)?;
        let rows = self.connection.fetch(&self.texts.fence, args)?;
        let held = |n: usize| rows.iter().find(|row| int(row, 0) == i64::try_from(n + 1).ok());
        let holds = |(n, (_, epoch, next)): (usize, &(TopicPartition, Epoch, Offset))| {
            // A partition that was never read stands nowhere: its first batch says where it begins.
            held(n).is_some_and(|row| int(row, 1) == Some(epoch.0) && int(row, 2).is_none_or(|stored| stored == next.0))
        };
        Ok(fences.iter().enumerate().filter(|f| !holds(*f)).map(|(_, (at, ..))| *at).collect())
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
        let (statements, shared) = (known(&self.tables, table)?, !self.alone(table));
        let sql = Arc::clone(if shared { &statements.lock } else { &statements.load });
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

    /// Positions, blobs and rows.
    fn write(&mut self, unit: &Unit, fences: &[(TopicPartition, Epoch, Offset)]) -> Result<(), Fault> {
        let moves = &unit.moves;
        let mut args = self.places(&moves.iter().map(|m| m.at).collect::<Vec<_>>())?;
        let epochs: BTreeMap<TopicPartition, i64> = fences.iter().map(|(at, epoch, _)| (*at, epoch.0)).collect();
        bind::add(&mut args, moves.iter().map(|m| epochs.get(&m.at).copied().unwrap_or(0)).collect::<Vec<_>>())?;
        bind::add(&mut args, moves.iter().map(|m| m.from.0).collect::<Vec<_>>())?;
        bind::add(&mut args, moves.iter().map(|m| m.to.next.0).collect::<Vec<_>>())?;
        bind::add(&mut args, moves.iter().map(|m| m.to.edges.to_text()).collect::<Vec<_>>())?;
        bind::add(&mut args, moves.iter().map(|m| m.published.0).collect::<Vec<_>>())?;
        bind::add(&mut args, moves.iter().map(|m| blob_of(&mut self.packer, &m.out)).collect::<Vec<_>>())?;
        bind::add(&mut args, self.whole.then_some(self.claimed))?;
        let deeds = Deeds::of(&unit.writes, |key| self.absent.contains(key));
        let sql = self.writing.statement(&deeds, &mut args)?;
        self.connection.fetch(&sql, args).map(drop)
    }

    fn rollback(&mut self) {
        self.absent.clear();
        if let Some(begun) = self.batch.take() {
            self.undo(&begun);
        }
    }

    fn undo(&mut self, begun: &Begun) {
        if !begun.in_transaction || !self.connection.is_connected() {
            return;
        }
        if self.connection.script("ROLLBACK").is_err() {
            self.connection.drop_connection();
        }
    }

    fn opened(&mut self, fences: &[(TopicPartition, Epoch, Offset)], keys: &[RowKey]) -> Result<Rows, Fault> {
        let in_transaction = keys.iter().any(|key| !self.alone(key.table()));
        if in_transaction {
            self.connection.script("BEGIN")?;
        }
        self.batch = Some(Begun { fences: fences.to_vec(), in_transaction });
        let mut rows = Rows::default();
        self.load(&mut rows, keys)?;
        Ok(rows)
    }

    fn ended(&mut self, unit: &Unit, begun: &Begun) -> Result<(), Fault> {
        self.write(unit, &begun.fences)?;
        if begun.in_transaction { self.connection.script("COMMIT") } else { Ok(()) }
    }

    /// The batch met another owner: learns what that one took.
    fn learn(&mut self, fences: &[(TopicPartition, Epoch, Offset)]) {
        self.whole = false;
        self.lost = self.astray(fences).unwrap_or_default();
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
        self.whole = false;
        let rows = self.connection.fetch(&self.texts.claim, args)?;
        self.claimed = rows.first().and_then(|row| int(row, 7)).unwrap_or_default();
        of.iter().map(|at| claim_of(*at, &rows)).collect()
    }

    fn whole(&mut self, topics: &[TopicName], held: usize) -> Result<(), Fault> {
        self.rollback();
        let mut args = PgArguments::default();
        bind::add(&mut args, self.options.group)?;
        bind::add(&mut args, topics.iter().map(|topic| topic.0).collect::<Vec<_>>())?;
        bind::add(&mut args, self.claimed)?;
        bind::add(&mut args, i64::try_from(held).unwrap_or(i64::MAX))?;
        let rows = self.connection.fetch(&self.texts.whole, args)?;
        self.whole = rows.first().is_some_and(|row| flag(row, 0));
        Ok(())
    }

    fn alone(&self, table: &'static Table) -> bool {
        table.feed == Feed::OneTopic || self.whole || self.options.alone.iter().any(|of| std::ptr::eq(*of, table))
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
        let Some(begun) = self.batch.take() else {
            return Err(Fault::Transient(Cause::new("commit", "no batch is begun")));
        };
        if begun.in_transaction && !self.connection.is_connected() {
            self.absent.clear();
            return Err(Fault::Transient(Cause::new("commit", "the connection with the open transaction is gone")));
        }
        let ended = self.ended(unit, &begun);
        if let Err(fault) = &ended {
            self.undo(&begun);
            if matches!(fault, Fault::Fenced(_)) {
                self.learn(&begun.fences);
            }
        }
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
    found.ok_or_else(|| unregistered(table.name))
}

/// A table that is none of the group's.
pub(super) fn unregistered(table: &str) -> Fault {
    Fault::Fatal(Cause::new(format!("use of table {table}"), "it was not registered"))
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
