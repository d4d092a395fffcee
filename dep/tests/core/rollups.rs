//! The roll-ups against the numbers of domain.md §8 and §10.

use da_model::effects::{Key, Note};
use da_model::event::usage::Track;
use da_model::outcome::Outcome;
use da_model::state::Value;

use crate::kit::{At, De, World, after, at, shuffled};

const SCORE: &str = "dep.lesson.score";

/// View, time and score of a session of an assessment, as demux says them at its stop.
fn session(at: At, (raw, max): (i64, i64), ms: i64, seconds: i64) -> Vec<De> {
    vec![
        at.view("usage.assessment.view", (1, 1), seconds),
        at.time("usage.assessment.timespent", (1, ms, 10), seconds),
        at.score(1, Some((raw, max, true)), seconds),
    ]
}

fn a6() -> Vec<De> {
    let mut des = session(at("A", "s1", "a1"), (9, 10), 100_000, 101);
    des.extend(session(at("A", "s3", "a2"), (4, 5), 50_000, 251));
    des.extend(session(at("A", "s2", "a1"), (6, 10), 100_000, 501));
    des
}

/// B12 without its content part.
fn b12() -> Vec<De> {
    let (s1, s2) = (at("A", "s1", "a1"), at("A", "s2", "a1"));
    let (s1r1, s2r1) = (s1.score(1, Some((4, 5, true)), 60), s2.score(1, Some((3, 5, true)), 660));
    let s1r2 = after(s1.score(2, Some((2, 5, false)), 1200), &s1r1);
    let s1r3 = after(s1.score(3, Some((2, 5, true)), 1800), &s1r2);
    let s2r2 = after(s2.score(2, None, 1800), &s2r1);
    let s2v1 = s2.view("usage.assessment.view", (1, 1), 660);
    let s2v2 = after(s2.view("usage.assessment.view", (2, 0), 1800), &s2v1);
    let s1r4 = after(s1.score(4, Some((2, 4, true)), 2400), &s1r3);
    vec![s1.view("usage.assessment.view", (1, 1), 60), s1r1, s2v1, s2r1, s1r2, s1r3, s2v2, s2r2, s1r4]
}

#[test]
fn a1_says_fifteen_roll_ups() {
    let mut world = World::default();
    world.feed_all(session(at("A", "s1", "a1"), (9, 10), 300_000, 301));
    assert_eq!(world.said.len(), 15);
    for level in ["lesson", "unit", "course", "member", "class"] {
        assert_eq!(world.scores(&format!("dep.{level}.score")), ["r1 90.00 (90/100)"], "{level}");
        assert_eq!(world.scores(&format!("dep.{level}.timespent")), ["r1 300000"], "{level}");
        assert_eq!(world.scores(&format!("dep.{level}.view")), ["r1 1 of 1"], "{level}");
    }
    let class = world.said.iter().find(|(topic, ..)| *topic == "dep.class.score").unwrap();
    assert_eq!((&class.2.user_id, &class.1), (&None, &Key::Inherited));
    let member = world.said.iter().find(|(topic, ..)| *topic == "dep.member.score").unwrap();
    assert_eq!(member.1, Key::Own("t1\u{1f}k1".to_owned()));
    assert_eq!((member.2.user_id.as_deref(), &member.2.context.unit_id), (Some("A"), &None));
    assert_eq!(member.2.event_id, "e301");
    assert!(world.notes.is_empty(), "{:?}", world.notes);
}

#[test]
fn a6_the_latest_session_counts_and_times_add_up() {
    let mut world = World::default();
    world.feed_all(a6());
    assert_eq!(world.scores(SCORE), ["r1 90.00 (90/100)", "r2 85.00 (170/200)", "r3 70.00 (140/200)"]);
    assert_eq!(world.scores("dep.lesson.timespent").last().unwrap(), "r3 250000");
    assert_eq!(world.scores("dep.lesson.view").last().unwrap(), "r3 3 of 2");
    let last = world.said.iter().rfind(|(topic, ..)| *topic == SCORE).unwrap();
    let previous = last.2.previous.clone().unwrap();
    assert!(format!("{previous:?}").contains("Percent(8500)"));
    assert!(world.notes.is_empty(), "{:?}", world.notes);
}

