//! What the engine tells about itself: counts since start, positions and lag.
//!
//! Place: written on its `board` by a pipeline's thread after each commit, read by health, metrics and tests. Renders nothing.

use std::collections::BTreeMap;

use da_model::effects::Note;
use da_model::ids::{Offset, TopicPartition};
use da_model::outcome::{Outcome, Reason};
use da_model::time::Timestamp;

/// What committed batches of one handler did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    /// Inputs by outcome.
    pub outcomes: BTreeMap<Outcome, u64>,
    /// Dead letters by reason.
    pub dead: BTreeMap<Reason, u64>,
    /// Notable facts.
    pub notes: BTreeMap<Note, u64>,
    /// Records dropped because their edge number was seen.
    pub edge_repeats: u64,
    /// Records before which edge numbers are missing; 0 for ever, else something was lost or torn.
    pub edge_gaps: u64,
    /// Records read.
    pub read: u64,
    /// Records appended, dead letters among them.
    pub emitted: u64,
    /// Rows written, each once per batch.
    pub rows: u64,
    /// Batches committed.
    pub batches: u64,
}

/// One group on one topic partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lag {
    /// The group.
    pub group: &'static str,
    /// Where it reads.
    pub at: TopicPartition,
    /// The next offset it will read.
    pub next: Offset,
    /// The end of the log there.
    pub end: Offset,
    /// When `next` last moved or lag was 0, by the engine's clock.
    pub progress: Timestamp,
    /// Whether the breaker stopped it.
    pub stalled: bool,
    /// Whether it waits for a writer's schema that cannot be asked for now.
    pub waits: bool,
    /// The time of the first record that waits, where that was fetched already.
    pub oldest: Option<Timestamp>,
}

/// What the members of one consumer group went through since their start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Log transactions whose outcome had to be doubted, and was then read from the group.
    pub suspects: u64,
    /// Changes of what a member owns.
    pub rebalances: u64,
    /// How often the connection to the log failed: while this grows, what stands still waits for the brokers.
    pub troubles: u64,
    /// Blobs that the store has and the log may not have yet.
    pub owed: usize,
    /// Since when there have been such.
    pub owed_since: Option<Timestamp>,
}

/// The engine as of its last commit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Status {
    /// Counts by handler name.
    pub counts: BTreeMap<&'static str, Counts>,
    /// Positions of all groups.
    pub lags: Vec<Lag>,
    /// Rounds committed.
    pub rounds: u64,
    /// Records appended from outside.
    pub appended: u64,
    /// SQL statements run, of all kinds.
    pub statements: u64,
    /// Bytes of the row cache.
    pub cache_bytes: usize,
    /// Rows in it.
    pub cache_rows: usize,
    /// Bytes of log kept in memory for readers.
    pub tail_bytes: usize,
    /// Rounds that failed and were rolled back.
    pub failed_rounds: u64,
    /// What the groups went through, by handler name; empty without groups.
    pub tallies: BTreeMap<&'static str, Tally>,
    /// The last fault, while it lasts.
    pub fault: Option<String>,
    /// Why batches are refused again and again, while that lasts: no outage, and nobody's excuse for standing still.
    pub refusal: Option<String>,
    /// When the loop last ran; 0 before it ever did.
    pub alive: Timestamp,
}

impl Status {
    /// Records that wait over all groups.
    #[must_use]
    pub fn lag(&self) -> i64 {
        self.lags.iter().map(|l| l.end.0 - l.next.0).sum()
    }

    /// Adds what another worker shows: numbers add up, the older sign of life and any fault stay.
    pub fn add(&mut self, other: &Self) {
        for (name, counts) in &other.counts {
            self.counts.entry(name).or_default().add(counts);
        }
        self.lags.extend_from_slice(&other.lags);
        self.rounds += other.rounds;
        self.appended += other.appended;
        self.statements += other.statements;
        self.cache_bytes += other.cache_bytes;
        self.cache_rows += other.cache_rows;
        self.tail_bytes += other.tail_bytes;
        self.failed_rounds += other.failed_rounds;
        for (name, tally) in &other.tallies {
            self.tallies.entry(name).or_default().add(tally);
        }
        self.fault = self.fault.take().or_else(|| other.fault.clone());
        self.refusal = self.refusal.take().or_else(|| other.refusal.clone());
        self.alive = self.alive.min(other.alive);
    }
}

impl Tally {
    /// Adds what another member of the group went through; what is owed longest counts.
    pub fn add(&mut self, other: &Self) {
        self.suspects += other.suspects;
        self.rebalances += other.rebalances;
        self.troubles += other.troubles;
        self.owed += other.owed;
        self.owed_since = self.owed_since.into_iter().chain(other.owed_since).min();
    }
}

impl Counts {
    /// Counts an outcome.
    pub fn outcome(&mut self, outcome: Outcome) {
        *self.outcomes.entry(outcome).or_default() += 1;
    }

    /// Counts a dead letter.
    pub fn dead(&mut self, reason: Reason) {
        *self.dead.entry(reason).or_default() += 1;
    }

    /// Counts a note.
    pub fn note(&mut self, note: Note) {
        *self.notes.entry(note).or_default() += 1;
    }

    /// Adds the counts of a committed batch.
    pub fn add(&mut self, other: &Self) {
        add_all(&mut self.outcomes, &other.outcomes);
        add_all(&mut self.dead, &other.dead);
        add_all(&mut self.notes, &other.notes);
        self.edge_repeats += other.edge_repeats;
        self.edge_gaps += other.edge_gaps;
        self.read += other.read;
        self.emitted += other.emitted;
        self.rows += other.rows;
        self.batches += other.batches;
    }
}

fn add_all<K: Ord + Copy>(to: &mut BTreeMap<K, u64>, from: &BTreeMap<K, u64>) {
    for (key, n) in from {
        *to.entry(*key).or_default() += n;
    }
}
