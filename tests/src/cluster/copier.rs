//! A stage by hand: copies records into the same partition of another topic and numbers them on the way.
//!
//! Place: between a protocol and a test that wants to see each call; what it copies shows every loss and every repeat.

use std::sync::Arc;

use da_model::fault::Fault;
use da_model::ids::{TopicName, TopicPartition};
use da_runtime::commit::kafka_txn::KafkaTxn;
use da_runtime::commit::{Ask, GroupProtocol, Polled, Position, Protocol, Work};
use da_runtime::probe::Probe;

use super::{Cluster, Slot};

/// One worker over a group.
pub struct Copier {
    /// The protocol under test.
    pub txn: KafkaTxn,
    from: TopicName,
    to: TopicName,
    group: &'static str,
}

impl Copier {
    /// Joins the group.
    ///
    /// # Errors
    /// Why it cannot join.
    pub fn join(
        cluster: &dyn Cluster,
        at: Slot,
        (from, to): (TopicName, TopicName),
        probe: &Arc<dyn Probe>,
    ) -> Result<Self, Fault> {
        let member = cluster.member(at, &[from], Arc::clone(probe))?;
        Ok(Self { txn: KafkaTxn::new(member).probed(Arc::clone(probe)), from, to, group: at.group })
    }

    /// What waits, at most `max` records; begins nothing.
    ///
    /// # Errors
    /// A fault of the log.
    pub fn poll(&mut self, max: usize) -> Result<Polled, Fault> {
        self.txn.poll(Ask { group: self.group, topics: &[self.from], except: &[], max })
    }

    /// Copies and commits what was polled.
    ///
    /// # Errors
    /// A fault; nothing of it stands.
    pub fn commit(&mut self, polled: &Polled) -> Result<usize, Fault> {
        let mut work = Work { group: self.group, ..Work::default() };
        for part in &polled.parts {
            let mut position = part.position.clone();
            let to = TopicPartition { topic: self.to, partition: part.at.partition };
            for record in part.spans.iter().flat_map(|(s, range)| range.clone().filter_map(|n| s.record(part.at, n))) {
                let Position { next, edges } = &mut position;
                *next = record.offset.next();
                let seq = edges.send(self.to.0, to.partition);
                let text = format!("{seq}:{}", String::from_utf8_lossy(record.value.unwrap_or_default()));
                let write = |arena: &mut Vec<u8>| arena.extend_from_slice(text.as_bytes());
                work.out.push((part.at, to), (record.timestamp, record.key), write);
            }
            work.positions.push((part.at, position));
        }
        self.txn.begin(&[])?;
        let done = self.txn.commit(work);
        if done.is_err() {
            self.txn.abandon();
        }
        done.map(|()| polled.len())
    }

    /// One batch.
    ///
    /// # Errors
    /// A fault; nothing of it stands.
    pub fn step(&mut self, max: usize) -> Result<usize, Fault> {
        let polled = self.poll(max)?;
        if polled.is_empty() { Ok(0) } else { self.commit(&polled) }
    }

    /// Batches of at most `max` until `records` were copied, waiting for them as long as it takes.
    ///
    /// # Errors
    /// The first fault.
    pub fn copy(&mut self, records: usize, max: usize) -> Result<(), Fault> {
        let mut done = 0;
        while done < records {
            done += self.step(max)?;
        }
        Ok(())
    }

    /// Steps until every owned partition is read to its end; at least one must be owned.
    ///
    /// # Errors
    /// The first fault.
    pub fn drain(&mut self) -> Result<(), Fault> {
        loop {
            let copied = self.step(100)?;
            let stands = self.txn.stands();
            if copied == 0 && !stands.is_empty() && stands.iter().all(|(_, next, end)| next == end) {
                return Ok(());
            }
        }
    }

    /// The partitions it reads.
    #[must_use]
    pub fn owns(&self) -> Vec<u32> {
        self.txn.stands().into_iter().map(|(at, _, _)| at.partition.0).collect()
    }

    /// Leaves the group.
    pub fn close(mut self) {
        // A clean end has nothing left to publish.
        drop(self.txn.close());
    }
}

impl std::fmt::Debug for Copier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Copier").field("group", &self.group).finish_non_exhaustive()
    }
}
