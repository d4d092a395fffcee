//! `da graph`: who writes which topic and who reads it, as dot, mermaid or JSON.
//!
//! Place: drawn from `topics.yaml` alone, which the house test holds equal to the registries. Asks no running process.

use clap::{ArgMatches, Args, FromArgMatches, ValueEnum};
use da_model::topics;
use serde::Serialize;

use super::Command;
use crate::output::{Exit, Form, Output};

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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Node {
    /// Unique name.
    pub name: String,
    /// What it is.
    pub kind: NodeKind,
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
}

/// One arrow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Edge {
    /// Name of the box it leaves.
    pub from: String,
    /// Name of the box it enters.
    pub to: String,
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
        let picture = picture(arguments.all);
        let notation = if out.form() == Form::Json { Notation::Json } else { arguments.format };
        match notation {
            Notation::Dot => out.line(dot(&picture))?,
            Notation::Mermaid => out.line(mermaid(&picture))?,
            Notation::Json => out.value(&picture)?,
        }
        Ok(Exit::Fine)
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
            self.nodes.push(Node { name: name.to_owned(), kind });
        }
    }

    fn edge(&mut self, from: &str, to: &str) {
        self.edges.push(Edge { from: from.to_owned(), to: to.to_owned() });
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
        };
        text.push_str(&format!("  \"{}\" [shape={shape}];\n", node.name));
    }
    for edge in &picture.edges {
        text.push_str(&format!("  \"{}\" -> \"{}\";\n", edge.from, edge.to));
    }
    text.push('}');
    text
}

/// The picture in mermaid's language.
#[must_use]
pub fn mermaid(picture: &Picture) -> String {
    let mut text = String::from("graph LR");
    for node in &picture.nodes {
        let name = &node.name;
        let id = id_of(name);
        let shape = match node.kind {
            NodeKind::Partner => format!("{id}(({name}))"),
            NodeKind::Service => format!("{id}[[{name}]]"),
            NodeKind::Topic => format!("{id}[{name}]"),
            NodeKind::Sink => format!("{id}>{name}]"),
            NodeKind::Store => format!("{id}[({name})]"),
        };
        text.push_str(&format!("\n  {shape}"));
    }
    for edge in &picture.edges {
        text.push_str(&format!("\n  {} --> {}", id_of(&edge.from), id_of(&edge.to)));
    }
    text
}

fn id_of(name: &str) -> String {
    name.replace('.', "_")
}
