//! Everything an installation stands on, measured: brokers, rights, transactions, registry, database, clocks, disks.
//!
//! Place: the work of `da doctor`. Each check stands alone, so that one system that is away hides no other; each finding
//! says where and what to do next. Writes to the scratch topic and to scratch files only.

mod disk;
mod folder;
mod kafka;
mod systems;

use da_model::fault::Fault;
use da_runtime::config::Settings;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::cluster;

/// The services, which are the roles that rights are checked for.
pub const ROLES: [&str; 3] = ["gep", "demux", "dep"];
/// Clocks further apart than this are a finding, ms (experience.md §3.3 alarms at the same number).
const CLOCK_MS: i64 = 2_000;
/// A batch waits for its commit: a mean beyond this is a finding, ms.
const SLOW_MS: i64 = 250;

/// One check with what it came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Check {
    /// What was checked.
    pub check: &'static str,
    /// Where.
    pub place: String,
    /// How it came out.
    pub state: State,
    /// What was measured or seen, in words; why, where it was skipped.
    pub text: String,
    /// What was measured, in numbers.
    pub measured: Map<String, Value>,
    /// What is wrong.
    pub findings: Vec<Finding>,
}

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// As it ought to be.
    Ok,
    /// Something is wrong.
    Finding,
    /// It could not be made; never a success.
    Skipped,
}

/// What is wrong, and what to do next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What.
    pub what: String,
    /// The next step.
    pub next: String,
    /// Whether something does not answer at all.
    pub away: bool,
}

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Services whose rights are checked.
    pub roles: Vec<&'static str>,
    /// Partitions of every topic, instead of the numbers in topics.yaml.
    pub partitions: Option<u32>,
}

/// Makes every check of these settings, and tells each as soon as it is made.
///
/// # Errors
/// What telling came to.
pub fn examine(
    settings: &Settings,
    asked: &Asked,
    tell: &mut dyn FnMut(Check) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    if cluster::is_meant(settings) {
        kafka::examine(settings, asked, tell)?;
        tell(systems::registry(settings))?;
        systems::postgres(settings, &asked.roles, tell)?;
        tell(disk::free("disk", &settings.cluster.registry.cache_dir))?;
    } else {
        for check in ["kafka", "registry", "postgres"] {
            tell(Check::skipped(check, "the settings name no Kafka: one process on one file"))?;
        }
        tell(folder::file(&settings.dir))?;
    }
    tell(folder::writing(&settings.dir))?;
    tell(disk::free("disk", &settings.dir))
}

impl Check {
    fn new(check: &'static str, place: impl Into<String>) -> Self {
        let (text, measured, findings) = (String::new(), Map::new(), Vec::new());
        Self { check, place: place.into(), state: State::Ok, text, measured, findings }
    }

    fn skipped(check: &'static str, why: impl Into<String>) -> Self {
        Self { state: State::Skipped, text: why.into(), ..Self::new(check, "") }
    }

    /// The same with words for what was seen.
    fn said(mut self, text: impl Into<String>) -> Self {
        self.text = text.into();
        self
    }

    /// The same with a number.
    fn measured(mut self, name: &str, value: i64) -> Self {
        self.measured.insert(name.to_owned(), value.into());
        self
    }

    /// The same with a finding.
    fn found(mut self, what: impl Into<String>, next: impl Into<String>) -> Self {
        self.state = State::Finding;
        self.findings.push(Finding { what: what.into(), next: next.into(), away: false });
        self
    }

    /// The same with a system that gave no answer as its finding.
    fn away(mut self, what: impl Into<String>, next: impl Into<String>) -> Self {
        self.state = State::Finding;
        self.findings.push(Finding { what: what.into(), next: next.into(), away: true });
        self
    }

    /// The same with a fault: what is away may come back, what refuses will not.
    fn fault(self, fault: &Fault, (away, refused): (&str, &str)) -> Self {
        match fault {
            Fault::Transient(cause) => self.away(cause.to_string(), away),
            Fault::Refused(cause) | Fault::Fenced(cause) | Fault::Fatal(cause) => {
                self.found(cause.to_string(), refused)
            }
        }
    }

    /// The same with the times of transactions: words, numbers, and a finding where they are slow.
    fn timed(self, took: &[i64], slow: &str) -> Self {
        let count = i64::try_from(took.len()).unwrap_or(i64::MAX).max(1);
        let sum: i64 = took.iter().sum();
        let (mean, worst) = ((sum + count / 2) / count, took.iter().max().copied().unwrap_or(0));
        let this = self.measured("count", count).measured("mean_ms", mean).measured("worst_ms", worst);
        let this = this.said(format!("{count} commits, mean {mean} ms, worst {worst} ms"));
        if mean <= SLOW_MS {
            return this;
        }
        this.found(format!("a commit takes {mean} ms in the mean; more than {SLOW_MS} ms hold every batch up"), slow)
    }
}

/// How far a clock is from ours.
fn clock(check: &'static str, place: &str, ahead: i64) -> Check {
    let this = Check::new(check, place).measured("ahead_ms", ahead);
    let (sign, ms) = (if ahead < 0 { '-' } else { '+' }, ahead.unsigned_abs());
    let apart = format!("{sign}{}.{:03} s", ms / 1_000, ms % 1_000);
    if ahead.abs() <= CLOCK_MS {
        return this.said(format!("{apart} from ours"));
    }
    let next = "set both machines by the same time server (chronyc tracking, timedatectl)";
    this.found(format!("its clock is {apart} from ours; more than 2 s spoil lag in seconds and retention"), next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use da_model::fault::Cause;

    #[test]
    fn times_become_words_numbers_and_a_finding_where_they_are_slow() {
        let quick = Check::new("transaction", "t").timed(&[3, 4, 8], "look");
        assert_eq!((quick.state, quick.text.as_str()), (State::Ok, "3 commits, mean 5 ms, worst 8 ms"));
        assert_eq!((quick.measured["mean_ms"].as_i64(), quick.measured["worst_ms"].as_i64()), (Some(5), Some(8)));
        let slow = Check::new("transaction", "t").timed(&[200, 302], "look at its disk");
        assert_eq!(slow.state, State::Finding);
        assert!(slow.findings[0].what.contains("251 ms") && slow.findings[0].next == "look at its disk", "{slow:?}");
    }

    #[test]
    fn a_clock_may_be_two_seconds_off_and_no_more() {
        assert_eq!(clock("clock", "p", -2_000).text, "-2.000 s from ours");
        let off = clock("clock", "p", 2_001);
        assert!(off.state == State::Finding && off.findings[0].what.contains("+2.001 s"), "{off:?}");
    }

    #[test]
    fn what_does_not_answer_is_away_and_what_refuses_is_not() {
        let cause = || Cause::new("connect", "no");
        let told = |fault: Fault| Check::new("kafka", "p").fault(&fault, ("start it", "mend it")).findings.remove(0);
        let finding = |next: &str, away| Finding { what: "connect: no".to_owned(), next: next.to_owned(), away };
        assert_eq!(told(Fault::Transient(cause())), finding("start it", true));
        assert_eq!(told(Fault::Fatal(cause())), finding("mend it", false));
    }
}
