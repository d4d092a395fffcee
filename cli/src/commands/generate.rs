//! `da generate papers`: writes the generated pages, or checks that they are fresh.
//!
//! Place: a few lines around [`crate::papers`]; `make docs` and `make check` call it. Writes no other file.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{ArgMatches, Args, FromArgMatches, Subcommand};

use super::Command;
use crate::output::{Exit, Output, Refusal};
use crate::papers::{self, Page};

/// The command.
#[derive(Debug)]
pub struct Generate;

/// Write what follows from topics, schemas, codes and commands
#[derive(Debug, Args)]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// The pages of docs/generated
    Papers {
        /// Root of the project
        #[arg(default_value = ".")]
        root: PathBuf,
        /// Change nothing; fail if a page is stale
        #[arg(long)]
        check: bool,
    },
}

impl Command for Generate {
    fn name(&self) -> &'static str {
        "generate"
    }

    fn arguments(&self, base: clap::Command) -> clap::Command {
        Arguments::augment_args(base)
    }

    fn run(&self, matches: &ArgMatches, out: Output) -> anyhow::Result<Exit> {
        let What::Papers { root, check } = Arguments::from_arg_matches(matches)?.what;
        let pages = papers::pages()?;
        let stale: Vec<&Page> = pages.iter().filter(|page| !is_fresh(&root, page)).collect();
        for page in &stale {
            if check {
                out.line(format_args!("{} is stale; make docs", page.path))?;
            } else {
                write(&root, page)?;
                out.note(format_args!("wrote {}", page.path));
            }
        }
        Ok(if check && !stale.is_empty() { Exit::Findings } else { Exit::Fine })
    }
}

fn is_fresh(root: &Path, page: &Page) -> bool {
    fs::read_to_string(root.join(page.path)).is_ok_and(|text| text == page.text)
}

fn write(root: &Path, page: &Page) -> anyhow::Result<()> {
    let path = root.join(page.path);
    let folder = path.parent().map_or(Ok(()), fs::create_dir_all);
    folder.and_then(|()| fs::write(&path, &page.text)).map_err(|error| {
        Refusal::unreachable(format!("writing {}: {error}", path.display()), "run it in the root of the project")
    })
}
