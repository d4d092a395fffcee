//! `da schemas`: the schemas of every topic, checked against their earlier versions, and brought to a registry.
//!
//! Place: `check` asks nobody; `plan` changes nothing; `register` only adds: it deletes no version and no subject. The
//! services register nothing themselves. What a registry lacks is found in [`crate::registering`].

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{ArgMatches, Args, FromArgMatches, Subcommand};
use da_runtime::clock::SystemClock;
use da_runtime::cluster::registry_of;
use da_runtime::registry::RegistrySettings;
use da_runtime::registry::client::Client;
use da_runtime::registry::error::RegistryError;
use serde::Serialize;

use super::Command;
use crate::output::{Exit, Form, Output, Refusal};
use crate::registering::{self, Plan, Subject};
use crate::settings::Chosen;

/// How long a registry that is away is asked again.
const PATIENCE: Duration = Duration::from_secs(5);

/// The command.
#[derive(Debug)]
pub struct Schemas;

/// Schemas: their versions checked, and registered where topics are written
#[derive(Debug, Args)]
struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Check that every version reads what all earlier ones wrote (BACKWARD_TRANSITIVE); asks nobody
    Check {
        /// Folder of the schemas: NAME/v1.avsc, NAME/v2.avsc and so on
        #[arg(long, default_value = "schemas")]
        folder: PathBuf,
    },
    /// Say what the registry lacks or has differently; changes nothing
    Plan(OnRegistry),
    /// Register what is missing and set the level of every subject; never deletes
    Register(OnRegistry),
}

#[derive(Debug, Args)]
struct OnRegistry {
    /// URL of the registry with its base path, instead of registry.url of the settings
    #[arg(long)]
    registry: Option<String>,
    /// User, instead of registry.username
    #[arg(long, requires = "password_file")]
    username: Option<String>,
    /// File that holds the password, instead of registry.password_file
    #[arg(long, requires = "username")]
    password_file: Option<PathBuf>,
    /// Certificates to trust, instead of registry.ca_file
    #[arg(long)]
    ca_file: Option<PathBuf>,
    #[command(flatten)]
    chosen: Chosen,
}

/// A subject as `--json` prints it.
#[derive(Serialize)]
struct Shown<'a> {
    subject: &'a str,
    schema: &'static str,
    id: Option<u32>,
    level: Option<&'a str>,
    changes: Vec<String>,
    done: bool,
}

impl Command for Schemas {
    fn name(&self) -> &'static str {
        "schemas"
    }

    fn arguments(&self, base: clap::Command) -> clap::Command {
        Arguments::augment_args(base)
    }

    fn run(&self, matches: &ArgMatches, out: Output) -> anyhow::Result<Exit> {
        match Arguments::from_arg_matches(matches)?.action {
            Action::Check { folder } => check(&folder, out),
            Action::Plan(on) => {
                let plan = planned(&client(&on)?)?;
                show(&plan, out, false)?;
                Ok(if plan.is_empty() { Exit::Fine } else { Exit::Findings })
            }
            Action::Register(on) => register(&client(&on)?, out),
        }
    }
}

fn check(folder: &std::path::Path, out: Output) -> anyhow::Result<Exit> {
    let next = "da schemas check --folder FOLDER";
    let checked = registering::check(folder).map_err(|e| Refusal::unreachable(e.to_string(), next))?;
    for schema in &checked {
        match out.form() {
            Form::Json => out.value(schema)?,
            Form::People => {
                schema.findings.iter().try_for_each(|found| out.line(format_args!("{}: {found}", schema.schema)))?
            }
        }
    }
    let findings: usize = checked.iter().map(|schema| schema.findings.len()).sum();
    out.note(format_args!("{} schemas, {findings} findings", checked.len()));
    Ok(if findings == 0 { Exit::Fine } else { Exit::Findings })
}

fn register(client: &Client, out: Output) -> anyhow::Result<Exit> {
    let plan = planned(client)?;
    if plan.hindered() > 0 {
        show(&plan, out, false)?;
        out.note("nothing was registered: an earlier version stands in the way");
        return Ok(Exit::Findings);
    }
    let done = registering::carry_out(client, plan).map_err(refusal)?;
    show(&done, out, true)?;
    Ok(Exit::Fine)
}

fn planned(client: &Client) -> anyhow::Result<Plan> {
    registering::plan(client).map_err(refusal)
}

fn client(on: &OnRegistry) -> anyhow::Result<Client> {
    let mut settings = match &on.registry {
        Some(url) => RegistrySettings { url: url.clone(), ..RegistrySettings::default() },
        None => in_settings(on)?,
    };
    if on.username.is_some() {
        settings.username.clone_from(&on.username);
        settings.password_file.clone_from(&on.password_file);
    }
    if on.ca_file.is_some() {
        settings.ca_file.clone_from(&on.ca_file);
    }
    Ok(Client::new(&settings, Arc::new(SystemClock)).map_err(refusal)?.patient(PATIENCE))
}

fn in_settings(on: &OnRegistry) -> anyhow::Result<RegistrySettings> {
    registry_of(&on.chosen.load()?.settings.cluster).ok_or_else(|| {
        let next = "--registry URL, registry.url in the settings file, or DA__REGISTRY__URL=http://host:port/path";
        Refusal::wrong_use("no schema registry is named", next)
    })
}

fn show(plan: &Plan, out: Output, done: bool) -> anyhow::Result<()> {
    for subject in &plan.subjects {
        match out.form() {
            Form::Json => out.value(&shown(subject, done))?,
            Form::People => {
                subject.changes.iter().try_for_each(|change| out.line(format_args!("{}: {change}", subject.name)))?;
            }
        }
    }
    if plan.is_empty() && out.form() == Form::People {
        out.line(format_args!("every schema is registered, {} subjects", plan.subjects.len()))?;
    }
    Ok(())
}

fn shown(subject: &Subject, done: bool) -> Shown<'_> {
    Shown {
        subject: &subject.name,
        schema: subject.schema,
        id: subject.id,
        level: subject.level.as_deref(),
        changes: subject.changes.iter().map(ToString::to_string).collect(),
        done,
    }
}

fn refusal(error: RegistryError) -> anyhow::Error {
    let what = error.to_string();
    match error {
        RegistryError::Setting(_) => Refusal::wrong_use(what, "da schemas plan --help"),
        RegistryError::Incompatible { .. } | RegistryError::Invalid { .. } => {
            anyhow::Error::new(Refusal { exit: Exit::Findings, what, next: "da schemas plan".to_owned() })
        }
        RegistryError::Away { .. }
        | RegistryError::Unknown { .. }
        | RegistryError::Forbidden { .. }
        | RegistryError::Untrusted { .. }
        | RegistryError::Strange { .. } => {
            Refusal::unreachable(what, "--registry URL with its base path, such as http://host:8081/apis/ccompat/v7")
        }
    }
}
