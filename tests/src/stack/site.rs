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
use da_runtime::tls;

use super::eyes::Eyes;
use super::servers::Servers;
use super::{Form, Logged, PARTNER_TOPIC, appended};
use crate::cluster::database::{Database, Lite};
use crate::cluster::unique;
use crate::folder::Folder;

/// The largest record of a partner.
const LARGEST: usize = 8 << 20;

/// The servers of a form that the environment names, or a line that says what was skipped.
pub(super) fn servers(test: &str, form: Form) -> Option<Servers> {
    match form {
        Form::Embedded => None,
        Form::Cluster => Servers::in_the_clear(test),
        Form::Secured => Servers::secured(test),
    }
}

/// The ids of our schemas, which are registered once for all sites of the process.
fn registered(registry: &RegistrySettings, folder: &Path) -> Schemas {
    static READY: OnceLock<Schemas> = OnceLock::new();
    let schemas = READY.get_or_init(|| {
        tls::install();
        let settings = RegistrySettings { cache_dir: folder.to_owned(), ..registry.clone() };
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
    servers: Servers,
    folder: Folder,
    eyes: OnceLock<Mutex<Eyes>>,
    partner: OnceLock<KafkaSink>,
}

impl Site {
    /// A database and the schemas; there are no topics yet.
    pub(crate) fn new(form: Form) -> Self {
        let servers = servers("a stack on a cluster", form).unwrap_or_else(|| panic!("there is no cluster at hand"));
        let database = Database::migrated("a stack on a cluster").unwrap_or_else(|| panic!("there is no database"));
        let (scope, folder) = (Scope(format!("{}.", unique("stack")).leak()), Folder::new());
        Self {
            kafka: KafkaSettings { scope, ..servers.kafka.clone() },
            schemas: registered(&servers.registry, folder.path()),
            lite: Lite::of(&database),
            database,
            servers,
            folder,
            eyes: OnceLock::new(),
            partner: OnceLock::new(),
        }
    }

    /// The part of the settings that names the servers.
    pub(crate) fn yaml(&self) -> String {
        self.servers.yaml(&self.database.url(self.database.name()), self.folder.path())
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

    /// Follows a group that reads other topics than its settings say.
    pub(crate) fn follow(&self, group: &'static str, topics: &[TopicName]) {
        self.eyes().follow(&self.kafka, (group, topics.to_vec()));
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
