//! `da up`: every service in one process on one SQLite file, until it is told to stop.
//!
//! Place: settings, telemetry, the first key, then [`crate::single`]. Knows no service.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use clap::{ArgMatches, Args, FromArgMatches};
use da_runtime::app::{self, Drain};
use da_runtime::clock::SystemClock;
use da_runtime::http::auth::{self, NewKey, Scope};
use da_runtime::ports::Clock;
use da_runtime::telemetry::trace;
use serde_json::json;

use super::Command;
use crate::cluster;
use crate::output::{Exit, Form, Output, Refusal};
use crate::settings::{Chosen, shown};
use crate::single;

/// The number of the process, for `make down`.
const PID: &str = "da.pid";

/// The command.
#[derive(Debug)]
pub struct Up;

/// Start everything in one process: HTTP intake, GEP, demux, DEP, one SQLite file
#[derive(Debug, Args)]
struct Arguments {
    #[command(flatten)]
    chosen: Chosen,
}

impl Command for Up {
    fn name(&self) -> &'static str {
        "up"
    }

    fn arguments(&self, base: clap::Command) -> clap::Command {
        Arguments::augment_args(base)
    }

    fn run(&self, matches: &ArgMatches, out: Output) -> anyhow::Result<Exit> {
        let loaded = Arguments::from_arg_matches(matches)?.chosen.load()?;
        loaded.warnings.iter().for_each(|warning| out.note(warning));
        if cluster::is_meant(&loaded.settings) {
            let next = "start gep, demux and dep with these settings, or take kafka.bootstrap out of them";
            return Err(Refusal::wrong_use("the settings name Kafka, and `da up` runs everything on one file", next));
        }
        app::install_telemetry(&loaded.settings, "da");
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let running = single::start(&loaded.settings, Arc::clone(&clock))?;
        let key = first_key(&running.dir, &*clock)?;
        running.keys.reread();
        let dir = running.dir.clone();
        fs::write(dir.join(PID), std::process::id().to_string())?;
        greet(&running, key.as_deref(), out)?;
        let drain = running.wait();
        trace::close();
        // A left-over number does no harm: `make down` asks a process of that number, which is gone.
        let _gone = fs::remove_file(dir.join(PID));
        Ok(match drain? {
            Drain::Complete => Exit::Fine,
            Drain::Cut => Exit::Interrupted,
        })
    }
}

/// A key for the first start, ready to use; none where keys exist.
///
/// # Errors
/// Where keys cannot be read or written.
pub fn first_key(dir: &Path, clock: &dyn Clock) -> anyhow::Result<Option<String>> {
    if !auth::list(dir)?.is_empty() {
        return Ok(None);
    }
    Ok(Some(auth::create(dir, new_key("demo"), clock.now())?.0))
}

/// What a first key may do: everything of one partner and tenant.
#[must_use]
pub fn new_key(name: &str) -> NewKey {
    NewKey {
        partner: name.to_owned(),
        tenant: name.to_owned(),
        tenants: Vec::new(),
        adapter: "gooru".to_owned(),
        scopes: vec![Scope::Ingest, Scope::Report],
        rate: None,
    }
}

fn greet(running: &single::Running, key: Option<&str>, out: Output) -> anyhow::Result<()> {
    let dir = shown(&running.dir);
    if out.form() == Form::Json {
        let pid = std::process::id();
        out.value(&json!({"url": running.url, "admin": running.admin_url, "dir": dir, "key": key, "pid": pid}))?;
        return Ok(());
    }
    out.line(format_args!("events   {}/v1/events   contract {}/docs", running.url, running.url))?;
    out.line(format_args!("health   {}/readyz   metrics {}/metrics", running.admin_url, running.admin_url))?;
    out.line(format_args!("data     {dir}"))?;
    match key {
        Some(key) => {
            out.line(
                "\nfirst start: this key is shown once; more with `da keys`. A request that works as it stands:\n",
            )?;
            out.line(sample_request(&running.url, key))?;
        }
        None => out.line("keys     da keys list")?,
    }
    out.note("\nstop with Ctrl-C; everything accepted is committed first");
    Ok(())
}

/// A request that works as it stands: one learner answers one question of an assessment and hands it in.
#[must_use]
pub fn sample_request(url: &str, key: &str) -> String {
    let play = |name: &str, id: &str, inside: &str| {
        format!(
            r#"{{"eventId":"try-{id}","eventName":"{name}","startTime":1795161570000,"endTime":1795161600000,"session":{{"sessionId":"try"}},"user":{{"gooruUId":"try-learner"}},"context":{{"type":"stop","classGooruId":"try-class","courseGooruId":"try-course","unitGooruId":"try-unit","lessonGooruId":"try-lesson","collectionType":"assessment",{inside}"#
        )
    };
    let answer = play(
        "collection.resource.play",
        "1",
        r#""contentGooruId":"try-question","parentGooruId":"try-item","resourceType":"question"},"payLoadObject":{"questionType":"MC","attemptStatus":"correct"}}"#,
    );
    let handed_in = play("collection.play", "2", r#""contentGooruId":"try-item"}}"#);
    format!(
        "curl -sS {url}/v1/events -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' -d '[{answer},{handed_in}]'"
    )
}
