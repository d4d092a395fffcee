//! The embedded engine driven round by round, with stages and probes of the test's choice and no thread.
//!
//! Place: cases that must stop between two steps, or put something broken into a stage. The log and store are the real
//! ones; what partners post comes in as records of `gep.accepted`.

use std::path::PathBuf;
use std::sync::Arc;

use cli::single;
use da_model::ids::{Offset, TopicName};
use da_model::topics;
use da_runtime::clock::ManualClock;
use da_runtime::commit::embedded_txn::{Embedded, EmbeddedOptions, FILE};
use da_runtime::config::{self, Sources};
use da_runtime::driver::Stage;
use da_runtime::ports::{Append, Receipt};
use da_runtime::probe::Probe;

use crate::folder::Folder;
use crate::stack::{self, Logged};

/// An engine with its stages.
pub struct Rounds {
    folder: Folder,
    probe: Arc<dyn Probe>,
    clock: Arc<ManualClock>,
    engine: Option<Embedded>,
    stages: Vec<Box<dyn Stage>>,
}

impl Rounds {
    /// The product's stages on an empty folder.
    ///
    /// # Panics
    /// When the engine does not open.
    #[must_use]
    pub fn new(probe: Arc<dyn Probe>) -> Self {
        let clock = Arc::new(ManualClock::new(da_model::time::Timestamp(crate::dsl::T0)));
        let mut rounds = Self { folder: Folder::new(), probe, clock, engine: None, stages: Vec::new() };
        rounds.open();
        rounds
    }

    /// The clock of the engine.
    #[must_use]
    pub fn clock(&self) -> Arc<ManualClock> {
        Arc::clone(&self.clock)
    }

    /// The stages, to be exchanged.
    pub const fn stages(&mut self) -> &mut Vec<Box<dyn Stage>> {
        &mut self.stages
    }

    /// Opens the engine and its stages anew, as a restart does.
    ///
    /// # Panics
    /// When it does not open.
    pub fn open(&mut self) {
        self.engine = None;
        let text = format!("embedded: {{ dir: {:?} }}", self.folder.path().display().to_string());
        let sources = Sources { file: Some(("case.yaml".to_owned(), text)), environment: Vec::new() };
        let settings = config::read(&sources).unwrap_or_else(|f| panic!("{f:?}")).settings;
        let options = EmbeddedOptions {
            probe: Arc::clone(&self.probe),
            ..single::options(&settings, Arc::clone(&self.clock) as _)
        };
        self.engine = Some(Embedded::open(options).unwrap_or_else(|e| panic!("{e}")));
        let stages = single::stages(&settings, Arc::clone(&self.clock) as _, Vec::new());
        self.stages = stages.unwrap_or_else(|e| panic!("{e:#}"));
    }

    /// Queues records.
    ///
    /// # Panics
    /// When they are not taken.
    #[must_use]
    pub fn append(&self, records: Vec<Append>) -> Receipt {
        let engine = self.engine.as_ref().unwrap_or_else(|| panic!("closed"));
        engine.sink().append(records).unwrap_or_else(|e| panic!("not taken: {e}"))
    }

    /// One round; whether it was committed and told.
    pub fn round(&mut self) -> bool {
        let engine = self.engine.as_mut().unwrap_or_else(|| panic!("closed"));
        engine.round(&mut self.stages).is_ok()
    }

    /// Rounds until nothing waits.
    ///
    /// # Panics
    /// At a fault.
    pub fn drain(&mut self) {
        let engine = self.engine.as_mut().unwrap_or_else(|| panic!("closed"));
        engine.drain(&mut self.stages).unwrap_or_else(|e| panic!("{e}"));
    }

    /// The data file.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.folder.path().join(FILE)
    }

    /// All records of all topics, each topic in its order.
    #[must_use]
    pub fn log(&self) -> Vec<Logged> {
        stack::read_log(&self.file())
    }
}

/// A recorded record, to be appended again.
///
/// # Panics
/// When its topic is not listed.
#[must_use]
pub fn again(logged: &Logged) -> Append {
    let topic: TopicName = topics::named(&logged.topic).unwrap_or_else(|| panic!("{} is not listed", logged.topic));
    Append {
        topic,
        key: logged.key.clone().into_bytes(),
        value: Some(logged.value.clone()),
        timestamp: logged.timestamp,
    }
}

/// The records of one topic, or of all whose name begins so, in the order in which their sources were read.
#[must_use]
pub fn recorded(log: &[Logged], topics: &str) -> Vec<Append> {
    let mut found: Vec<(Option<(Offset, i32)>, &Logged)> = log
        .iter()
        .filter(|l| l.topic.starts_with(topics))
        .map(|l| (l.read().0.src.map(|s| (s.offset, s.index)), l))
        .collect();
    found.sort_by_key(|(source, _)| *source);
    found.into_iter().map(|(_, l)| again(l)).collect()
}
