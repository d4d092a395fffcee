//! The goals of performance.md §9 beside what this run measured; what was not run here says so.
//!
//! Place: the last lines of the cluster benchmark. Computes ratios of medians; decides nothing.

use super::contest::Score;
use super::race::Cost;
use super::{chain, demux, dep};

/// One goal: its name, what is measured, the figure to reach, and whether less is better.
struct Goal {
    number: &'static str,
    what: &'static str,
    floor: f64,
    target: f64,
    less: bool,
    value: Option<f64>,
}

/// The lines of the table.
#[must_use]
pub fn table(score: &Score) -> Vec<String> {
    let mut lines = vec![format!("  {:<4} {:<76} {:>9} {:>8} {:>8}  ", "", "goal", "measured", "floor", "target")];
    lines.extend(goals(score).iter().map(Goal::line));
    lines
}

impl Goal {
    fn line(&self) -> String {
        let value = self.value.map_or_else(|| "skipped".to_owned(), told);
        let meets = |bar: f64| self.value.is_some_and(|value| if self.less { value <= bar } else { value >= bar });
        let word = match (self.value, meets(self.target), meets(self.floor)) {
            (None, ..) => "",
            (Some(_), true, _) => "target",
            (Some(_), false, true) => "floor",
            (Some(_), false, false) => "below the floor",
        };
        let (floor, target) = (told(self.floor), told(self.target));
        format!("  {:<4} {:<76} {value:>9} {floor:>8} {target:>8}  {word}", self.number, self.what)
    }
}

fn told(value: f64) -> String {
    if value >= 100.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}

fn goals(score: &Score) -> Vec<Goal> {
    let client = |who| score.median(who, |cost| cost.client);
    let whole = |who| score.median(who, |cost: &Cost| cost.client + cost.broker + cost.database);
    let over = |a: Option<f64>, b: Option<f64>| Some(a? / b.filter(|b| *b > 0.0)?);
    let figure = |name| score.figures.get(name).copied();
    let least = |number, what, (floor, target), value| Goal { number, what, floor, target, less: true, value };
    let most = |number, what, (floor, target), value| Goal { number, what, floor, target, less: false, value };
    let real = client(demux::REAL);
    vec![
        least("G1", "demux CPU over a copy of the same shape", (2.0, 1.5), over(real, client(demux::COPY))),
        most(
            "G2",
            "Kafka Streams EOS v2, stateless, over demux: client CPU",
            (2.0, 3.0),
            over(client(demux::STREAMS), real),
        ),
        most(
            "G2b",
            "Kafka Streams EOS v2 with a store (RocksDB) over dep: client CPU",
            (3.0, 5.0),
            over(client(dep::ROCKSDB), client(dep::REAL)),
        ),
        most("", "the same with its store in memory", (3.0, 5.0), over(client(dep::MEMORY), client(dep::REAL))),
        least(
            "",
            "dep over Kafka Streams (RocksDB): client + broker + database",
            (1.0, 0.8),
            over(whole(dep::REAL), whole(dep::ROCKSDB)),
        ),
        most("G3", "confluent-kafka + orjson loop over demux: client CPU", (1.6, 2.2), over(client(demux::LOOP), real)),
        most("G4", "Quix Streams exactly-once over demux", (10.0, 20.0), None),
        least(
            "G5",
            "demux exactly once over demux at least once: client CPU",
            (1.2, 1.1),
            over(real, client(demux::AT_LEAST_ONCE)),
        ),
        least(
            "",
            "dep exactly once over dep at least once: client CPU",
            (1.2, 1.1),
            over(client(dep::REAL), client(dep::AT_LEAST_ONCE)),
        ),
        least("G6", "p99 per hop over Kafka Streams at its default", (1.0, 0.5), None),
        least("G7", "memory at 10^6 keys over Kafka Streams (RocksDB)", (0.2, 0.1), None),
        least("G8", "kill -9 to first new output, over Kafka Streams", (0.5, 0.2), None),
        least(
            "G9",
            "database CPU per row of dep over a bare upsert of the same rows",
            (1.3, 1.15),
            over(figure(dep::ROW), figure(dep::BARE_ROW)),
        ),
        least("G10", "CPU growth from 12 to 192 partitions and 10^4 to 10^7 keys", (1.35, 1.2), None),
        most("G11", "demux per core, real Kafka, exactly once, inputs/s", (50_000.0, 80_000.0), real.map(|c| 1e6 / c)),
        least(
            "G12",
            "three hops at 500 events/s, request to class row, p99 ms (goal: at 10 k/s)",
            (400.0, 150.0),
            figure(chain::TO_ROW),
        ),
        least(
            "",
            "at 500 events/s, request to the last demux record, p99 ms",
            (400.0, 150.0),
            figure(chain::TO_RECORD),
        ),
        least("G13", "price of lineage: demux with over without", (1.15, 1.05), None),
        most(
            "G14",
            "whole pipeline with broker and database on this machine, events/s",
            (1_500.0, 3_000.0),
            figure(chain::RATE),
        ),
        least("", "demux in two processes over one: client CPU", (1.15, 1.1), over(client(demux::TWO), real)),
        least("", "dep CPU over a copy with as many rows", (2.0, 1.5), over(client(dep::REAL), client(dep::COPY))),
    ]
}
