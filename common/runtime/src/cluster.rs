//! A service on a cluster: settings → connections → workers and listeners → an ordered end.
//!
//! Place: the frame of the programs gep, demux and dep. A service names its stages and their tables; everything that
//! connects is opened here, with patience while something is away. Holds no rule about events and no loop over them.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use da_model::delivery::retry::{Reaction, reaction};
use da_model::fault::{Cause, Fault};
use da_model::ids::TopicName;
use da_model::names::LogEvent;
use da_model::schema::Schemas;
use da_model::state::Table;

use crate::app::{self, App, Drain, Listeners};
use crate::clock::SystemClock;
use crate::commit::GroupProtocol;
use crate::commit::board::{Board, Watch};
use crate::commit::held::Pace;
use crate::commit::kafka_txn::{self, KafkaTxn};
use crate::commit::sql_txn::{SqlOptions, SqlTxn};
use crate::config::cluster::{self, Cluster};
use crate::config::{Settings, load};
use crate::group::Group;
use crate::http::auth::KeyRing;
use crate::http::health::{Condition, Health};
use crate::io::kafka::client::{KafkaSettings, Sasl, Scope, Secret, Security};
use crate::io::kafka::member::{KafkaMember, MemberKind, MemberOptions};
use crate::io::kafka::sink::{KafkaSink, SinkBounds};
use crate::io::sql::Migration;
use crate::io::sql::postgres::{PostgresSettings, PostgresStore, StoreOptions};
use crate::passthrough::{self, Shape};
use crate::ports::{Clock, Member as _};
use crate::registry::{self, RegistrySettings};
use crate::stage::{DriverOptions, Stage};
use crate::stop::{Phase, Stop};
use crate::telemetry::{log, trace};
use crate::tls;
use crate::vigil;
use crate::worker::{Beside, Worker};

/// How long records on their way may take once no request is left.
const FLUSH: Duration = Duration::from_secs(8);

/// Between two questions to brokers that the edge writes to.
const CONTACT: Duration = Duration::from_secs(2);
/// How long the end of everything may take once no request is left: a worker that waits for brokers is left behind, and
/// what it was about is done by the next owner of its partitions.
const DRAIN: Duration = Duration::from_secs(30);

/// How long a step may take: the cadence of transactions under load (performance.md §3). Where nothing waits, a batch is
/// what has come.
const STEP_MS: i64 = 100;
/// The least of a full step: a transaction takes its time however few records it holds, and smaller ones take it more
/// often.
const LEAST_RECORDS: usize = 1_000;

/// What a stage keeps in the database.
#[derive(Debug, Clone, Default)]
pub struct Tables {
    /// The tables it reads or writes.
    pub tables: Vec<&'static Table>,
    /// Shared ones of which every row is fed by one partition here.
    pub alone: Vec<&'static Table>,
    /// The migrations that make them, by name.
    pub migrations: &'static [(&'static str, &'static str)],
}

/// What a service stands on besides its settings; a trial of one brings its own.
pub struct Ground {
    /// The one clock.
    pub clock: Arc<dyn Clock>,
    /// Raised where it is to end without a signal.
    pub stop: Stop,
    /// Every worker from its start on.
    pub watch: Watch,
    /// The ports, where they are open already.
    pub listeners: Option<Listeners>,
    /// Its names on the brokers.
    pub scope: Scope,
}

impl Default for Ground {
    fn default() -> Self {
        let (stop, watch, scope) = (Stop::new(), Watch::default(), Scope::default());
        Self { clock: Arc::new(SystemClock), stop, watch, listeners: None, scope }
    }
}

/// A service that is being started.
pub struct Service {
    name: &'static str,
    /// Its settings.
    pub settings: Settings,
    /// How its stages run.
    pub driver: DriverOptions,
    /// The one clock.
    pub clock: Arc<dyn Clock>,
    kafka: KafkaSettings,
    stop: Stop,
    watch: Watch,
    listeners: Option<Listeners>,
    groups: Vec<Group>,
    sink: Option<Arc<KafkaSink>>,
}

