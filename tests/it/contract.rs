//! One suite over every log and every store: the SQLite file, the log in memory, Kafka; the store in memory, PostgreSQL.
//!
//! Place: what a Driver may count on, whatever its protocol stands on. What one of them alone can show, or promises
//! beyond this, is in `kafka`, `sql_txn`, `postgres` and in da-runtime. A log that is not at hand is reported `skipped`.

use da_model::fault::Fault;
use da_model::state::Row;
use tests::cluster::contract::{Hand, OnFile, OnGroups, World};

use crate::postgres::{changed, odd_rows};

/// Takes until so many records were committed; each step as many as `max`.
fn take(world: &mut dyn World, records: usize, max: usize) -> Vec<String> {
    let mut took = Vec::new();
    while took.len() < records {
        let hand = Hand::takes(max);
        world.step(&hand).unwrap();
        assert!(hand.took().len() <= max, "no more than was asked for");
        took.extend(hand.took());
    }
    took
}

/// What the worker must have said of `a0 a1 …` or `b0 b1 …`: each once, in order, with both numbers going on.
fn numbered(letter: char, records: usize) -> Vec<String> {
    (0..records).map(|n| format!("{0}:{0}:{letter}{n}", n + 1)).collect()
}

fn append(world: &mut dyn World, numbers: std::ops::Range<usize>) {
    let texts: Vec<(u32, String)> = numbers.flat_map(|n| [(0, format!("a{n}")), (1, format!("b{n}"))]).collect();
    let texts: Vec<(u32, &str)> = texts.iter().map(|(p, text)| (*p, text.as_str())).collect();
    world.append(&texts);
}

fn records_come_once_and_in_the_order_of_their_partition(world: &mut dyn World) {
    append(world, 0..7);
    let took = take(world, 14, 3);
    for (partition, letter) in [(0, 'a'), (1, 'b')] {
        let of: Vec<&String> = took.iter().filter(|text| text.starts_with(&partition.to_string())).collect();
        assert_eq!(
            of,
            (0..7).map(|n| format!("{partition} {letter}{n}")).collect::<Vec<_>>().iter().collect::<Vec<_>>()
        );
    }
    assert_eq!(world.said(), [numbered('a', 7), numbered('b', 7)]);
}

fn a_step_that_fails_leaves_no_trace(world: &mut dyn World) {
    append(world, 0..2);
    let first = Hand::fails(100);
    assert!(matches!(world.step(&first), Err(Fault::Transient(_))));
    assert!(!first.took().is_empty());
    assert_eq!(world.said(), [numbered('a', 0), numbered('b', 0)], "nothing is to be read");
    let again = take(world, 4, 100);
    assert!(first.took().iter().all(|text| again.contains(text)), "the same records come again");
    assert_eq!(world.said(), [numbered('a', 2), numbered('b', 2)], "its counts are gone with it");
}

fn a_new_worker_goes_on_behind_the_last_commit(world: &mut dyn World) {
    append(world, 0..3);
    take(world, 6, 100);
    world.reopen();
    append(world, 3..5);
    assert!(world.step(&Hand::fails(2)).is_err());
    world.reopen();
    take(world, 4, 2);
    assert_eq!(world.said(), [numbered('a', 5), numbered('b', 5)]);
}

fn what_comes_later_is_read_later(world: &mut dyn World) {
    for n in 0..3 {
        append(world, n..n + 1);
        let mut took = take(world, 2, 100);
        took.sort();
        assert_eq!(took, [format!("0 a{n}"), format!("1 b{n}")]);
    }
    assert_eq!(world.said(), [numbered('a', 3), numbered('b', 3)]);
}

fn a_partition_without_records_hinders_no_other(world: &mut dyn World) {
    world.append(&[(1, "b0"), (1, "b1"), (1, "b2")]);
    assert_eq!(take(world, 3, 2), ["1 b0", "1 b1", "1 b2"]);
    assert_eq!(world.said(), [numbered('a', 0), numbered('b', 3)]);
}

fn rows_come_back_as_they_were_written(world: &mut dyn World) {
    if !world.keeps_rows() {
        return;
    }
    let rows = odd_rows();
    let changed = changed(&rows);
    let mut before: Vec<Option<Row>> = vec![None; rows.len()];
    for (n, writes) in [rows.clone(), rows.clone(), changed.clone(), changed.clone()].into_iter().enumerate() {
        append(world, n..n + 1);
        // Read from the store, and not from what a worker remembers, every other time.
        if n % 2 == 1 {
            world.reopen();
        }
        let hand = Hand::writes(writes.clone());
        world.step(&hand).unwrap();
        let keys = writes.iter().map(|(key, _)| key);
        let known = |key| rows.iter().position(|(of, _)| of == key).and_then(|at| before[at].clone());
        assert_eq!(hand.found(), keys.map(known).collect::<Vec<_>>(), "step {n}");
        for (key, row) in writes {
            let at = rows.iter().position(|(of, _)| *of == key).unwrap();
            before[at] = row;
        }
    }
}

/// One test per property and world.
macro_rules! suite {
    ($($name:ident,)+) => {
        mod sqlite {
            $(#[test] fn $name() { super::$name(&mut super::OnFile::new()); })+
        }
        mod memory {
            $(#[test] fn $name() { super::$name(&mut super::OnGroups::memory()); })+
        }
        mod memory_with_shelf {
            $(#[test] fn $name() { super::$name(&mut super::OnGroups::memory_with_shelf()); })+
        }
        mod kafka {
            $(#[test] fn $name() {
                if let Some(mut world) = super::OnGroups::kafka(stringify!($name)) { super::$name(&mut world); }
            })+
        }
        mod kafka_with_postgres {
            $(#[test] fn $name() {
                let world = super::OnGroups::kafka_with_postgres(stringify!($name));
                if let Some(mut world) = world { super::$name(&mut world); }
            })+
        }
    };
}

suite! {
    records_come_once_and_in_the_order_of_their_partition,
    a_step_that_fails_leaves_no_trace,
    a_new_worker_goes_on_behind_the_last_commit,
    what_comes_later_is_read_later,
    a_partition_without_records_hinders_no_other,
    rows_come_back_as_they_were_written,
}
