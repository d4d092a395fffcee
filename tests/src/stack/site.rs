//! What a cluster form stands on: topics, a database and schema ids of its own on the servers that are at hand.
//!
//! Place: below [`super::cluster`] and [`crate::lineup`], which run the services over it. Starts no server and no
//! service; whoever else works on the same servers is not met.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use cli::registering;
use da_model::fault::Fault;
use da_model::ids::TopicName;
use da_model::schema::Schemas;
use da_model::topics;
use da_runtime::clock::SystemClock;
use da_runtime::commit::status::Lag;
use da_runtime::config::Settings;
use da_runtime::io::kafka::admin::{Admin, Change};
use da_runtime::io::kafka::client::{KafkaSettings, Scope};
use da_runtime::io::kafka::sink::{KafkaSink, SinkBounds};
use da_runtime::ports::Append;
use da_runtime::registry::client::Client;
use da_runtime::registry::{self, RegistrySettings};

use super::eyes::Eyes;
use super::{Logged, PARTNER_TOPIC, appended};
use crate::cluster::database::{Database, Lite};
use crate::cluster::unique;
use crate::folder::Folder;

/// The largest record of a partner.
const LARGEST: usize = 8 << 20;

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

/// The ids of our schemas, which are registered once for all sites of the process.
fn registered(url: &str, folder: &Path) -> Schemas {
    static READY: OnceLock<Schemas> = OnceLock::new();
    let schemas = READY.get_or_init(|| {
        let (url, cache_dir) = (url.to_owned(), folder.to_owned());
        let settings = RegistrySettings { url, cache_dir, ..RegistrySettings::default() };
        let client = Client::new(&settings, Arc::new(SystemClock)).unwrap_or_else(|e| panic!("{e}"));
        let client = client.patient(Duration::from_secs(10));
        let done = registering::plan(&client).and_then(|plan| registering::carry_out(&client, plan));
        done.unwrap_or_else(|e| panic!("{e}"));
        registry::open(&settings, Arc::new(SystemClock)).unwrap_or_else(|e| panic!("{e}")).0
    });
    schemas.clone()
}

/// All topics of ours, and the partner's.
fn all_topics() -> Vec<TopicName> {
    topics::all().iter().map(|t| TopicName(t.name.as_str())).chain([PARTNER_TOPIC]).collect()
}

/// Topics, tables and ids of one pipeline.
pub(crate) struct Site {
    /// How to reach its topics.
    pub(crate) kafka: KafkaSettings,
    /// The ids that its records are written with.
    pub(crate) schemas: Schemas,
    /// Its tables, to be asked.
    pub(crate) lite: Lite,
    /// Its tables.
    pub(crate) database: Database,
    registry: (String, Folder),
    eyes: OnceLock<Mutex<Eyes>>,
    partner: OnceLock<KafkaSink>,
}

impl Site {
    /// A database and the schemas; there are no topics yet.
    pub(crate) fn new() -> Self {
        let servers = servers("a stack on a cluster").unwrap_or_else(|| panic!("there is no cluster at hand"));
        let database = Database::migrated("a stack on a cluster").unwrap_or_else(|| panic!("there is no database"));
        let (scope, folder) = (Scope(format!("{}.", unique("stack")).leak()), Folder::new());
        Self {
            kafka: KafkaSettings { scope, ..KafkaSettings::new(servers.kafka) },
            schemas: registered(&servers.registry, folder.path()),
            lite: Lite::of(&database),
            database,
            registry: (servers.registry, folder),
            eyes: OnceLock::new(),
            partner: OnceLock::new(),
        }
    }

    /// The part of the settings that names the servers.
    pub(crate) fn yaml(&self) -> String {
        let (url, folder) = &self.registry;
        format!(
            "service: {{ dev: true }}\nkafka: {{ bootstrap: \"{}\" }}\npostgres: {{ url: \"{}\" }}\n\
             registry: {{ url: \"{url}\", cache_dir: {:?} }}\n",
            self.kafka.bootstrap,
            self.database.url(self.database.name()),
            folder.path().display().to_string(),
        )
    }

    /// Makes the topics, unless they are there.
    pub(crate) fn make_topics(&self, settings: &Settings) {
        self.eyes.get_or_init(|| {
            let admin = Admin::open(&self.kafka).unwrap_or_else(|fault| panic!("{fault}"));
            let partner = Change::Create {
                topic: self.kafka.scope.topic(PARTNER_TOPIC),
                partitions: settings.partitions,
                configs: [("max.message.bytes".to_owned(), LARGEST.to_string())].into(),
            };
            let made = admin.plan(Some(settings.partitions)).and_then(|mut plan| {
                plan.push(partner);
                admin.apply(&plan, 1)
            });
            made.unwrap_or_else(|fault| panic!("topics: {fault}"));
            let groups = cli::cluster::groups(settings).unwrap_or_else(|e| panic!("{e:#}"));
            Mutex::new(Eyes::new(&self.kafka, &all_topics(), groups, self.schemas.clone()))
        });
    }

    fn eyes(&self) -> MutexGuard<'_, Eyes> {
        let eyes = self.eyes.get().unwrap_or_else(|| panic!("there are no topics yet"));
        eyes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where every group stands now; absent while that cannot be told.
    pub(crate) fn look(&self) -> Option<Vec<Lag>> {
        match self.eyes().look() {
            Ok(lags) => Some(lags),
            Err(Fault::Transient(_)) => None,
            Err(fault) => panic!("{fault}"),
        }
    }

    /// The same, where no group has lag.
    pub(crate) fn drained(&self) -> Option<Vec<Lag>> {
        self.look().filter(|lags| lags.iter().all(|lag| lag.next == lag.end))
    }

    /// Every record that was there at the last look, each topic in its order.
    pub(crate) fn log(&self) -> Vec<Logged> {
        self.eyes().log()
    }

    /// Appends to any topic, as others do.
    pub(crate) fn append(&self, records: Vec<Append>) {
        let sink = self.partner.get_or_init(|| {
            let sink = KafkaSink::open(&self.kafka, &all_topics(), SinkBounds::default());
            sink.unwrap_or_else(|fault| panic!("{fault}"))
        });
        appended(sink, records);
    }
}
