//! Appends numbers, texts and order keys in the form of stored state.
//!
//! Place: handed from value to value while a state is written. Keeps the last order key: the next one says only how it
//! differs.

use super::id::uuid_of;
use super::{Stored, WORDS};
use crate::order::Order;

/// Where a state is written to.
#[derive(Debug)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
    last: Order,
}

impl Writer {
    /// A writer whose first byte is the version.
    pub(crate) fn new(version: u8) -> Self {
        let mut bytes = Vec::with_capacity(512);
        bytes.push(version);
        Self { bytes, last: Order::ZERO }
    }

    /// What was written.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// One byte.
    pub(crate) fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    /// A number that is never negative, as a varint.
    pub(crate) fn count(&mut self, mut n: u64) {
        while n > 0x7f {
            self.bytes.push(low(n) | 0x80);
            n >>= 7;
        }
        self.bytes.push(low(n));
    }

    /// Any number.
    pub(crate) fn number(&mut self, n: i64) {
        self.count(((n << 1) ^ (n >> 63)).cast_unsigned());
    }

    /// A length.
    pub(crate) fn length(&mut self, n: usize) {
        self.count(u64::try_from(n).unwrap_or(u64::MAX));
    }

    /// A text that is this UUID.
    pub(crate) fn uuid(&mut self, uuid: &[u8; 16]) {
        self.byte(1);
        self.bytes.extend_from_slice(uuid);
    }

    /// A text.
    pub(crate) fn text(&mut self, text: &str) {
        if let Some(uuid) = uuid_of(text) {
            self.uuid(uuid.as_bytes());
        } else if let Some(word) = WORDS.iter().position(|word| *word == text) {
            self.length(2 * word + 3);
        } else {
            self.length(2 * text.len());
            self.bytes.extend_from_slice(text.as_bytes());
        }
    }

    /// A time near the last order key.
    pub(crate) fn moment(&mut self, at: i64) {
        self.number(at.wrapping_sub(self.last.activity()));
    }

    /// An order key.
    pub(crate) fn order(&mut self, order: Order) {
        let differences = order.minus(self.last);
        self.last = order;
        let [a, b, c, d] = differences.map(|difference| u8::from(difference != 0));
        self.byte(a | b << 1 | c << 2 | d << 3);
        for difference in differences.into_iter().filter(|d| *d != 0) {
            self.number(difference);
        }
    }

    /// A struct by its fields, whose order is the form of the rows: new ones are only ever added at the end.
    pub(crate) fn fields(&mut self, fields: &[&dyn Stored]) {
        let there = |(n, field): (usize, &&dyn Stored)| u64::from(!field.is_nothing()) << n;
        let mask = fields.iter().enumerate().map(there).sum();
        self.count(mask);
        for field in fields.iter().zip(0..).filter(|(_, n)| mask >> n & 1 == 1).map(|(field, _)| field) {
            field.put(self);
        }
    }

    /// Bytes behind their length.
    pub(crate) fn span(&mut self, bytes: &[u8]) {
        self.length(bytes.len());
        self.bytes.extend_from_slice(bytes);
    }

    /// A value behind its length, its order keys counted from `base`.
    pub(crate) fn spanned(&mut self, base: Order, value: &impl Stored) {
        let last = std::mem::replace(&mut self.last, base);
        let start = self.bytes.len();
        value.put(self);
        let end = self.bytes.len();
        self.length(end - start);
        let length = self.bytes.len() - end;
        if let Some(written) = self.bytes.get_mut(start..) {
            written.rotate_right(length);
        }
        self.last = last;
    }
}

fn low(n: u64) -> u8 {
    u8::try_from(n & 0x7f).unwrap_or(0)
}
