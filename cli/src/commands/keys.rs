//! `da keys create|list|revoke`: the API keys of a data folder.
//!
//! Place: edits `keys.json` through da-runtime; a running `da up` takes the change over within two seconds. A secret
//! is shown once, when its key is made, and kept nowhere.

use std::path::{Path, PathBuf};

use clap::{ArgMatches, Args, FromArgMatches, Subcommand};
use da_runtime::clock::SystemClock;
use da_runtime::http::auth::{self, Key, KeysError, NewKey, Rate, Scope};
use da_runtime::ports::Clock;
use serde::Serialize;

use super::Command;
use crate::output::{Exit, Form, Output, Refusal};

/// The command.
#[derive(Debug)]
pub struct Keys;

/// API keys: create, list, revoke
#[derive(Debug, Args)]
struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a key and show it, once
    Create(Create),
    /// List keys: who may do what; no secrets
    List {
        /// Data folder
        #[arg(long, default_value = "da-data")]
        dir: PathBuf,
    },
    /// Take a key away
    Revoke {
        /// The part of the key before the dot
        id: String,
        /// Say what would happen and change nothing
        #[arg(long)]
        dry_run: bool,
        /// Data folder
        #[arg(long, default_value = "da-data")]
        dir: PathBuf,
    },
}

#[derive(Debug, Args)]
struct Create {
    /// Who sends with it
    #[arg(long)]
    partner: String,
    /// Whose data it is
    #[arg(long)]
    tenant: String,
    /// A further tenant that events may name; may be given again
    #[arg(long = "also-tenant")]
    tenants: Vec<String>,
    /// How its events are written
    #[arg(long, default_value = "gooru", value_parser = ["gooru", "native"])]
    adapter: String,
    /// What it may do; may be given again
    #[arg(long = "scope", default_values = ["ingest", "report"], value_parser = ["ingest", "validate", "report"])]
    scopes: Vec<String>,
    /// Events per second, where it differs from the settings
    #[arg(long, requires = "bytes_per_second")]
    events_per_second: Option<u32>,
    /// Bytes per second, where it differs from the settings
    #[arg(long, requires = "events_per_second")]
    bytes_per_second: Option<u32>,
    /// Data folder
    #[arg(long, default_value = "da-data")]
    dir: PathBuf,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Made<'a> {
    key: &'a str,
    id: &'a str,
    partner: &'a str,
    tenant: &'a str,
}

impl Command for Keys {
    fn name(&self) -> &'static str {
        "keys"
    }

    fn arguments(&self, base: clap::Command) -> clap::Command {
        Arguments::augment_args(base)
    }

    fn run(&self, matches: &ArgMatches, out: Output) -> anyhow::Result<Exit> {
        match Arguments::from_arg_matches(matches)?.action {
            Action::Create(asked) => create(asked, out),
            Action::List { dir } => {
                let keys = auth::list(&dir).map_err(refusal)?;
                list(&keys, out)
            }
            Action::Revoke { id, dry_run: true, dir } => rehearse(&id, &dir, out),
            Action::Revoke { id, dry_run: false, dir } => {
                auth::revoke(&dir, &id).map_err(refusal)?;
                out.note(format_args!("revoked {id}; a running process forgets it within two seconds"));
                Ok(Exit::Fine)
            }
        }
    }
}

/// What a revocation would do.
fn rehearse(id: &str, dir: &Path, out: Output) -> anyhow::Result<Exit> {
    if auth::list(dir).map_err(refusal)?.iter().any(|key| key.id == id) {
        out.line(format_args!("would revoke {id}"))?;
        return Ok(Exit::Fine);
    }
    out.line(format_args!("no key {id}"))?;
    Ok(Exit::Findings)
}

fn create(asked: Create, out: Output) -> anyhow::Result<Exit> {
    let rate = asked.events_per_second.zip(asked.bytes_per_second).map(|(events, bytes)| Rate {
        events_per_second: events,
        bytes_per_second: bytes,
        ..Rate::default()
    });
    let new = NewKey {
        partner: asked.partner,
        tenant: asked.tenant,
        tenants: asked.tenants,
        adapter: asked.adapter,
        scopes: asked.scopes.iter().filter_map(|word| Scope::from_word(word)).collect(),
        rate,
    };
    let (shown, key) = auth::create(&asked.dir, new, SystemClock.now()).map_err(refusal)?;
    if out.form() == Form::Json {
        out.value(&Made { key: &shown, id: &key.id, partner: &key.partner, tenant: &key.tenant })?;
    } else {
        out.note("this key is shown once; keep it:");
        out.line(shown)?;
    }
    Ok(Exit::Fine)
}

fn list(keys: &[Key], out: Output) -> anyhow::Result<Exit> {
    let rows: Vec<Vec<String>> = keys
        .iter()
        .map(|key| {
            let scopes: Vec<&str> = key.scopes.iter().map(|scope| scope.word()).collect();
            let tenants: Vec<&str> = [&key.tenant].into_iter().chain(&key.tenants).map(String::as_str).collect();
            let made = da_model::time::Timestamp(key.created_at).to_rfc3339();
            vec![key.id.clone(), key.partner.clone(), tenants.join(", "), key.adapter.clone(), scopes.join(", "), made]
        })
        .collect();
    out.table(&["id", "partner", "tenants", "adapter", "scopes", "created"], &rows)?;
    Ok(Exit::Fine)
}

fn refusal(error: KeysError) -> anyhow::Error {
    match error {
        KeysError::Io { .. } => Refusal::unreachable(error.to_string(), "da keys … --dir FOLDER"),
        KeysError::Malformed(..) => {
            Refusal::unreachable(error.to_string(), "restore keys.json; it is written by da keys only")
        }
        KeysError::TwoLive(_) => Refusal::wrong_use(error.to_string(), "da keys list, then da keys revoke ID"),
        KeysError::Unknown(_) => Refusal::wrong_use(error.to_string(), "da keys list"),
        KeysError::BadName(_) => Refusal::wrong_use(error.to_string(), ""),
    }
}
