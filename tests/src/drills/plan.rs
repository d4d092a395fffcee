//! Which drills there are, and how large each is at a level (delivery.md §12).
//!
//! Place: read by `make drill`. A run that is smaller than its level says so, and is never called by the level's name.

use std::path::PathBuf;

use anyhow::{Context, bail};

/// A drill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drill {
    /// A random service is killed and restarted, again and again.
    CrashLoop,
}

/// How much of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Events in all.
    pub events: u64,
    /// Faults.
    pub faults: u64,
    /// Seconds that the faults go on at least; 0 where their number counts.
    pub seconds: u64,
}

/// What was asked for.
#[derive(Debug, Clone)]
pub struct Options {
    /// `floor`, `target` or `moonshot`.
    pub level: String,
    /// Seed of load and faults.
    pub seed: u64,
    /// Folder of gep, demux, dep and da.
    pub programs: PathBuf,
    /// Events, instead of the level's.
    pub events: Option<u64>,
    /// Faults, instead of the level's.
    pub faults: Option<u64>,
    /// Events per second; 0 is as fast as they are taken.
    pub rate: u64,
}

/// One drill to run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Which.
    pub drill: Drill,
    /// The level, or `below-floor`.
    pub level: String,
    /// Seed of load and faults.
    pub seed: u64,
    /// How much.
    pub size: Size,
    /// Folder of the programs.
    pub programs: PathBuf,
    /// Partitions per topic.
    pub partitions: u32,
    /// Events per second.
    pub rate: u64,
}

impl Drill {
    /// All, in the order in which they run.
    pub const ALL: [Self; 1] = [Self::CrashLoop];

    /// Its name on the command line and in its line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CrashLoop => "cluster-crash-loop",
        }
    }

    /// Processes per service.
    #[must_use]
    pub const fn processes(self) -> usize {
        match self {
            Self::CrashLoop => 1,
        }
    }

    /// What its faults are called.
    #[must_use]
    pub const fn faults(self) -> &'static str {
        match self {
            Self::CrashLoop => "kills",
        }
    }

    /// What a level asks for.
    fn size(self, level: &str) -> anyhow::Result<Size> {
        let size = |events, faults| Size { events, faults, seconds: 0 };
        Ok(match (self, level) {
            (Self::CrashLoop, "floor") => size(100_000, 30),
            (Self::CrashLoop, "target") => size(2_000_000, 300),
            (Self::CrashLoop, "moonshot") => size(10_000_000, 1_000),
            (Self::CrashLoop, other) => bail!("unknown level {other}; known: floor, target, moonshot"),
        })
    }
}

impl Options {
    /// The plan of one drill.
    ///
    /// # Errors
    /// An unknown level.
    pub fn plan(&self, drill: Drill) -> anyhow::Result<Plan> {
        let asked = drill.size(&self.level)?;
        let floor = drill.size("floor").context("every drill has a floor")?;
        let size =
            Size { events: self.events.unwrap_or(asked.events), faults: self.faults.unwrap_or(asked.faults), ..asked };
        let reaches = |level: Size| size.events >= level.events && size.faults >= level.faults;
        let level = match (reaches(asked), reaches(floor)) {
            (true, _) => self.level.clone(),
            (false, true) => "floor".to_owned(),
            (false, false) => "below-floor".to_owned(),
        };
        let (seed, programs, rate) = (self.seed, self.programs.clone(), self.rate);
        Ok(Plan { drill, level, seed, size, programs, partitions: 12, rate })
    }
}
