//! A28: every case again, each in a tenant of its own; then (a) a new store from the recorded demux topics alone,
//! (b) an empty log from `gep.accepted` alone.

use std::collections::{BTreeMap, BTreeSet};

use da_model::event::{DiscreteEvent, Event, Lineage};
use da_model::schema::{Schemas, codec};
use tests::line::Line;
use tests::rounds::recorded;
use tests::stack::{Form, Logged, Stack};
use tests::tables;

use super::*;

both! { a28_rebuilt_from_demux_and_from_accepted, a28_three_partitions_say_the_same }

fn inputs() -> Vec<(&'static str, String)> {
    let text = |text: &str| text.to_owned();
    vec![
        ("A1", a01_full_session::input()),
        ("A2", a01_full_session::input().repeat(2)),
        ("A3", text(a03_second_answer::INPUT)),
        ("A4", a04_waits_for_grading::input()),
        ("A5", a05_two_grades::input()),
        ("A6", a06_three_sessions::input()),
        ("A7", a07_late_stop::input()),
        ("A8", a08_late_grade::input()),
        ("A9", text(a09_late_question::INPUT)),
        ("A10", a10_class_mean::input()),
        ("A11", text(a11_collection::INPUT)),
        ("A12", text(a12_reactions::INPUT)),
        ("A13", text(a13_external::INPUT)),
        ("A14", text(a14_skipped::INPUT)),
        ("A15", text(a15_suggested_path::INPUT)),
        ("A16", text(a16_same_millisecond::INPUT)),
        ("A17", text(a17_time_bounds::INPUT)),
        ("A18", text(a18_seconds::INPUT)),
        ("A19", text(a19_over_night::INPUT)),
        ("A23", text(a23_local_date::INPUT)),
        ("A24", a24_teacher::input()),
        ("A25", text(a25_override::INPUT)),
        ("B3", text(b03_zero_vs_null::INPUT)),
        ("B4", text(b04_fractional::INPUT)),
        ("B5", text(b05_raw_above_max::BASE)),
        ("B6", text(b06_same_ms_two_parts::INPUT)),
        ("B7", text(b07_others_isolated::INPUT)),
        ("B10", b10_clock_30_days_ahead::input()),
        ("B12", b12_corrections::input()),
        ("B19", format!("{}\n{}", b19_reaction_first::FIRST, b19_reaction_first::THEN)),
    ]
}

/// Topic, key and value without lineage of every discrete event, as bytes.
fn values(log: &[Logged]) -> BTreeSet<(String, String, Vec<u8>)> {
    let none = Lineage { id: [0; 16], src: None, root: None, hop: 0, seq: None };
    let bytes = |de| {
        let mut out = Vec::new();
        codec::encode(&Event::Discrete(Box::new(de)), &none, &Schemas::embedded(), &mut out);
        out
    };
    log.iter().filter_map(|l| Some((l.topic.clone(), l.key.clone(), bytes(l.discrete()?)))).collect()
}

fn of_class(topic: &str) -> bool {
    topic.starts_with("dep.member.") || topic.starts_with("dep.class.")
}

/// The last value of every class and member; how it got there does not count.
fn finals(log: &[Logged]) -> BTreeMap<Vec<String>, String> {
    let passing = ["delta:", "at:", "date:", "attempt:"];
    let value = |de: &DiscreteEvent<'_>| {
        let words = Line::of(de).value.into_iter().filter(|w| !passing.iter().any(|p| w.starts_with(p)));
        words.collect::<Vec<_>>().join(" ")
    };
    let discrete = log.iter().filter(|l| of_class(&l.topic)).filter_map(Logged::discrete);
    discrete
        .map(|de| {
            let line = Line::of(&de);
            (vec![de.context.tenant_id.to_string(), line.head.0, line.head.1], value(&de))
        })
        .collect()
}

/// The same set of values on every learner-keyed topic.
fn same_of_learners(one: &[Logged], other: &[Logged]) {
    let learners = |log| -> BTreeSet<_> { values(log).into_iter().filter(|(topic, ..)| !of_class(topic)).collect() };
    let (one, other) = (learners(one), learners(other));
    let names = |(topic, key, _): &(String, String, Vec<u8>)| format!("{topic} {key}");
    assert_eq!(one.difference(&other).map(names).collect::<Vec<_>>(), Vec::<String>::new(), "did not come again");
    assert_eq!(other.difference(&one).map(names).collect::<Vec<_>>(), Vec::<String>::new(), "are new");
    assert!(!one.is_empty());
}

fn recorded_cases(form: Form, settings: &str) -> Stack {
    let stack = form.with(settings);
    for (tenant, text) in inputs() {
        stack.play_as(tenant, &text);
    }
    stack
}

fn a28_rebuilt_from_demux_and_from_accepted(form: Form) {
    let stack = recorded_cases(form, "");
    let log = stack.log();
    let tables = stack.whole_tables();
    assert!(tables.values().all(|rows| !rows.is_empty()), "every table has rows");
    assert_eq!(log.iter().filter(|l| l.topic.ends_with(".dead")).count(), 0);

    let store = form.start();
    store.append(recorded(&log, "demux."));
    assert_eq!(tables::difference(&store.whole_tables(), &tables), "", "(a) dumps");

    let empty = form.start();
    empty.append(recorded(&log, "gep.accepted"));
    let again = empty.log();
    same_of_learners(&log, &again);
    assert_eq!(finals(&again), finals(&log), "(b) final values of classes");
    assert_eq!(tables::difference(&empty.equal_tables(), &stack.equal_tables()), "", "(b) tables");
}

fn a28_three_partitions_say_the_same(form: Form) {
    let (one, three) = (recorded_cases(form, ""), recorded_cases(form, "DA__EMBEDDED__PARTITIONS=3"));
    let (log, spread) = (one.log(), three.log());
    let used: BTreeSet<u32> = spread.iter().map(|l| l.partition.0).collect();
    assert_eq!(used.into_iter().collect::<Vec<_>>(), [0, 1, 2]);
    same_of_learners(&log, &spread);
    assert_eq!(finals(&spread), finals(&log));
    assert_eq!(tables::difference(&three.equal_tables(), &one.equal_tables()), "");
}
