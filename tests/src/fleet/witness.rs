//! A reader of every topic that consumes while things fail: what it saw must be what a reader sees that comes afterwards.
//!
//! Place: beside a fleet during a drill (I7 and I9 of delivery.md §12). Keeps sums over stretches of offsets instead of
//! records, so that millions of events fit. Knows no event.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use da_model::topics;
use da_runtime::io::kafka::client::KafkaSettings;
use da_runtime::io::kafka::reader::KafkaReader;
use da_runtime::worker::Beside;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use sha2::{Digest, Sha256};

use crate::process::{Deadline, deadline};

/// Offsets that share a sum.
const STRETCH: i64 = 1_000;
/// How many records a reader that comes afterwards takes at once.
const CHUNK: usize = 4_096;
/// How long the witness may take to come to the end, s.
const PATIENCE: u64 = 120;

/// Topic without prefix, and partition.
type Place = (&'static str, u32);

/// What a reader saw.
#[derive(Debug, Default)]
struct Seen {
    /// Number and sum of the records of a stretch.
    sums: BTreeMap<(Place, i64), (u64, u64)>,
    /// The last offset of each partition.
    last: BTreeMap<Place, i64>,
}

/// A reader at work.
pub struct Witness {
    kafka: KafkaSettings,
    goal: Arc<OnceLock<BTreeMap<Place, i64>>>,
    reading: Beside<anyhow::Result<Seen>>,
}

impl Witness {
    /// Begins to read every topic of the brokers at an address, from its first record on.
    ///
    /// # Errors
    /// When the brokers do not answer.
    pub fn start(bootstrap: &str) -> anyhow::Result<Self> {
        let kafka = KafkaSettings::new(bootstrap.to_owned());
        let partitions = KafkaReader::open(&kafka)?;
        let mut list = TopicPartitionList::new();
        for topic in topics::all() {
            for partition in 0..partitions.partitions(&topic.name) {
                let name = topics::full_name(topics::named(&topic.name).context("a topic has a name")?);
                list.add_partition_offset(&name, i32::try_from(partition)?, Offset::Offset(0))?;
            }
        }
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", bootstrap)
            .set("group.id", "drill-witness")
            .set("enable.auto.commit", "false")
            .set("isolation.level", "read_committed")
            .set("auto.offset.reset", "error")
            .set("queued.max.messages.kbytes", "16384")
            // It is in no hurry, and must not take the processors away from what it watches.
            .set("fetch.min.bytes", "1000000")
            .set("fetch.wait.max.ms", "500")
            .create()?;
        consumer.assign(&list)?;
        let goal = Arc::new(OnceLock::new());
        let theirs = Arc::clone(&goal);
        let reading = Beside::start("witness", move || watch(&consumer, &theirs))?;
        Ok(Self { kafka, goal, reading })
    }

    /// Waits until it has read everything, and compares with what a reader sees now; the number of records.
    ///
    /// # Errors
    /// Where they differ, or the witness saw a partition go backwards or end early.
    pub fn agrees(self) -> anyhow::Result<u64> {
        let afterwards = read_all(&self.kafka)?;
        self.goal.set(afterwards.last.clone()).map_err(|_| anyhow::anyhow!("there is one end"))?;
        let meanwhile = self.reading.join()??;
        if let Some(difference) = difference(&meanwhile, &afterwards) {
            bail!("a reader during the faults saw other records than one afterwards: {difference}");
        }
        Ok(afterwards.sums.values().map(|(count, _)| count).sum())
    }
}

impl Seen {
    fn saw(&mut self, place: Place, offset: i64, value: &[u8]) -> anyhow::Result<()> {
        let last = self.last.insert(place, offset);
        ensure!(last.is_none_or(|last| last < offset), "{place:?} went back from offset {last:?} to {offset}");
        let (count, sum) = self.sums.entry((place, offset / STRETCH)).or_default();
        *count += 1;
        *sum = sum.wrapping_add(digest(offset, value));
        Ok(())
    }
}

fn digest(offset: i64, value: &[u8]) -> u64 {
    let hash = Sha256::new().chain_update(offset.to_be_bytes()).chain_update(value).finalize();
    hash.iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

/// The first stretch in which they differ.
fn difference(meanwhile: &Seen, afterwards: &Seen) -> Option<String> {
    let stretches = meanwhile.sums.keys().chain(afterwards.sums.keys());
    let differs = |stretch: &&(Place, i64)| meanwhile.sums.get(*stretch) != afterwards.sums.get(*stretch);
    let stretch = stretches.filter(differs).min()?;
    let ((topic, partition), number) = stretch;
    let count = |seen: &Seen| seen.sums.get(stretch).map_or(0, |(count, _)| *count);
    let (from, then, now) = (number * STRETCH, count(meanwhile), count(afterwards));
    Some(format!("{topic}/{partition} from offset {from} on: {then} records then, {now} now"))
}

fn watch(consumer: &BaseConsumer, goal: &Arc<OnceLock<BTreeMap<Place, i64>>>) -> anyhow::Result<Seen> {
    let (mut seen, mut until): (Seen, Option<Deadline>) = (Seen::default(), None);
    loop {
        match consumer.poll(Duration::from_millis(200)) {
            Some(Ok(record)) => {
                take(&mut seen, &record)?;
                continue;
            }
            Some(Err(KafkaError::MessageConsumption(
                code @ (RDKafkaErrorCode::OffsetOutOfRange | RDKafkaErrorCode::AutoOffsetReset),
            ))) => bail!("a reader during the faults lost its place: {code}"),
            // Brokers that are away come back, and the client with them.
            Some(Err(_)) | None => {}
        }
        ensure!(Arc::strong_count(goal) > 1, "nobody asks what was seen");
        let Some(goal) = goal.get() else { continue };
        let open = goal.iter().find(|(place, last)| seen.last.get(*place) < Some(last));
        let Some((place, last)) = open else { return Ok(seen) };
        ensure!(
            !until.get_or_insert_with(|| deadline(PATIENCE)).passed(),
            "a reader during the faults stands at {:?} of {place:?}, whose last record is {last}",
            seen.last.get(place)
        );
    }
}

fn take(seen: &mut Seen, record: &BorrowedMessage<'_>) -> anyhow::Result<()> {
    let short = record.topic().strip_prefix(topics::PREFIX).context("a topic of ours")?;
    let topic = topics::named(short).context("a topic of ours")?;
    let place = (topic.0, u32::try_from(record.partition())?);
    seen.saw(place, record.offset(), record.payload().unwrap_or_default())
}

fn read_all(kafka: &KafkaSettings) -> anyhow::Result<Seen> {
    let (mut reader, mut seen) = (KafkaReader::open(kafka)?, Seen::default());
    for topic in topics::all() {
        reader.begin(&topic.name)?;
        loop {
            let records = reader.more(&topic.name, CHUNK)?;
            if records.is_empty() {
                break;
            }
            for record in records {
                let place = (topic.name.as_str(), record.partition.0);
                seen.saw(place, record.offset.0, record.value.as_deref().unwrap_or_default())?;
            }
        }
    }
    Ok(seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(records: &[(i64, &str)]) -> Seen {
        let mut seen = Seen::default();
        records.iter().for_each(|(offset, value)| seen.saw(("gep.usage", 3), *offset, value.as_bytes()).unwrap());
        seen
    }

    #[test]
    fn a_record_that_was_aborted_lost_or_altered_is_told_by_its_stretch() {
        let now = seen(&[(1, "a"), (5, "b"), (1_002, "c")]);
        assert_eq!(difference(&seen(&[(1, "a"), (5, "b"), (1_002, "c")]), &now), None);
        let then = seen(&[(1, "a"), (3, "aborted"), (5, "b"), (1_002, "c")]);
        assert_eq!(difference(&then, &now).unwrap(), "gep.usage/3 from offset 0 on: 3 records then, 2 now");
        for then in [seen(&[(1, "a"), (5, "b")]), seen(&[(1, "a"), (5, "b"), (1_002, "x")])] {
            assert!(difference(&then, &now).unwrap().starts_with("gep.usage/3 from offset 1000 on"));
        }
        assert!(difference(&seen(&[(1, "a"), (4, "b"), (1_002, "c")]), &now).is_some(), "at another offset");
    }

    #[test]
    fn a_reader_that_goes_back_is_told() {
        let mut seen = seen(&[(7, "a")]);
        assert!(seen.saw(("gep.usage", 3), 7, b"a").is_err());
    }
}
