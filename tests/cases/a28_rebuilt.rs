//! A28: every case again, each in a tenant of its own; then (a) a new store from the recorded demux topics alone,
//! (b) an empty file from `gep.accepted` alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use da_model::event::Event;
use da_model::event::Lineage;
use da_model::schema::{Schemas, codec};
use da_runtime::probe::Silent;
use tests::rounds::{Rounds, recorded};
use tests::stack::{Logged, Stack};
use tests::tables;

use super::*;

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

/// The last result of every class and member.
fn finals(log: &[Logged]) -> BTreeMap<Vec<String>, String> {
    let discrete = log.iter().filter(|l| of_class(&l.topic)).filter_map(Logged::discrete);
    let text = |t: Option<std::borrow::Cow<'_, str>>| t.unwrap_or_default().into_owned();
    discrete
        .map(|de| {
            let c = de.context;
            let key = vec![de.event_name.into_owned(), c.tenant_id.into_owned(), text(c.class_id), text(de.user_id)];
            (key, format!("{:?} {:?}", de.item_kind, de.result).replace("delta", ""))
        })
        .collect()
}

fn recorded_cases() -> Stack {
    let stack = Stack::start();
    for (tenant, text) in inputs() {
        stack.play_as(tenant, &text);
    }
    stack
}

#[test]
fn a28_rebuilt_from_demux_and_from_accepted() {
    let stack = recorded_cases();
    let log = stack.log();
    let tables = stack.whole_tables();
    assert!(tables.values().all(|rows| !rows.is_empty()), "every table has rows");
    let dead: Vec<_> = log.iter().filter(|l| l.topic.ends_with(".dead")).collect();
    assert!(dead.is_empty(), "{} dead letters", dead.len());

    let mut store = Rounds::new(Arc::new(Silent));
    store.stages().retain(|stage| stage.name() == "dep");
    drop(store.append(recorded(&log, "demux.")));
    store.drain();
    assert_eq!(tables::difference(&tables::whole(&store.file()), &tables), "", "(a) dumps");

    let mut empty = Rounds::new(Arc::new(Silent));
    drop(empty.append(recorded(&log, "gep.accepted")));
    empty.drain();
    let again = empty.log();
    let learners = |log: &[Logged]| -> BTreeSet<_> { values(log).into_iter().filter(|(t, ..)| !of_class(t)).collect() };
    let (before, after) = (learners(&log), learners(&again));
    let names =
        |set: Vec<&(String, String, Vec<u8>)>| set.iter().map(|(t, k, _)| format!("{t} {k}")).collect::<Vec<_>>();
    assert_eq!(names(before.difference(&after).collect()), Vec::<String>::new(), "(b) values that did not come again");
    assert_eq!(names(after.difference(&before).collect()), Vec::<String>::new(), "(b) values that are new");
    assert_eq!(finals(&again), finals(&log), "(b) final values of classes");
    assert_eq!(tables::difference(&tables::equal(&empty.file()), &tables::equal(&stack.file())), "", "(b) tables");
}
