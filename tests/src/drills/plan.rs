//! Which drills there are, and how large each is at a level (delivery.md §12).
//!
//! Place: read by `make drill`. A run that is smaller than its level says so, and is never called by the level's name.

use std::path::PathBuf;

use anyhow::{Context, bail};

use crate::fleet::proxy::Cut;

/// A drill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drill {
    /// A random service is killed and restarted, again and again.
    CrashLoop,
    /// PostgreSQL dies, restarts and stands still.
    PostgresCut,
    /// One of three brokers dies, stops in order or stands still.
    BrokerBounce,
    /// The only broker stands still, also for longer than a session. It is not killed: a single broker that dies between
    /// the decision about a transaction and its marks forgets the marks when it starts again ("partitions are likely
    /// deleted already"), and the transaction stays open for ever; delivery.md §0 promises nothing there.
    BrokerFreeze,
    /// Processes die, freeze, come back as zombies, leave and join, all the time.
    RebalanceStorm,
    /// Services start while the registry is away.
    RegistryOutage,
    /// PostgreSQL's answer to COMMIT is lost with its connection.
    CommitCut,
    /// The broker's answer to the end of a transaction is lost with its connection.
    EndTxnCut,
    /// The request to end a transaction reaches the broker when its sender goes on already.
    EndTxnLate,
    /// More is posted than is taken, while the database stands still.
    Overload,
    /// The file system of a single process is full.
    DiskFull,
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
    /// Seconds of faults, instead of the level's.
    pub seconds: Option<u64>,
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

/// Name, what its faults are called, processes per service, and the sizes at floor, target and moonshot.
struct Row(&'static str, &'static str, usize, [Size; 3]);

const fn size(events: u64, faults: u64) -> Size {
    Size { events, faults, seconds: 0 }
}

const ROWS: [Row; 11] = [
    Row("cluster-crash-loop", "kills", 1, [size(100_000, 30), size(2_000_000, 300), size(10_000_000, 1_000)]),
    Row("postgres-cut", "cuts", 1, [size(10_000, 5), size(100_000, 50), size(1_000_000, 500)]),
    Row("broker-bounce", "bounces", 1, [size(10_000, 3), size(100_000, 30), size(5_000_000, 200)]),
    Row("broker-freeze", "freezes", 1, [size(10_000, 3), size(100_000, 30), size(5_000_000, 200)]),
    Row(
        "rebalance-storm",
        "changes-at-least",
        3,
        [
            Size { events: 12_000, faults: 30, seconds: 120 },
            Size { events: 200_000, faults: 300, seconds: 1_200 },
            Size { events: 5_000_000, faults: 1_000, seconds: 3_600 },
        ],
    ),
    Row("registry-outage", "restarts", 1, [size(5_000, 3), size(50_000, 12), size(500_000, 60)]),
    Row("commit-cut", "cuts", 1, [size(10_000, 5), size(100_000, 50), size(1_000_000, 100)]),
    Row("end-txn-cut", "cuts", 1, [size(10_000, 5), size(100_000, 50), size(1_000_000, 100)]),
    Row("end-txn-late", "delays", 1, [size(10_000, 5), size(100_000, 50), size(1_000_000, 100)]),
    Row("overload", "standstills", 1, [size(10_000, 3), size(100_000, 10), size(1_000_000, 30)]),
    Row("disk-full", "fills", 0, [size(10_000, 3), size(50_000, 10), size(200_000, 20)]),
];

impl Drill {
    /// All, in the order in which they run.
    pub const ALL: [Self; 11] = [
        Self::CrashLoop,
        Self::PostgresCut,
        Self::BrokerBounce,
        Self::BrokerFreeze,
        Self::RebalanceStorm,
        Self::RegistryOutage,
        Self::CommitCut,
        Self::EndTxnCut,
        Self::EndTxnLate,
        Self::Overload,
        Self::DiskFull,
    ];