/// The program of a service: reads its settings, runs it, ends with an exit code: 0 done, 2 wrong settings, 3 something
/// needed is unreachable or refuses, 4 stopped before everything in flight was answered.
pub fn main(name: &'static str, run: impl FnOnce(Service) -> Result<Drain, Fault>) -> ExitCode {
    tls::install();
    let arguments = load::arguments();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let file = match words.as_slice() {
        [] => None,
        ["--settings", file] => Some(Path::new(*file)),
        ["--version"] => return said(&format!("{name} {}", env!("CARGO_PKG_VERSION"))),
        ["--help" | "-h"] => return said(&help(name)),
        _ => {
            complain(&help(name));
            return ExitCode::from(2);
        }
    };
    let loaded = match load::load(file) {
        Ok(loaded) => loaded,
        Err(findings) => {
            findings.iter().for_each(|finding| complain(&finding.to_string()));
            return ExitCode::from(2);
        }
    };
    loaded.warnings.iter().for_each(|warning| complain(&warning.to_string()));
    app::install_telemetry(&loaded.settings, name);
    let ended = Service::open(name, loaded.settings, Ground::default()).and_then(run);
    trace::close();
    match ended {
        Ok(Drain::Complete) => ExitCode::SUCCESS,
        Ok(Drain::Cut) => ExitCode::from(4),
        Err(fault) => {
            log::error(LogEvent::Ended, &[("cause", &fault)]);
            complain(&format!("{name}: {fault}"));
            ExitCode::from(3)
        }
    }
}

fn help(name: &str) -> String {
    format!(
        "usage: {name} [--settings FILE]\n\nRuns the service {name} of gooru-da on Kafka. Settings come from FILE \
         (da.yaml if it is there) and from variables DA__…; `da validate FILE` checks them, and \
         deploy/settings/full.yaml names every key.\nExit codes: 0 done, 2 wrong settings, 3 something needed is \
         unreachable or refuses, 4 cut short."
    )
}

