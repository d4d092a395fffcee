//! What an audit can find, in the vocabulary of histories: each anomaly has one name.
//!
//! Place: returned by the checker; the command prints and counts them. Decides nothing.

use std::fmt;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Anomaly {
    /// Something accepted or derived is not there.
    LostWrite,
    /// A part of one event's outcome is there, another part is not.
    Torn,
    /// Something is there more often than it may be.
    Duplicate,
    /// A record that nothing sent explains.
    Phantom,
    /// Records of one edge or key are in another order than their causes.
    Misordered,
    /// A value differs.
    WrongValue,
    /// A record lies under another key.
    WrongKey,
    /// A record lies in another partition.
    WrongPartition,
    /// Names, ids or context of a record differ.
    WrongContext,
    /// A refusal's codes differ.
    WrongReason,
    /// An event was answered otherwise than it must be.
    WrongVerdict,
    /// Kept bytes differ from those sent.
    WrongBytes,
    /// A row of a base or roll-up table differs.
    WrongAggregate,
    /// A group has not come to the end of its input.
    OpenPosition,
    /// Outputs that were committed wait in the outbox.
    Unpublished,
    /// A transaction has not ended.
    OpenTransaction,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub anomaly: Anomaly,
    /// Where: topic, partition and offset, or table and key, or place in the ledger.
    pub place: String,
    /// What was expected and what was found.
    pub detail: String,
}

/// How many findings of each sort the last line counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Lost or torn.
    pub lost: usize,
    /// There too often, or unexplained.
    pub duplicated: usize,
    /// Out of order.
    pub misordered: usize,
    /// Everything else.
    pub wrong: usize,
}

impl Anomaly {
    /// Its name for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::LostWrite => "lost write",
            Self::Torn => "torn",
            Self::Duplicate => "duplicate",
            Self::Phantom => "phantom",
            Self::Misordered => "misordered",
            Self::WrongValue => "wrong value",
            Self::WrongKey => "wrong key",
            Self::WrongPartition => "wrong partition",
            Self::WrongContext => "wrong context",
            Self::WrongReason => "wrong reason",
            Self::WrongVerdict => "wrong verdict",
            Self::WrongBytes => "wrong bytes",
            Self::WrongAggregate => "wrong aggregate",
            Self::OpenPosition => "open position",
            Self::Unpublished => "unpublished output",
            Self::OpenTransaction => "open transaction",
        }
    }
}

impl Finding {
    /// A finding.
    pub fn new(anomaly: Anomaly, place: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { anomaly, place: place.into(), detail: detail.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.anomaly.name(), self.place, self.detail)
    }
}

impl Tally {
    /// The counts of these findings.
    #[must_use]
    pub fn of(findings: &[Finding]) -> Self {
        let mut tally = Self::default();
        for finding in findings {
            *match finding.anomaly {
                Anomaly::LostWrite | Anomaly::Torn | Anomaly::Unpublished => &mut tally.lost,
                Anomaly::Duplicate | Anomaly::Phantom => &mut tally.duplicated,
                Anomaly::Misordered => &mut tally.misordered,
                Anomaly::WrongValue
                | Anomaly::WrongKey
                | Anomaly::WrongPartition
                | Anomaly::WrongContext
                | Anomaly::WrongReason
                | Anomaly::WrongVerdict
                | Anomaly::WrongBytes
                | Anomaly::WrongAggregate
                | Anomaly::OpenPosition
                | Anomaly::OpenTransaction => &mut tally.wrong,
            } += 1;
        }
        tally
    }
}
