//! `da graph`: who writes which topic and who reads it, as dot, mermaid or JSON; with `--live` as it is now.
//!
//! Place: drawn from `topics.yaml` alone, which the house test holds equal to the registries; what `--live` adds is
//! looked for by [`crate::live`].

use clap::{ArgMatches, Args, FromArgMatches, ValueEnum};
use da_model::topics;
use serde::Serialize;

use super::Command;
use crate::live::{self, Live, Seen};
use crate::output::{Exit, Form, Output};
use crate::settings::Chosen;

/// The command.
#[derive(Debug)]
pub struct Graph;

/// Draw services, topics and stores, and who feeds whom
#[derive(Debug, Args)]
struct Arguments {
    /// Notation
    #[arg(long, value_enum, default_value_t = Notation::Mermaid)]
    format: Notation,
    /// Draw topics of later features too
    #[arg(long)]
    all: bool,
    /// Ask the installation: rate, lag, schema versions; topics nobody knows are red. Ends with 1 where there are any,
    /// or where a topic is missing
    #[arg(long)]
    live: bool,
    /// Between the two looks that make a rate
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=600), requires = "live")]
    seconds: u32,
    #[command(flatten)]
    chosen: Chosen,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Notation {
    /// Graphviz
    Dot,
    /// For Markdown pages
    Mermaid,
    /// Nodes and edges
    Json,
}

/// Services, topics and the arrows between them.
#[derive(Debug, Serialize)]
pub struct Picture {
    /// Everything drawn as a box.
    pub nodes: Vec<Node>,
    /// Who feeds whom.
    pub edges: Vec<Edge>,
}

/// One box.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Node {
    /// Unique name.
    pub name: String,
    /// What it is.
    pub kind: NodeKind,
    /// How it is now, where that was asked for and it is a topic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub live: Option<Seen>,
}

/// What a box stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeKind {
    /// Posts events.
    Partner,
    /// Reads and writes topics.
    Service,
    /// A topic that a service reads.
    Topic,
    /// A topic for readers outside.
    Sink,
    /// Tables and views.
    Store,
    /// A topic under our prefix that topics.yaml does not list.
    Unknown,
    /// A topic that topics.yaml lists and the log does not have.
    Missing,
}

/// One arrow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Edge {
    /// Name of the box it leaves.
    pub from: String,
    /// Name of the box it enters.
    pub to: String,
    /// Records that wait there, where that was asked for and the arrow enters a service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lag: Option<i64>,
}

impl Command for Graph {
    fn name(&self) -> &'static str {
        "graph"
    }

    fn arguments(&self, base: clap::Command) -> clap::Command {
        Arguments::augment_args(base)
    }

    fn run(&self, matches: &ArgMatches, out: Output) -> anyhow::Result<Exit> {
        let arguments = Arguments::from_arg_matches(matches)?;
        let mut picture = picture(arguments.all);
        if arguments.live {
            picture.add(&live::look(&arguments.chosen.load()?.settings, arguments.seconds)?);
        }
        let notation = if out.form() == Form::Json { Notation::Json } else { arguments.format };
        match notation {
            Notation::Dot => out.line(dot(&picture))?,
            Notation::Mermaid => out.line(mermaid(&picture))?,
            Notation::Json => out.value(&picture)?,
        }
        let odd = |node: &Node| matches!(node.kind, NodeKind::Unknown | NodeKind::Missing);
        Ok(if picture.nodes.iter().any(odd) { Exit::Findings } else { Exit::Fine })
    }
}

/// The picture of `topics.yaml`; `all` draws topics that a later feature will feed.
#[must_use]
pub fn picture(all: bool) -> Picture {
    let mut picture = Picture { nodes: Vec::new(), edges: Vec::new() };
    picture.node("partner", NodeKind::Partner);
    picture.edge("partner", "gep");
    for topic in topics::all().iter().filter(|t| all || t.feeds == "now") {
        let readers: Vec<&String> = topic.consumers.iter().filter(|c| *c != "sink").collect();
        picture.node(&topic.name, if readers.is_empty() { NodeKind::Sink } else { NodeKind::Topic });
        for producer in &topic.producers {
            picture.node(producer, NodeKind::Service);
            picture.edge(producer, &topic.name);
        }
        for reader in readers {
            picture.node(reader, NodeKind::Service);
            picture.edge(&topic.name, reader);
        }
    }
    picture.node("tables", NodeKind::Store);
    picture.edge("dep", "tables");
    picture
}

impl Picture {
    fn node(&mut self, name: &str, kind: NodeKind) {
        if !self.nodes.iter().any(|n| n.name == name) {
            self.nodes.push(Node { name: name.to_owned(), kind, live: None });
        }
    }

    fn edge(&mut self, from: &str, to: &str) {
        self.edges.push(Edge { from: from.to_owned(), to: to.to_owned(), lag: None });
    }

    /// Adds what an installation told.
    pub fn add(&mut self, live: &Live) {
        for name in &live.partners {
            self.node(name, NodeKind::Topic);
            self.edge("partner", name);
            self.edge(name, "gep");
        }
        for name in &live.unknown {
            self.node(name, NodeKind::Unknown);
        }
        for node in &mut self.nodes {
            node.live = live.topics.get(&node.name).cloned();
            if node.live.as_ref().is_some_and(|seen| seen.partitions == 0) {
                node.kind = NodeKind::Missing;
            }
        }
        for edge in &mut self.edges {
            edge.lag = live.lags.get(&(edge.from.clone(), edge.to.clone())).copied();
        }
    }
}

