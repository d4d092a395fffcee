//! Pipelines that are broken on purpose, over the real engine: what the audit must not let pass.
//!
//! Place: put around a real stage; the protocol below it commits in pieces, as if the process had died between them
//! (delivery.md §12 "Testing the checker").

use da_model::fault::Fault;
use da_model::ids::{TopicName, TopicPartition};
use da_model::state::RowKey;
use da_runtime::batch::Rows;
use da_runtime::commit::{Ask, Outbox, Polled, Protocol, Work};
use da_runtime::stage::{Stage, Stepped};

use crate::sim::Chance;

/// What is wrong with a pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// Plain at-least-once: outputs are committed, and the offset some time later.
    OffsetsLater,
    /// The dedupe memory is committed before the output.
    DedupeEarlier,
    /// Transactions of the log alone, without a commit point in the database: the late end of an earlier transaction
    /// commits what the next one has sent so far, offset and state included.
    LateEnd,
}

/// A stage with a flaw.
pub struct Broken {
    inner: Box<dyn Stage>,
    flaw: Flaw,
    chance: Chance,
}

struct Pieces<'p> {
    inner: &'p mut dyn Protocol,
    flaw: Flaw,
    dies: bool,
}

impl Broken {
    /// Breaks a stage; once in three steps the process dies between the pieces.
    #[must_use]
    pub fn new(inner: Box<dyn Stage>, flaw: Flaw) -> Self {
        Self { inner, flaw, chance: Chance::new(1) }
    }
}

impl Stage for Broken {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn topics(&self) -> &[TopicName] {
        self.inner.topics()
    }

    fn stalled(&self) -> &[TopicPartition] {
        self.inner.stalled()
    }

    fn waits(&self, at: TopicPartition) -> bool {
        self.inner.waits(at)
    }

    fn step(&mut self, protocol: &mut dyn Protocol, max: usize) -> Result<Stepped, Fault> {
        let dies = self.chance.once_in(3);
        self.inner.step(&mut Pieces { inner: protocol, flaw: self.flaw, dies }, max)
    }
}

impl Protocol for Pieces<'_> {
    fn partitions(&self, topic: TopicName) -> u32 {
        self.inner.partitions(topic)
    }

    fn poll(&mut self, ask: Ask<'_>) -> Result<Polled, Fault> {
        self.inner.poll(ask)
    }

    fn begin(&mut self, keys: &[RowKey]) -> Result<Rows, Fault> {
        self.inner.begin(keys)
    }

    fn commit(&mut self, mut work: Work) -> Result<(), Fault> {
        match (self.dies, self.flaw) {
            (false, _) => {}
            (true, Flaw::OffsetsLater) => work.positions.clear(),
            (true, Flaw::DedupeEarlier) => {
                let memory = work.writes.into_iter().filter(|(key, _)| key.table().name == "applied");
                work = Work { group: work.group, writes: memory.collect(), ..Work::default() };
            }
            (true, Flaw::LateEnd) => work.out = first_half(&work.out),
        }
        self.inner.commit(work)
    }

    fn abandon(&mut self) {
        self.inner.abandon();
    }
}

fn first_half(out: &Outbox) -> Outbox {
    let mut half = Outbox::default();
    for sent in out.records().take(out.len() / 2) {
        half.push((sent.from, sent.to), (sent.timestamp, sent.key), |arena| arena.extend_from_slice(sent.value));
    }
    half
}
