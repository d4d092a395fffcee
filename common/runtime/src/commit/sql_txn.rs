//! `sql_txn`: the store is the commit point, the log is told afterwards, and the group offset is the outbox cursor
//! (delivery.md §4).
//!
//! Place: over a [`Member`] and a [`Store`], for stages with state on Kafka. One batch is one SQL transaction, fenced by
//! the epochs of its partitions; its blobs are then published inline in one log transaction. Whoever takes a partition
//! over finds out from the two positions what is left to do. Decides nothing about an event.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use da_model::fault::{Cause, Fault};
use da_model::ids::{Offset, TopicName, TopicPartition};
use da_model::state::RowKey;
use da_model::time::Timestamp;

use super::care::Care;
use super::held::{Held, Pace};
use super::status::Tally;
use super::take_over::{self, Taken};
use super::{Ask, GroupProtocol, Part, Polled, Protocol, Work, engine};
use crate::batch::Rows;
use crate::cache::Cache;
use crate::ports::{Committed, Epoch, Fetched, Member, Move, Store, Unit};
use crate::probe::{Probe, Silent, Step};

/// How the protocol runs.
#[derive(Clone)]
pub struct SqlOptions {
    /// Bound of the row cache.
    pub cache_bytes: usize,
    /// How batches are gathered.
    pub pace: Pace,
    /// Silent in production.
    pub probe: Arc<dyn Probe>,
}

impl Default for SqlOptions {
    fn default() -> Self {
        Self { cache_bytes: 64 << 20, pace: Pace::default(), probe: Arc::new(Silent) }
    }
}

/// The protocol of one member of one group.
pub struct SqlTxn {
    pub(super) member: Box<dyn Member>,
    pub(super) store: Box<dyn Store>,
    options: SqlOptions,
    cache: Cache,
    /// Records of the partitions that the group gave to this member; `None` before anything is read.
    parts: BTreeMap<TopicPartition, Option<Held>>,
    /// The partitions whose epoch is this owner's.
    stands: BTreeMap<TopicPartition, Stand>,
    /// Partitions given to this member that must be claimed before anything is read of them.
    waiting: BTreeSet<TopicPartition>,
    /// The fences of the batch that was handed out.
    batch: Vec<(TopicPartition, Epoch, Offset)>,
    /// Committed in the store, not known to be in the log.
    owed: Vec<Move>,
    /// Why the last publication failed, until one does not.
    failed: Option<Fault>,
    suspects: u64,
    rebalances: u64,
    care: Care,
}

/// One partition of ours.
#[derive(Clone, Copy)]
struct Stand {
    epoch: Epoch,
    published: Offset,
}

impl SqlTxn {
    /// The protocol over a member and a store; owns nothing before its first poll.
    #[must_use]
    pub fn new(member: Box<dyn Member>, store: Box<dyn Store>, options: SqlOptions) -> Self {
        Self {
            member,
            store,
            cache: Cache::new(options.cache_bytes),
            options,
            parts: BTreeMap::new(),
            stands: BTreeMap::new(),
            waiting: BTreeSet::new(),
            batch: Vec::new(),
            owed: Vec::new(),
            failed: None,
            suspects: 0,
            rebalances: 0,
            care: Care::default(),
        }
    }

    /// Bytes and rows of the cache.
    #[must_use]
    pub fn cached(&self) -> (usize, usize) {
        (self.cache.bytes(), self.cache.len())
    }

    /// Serves the group and takes what it brings.
    fn serve(&mut self, ask: &Ask<'_>) -> Result<(), Fault> {
        let pace = self.options.pace;
        let (wait, most, fetches) = pace.next(self.wanted(ask).map(|(_, _, held)| held), ask.max);
        self.member.pause(!fetches)?;
        self.member.stall(ask.except)?;
        let wait = match (self.owed.is_empty(), self.waiting.is_empty()) {
            (false, _) => pace.wait,
            (true, false) => Duration::ZERO,
            (true, true) => wait,
        };
        let fetched = self.member.poll(most, wait)?;
        self.absorb(fetched);
        Ok(())
    }

