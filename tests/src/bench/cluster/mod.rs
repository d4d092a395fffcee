//! The benchmark on real Kafka and PostgreSQL: systems of the same shape side by side, latency, and the goals' table.
//!
//! Place: part `cluster` of `make bench`; starts a stack of its own and removes it. Says `skipped` where something is
//! not on this machine; asserts nothing about speed, but refuses runs whose outputs differ.

pub mod chain;
pub mod contest;
pub mod demux;
pub mod dep;
pub mod goals;
pub mod ground;
pub mod log;
pub mod race;
pub mod sums;
pub mod walk;

use contest::Score;
use ground::{Ground, Size};

use crate::fleet::{Fleet, Plan};

/// The whole chain on a stack of its own, with a warm broker; nothing where something is missing.
fn chain_of(
    size: &Size,
    (dir, processes): (&std::path::Path, usize),
    score: &mut Score,
    say: &dyn Fn(&str),
) -> anyhow::Result<Option<Ground>> {
    let (programs, partitions) = (size.programs.clone(), size.partitions);
    let plan = Plan { programs, dir: dir.to_path_buf(), processes, partitions, brokers: 1, cut: None };
    let fleet = match Fleet::start(&plan)? {
        Ok(fleet) => fleet,
        Err(missing) => {
            score.skipped.insert("chain".to_owned(), missing);
            return Ok(None);
        }
    };
    say("the whole chain: gep, demux and dep, broker and database on this machine");
    let mut ground = Ground::over(fleet)?;
    chain::warm_up(&mut ground, size, say)?;
    Ok(Some(ground))
}

/// What it takes in with one process per service and with two, and how late its words are with one.
fn chains(size: &Size, dir: &std::path::Path, score: &mut Score, say: &dyn Fn(&str)) -> anyhow::Result<()> {
    for (processes, name) in [(1, "chain"), (2, "chain-of-two")] {
        let Some(mut ground) = chain_of(size, (&dir.join(name), processes), score, say)? else { continue };
        chain::throughput(&mut ground, size, score, say)?;
        if processes == 1 {
            chain::latency(&mut ground, size, score, say)?;
        }
        ground.fleet.stop()?;
    }
    Ok(())
}

/// Measures alone how late the words of the chain are.
///
/// # Errors
/// When something that is there fails.
pub fn hops(size: &Size, say: &dyn Fn(&str)) -> anyhow::Result<()> {
    alone("hops", say, |dir, score| {
        let Some(mut ground) = chain_of(size, (dir, 1), score, say)? else { return Ok(()) };
        chain::latency(&mut ground, size, score, say)?;
        ground.fleet.stop()
    })
}

/// Runs the whole chain alone.
///
/// # Errors
/// When something that is there fails.
pub fn chain(size: &Size, say: &dyn Fn(&str)) -> anyhow::Result<()> {
    alone("chain", say, |dir, score| chains(size, dir, score, say))
}

/// Runs the contest of dep alone.
///
/// # Errors
/// When something that is there fails.
pub fn dep_alone(size: &Size, say: &dyn Fn(&str)) -> anyhow::Result<()> {
    alone("dep", say, |dir, score| match Ground::make(size, dir, say)? {
        Ok(ground) => dep::run(&ground, size, score, say),
        Err(missing) => {
            score.skipped.insert("dep".to_owned(), missing);
            Ok(())
        }
    })
}

/// Runs one part in a folder of its own, and says what was missing for it. Where it failed, the logs stay.
fn alone(
    part: &str,
    say: &dyn Fn(&str),
    run: impl FnOnce(&std::path::Path, &mut Score) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let dir = std::env::temp_dir().join(format!("da-bench-{part}-{}", std::process::id()));
    let mut score = Score::default();
    run(&dir, &mut score)?;
    score.skipped.values().for_each(|missing| say(&format!("skipped: {missing}")));
    Ok(std::fs::remove_dir_all(&dir)?)
}

/// Runs everything.
///
/// # Errors
/// When something that is there fails.
pub fn run(size: &Size, say: &dyn Fn(&str)) -> anyhow::Result<Score> {
    let dir = std::env::temp_dir().join(format!("da-bench-cluster-{}", std::process::id()));
    let mut score = Score::default();
    match Ground::make(size, &dir, say)? {
        Err(missing) => {
            score.skipped.insert("cluster".to_owned(), missing);
        }
        Ok(ground) => {
            say("demux over recorded gep.usage of the bench profile");
            demux::run(&ground, size, &mut score, say)?;
            say("dep over what demux made of it; per discrete event, with what dep feeds itself inside");
            dep::run(&ground, size, &mut score, say)?;
        }
    }
    chains(size, &dir, &mut score, say)?;
    // Where it failed, the logs stay.
    std::fs::remove_dir_all(&dir)?;
    say("goals of performance.md §9: medians of this run, its machine and its sizes");
    goals::table(&score).iter().for_each(|line| say(line));
    Ok(score)
}
