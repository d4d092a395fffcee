//! A store in memory: positions with epochs, rows, blobs, and commits whose reply can be lost.
//!
//! Place: under `sql_txn` where the fate of a commit must be chosen; the suite of `it/postgres.rs` holds it to what
//! PostgreSQL does. Nobody waits here, and no row is locked: its users write rows of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use da_model::fault::{Cause, Fault};
use da_model::ids::{Offset, TopicName, TopicPartition};
use da_model::state::{Feed, Row, RowKey, Table};
use da_runtime::batch::Rows;
use da_runtime::commit::care::Attempt;
use da_runtime::commit::{Outbox, Position};
use da_runtime::ports::{Blob, Claim, Epoch, Store, Unit};

/// Stores of one group over one database.
pub trait Stores {
    /// A store for an owner of partitions.
    fn open(&self, owner: &str, tables: &[&'static Table]) -> Box<dyn Store>;
}

/// The database.
#[derive(Clone, Default)]
pub struct Shelf(Arc<Mutex<State>>);

/// What becomes of the next COMMIT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// It is done, but the reply is lost.
    Kept,
    /// It is not done, and nobody knows.
    Lost,
}

#[derive(Default)]
struct State {
    positions: BTreeMap<TopicPartition, Held>,
    rows: BTreeMap<RowKey, Arc<Row>>,
    blobs: BTreeMap<(TopicPartition, Offset), (Offset, Outbox)>,
    claims: u64,
    attempts: BTreeMap<TopicPartition, (Offset, u32)>,
    reply: Option<Reply>,
    asked: Vec<RowKey>,
}

#[derive(Default)]
struct Held {
    epoch: Epoch,
    position: Option<Position>,
    published: Option<Offset>,
}

struct ShelfStore {
    shelf: Shelf,
    open: Option<Vec<(TopicPartition, Epoch, Offset)>>,
    claimed: u64,
    whole: bool,
    absent: BTreeSet<RowKey>,
    lost: Vec<TopicPartition>,
}

impl Shelf {
    /// The fate of the next COMMIT, of whomever.
    pub fn decide(&self, reply: Reply) {
        self.state().reply = Some(reply);
    }

    /// A row as it is committed.
    #[must_use]
    pub fn row(&self, key: &RowKey) -> Option<Arc<Row>> {
        self.state().rows.get(key).cloned()
    }

    /// Where a partition stands.
    #[must_use]
    pub fn position(&self, at: TopicPartition) -> Option<Offset> {
        self.state().positions.get(&at)?.position.as_ref().map(|p| p.next)
    }

    /// Sets where a partition stands, as a restored backup does.
    pub fn restore(&self, at: TopicPartition, next: Offset) {
        if let Some(Held { position: Some(position), .. }) = self.state().positions.get_mut(&at) {
            position.next = next;
        }
    }

    /// Loses the blobs of a partition.
    pub fn lose_blobs(&self, at: TopicPartition) {
        self.state().blobs.retain(|(of, _), _| *of != at);
    }

    /// Blobs kept.
    #[must_use]
    pub fn blobs(&self) -> usize {
        self.state().blobs.len()
    }

