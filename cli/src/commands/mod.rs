//! The commands of `da`: one file each, one row each in [`COMMANDS`].
//!
//! Place: the command line is built from the slice, so help, completions and tests walk the same list. A command
//! parses its own arguments; what is common to all (`--json`, `--quiet`, exit codes) lives here.

pub mod up;
pub mod demo;
pub mod topics;
pub mod schemas;
pub mod lag;
pub mod migrate;
pub mod graph;
pub mod validate;
pub mod doctor;
pub mod config;
pub mod keys;
pub mod tap;
pub mod simulate;
pub mod audit;
pub mod generate;
pub mod completions;

use clap::{Arg, ArgAction, ArgMatches};

use crate::output::{Exit, Form, Output};

/// One command of `da`.
pub trait Command: Sync {
    /// Its word on the command line, equal to its file's name.
    fn name(&self) -> &'static str;

    /// Adds its help text and arguments.
    fn arguments(&self, base: clap::Command) -> clap::Command;

    /// Does the work.
    ///
    /// # Errors
    /// A [`crate::output::Refusal`] where the reason is known; anything else counts as unreachable.
    fn run(&self, matches: &ArgMatches, out: Output) -> anyhow::Result<Exit>;
}

/// Every command, in the order of the help text.
pub static COMMANDS: &[&dyn Command] = &[
    &up::Up,
    &demo::Demo,
    &topics::Topics,
    &schemas::Schemas,
    &lag::Lag,
    &migrate::Migrate,
    &graph::Graph,
    &validate::Validate,
    &doctor::Doctor,
    &config::Config,
    &keys::Keys,
    &tap::Tap,
    &simulate::Simulate,
    &audit::Audit,
    &generate::Generate,
    &completions::Completions,
];

/// The whole command line.
#[must_use]
pub fn command_line() -> clap::Command {
    let base = clap::Command::new("da")
        .about("Usage events in, exact learning results out: GEP, demux and DEP in one process")
        .version(env!("CARGO_PKG_VERSION"))
        .after_help("Exit codes: 0 fine, 1 findings, 2 wrong use, 3 something needed is unreachable, 4 interrupted")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .arg(switch("json", "Print JSON, one value per line"))
        .arg(switch("quiet", "Print results and errors only"));
    COMMANDS.iter().fold(base, |all, command| all.subcommand(command.arguments(clap::Command::new(command.name()))))
}

/// Runs the command that `matches` names.
///
/// # Errors
/// What the command reports.
pub fn run(matches: &ArgMatches) -> anyhow::Result<Exit> {
    let form = if matches.get_flag("json") { Form::Json } else { Form::People };
    let out = Output::new(form, matches.get_flag("quiet"));
    let Some((name, arguments)) = matches.subcommand() else {
        return Ok(Exit::WrongUse);
    };
    match COMMANDS.iter().find(|command| command.name() == name) {
        Some(command) => command.run(arguments, out),
        None => Ok(Exit::WrongUse),
    }
}

fn switch(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).help(help).global(true).action(ArgAction::SetTrue)
}
