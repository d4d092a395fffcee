//! `da topics`: the topics of `topics.yaml`, listed, compared with a cluster, and made there.
//!
//! Place: `list` asks no broker; `plan` changes nothing; `apply` only adds: it never deletes a topic, takes away
//! partitions or shortens how long records are kept.

use clap::{ArgMatches, Args, FromArgMatches, Subcommand};
use da_model::ids::TopicName;
use da_model::topics::{self, Topic};

use da_runtime::config::Settings;
use da_runtime::io::kafka::admin::{Admin, Change};
use serde_json::json;

use super::Command;
use crate::cluster;
use crate::output::{Exit, Form, Output, Refusal};
use crate::settings::Chosen;

/// Asks the brokers for their own number of replicas.
const BY_BROKERS: i32 = -1;

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
    /// Say what the cluster lacks or has differently; changes nothing
    Plan(OnCluster),
    /// Create what is missing and set what differs; never deletes or shrinks; adds partitions only where no group is
    /// behind
    Apply(OnCluster),
}

#[derive(Debug, Args)]
struct OnCluster {
    /// Partitions of every topic, instead of the numbers in topics.yaml
    #[arg(long)]
    partitions: Option<u32>,
    /// Replicas of new topics, instead of the brokers' own default
    #[arg(long)]
    replicas: Option<i32>,
    #[command(flatten)]
    chosen: Chosen,
}

impl Command for Topics {
    fn name(&self) -> &'static str {
        "topics"
    }

    fn arguments(&self, base: clap::Command) -> clap::Command {
        Arguments::augment_args(base)
    }

    fn run(&self, matches: &ArgMatches, out: Output) -> anyhow::Result<Exit> {
        let full_names = match Arguments::from_arg_matches(matches)?.action {
            Action::List { full_names } => full_names,
            Action::Plan(on) => return plan(&on, out, false),
            Action::Apply(on) => return plan(&on, out, true),
        };
        if out.form() == Form::Json {
            topics::all().iter().try_for_each(|topic| out.value(topic))?;
            return Ok(Exit::Fine);
        }
        let rows: Vec<Vec<String>> = topics::all().iter().map(|topic| row_of(topic, full_names)).collect();
        out.table(&["topic", "key", "partition", "schema", "from", "to", "fed", "purpose"], &rows)?;
        Ok(Exit::Fine)
    }
}

/// The differences, carried out where asked for. A plan that differs ends with [`Exit::Findings`].
fn plan(on: &OnCluster, out: Output, apply: bool) -> anyhow::Result<Exit> {
    let settings = on.chosen.load()?.settings;
    let admin = Admin::open(&cluster::kafka(&settings)?).map_err(cluster::unanswered)?;
    let plan = admin.plan(on.partitions).map_err(cluster::unanswered)?;
    if apply {
        drained(&admin, &settings, &plan)?;
        admin.apply(&plan, on.replicas.unwrap_or(BY_BROKERS)).map_err(cluster::unanswered)?;
    }
    for change in &plan {
        match out.form() {
            Form::Json => out.value(&json!({"change": change.to_string(), "done": apply}))?,
            Form::People => out.line(change)?,
        }
    }
    let left = plan.iter().filter(|change| !apply || matches!(change, Change::Leave { .. })).count();
    if plan.is_empty() && out.form() == Form::People {
        out.line("every topic is as topics.yaml says")?;
    }
    Ok(if left == 0 { Exit::Fine } else { Exit::Findings })
}

/// More partitions send a key elsewhere: only where no group has anything left to read.
fn drained(admin: &Admin, settings: &Settings, plan: &[Change]) -> anyhow::Result<()> {
    let Some(grows) = plan.iter().find(|change| matches!(change, Change::Grow { .. })) else { return Ok(()) };
    for (group, topics) in cluster::groups(settings)? {
        let behind = admin.lag(group, &topics).map_err(cluster::unanswered)?;
        if let Some(waits) = behind.iter().find(|behind| behind.records > 0) {
            let what = format!("{grows}: nothing was changed, because {group} has not read {} to its end", waits.at);
            let next =
                "stop what writes, wait until `da lag` says that no group is behind, stop the services, apply again";
            return Err(anyhow::Error::new(Refusal { exit: Exit::Findings, what, next: next.to_owned() }));
        }
    }
    Ok(())
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
