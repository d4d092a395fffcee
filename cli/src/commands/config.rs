//! `da config schema|show`: every setting there is, and every setting in force with its origin.
//!
//! Place: prints what `da_runtime::config` knows. Changes nothing and starts nothing.

use clap::{ArgMatches, Args, FromArgMatches, Subcommand};
use da_runtime::config;
use da_runtime::config::raw::Raw;
use serde_json::{Map, Value, json};

use super::Command;
use crate::output::{Exit, Form, Output};
use crate::settings::Chosen;

/// The command.
#[derive(Debug)]
pub struct Config;

/// Settings: the schema for editors, the values in force
#[derive(Debug, Args)]
struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print a JSON Schema of the settings file
    Schema,
    /// Print every setting in force, with its origin
    Show(Chosen),
}

impl Command for Config {
    fn name(&self) -> &'static str {
        "config"
    }

    fn arguments(&self, base: clap::Command) -> clap::Command {
        Arguments::augment_args(base)
    }

    fn run(&self, matches: &ArgMatches, out: Output) -> anyhow::Result<Exit> {
        match Arguments::from_arg_matches(matches)?.action {
            Action::Schema => out.line(serde_json::to_string_pretty(&schema()?)?)?,
            Action::Show(chosen) => show(&chosen, out)?,
        }
        Ok(Exit::Fine)
    }
}

fn show(chosen: &Chosen, out: Output) -> anyhow::Result<()> {
    let loaded = chosen.load()?;
    for warning in &loaded.warnings {
        out.note(warning);
    }
    if out.form() == Form::Json {
        for setting in &loaded.effective {
            out.value(&json!({"key": setting.key, "value": setting.value, "origin": setting.origin}))?;
        }
        return Ok(());
    }
    out.line(config::show(&loaded.effective).trim_end())?;
    Ok(())
}

/// The schema, made from the defaults: editors complete keys and show what holds if a key is left out.
///
/// # Errors
/// Never in practice: settings are plain JSON.
pub fn schema() -> anyhow::Result<Value> {
    let mut schema = described("da", &serde_json::to_value(Raw::default())?);
    if let Some(top) = schema.as_object_mut() {
        top.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        top.insert("title".to_owned(), json!("da.yaml"));
    }
    Ok(schema)
}

fn described(key: &str, default: &Value) -> Value {
    match default {
        Value::Object(fields) if free_names(key) => json!({"type": "object", "default": fields}),
        Value::Object(fields) => {
            let inner: Map<String, Value> =
                fields.iter().map(|(name, value)| (name.clone(), described(name, value))).collect();
            json!({"type": "object", "properties": inner, "additionalProperties": false})
        }
        Value::Number(_) if key == "bytes" || key.ends_with("_bytes") || key == "bytes_per_second" => {
            json!({"type": ["integer", "string"], "default": default})
        }
        Value::Number(_) => json!({"type": "integer", "default": default}),
        Value::Bool(_) => json!({"type": "boolean", "default": default}),
        Value::String(_) => json!({"type": "string", "default": default}),
        Value::Array(_) => json!({"type": "array", "default": default}),
        Value::Null => json!({"type": ["string", "null"], "default": null}),
    }
}

/// Groups whose members are named by the site.
fn free_names(key: &str) -> bool {
    matches!(key, "partners" | "groups")
}
