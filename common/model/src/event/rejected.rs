//! A refused event with its reasons and its bytes (`gep.rejected`, domain.md §2.6).
//!
//! Place: written by the intake before the answer. Originals are byte-identical but for masked secrets and the cut at
//! 64 KiB.

use crate::fault::Rejection;
use crate::ids::{Offset, Partition, Text};
use crate::time::Timestamp;

/// The largest original kept.
pub const ORIGINAL_LIMIT: usize = 65_536;

/// A refused event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedEvent<'a> {
    /// The credential's tenant.
    pub tenant_id: Text<'a>,
    /// Who sent it.
    pub partner_id: Text<'a>,
    /// Receipt.
    pub received_at: Timestamp,
    /// Where it came in.
    pub source: RejectionSource<'a>,
    /// All violations.
    pub reasons: Vec<Rejection>,
    /// Masked and cut bytes.
    pub original: Vec<u8>,
    /// Length as sent.
    pub original_length: i64,
    /// SHA-256 of the bytes sent, hex.
    pub original_sha256: Text<'a>,
}

/// Where a refused event came in; `transport` on the wire is `http` or `kafka`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RejectionSource<'a> {
    /// An HTTP request and the element's index in it.
    Http {
        /// X-Request-Id.
        request_id: Text<'a>,
        /// Index of the element.
        index: i32,
    },
    /// A record of a partner's topic and the element's index in it.
    Kafka {
        /// The partner's topic.
        topic: Text<'a>,
        /// Partition.
        partition: Partition,
        /// Offset.
        offset: Offset,
        /// Index of the element; 0 for a single object.
        index: i32,
    },
}
