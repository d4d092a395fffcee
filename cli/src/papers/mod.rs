//! The generated papers: topics, codes, dictionary, telemetry and commands, from the lists that the code uses.
//!
//! Place: written by `da generate papers`, held fresh by `make check`. Reads only what is compiled in, so that the same
//! program always writes the same pages.

mod codes;
mod dictionary;

use crate::commands::{command_line, graph};
use da_model::topics;

/// One page: its path from the root of the project, and its text.
#[derive(Debug)]
pub struct Page {
    /// `docs/generated/topics.md`.
    pub path: &'static str,
    /// Its whole text.
    pub text: String,
}

/// All pages.
///
/// # Errors
/// Where a compiled-in schema is no JSON.
pub fn pages() -> anyhow::Result<Vec<Page>> {
    let page = |path, text: String| Page { path, text: format!("{}\n", text.trim_end()) };
    Ok(vec![
        page("docs/generated/topics.md", topic_page()),
        page("docs/generated/dictionary.md", dictionary::page()?),
        page("docs/generated/codes.md", codes::page()),
        page("docs/generated/telemetry.md", codes::telemetry()),
        page("docs/generated/commands.md", command_page()),
    ])
}

fn topic_page() -> String {
    let mut text = String::from("# Topics\n\nFrom `topics.yaml`; written by `make docs`.\n\n");
    text.push_str(
        "| Topic | Key | Partition | Schema | From | To | Fed | Purpose |\n|---|---|---|---|---|---|---|---|\n",
    );
    for topic in topics::all() {
        let partition = match topic.partitioning {
            topics::Partitioning::Inherited => "inherited",
            topics::Partitioning::ByKey => "by key",
        };
        text.push_str(&format!(
            "| `{}` | {} | {partition} | {} | {} | {} | {} | {} |\n",
            topic.name,
            topic.key.join(" + "),
            topic.schema,
            topic.producers.join(", "),
            topic.consumers.join(", "),
            topic.feeds,
            topic.purpose
        ));
    }
    text.push_str(&format!("\nOn the log every name begins with `{}`.\n\n", topics::PREFIX));
    text.push_str(&format!("```mermaid\n{}\n```\n", graph::mermaid(&graph::picture(false))));
    text
}

fn command_page() -> String {
    let mut text = String::from("# Commands\n\nFrom the command line of `da`; written by `make docs`.\n");
    let mut line = command_line().term_width(100);
    line.build();
    describe(&mut line, "da", &mut text);
    text
}

fn describe(command: &mut clap::Command, name: &str, text: &mut String) {
    let help = command.render_help().to_string();
    let help: Vec<&str> = help.lines().map(str::trim_end).collect();
    text.push_str(&format!("\n## {name}\n\n```text\n{}\n```\n", help.join("\n").trim_end()));
    for inner in command.get_subcommands_mut().filter(|inner| inner.get_name() != "help") {
        let name = format!("{name} {}", inner.get_name());
        describe(inner, &name, text);
    }
}