    fn absorb(&mut self, fetched: Fetched) {
        self.rebalances += u64::from(fetched.is_rebalance());
        if !fetched.revoked.is_empty() {
            self.forget_rows();
        }
        for at in &fetched.revoked {
            self.parts.remove(at);
            self.stands.remove(at);
            self.waiting.remove(at);
            self.care.forget(*at);
            // The new owner publishes it from its blob.
            self.owed.retain(|owed| owed.at != *at);
        }
        for at in fetched.assigned {
            self.parts.insert(at, None);
            self.stands.remove(&at);
            self.owed.retain(|owed| owed.at != at);
            self.waiting.insert(at);
        }
        for (at, segment) in fetched.segments {
            if let Some(Some(held)) = self.parts.get_mut(&at) {
                held.push(segment);
            }
        }
    }

    /// Publishes what the store committed and the log may not know.
    fn settle(&mut self) -> Result<(), Fault> {
        let settled = self.publish();
        self.failed = settled.as_ref().err().cloned();
        settled
    }

    fn publish(&mut self) -> Result<(), Fault> {
        if self.member.suspect() {
            self.look()?;
        }
        if self.owed.is_empty() {
            return Ok(());
        }
        let out: Vec<_> = self.owed.iter().map(|owed| &owed.out).filter(|out| !out.is_empty()).collect();
        let upto: Vec<_> = self.owed.iter().map(|owed| (owed.at, committed(owed.to.next))).collect();
        let done = self.member.publish(&out, &upto);
        if self.member.suspect() {
            self.look()?;
            if !self.owed.is_empty() {
                return done.and_then(|()| Err(transient("publication of a batch", "the log did not keep it")));
            }
        } else {
            done?;
        }
        for owed in std::mem::take(&mut self.owed) {
            self.published(owed.at, owed.to.next);
        }
        self.probe(Step::Published)
    }

    /// The outcome of the last publication is in doubt: the stable offsets tell. Where they are neither before nor
    /// behind the batch, the partition is taken over anew.
    fn look(&mut self) -> Result<(), Fault> {
        self.suspects += 1;
        let of: Vec<TopicPartition> = self.owed.iter().map(|owed| owed.at).collect();
        let groups = self.member.committed(&of)?;
        let mut owed = std::mem::take(&mut self.owed);
        for (at, group) in of.into_iter().zip(groups) {
            let group = group.map(|group| group.next);
            let Some(n) = owed.iter().position(|owed| owed.at == at) else { continue };
            let (from, to) = owed.get(n).map(|owed| (owed.published, owed.to.next)).unwrap_or_default();
            if group == Some(to) {
                self.published(at, to);
            } else if group != Some(from) {
                self.lose(&[at]);
            } else {
                continue;
            }
            owed.remove(n);
        }
        self.owed = owed;
        Ok(())
    }

    fn published(&mut self, at: TopicPartition, upto: Offset) {
        if let Some(stand) = self.stands.get_mut(&at) {
            stand.published = upto;
        }
    }

