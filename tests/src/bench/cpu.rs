//! CPU time of this thread and of other processes, from process accounting.
//!
//! Place: every cost the benchmark prints. Wall time is only used where the question is about waiting.

use std::fs;

/// Nanoseconds this thread spent on a CPU; 0 where the kernel does not say. The kernel adds up at ticks of 4 ms and when
/// a thread yields: without that, figures of a few milliseconds are multiples of a tick.
#[must_use]
pub fn of_this_thread() -> u64 {
    std::thread::yield_now();
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0)
}

/// User + system seconds of all threads of a process; `None` once it is gone.
#[must_use]
pub fn of_process(pid: u32) -> Option<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let after_name = text.rsplit_once(')')?.1;
    let mut fields = after_name.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / 100.0)
}

/// Resident bytes of a process; `None` once it is gone.
#[must_use]
pub fn resident(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = text.lines().find(|l| l.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib * 1024)
}

/// User + system seconds of a process with all that it started, those that have ended among them.
#[must_use]
pub fn of_tree(pid: u32) -> f64 {
    let own = with_buried(pid).unwrap_or(0.0);
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let pids = children.split_whitespace().filter_map(|child| child.parse().ok());
    own + pids.map(of_tree).sum::<f64>()
}

/// Its own seconds with those of the children that it has waited for.
fn with_buried(pid: u32) -> Option<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let after_name = text.rsplit_once(')')?.1;
    let ticks = after_name.split_whitespace().skip(11).take(4).filter_map(|n| n.parse::<f64>().ok());
    Some(ticks.sum::<f64>() / 100.0)
}
