//! Reads numbers, texts and order keys in the form of stored state.
//!
//! Place: the mirror of the writer. Every read can fail: a row may be of a newer version, or damaged.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use uuid::fmt::Hyphenated;

use super::id::spelt;
use super::{Stored, WORDS, Word};
use crate::order::Order;

/// What is left of a state.
#[derive(Debug)]
pub(crate) struct Reader<'b> {
    row: &'b Arc<[u8]>,
    bytes: &'b [u8],
    last: Order,
}

/// Which fields of a struct are there, from the next one on.
#[derive(Debug)]
pub(crate) struct Fields(u64);

impl Fields {
    /// The next field.
    pub(crate) fn next<T: Stored>(&mut self, from: &mut Reader<'_>) -> Option<T> {
        let is_there = self.0 & 1 == 1;
        self.0 >>= 1;
        if is_there { T::get(from) } else { T::nothing() }
    }

    /// What was read, if it has no further fields.
    pub(crate) fn end<T>(self, read: T) -> Option<T> {
        (self.0 == 0).then_some(read)
    }
}

impl<'b> Reader<'b> {
    /// A reader at the start of a row.
    pub(crate) fn new(row: &'b Arc<[u8]>) -> Self {
        Self { row, bytes: row, last: Order::ZERO }
    }

    /// A reader of a part of a row, whose order keys count from `base`.
    pub(crate) fn within(row: &'b Arc<[u8]>, at: Range<usize>, base: Order) -> Option<Self> {
        Some(Self { row, bytes: row.get(at)?, last: base })
    }

    /// The row that is read.
    pub(crate) const fn row(&self) -> &'b Arc<[u8]> {
        self.row
    }

    /// Whether everything was read.
    pub(crate) const fn is_done(&self) -> bool {
        self.bytes.is_empty()
    }

    /// One byte.
    pub(crate) fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(*byte)
    }

    /// A number that is never negative.
    pub(crate) fn count(&mut self) -> Option<u64> {
        let mut n = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            n |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(n);
            }
        }
        None
    }

    /// Any number.
    pub(crate) fn number(&mut self) -> Option<i64> {
        let n = self.count()?;
        Some((n >> 1).cast_signed() ^ -(n & 1).cast_signed())
    }

    /// A number of values; none takes less than a byte, so a damaged one asks for no memory.
    pub(crate) fn length(&mut self) -> Option<usize> {
        usize::try_from(self.count()?).ok().filter(|count| *count <= self.bytes.len())
    }

    /// Where bytes behind their length lie in the row. Only for a reader of a whole row.
    pub(crate) fn span(&mut self) -> Option<Range<usize>> {
        let length = self.length()?;
        let start = self.row.len() - self.bytes.len();
        self.take(length)?;
        Some(start..start + length)
    }

    /// The fields of a struct.
    pub(crate) fn fields(&mut self) -> Option<Fields> {
        self.count().map(Fields)
    }

    /// A text that is a UUID; nothing is read where it is none.
    pub(crate) fn uuid(&mut self) -> Option<[u8; 16]> {
        let (uuid, rest) = self.bytes.strip_prefix(&[1])?.split_first_chunk()?;
        self.bytes = rest;
        Some(*uuid)
    }

    /// A text.
    pub(crate) fn text(&mut self) -> Option<Word> {
        if let Some(uuid) = self.uuid() {
            return Some(Cow::Owned(spelt(uuid, &mut [0; Hyphenated::LENGTH]).to_owned()));
        }
        let head = usize::try_from(self.count()?).ok()?;
        if head % 2 == 1 {
            return head.checked_sub(3).and_then(|n| WORDS.get(n / 2)).map(|word| Cow::Borrowed(*word));
        }
        std::str::from_utf8(self.take(head / 2)?).ok().map(|text| Cow::Owned(text.to_owned()))
    }

    /// A time near the last order key.
    pub(crate) fn moment(&mut self) -> Option<i64> {
        Some(self.last.activity().wrapping_add(self.number()?))
    }

    /// An order key.
    pub(crate) fn order(&mut self) -> Option<Order> {
        let there = self.byte()?;
        let mut part = |bit: u8| if there & bit == 0 { Some(0) } else { self.number() };
        let differences = [part(1)?, part(2)?, part(4)?, part(8)?];
        self.last = self.last.plus(differences);
        Some(self.last)
    }

    fn take(&mut self, n: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(n)?;
        self.bytes = rest;
        Some(taken)
    }
}
