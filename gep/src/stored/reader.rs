//! Reads numbers, texts and order keys in the form of stored state.
//!
//! Place: the mirror of the writer. Every read can fail: a row may be of a newer version, or damaged.

use uuid::Uuid;

use super::WORDS;
use crate::order::Order;

/// What is left of a state.
#[derive(Debug)]
pub(crate) struct Reader<'b> {
    bytes: &'b [u8],
    last: Order,
}

impl<'b> Reader<'b> {
    /// A reader at the start of a state.
    pub(crate) const fn new(bytes: &'b [u8]) -> Self {
        Self { bytes, last: Order::ZERO }
    }

    /// Whether everything was read.
    pub(crate) const fn is_done(&self) -> bool {
        self.bytes.is_empty()
    }

    /// How many bytes are left, which bounds how many values can follow.
    pub(crate) const fn left(&self) -> usize {
        self.bytes.len()
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

    /// A text.
    pub(crate) fn text(&mut self) -> Option<String> {
        let head = usize::try_from(self.count()?).ok()?;
        if head == 1 {
            let uuid = Uuid::from_slice(self.take(16)?).ok()?;
            let mut spelt = [0; uuid::fmt::Hyphenated::LENGTH];
            return Some((*uuid.hyphenated().encode_lower(&mut spelt)).to_owned());
        }
        if head % 2 == 1 {
            return WORDS.get((head - 3) / 2).map(|word| (*word).to_owned());
        }
        std::str::from_utf8(self.take(head / 2)?).ok().map(str::to_owned)
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
