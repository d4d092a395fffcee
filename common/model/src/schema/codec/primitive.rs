//! The primitive types of Avro, written into a `Vec` and read from a slice.
//!
//! Place: under `encode` and `decode`, which know the records. Nothing here panics on any bytes: every length is
//! checked against what is left, and every count against [`ITEMS_LIMIT`].

use std::borrow::Cow;

use uuid::Uuid;

use crate::ids::Text;

/// The most items of one array or map.
pub(super) const ITEMS_LIMIT: usize = 65_536;

/// What is wrong with the bytes.
pub(super) type Flaw = &'static str;

/// A value, or what is wrong with the bytes.
pub(super) type Read<T> = Result<T, Flaw>;

/// Writes primitives into a room of fixed size; what lies behind a lack of room is not written.
#[derive(Debug)]
pub(super) struct Out<'o> {
    left: &'o mut [u8],
    lacks: bool,
}

/// Appends what `write` says; where it finds no room it is asked again, with more.
pub(super) fn append(out: &mut Vec<u8>, mut room: usize, write: impl Fn(&mut Out<'_>)) {
    let start = out.len();
    loop {
        out.resize(start + room, 0);
        let mut to = Out { left: out.get_mut(start..).unwrap_or_default(), lacks: false };
        write(&mut to);
        if !to.lacks {
            let left = to.left.len();
            return out.truncate(start + room - left);
        }
        room *= 4;
    }
}

impl Out<'_> {
    /// One byte.
    #[inline(always)]
    pub(super) fn byte(&mut self, value: u8) {
        self.raw(&[value]);
    }

    /// Bytes as they are.
    #[inline(always)]
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        match std::mem::take(&mut self.left).split_at_mut_checked(bytes.len()) {
            Some((front, rest)) => {
                front.copy_from_slice(bytes);
                self.left = rest;
            }
            None => self.lacks = true,
        }
    }

    /// Zigzag varint.
    #[inline(always)]
    pub(super) fn long(&mut self, value: i64) {
        let mut rest = ((value << 1) ^ (value >> 63)).cast_unsigned();
        while rest >= 0x80 {
            self.byte(low_byte(rest) | 0x80);
            rest >>= 7;
        }
        self.byte(low_byte(rest));
    }

    /// Zigzag varint of 32 bits.
    #[inline(always)]
    pub(super) fn int(&mut self, value: i32) {
        self.long(i64::from(value));
    }

    /// An unsigned coordinate as int.
    #[inline(always)]
    pub(super) fn coordinate(&mut self, value: u32) {
        self.long(i64::from(i32::try_from(value).unwrap_or(i32::MAX)));
    }

    /// One byte.
    #[inline(always)]
    pub(super) fn boolean(&mut self, value: bool) {
        self.byte(u8::from(value));
    }

    /// Length and bytes.
    #[inline(always)]
    pub(super) fn bytes(&mut self, value: &[u8]) {
        self.count(value.len());
        self.raw(value);
    }

    /// Length and UTF-8.
    #[inline(always)]
    pub(super) fn text(&mut self, value: &str) {
        self.bytes(value.as_bytes());
    }

    /// A hyphenated UUID as text.
    #[inline(always)]
    pub(super) fn uuid(&mut self, value: Uuid) {
        let mut buffer = Uuid::encode_buffer();
        self.text(value.hyphenated().encode_lower(&mut buffer));
    }

    /// A decimal's unscaled value: the fewest bytes of two's complement, big-endian.
    #[inline(always)]
    pub(super) fn decimal(&mut self, unscaled: i64) {
        let bytes = unscaled.to_be_bytes();
        let sign = if unscaled < 0 { unscaled.leading_ones() } else { unscaled.leading_zeros() };
        let spare = usize::try_from(sign.saturating_sub(1) / 8).unwrap_or(0);
        self.bytes(bytes.get(spare..).unwrap_or(&bytes));
    }

    /// An index, length or count.
    #[inline(always)]
    pub(super) fn count(&mut self, value: usize) {
        self.long(i64::try_from(value).unwrap_or(i64::MAX));
    }

    /// Whether a nullable value follows.
    #[inline(always)]
    pub(super) fn branch(&mut self, present: bool) {
        self.byte(if present { 2 } else { 0 });
    }

    /// A nullable text.
    #[inline(always)]
    pub(super) fn maybe_text(&mut self, value: Option<&Text<'_>>) {
        self.branch(value.is_some());
        if let Some(text) = value {
            self.text(text);
        }
    }

    /// A nullable long.
    #[inline(always)]
    pub(super) fn maybe_long(&mut self, value: Option<i64>) {
        self.branch(value.is_some());
        if let Some(number) = value {
            self.long(number);
        }
    }

    /// A nullable int.
    #[inline(always)]
    pub(super) fn maybe_int(&mut self, value: Option<i32>) {
        self.maybe_long(value.map(i64::from));
    }

    /// A nullable decimal.
    pub(super) fn maybe_decimal(&mut self, unscaled: Option<i64>) {
        self.branch(unscaled.is_some());
        if let Some(number) = unscaled {
            self.decimal(number);
        }
    }

    /// An array: one block of all items, and the end.
    pub(super) fn array<T>(&mut self, items: &[T], mut write: impl FnMut(&mut Self, &T)) {
        if !items.is_empty() {
            self.count(items.len());
            for item in items {
                write(self, item);
            }
        }
        self.byte(0);
    }
}

