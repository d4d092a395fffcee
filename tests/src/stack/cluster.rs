//! The cluster form: gep, demux and dep in the test process over Kafka, PostgreSQL and the registry.
//!
//! Place: one of the two engines of [`super::Stack`], over a [`Site`]. The services run as their programs do, on threads
//! in place of processes and with the clock of the test.

use std::sync::Arc;
use std::time::Duration;

use da_model::fault::Fault;
use da_model::ids::TopicName;
use da_model::time::Timestamp;
use da_runtime::app::{Drain, Listeners};
use da_runtime::clock::ManualClock;
use da_runtime::cluster::{Ground, Service};
use da_runtime::commit::board::Watch;
use da_runtime::commit::status::{Lag, Status};
use da_runtime::config::Settings;
use da_runtime::io::kafka::client::Scope;
use da_runtime::ports::{Append, Clock};
use da_runtime::stop::{Phase, Stop};
use da_runtime::worker::Beside;

use super::site::Site;
use super::{Engine, Form, Logged};
use crate::tables::Tables;

/// Between two looks.
const LOOK: Duration = Duration::from_millis(5);
const LOOKS: usize = 20_000;

type Run = fn(Service) -> Result<Drain, Fault>;
const SERVICES: [(&str, Run); 3] =
    [("gep", gep::service::run), ("demux", demux::service::run), ("dep", dep::service::run)];

/// A site, and the services over it.
pub(super) struct Cluster {
    // First, so that they end before what they stand on.
    processes: Option<Processes>,
    site: Site,
}

struct Processes {
    url: String,
    stops: Vec<Stop>,
    threads: Vec<(&'static str, Beside<Result<Drain, Fault>>)>,
    watch: Watch,
    clock: Arc<ManualClock>,
}

impl Cluster {
    /// Nothing runs yet.
    pub(super) fn new(form: Form) -> Self {
        Self { processes: None, site: Site::new(form) }
    }

    /// The part of the settings that names the servers.
    pub(super) fn yaml(&self) -> String {
        self.site.yaml()
    }

    fn processes(&self) -> &Processes {
        self.processes.as_ref().unwrap_or_else(|| panic!("the processes were stopped"))
    }

    /// Where the groups stand once none of them has lag, or nothing runs.
    fn drained(&self) -> Vec<Lag> {
        for _ in 0..LOOKS {
            let done = if self.processes.is_some() { self.site.drained() } else { self.site.look() };
            if let Some(lags) = done {
                return lags;
            }
            let threads = self.processes.iter().flat_map(|processes| &processes.threads);
            let ended: Vec<_> = threads.filter(|(_, thread)| thread.ended()).map(|(name, _)| name).collect();
            assert!(ended.is_empty(), "{ended:?} ended by themselves");
            std::thread::park_timeout(LOOK);
        }
        panic!("a group stays behind: {:?}", self.site.look());
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
        self.site.make_topics(settings);
        self.processes = Some(Processes::start(settings, clock, self.site.kafka.scope));
    }

    fn stop(&mut self) -> anyhow::Result<()> {
        self.processes.take().map_or(Ok(()), Processes::stop)
    }

    fn url(&self) -> String {
        self.processes().url.clone()
    }

    fn append(&self, records: Vec<Append>) {
        self.site.append(records);
    }

    fn drain(&self) {
        drop(self.drained());
    }

    fn status(&self) -> Status {
        let status = self.processes().shown();
        Status { lags: self.drained(), ..status }
    }

    fn full_name(&self, topic: TopicName) -> String {
        self.site.kafka.scope.topic(topic)
    }

    fn log(&self) -> Vec<Logged> {
        self.site.log()
    }

    fn tables(&self) -> &dyn Tables {
        &self.site.lite
    }
}
