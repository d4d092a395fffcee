//! `da migrate`: brings the tables of PostgreSQL up to date, forward only.
//!
//! Place: run by the deployment with the owner's role; services only look. SQLite migrates itself at start.

use clap::{ArgMatches, Args, FromArgMatches};
use da_runtime::io::sql::postgres::Connection;
use da_runtime::io::sql::postgres::migrate;
use serde_json::json;

use super::Command;
use crate::cluster;
use crate::output::{Exit, Form, Output};
use crate::settings::Chosen;

/// The command.
#[derive(Debug)]
pub struct Migrate;

/// Bring the tables of PostgreSQL up to date; forward only
#[derive(Debug, Args)]
struct Arguments {
    /// Say what is missing, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    chosen: Chosen,
}

impl Command for Migrate {
    fn name(&self) -> &'static str {
        "migrate"
    }

    fn arguments(&self, base: clap::Command) -> clap::Command {
        Arguments::augment_args(base)
    }

    fn run(&self, matches: &ArgMatches, out: Output) -> anyhow::Result<Exit> {
        let arguments = Arguments::from_arg_matches(matches)?;
        let settings = arguments.chosen.load()?.settings;
        let (postgres, plan) = (cluster::postgres(&settings)?, cluster::plan());
        let place = postgres.place();
        if arguments.dry_run {
            let mut connection = Connection::of_command(postgres).map_err(cluster::unanswered)?;
            let standing = migrate::standing(&mut connection, &plan.migrations).map_err(cluster::unanswered)?;
            tell(out, (&place, "missing"), &standing.missing)?;
            return Ok(if standing.missing.is_empty() { Exit::Fine } else { Exit::Findings });
        }
        let applied = migrate::migrate(postgres, &plan).map_err(cluster::unanswered)?;
        tell(out, (&place, "applied"), &applied)?;
        Ok(Exit::Fine)
    }
}

fn tell(out: Output, (place, word): (&str, &str), names: &[&str]) -> anyhow::Result<()> {
    if out.form() == Form::Json {
        out.value(&json!({"database": place, word: names}))?;
        return Ok(());
    }
    names.iter().try_for_each(|name| out.line(format!("{word} {name}")))?;
    if names.is_empty() {
        out.line(format!("{place} is up to date"))?;
    }
    Ok(())
}
