//! A log with consumer groups and transactions in memory: what a broker promises, and the worst that it allows.
//!
//! Place: protocols are tested on it where the fate of a commit or the moment of a rebalance must be chosen. It keeps the
//! rules of KIP-447: an open transaction hides its records and blocks its offsets; an old generation is refused.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use da_model::fault::{Cause, Fault};
use da_model::ids::{Offset, TopicName, TopicPartition};
use da_model::time::Timestamp;
use da_runtime::commit::Outbox;
use da_runtime::io::segment::Segment;
use da_runtime::ports::{Committed, Fetched, Member};
use da_runtime::probe::{Crash, Probe, Step};

use super::{Cluster, Slot, at, unique};

/// The log.
#[derive(Clone, Default)]
pub struct Memory(Arc<Mutex<State>>);

/// What becomes of the next commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is done, but the reply is lost.
    Kept,
    /// It is not done, and nobody knows.
    Lost,
    /// It is told to be done, and then a late end of an earlier transaction undoes it.
    Undone,
}

#[derive(Default)]
struct State {
    topics: BTreeMap<TopicName, Vec<Vec<Entry>>>,
    offsets: BTreeMap<(&'static str, TopicPartition), Committed>,
    txns: Vec<Txn>,
    groups: BTreeMap<&'static str, Group>,
    fate: Option<Fate>,
    failing_starts: usize,
    joined: u64,
}

/// A record, or the mark of a transaction's end where it has no bytes.
struct Entry {
    txn: usize,
    at: Timestamp,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Life {
    Open,
    Committed,
    Aborted,
}

struct Txn {
    by: (&'static str, u32),
    life: Life,
    pending: Vec<(TopicPartition, Committed)>,
    touched: BTreeSet<TopicPartition>,
}

#[derive(Default)]
struct Group {
    generation: u64,
    members: BTreeMap<u32, Joined>,
}

struct Joined {
    id: u64,
    topics: Vec<TopicName>,
    owned: BTreeSet<TopicPartition>,
}

/// One member.
struct MemoryMember {
    log: Memory,
    at: Slot,
    id: u64,
    generation: u64,
    topics: Vec<TopicName>,
    probe: Arc<dyn Probe>,
    reading: BTreeMap<TopicPartition, Offset>,
    owned: BTreeSet<TopicPartition>,
    prepared: bool,
    suspect: bool,
    paused: bool,
    stalled: BTreeSet<TopicPartition>,
}

impl Memory {
    /// The fate of the next commit, of whomever.
    pub fn decide(&self, fate: Fate) {
        self.state().fate = Some(fate);
    }

    /// A member's session is over, and it does not know yet.
    pub fn expire(&self, slot: Slot) {
        let mut state = self.state();
        let group = state.groups.entry(slot.group).or_default();
        group.members.remove(&slot.slot);
        group.generation += 1;
    }

    /// The broker ends what a slot left open, and lets it end nothing of it any more.
    pub fn time_out(&self, slot: Slot) {
        self.state().fence((slot.group, slot.slot));
    }

    /// The broker forgets the offsets of a group.
    pub fn forget(&self, group: &'static str) {
        self.state().offsets.retain(|(of, _), _| *of != group);
    }

    /// Stores another next offset for a group, with the counters that are there.
    pub fn move_group(&self, group: &'static str, of: TopicPartition, next: Offset) {
        self.state().offsets.entry((group, of)).and_modify(|committed| committed.next = next);
    }

    /// So many starts of partitions come to nothing, of whomever.
    pub fn fail_starts(&self, times: usize) {
        self.state().failing_starts = times;
    }

