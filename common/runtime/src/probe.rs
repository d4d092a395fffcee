//! The closed list of steps at which a crash must be harmless; silent in production.
//!
//! Place: asked by `commit/` at each step (delivery.md §5). A test answers with [`Crash`], and the round unwinds as a
//! process death would: the connection is dropped, nothing is answered. Not a tracing hook.

/// A step of `embedded_txn`.
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
}

impl Step {
    /// All steps, in their order within a round.
    pub const ALL: &'static [Self] = &[
        Self::BeforeBegin,
        Self::AfterReads,
        Self::AfterState,
        Self::AfterOutputs,
        Self::BeforeCommit,
        Self::AfterCommit,
        Self::BeforeAnswer,
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
