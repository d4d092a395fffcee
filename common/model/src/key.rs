//! Partition keys of each kind of record, and key → partition.
//!
//! Place: used by the intake, the Driver and every transport alike (delivery.md §5: murmur2 on every transport).

use crate::ids::{Partition, SEPARATOR};

/// tenant + learner.
#[must_use]
pub fn learner_key(tenant: &str, learner: &str) -> String {
    joined(&[tenant, learner])
}

/// tenant + class.
#[must_use]
pub fn class_key(tenant: &str, class: &str) -> String {
    joined(&[tenant, class])
}

/// Parts joined by U+001F.
#[must_use]
pub fn joined(parts: &[&str]) -> String {
    let mut key = String::with_capacity(parts.iter().map(|p| p.len() + 1).sum());
    for (n, part) in parts.iter().enumerate() {
        if n > 0 {
            key.push(SEPARATOR);
        }
        key.push_str(part);
    }
    key
}

/// (murmur2(key) & 0x7fffffff) mod n, as Kafka's Java client does it; partition 0 for n = 0.
#[must_use]
pub fn partition_of(key: &[u8], partitions: u32) -> Partition {
    Partition((murmur2(key) & 0x7fff_ffff).checked_rem(partitions).unwrap_or(0))
}

fn murmur2(data: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
    let mut hash = 0x9747_b28c_u32 ^ length;
    let mut chunks = data.chunks_exact(4);
    for chunk in &mut chunks {
        let word = chunk.iter().rev().fold(0_u32, |word, byte| (word << 8) | u32::from(*byte));
        let word = word.wrapping_mul(M);
        let word = (word ^ (word >> 24)).wrapping_mul(M);
        hash = hash.wrapping_mul(M) ^ word;
    }
    let tail = chunks.remainder();
    if !tail.is_empty() {
        hash ^= tail.iter().rev().fold(0_u32, |word, byte| (word << 8) | u32::from(*byte));
        hash = hash.wrapping_mul(M);
    }
    hash = (hash ^ (hash >> 13)).wrapping_mul(M);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn murmur2_agrees_with_the_vectors_of_the_java_client() {
        // org.apache.kafka.common.utils.UtilsTest
        let vectors: [(&str, i32); 6] = [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ];
        for (text, hash) in vectors {
            assert_eq!(murmur2(text.as_bytes()).cast_signed(), hash, "{text}");
        }
        assert_eq!(partition_of(b"anything", 1), Partition(0));
    }
}