    /// What is stored for a group on a partition.
    #[must_use]
    pub fn stored(&self, group: &'static str, of: TopicPartition) -> Option<Committed> {
        self.state().offsets.get(&(group, of)).cloned()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cluster for Memory {
    fn topic(&self, partitions: u32) -> TopicName {
        let name = TopicName(unique("topic"));
        self.state().topics.insert(name, (0..partitions).map(|_| Vec::new()).collect());
        name
    }

    fn member(&self, at: Slot, topics: &[TopicName], probe: Arc<dyn Probe>) -> Result<Box<dyn Member>, Fault> {
        let mut state = self.state();
        let id = state.join(at, topics);
        drop(state);
        let (log, topics) = (self.clone(), topics.to_vec());
        let (reading, owned, stalled) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
        let (generation, prepared, suspect, paused) = (0, false, false, false);
        Ok(Box::new(MemoryMember {
            log,
            at,
            id,
            generation,
            topics,
            probe,
            reading,
            owned,
            prepared,
            suspect,
            paused,
            stalled,
        }))
    }

    fn append(&self, topic: TopicName, records: &[(u32, &str)]) {
        let mut state = self.state();
        let txn = state.begin(("append", 0));
        for (partition, text) in records {
            state.write(txn, at(topic, *partition), (Timestamp(1), None, Some(text.as_bytes())));
        }
        state.end(txn, Life::Committed);
    }
}

impl State {
    fn join(&mut self, at: Slot, topics: &[TopicName]) -> u64 {
        self.joined += 1;
        let group = self.groups.entry(at.group).or_default();
        group.generation += 1;
        // A static member that comes back takes over what its slot owned.
        group.members.insert(at.slot, Joined { id: self.joined, topics: topics.to_vec(), owned: BTreeSet::new() });
        self.joined
    }

    fn begin(&mut self, by: (&'static str, u32)) -> usize {
        self.txns.push(Txn { by, life: Life::Open, pending: Vec::new(), touched: BTreeSet::new() });
        self.txns.len() - 1
    }

    fn write(&mut self, txn: usize, to: TopicPartition, record: (Timestamp, Option<&[u8]>, Option<&[u8]>)) {
        let (at, key, value) = (record.0, record.1.map(<[u8]>::to_vec), record.2.map(<[u8]>::to_vec));
        self.partition(to).push(Entry { txn, at, key, value });
        self.txns[txn].touched.insert(to);
    }

    fn partition(&mut self, of: TopicPartition) -> &mut Vec<Entry> {
        &mut self.topics.get_mut(&of.topic).unwrap_or_else(|| panic!("no topic {}", of.topic))[of.partition.0 as usize]
    }

    fn end(&mut self, txn: usize, life: Life) {
        let (by, pending, touched) = {
            let txn = &mut self.txns[txn];
            txn.life = life;
            (txn.by, std::mem::take(&mut txn.pending), std::mem::take(&mut txn.touched))
        };
        for of in touched {
            self.partition(of).push(Entry { txn, at: Timestamp(0), key: None, value: None });
        }
        if life == Life::Committed {
            self.offsets.extend(pending.into_iter().map(|(of, committed)| ((by.0, of), committed)));
        }
    }

    /// What a slot left open is over: nobody can end it any more.
    fn fence(&mut self, by: (&'static str, u32)) {
        let open: Vec<usize> = (0..self.txns.len()).filter(|n| self.open(*n) && self.txns[*n].by == by).collect();
        open.into_iter().for_each(|n| self.end(n, Life::Aborted));
    }

    /// The committed records from `next` on, up to an open transaction; `next` moves behind everything looked at.
    fn fetch(&self, of: TopicPartition, next: &mut Offset, max: usize) -> Segment {
        let entries = &self.topics[&of.topic][of.partition.0 as usize];
        let mut segment = Segment::new(*next);
        for (n, entry) in entries.iter().enumerate().skip(next.0 as usize) {
            if segment.len() == max || self.open(entry.txn) {
                break;
            }
            *next = Offset(n as i64 + 1);
            if let Some(value) = entry.value.as_deref().filter(|_| self.txns[entry.txn].life == Life::Committed) {
                segment.push_at(Offset(n as i64), entry.at, (entry.key.as_deref(), Some(value)));
            }
        }
        segment
    }

    fn open(&self, txn: usize) -> bool {
        self.txns[txn].life == Life::Open
    }

    /// Partition n of each topic belongs to member n mod members, in the order of slots.
    fn target(&self, at: Slot) -> BTreeSet<TopicPartition> {
        let members = &self.groups[at.group].members;
        let place = members.keys().position(|slot| *slot == at.slot);
        let topics = members.get(&at.slot).map(|m| m.topics.clone()).unwrap_or_default();
        let all = topics.iter().flat_map(|t| (0..self.topics[t].len() as u32).map(|p| super::at(*t, p)));
        all.filter(|of| Some(of.partition.0 as usize % members.len()) == place).collect()
    }
}

impl MemoryMember {
    fn by(&self) -> (&'static str, u32) {
        (self.at.group, self.at.slot)
    }

    fn prepare(&mut self) {
        if !self.prepared || self.suspect {
            self.log.state().fence(self.by());
            self.prepared = true;
        }
    }

    fn rebalance(&mut self, fetched: &mut Fetched) -> Result<(), Fault> {
        let mut state = self.log.state();
        let group = state.groups.get(self.at.group).and_then(|g| g.members.get(&self.at.slot));
        match group {
            Some(member) if member.id != self.id => {
                return Err(Fault::Fatal(Cause::new("poll", "another process runs with the slot of this one")));
            }
            Some(_) => {}
            None => {
                fetched.revoked.extend(std::mem::take(&mut self.owned));
                self.id = state.join(self.at, &self.topics);
            }
        }
        let target = state.target(self.at);
        let members = &state.groups[self.at.group].members;
        let taken = |of: &TopicPartition| members.iter().any(|(slot, m)| *slot != self.at.slot && m.owned.contains(of));
        fetched.revoked.extend(self.owned.difference(&target).copied());
        fetched.assigned.extend(target.difference(&self.owned).filter(|of| !taken(of)).copied());
        self.owned.retain(|of| target.contains(of));
        self.owned.extend(&fetched.assigned);
        self.generation = state.groups[self.at.group].generation;
        if let Some(member) = state.groups.get_mut(self.at.group).and_then(|g| g.members.get_mut(&self.at.slot)) {
            member.owned.clone_from(&self.owned);
        }
        for of in &fetched.revoked {
            self.reading.remove(of);
        }
        for of in &fetched.assigned {
            self.stalled.remove(of);
        }
        Ok(())
    }

    fn probe(&self, step: Step) -> Result<(), Fault> {
        self.probe.at(step).map_err(|Crash(at)| Fault::Fatal(Cause::new("a probe", format!("{at:?}"))))
    }

    fn write(&self, txn: usize, out: &[&Outbox]) {
        let mut state = self.log.state();
        for record in out.iter().flat_map(|o| o.records()) {
            state.write(txn, record.to, (record.timestamp, record.key, Some(record.value)));
        }
    }

    fn end(&mut self, txn: usize) -> Result<(), Fault> {
        let mut state = self.log.state();
        if !state.open(txn) {
            return Err(Fault::Fatal(Cause::new("commit", "the broker ended the transaction; the producer is fenced")));
        }
        let fate = state.fate.take();
        match fate {
            None | Some(Fate::Kept) => state.end(txn, Life::Committed),
            Some(Fate::Lost) => {}
            Some(Fate::Undone) => state.end(txn, Life::Aborted),
        }
        drop(state);
        self.suspect = fate.is_some();
        match fate {
            None | Some(Fate::Undone) => Ok(()),
            Some(Fate::Kept | Fate::Lost) => Err(Fault::Transient(Cause::new("commit", "the reply is lost"))),
        }
    }
}

impl Member for MemoryMember {
    fn partitions(&self, topic: TopicName) -> u32 {
        self.log.state().topics.get(&topic).map_or(0, |t| t.len() as u32)
    }

    fn poll(&mut self, max: usize, _: Duration) -> Result<Fetched, Fault> {
        let mut fetched = Fetched::default();
        self.rebalance(&mut fetched)?;
        let state = self.log.state();
        let mut left = if self.paused { 0 } else { max };
        for (of, next) in self.reading.iter_mut().filter(|(of, _)| !self.stalled.contains(of)) {
            let segment = state.fetch(*of, next, left);
            left -= segment.len();
            if !segment.is_empty() {
                fetched.segments.push((*of, segment));
            }
        }
        Ok(fetched)
    }

    fn start(&mut self, at: &[(TopicPartition, Offset)]) -> Result<(), Fault> {
        let mut state = self.log.state();
        if state.failing_starts > 0 && !at.is_empty() {
            state.failing_starts -= 1;
            return Err(Fault::Transient(Cause::new("seek", "it timed out")));
        }
        drop(state);
        self.reading.extend(at.iter().copied());
        Ok(())
    }

    fn pause(&mut self, paused: bool) -> Result<(), Fault> {
        self.paused = paused;
        Ok(())
    }

    fn troubles(&self) -> u64 {
        0
    }

    fn stall(&mut self, at: &[TopicPartition]) -> Result<(), Fault> {
        self.stalled = at.iter().copied().collect();
        Ok(())
    }

    fn committed(&mut self, of: &[TopicPartition]) -> Result<Vec<Option<Committed>>, Fault> {
        self.prepare();
        let state = self.log.state();
        let blocked = |of: &TopicPartition| {
            let touches =
                |t: &Txn| t.life == Life::Open && t.by.0 == self.at.group && t.pending.iter().any(|(p, _)| p == of);
            state.txns.iter().any(touches)
        };
        if of.iter().any(blocked) {
            return Err(Fault::Transient(Cause::new("read of offsets", "a transaction is open on them")));
        }
        let told = of.iter().map(|of| state.offsets.get(&(self.at.group, *of)).cloned()).collect();
        drop(state);
        self.suspect = false;
        Ok(told)
    }

    fn bounds(&mut self, of: &[TopicPartition]) -> Result<Vec<(Offset, Offset)>, Fault> {
        let mut state = self.log.state();
        Ok(of.iter().map(|of| (Offset(0), Offset(state.partition(*of).len() as i64))).collect())
    }

    fn ends(&self) -> Vec<(TopicPartition, Offset)> {
        let state = self.log.state();
        let end = |(of, next): (&TopicPartition, &Offset)| {
            let entries = &state.topics[&of.topic][of.partition.0 as usize];
            let waits = |e: &Entry| state.open(e.txn) || e.value.is_some() && state.txns[e.txn].life == Life::Committed;
            let behind = |n: usize| Offset(n as i64 + 1);
            let next = next.0 as usize;
            let last = entries.iter().enumerate().skip(next).rfind(|(_, e)| waits(e));
            // As a consumer tells it: behind the last record that it brought.
            let told = last.or_else(|| entries.iter().enumerate().take(next).rfind(|(_, e)| waits(e)));
            (*of, told.map(|(n, _)| behind(n)).unwrap_or_default())
        };
        self.reading.iter().map(end).collect()
    }

    fn publish(&mut self, out: &[&Outbox], upto: &[(TopicPartition, Committed)]) -> Result<(), Fault> {
        self.prepare();
        let mut state = self.log.state();
        let group = &state.groups[self.at.group];
        let member = group.members.get(&self.at.slot).is_some_and(|m| m.id == self.id);
        if !member || group.generation != self.generation {
            return Err(Fault::Fenced(Cause::new("send of offsets", "illegal generation")));
        }
        let txn = state.begin(self.by());
        drop(state);
        self.write(txn, out);
        self.probe(Step::AfterSends)?;
        self.log.state().txns[txn].pending = upto.to_vec();
        self.probe(Step::AfterOffsets)?;
        let ended = self.end(txn);
        self.probe(Step::AfterEnd)?;
        ended
    }

    fn suspect(&self) -> bool {
        self.suspect
    }

    fn close(&mut self) {}
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Memory").finish_non_exhaustive()
    }
}