    /// How often a row was asked for.
    #[must_use]
    pub fn asked(&self, key: &RowKey) -> usize {
        self.state().asked.iter().filter(|asked| *asked == key).count()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stores for Shelf {
    fn open(&self, _: &str, _: &[&'static Table]) -> Box<dyn Store> {
        let (open, absent, lost) = (None, BTreeSet::new(), Vec::new());
        Box::new(ShelfStore { shelf: self.clone(), open, claimed: 0, whole: false, absent, lost })
    }
}

impl State {
    fn holds(&self, (at, epoch, next): &(TopicPartition, Epoch, Offset)) -> bool {
        let held = self.positions.get(at);
        held.is_some_and(|h| h.epoch == *epoch && h.position.as_ref().is_none_or(|p| p.next == *next))
    }

    fn apply(&mut self, unit: &Unit) {
        for (key, row) in &unit.writes {
            match row {
                Some(row) => self.rows.insert(key.clone(), Arc::clone(row)),
                None => self.rows.remove(key),
            };
        }
        for step in &unit.moves {
            let held = self.positions.entry(step.at).or_default();
            held.position = Some(step.to.clone());
            self.attempts.remove(&step.at);
            held.published = held.published.max(Some(step.published));
            self.blobs.retain(|(at, end), _| *at != step.at || *end > step.published);
            if step.from < step.to.next {
                self.blobs.insert((step.at, step.to.next), (step.from, step.out.clone()));
            }
        }
    }
}

impl ShelfStore {
    fn close(&mut self) {
        self.open = None;
        self.absent.clear();
    }
}

impl Store for ShelfStore {
    fn claim(&mut self, of: &[TopicPartition]) -> Result<Vec<Claim>, Fault> {
        self.close();
        let mut state = self.shelf.state();
        state.claims += 1;
        (self.claimed, self.whole) = (state.claims, false);
        let State { positions, attempts: tries, .. } = &mut *state;
        let claim = |at: &TopicPartition| {
            let held = positions.entry(*at).or_default();
            held.epoch = Epoch(held.epoch.0 + 1);
            let next = held.position.as_ref().map(|position| position.next);
            let tried = tries.get(at).filter(|(at, _)| next == Some(*at));
            let attempts = tried.map_or(0, |(_, number)| *number);
            let (epoch, position, published) = (held.epoch, held.position.clone(), held.published);
            Claim { at: *at, epoch, position, published, attempts }
        };
        Ok(of.iter().map(claim).collect())
    }

    fn whole(&mut self, topics: &[TopicName], held: usize) -> Result<(), Fault> {
        let state = self.shelf.state();
        let known = state.positions.keys().filter(|at| topics.contains(&at.topic)).count();
        self.whole = state.claims == self.claimed && known == held;
        Ok(())
    }

    fn alone(&self, table: &'static Table) -> bool {
        table.feed == Feed::OneTopic || self.whole
    }

    fn begin(&mut self, fences: &[(TopicPartition, Epoch, Offset)], keys: &[RowKey]) -> Result<Rows, Fault> {
        self.close();
        self.lost.clear();
        let mut rows = Rows::default();
        let mut state = self.shelf.state();
        state.asked.extend(keys.iter().cloned());
        for key in keys {
            let row = state.rows.get(key).cloned();
            if row.is_none() && key.table().feed == Feed::Shared && !self.whole {
                self.absent.insert(key.clone());
            }
            rows.load(key.clone(), row);
        }
        self.open = Some(fences.to_vec());
        Ok(rows)
    }

    fn lost(&mut self) -> Vec<TopicPartition> {
        std::mem::take(&mut self.lost)
    }

    fn commit(&mut self, unit: &Unit) -> Result<(), Fault> {
        let Some(fences) = self.open.take() else {
            return Err(Fault::Transient(Cause::new("commit", "no batch is begun")));
        };
        let mut state = self.shelf.state();
        self.lost = fences.iter().filter(|fence| !state.holds(fence)).map(|(at, ..)| *at).collect();
        let shared = self.whole && state.claims != self.claimed;
        let new = |(key, row): &(RowKey, Option<Arc<Row>>)| row.is_some() && self.absent.contains(key);
        let raced = unit.writes.iter().filter(|write| new(write)).any(|(key, _)| state.rows.contains_key(key));
        if raced || shared || !self.lost.is_empty() {
            self.whole = false;
            drop(state);
            self.close();
            return Err(Fault::Fenced(Cause::new("commit", "another owner came first")));
        }
        let reply = state.reply.take();
        if reply != Some(Reply::Lost) {
            state.apply(unit);
        }
        drop(state);
        self.close();
        match reply {
            Some(_) => Err(Fault::Transient(Cause::new("commit", "the reply is lost"))),
            None => Ok(()),
        }
    }

    fn abandon(&mut self) {
        self.close();
    }

    fn count(&mut self, attempts: &[Attempt]) -> Result<(), Fault> {
        let stored = attempts.iter().map(|attempt| (attempt.at, (attempt.next, attempt.number)));
        self.shelf.state().attempts.extend(stored);
        Ok(())
    }

    fn pending(&mut self, at: TopicPartition, behind: Offset) -> Result<Vec<Blob>, Fault> {
        let state = self.shelf.state();
        let kept = state.blobs.iter().filter(|((of, end), _)| *of == at && *end > behind);
        Ok(kept.map(|((_, end), (start, out))| Blob { start: *start, end: *end, out: out.clone() }).collect())
    }
}

impl std::fmt::Debug for Shelf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shelf").finish_non_exhaustive()
    }
}
