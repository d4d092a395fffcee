//! Several drills side by side: most of them wait for most of their time. Those whose seconds are judged run alone.
//!
//! Place: between `make drill` and [`super::run`]. Each drill has folders, ports and servers of its own; what it says
//! carries its name, and its verdict comes back for the end.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use da_runtime::worker::Beside;

use super::{Plan, Verdict};

/// How a drill ended.
#[derive(Debug)]
pub struct Ended {
    /// Its verdict in one line.
    pub line: String,
    /// Whether something does not agree.
    pub failed: bool,
}

type Queue = Arc<Mutex<VecDeque<Plan>>>;

/// Runs drills, so many at a time, and tells what becomes of them through `say`; verdicts in the order of the plans.
///
/// # Errors
/// When the system starts no thread.
pub fn all(plans: &[Plan], beside: usize, say: fn(&str)) -> anyhow::Result<Vec<Ended>> {
    let (alone, mut together): (Vec<Plan>, Vec<Plan>) = plans.iter().cloned().partition(|plan| plan.drill.is_alone());
    // The longest first, so that none of them is left over at the end.
    together.sort_by_key(|plan| std::cmp::Reverse(plan.lasts()));
    let mut ended: BTreeMap<&str, Ended> = through(alone, 1, say)?.into_iter().collect();
    ended.extend(through(together, beside, say)?);
    let lost = |name| Ended { line: format!("drill {name}: FAILED its thread panicked"), failed: true };
    let names = plans.iter().map(|plan| plan.drill.name());
    Ok(names.map(|name| ended.remove(name).unwrap_or_else(|| lost(name))).collect())
}

fn through(plans: Vec<Plan>, beside: usize, say: fn(&str)) -> anyhow::Result<Vec<(&'static str, Ended)>> {
    let threads = beside.min(plans.len());
    let queue: Queue = Arc::new(Mutex::new(plans.into()));
    let working: Vec<Beside<Vec<(&'static str, Ended)>>> = (0..threads)
        .map(|_| {
            let queue = Arc::clone(&queue);
            Beside::start("drills", move || std::iter::from_fn(|| next(&queue)).map(|plan| one(&plan, say)).collect())
        })
        .collect::<Result<_, _>>()?;
    // What a thread that panicked had in hand is missing among the verdicts.
    Ok(working.into_iter().filter_map(|thread| thread.join().ok()).flatten().collect())
}

fn next(queue: &Queue) -> Option<Plan> {
    queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
}

fn one(plan: &Plan, say: fn(&str)) -> (&'static str, Ended) {
    let (name, head) = (plan.drill.name(), plan.head());
    say(&format!("drill {name}: {head}"));
    let ended = match super::run(plan, &|line| say(&format!("{name}: {line}"))) {
        Ok(Verdict::Ok(figures)) => Ended { line: format!("drill {name}: ok {head} {figures}"), failed: false },
        Ok(Verdict::Skipped(what)) => Ended { line: format!("drill {name}: skipped ({what})"), failed: false },
        Err(error) => Ended { line: format!("drill {name}: FAILED {head} {error:#}"), failed: true },
    };
    say(&ended.line);
    (name, ended)
}