fn said(text: &str) -> ExitCode {
    use std::io::Write as _;
    match writeln!(std::io::stdout(), "{text}") {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn complain(text: &str) {
    use std::io::Write as _;
    // A closed standard error has no other place to be told of.
    drop(writeln!(std::io::stderr(), "{text}"));
}

impl Service {
    /// Reads secrets and finds the ids of the schemas.
    ///
    /// # Errors
    /// [`Fault::Fatal`] where the settings name no cluster, or something refuses.
    pub fn open(name: &'static str, settings: Settings, ground: Ground) -> Result<Self, Fault> {
        let fatal = |told: &str| Fault::Fatal(Cause::new(format!("start of {name}"), told));
        if settings.cluster.kafka.bootstrap.is_empty() {
            return Err(fatal("kafka.bootstrap is empty; set it, or use `da up` for one machine without Kafka"));
        }
        let Ground { clock, stop, watch, listeners, scope } = ground;
        let kafka = KafkaSettings { scope, ..kafka_of(&settings.cluster)? };
        let (schemas, translator) = match registry_of(&settings.cluster) {
            None => (Schemas::embedded(), None),
            Some(registry) => {
                let opened = patiently(&stop, || Ok(registry::open(&registry, Arc::clone(&clock))?))?;
                (opened.0, Some(Arc::new(opened.1)))
            }
        };
        let max_records = settings.cluster.kafka.batch_records;
        let base = DriverOptions::new(Arc::clone(&clock));
        let least_records = max_records.min(LEAST_RECORDS);
        let driver = DriverOptions { max_records, least_records, max_ms: STEP_MS, schemas, translator, ..base };
        Ok(Self { name, settings, driver, clock, kafka, stop, watch, listeners, groups: Vec::new(), sink: None })
    }

    /// Whether a role runs in this process; none named means all.
    #[must_use]
    pub fn plays(&self, role: &str) -> bool {
        let roles = &self.settings.cluster.service.roles;
        roles.is_empty() || roles.iter().any(|r| r == role)
    }

    /// Runs a stage that keeps nothing: one group member per thread, `kafka_txn`.
    ///
    /// # Errors
    /// A [`Fault`] that does not pass.
    pub fn stateless(&mut self, stage: impl Fn() -> Box<dyn Stage>) -> Result<(), Fault> {
        let shape = self.shape(&[])?;
        let (name, pace) = (self.name, self.pace());
        self.threads((stage, shape), |_, member| {
            kafka_txn::fits(name, |topic| member.partitions(topic))?;
            Ok(Box::new(KafkaTxn::new(Box::new(member)).paced(pace)))
        })
    }

    /// Runs a stage with tables: one group member and one connection per thread, `sql_txn`.
    ///
    /// # Errors
    /// A [`Fault`] that does not pass.
    pub fn stateful(&mut self, stage: impl Fn() -> Box<dyn Stage>, tables: &Tables) -> Result<(), Fault> {
        let settings = postgres_of(&self.settings.cluster)?;
        let threads = usize::try_from(self.settings.cluster.service.threads).unwrap_or(1).max(1);
        let cache_bytes = self.settings.cache_bytes / threads;
        let (stop, pace) = (self.stop.clone(), self.pace());
        let shape = self.shape(&tables.tables)?;
        self.threads((stage, shape), |(group, owner), member| {
            let migrations = tables.migrations.iter().map(|(name, sql)| Migration { name, sql });
            let runtime = crate::io::sql::RUNTIME_POSTGRES.iter().copied();
            let mut store = PostgresStore::new(StoreOptions {
                settings: settings.clone(),
                group,
                owner,
                tables: tables.tables.clone(),
                alone: tables.alone.clone(),
                migrations: runtime.chain(migrations).collect(),
            })?;
            patiently(&stop, || store.check())?;
            let options = SqlOptions { cache_bytes, pace, ..SqlOptions::default() };
            Ok(Box::new(SqlTxn::new(Box::new(member), Box::new(store), options)))
        })
    }

    fn pace(&self) -> Pace {
        Pace { wait: Duration::from_millis(self.settings.cluster.kafka.batch_wait_ms), bytes: self.kafka.batch_bytes }
    }

    /// What a benchmark has copied in place of deciding.
    fn shape(&self, tables: &[&'static Table]) -> Result<Option<Arc<Shape>>, Fault> {
        let Some(file) = &self.settings.cluster.bench.copy else { return Ok(None) };
        let text = load::text("bench.copy", file)?;
        Ok(Some(Arc::new(Shape::read(&text, tables)?)))
    }

    fn threads(
        &mut self,
        (stage, shape): (impl Fn() -> Box<dyn Stage>, Option<Arc<Shape>>),
        protocol: impl Fn((&'static str, String), KafkaMember) -> Result<Box<dyn GroupProtocol>, Fault>,
    ) -> Result<(), Fault> {
        for thread in 0..self.settings.cluster.service.threads {
            let mut stage = stage();
            if let Some(shape) = &shape {
                let max_records = self.driver.max_records;
                stage = passthrough::stage((stage.name(), stage.topics()), Arc::clone(shape), max_records);
            }
            let slot = format!("{}-{thread}", self.settings.cluster.service.slot);
            let base = MemberOptions::new(self.kafka.clone(), stage.name(), slot.clone(), Arc::clone(&self.clock));
            let kind = kind_of(&self.settings.cluster.bench);
            let options = MemberOptions { topics: stage.topics().to_vec(), service: self.name, kind, ..base };
            let member = patiently(&self.stop, || KafkaMember::open(&options))?;
            let protocol = protocol((stage.name(), format!("{}-{slot}", self.name)), member)?;
            let board = Board::default();
            self.watch.add(board.clone());
            self.groups.push(Group::new(stage, protocol, board, Arc::clone(&self.clock)));
        }
        Ok(())
    }

    /// The writing side for the HTTP edge.
    ///
    /// # Errors
    /// A [`Fault`] that does not pass.
    pub fn sink(&mut self, topics: &[TopicName]) -> Result<Arc<KafkaSink>, Fault> {
        let sink = patiently(&self.stop, || KafkaSink::open(&self.kafka, topics, SinkBounds::default()))?;
        let sink = Arc::new(sink);
        self.sink = Some(Arc::clone(&sink));
        Ok(sink)
    }

    /// Serves until a signal or a fault, then ends in order: requests, records on their way, workers.
    ///
    /// # Errors
    /// What ended a worker or a listener badly.
    pub fn run(self, public: Option<(Router, Arc<KeyRing>)>) -> Result<Drain, Fault> {
        let Self { name, settings, clock, stop, watch, listeners, groups, sink, .. } = self;
        let fatal = |told: &dyn std::fmt::Display| Fault::Fatal(Cause::new(format!("listeners of {name}"), told));
        let bound = match listeners {
            Some(open) => Ok(open),
            None if public.is_some() => Listeners::bind(&settings),
            None => Listeners::bind_admin(&settings),
        };
        let listeners = bound.map_err(|e| fatal(&e))?;
        let health = Health::default();
        let vigil = vigil::start((watch, "cluster"), health.clone(), clock, stop.clone())?;
        if let Some(sink) = &sink {
            watch_log(Arc::clone(sink), health.clone(), stop.clone())?;
        }
        let workers = groups.into_iter().map(|group| Worker::group(group, stop.clone()));
        let workers: Vec<Worker> = workers.collect::<Result<_, _>>()?;
        let served = app::run(App { listeners, public, health, stop: stop.clone() }, &settings).map_err(|e| fatal(&e));
        stop.raise(Phase::Draining);
        let flushed = sink.is_none_or(|sink| {
            sink.drain();
            sink.flush(FLUSH)
        });
        let ended = Worker::join_all(workers, DRAIN.saturating_sub(FLUSH));
        vigil.join()?;
        match ended {
            Some(Ok(())) if flushed => served,
            Some(Ok(()) | Err(Fault::Transient(_))) | None => served.map(|_| Drain::Cut),
            Some(Err(fault)) => Err(fault),
        }
    }
}

/// Whether the edge's records find a broker, told on a thread that ends with the process: a question may take as long as
/// brokers are silent.
fn watch_log(sink: Arc<KafkaSink>, health: Health, stop: Stop) -> Result<(), Fault> {
    let work = move || {
        while !stop.is(Phase::Draining) {
            health.report("log", sink.contact().map_or_else(Condition::Waiting, |()| Condition::Good));
            // Nobody wakes this thread: it looks every now and then.
            std::thread::park_timeout(CONTACT);
        }
    };
    Beside::start("log", work).map(drop)
}

const fn kind_of(bench: &cluster::Bench) -> MemberKind {
    match (bench.at_least_once, bench.copy.is_some()) {
        (true, _) => MemberKind::AtLeastOnce,
        (false, true) => MemberKind::Copying,
        (false, false) => MemberKind::ExactlyOnce,
    }
}

/// Does something until it works: what is away may come back, what refuses will not.
fn patiently<T>(stop: &Stop, mut attempt: impl FnMut() -> Result<T, Fault>) -> Result<T, Fault> {
    for attempts in 0.. {
        let fault = match attempt() {
            Ok(done) => return Ok(done),
            Err(fault) => fault,
        };
        match reaction(&fault, attempts) {
            Reaction::Again { after_ms } if !stop.is(Phase::Leaving) => {
                log::warn(LogEvent::WaitingForStart, &[("cause", &fault)]);
                // Nobody wakes this thread: the start goes on when what it needs is there.
                std::thread::park_timeout(Duration::from_millis(after_ms));
            }
            Reaction::Again { .. } | Reaction::Split | Reaction::Forget | Reaction::Stop => return Err(fault),
        }
    }
    Err(Fault::Fatal(Cause::new("start", "the attempts are used up")))
}

/// The settings of Kafka with the secrets read.
///
/// # Errors
/// [`Fault::Fatal`] where a secret's file cannot be read.
pub fn kafka_of(cluster: &Cluster) -> Result<KafkaSettings, Fault> {
    let raw = &cluster.kafka;
    let sasl = match (&raw.sasl.username, &raw.sasl.password_file) {
        (Some(username), Some(file)) => Some(Sasl {
            mechanism: raw.sasl.mechanism.clone(),
            username: username.clone(),
            password: Secret(load::secret("kafka.sasl.password_file", file)?),
        }),
        (None, _) | (_, None) => None,
    };
    let security = match raw.security {
        cluster::Security::Plaintext => Security::Plaintext,
        cluster::Security::Ssl => Security::Ssl,
        cluster::Security::SaslPlaintext => Security::SaslPlaintext,
        cluster::Security::SaslSsl => Security::SaslSsl,
    };
    Ok(KafkaSettings {
        security,
        sasl,
        ca_file: raw.tls.ca_file.clone(),
        certificate_file: raw.tls.certificate_file.clone(),
        key_file: raw.tls.key_file.clone(),
        dev: cluster.service.dev,
        session_timeout: Duration::from_millis(raw.session_timeout_ms),
        transaction_timeout: Duration::from_millis(raw.transaction_timeout_ms),
        batch_bytes: usize::try_from(raw.batch_bytes.0).unwrap_or(usize::MAX),
        ..KafkaSettings::new(raw.bootstrap.clone())
    })
}

/// The settings of PostgreSQL with the secret read.
///
/// # Errors
/// [`Fault::Fatal`] where there are none, or the secret's file cannot be read.
pub fn postgres_of(cluster: &Cluster) -> Result<PostgresSettings, Fault> {
    let raw = &cluster.postgres;
    if raw.url.is_empty() {
        let told = "postgres.url is empty; this service keeps its state in PostgreSQL";
        return Err(Fault::Fatal(Cause::new("settings of the database", told)));
    }
    let password = raw.password_file.as_ref().map(|file| load::secret("postgres.password_file", file)).transpose()?;
    let (url, ca_file, dev) = (raw.url.clone(), raw.ca_file.clone(), cluster.service.dev);
    Ok(PostgresSettings { url, password, ca_file, dev })
}

/// Where the registry is, if the settings name one.
#[must_use]
pub fn registry_of(cluster: &Cluster) -> Option<RegistrySettings> {
    let raw = &cluster.registry;
    let named = !raw.url.is_empty();
    named.then(|| RegistrySettings {
        url: raw.url.clone(),
        ca_file: raw.ca_file.clone(),
        username: raw.username.clone(),
        password_file: raw.password_file.clone(),
        cache_dir: raw.cache_dir.clone(),
    })
}