fn low_byte(value: u64) -> u8 {
    let [byte, ..] = value.to_le_bytes();
    byte & 0x7f
}

/// A varint of more than one byte, and what lies behind it.
fn longer(bytes: &[u8]) -> Read<(i64, &[u8])> {
    let (mut rest, mut value, mut shift) = (bytes, 0_u64, 0_u32);
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        if shift == 63 && byte > 1 {
            return Err("a number is longer than 64 bits");
        }
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok((unzigzag(value), rest));
        }
        shift += 7;
    }
    Err("the bytes end inside a value")
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -((value & 1).cast_signed())
}

/// Reads primitives; what is left lies in the slice. Inlined without asking: a call costs more than most reads.
#[derive(Debug, Clone, Copy)]
pub(super) struct In<'r>(pub(super) &'r [u8]);

impl<'r> In<'r> {
    /// One byte.
    #[inline(always)]
    pub(super) fn byte(&mut self) -> Read<u8> {
        let (first, rest) = self.0.split_first().ok_or("the bytes end inside a value")?;
        self.0 = rest;
        Ok(*first)
    }

    /// Zigzag varint.
    #[inline(always)]
    pub(super) fn long(&mut self) -> Read<i64> {
        if let Some((first @ ..0x80, rest)) = self.0.split_first() {
            self.0 = rest;
            return Ok(unzigzag(u64::from(*first)));
        }
        let (value, rest) = longer(self.0)?;
        self.0 = rest;
        Ok(value)
    }

    /// Passes over a number of any length.
    #[inline(always)]
    pub(super) fn pass_number(&mut self) -> Read<()> {
        loop {
            if self.byte()? < 0x80 {
                return Ok(());
            }
        }
    }

    /// Zigzag varint of 32 bits.
    #[inline(always)]
    pub(super) fn int(&mut self) -> Read<i32> {
        i32::try_from(self.long()?).map_err(|_| "a number is longer than 32 bits")
    }

    /// An unsigned coordinate.
    #[inline(always)]
    pub(super) fn coordinate(&mut self) -> Read<u32> {
        u32::try_from(self.int()?).map_err(|_| "a partition is negative")
    }

