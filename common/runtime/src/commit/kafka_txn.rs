//! `kafka_txn`: records, dead letters and the group's offsets in one Kafka transaction, for stages without a store
//! (delivery.md §3).
//!
//! Place: over one [`Member`], on its worker's thread. What was fetched stays in memory until it is committed, so a batch
//! is redone without reading it again; edge counters travel in the metadata of the offset. Knows no client library.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use da_model::delivery::edge::Edges;
use da_model::fault::{Cause, Fault};
use da_model::ids::{Offset, TopicName, TopicPartition};
use da_model::state::RowKey;
use da_model::time::Timestamp;
use da_model::topics::{self, Partitioning};

use super::care::{Attempt, Care};
use super::held::{Held, Pace};
use super::status::Tally;
use super::{Ask, GroupProtocol, Part, Polled, Position, Protocol, Work};
use crate::batch::Rows;
use crate::ports::{Committed, Fetched, Member};
use crate::probe::{Probe, Silent, Step};

/// The longest metadata that brokers store with an offset (seen: 4,000 bytes come back, 5,000 are refused).
pub const METADATA_BYTES: usize = 4_096;
/// A counter among many of one topic: a comma and what counts a thousand records a second for two years.
const COUNTER_BYTES: usize = 8;
/// How metadata of ours begins; anything else was written by other hands.
const MARK: &str = "e1 ";
/// What stands before the number of attempts, where there were any.
const TRIED: char = '~';

/// The protocol over one member of a group.
pub struct KafkaTxn {
    member: Box<dyn Member>,
    probe: Arc<dyn Probe>,
    pace: Pace,
    parts: BTreeMap<TopicPartition, Held>,
    assigned: Vec<TopicPartition>,
    doubt: Vec<(TopicPartition, Position)>,
    /// The log was not heard to the end about where everything stands.
    unsure: bool,
    suspects: u64,
    rebalances: u64,
    care: Care,
    /// The last transaction failed.
    failed: bool,
}

impl KafkaTxn {
    /// Over a member that has joined its group.
    #[must_use]
    pub fn new(member: Box<dyn Member>) -> Self {
        Self {
            member,
            probe: Arc::new(Silent),
            pace: Pace::default(),
            parts: BTreeMap::new(),
            assigned: Vec::new(),
            doubt: Vec::new(),
            unsure: false,
            suspects: 0,
            rebalances: 0,
            care: Care::default(),
            failed: false,
        }
    }

