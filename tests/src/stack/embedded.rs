//! The embedded form: a whole `da up` in the test process over one SQLite file.
//!
//! Place: one of the two engines of [`super::Stack`]. Waits for the pipeline by its own counts of lag.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use cli::single::{self, Running};
use da_model::ids::{Offset, Partition, TopicName};
use da_model::schema::Schemas;
use da_model::topics;
use da_runtime::clock::ManualClock;
use da_runtime::commit::embedded_txn::FILE;
use da_runtime::commit::status::Status;
use da_runtime::config::Settings;
use da_runtime::io::sqlite_log::Reader;
use da_runtime::ports::Append;

use super::{Engine, Logged, appended};
use crate::tables::Tables;

/// A process over a folder.
pub(super) struct Embedded {
    file: PathBuf,
    running: Option<Running>,
}

impl Embedded {
    /// Nothing runs yet.
    pub(super) fn new(folder: &Path) -> Self {
        Self { file: folder.join(FILE), running: None }
    }

    fn running(&self) -> &Running {
        self.running.as_ref().unwrap_or_else(|| panic!("the process was stopped"))
    }
}

impl Engine for Embedded {
    fn start(&mut self, settings: &Settings, clock: &Arc<ManualClock>) {
        let started = single::start(settings, Arc::clone(clock) as _);
        self.running = Some(started.unwrap_or_else(|e| panic!("the process does not start: {e:#}")));
    }

    fn stop(&mut self) -> anyhow::Result<()> {
        self.running.take().map_or(Ok(()), |running| running.stop().map(drop))
    }

    fn url(&self) -> String {
        self.running().url.clone()
    }

    fn append(&self, records: Vec<Append>) {
        appended(&*self.running().sink, records);
    }

    fn drain(&self) {
        let Some(running) = &self.running else { return };
        for _ in 0..60_000 {
            if running.watch.status().lag() == 0 {
                return;
            }
            std::thread::park_timeout(std::time::Duration::from_millis(1));
        }
        panic!("a group stays behind: {:?}", running.watch.status());
    }

    fn status(&self) -> Status {
        self.running().watch.status()
    }

    fn full_name(&self, topic: TopicName) -> String {
        topics::full_name(topic)
    }

    fn log(&self) -> Vec<Logged> {
        read_log(&self.file)
    }

    fn tables(&self) -> &dyn Tables {
        &self.file
    }
}

/// All records of all topics of a data file, each topic in its order.
///
/// # Panics
/// When it cannot be read.
#[must_use]
pub fn read_log(file: &Path) -> Vec<Logged> {
    let schemas = Arc::new(Schemas::embedded());
    let mut reader = Reader::open(file).unwrap_or_else(|fault| panic!("{fault}"));
    let partitions = reader.partitions().unwrap_or_else(|fault| panic!("{fault}"));
    let mut found = Vec::new();
    for topic in reader.topics().unwrap_or_else(|fault| panic!("{fault}")) {
        for part in (0..partitions).map(Partition) {
            let records = reader.records((&topic, part), Offset(0), usize::MAX);
            let records = records.unwrap_or_else(|fault| panic!("{fault}"));
            found.extend(records.into_iter().map(|record| Logged::of(record, &schemas)));
        }
    }
    found
}