    /// Claims what waits, publishes what former owners left, and begins to read. Whoever holds every partition of its
    /// topics then asks whether it is alone; what was known of rows before says nothing after that.
    fn take_over(&mut self, topics: &[TopicName]) -> Result<(), Fault> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        self.forget_rows();
        let of: Vec<TopicPartition> = self.waiting.iter().copied().collect();
        let taken = take_over::run(&mut *self.member, &mut *self.store, &of)?;
        let unread = |taken: &&Taken| match self.parts.get(&taken.at) {
            Some(Some(held)) => taken.position.next < held.position().next,
            Some(None) => true,
            None => false,
        };
        let starts: Vec<_> = taken.iter().filter(unread).map(|taken| (taken.at, taken.position.next)).collect();
        if !starts.is_empty() {
            self.member.start(&starts)?;
        }
        for Taken { at, epoch, position, attempts } in taken {
            self.waiting.remove(&at);
            let Some(part) = self.parts.get_mut(&at) else { continue };
            let published = position.next;
            self.care.learn(at, position.next, attempts);
            match part {
                Some(held) if held.position().next <= position.next => held.advance(position),
                Some(_) | None => *part = Some(Held::new(position)),
            }
            self.stands.insert(at, Stand { epoch, published });
        }
        let all: usize = topics.iter().map(|topic| self.member.partitions(*topic) as usize).sum();
        if self.stands.len() == all { self.store.whole(topics, all) } else { Ok(()) }
    }

    /// Partitions of ours with records that the batch may take.
    fn wanted<'s>(&'s self, ask: &'s Ask<'_>) -> impl Iterator<Item = (TopicPartition, Stand, &'s Held)> {
        self.stands
            .iter()
            .filter(|(at, _)| ask.topics.contains(&at.topic) && !ask.except.contains(at))
            .filter_map(|(at, stand)| Some((*at, *stand, self.parts.get(at)?.as_ref()?)))
            .filter(|(.., held)| held.waiting() > 0)
    }

    fn hand_out(&mut self, ask: &Ask<'_>) -> Result<Polled, Fault> {
        let at_hand: Vec<TopicPartition> = self.wanted(ask).map(|(at, ..)| at).collect();
        let taking = self.care.taking(&at_hand, ask.max);
        if !taking.attempts.is_empty() {
            self.store.count(&taking.attempts)?;
            self.care.counted(&taking.attempts);
        }
        let waiting = |held: &Held| i64::try_from(held.waiting()).unwrap_or(i64::MAX);
        let wanted = || self.wanted(ask).filter(|(at, ..)| taking.takes(*at));
        let places: Vec<_> = wanted().map(|(at, _, held)| (at, waiting(held))).collect();
        let bytes = self.options.pace.share(wanted().map(|(.., held)| held));
        let mut batch = Vec::with_capacity(places.len());
        let mut polled = Polled { set_aside: taking.set_aside, ..Polled::default() };
        for ((at, stand, held), share) in wanted().zip(engine::shares(&places, taking.max)) {
            if share > 0 {
                batch.push((at, stand.epoch, held.position().next));
                polled.parts.push(Part { at, position: held.position().clone(), spans: held.spans(share, bytes) });
            }
        }
        self.batch = batch;
        Ok(polled)
    }

    /// The outcome of a transaction may be unknown: its partitions are claimed anew, and the store tells.
    fn unsure(&mut self) {
        let batch: Vec<TopicPartition> = self.batch.iter().map(|(at, ..)| *at).collect();
        self.lose(&batch);
    }

    fn lose(&mut self, of: &[TopicPartition]) {
        self.forget_rows();
        for at in of {
            self.stands.remove(at);
            if self.parts.contains_key(at) {
                self.waiting.insert(*at);
            }
        }
    }

    fn react(&mut self, fault: &Fault) {
        match fault {
            Fault::Transient(_) => self.unsure(),
            Fault::Fenced(_) => {
                let lost = self.store.lost();
                self.lose(&lost);
            }
            Fault::Refused(_) | Fault::Fatal(_) => {}
        }
    }

    /// All of them: which rows belong to which partition is the handlers' knowledge.
    fn forget_rows(&mut self) {
        self.cache = Cache::new(self.options.cache_bytes);
    }

    fn unit_of(&self, work: Work) -> Result<Unit, Fault> {
        let mut parts = work.out.by_source();
        let mut moves = Vec::with_capacity(work.positions.len());
        for (at, to) in work.positions {
            let stand = self.stands.get(&at).ok_or_else(|| stray(at))?;
            let held = self.parts.get(&at).and_then(Option::as_ref).ok_or_else(|| stray(at))?;
            let out = parts.remove(&at).unwrap_or_default();
            moves.push(Move { at, from: held.position().next, to, published: stand.published, out });
        }
        match parts.keys().next() {
            Some(at) => Err(stray(*at)),
            None => Ok(Unit { writes: work.writes, moves }),
        }
    }

    /// The batch stands: positions move, its rows may be cached, and the log is still to be told.
    fn stands_now(&mut self, unit: Unit) {
        for step in &unit.moves {
            if let Some(Some(held)) = self.parts.get_mut(&step.at) {
                held.advance(step.to.clone());
            }
            self.care.moved(step.at, step.to.next);
        }
        for (key, row) in unit.writes {
            if self.is_cached(&key) {
                self.cache.put(key, row);
            }
        }
        self.owed.extend(unit.moves);
    }

    /// A row that others may write is read anew each time.
    fn is_cached(&self, key: &RowKey) -> bool {
        self.store.alone(key.table()) && !(key.table().range.is_some() && key.is_prefix())
    }

    fn probe(&self, step: Step) -> Result<(), Fault> {
        self.options.probe.at(step).map_err(|crash| Fault::Fatal(Cause::new("batch", crash)))
    }
}