    /// Gathers batches at this pace.
    #[must_use]
    pub const fn paced(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    /// Tells `probe` of each step.
    #[must_use]
    pub fn probed(mut self, probe: Arc<dyn Probe>) -> Self {
        self.probe = probe;
        self
    }

    /// Takes what a poll brought, changes of the assignment first.
    fn absorb(&mut self, fetched: Fetched) {
        self.rebalances += u64::from(fetched.is_rebalance());
        for at in fetched.revoked {
            self.parts.remove(&at);
            self.care.forget(at);
            self.assigned.retain(|a| *a != at);
            self.doubt.retain(|(a, _)| *a != at);
        }
        self.assigned.extend(fetched.assigned);
        for (at, segment) in fetched.segments {
            if let Some(held) = self.parts.get_mut(&at) {
                held.push(segment);
            }
        }
    }

    /// Begins assigned partitions at their stable committed offsets.
    fn take_over(&mut self) -> Result<(), Fault> {
        if self.assigned.is_empty() {
            return Ok(());
        }
        let committed = self.member.committed(&self.assigned)?;
        let mut begin = Vec::with_capacity(committed.len());
        let mut new = Vec::new();
        for (at, committed) in self.assigned.iter().zip(committed) {
            match committed {
                Some(committed) => {
                    let (position, attempts) = position_of(*at, &committed)?;
                    self.care.learn(*at, position.next, attempts);
                    begin.push((*at, position));
                }
                None => new.push(*at),
            }
        }
        for (at, position) in self.first(&new)? {
            self.care.learn(at, position.next, 0);
            begin.push((at, position));
        }
        let starts: Vec<_> = begin.iter().map(|(at, position)| (*at, position.next)).collect();
        self.member.start(&starts)?;
        self.assigned.clear();
        for (at, position) in begin {
            self.parts.insert(at, Held::new(position));
        }
        Ok(())
    }

    /// The first start of a group: the earliest offset, never the latest, and committed at once.
    fn first(&mut self, new: &[TopicPartition]) -> Result<Vec<(TopicPartition, Position)>, Fault> {
        if new.is_empty() {
            return Ok(Vec::new());
        }
        let bounds = self.member.bounds(new)?;
        let earliest =
            |(at, (next, _)): (&TopicPartition, (Offset, Offset))| (*at, Position { next, edges: Edges::default() });
        let begin: Vec<_> = new.iter().zip(bounds).map(earliest).collect();
        self.member.publish(&[], &committed_of(&begin)?)?;
        if self.member.suspect() {
            self.suspects += 1;
            return Err(transient("first commit of a group", "its outcome is unknown; it is read again"));
        }
        Ok(begin)
    }

    /// Reads the truth after a transaction whose outcome is in doubt: `true` where it stands as it was meant.
    fn resolve(&mut self) -> Result<bool, Fault> {
        self.unsure = true;
        let owned: Vec<TopicPartition> = self.parts.keys().copied().collect();
        let told = self.member.committed(&owned)?;
        let doubt: BTreeMap<_, _> = self.doubt.iter().cloned().collect();
        let mut stands = true;
        for (at, committed) in owned.into_iter().zip(told) {
            let told = committed.map(|c| position_of(at, &c)).transpose()?.unwrap_or_default().0;
            let Some(held) = self.parts.get_mut(&at) else { continue };
            stands &= doubt.get(&at).is_none_or(|meant| *meant == told);
            let known = told == *held.position() || doubt.get(&at) == Some(&told);
            if known {
                held.advance(told);
            } else {
                // A late end of an earlier transaction moved the offset: only the log knows what follows.
                self.member.start(&[(at, told.next)])?;
                *held = Held::new(told);
            }
        }
        self.doubt.clear();
        self.unsure = false;
        Ok(stands)
    }

    fn serve(&mut self, ask: &Ask<'_>) -> Result<(), Fault> {
        let (wait, most, fetches) = self.pace.next(self.wanted(ask).map(|(_, held)| held), ask.max);
        self.member.pause(!fetches)?;
        self.member.stall(ask.except)?;
        let fetched = self.member.poll(most, wait)?;
        self.absorb(fetched);
        // After the poll: a member that another process has fenced hears of it there, and asks no further.
        if self.unsure || !self.doubt.is_empty() || self.member.suspect() {
            self.resolve()?;
        }
        self.take_over()
    }

    fn wanted<'s>(&'s self, ask: &'s Ask<'_>) -> impl Iterator<Item = (&'s TopicPartition, &'s Held)> {
        self.parts
            .iter()
            .filter(|(at, held)| held.waiting() > 0 && ask.topics.contains(&at.topic) && !ask.except.contains(at))
    }

    /// Stores attempts with the positions that they were made at, by a transaction that commits only that.
    fn count(&mut self, attempts: &[Attempt]) -> Result<(), Fault> {
        let of = |attempt: &Attempt| {
            let position = self.parts.get(&attempt.at)?.position().clone();
            Some((attempt.at, position, attempt.number))
        };
        let stored = attempts.iter().filter_map(of).map(|(at, position, number)| stored_of(at, &position, number));
        let done = self.member.publish(&[], &stored.collect::<Result<Vec<_>, _>>()?);
        if self.member.suspect() {
            self.suspects += 1;
            let doubt = || transient("count of an attempt", "its outcome is unknown; it is counted again");
            return Err(done.err().unwrap_or_else(doubt));
        }
        done
    }