    const fn row(self) -> &'static Row {
        let [crash, postgres, bounce, freeze, storm, registry, commit, end, late, overload, disk] = &ROWS;
        match self {
            Self::CrashLoop => crash,
            Self::PostgresCut => postgres,
            Self::BrokerBounce => bounce,
            Self::BrokerFreeze => freeze,
            Self::RebalanceStorm => storm,
            Self::RegistryOutage => registry,
            Self::CommitCut => commit,
            Self::EndTxnCut => end,
            Self::EndTxnLate => late,
            Self::Overload => overload,
            Self::DiskFull => disk,
        }
    }

    /// Its name on the command line and in its line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.row().0
    }

    /// What its faults are called.
    #[must_use]
    pub const fn faults(self) -> &'static str {
        self.row().1
    }

    /// Processes per service.
    #[must_use]
    pub const fn processes(self) -> usize {
        self.row().2
    }

    /// Brokers.
    #[must_use]
    pub const fn brokers(self) -> usize {
        if matches!(self, Self::BrokerBounce) { 3 } else { 1 }
    }

    /// What a proxy cuts off.
    pub(super) const fn cut(self) -> Option<Cut> {
        match self {
            Self::CommitCut => Some(Cut::Commit),
            Self::EndTxnCut => Some(Cut::EndTxn),
            Self::EndTxnLate => Some(Cut::LateEndTxn),
            Self::CrashLoop
            | Self::PostgresCut
            | Self::BrokerBounce
            | Self::BrokerFreeze
            | Self::RebalanceStorm
            | Self::RegistryOutage
            | Self::Overload
            | Self::DiskFull => None,
        }
    }

    /// Seconds that a fault with its recovery takes; 0 where the events set the pace, or time does.
    const fn fault_seconds(self) -> u64 {
        match self {
            Self::RebalanceStorm | Self::Overload => 0,
            Self::CrashLoop => 3,
            Self::PostgresCut | Self::RegistryOutage | Self::CommitCut | Self::EndTxnCut | Self::EndTxnLate => 8,
            Self::DiskFull => 15,
            Self::BrokerFreeze => 25,
            Self::BrokerBounce => 40,
        }
    }

    /// Whether its seconds are judged, so that nothing else may run meanwhile.
    #[must_use]
    pub const fn is_alone(self) -> bool {
        matches!(self, Self::CrashLoop)
    }

    /// What a level asks for.
    fn size(self, level: &str) -> anyhow::Result<Size> {
        let [floor, target, moonshot] = self.row().3;
        match level {
            "floor" => Ok(floor),
            "target" => Ok(target),
            "moonshot" => Ok(moonshot),
            other => bail!("unknown level {other}; known: floor, target, moonshot"),
        }
    }
}

impl Plan {
    /// What is run, in the words of its line.
    #[must_use]
    pub fn head(&self) -> String {
        let Self { drill, level, seed, size, .. } = self;
        format!("level={level} seed={seed} events={} {}={}", size.events, drill.faults(), size.faults)
    }

    /// Seconds that its faults go on, about.
    #[must_use]
    pub const fn lasts(&self) -> u64 {
        self.size.seconds + self.size.faults * self.drill.fault_seconds()
    }
}

/// Seconds from a kill to the next committed output, of which 99 in 100 may take no more at a level; a run below its
/// level is not judged.
#[must_use]
pub fn recovery_bar(level: &str) -> Option<f64> {
    match level {
        "floor" => Some(5.0),
        "target" => Some(2.0),
        "moonshot" => Some(1.5),
        _ => None,
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
        let size = Size {
            events: self.events.unwrap_or(asked.events),
            faults: self.faults.unwrap_or(asked.faults),
            seconds: self.seconds.unwrap_or(asked.seconds),
        };
        let reaches =
            |level: Size| size.events >= level.events && size.faults >= level.faults && size.seconds >= level.seconds;
        let level = match (reaches(asked), reaches(floor)) {
            (true, _) => self.level.clone(),
            (false, true) => "floor".to_owned(),
            (false, false) => "below-floor".to_owned(),
        };
        let (seed, programs) = (self.seed, self.programs.clone());
        let mut plan = Plan { drill, level, seed, size, programs, partitions: 12, rate: self.rate };
        // The load lasts about as long as the faults.
        if plan.lasts() > 0 && plan.rate == 0 {
            plan.rate = (size.events / plan.lasts()).max(1);
        }
        Ok(plan)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(events: Option<u64>) -> Options {
        let (level, programs) = ("target".to_owned(), PathBuf::new());
        Options { level, seed: 1, programs, events, faults: None, seconds: None, rate: 0 }
    }

    #[test]
    fn a_smaller_run_is_never_called_by_the_level() {
        let level = |events| options(events).plan(Drill::CrashLoop).unwrap().level;
        assert_eq!(level(None), "target");
        assert_eq!(level(Some(100_000)), "floor");
        assert_eq!(level(Some(99_999)), "below-floor");
    }

    #[test]
    fn the_levels_are_those_of_the_document() {
        let size = |drill: Drill, level: &str| drill.size(level).unwrap();
        assert_eq!(size(Drill::CrashLoop, "floor"), Size { events: 100_000, faults: 30, seconds: 0 });
        assert_eq!(size(Drill::CrashLoop, "target"), Size { events: 2_000_000, faults: 300, seconds: 0 });
        assert_eq!(size(Drill::BrokerBounce, "target").faults, 30);
        assert_eq!(size(Drill::PostgresCut, "target").faults, 50);
        assert_eq!(size(Drill::RebalanceStorm, "floor").seconds, 120);
        assert_eq!(size(Drill::RebalanceStorm, "target").seconds, 1_200);
        assert!(Drill::CrashLoop.size("ceiling").is_err());
        assert_eq!((recovery_bar("floor"), recovery_bar("target")), (Some(5.0), Some(2.0)));
        assert_eq!(recovery_bar("below-floor"), None, "a smaller run is not judged");
    }
}
