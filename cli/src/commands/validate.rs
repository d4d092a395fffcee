//! `da validate FILE`: the settings, then the topology, then the schemas, without starting anything.
//!
//! Place: prints findings with their place; a check that cannot be made is printed as skipped, never as ok.

use std::path::PathBuf;

use clap::{ArgMatches, Args, FromArgMatches};
use da_model::schema::{self, Schemas};
use da_model::topics;
use da_runtime::config::{self, Finding, Severity};
use serde_json::json;

use super::Command;
use crate::output::{Exit, Form, Output};
use crate::{connecting, single};

/// The command.
#[derive(Debug)]
pub struct Validate;

/// Check a settings file, the topology and the schemas; start nothing
#[derive(Debug, Args)]
struct Arguments {
    /// Settings file; without it, da.yaml is read if it is there
    file: Option<PathBuf>,
    /// Ask the systems behind the settings too
    #[arg(long)]
    connect: bool,
}

/// What one check found.
struct Check {
    name: &'static str,
    state: State,
}

enum State {
    Ok(String),
    Broken(Vec<String>),
    Skipped(&'static str),
}

impl Command for Validate {
    fn name(&self) -> &'static str {
        "validate"
    }

    fn arguments(&self, base: clap::Command) -> clap::Command {
        Arguments::augment_args(base)
    }

    fn run(&self, matches: &ArgMatches, out: Output) -> anyhow::Result<Exit> {
        let arguments = Arguments::from_arg_matches(matches)?;
        let loaded = config::load(arguments.file.as_deref());
        let findings = match &loaded {
            Ok(loaded) => &loaded.warnings,
            Err(findings) => findings,
        };
        findings.iter().try_for_each(|finding| print_finding(finding, out))?;
        let topology = loaded.as_ref().map_or(State::Skipped("settings"), |l| topology(&l.settings));
        let mut checks = vec![Check { name: "topology", state: topology }, Check { name: "schemas", state: schemas() }];
        checks.extend(connect(loaded.as_ref().ok().filter(|_| arguments.connect).map(|l| &l.settings)));
        checks.iter().try_for_each(|check| print_check(check, out))?;
        let errors = findings.iter().filter(|f| f.severity == Severity::Error).count()
            + checks.iter().map(Check::errors).sum::<usize>();
        let warnings = findings.iter().filter(|f| f.severity == Severity::Warning).count();
        let skipped = checks.iter().filter(|check| matches!(check.state, State::Skipped(_))).count();
        let exit = if errors + warnings == 0 { Exit::Fine } else { Exit::Findings };
        if out.form() == Form::People {
            let counts =
                [plural(errors, "error"), plural(warnings, "warning"), format!("{} skipped", plural(skipped, "check"))];
            out.line(format_args!("{} (exit {})", counts.join(", "), exit.code()))?;
        }
        Ok(exit)
    }
}

impl Check {
    fn errors(&self) -> usize {
        match &self.state {
            State::Broken(lines) => lines.len(),
            State::Ok(_) | State::Skipped(_) => 0,
        }
    }
}

fn topology(settings: &config::Settings) -> State {
    match single::check_topology(settings) {
        Ok(text) => State::Ok(text),
        Err(error) => State::Broken(vec![format!("{error:#}")]),
    }
}

fn schemas() -> State {
    let known = Schemas::embedded();
    let missing: Vec<String> = topics::all()
        .iter()
        .filter(|topic| known.id_of(&topic.schema) == 0 || schema::schema_text(&topic.schema).is_none())
        .map(|topic| format!("topic {} has no schema {}", topic.name, topic.schema))
        .collect();
    if missing.is_empty() { State::Ok(format!("{} topics", topics::all().len())) } else { State::Broken(missing) }
}

/// The systems behind the settings; without settings nobody is asked.
fn connect(settings: Option<&config::Settings>) -> Vec<Check> {
    let Some(settings) = settings else {
        return vec![Check { name: "connect", state: State::Skipped("not asked for; --connect") }];
    };
    let state = |answer| match answer {
        None => State::Skipped("the settings name none"),
        Some(Ok(words)) => State::Ok(words),
        Some(Err(lines)) => State::Broken(lines),
    };
    connecting::ask(settings).into_iter().map(|(name, answer)| Check { name, state: state(answer) }).collect()
}

fn print_finding(finding: &Finding, out: Output) -> anyhow::Result<()> {
    if out.form() == Form::Json {
        let severity = if finding.severity == Severity::Error { "error" } else { "warning" };
        out.value(&json!({"severity": severity, "code": finding.code, "text": finding.to_string()}))?;
    } else {
        out.line(finding)?;
    }
    Ok(())
}

fn print_check(check: &Check, out: Output) -> anyhow::Result<()> {
    let (word, lines) = match &check.state {
        State::Ok(text) => ("ok", vec![text.clone()]),
        State::Broken(lines) => ("error", lines.clone()),
        State::Skipped(why) => ("skipped", vec![(*why).to_owned()]),
    };
    if out.form() == Form::Json {
        out.value(&json!({"check": check.name, "state": word, "text": lines}))?;
        return Ok(());
    }
    lines.iter().try_for_each(|line| out.line(format_args!("{:<9} {word}: {line}", check.name)))?;
    Ok(())
}

fn plural(count: usize, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}
