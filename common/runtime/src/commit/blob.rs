//! The bytes of an outbox blob: the finished records of one source partition and one batch, for any destinations.
//!
//! Place: written by a store's commit, read at take-over. The frame (version, codec, checksum) is that of a log chunk;
//! inside come the destinations, then the records: number of the destination, time, key and value. Knows no SQL.

use da_model::ids::{Partition, TopicPartition};
use da_model::time::Timestamp;
use da_model::topics;

use super::Outbox;
use crate::io::segment::{Packer, put_block, put_varint, take_block, take_varint, unpacked, unzigzag, zigzag};

/// The blob of a partition's records; empty where there are none.
#[must_use]
pub fn blob_of(packer: &mut Packer, out: &Outbox) -> Vec<u8> {
    if out.is_empty() {
        return Vec::new();
    }
    let mut places: Vec<TopicPartition> = out.records().map(|o| o.to).collect();
    places.sort_unstable();
    places.dedup();
    let mut plain = Vec::with_capacity(out.bytes() + out.len() * 12 + places.len() * 32);
    put_varint(&mut plain, places.len() as u64);
    for place in &places {
        put_block(&mut plain, Some(place.topic.0.as_bytes()));
        put_varint(&mut plain, u64::from(place.partition.0));
    }
    for record in out.records() {
        let place = places.binary_search(&record.to).unwrap_or(places.len());
        put_varint(&mut plain, place as u64);
        put_varint(&mut plain, zigzag(record.timestamp.0));
        put_block(&mut plain, record.key);
        put_block(&mut plain, Some(record.value));
    }
    packer.frame(out.len(), &plain)
}

/// Reads a blob back; `from` is the partition it belongs to.
///
/// # Errors
/// What is wrong with the bytes, in words.
pub fn outbox_of(from: TopicPartition, blob: &[u8]) -> Result<Outbox, String> {
    let mut out = Outbox::default();
    if blob.is_empty() {
        return Ok(out);
    }
    let (count, plain) = unpacked(blob)?;
    let mut at = 0;
    let places = places_of(&plain, &mut at)?;
    for _ in 0..count {
        record(&plain, &mut at, (from, &places), &mut out).ok_or("a record is cut")?;
    }
    if at == plain.len() { Ok(out) } else { Err("bytes behind the last record".to_owned()) }
}

fn places_of(plain: &[u8], at: &mut usize) -> Result<Vec<TopicPartition>, String> {
    let cut = || "a destination is cut".to_owned();
    let count = take_varint(plain, at).ok_or_else(cut)?;
    let mut places = Vec::new();
    for _ in 0..count {
        let name = take_block(plain, at).flatten().and_then(|range| plain.get(range)).ok_or_else(cut)?;
        let partition = take_varint(plain, at).and_then(|n| u32::try_from(n).ok()).ok_or_else(cut)?;
        let name = String::from_utf8_lossy(name);
        let topic = topics::named(&name).ok_or_else(|| format!("{name} is no topic of this program"))?;
        places.push(TopicPartition { topic, partition: Partition(partition) });
    }
    Ok(places)
}

fn record(
    plain: &[u8],
    at: &mut usize,
    (from, places): (TopicPartition, &[TopicPartition]),
    out: &mut Outbox,
) -> Option<()> {
    let to = usize::try_from(take_varint(plain, at)?).ok().and_then(|n| places.get(n))?;
    let time = Timestamp(unzigzag(take_varint(plain, at)?));
    let key = match take_block(plain, at)? {
        Some(range) => Some(plain.get(range)?),
        None => None,
    };
    let value = take_block(plain, at)?.and_then(|range| plain.get(range))?;
    out.push((from, *to), (time, key), |arena| arena.extend_from_slice(value));
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use da_model::ids::TopicName;

    fn place(topic: &'static str, partition: u32) -> TopicPartition {
        TopicPartition { topic: TopicName(topic), partition: Partition(partition) }
    }

    fn three() -> Outbox {
        let from = place("gep.accepted", 3);
        let mut out = Outbox::default();
        out.push((from, place("gep.usage", 3)), (Timestamp(1_772_442_000_000), Some(b"k")), |a| a.extend([7; 900]));
        out.push((from, place("gep.dead", 3)), (Timestamp(-1), None), |a| a.extend(b"dead"));
        out.push((from, place("gep.usage", 11)), (Timestamp(0), Some(b"")), |_| {});
        out
    }

    #[test]
    fn a_blob_gives_back_its_records_in_their_order() {
        let blob = blob_of(&mut Packer::default(), &three());
        assert!(blob.len() < 200, "900 equal bytes are compressed, {}", blob.len());
        let read = outbox_of(place("gep.accepted", 3), &blob).unwrap();
        assert!(read.records().eq(three().records()));
        assert_eq!(blob_of(&mut Packer::default(), &Outbox::default()), b"");
        assert!(outbox_of(place("gep.accepted", 3), b"").unwrap().is_empty());
    }

    #[test]
    fn any_damage_is_noticed() {
        let good = blob_of(&mut Packer::default(), &three());
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x20;
            assert!(outbox_of(place("gep.accepted", 3), &bad).is_err(), "byte {at}");
            let cut = outbox_of(place("gep.accepted", 3), &good[..at]);
            assert!(at == 0 || cut.is_err(), "cut at {at}");
        }
    }

    #[test]
    fn an_unknown_destination_is_named() {
        let mut plain = Vec::new();
        put_varint(&mut plain, 1);
        put_block(&mut plain, Some(b"dep.nowhere"));
        put_varint(&mut plain, 0);
        let told = outbox_of(place("gep.accepted", 0), &Packer::default().frame(0, &plain)).err();
        assert_eq!(told.as_deref(), Some("dep.nowhere is no topic of this program"));
    }
}
