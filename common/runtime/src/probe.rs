//! The closed list of steps at which a crash must be harmless; silent in production.
//!
//! Place: asked by `commit/` and by a member at each step (delivery.md §3–§5). A test answers with [`Crash`], and the
//! round unwinds as a process death would: the connection is dropped, nothing is answered. Not a tracing hook.

/// A step of a protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// e1: before BEGIN.
    BeforeBegin,
    /// e2: after a step's rows were read.
    AfterReads,
    /// e3: after a step's rows were written.
    AfterState,
    /// e4: after the outputs of the round were written.
    AfterOutputs,
    /// e5: before COMMIT.
    BeforeCommit,
    /// e6: after COMMIT.
    AfterCommit,
    /// e7: before the requests of the round are answered.
    BeforeAnswer,
    /// k1: after records were fetched and before any is decided.
    Fetched,
    /// k2: before a log transaction begins.
    BeforeTransaction,
    /// k3: every record of the transaction is in the log.
    AfterSends,
    /// k4: the offsets are in the transaction, its end is not sent.
    AfterOffsets,
    /// k5: the transaction has ended, its caller does not know.
    AfterEnd,
    /// k6: before the memory of a committed batch is forgotten.
    BeforeForget,
    /// c1: before COMMIT is sent to the store.
    StoreCommit,
    /// c3: after the store's COMMIT, before the log is told.
    StoreCommitted,
    /// c7: the log has it, the blob is still there.
    Published,
}

impl Step {
    /// The steps of `sql_txn` around its member's, in their order within a batch.
    pub const SQL: &'static [Self] = &[Self::StoreCommit, Self::StoreCommitted, Self::Published];

    /// The steps of `embedded_txn`, in their order within a round.
    pub const ALL: &'static [Self] = &[
        Self::BeforeBegin,
        Self::AfterReads,
        Self::AfterState,
        Self::AfterOutputs,
        Self::BeforeCommit,
        Self::AfterCommit,
        Self::BeforeAnswer,
    ];

    /// The steps of `kafka_txn`, in their order within a batch.
    pub const KAFKA: &'static [Self] = &[
        Self::Fetched,
        Self::BeforeTransaction,
        Self::AfterSends,
        Self::AfterOffsets,
        Self::AfterEnd,
        Self::BeforeForget,
    ];
}

/// The process dies here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("crash at {0:?}")]
pub struct Crash(pub Step);

/// Told of each step.
pub trait Probe: Send + Sync {
    /// A step was reached.
    ///
    /// # Errors
    /// [`Crash`] to die here; never in production.
    fn at(&self, step: Step) -> Result<(), Crash>;
}

/// The probe of production: silent.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Probe for Silent {
    fn at(&self, _: Step) -> Result<(), Crash> {
        Ok(())
    }
}