impl Node {
    /// Its name, and how it is now, in lines with `end` between them.
    fn shown(&self, end: &str) -> String {
        let Some(seen) = &self.live else { return self.name.clone() };
        if self.kind == NodeKind::Missing {
            return format!("{}{end}missing", self.name);
        }
        let versions: Vec<String> = seen.schema_versions.iter().map(|version| format!("v{version}")).collect();
        let versions = if versions.is_empty() { String::new() } else { format!(", {}", versions.join(" ")) };
        format!("{}{end}{} partitions, {}/s{versions}", self.name, seen.partitions, seen.per_second)
    }
}

impl Edge {
    fn shown(&self) -> Option<String> {
        self.lag.map(|lag| format!("lag {lag}"))
    }
}

/// The picture in Graphviz's language.
#[must_use]
pub fn dot(picture: &Picture) -> String {
    let mut text = String::from("digraph da {\n  rankdir=LR;\n");
    for node in &picture.nodes {
        let shape = match node.kind {
            NodeKind::Partner => "oval",
            NodeKind::Service => "box",
            NodeKind::Topic => "cds",
            NodeKind::Sink => "note",
            NodeKind::Store => "cylinder",
            NodeKind::Unknown => "cds, color=red, fontcolor=red",
            NodeKind::Missing => "cds, color=red, style=dashed",
        };
        let label = if node.live.is_some() { format!(", label=\"{}\"", node.shown("\\n")) } else { String::new() };
        text.push_str(&format!("  \"{}\" [shape={shape}{label}];\n", node.name));
    }
    for edge in &picture.edges {
        let label = edge.shown().map_or_else(String::new, |label| format!(" [label=\"{label}\"]"));
        text.push_str(&format!("  \"{}\" -> \"{}\"{label};\n", edge.from, edge.to));
    }
    text.push('}');
    text
}

/// The picture in mermaid's language.
#[must_use]
pub fn mermaid(picture: &Picture) -> String {
    let mut text = String::from("graph LR");
    for node in &picture.nodes {
        let id = id_of(&node.name);
        let name = if node.live.is_some() { format!("\"{}\"", node.shown("<br>")) } else { node.name.clone() };
        let shape = match node.kind {
            NodeKind::Partner => format!("{id}(({name}))"),
            NodeKind::Service => format!("{id}[[{name}]]"),
            NodeKind::Topic => format!("{id}[{name}]"),
            NodeKind::Sink => format!("{id}>{name}]"),
            NodeKind::Store => format!("{id}[({name})]"),
            NodeKind::Unknown => format!("{id}[{name}]\n  style {id} fill:#f66,stroke:#c00"),
            NodeKind::Missing => format!("{id}[{name}]\n  style {id} stroke:#c00,stroke-dasharray:5"),
        };
        text.push_str(&format!("\n  {shape}"));
    }
    for edge in &picture.edges {
        let label = edge.shown().map_or_else(String::new, |label| format!("|{label}|"));
        text.push_str(&format!("\n  {} -->{label} {}", id_of(&edge.from), id_of(&edge.to)));
    }
    text
}

fn id_of(name: &str) -> String {
    name.replace(['.', '-'], "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(partitions: u32, per_second: f64) -> Seen {
        Seen { partitions, end: 7, per_second, schema_versions: vec![1, 2] }
    }

    #[test]
    fn what_is_live_stands_at_its_box_and_arrow_and_strangers_are_red() {
        let mut picture = picture(false);
        let plain = dot(&picture);
        let topics = [("gep.usage", seen(12, 40.5)), ("demux.dead", seen(0, 0.0)), ("quizlab.events", seen(3, 0.0))];
        let live = Live {
            topics: topics.map(|(name, seen)| (name.to_owned(), seen)).into(),
            lags: [(("gep.usage".to_owned(), "demux".to_owned()), 9)].into(),
            unknown: vec!["old-topic".to_owned()],
            partners: vec!["quizlab.events".to_owned()],
        };
        picture.add(&live);
        let (dot, mermaid) = (dot(&picture), mermaid(&picture));
        for line in [
            "\"gep.usage\" [shape=cds, label=\"gep.usage\\n12 partitions, 40.5/s, v1 v2\"];",
            "\"gep.usage\" -> \"demux\" [label=\"lag 9\"];",
            "\"old-topic\" [shape=cds, color=red, fontcolor=red];",
            "\"demux.dead\" [shape=cds, color=red, style=dashed, label=\"demux.dead\\nmissing\"];",
            "\"partner\" -> \"quizlab.events\";",
        ] {
            assert!(dot.contains(line) && !plain.contains(line), "{line}: {dot}");
        }
        assert!(mermaid.contains("style old_topic fill:#f66") && mermaid.contains("gep_usage -->|lag 9| demux"));
        let json = serde_json::to_value(&picture).unwrap();
        let kind =
            |name: &str| json["nodes"].as_array().unwrap().iter().find(|n| n["name"] == name).unwrap()["kind"].clone();
        assert_eq!((kind("old-topic"), kind("demux.dead")), ("unknown".into(), "missing".into()));
    }
}
