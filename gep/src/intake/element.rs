//! One element of a request or record: its bytes, and what was wrong with it before it was read.
//!
//! Place: made by `split_body` and by the reader of partner topics, judged by `take_in`.

use da_model::fault::Rejection;
use da_model::outcome::Reason;

use crate::reader::Doc;

/// The bytes of one event as sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element<'b> {
    /// The bytes.
    pub bytes: &'b [u8],
    /// Set where it is refused without being read.
    pub(crate) refused: Option<Rejection>,
    /// What was read of it while its body was split.
    pub(crate) doc: Option<Doc<'b>>,
    /// Whether paths of reasons begin with the element's index (arrays in partner topics, domain.md §2.5).
    pub(crate) indexed: bool,
}

impl<'b> Element<'b> {
    /// An element that is still to be read.
    #[must_use]
    pub const fn new(bytes: &'b [u8]) -> Self {
        Self { bytes, refused: None, doc: None, indexed: false }
    }

    /// An element that is refused as a whole.
    pub(crate) fn refused(bytes: &'b [u8], reason: Reason, detail: impl Into<String>) -> Self {
        Self { refused: Some(Rejection::new(reason, detail)), ..Self::new(bytes) }
    }
}