    /// One byte, 0 or 1.
    #[inline(always)]
    pub(super) fn boolean(&mut self) -> Read<bool> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            2.. => Err("a boolean is neither 0 nor 1"),
        }
    }

    /// `n` bytes as they are.
    #[inline(always)]
    pub(super) fn fixed(&mut self, n: usize) -> Read<&'r [u8]> {
        let (head, rest) = self.0.split_at_checked(n).ok_or("a length exceeds the bytes left")?;
        self.0 = rest;
        Ok(head)
    }

    /// Length and bytes.
    #[inline(always)]
    pub(super) fn bytes(&mut self) -> Read<&'r [u8]> {
        let length = usize::try_from(self.long()?).map_err(|_| "a length is negative")?;
        self.fixed(length)
    }

    /// Length and UTF-8, borrowed.
    #[inline(always)]
    pub(super) fn text(&mut self) -> Read<Text<'r>> {
        self.word().map(Cow::Borrowed)
    }

    /// Length and UTF-8, as a plain slice.
    #[inline(always)]
    pub(super) fn word(&mut self) -> Read<&'r str> {
        std::str::from_utf8(self.bytes()?).map_err(|_| "a text is no UTF-8")
    }

    /// A hyphenated UUID.
    #[inline(always)]
    pub(super) fn uuid(&mut self) -> Read<Uuid> {
        let text = self.bytes()?;
        if text.len() != 36 {
            return Err("a UUID is not hyphenated");
        }
        Uuid::try_parse_ascii(text).map_err(|_| "a UUID cannot be read")
    }

    /// A decimal's unscaled value.
    #[inline(always)]
    pub(super) fn decimal(&mut self) -> Read<i64> {
        let bytes = self.bytes()?;
        let (first, rest) = bytes.split_first().ok_or("a decimal has no bytes")?;
        if rest.len() > 7 {
            return Err("a decimal is longer than 64 bits");
        }
        let top = i64::from(first.cast_signed());
        Ok(rest.iter().fold(top, |value, byte| (value << 8) | i64::from(*byte)))
    }

    /// One of a closed list, by its index.
    #[inline(always)]
    pub(super) fn choice<T: Copy>(&mut self, all: &[T]) -> Read<T> {
        let index = usize::try_from(self.long()?).map_err(|_| "an enum index is negative")?;
        all.get(index).copied().ok_or("an enum index is out of range")
    }

    /// A nullable value.
    #[inline(always)]
    pub(super) fn maybe<T>(&mut self, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<Option<T>> {
        if self.branch()? { read(self).map(Some) } else { Ok(None) }
    }

    /// Whether a nullable value follows.
    #[inline(always)]
    fn branch(&mut self) -> Read<bool> {
        let (present, rest) = match self.0 {
            [0, rest @ ..] => (false, rest),
            [2, rest @ ..] => (true, rest),
            [] => return Err("the bytes end inside a value"),
            _ => return Err("a union branch is out of range"),
        };
        self.0 = rest;
        Ok(present)
    }

    /// A nullable text.
    #[inline(always)]
    pub(super) fn maybe_text(&mut self) -> Read<Option<Text<'r>>> {
        if self.branch()? { self.text().map(Some) } else { Ok(None) }
    }

    /// A nullable int.
    #[inline(always)]
    pub(super) fn maybe_int(&mut self) -> Read<Option<i32>> {
        if self.branch()? { self.int().map(Some) } else { Ok(None) }
    }

    /// Passes over nullable bytes.
    #[inline(always)]
    pub(super) fn pass_maybe_bytes(&mut self) -> Read<()> {
        if self.branch()? { self.bytes().map(drop) } else { Ok(()) }
    }

    /// An array or map; blocks with their size in bytes are read too.
    pub(super) fn array<T>(&mut self, mut read: impl FnMut(&mut Self) -> Read<T>) -> Read<Vec<T>> {
        let mut items = Vec::new();
        loop {
            let count = self.long()?;
            if count == 0 {
                return Ok(items);
            }
            if count < 0 {
                self.long()?;
            }
            let count = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
            if count.saturating_add(items.len()) > ITEMS_LIMIT || count > self.0.len() {
                return Err("an array is too long");
            }
            if items.is_empty() {
                items = Vec::with_capacity(count.min(16));
            }
            for _ in 0..count {
                items.push(read(self)?);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_take_the_fewest_bytes() {
        let cases: [(i64, &[u8]); 7] = [
            (0, &[0]),
            (127, &[0x7f]),
            (128, &[0, 0x80]),
            (-128, &[0x80]),
            (-129, &[0xff, 0x7f]),
            (5_000, &[0x13, 0x88]),
            (i64::MIN, &[0x80, 0, 0, 0, 0, 0, 0, 0]),
        ];
        for (value, bytes) in cases {
            let mut out = Vec::new();
            append(&mut out, 16, |o| o.decimal(value));
            assert_eq!(out.get(1..), Some(bytes), "{value}");
            assert_eq!(In(&out).decimal(), Ok(value));
        }
    }

    #[test]
    fn what_finds_no_room_is_written_with_more() {
        for length in 0..40 {
            let mut out = vec![7];
            append(&mut out, 4, |o| {
                o.text(&"x".repeat(length));
                o.byte(9);
            });
            let expected: Vec<u8> = [7, length as u8 * 2].into_iter().chain(vec![b'x'; length]).chain([9]).collect();
            assert_eq!(out, expected);
        }
    }

    #[test]
    fn longs_of_all_sizes_come_back() {
        for value in [0, -1, 1, 63, -64, 64, i64::from(i32::MAX), i64::MAX, i64::MIN] {
            let mut out = Vec::new();
            append(&mut out, 4, |o| o.long(value));
            assert_eq!(In(&out).long(), Ok(value));
        }
        assert!(In(&[0xff; 11]).long().is_err());
        assert!(In(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02]).long().is_err());
    }
}
