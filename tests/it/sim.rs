//! Any order, repetition, batch size and crash gives equal tables: the real handlers under the real Driver on a
//! simulated log (domain.md §10, house.md §2 rule 2).
//!
//! Place: property tests over the inputs of the acceptance cases. Inputs whose meaning depends on arrival are left out
//! (§10: B18, changing scopes, stops without a start, withheld kinds).

use std::collections::BTreeMap;
use std::sync::Arc;

use da_model::state::Value;
use da_model::time::Timestamp;
use da_runtime::clock::ManualClock;
use da_runtime::driver::{DriverOptions, Stage, stage};
use da_runtime::ports::Append;
use tests::dsl::{T0, plays};
use tests::edge;
use tests::sim::{Chance, Schedule, SimProtocol, Stored, World};

/// Schedules per input; with the inputs below more than 1,000 in all.
const SCHEDULES: u64 = 100;

const INPUTS: &[(&str, &str)] = &[
    (
        "a3",
        "start(s1,a1)@0\nq(s1,a1,q1)=incorrect 0-30\nq(s1,a1,q1)=correct 30-50\nq(s1,a1,q2)=correct 50-60\nstop(s1,a1)@61",
    ),
    (
        "a4",
        "start(s1,a1)@0\nq(s1,a1,q1)=correct 0-20\nq(s1,a1,q2)=correct 20-40\nq(s1,a1,q3)=incorrect 40-60\nq(s1,a1,q4)=attempted 60-120 type=OE\nstop(s1,a1)@121\ngrade(s1,a1,q4)=3/4@3600",
    ),
    (
        "a5",
        "q(s1,a1,q1)=attempted 0-60 type=OE\nq(s1,a1,q2)=attempted 60-120 type=OE\nstop(s1,a1)@121\ngrade(s1,a1,q1)=3/4@3600\ngrade(s1,a1,q2)=2/4@3700",
    ),
    (
        "a6",
        "q(s1,a1,q1)=correct 0-10\nq(s1,a1,q2)=incorrect 10-20\nstop(s1,a1)@101\nq(s3,a2,q1)=correct 200-210\nstop(s3,a2)@251\nq(s2,a1,q1)=incorrect 400-410\nq(s2,a1,q2)=correct 410-420\nq(s2,a1,q3)=correct 420-430\nstop(s2,a1)@501",
    ),
    (
        "a8",
        "q(s1,a1,q1)=correct 0-10\nq(s1,a1,q2)=attempted 30-60 type=OE\nstop(s1,a1)@61\nq(s2,a1,q1)=correct 200-210\nq(s2,a1,q2)=incorrect 210-220\nstop(s2,a1)@251\ngrade(s1,a1,q2)=3/4@9000",
    ),
    ("a9", "start(s1,a1)@0\nq(s1,a1,q1)=correct 0-20\nstop(s1,a1)@51\nq(s1,a1,q2)=incorrect 20-50"),
    (
        "a10",
        "q(s1,a1,q1)=correct 0-10\nstop(s1,a1)@11\nq(s2,a2,q1)=incorrect 20-30\nstop(s2,a2)@31\nq(s3,a1,q1)=incorrect 40-50 by=B\nstop(s3,a1)@51 by=B",
    ),
    (
        "a11",
        "q(s1,col1,q1)=correct 0-10\nq(s1,col1,q2)=correct 10-20\nq(s1,col1,q3)=correct 20-30\nq(s1,col1,q4)=incorrect 30-40\nq(s2,col2,p1)=correct 50-60\nq(s3,col1,q4)=correct 70-80",
    ),
    (
        "a12",
        "start(s1,col1)@0\nreact(s1,col1,r1)=5@10\nreact(s1,col1,r1)=3@20\nreact(s1,col1,r2)=4@30\nr(s1,col1,r1) 0-20\nr(s1,col1,r2) 20-40",
    ),
    (
        "a15",
        "q(s1,a1,q1)=correct 0-10 path=7 pathType=system\nq(s1,a1,q2)=incorrect 10-20 path=7 pathType=system\nstop(s1,a1)@21 path=7 pathType=system",
    ),
    ("a19", "start(s1,col1)@0\nr(s1,col1,r1) 0-600\nr(s1,col1,r2) 51000-51300\nstop(s1,col1)@51300"),
    (
        "a25",
        "q(s1,a1,q1)=correct 0-10\nq(s1,a1,q2)=incorrect 10-20\nstop(s1,a1)@21\nover(s1,a1,q2)=correct@600\nover(s1,a1,q2)=correct@700",
    ),
    (
        "b4",
        "q(s1,a1,q1)=correct 0-10\nq(s1,a1,q2)=attempted 10-20 type=OE\nstop(s1,a1)@21\ngrade(s1,a1,q2)=2.5/4@600\nq(s2,a1,q1)=attempted 700-710 type=OE\nstop(s2,a1)@711\ngrade(s2,a1,q1)=1/32@900",
    ),
    (
        "an update of a collection, ended by an answer that waits",
        "start(s1,col1)@0\nupd(s1,col1)=2/4@100\nq(s1,col1,q1)=attempted 150-200 type=OE\nq(s2,col2,q1)=correct 300-310\nupd(s3,col3)=1/4@400\nq(s3,col3,q1)=attempted 450-460 type=OE\ngrade(s3,col3,q1)=3/4@900",
    ),
    (
        "b7",
        "q(s1,a1,q1)=correct 0-30\nstop(s1,a1)@31\nq(s1,a1,q1)=incorrect 0-30 by=B\nstop(s1,a1)@31 by=B\nq(s1,a2,q1)=incorrect 0-30\nstop(s1,a2)@31",
    ),
    (
        "b12",
        "q(s1,a1,q1)=correct 0-10\nq(s1,a1,q2)=correct 10-20\nq(s1,a1,q3)=incorrect 20-30\nstop(s1,a1)@60\nq(s2,a1,q1)=correct 600-610\nq(s2,a1,q2)=incorrect 610-620\nstop(s2,a1)@660\nupd(s1,a1)=2/5@1200\nwithdraw(s2,a1)@1800\nupd(s1,a1)=2/4@2400",
    ),
];

