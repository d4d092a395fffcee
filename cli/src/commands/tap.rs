//! `da tap PATTERN`: the records of topics, decoded, one line each, from a cluster or from a running or a stopped `da up`.
//!
//! Place: opens the log for reading only; joins no group, commits nothing. Filters and forms are in `reading`.

use std::time::Duration;

use clap::{ArgMatches, Args, FromArgMatches};
use da_model::ids::{Offset, Partition, TopicName, TopicPartition};
use da_model::schema::{Schemas, codec, json};
use da_model::time::Timestamp;
use da_runtime::clock::SystemClock;
use da_runtime::ports::Clock;
use da_runtime::reading::{Reading, TapRecord};
use serde_json::Value;

use super::Command;
use crate::cluster;
use crate::output::{Exit, Output, Refusal};
use crate::reading::begin::Begin;
use crate::reading::filter::Filter;
use crate::reading::line::{Shown, hexadecimal};
use crate::reading::pattern;
use crate::settings::Chosen;

/// Records read at once.
const CHUNK: usize = 512;
/// Pause between two looks at the end of the log.
const PAUSE: Duration = Duration::from_millis(200);

/// The command.
#[derive(Debug)]
pub struct Tap;

/// Print the records of topics, decoded, as kcat -J does
#[derive(Debug, Args)]
struct Arguments {
    /// Topics, with * for any text: 'demux.*.score'
    pattern: String,
    /// beginning, end, -10m, an offset, 2026-11-19 or 2026-11-19T08:00Z
    #[arg(long, default_value = "beginning", allow_hyphen_values = true)]
    from: String,
    /// Only records whose payload passes: 'context.classId == "c1"'; may be given again
    #[arg(long = "where")]
    filters: Vec<String>,
    /// Stop after so many lines
    #[arg(long)]
    limit: Option<u64>,
    /// Hide learners and original bytes
    #[arg(long)]
    mask: bool,
    /// Wait for more at the end
    #[arg(long)]
    follow: bool,
    #[command(flatten)]
    chosen: Chosen,
}

/// A reading of one topic partition.
struct Cursor {
    at: TopicPartition,
    next: Offset,
}

/// What to show.
struct Wanted {
    begin: Begin,
    filters: Vec<Filter>,
    mask: bool,
    left: u64,
    schemas: Schemas,
}

impl Command for Tap {
    fn name(&self) -> &'static str {
        "tap"
    }

    fn arguments(&self, base: clap::Command) -> clap::Command {
        Arguments::augment_args(base)
    }

    fn run(&self, matches: &ArgMatches, out: Output) -> anyhow::Result<Exit> {
        let arguments = Arguments::from_arg_matches(matches)?;
        let topics = topics_of(&arguments.pattern)?;
        let settings = arguments.chosen.load()?.settings;
        let mut wanted = wanted(&arguments, cluster::schemas(&settings)?)?;
        let mut reader = cluster::reading(&settings)?;
        let mut cursors = cursors(&mut *reader, &topics, wanted.begin)?;
        loop {
            let shown = cursors
                .iter_mut()
                .try_fold(0, |all, cursor| read_on(&mut *reader, cursor, &mut wanted, out).map(|shown| all + shown))?;
            if wanted.left == 0 || (shown == 0 && !arguments.follow) {
                return Ok(Exit::Fine);
            }
            if shown == 0 {
                // Nobody wakes this thread: a look at the log every now and then is the only way to see it grow.
                std::thread::park_timeout(PAUSE);
            }
        }
    }
}

fn topics_of(text: &str) -> anyhow::Result<Vec<TopicName>> {
    let topics = pattern::topics_of(text);
    if topics.is_empty() {
        let next = pattern::nearest(text).map_or("da topics list".to_owned(), |near| format!("da tap '{near}'"));
        return Err(Refusal::wrong_use(format!("no topic is named `{text}`"), next));
    }
    Ok(topics)
}

fn wanted(arguments: &Arguments, schemas: Schemas) -> anyhow::Result<Wanted> {
    let refused = |text: String| Refusal::wrong_use(text, "da tap --help");
    let filters: Result<Vec<Filter>, String> = arguments.filters.iter().map(|text| Filter::parse(text)).collect();
    Ok(Wanted {
        begin: Begin::parse(&arguments.from, SystemClock.now()).map_err(refused)?,
        filters: filters.map_err(refused)?,
        mask: arguments.mask,
        left: arguments.limit.unwrap_or(u64::MAX),
        schemas,
    })
}

fn cursors(reader: &mut dyn Reading, topics: &[TopicName], begin: Begin) -> anyhow::Result<Vec<Cursor>> {
    let mut cursors = Vec::new();
    for topic in topics {
        let partitions = reader.partitions(topic.0)?;
        for partition in (0..partitions).map(Partition) {
            let next = match begin {
                Begin::Beginning | Begin::Time(_) => Offset(0),
                Begin::End => reader.end(topic.0, partition)?,
                Begin::Offset(offset) => offset,
            };
            cursors.push(Cursor { at: TopicPartition { topic: *topic, partition }, next });
        }
    }
    Ok(cursors)
}

/// Shows what a partition holds beyond the cursor; how many records were read.
fn read_on(reader: &mut dyn Reading, cursor: &mut Cursor, wanted: &mut Wanted, out: Output) -> anyhow::Result<usize> {
    let mut read = 0;
    while wanted.left > 0 {
        let records = reader.records((cursor.at.topic.0, cursor.at.partition), cursor.next, CHUNK)?;
        let Some(last) = records.last() else { break };
        let next = last.offset.next();
        read += records.len();
        for record in records {
            show(cursor.at.topic, record, wanted, out)?;
        }
        cursor.next = next;
    }
    Ok(read)
}

fn show(topic: TopicName, record: TapRecord, wanted: &mut Wanted, out: Output) -> anyhow::Result<()> {
    let early = matches!(wanted.begin, Begin::Time(from) if record.timestamp < from.0);
    if early || wanted.left == 0 {
        return Ok(());
    }
    let mut shown = decoded(topic, record, &wanted.schemas);
    if !wanted.filters.iter().all(|filter| filter.passes(&shown.payload)) {
        return Ok(());
    }
    if wanted.mask {
        shown.mask();
    }
    wanted.left -= 1;
    out.line(shown.line()?)?;
    Ok(())
}

fn decoded(topic: TopicName, record: TapRecord, schemas: &Schemas) -> Shown {
    let value = record.value.as_deref();
    let payload = value.map_or(Value::Null, |bytes| match codec::decode(bytes, schemas) {
        Ok((lineage, event)) => json::event_to_json(&event, &lineage),
        Err(_) => hexadecimal(bytes),
    });
    let schema = value.and_then(|bytes| bytes.get(1..5)).and_then(|id| id.try_into().ok()).map(u32::from_be_bytes);
    Shown {
        topic,
        partition: record.partition,
        offset: record.offset,
        at: Timestamp(record.timestamp),
        key: record.key.map(|key| String::from_utf8_lossy(&key).into_owned()),
        payload,
        schema,
    }
}
