//! The one process: every stage over one SQLite file, with its listeners.
//!
//! Place: `da up` and `da demo` start it, tests start it with a clock of their own. Puts ports together and hands them
//! to the services; holds no rule about events and no loop.

use std::path::PathBuf;
use std::sync::Arc;

use da_model::ids::UnitName;
use da_model::topology::{self, Edge, Flaw, Topology};
use da_runtime::app::{self, App, AppError, Drain, Listeners};
use da_runtime::commit::embedded_txn::{Embedded, EmbeddedOptions, Migration, OpenError, Watch};
use da_runtime::config::Settings;
use da_runtime::driver::{DriverOptions, Stage};
use da_runtime::http::auth::KeyRing;
use da_runtime::http::health::Health;
use da_runtime::ports::{Clock, Sink};
use da_runtime::stop::{Phase, Stop};
use da_runtime::vigil;
use da_runtime::worker::{Beside, Worker};
use gep::service::ingest;

use crate::output::Refusal;

/// The running process.
pub struct Running {
    /// Where partners post: `http://127.0.0.1:8080`.
    pub url: String,
    /// Health and metrics.
    pub admin_url: String,
    /// The data folder.
    pub dir: PathBuf,
    /// The writing side of the log, for tests and partners' topics.
    pub sink: Arc<dyn Sink>,
    /// Counts, positions and lag as of the last commit.
    pub watch: Watch,
    /// The keys in force; ask it to read again where a new key must work at once.
    pub keys: Arc<KeyRing>,
    /// The stop token.
    pub stop: Stop,
    serving: Beside<Result<Drain, AppError>>,
    vigil: Beside<()>,
    worker: Worker,
}

/// Starts everything; returns when both listeners answer.
///
/// # Errors
/// A refusal in plain words: a folder in use or not writable, a port that is taken, a topology with a flaw.
pub fn start(settings: &Settings, clock: Arc<dyn Clock>) -> anyhow::Result<Running> {
    check_topology(settings)?;
    let partner_topics = ingest::partner_topics(settings);
    let options = EmbeddedOptions {
        partitions: settings.partitions,
        cache_bytes: settings.cache_bytes,
        partner_topics: partner_topics.iter().map(|topic| topic.topic).collect(),
        ..options(settings, Arc::clone(&clock))
    };
    let embedded = Embedded::open(options).map_err(|error| refused(&error))?;
    let listeners = Listeners::bind(settings).map_err(|error| taken(&error))?;
    let stages = stages(settings, Arc::clone(&clock), partner_topics)?;
    let keys = Arc::new(KeyRing::open(&settings.dir, settings.http.rate)?);
    let (sink, watch, stop, health) = (embedded.sink(), embedded.watch(), Stop::new(), Health::default());
    let (url, admin_url) = (listeners.public_address()?, listeners.admin_address()?);
    let ports = ingest::IngestPorts::new(settings, Arc::clone(&sink), Arc::clone(&clock), Arc::clone(&keys));
    let public = ingest::router(ports);
    let public = Some((public, Arc::clone(&keys)));
    let app = App { listeners, public, health: health.clone(), stop: stop.clone() };
    let worker = Worker::start(embedded, stages, stop.clone())?;
    let vigil = vigil::start((watch.clone(), "embedded_txn"), health, clock, stop.clone())?;
    let serving = serve(app, settings.clone(), stop.clone())?;
    let (url, admin_url) = (format!("http://{url}"), format!("http://{admin_url}"));
    Ok(Running { url, admin_url, dir: settings.dir.clone(), sink, watch, keys, stop, serving, vigil, worker })
}

/// The listeners on a thread of their own; whatever ends them ends the process.
fn serve(app: App, settings: Settings, stop: Stop) -> anyhow::Result<Beside<Result<Drain, AppError>>> {
    let work = move || {
        let ended = app::run(app, &settings);
        stop.raise(Phase::Draining);
        ended
    };
    Ok(Beside::start("listeners", work)?)
}

impl Running {
    /// Asks for a stop and waits until everything accepted is committed.
    ///
    /// # Errors
    /// What ended the pipeline or the listeners badly.
    pub fn stop(self) -> anyhow::Result<Drain> {
        self.stop.raise(Phase::Leaving);
        self.wait()
    }