    fn publish(&mut self, work: &Work) -> Result<(), Fault> {
        let upto = committed_of(&work.positions)?;
        self.at(Step::BeforeTransaction)?;
        let done = self.member.publish(&[&work.out], &upto);
        if !self.member.suspect() {
            return done;
        }
        self.suspects += 1;
        self.doubt.clone_from(&work.positions);
        if !matches!(done, Err(Fault::Fenced(_))) && self.resolve()? {
            return Ok(());
        }
        done.and_then(|()| Err(transient("commit of a batch", "the log did not keep the transaction")))
    }

    fn at(&self, step: Step) -> Result<(), Fault> {
        self.probe.at(step).map_err(|crash| Fault::Fatal(Cause::new("a probe", crash)))
    }
}

impl Protocol for KafkaTxn {
    fn partitions(&self, topic: TopicName) -> u32 {
        self.member.partitions(topic)
    }

    fn poll(&mut self, ask: Ask<'_>) -> Result<Polled, Fault> {
        self.serve(&ask)?;
        let waiting: Vec<TopicPartition> = self.wanted(&ask).map(|(at, _)| *at).collect();
        let taking = self.care.taking(&waiting, ask.max);
        if !taking.attempts.is_empty() {
            self.count(&taking.attempts)?;
            self.care.counted(&taking.attempts);
        }
        // Each its share, so that a long backlog of one starves no other.
        let share = taking.max.div_ceil(waiting.iter().filter(|at| taking.takes(**at)).count().max(1));
        let bytes = self.pace.share(self.wanted(&ask).filter(|(at, _)| taking.takes(**at)).map(|(_, held)| held));
        let mut left = taking.max;
        let mut polled = Polled { set_aside: taking.set_aside, ..Polled::default() };
        for (at, held) in self.wanted(&ask).filter(|(at, _)| taking.takes(**at)) {
            let spans = held.spans(share.min(left), bytes);
            left -= spans.iter().map(|(_, range)| range.len()).sum::<usize>();
            if !spans.is_empty() {
                polled.parts.push(Part { at: *at, position: held.position().clone(), spans });
            }
        }
        if !polled.is_empty() {
            self.at(Step::Fetched)?;
        }
        Ok(polled)
    }

    fn begin(&mut self, keys: &[RowKey]) -> Result<Rows, Fault> {
        let Some(key) = keys.first() else { return Ok(Rows::default()) };
        Err(Fault::Fatal(Cause::new(format!("read of {}", key.table().name), "a stage over kafka_txn has no store")))
    }

    fn commit(&mut self, work: Work) -> Result<(), Fault> {
        if let Some((key, _)) = work.writes.first() {
            let attempted = format!("write of {}", key.table().name);
            return Err(Fault::Fatal(Cause::new(attempted, "a stage over kafka_txn has no store")));
        }
        let published = self.publish(&work);
        self.failed = published.is_err();
        published?;
        self.at(Step::BeforeForget)?;
        for (at, position) in work.positions {
            self.care.moved(at, position.next);
            if let Some(held) = self.parts.get_mut(&at) {
                held.advance(position);
            }
        }
        Ok(())
    }

    /// Nothing was begun: the records are still held.
    fn abandon(&mut self) {}
}

impl GroupProtocol for KafkaTxn {
    fn rest(&mut self, wait: Duration) -> Result<(), Fault> {
        self.member.pause(true)?;
        let fetched = self.member.poll(1, wait)?;
        self.absorb(fetched);
        Ok(())
    }

    fn tally(&self) -> Tally {
        let (suspects, rebalances, troubles) = (self.suspects, self.rebalances, self.member.troubles());
        Tally { suspects, rebalances, troubles, ..Tally::default() }
    }

    fn oldest(&self, at: TopicPartition) -> Option<Timestamp> {
        self.parts.get(&at)?.oldest(at)
    }