#[test]
fn previous_is_the_result_of_the_revision_before() {
    let mut world = World::default();
    world.feed_all(a6());
    world.feed_all(b12());
    let mut last = std::collections::BTreeMap::new();
    for (topic, _, de) in &world.said {
        let before = last.insert((*topic, de.user_id.clone()), de.result.clone());
        assert_eq!(de.previous, before, "{topic} r{}", de.revision);
    }
    assert_eq!(last.len(), 15);
}

#[test]
fn what_is_handed_on_is_what_would_have_been_read() {
    let (mut together, mut apart) = (World::default(), World::apart());
    for world in [&mut together, &mut apart] {
        world.feed_all(a6());
        world.feed_all(b12());
        let free = At { lesson: "", ..at("B", "s9", "a9") };
        world.feed_all(session(free, (1, 2), 1_000, 2_000));
        world.feed_all(session(At { unit: "", ..free }, (2, 3), 2_000, 3_000));
    }
    assert_eq!(together.rows, apart.rows);
    let said = |world: &World| {
        let mut said = world.said.clone();
        said.sort_by_key(|(topic, ..)| *topic);
        said
    };
    assert_eq!(said(&together), said(&apart));
    assert!(said(&together).len() > 50);
}

#[test]
fn a7_a_late_older_session_changes_no_score() {
    let (s1, mut in_order) = (at("A", "s1", "a1"), World::default());
    in_order.feed_all(a6());
    let mut world = World::default();
    world.feed_all(session(at("A", "s3", "a2"), (4, 5), 50_000, 251));
    world.feed_all(session(at("A", "s2", "a1"), (6, 10), 100_000, 501));
    world.feed_all([
        s1.view("usage.assessment.view", (1, 1), 101),
        s1.time("usage.assessment.timespent", (1, 100_000, 10), 101),
        s1.score(1, Some((9, 10, false)), 101),
    ]);
    assert_eq!(world.scores(SCORE), ["r1 80.00 (80/100)", "r2 70.00 (140/200)"]);
    assert_eq!(world.tables(), in_order.tables());
}

#[test]
fn a10_a_class_is_the_mean_of_its_members() {
    let mut world = World::default();
    world.feed(at("A", "s1", "a1").score(1, Some((9, 10, true)), 10));
    world.feed(at("A", "s2", "a2").score(1, Some((7, 10, true)), 20));
    world.feed(at("B", "s3", "a1").score(1, Some((5, 10, true)), 30));
    let class = ["r1 90.00 (90/100)", "r2 80.00 (80/100)", "r3 65.00 (130/200)"];
    assert_eq!(world.scores("dep.class.score"), class);
    let (_, values) = &world.table("class_score")[0];
    assert_eq!(values[2..], [Value::Int(2), Value::Int(6500)], "count 2, 65.00");
}

#[test]
fn a11_collections_are_a_ratio_of_sums() {
    let (col1, col2) = (at("A", "s1", "col1"), at("A", "s2", "col2"));
    let mut running = vec![col1.running(1, (1, 1), 1)];
    for (revision, points) in [(2, (2, 2)), (3, (3, 3)), (4, (3, 4))] {
        let next = after(col1.running(revision, points, revision.into()), running.last().unwrap());
        running.push(next);
    }
    let fifth = after(at("A", "s3", "col1").running(5, (4, 4), 60), running.last().unwrap());
    let mut world = World::default();
    world.feed_all(running);
    world.feed(col2.running(1, (1, 1), 50));
    assert_eq!(world.scores(SCORE).last().unwrap(), "r5 80.00 (4/5)");
    assert_eq!(world.table("level_score")[1].1[2], Value::Int(2), "two collections");
    world.feed(fifth);
    assert_eq!(world.scores(SCORE).last().unwrap(), "r6 100.00 (5/5)");
    assert!(world.notes.is_empty(), "{:?}", world.notes);
}

#[test]
fn units_and_courses_are_the_mean_over_assessments_not_of_means() {
    let mut world = World::default();
    world.feed(at("A", "s1", "a1").score(1, Some((60, 100, true)), 1));
    world.feed(at("A", "s2", "a2").score(1, Some((80, 100, true)), 2));
    world.feed(At { lesson: "l2", ..at("A", "s3", "a3") }.score(1, Some((50, 100, true)), 3));
    assert_eq!(world.scores(SCORE)[1..], ["r2 70.00 (140/200)", "r1 50.00 (50/100)"]);
    assert_eq!(world.scores("dep.unit.score").last().unwrap(), "r3 63.33 (190/300)");
    assert_eq!(world.scores("dep.course.score").last().unwrap(), "r3 63.33 (190/300)");
}

