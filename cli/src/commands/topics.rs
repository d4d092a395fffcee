//! `da topics list`: the topics of `topics.yaml`.
//!
//! Place: prints the compiled-in list. Asks no log and no broker: what lies in a log is `da tap`'s affair.

use clap::{ArgMatches, Args, FromArgMatches, Subcommand};
use da_model::ids::TopicName;
use da_model::topics::{self, Topic};

use super::Command;
use crate::output::{Exit, Form, Output};

/// The command.
#[derive(Debug)]
pub struct Topics;

/// Topics: their keys, producers, consumers and purpose
#[derive(Debug, Args)]
struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List every topic, in the order in which events flow
    List {
        /// Print the names as they stand on the log
        #[arg(long)]
        full_names: bool,
    },
}

impl Command for Topics {
    fn name(&self) -> &'static str {
        "topics"
    }

    fn arguments(&self, base: clap::Command) -> clap::Command {
        Arguments::augment_args(base)
    }

    fn run(&self, matches: &ArgMatches, out: Output) -> anyhow::Result<Exit> {
        let Action::List { full_names } = Arguments::from_arg_matches(matches)?.action;
        if out.form() == Form::Json {
            topics::all().iter().try_for_each(|topic| out.value(topic))?;
            return Ok(Exit::Fine);
        }
        let rows: Vec<Vec<String>> = topics::all().iter().map(|topic| row_of(topic, full_names)).collect();
        out.table(&["topic", "key", "partition", "schema", "from", "to", "fed", "purpose"], &rows)?;
        Ok(Exit::Fine)
    }
}

fn row_of(topic: &'static Topic, full_names: bool) -> Vec<String> {
    let name = if full_names { topics::full_name(TopicName(&topic.name)) } else { topic.name.clone() };
    let partition = match topic.partitioning {
        topics::Partitioning::Inherited => "inherited",
        topics::Partitioning::ByKey => "by key",
    };
    vec![
        name,
        topic.key.join(" + "),
        partition.to_owned(),
        topic.schema.clone(),
        topic.producers.join(", "),
        topic.consumers.join(", "),
        topic.feeds.clone(),
        topic.purpose.clone(),
    ]
}