/// Every row of dep's tables without what may differ by arrival.
type Tables = BTreeMap<String, Vec<Option<String>>>;

fn accepted(text: &str) -> Vec<Append> {
    let mut records = Vec::new();
    for play in plays(text) {
        let (taken, verdicts) = edge::taken(&play.event.to_string(), Timestamp(play.received));
        assert_eq!(verdicts[0].verdict.code(), "accepted", "{} {:?}", play.line, verdicts[0].reasons);
        records.extend(taken);
    }
    records
}

fn stages() -> Vec<Box<dyn Stage>> {
    let options = DriverOptions::new(Arc::new(ManualClock::new(Timestamp(T0))));
    vec![
        stage(gep::pipeline::Gep::default(), options.clone()),
        stage(demux::pipeline::Demux::default(), options.clone()),
        stage(dep::pipeline::Dep::default(), options),
    ]
}

fn run(records: Vec<Append>, partitions: u32, schedule: Schedule) -> SimProtocol {
    let mut world = World::new(partitions);
    for record in records {
        world.append(record);
    }
    let mut protocol = SimProtocol::new(world, schedule);
    protocol.run(stages).unwrap();
    protocol
}

fn tables(world: &World) -> Tables {
    let mut tables = Tables::new();
    for (key, row) in &world.rows {
        let table = key.table();
        if gep::tables::all().contains(&table) || table.name.contains("_part_") {
            continue;
        }
        let values: Vec<Option<String>> = table
            .values
            .iter()
            .zip(&row.0)
            .filter(|(column, _)| !["revision", "activity_time"].contains(&column.name))
            .map(|(_, value)| match value {
                Value::Null => None,
                Value::Int(n) => Some(n.to_string()),
                Value::Text(text) => Some(text.to_string()),
                Value::Bytes(bytes) => Some(format!("{bytes:?}")),
            })
            .collect();
        let value_of = |name: &str| {
            let at = table.values.iter().position(|column| column.name == name);
            at.map(|at| row.0[at].clone())
        };
        // §12 "Equal tables": rows whose values are all null, or 0 views, count as absent.
        let ungraded_answer = table.name == "question_score";
        let says_nothing =
            (!ungraded_answer && value_of("percent") == Some(Value::Null)) || value_of("views") == Some(Value::Int(0));
        if !says_nothing {
            tables.insert(format!("{} {}", table.name, key.joined().replace('\u{1f}', "|")), values);
        }
    }
    tables
}

#[test]
fn any_order_repetition_batch_size_and_crash_gives_equal_tables() {
    let mut schedules = 0;
    for (name, text) in INPUTS {
        let records = accepted(text);
        let expected = tables(&run(records.clone(), 1, Schedule::calm()).world);
        assert!(expected.len() > 3, "{name} fills tables");
        for seed in 0..SCHEDULES {
            let mut chance = Chance::new(seed);
            let mut order = records.clone();
            order
                .extend((0..chance.below(4)).map(|_| records[chance.below(records.len())].clone()).collect::<Vec<_>>());
            chance.shuffle(&mut order);
            let batch = [1, 7, 1000][chance.below(3)];
            let schedule = Schedule { batch, crash_once_in: [0, 5, 15][chance.below(3)], chance };
            let ran = run(order, 1 + u32::try_from(seed % 3).unwrap(), schedule);
            assert_eq!(tables(&ran.world), expected, "{name} seed {seed}, {} crashes", ran.crashes);
            schedules += 1;
        }
    }
    assert!(schedules >= 1000, "{schedules} schedules");
}

#[test]
fn the_same_order_gives_the_same_bytes_whatever_the_batch_size_and_the_crashes() {
    for (name, text) in INPUTS {
        let records = accepted(text);
        let calm = run(records.clone(), 3, Schedule::calm());
        for (batch, crash_once_in) in [(1, 0), (7, 0), (1000, 0), (1, 4), (7, 4), (1000, 4)] {
            let schedule = Schedule { chance: Chance::new(batch as u64), batch, crash_once_in };
            let ran = run(records.clone(), 3, schedule);
            assert!(crash_once_in == 0 || ran.crashes > 0, "{name}: a crash happened");
            assert_eq!(said(&ran.world), said(&calm.world), "{name} batch {batch}");
            assert_eq!(tables(&ran.world), tables(&calm.world), "{name} batch {batch}");
        }
    }
}

/// The bytes of topics whose order does not depend on the batch size.
fn said(world: &World) -> Vec<Stored> {
    let topics = ["gep.usage", "demux.assessment.score", "demux.question.score", "dep.lesson.score"];
    topics.into_iter().flat_map(|name| world.records(da_model::topics::named(name).unwrap()).cloned()).collect()
}