impl Protocol for SqlTxn {
    fn partitions(&self, topic: TopicName) -> u32 {
        self.member.partitions(topic)
    }

    fn poll(&mut self, ask: Ask<'_>) -> Result<Polled, Fault> {
        self.batch.clear();
        self.serve(&ask)?;
        self.settle()?;
        self.take_over(ask.topics)?;
        self.hand_out(&ask)
    }

    fn begin(&mut self, keys: &[RowKey]) -> Result<Rows, Fault> {
        let mut known = Vec::new();
        let mut wanted = Vec::with_capacity(keys.len());
        for key in keys {
            match self.cache.get(key) {
                Some(row) => known.push((key.clone(), row)),
                None => wanted.push(key.clone()),
            }
        }
        // Rows are locked in one order by everybody.
        wanted.sort_unstable();
        let begun = self.store.begin(&self.batch, &wanted);
        let mut rows = begun.inspect_err(|fault| self.react(fault))?;
        for key in wanted {
            if let Some(row) = rows.known(&key).filter(|_| self.is_cached(&key)) {
                self.cache.put(key, row);
            }
        }
        for (key, row) in known {
            rows.load(key, row);
        }
        Ok(rows)
    }

    fn commit(&mut self, work: Work) -> Result<(), Fault> {
        // What the log would not take must not be in the store: it would be owed for ever.
        work.out.fits()?;
        let unit = self.unit_of(work)?;
        self.probe(Step::StoreCommit)?;
        let committed = self.store.commit(&unit);
        committed.inspect_err(|fault| self.react(fault))?;
        self.stands_now(unit);
        self.probe(Step::StoreCommitted)?;
        // The batch is committed. What fails now is owed, and the next poll says so if it still fails.
        drop(self.settle());
        Ok(())
    }

    fn abandon(&mut self) {
        self.store.abandon();
    }
}

impl GroupProtocol for SqlTxn {
    fn rest(&mut self, wait: Duration) -> Result<(), Fault> {
        self.member.pause(true)?;
        let fetched = self.member.poll(1, wait)?;
        self.absorb(fetched);
        Ok(())
    }

    fn tally(&self) -> Tally {
        let (suspects, rebalances, troubles) = (self.suspects, self.rebalances, self.member.troubles());
        Tally { suspects, rebalances, troubles, owed: self.owed.len(), owed_since: None }
    }

    fn oldest(&self, at: TopicPartition) -> Option<Timestamp> {
        self.parts.get(&at)?.as_ref()?.oldest(at)
    }

    fn stands(&self) -> Vec<(TopicPartition, Offset, Offset)> {
        let ends: BTreeMap<_, _> = self.member.ends().into_iter().collect();
        let stand = |at: &TopicPartition| Some(self.parts.get(at)?.as_ref()?.stands(*at, ends.get(at).copied()));
        self.stands.keys().filter_map(stand).collect()
    }

    fn close(&mut self) -> Result<(), Fault> {
        self.store.abandon();
        let forgiven = self.care.forgiven();
        if !forgiven.is_empty() {
            // An attempt that stays counted is one death too many in a number that three of them must reach.
            drop(self.store.count(&forgiven));
        }
        let settled = match &self.failed {
            // Another attempt takes as long as the last one; the next owner publishes it.
            Some(fault) if !self.owed.is_empty() => Err(fault.clone()),
            Some(_) | None => self.settle(),
        };
        self.member.close();
        settled
    }
}

impl std::fmt::Debug for SqlTxn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqlTxn")
            .field("owned", &self.stands.len())
            .field("owed", &self.owed.len())
            .finish_non_exhaustive()
    }
}

/// A group offset; the edge counters lie in the store.
pub(super) const fn committed(next: Offset) -> Committed {
    Committed { next, metadata: String::new() }
}

fn stray(at: TopicPartition) -> Fault {
    Fault::Fatal(Cause::new("commit of a batch", format!("{at} is none of its partitions")))
}

fn transient(what: &str, told: &str) -> Fault {
    Fault::Transient(Cause::new(what, told))
}