#[test]
fn a_class_adds_published_percents() {
    let mut world = World::default();
    world.feed(at("A", "s1", "a1").score(1, Some((1, 3, true)), 1));
    world.feed(at("B", "s2", "a1").score(1, Some((2, 3, true)), 2));
    world.feed(at("C", "s3", "a1").score(1, Some((3, 3, true)), 3));
    assert_eq!(world.scores("dep.class.score").last().unwrap(), "r3 66.67 (200/300)");
}

#[test]
fn b3_zero_is_a_score_and_null_is_none() {
    let mut world = World::default();
    world.feed_all(session(at("A", "s1", "a1"), (0, 1), 30_000, 31));
    world.feed(at("A", "s2", "a2").view("usage.assessment.view", (1, 1), 161));
    world.feed(at("A", "s2", "a2").score(1, None, 161));
    assert_eq!(world.scores(SCORE), ["r1 0.00 (0/100)"]);
    let lesson = world.said.iter().find(|(topic, ..)| *topic == SCORE).unwrap();
    assert!(format!("{:?}", lesson.2.result).contains("count: Some(1)"));
}

#[test]
fn b7_learners_and_items_of_one_session_id_stay_apart() {
    let mut world = World::default();
    world.feed(at("A", "s1", "a1").score(1, Some((1, 1, true)), 31));
    world.feed(at("B", "s1", "a1").score(1, Some((0, 1, true)), 31));
    world.feed(at("A", "s1", "a2").score(1, Some((0, 1, true)), 31));
    let class = ["r1 100.00 (100/100)", "r2 50.00 (100/200)", "r3 25.00 (50/200)"];
    assert_eq!(world.scores("dep.class.score"), class);
}

#[test]
fn b12_corrections_move_totals_down_as_well_as_up() {
    let mut world = World::default();
    world.feed_all(b12());
    let lesson = ["r1 80.00 (80/100)", "r2 60.00 (60/100)", "r3 40.00 (40/100)", "r4 50.00 (50/100)"];
    assert_eq!(world.scores(SCORE), lesson);
    assert_eq!(world.scores("dep.class.score"), lesson);
    assert_eq!(world.scores("dep.lesson.view"), ["r1 1 of 1", "r2 2 of 1", "r3 1 of 1"]);
    assert_eq!(world.table("learner_item_score")[0].1[1], Value::from("s1"));
    assert_eq!(world.table("learner_item_score")[0].1[4], Value::Int(5000));
    assert!(world.notes.is_empty(), "{:?}", world.notes);
}

#[test]
fn the_last_part_leaves_null_with_count_zero() {
    let mut world = World::default();
    let first = at("A", "s1", "a1").score(1, Some((4, 5, true)), 60);
    world.feed(first.clone());
    world.feed(after(at("A", "s1", "a1").score(2, None, 90), &first));
    assert_eq!(world.scores(SCORE), ["r1 80.00 (80/100)", "r2 -"]);
    assert_eq!(world.scores("dep.class.score"), ["r1 80.00 (80/100)", "r2 -"]);
    let null = world.said.iter().rfind(|(topic, ..)| *topic == "dep.class.score").unwrap();
    assert!(format!("{:?}", null.2.result).contains("graded: false"));
    assert!(format!("{:?}", null.2.result).contains("count: Some(0)"));
    assert!(world.table("class_score").is_empty());
}

#[test]
fn a_repeat_of_anything_changes_nothing() {
    for des in [a6(), b12()] {
        let mut world = World::apart();
        world.feed_all(des.clone());
        let (rows, said) = (world.rows.clone(), world.said.clone());
        for de in des {
            assert_eq!(world.feed(de), Outcome::Duplicate);
        }
        for (_, _, de) in said.clone() {
            world.feed(de);
        }
        assert_eq!(world.rows, rows);
        assert_eq!(world.said.len(), said.len());
        assert!(world.notes.iter().all(|note| *note == Note::StaleRevision));
    }
}

#[test]
fn the_order_of_parts_does_not_matter() {
    let mut des = a6();
    for (learner, item) in [("B", "a1"), ("C", "a4"), ("B", "a5")] {
        des.extend(session(at(learner, "s9", item), (1, 3), 7_000, 40));
    }
    let lessonless = At { lesson: "", ..at("B", "s8", "a6") };
    des.extend(session(lessonless, (2, 3), 9_000, 50));
    let mut expected = World::default();
    expected.feed_all(des.clone());
    for seed in 1..60 {
        let mut world = World::default();
        world.feed_all(shuffled(&des, seed));
        assert_eq!(world.tables(), expected.tables(), "seed {seed}");
    }
}