    /// Waits for a signal, or for a fault, and for the end of everything.
    ///
    /// # Errors
    /// What ended the pipeline or the listeners badly.
    pub fn wait(self) -> anyhow::Result<Drain> {
        let drain = self.serving.join()?;
        self.vigil.join()?;
        self.worker.join()?;
        Ok(drain?)
    }

    /// Waits until every group has read everything, or the process stops.
    pub fn settle(&self) {
        while self.watch.status().lag() > 0 && !self.stop.is(Phase::Draining) {
            // Nobody wakes this thread: it looks every now and then.
            std::thread::park_timeout(std::time::Duration::from_millis(20));
        }
    }
}

/// The engine's options of these settings: every table and migration of the services.
#[must_use]
pub fn options(settings: &Settings, clock: Arc<dyn Clock>) -> EmbeddedOptions {
    let migrations = gep::tables::MIGRATIONS.iter().chain(dep::migrations::MIGRATIONS);
    EmbeddedOptions {
        tables: gep::tables::all().into_iter().chain(dep::tables::tables()).collect(),
        migrations: migrations.map(|(name, sql)| Migration { name, sql }).collect(),
        ..EmbeddedOptions::new(settings.dir.clone(), clock)
    }
}

/// The stages in topology order: intake of partner topics, gep, demux, dep.
///
/// # Errors
/// A processor that is not known, or is in two groups.
pub fn stages(
    settings: &Settings,
    clock: Arc<dyn Clock>,
    partner_topics: Vec<gep::intake::PartnerTopic>,
) -> anyhow::Result<Vec<Box<dyn Stage>>> {
    let driver = DriverOptions::new(clock);
    let mut stages = gep::service::stages(settings, &driver, partner_topics);
    let demux = demux::service::stages(&demux::settings::Settings::default(), &driver);
    stages.extend(demux.map_err(|name| Refusal::wrong_use(format!("no metric is named `{name}`"), ""))?);
    stages.extend(dep::service::stages(&dep::service::groups_of(settings), &driver)?);
    Ok(stages)
}

/// The ways of records through every unit that these settings run.
///
/// # Errors
/// A processor that is not known, or is in two groups.
pub fn topology_of(settings: &Settings) -> anyhow::Result<Topology> {
    let (accepted, usage) = (gep::pipeline::ACCEPTED, gep::pipeline::USAGE);
    let mut edges = vec![Edge { from: accepted, unit: UnitName("gep"), to: usage }];
    for metric in demux::metrics::METRICS {
        let unit = UnitName(metric.name());
        edges.extend(metric.objects().iter().map(|object| Edge { from: usage, unit, to: object.topic }));
    }
    let mut read = Vec::new();
    let groups = dep::service::groups_of(settings).chosen()?;
    for processor in groups.iter().flat_map(|(_, processors)| processors) {
        let unit = UnitName(processor.name());
        for link in processor.links() {
            read.push(link.consumes);
            edges.extend(link.emits.iter().map(|to| Edge { from: link.consumes, unit, to: *to }));
        }
    }
    Ok(Topology::new(edges, &[accepted]).reading(read))
}

/// Judges the topology of these settings: what it looks like, in one phrase. Topics that a part of the units leaves
/// unread are no flaw here: another process may read them.
///
/// # Errors
/// A cycle, or a topic that is not listed.
pub fn check_topology(settings: &Settings) -> anyhow::Result<String> {
    let topology = topology_of(settings)?;
    let flaws: Vec<String> = topology
        .flaws()
        .iter()
        .filter(|flaw| matches!(flaw, Flaw::Cycle(_) | Flaw::Unlisted(..)))
        .map(ToString::to_string)
        .collect();
    if flaws.is_empty() {
        return Ok(format!("longest way {}", topology::shown(&topology.longest())));
    }
    Err(Refusal::wrong_use(format!("the topology is refused: {}", flaws.join("; ")), "da graph"))
}

fn refused(error: &OpenError) -> anyhow::Error {
    let next = match error {
        OpenError::InUse(_) => "da up --dir ANOTHER, or make down",
        OpenError::Folder { .. } => "da up --dir FOLDER, one that you may write to",
        OpenError::Database(_) => "look at the space on the disk and at the rights of the file",
    };
    Refusal::unreachable(error.to_string(), next)
}

fn taken(error: &AppError) -> anyhow::Error {
    Refusal::unreachable(error.to_string(), "DA__HTTP__LISTEN=127.0.0.1:0 takes any free port")
}
