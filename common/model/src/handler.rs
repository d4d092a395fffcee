//! The trait that every reader of a topic implements: decode, reads, decide.
//!
//! Place: the one shape of house.md §2. Handlers are pure: no clock, no I/O, no log; time comes in the record, so a
//! replay gives the same bytes. Batches, retries, offsets and lineage belong to the Driver.

use crate::effects::Effects;
use crate::fault::Rejection;
use crate::ids::TopicName;
use crate::record::Record;
use crate::schema::Schemas;
use crate::state::{RowKey, Snapshot};

/// A pure decision over one input and the rows it named.
pub trait Handler: Send + Sync {
    /// The decoded record; may borrow the fetch buffer.
    type Input<'r>;

    /// The handler's name, which is also its consumer group: `gep`, `demux`, `dep`.
    fn name(&self) -> &'static str;

    /// The topics it reads.
    fn topics(&self) -> Vec<TopicName>;

    /// Bytes to input.
    ///
    /// # Errors
    /// A [`Rejection`] when the record cannot be read: it becomes a dead letter.
    fn decode<'r>(&self, record: &Record<'r>, schemas: &Schemas) -> Result<Self::Input<'r>, Rejection>;

    /// The rows `decide` must see, named by the input alone. A key may be a prefix where its table says `range`.
    fn reads(&self, input: &Self::Input<'_>) -> Vec<RowKey>;

    /// What follows from the input and the rows. (Implementations spell the input `&Self::Input<'r>`.)
    ///
    /// # Errors
    /// A [`Rejection`] when the input as a whole is refused: it becomes a dead letter and nothing else happens.
    fn decide<'r>(&self, input: &Self::Input<'r>, seen: &Snapshot<'_>) -> Result<Effects<'r>, Rejection>;
}
