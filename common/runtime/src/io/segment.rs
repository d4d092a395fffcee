//! Records of one topic partition in one buffer, and the bytes of a log chunk.
//!
//! Place: what later stages read from memory and what a chunk on disk holds are the same bytes, so writing a chunk is
//! a copy. Knows no SQL. Chunk: version 1, codec (0 plain, 1 zstd), then big-endian u32 count, plain length and CRC-32
//! of the plain bytes, then the records: varints for time, key and value length (0 = absent, else length + 1), headers.

use std::ops::Range;
use std::sync::Arc;

use da_model::ids::{Offset, TopicPartition};
use da_model::record::Record;
use da_model::time::Timestamp;
use zstd::bulk::Compressor;

const VERSION: u8 = 1;
const HEAD: usize = 14;
const WORTH_COMPRESSING: usize = 512;
const LEVEL: i32 = 1;
const LONGEST: usize = 1 << 28;
/// Bytes a packer keeps between two chunks.
const ROOM: usize = 1 << 20;

/// Records in offset order; their offsets follow each other unless [`Segment::push_at`] left holes.
#[derive(Debug, Default)]
pub struct Segment {
    base: Offset,
    bytes: Vec<u8>,
    entries: Vec<Entry>,
}

#[derive(Debug, Clone)]
struct Entry {
    /// Offset above the base.
    ahead: u32,
    at: Timestamp,
    key: Option<Range<usize>>,
    value: Option<Range<usize>>,
}

impl Segment {
    /// An empty segment whose first record will have offset `base`.
    #[must_use]
    pub fn new(base: Offset) -> Self {
        Self { base, ..Self::default() }
    }

    /// Adds the next record.
    pub fn push(&mut self, at: Timestamp, key: Option<&[u8]>, value: Option<&[u8]>) {
        self.push_at(self.end(), at, (key, value));
    }

    /// Adds a record at an offset of its own, above all others: Kafka's offsets have holes, where transactions end.
    pub fn push_at(&mut self, offset: Offset, at: Timestamp, (key, value): (Option<&[u8]>, Option<&[u8]>)) {
        let ahead = u32::try_from(offset.0 - self.base.0).unwrap_or(u32::MAX);
        put_varint(&mut self.bytes, zigzag(at.0));
        let key = put_block(&mut self.bytes, key);
        let value = put_block(&mut self.bytes, value);
        put_varint(&mut self.bytes, 0);
        self.entries.push(Entry { ahead, at, key, value });
    }

    /// Offset of the first record.
    #[must_use]
    pub const fn base(&self) -> Offset {
        self.base
    }

    /// The offset behind the last record.
    #[must_use]
    pub fn end(&self) -> Offset {
        Offset(self.entries.last().map_or(self.base.0, |e| self.base.0 + i64::from(e.ahead) + 1))
    }

    /// How many records it holds.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// About how many bytes it takes in memory.
    #[must_use]
    pub const fn weight(&self) -> usize {
        self.bytes.len() + self.entries.len() * size_of::<Entry>()
    }

    /// Bytes of the key and value at an index.
    #[must_use]
    pub fn size(&self, index: usize) -> usize {
        let of = |block: &Option<Range<usize>>| block.as_ref().map_or(0, Range::len);
        self.entries.get(index).map_or(0, |entry| of(&entry.key) + of(&entry.value))
    }

    /// The record at an index.
    #[must_use]
    pub fn record(&self, at: TopicPartition, index: usize) -> Option<Record<'_>> {
        let entry = self.entries.get(index)?;
        Some(Record {
            topic: at.topic,
            partition: at.partition,
            offset: Offset(self.base.0 + i64::from(entry.ahead)),
            timestamp: entry.at,
            key: entry.key.clone().and_then(|range| self.bytes.get(range)),
            value: entry.value.clone().and_then(|range| self.bytes.get(range)),
            only: None,
        })
    }

    /// How many records lie before an offset.
    #[must_use]
    pub fn before(&self, offset: Offset) -> usize {
        self.entries.partition_point(|e| self.base.0 + i64::from(e.ahead) < offset.0)
    }

    /// Time of the last record.
    #[must_use]
    pub fn last_at(&self) -> Timestamp {
        self.entries.last().map_or(Timestamp(0), |e| e.at)
    }
}

