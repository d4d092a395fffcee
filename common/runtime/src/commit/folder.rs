//! The data folder of an embedded engine: what it is opened with, and the lock that keeps a second process out.
//!
//! Place: first step of `embedded_txn`. Opens no database.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use da_model::fault::Fault;
use da_model::ids::TopicName;
use da_model::state::Table;
use da_model::topics;

use super::queue::QueueBounds;
use crate::io::sql::{Migration, RUNTIME_SQLITE};
use crate::ports::Clock;
use crate::probe::{Probe, Silent};

/// The database in the data folder.
pub const FILE: &str = "da.sqlite";
/// The lock beside it; never the database file itself.
pub const LOCK: &str = "da.lock";

/// What an embedded engine is made of.
#[derive(Clone)]
pub struct EmbeddedOptions {
    /// The data folder; made where there is none.
    pub dir: PathBuf,
    /// Partitions of every topic; fixed when the file is made.
    pub partitions: u32,
    /// Bound of the row cache.
    pub cache_bytes: usize,
    /// Every table the handlers read or write.
    pub tables: Vec<&'static Table>,
    /// The owners' migrations, in order; the runtime's own come first by themselves.
    pub migrations: Vec<Migration>,
    /// Names of partner topics.
    pub partner_topics: Vec<TopicName>,
    /// The one reader of time.
    pub clock: Arc<dyn Clock>,
    /// Silent in production.
    pub probe: Arc<dyn Probe>,
    /// What may wait for a round.
    pub queue: QueueBounds,
}

/// Why an engine could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process holds the lock.
    #[error(
        "the data folder {0} is in use by another process of gooru-da; stop that one first, or choose another folder"
    )]
    InUse(String),
    /// The folder cannot be used.
    #[error("the data folder {dir} cannot be used: {cause}")]
    Folder {
        /// The folder.
        dir: String,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The database cannot be used.
    #[error("the data file cannot be used: {0}")]
    Database(Fault),
}

impl EmbeddedOptions {
    /// Defaults around a data folder and a clock.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>, clock: Arc<dyn Clock>) -> Self {
        Self {
            dir: dir.into(),
            partitions: 1,
            cache_bytes: 256 << 20,
            tables: Vec::new(),
            migrations: Vec::new(),
            partner_topics: Vec::new(),
            clock,
            probe: Arc::new(Silent),
            queue: QueueBounds::default(),
        }
    }

    pub(crate) fn all_migrations(&self) -> Vec<Migration> {
        RUNTIME_SQLITE.iter().chain(&self.migrations).copied().collect()
    }

    pub(crate) fn topics(&self) -> Vec<TopicName> {
        let ours = topics::all().iter().map(|t| TopicName(t.name.as_str()));
        ours.chain(self.partner_topics.iter().copied()).collect()
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.dir.join(FILE)
    }
}

/// Takes the lock of a folder, which is made where there is none; it falls with the file.
pub(crate) fn lock(dir: &Path) -> Result<File, OpenError> {
    let folder = |cause| OpenError::Folder { dir: dir.display().to_string(), cause };
    std::fs::create_dir_all(dir).map_err(folder)?;
    let file = File::options().create(true).truncate(false).write(true).open(dir.join(LOCK)).map_err(folder)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(dir.display().to_string())),
        Err(TryLockError::Error(cause)) => Err(folder(cause)),
    }
}
