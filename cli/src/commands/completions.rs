//! `da completions SHELL`: a completion script for the shell.
//!
//! Place: generated from the same command line that is parsed; nothing is written but stdout.

use std::io::Write;

use clap::{ArgMatches, Args, FromArgMatches};
use clap_complete::Shell;

use super::Command;
use crate::output::{Exit, Output};

/// The command.
#[derive(Debug)]
pub struct Completions;

/// Print a completion script: source it, or put it where your shell looks
#[derive(Debug, Args)]
struct Arguments {
    /// bash, zsh, fish, elvish or powershell
    shell: Shell,
}

impl Command for Completions {
    fn name(&self) -> &'static str {
        "completions"
    }

    fn arguments(&self, base: clap::Command) -> clap::Command {
        Arguments::augment_args(base)
    }

    fn run(&self, matches: &ArgMatches, _out: Output) -> anyhow::Result<Exit> {
        let shell = Arguments::from_arg_matches(matches)?.shell;
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut super::command_line(), "da", &mut script);
        std::io::stdout().lock().write_all(&script)?;
        Ok(Exit::Fine)
    }
}