/// The bytes of a chunk made of segments that follow each other.
#[must_use]
pub fn chunk_of(segments: &[Arc<Segment>]) -> Vec<u8> {
    Packer::default().chunk_of(segments)
}

/// Makes chunks, with the rooms that takes kept from one to the next.
#[derive(Default)]
pub struct Packer {
    compressor: Option<Compressor<'static>>,
    plain: Vec<u8>,
}

impl std::fmt::Debug for Packer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Packer").finish_non_exhaustive()
    }
}

impl Packer {
    /// The bytes of a chunk made of segments that follow each other.
    #[must_use]
    pub fn chunk_of(&mut self, segments: &[Arc<Segment>]) -> Vec<u8> {
        self.plain.clear();
        self.plain.shrink_to(ROOM);
        for segment in segments {
            self.plain.extend_from_slice(&segment.bytes);
        }
        let plain = std::mem::take(&mut self.plain);
        let chunk = self.frame(segments.iter().map(|s| s.entries.len()).sum(), &plain);
        self.plain = plain;
        chunk
    }

    /// The frame around records: version, codec, count, length and checksum before the bytes, compressed where it pays.
    pub(crate) fn frame(&mut self, count: usize, plain: &[u8]) -> Vec<u8> {
        if self.compressor.is_none() {
            self.compressor = Compressor::new(LEVEL).ok();
        }
        let worth = self.compressor.as_mut().filter(|_| plain.len() >= WORTH_COMPRESSING);
        let packed = worth.and_then(|compressor| compressor.compress(plain).ok());
        let (codec, body) = match &packed {
            Some(packed) if packed.len() < plain.len() => (1, packed.as_slice()),
            Some(_) | None => (0, plain),
        };
        let mut chunk = Vec::with_capacity(HEAD + body.len());
        chunk.extend_from_slice(&[VERSION, codec]);
        for number in [count, plain.len()] {
            chunk.extend_from_slice(&u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes());
        }
        chunk.extend_from_slice(&crc32fast::hash(plain).to_be_bytes());
        chunk.extend_from_slice(body);
        chunk
    }
}

/// Reads a chunk back.
///
/// # Errors
/// What is wrong with the bytes, in words.
pub fn segment_of(base: Offset, chunk: &[u8]) -> Result<Segment, String> {
    let (count, bytes) = unpacked(chunk)?;
    let entries = entries_of(&bytes, count).ok_or("a record is cut")?;
    Ok(Segment { base, bytes, entries })
}

/// Reads [`Packer::frame`] back: the count and the plain bytes.
pub(crate) fn unpacked(chunk: &[u8]) -> Result<(u32, Vec<u8>), String> {
    let (head, body) = chunk.split_at_checked(HEAD).ok_or("shorter than its head")?;
    let [version, codec, c0, c1, c2, c3, l0, l1, l2, l3, s0, s1, s2, s3] = *head else {
        return Err("shorter than its head".to_owned());
    };
    if version != VERSION {
        return Err(format!("format version {version}; this program knows {VERSION}"));
    }
    let length = usize::try_from(u32::from_be_bytes([l0, l1, l2, l3])).unwrap_or(usize::MAX);
    if length > LONGEST {
        return Err(format!("{length} bytes are more than a chunk holds"));
    }
    let bytes = match codec {
        0 => body.to_vec(),
        1 => zstd::bulk::decompress(body, length).map_err(|e| format!("zstd: {e}"))?,
        other => return Err(format!("codec {other}")),
    };
    if bytes.len() != length || crc32fast::hash(&bytes) != u32::from_be_bytes([s0, s1, s2, s3]) {
        return Err("the checksum does not agree".to_owned());
    }
    Ok((u32::from_be_bytes([c0, c1, c2, c3]), bytes))
}

