//! The stages of a cluster driven step by step, with stages and a probe of the test's choice and no thread.
//!
//! Place: the sister of [`crate::rounds`] over Kafka and PostgreSQL: cases that must stop between two steps, or put
//! something broken into a stage. A crash drops the worker as a death does, and another one takes its slot.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use da_model::fault::Fault;
use da_model::state::Table;
use da_model::time::Timestamp;
use da_runtime::clock::{ManualClock, SystemClock};
use da_runtime::commit::GroupProtocol;
use da_runtime::commit::kafka_txn::KafkaTxn;
use da_runtime::commit::sql_txn::{SqlOptions, SqlTxn};
use da_runtime::config::{self, Settings, Sources};
use da_runtime::driver::{DriverOptions, Stage};
use da_runtime::io::kafka::member::{KafkaMember, MemberOptions};
use da_runtime::io::sql::postgres::{PostgresStore, StoreOptions};
use da_runtime::ports::Append;
use da_runtime::probe::{Crash, Probe, Step};

use crate::cluster::database::plan;
use crate::stack::site::Site;
use crate::stack::{Form, Logged};
use crate::tables::Tables;

/// How long a worker rests after a fault that passes.
const REST: Duration = Duration::from_millis(25);
/// How often the line may go round before it must be drained.
const TURNS: usize = 5_000;

/// Makes the stage of a worker.
pub type Make = Box<dyn Fn(&DriverOptions) -> Box<dyn Stage>>;

/// A place in the line.
struct Place {
    service: &'static str,
    tables: Vec<&'static Table>,
    make: Make,
    worker: Option<(Box<dyn Stage>, Box<dyn GroupProtocol>)>,
}

/// gep, demux and dep, a worker each.
pub struct Lineup {
    // First, so that they end before what they stand on.
    places: Vec<Place>,
    driver: DriverOptions,
    probe: Arc<Mortal>,
    site: Site,
}

/// Remembers that somebody died: what fails after a commit is not always told by the step in which it fails.
struct Mortal {
    probe: Arc<dyn Probe>,
    died: AtomicBool,
}

impl Probe for Mortal {
    fn at(&self, step: Step) -> Result<(), Crash> {
        let told = self.probe.at(step);
        self.died.fetch_or(told.is_err(), Ordering::SeqCst);
        told
    }
}

fn settings() -> Settings {
    let sources = Sources { file: None, environment: Vec::new() };
    config::read(&sources).unwrap_or_else(|findings| panic!("{findings:?}")).settings
}

impl Lineup {
    /// The product's stages on new topics and an empty database.
    #[must_use]
    pub fn new(probe: Arc<dyn Probe>) -> Self {
        let (site, settings) = (Site::new(Form::Cluster), settings());
        site.make_topics(&settings);
        let clock = Arc::new(ManualClock::new(Timestamp(crate::dsl::T0)));
        let driver = DriverOptions { schemas: site.schemas.clone(), ..DriverOptions::new(clock) };
        let gep: Make = Box::new(move |driver| gep::service::process(&settings, driver));
        let demux: Make =
            Box::new(|driver| only(demux::service::stages(&demux::settings::Settings::default(), driver)));
        let dep: Make = Box::new(|driver| only(dep::service::stages(&dep::settings::Settings::default(), driver)));
        let place = |service, tables, make| Place { service, tables, make, worker: None };
        let (state, results) = (gep::tables::all(), dep::tables::tables());
        let places = vec![place("gep", state, gep), place("demux", Vec::new(), demux), place("dep", results, dep)];
        let probe = Arc::new(Mortal { probe, died: AtomicBool::new(false) });
        Self { places, driver, probe, site }
    }

    /// Puts another stage into the place of a service.
    #[must_use]
    pub fn with(mut self, service: &str, make: Make) -> Self {
        let place = self.places.iter_mut().find(|place| place.service == service);
        let place = place.unwrap_or_else(|| panic!("there is no {service}"));
        (place.worker, place.make) = (None, make);
        self
    }