    fn stands(&self) -> Vec<(TopicPartition, Offset, Offset)> {
        let ends: BTreeMap<_, _> = self.member.ends().into_iter().collect();
        self.parts.iter().map(|(at, held)| held.stands(*at, ends.get(at).copied())).collect()
    }

    fn close(&mut self) -> Result<(), Fault> {
        let forgiven = self.care.forgiven();
        // Another attempt takes as long as the last one.
        if !forgiven.is_empty() && !self.failed {
            // An attempt that stays counted is one death too many in a number that three of them must reach.
            drop(self.count(&forgiven));
        }
        self.parts.clear();
        self.member.close();
        Ok(())
    }
}

/// Whether the counters of a service's edges find room beside an offset: records of one partition may go to every
/// partition of a topic by key, and to one of every other topic.
///
/// # Errors
/// [`Fault::Fatal`] with a sentence that says what would.
pub fn fits(service: &str, partitions: impl Fn(TopicName) -> u32) -> Result<(), Fault> {
    let written = topics::all().iter().filter(|t| t.feeds == "now" && t.producers.iter().any(|p| p == service));
    let (mut bytes, mut most) = (MARK.len(), 0);
    for topic in written {
        let by_key = topic.partitioning == Partitioning::ByKey;
        let count = if by_key { partitions(TopicName(topic.name.as_str())) as usize } else { 1 };
        most = most.max(count);
        bytes += topic.name.len() + COUNTER_BYTES * (count + 1);
    }
    if bytes <= METADATA_BYTES {
        return Ok(());
    }
    let told = format!(
        "topics that are written by key have {most} partitions: the counters of so many edges may take {bytes} bytes \
         beside an offset, and a broker stores {METADATA_BYTES}; run {service} on topics with fewer partitions"
    );
    Err(Fault::Fatal(Cause::new(format!("check of the topics that {service} writes"), told)))
}

/// What is stored with the next offset.
fn committed_of(positions: &[(TopicPartition, Position)]) -> Result<Vec<(TopicPartition, Committed)>, Fault> {
    positions.iter().map(|(at, position)| stored_of(*at, position, 0)).collect()
}

/// A position with what is stored beside it: the attempts at its record, if there were any, and the counters.
fn stored_of(at: TopicPartition, position: &Position, attempts: u32) -> Result<(TopicPartition, Committed), Fault> {
    let tried = if attempts == 0 { String::new() } else { format!("{TRIED}{attempts} ") };
    let metadata = format!("{MARK}{tried}{}", position.edges.to_text());
    if metadata.len() > METADATA_BYTES {
        let told = format!("they take {} bytes and a broker stores {METADATA_BYTES}", metadata.len());
        return Err(Fault::Fatal(Cause::new(format!("edge counters of {at}"), told)));
    }
    Ok((at, Committed { next: position.next, metadata }))
}

/// What [`stored_of`] stored.
fn read_stored(metadata: &str) -> Option<(Edges, u32)> {
    let text = metadata.strip_prefix(MARK)?;
    let Some(tried) = text.strip_prefix(TRIED) else { return Some((Edges::from_text(text)?, 0)) };
    let (attempts, edges) = tried.split_once(' ')?;
    Some((Edges::from_text(edges)?, attempts.parse().ok()?))
}

fn position_of(at: TopicPartition, committed: &Committed) -> Result<(Position, u32), Fault> {
    let stored = read_stored(&committed.metadata);
    let (edges, attempts) = stored.ok_or_else(|| {
        let told = format!(
            "it stands at {} without the counters of its edges, so another tool has moved it; going on would number \
             records anew and readers would drop them. Put it back where it was, or start under a new group name",
            committed.next
        );
        Fault::Fatal(Cause::new(format!("read of the group's offset on {at}"), told))
    })?;
    Ok((Position { next: committed.next, edges }, attempts))
}

fn transient(attempted: &str, told: &str) -> Fault {
    Fault::Transient(Cause::new(attempted, told))
}