fn entries_of(bytes: &[u8], count: u32) -> Option<Vec<Entry>> {
    let mut at = 0;
    let mut entries = Vec::new();
    for ahead in 0..count {
        let time = Timestamp(unzigzag(take_varint(bytes, &mut at)?));
        let key = take_block(bytes, &mut at)?;
        let value = take_block(bytes, &mut at)?;
        for _ in 0..take_varint(bytes, &mut at)? {
            take_block(bytes, &mut at)?;
            take_block(bytes, &mut at)?;
        }
        entries.push(Entry { ahead, at: time, key, value });
    }
    (at == bytes.len()).then_some(entries)
}

pub(crate) fn put_block(out: &mut Vec<u8>, block: Option<&[u8]>) -> Option<Range<usize>> {
    let Some(block) = block else {
        put_varint(out, 0);
        return None;
    };
    put_varint(out, u64::try_from(block.len()).unwrap_or(u64::MAX).saturating_add(1));
    let start = out.len();
    out.extend_from_slice(block);
    Some(start..out.len())
}

pub(crate) fn take_block(bytes: &[u8], at: &mut usize) -> Option<Option<Range<usize>>> {
    let length = take_varint(bytes, at)?;
    let Some(length) = length.checked_sub(1) else {
        return Some(None);
    };
    let end = at.checked_add(usize::try_from(length).ok()?)?;
    let range = *at..end;
    bytes.get(range.clone())?;
    *at = end;
    Some(Some(range))
}

pub(crate) fn put_varint(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push((n & 0x7f) as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

pub(crate) fn take_varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut n = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        n |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(n);
        }
    }
    None
}

pub(crate) const fn zigzag(n: i64) -> u64 {
    ((n << 1) ^ (n >> 63)).cast_unsigned()
}

pub(crate) const fn unzigzag(n: u64) -> i64 {
    (n >> 1).cast_signed() ^ -((n & 1).cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;
    use da_model::ids::{Partition, TopicName};

    const AT: TopicPartition = TopicPartition { topic: TopicName("t"), partition: Partition(1) };

    fn two() -> Vec<Arc<Segment>> {
        let mut first = Segment::new(Offset(7));
        first.push(Timestamp(-5), Some(b"k"), Some(b"v"));
        first.push(Timestamp(1_772_442_000_000), None, Some(&[9; 5_000]));
        let mut second = Segment::new(first.end());
        second.push(Timestamp(3), Some(b""), None);
        vec![Arc::new(first), Arc::new(second)]
    }

    #[test]
    fn a_chunk_gives_back_its_records() {
        let chunk = chunk_of(&two());
        assert!(chunk.len() < 300, "5,000 equal bytes are compressed, {}", chunk.len());
        let segment = segment_of(Offset(7), &chunk).unwrap();
        assert_eq!((segment.len(), segment.end()), (3, Offset(10)));
        let records: Vec<_> = (0..3).filter_map(|n| segment.record(AT, n)).collect();
        assert_eq!(records[0].key, Some(&b"k"[..]));
        assert_eq!((records[0].timestamp, records[0].offset), (Timestamp(-5), Offset(7)));
        assert_eq!((records[1].key, records[1].value.map(<[u8]>::len)), (None, Some(5_000)));
        assert_eq!((records[2].key, records[2].value), (Some(&b""[..]), None));
        assert_eq!(segment.last_at(), Timestamp(3));
    }

    #[test]
    fn any_damage_is_noticed() {
        let good = chunk_of(&two());
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x20;
            let read = segment_of(Offset(7), &bad);
            // A byte of the count can only claim more or fewer records than the bytes hold.
            assert!(read.is_err(), "byte {at}");
            assert!(segment_of(Offset(7), &good[..at]).is_err(), "cut at {at}");
        }
    }
}
