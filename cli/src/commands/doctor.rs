//! `da doctor`: measures everything an installation stands on, and says of each finding what to do next.
//!
//! Place: prints what [`crate::doctor`] finds, check by check, also while systems are away.

use clap::{ArgMatches, Args, FromArgMatches};

use super::Command;
use crate::doctor::{self, Asked, Check, ROLES, State};
use crate::output::{Exit, Form, Output};
use crate::settings::Chosen;

/// The command.
#[derive(Debug)]
pub struct Doctor;

/// Measure what this installation stands on: transactions, rights, registry, database, disk, clocks
///
/// Commits a few transactions on a topic of its own (org.gooru.da.scratch.doctor) and in the database's journal, and
/// writes a small file into the data folder: no data is touched. Ends with 0 where all is well, 1 with findings, 3 where
/// something does not answer.
#[derive(Debug, Args)]
struct Arguments {
    /// Check the rights of this service only; may be given again. Give it with the settings file of a service
    #[arg(long, value_parser = ROLES)]
    role: Vec<String>,
    /// Partitions of every topic, instead of the numbers in topics.yaml
    #[arg(long)]
    partitions: Option<u32>,
    #[command(flatten)]
    chosen: Chosen,
}

impl Command for Doctor {
    fn name(&self) -> &'static str {
        "doctor"
    }

    fn arguments(&self, base: clap::Command) -> clap::Command {
        Arguments::augment_args(base)
    }

    fn run(&self, matches: &ArgMatches, out: Output) -> anyhow::Result<Exit> {
        let arguments = Arguments::from_arg_matches(matches)?;
        let settings = arguments.chosen.load()?.settings;
        let asked = |role: &&str| arguments.role.is_empty() || arguments.role.iter().any(|r| r == role);
        let roles: Vec<&'static str> = ROLES.into_iter().filter(asked).collect();
        let (mut findings, mut skipped, mut away) = (0, 0, false);
        let asked = Asked { roles, partitions: arguments.partitions };
        doctor::examine(&settings, &asked, &mut |check| {
            findings += check.findings.len();
            skipped += usize::from(check.state == State::Skipped);
            away |= check.findings.iter().any(|finding| finding.away);
            print(&check, out)
        })?;
        let exit = match (findings, away) {
            (0, _) => Exit::Fine,
            (_, false) => Exit::Findings,
            (_, true) => Exit::Unreachable,
        };
        if out.form() == Form::People {
            out.line(format_args!("findings: {findings}, checks skipped: {skipped} (exit {})", exit.code()))?;
        }
        Ok(exit)
    }
}

fn print(check: &Check, out: Output) -> anyhow::Result<()> {
    if out.form() == Form::Json {
        out.value(check)?;
        return Ok(());
    }
    let head = |word: &str, text: &str| {
        let place = if check.place.is_empty() { String::new() } else { format!("{}: ", check.place) };
        format!("{:<14} {word}: {place}{text}", check.check)
    };
    match check.state {
        State::Ok => out.line(head("ok", &check.text))?,
        State::Skipped => out.line(head("skipped", &check.text))?,
        State::Finding => {
            let after = check.findings.iter().skip(1).map(Some).chain([None]);
            for (finding, after) in check.findings.iter().zip(after) {
                out.line(head("finding", &finding.what))?;
                // Findings with the same way out share the line that shows it.
                if after.is_none_or(|after| after.next != finding.next) {
                    out.line(format_args!("{:<14} next: {}", "", finding.next))?;
                }
            }
        }
    }
    Ok(())
}