#[test]
fn an_absent_level_is_skipped() {
    let mut world = World::default();
    world.feed(At { lesson: "", ..at("A", "s1", "a1") }.score(1, Some((1, 2, true)), 1));
    assert!(world.scores(SCORE).is_empty());
    assert_eq!(world.scores("dep.unit.score"), ["r1 50.00 (50/100)"]);
    world.feed(At { unit: "", ..at("A", "s2", "a2") }.score(1, Some((2, 2, true)), 2));
    assert_eq!(world.scores(SCORE), ["r1 100.00 (100/100)"]);
    assert_eq!(world.scores("dep.unit.score").len(), 1);
    assert_eq!(world.scores("dep.course.score"), ["r1 50.00 (50/100)", "r2 75.00 (150/200)"]);
    assert_eq!(world.scores("dep.class.score").len(), 2);
}

#[test]
fn without_a_class_nothing_goes_above_the_course() {
    let mut world = World::default();
    world.feed(At { class: "", ..at("A", "s1", "a1") }.score(1, Some((1, 2, true)), 1));
    assert_eq!(world.scores("dep.course.score"), ["r1 50.00 (50/100)"]);
    assert!(world.scores("dep.member.score").is_empty());
    assert!(world.table("class_score").is_empty());
}

#[test]
fn a15_a_suggested_path_enters_no_level() {
    let mut world = World::default();
    world.feed_all(session(At { track: Track::Path, ..at("A", "s1", "a1") }, (1, 2), 60_000, 61));
    assert!(world.said.is_empty());
    assert!(world.table("level_score").is_empty() && world.table("level_time").is_empty());
    assert_eq!(world.table("learner_item_score")[0].0, "t1/A/k1/c1/u1/l1/path/7/a1");
}

#[test]
fn the_stored_contribution_counts_where_previous_disagrees() {
    let mut world = World::default();
    let first = at("A", "s1", "a1").time("usage.assessment.timespent", (1, 10_000, 1), 1);
    let lost = at("A", "s1", "a1").time("usage.assessment.timespent", (2, 15_000, 2), 2);
    world.feed(first);
    world.feed(after(at("A", "s1", "a1").time("usage.assessment.timespent", (3, 25_000, 3), 3), &lost));
    assert_eq!(world.scores("dep.class.timespent"), ["r1 10000", "r2 25000"]);
    assert_eq!(world.notes, [Note::PreviousMismatch]);
}

#[test]
fn a_latest_mark_taken_back_takes_the_contribution_back() {
    let mut world = World::default();
    let first = at("A", "s1", "a1").score(1, Some((1, 1, true)), 1);
    world.feed(first.clone());
    let mut ungraded = at("A", "s1", "a1").score(2, None, 2);
    ungraded = after(ungraded, &first);
    world.feed(ungraded);
    world.feed(at("A", "s2", "a1").score(1, Some((1, 2, false)), 3));
    assert_eq!(world.scores(SCORE), ["r1 100.00 (100/100)", "r2 -"]);
}

#[test]
fn ids_of_roll_ups_are_those_of_the_domain() {
    let far = At { learner: "424b1fee-9709-4315-85d9-5954058b4714", ..at("", "s", "a1") };
    let set = |mut de: De, item: &'static str| {
        de.context.tenant_id = "t-north".into();
        de.context.class_id = Some("126e79e2-e6ca-41d6-a1ad-bc4e10bfa287".into());
        de.context.course_id = Some("d0e414d9-68ed-4851-9ae0-a30dfef64997".into());
        de.context.unit_id = Some("69168fc1-fff7-413d-96fc-df860b1ab892".into());
        de.context.lesson_id = Some("5108d45a-3a0b-4176-82fd-502cdbf880d8".into());
        de.collection_id = Some(item.into());
        de
    };
    let mut world = World::default();
    world.feed(set(far.score(1, Some((9, 10, true)), 1), "a1"));
    world.feed(set(far.score(1, Some((4, 5, true)), 1), "a2"));
    let (_, _, de) = world.said.iter().rfind(|(topic, ..)| *topic == SCORE).unwrap();
    assert_eq!(world.scores(SCORE).last().unwrap(), "r2 85.00 (170/200)");
    assert_eq!(de.de_id.to_string(), "e2eb6296-d038-5e65-a225-c0227c2849d7");
}
