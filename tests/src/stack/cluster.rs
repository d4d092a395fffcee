//! The cluster form: gep, demux and dep in the test process over Kafka, PostgreSQL and the registry.
//!
//! Place: one of the two engines of [`super::Stack`]. Each stack has a database and topics of its own on the servers
//! that the environment names; the services run as their programs do, on threads in place of processes and with the
//! clock of the test. Starts no server.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use cli::registering;
use da_model::fault::Fault;
use da_model::ids::TopicName;
use da_model::schema::Schemas;
use da_model::time::Timestamp;
use da_model::topics;
use da_runtime::app::{Drain, Listeners};
use da_runtime::clock::{ManualClock, SystemClock};
use da_runtime::cluster::{Ground, Service};
use da_runtime::commit::board::Watch;
use da_runtime::commit::status::{Lag, Status};
use da_runtime::config::Settings;
use da_runtime::io::kafka::admin::{Admin, Change};
use da_runtime::io::kafka::client::{KafkaSettings, Scope};
use da_runtime::io::kafka::sink::{KafkaSink, SinkBounds};
use da_runtime::ports::{Append, Clock};
use da_runtime::registry::client::Client;
use da_runtime::registry::{self, RegistrySettings};
use da_runtime::stop::{Phase, Stop};
use da_runtime::worker::Beside;

use super::eyes::Eyes;
use super::{Engine, Logged, PARTNER_TOPIC, appended};
use crate::cluster::database::{Database, Lite};
use crate::cluster::unique;
use crate::folder::Folder;
use crate::tables::Tables;

/// The largest record of a partner.
const LARGEST: usize = 8 << 20;
/// Between two looks.
const LOOK: Duration = Duration::from_millis(5);
const LOOKS: usize = 20_000;

type Run = fn(Service) -> Result<Drain, Fault>;
const SERVICES: [(&str, Run); 3] =
    [("gep", gep::service::run), ("demux", demux::service::run), ("dep", dep::service::run)];

/// Where the servers are.
pub(super) struct Servers {
    kafka: String,
    registry: String,
}

/// The servers that the environment names, or a line that says what was skipped.
#[expect(clippy::disallowed_methods, reason = "where the stack runs is told to tests by the environment")]
pub(super) fn servers(test: &str) -> Option<Servers> {
    let named = |name: &str| {
        let found = std::env::var(name).ok();
        if found.is_none() {
            eprintln!("skipped: {test}, because {name} names no server");
        }
        found
    };
    let (kafka, registry, _) = (named("KAFKA_BOOTSTRAP")?, named("REGISTRY_URL")?, named("DATABASE_URL")?);
    Some(Servers { kafka, registry })
}

/// The schemas are in the registry once for all stacks of the process.
fn registry_at(url: &str) -> (RegistrySettings, Schemas) {
    static READY: OnceLock<(RegistrySettings, Schemas, Folder)> = OnceLock::new();
    let (settings, schemas, _) = READY.get_or_init(|| {
        let folder = Folder::new();
        let (url, cache_dir) = (url.to_owned(), folder.path().to_owned());
        let settings = RegistrySettings { url, cache_dir, ..RegistrySettings::default() };
        let client = Client::new(&settings, Arc::new(SystemClock)).unwrap_or_else(|e| panic!("{e}"));
        let client = client.patient(Duration::from_secs(10));
        let done = registering::plan(&client).and_then(|plan| registering::carry_out(&client, plan));
        done.unwrap_or_else(|e| panic!("{e}"));
        let (schemas, _) = registry::open(&settings, Arc::new(SystemClock)).unwrap_or_else(|e| panic!("{e}"));
        (settings, schemas, folder)
    });
    (settings.clone(), schemas.clone())
}

/// Topics and tables, and the services over them.
pub(super) struct Cluster {
    // First, so that they end before what they stand on.
    processes: Option<Processes>,
    eyes: Option<Mutex<Eyes>>,
    partner: OnceLock<KafkaSink>,
    kafka: KafkaSettings,
    registry: (RegistrySettings, Schemas),
    lite: Lite,
    database: Database,
}

struct Processes {
    url: String,
    stops: Vec<Stop>,
    threads: Vec<(&'static str, Beside<Result<Drain, Fault>>)>,
    watch: Watch,
    clock: Arc<ManualClock>,
}

/// All topics of ours, and the partner's.
fn all_topics() -> Vec<TopicName> {
    topics::all().iter().map(|t| TopicName(t.name.as_str())).chain([PARTNER_TOPIC]).collect()
}

impl Cluster {
    /// Nothing runs yet, and there are no topics.
    pub(super) fn new() -> Self {
        let servers = servers("a stack on a cluster").unwrap_or_else(|| panic!("there is no cluster at hand"));
        let database = Database::migrated("a stack on a cluster").unwrap_or_else(|| panic!("there is no database"));
        let scope = Scope(format!("{}.", unique("stack")).leak());
        Self {
            processes: None,
            eyes: None,
            partner: OnceLock::new(),
            kafka: KafkaSettings { scope, record_bytes: LARGEST, ..KafkaSettings::new(servers.kafka) },
            registry: registry_at(&servers.registry),
            lite: Lite::of(&database),
            database,
        }
    }

    /// The part of the settings that names the servers.
    pub(super) fn yaml(&self) -> String {
        let (registry, _) = &self.registry;
        format!(
            "service: {{ dev: true }}\nkafka: {{ bootstrap: \"{}\" }}\npostgres: {{ url: \"{}\" }}\n\
             registry: {{ url: \"{}\", cache_dir: {:?} }}\n",
            self.kafka.bootstrap,
            self.database.url(self.database.name()),
            registry.url,
            registry.cache_dir.display().to_string(),
        )
    }