    /// Appends records to the log.
    pub fn append(&self, records: Vec<Append>) {
        self.site.append(records);
    }

    /// Steps everything in turn until no group has lag; who crashes is taken over. How many did.
    ///
    /// # Errors
    /// The fault that would have ended a process.
    ///
    /// # Panics
    /// When it is not drained after very many turns.
    pub fn drain(&mut self) -> Result<usize, Fault> {
        let mut crashes = 0;
        for _ in 0..TURNS {
            let mut moved = 0;
            for at in 0..self.places.len() {
                let (records, deaths) = self.live(at)?;
                (moved, crashes) = (moved + records, crashes + deaths);
            }
            if moved == 0 && self.site.drained().is_some() {
                return Ok(crashes);
            }
        }
        panic!("a group stays behind: {:?}", self.site.look());
    }

    /// A step that may end in death; nothing is ended in order then.
    fn live(&mut self, at: usize) -> Result<(usize, usize), Fault> {
        let stepped = self.step(at);
        if self.probe.died.swap(false, Ordering::SeqCst) {
            self.places[at].worker = None;
            return Ok((0, 1));
        }
        Ok((stepped?, 0))
    }

    fn step(&mut self, at: usize) -> Result<usize, Fault> {
        let Self { places, driver, probe, site } = self;
        let place = &mut places[at];
        let (stage, protocol) = match &mut place.worker {
            Some((stage, protocol)) => (stage, protocol),
            none => {
                let stage = (place.make)(driver);
                site.follow(stage.name(), stage.topics());
                let protocol = join(site, (place.service, &place.tables), &*stage, probe)?;
                let (stage, protocol) = none.insert((stage, protocol));
                (stage, protocol)
            }
        };
        let stepped = match stage.step(&mut **protocol, usize::MAX) {
            Err(Fault::Transient(_) | Fault::Fenced(_)) => protocol.rest(REST).map(|()| 0),
            stepped => stepped.map(|stepped| stepped.records),
        };
        match stepped {
            Err(fault @ (Fault::Fatal(_) | Fault::Refused(_))) => Err(fault),
            stepped => Ok(stepped.unwrap_or(0)),
        }
    }

    /// All records of all topics, each topic in its order.
    #[must_use]
    pub fn log(&self) -> Vec<Logged> {
        drop(self.site.look());
        self.site.log()
    }

    /// The tables.
    #[must_use]
    pub fn tables(&self) -> &dyn Tables {
        &self.site.lite
    }
}

fn only<E: std::fmt::Debug>(stages: Result<Vec<Box<dyn Stage>>, E>) -> Box<dyn Stage> {
    let mut stages = stages.unwrap_or_else(|e| panic!("{e:?}"));
    assert_eq!(stages.len(), 1, "one group per service");
    stages.remove(0)
}

fn join(
    site: &Site,
    (service, tables): (&'static str, &[&'static Table]),
    stage: &dyn Stage,
    probe: &Arc<Mortal>,
) -> Result<Box<dyn GroupProtocol>, Fault> {
    let base = MemberOptions::new(site.kafka.clone(), stage.name(), "lineup", Arc::new(SystemClock));
    let (topics, probe) = (stage.topics().to_vec(), Arc::<Mortal>::clone(probe) as Arc<dyn Probe>);
    let member = KafkaMember::open(&MemberOptions { topics, service, probe: Arc::clone(&probe), ..base })?;
    if tables.is_empty() {
        return Ok(Box::new(KafkaTxn::new(Box::new(member)).probed(probe)));
    }
    let dep = dep::Dep::default();
    let alone = if stage.topics() == da_model::Handler::topics(&dep) { dep.alone() } else { Vec::new() };
    let store = PostgresStore::new(StoreOptions {
        settings: site.database.settings(),
        group: stage.name(),
        owner: service.to_owned(),
        tables: tables.to_vec(),
        alone,
        migrations: plan().migrations,
    })?;
    let options = SqlOptions { probe, ..SqlOptions::default() };
    Ok(Box::new(SqlTxn::new(Box::new(member), Box::new(store), options)))
}
