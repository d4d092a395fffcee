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
    let mut lines = vec![format!("  {:<4} {:<90} {:>9} {:>8} {:>8}  ", "", "goal", "measured", "floor", "target")];
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
        format!("  {:<4} {:<90} {value:>9} {floor:>8} {target:>8}  {word}", self.number, self.what)
    }
}

fn told(value: f64) -> String {
    if value >= 100.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}

const fn least(number: &'static str, what: &'static str, bars: (f64, f64), value: Option<f64>) -> Goal {
    Goal { number, what, floor: bars.0, target: bars.1, less: true, value }
}

const fn most(number: &'static str, what: &'static str, bars: (f64, f64), value: Option<f64>) -> Goal {
    Goal { number, what, floor: bars.0, target: bars.1, less: false, value }
}

fn over(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    Some(a? / b.filter(|b| *b > 0.0)?)
}

fn goals(score: &Score) -> Vec<Goal> {
    [of_peers(score), of_ours(score)].into_iter().flatten().collect()
}

/// G1 to G8.
fn of_peers(score: &Score) -> Vec<Goal> {
    let client = |who| score.median(who, |cost| cost.client);
    let whole = |who| score.median(who, |cost: &Cost| cost.client + cost.broker + cost.database);
    let (demux, dep) = (client(demux::REAL), client(dep::REAL));
    let (streams, rocksdb, memory) = (client(demux::STREAMS), client(dep::ROCKSDB), client(dep::MEMORY));
    let system = over(whole(dep::REAL), whole(dep::ROCKSDB));
    let plain = (over(demux, client(demux::AT_LEAST_ONCE)), over(dep, client(dep::AT_LEAST_ONCE)));
    vec![
        least("G1", "demux over a copy of the same shape: client CPU", (2.0, 1.5), over(demux, client(demux::COPY))),
        least("", "dep over a copy with as many rows: client CPU", (2.0, 1.5), over(dep, client(dep::COPY))),
        most("G2", "Kafka Streams EOS v2, stateless, over demux: client CPU", (2.0, 3.0), over(streams, demux)),
        most("G2b", "Kafka Streams EOS v2 with RocksDB over dep: client CPU", (3.0, 5.0), over(rocksdb, dep)),
        most("", "Kafka Streams EOS v2, store in memory, over dep: client CPU", (3.0, 5.0), over(memory, dep)),
        least("", "dep over Kafka Streams with RocksDB: client + broker + database", (1.0, 0.8), system),
        most(
            "G3",
            "confluent-kafka + orjson loop over demux: client CPU",
            (1.6, 2.2),
            over(client(demux::LOOP), demux),
        ),
        most("G4", "Quix Streams exactly-once over demux", (10.0, 20.0), None),
        least("G5", "demux exactly once over at least once: client CPU", (1.2, 1.1), plain.0),
        least("", "dep exactly once over at least once: client CPU", (1.2, 1.1), plain.1),
        least("G6", "p99 per hop over Kafka Streams at its default", (1.0, 0.5), None),
        least("G7", "memory at 10^6 keys over Kafka Streams with RocksDB", (0.2, 0.1), None),
        least("G8", "kill -9 to the first new output, over Kafka Streams", (0.5, 0.2), None),
    ]
}

/// G9 to G14.
fn of_ours(score: &Score) -> Vec<Goal> {
    let client = |who| score.median(who, |cost| cost.client);
    let figure = |name| score.figures.get(name).copied();
    let row = over(figure(dep::ROW), figure(dep::BARE_ROW));
    let core = client(demux::REAL).map(|cost| 1e6 / cost);
    let two = over(client(demux::TWO), client(demux::REAL));
    let [one, both] = chain::CLIENTS;
    vec![
        least("G9", "database CPU per row of dep over a bare upsert of the same rows", (1.3, 1.15), row),
        least("G10", "CPU growth from 12 to 192 partitions and 10^4 to 10^7 keys", (1.35, 1.2), None),
        most("G11", "demux per core, real Kafka, exactly once, inputs/s", (50_000.0, 80_000.0), core),
        least(
            "G12",
            "three hops, request to the learner's course, p99 ms, at 500/s (the goal's 10 k/s: skipped)",
            (400.0, 150.0),
            figure(chain::TO_COURSE),
        ),
        least(
            "",
            "two hops, request to the last demux record, p99 ms, at 500/s",
            (400.0, 150.0),
            figure(chain::TO_RECORD),
        ),
        least("", "four hops, request to the class row, p99 ms, at 500/s", (400.0, 150.0), figure(chain::TO_ROW)),
        least("G13", "price of lineage: demux with over without", (1.15, 1.05), None),
        most("G14", "whole pipeline, broker and database beside it, events/s", (1_500.0, 3_000.0), figure(chain::RATE)),
        least("", "demux in two processes over one: client CPU", (1.15, 1.1), two),
        least("", "dep in two processes over one: client CPU", (1.15, 1.1), over(client(dep::TWO), client(dep::REAL))),
        least(
            "",
            "all services in two processes each over one: client CPU",
            (1.15, 1.1),
            over(figure(both), figure(one)),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_run_says_so_and_what_misses_its_floor_too() {
        let mut score = Score::default();
        assert!(table(&score).iter().skip(1).all(|line| line.contains("skipped")));
        let cost = |client| Cost { client, ..Cost::default() };
        score.keep(demux::REAL, cost(21.0));
        score.keep(demux::COPY, cost(10.0));
        let lines = table(&score);
        let line = |number: &str| lines.iter().find(|line| line.contains(number)).cloned().unwrap_or_default();
        assert!(line("G1 ").ends_with("below the floor") && line("G1 ").contains("2.10"), "{}", line("G1 "));
        assert!(line("G11").contains("47619") && line("G11").ends_with("below the floor"), "{}", line("G11"));
    }
}