    fn make_topics(&self, partitions: u32) {
        let admin = Admin::open(&self.kafka).unwrap_or_else(|fault| panic!("{fault}"));
        let partner = Change::Create {
            topic: self.kafka.scope.topic(PARTNER_TOPIC),
            partitions,
            configs: [("max.message.bytes".to_owned(), LARGEST.to_string())].into(),
        };
        let made = admin.plan(Some(partitions)).and_then(|mut plan| {
            plan.push(partner);
            admin.apply(&plan, 1)
        });
        made.unwrap_or_else(|fault| panic!("topics: {fault}"));
    }

    fn processes(&self) -> &Processes {
        self.processes.as_ref().unwrap_or_else(|| panic!("the processes were stopped"))
    }

    fn eyes(&self) -> MutexGuard<'_, Eyes> {
        let eyes = self.eyes.as_ref().unwrap_or_else(|| panic!("nothing was ever started"));
        eyes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the groups stand once none of them has lag.
    fn drained(&self) -> Vec<Lag> {
        let (mut eyes, mut told) = (self.eyes(), Ok(Vec::new()));
        for _ in 0..LOOKS {
            told = eyes.look();
            let done = |lags: &Vec<Lag>| self.processes.is_none() || lags.iter().all(|lag| lag.next == lag.end);
            match told {
                Ok(lags) if done(&lags) => return lags,
                Ok(_) | Err(Fault::Transient(_)) => {}
                Err(fault) => panic!("{fault}"),
            }
            let threads = self.processes.iter().flat_map(|processes| &processes.threads);
            let ended: Vec<_> = threads.filter(|(_, thread)| thread.ended()).map(|(name, _)| name).collect();
            assert!(ended.is_empty(), "{ended:?} ended by themselves");
            std::thread::park_timeout(LOOK);
        }
        panic!("a group stays behind: {told:?}");
    }
}

impl Processes {
    fn start(settings: &Settings, clock: &Arc<ManualClock>, scope: Scope) -> Self {
        let listeners = Listeners::bind(settings).unwrap_or_else(|e| panic!("{e}"));
        let address = listeners.public_address().unwrap_or_else(|e| panic!("{e}"));
        let (mut listeners, watch) = (Some(listeners), Watch::default());
        let (mut stops, mut threads) = (Vec::new(), Vec::new());
        for (name, run) in SERVICES {
            let (settings, stop) = (settings.clone(), Stop::new());
            stops.push(stop.clone());
            let listeners = listeners.take_if(|_| name == "gep");
            let ground = Ground { clock: Arc::clone(clock) as _, stop, watch: watch.clone(), listeners, scope };
            let work = move || Service::open(name, settings, ground).and_then(run);
            threads.push((name, Beside::start(name, work).unwrap_or_else(|fault| panic!("{fault}"))));
        }
        Self { url: format!("http://{address}"), stops, threads, watch, clock: Arc::clone(clock) }
    }

    fn stop(self) -> anyhow::Result<()> {
        self.stops.iter().for_each(|stop| stop.raise(Phase::Leaving));
        let ended = |(name, thread): (&str, Beside<Result<Drain, Fault>>)| match thread.join() {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(fault)) | Err(fault) => Err(anyhow::anyhow!("{name}: {fault}")),
        };
        let ended: Vec<anyhow::Result<()>> = self.threads.into_iter().map(ended).collect();
        ended.into_iter().collect()
    }

    /// What the workers have shown once each of them went through its loop again: a commit is seen before it is shown.
    fn shown(&self) -> Status {
        let now = self.clock.now();
        let tick = Timestamp(now.0 + 1);
        self.clock.set(tick);
        for _ in 0..LOOKS {
            let status = self.watch.status();
            if status.alive == tick {
                self.clock.set(now);
                return status;
            }
            std::thread::park_timeout(LOOK);
        }
        panic!("a worker hangs: {:?}", self.watch.status());
    }
}

impl Engine for Cluster {
    fn start(&mut self, settings: &Settings, clock: &Arc<ManualClock>) {
        if self.eyes.is_none() {
            self.make_topics(settings.partitions);
            let groups = cli::cluster::groups(settings).unwrap_or_else(|e| panic!("{e:#}"));
            self.eyes = Some(Mutex::new(Eyes::new(&self.kafka, &all_topics(), groups, self.registry.1.clone())));
        }
        self.processes = Some(Processes::start(settings, clock, self.kafka.scope));
    }

    fn stop(&mut self) -> anyhow::Result<()> {
        self.processes.take().map_or(Ok(()), Processes::stop)
    }

    fn url(&self) -> String {
        self.processes().url.clone()
    }

    fn append(&self, records: Vec<Append>) {
        let sink = self.partner.get_or_init(|| {
            let sink = KafkaSink::open(&self.kafka, &all_topics(), SinkBounds::default());
            sink.unwrap_or_else(|fault| panic!("{fault}"))
        });
        appended(sink, records);
    }

    fn drain(&self) {
        drop(self.drained());
    }

    fn status(&self) -> Status {
        let status = self.processes().shown();
        Status { lags: self.drained(), ..status }
    }

    fn log(&self) -> Vec<Logged> {
        self.eyes().log()
    }

    fn tables(&self) -> &dyn Tables {
        &self.lite
    }
}
