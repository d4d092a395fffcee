//! `da lag`: how far every group is behind, in records and in seconds, asked from the brokers.
//!
//! Place: right with and without members; reads the first record that waits of each partition for its age. Commits
//! nothing.

use clap::{ArgMatches, Args, FromArgMatches};
use da_runtime::clock::SystemClock;
use da_runtime::io::kafka::admin::{Admin, Behind};
use da_runtime::ports::Clock;
use serde_json::json;

use super::Command;
use crate::cluster;
use crate::output::{Exit, Form, Output, Refusal};
use crate::settings::Chosen;

/// The command.
#[derive(Debug)]
pub struct Lag;

/// How far every group is behind, in records and seconds
#[derive(Debug, Args)]
struct Arguments {
    /// Show partitions without lag, too
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    chosen: Chosen,
}

impl Command for Lag {
    fn name(&self) -> &'static str {
        "lag"
    }

    fn arguments(&self, base: clap::Command) -> clap::Command {
        Arguments::augment_args(base)
    }

    fn run(&self, matches: &ArgMatches, out: Output) -> anyhow::Result<Exit> {
        let arguments = Arguments::from_arg_matches(matches)?;
        let settings = arguments.chosen.load()?.settings;
        let admin = Admin::open(&cluster::kafka(&settings)?).map_err(cluster::unanswered)?;
        let now = SystemClock.now();
        let mut rows = Vec::new();
        for (group, topics) in cluster::groups(&settings)? {
            let behind = admin.lag(group, &topics).map_err(cluster::unanswered)?;
            if let Some(missing) = topics.iter().find(|topic| !behind.iter().any(|b| b.at.topic == **topic)) {
                let what = format!("{group} reads {missing}, which is not there");
                return Err(Refusal::unreachable(what, "da topics plan, then da topics apply"));
            }
            for one in behind.iter().filter(|b| arguments.all || b.records > 0) {
                let seconds = one.oldest.map_or(0, |at| now.since(at).max(0) / 1000);
                rows.push((value(group, one, seconds), row(group, one, seconds)));
            }
        }
        if out.form() == Form::Json {
            rows.iter().try_for_each(|(value, _)| out.value(value))?;
            return Ok(Exit::Fine);
        }
        let rows: Vec<_> = rows.into_iter().map(|(_, row)| row).collect();
        if rows.is_empty() {
            out.line("no group is behind")?;
            return Ok(Exit::Fine);
        }
        out.table(&["group", "topic", "partition", "position", "end", "records", "seconds"], &rows)?;
        Ok(Exit::Fine)
    }
}

fn value(group: &str, one: &Behind, seconds: i64) -> serde_json::Value {
    json!({
        "group": group, "topic": one.at.topic.0, "partition": one.at.partition.0,
        "position": one.committed.map(|c| c.0), "end": one.end.0, "records": one.records, "seconds": seconds,
    })
}

fn row(group: &str, one: &Behind, seconds: i64) -> Vec<String> {
    let position = one.committed.map_or_else(|| "none".to_owned(), |c| c.0.to_string());
    let (topic, partition) = (one.at.topic.0.to_owned(), one.at.partition.0.to_string());
    let (end, records) = (one.end.0.to_string(), one.records.to_string());
    vec![group.to_owned(), topic, partition, position, end, records, seconds.to_string()]
}
