//! The fold against the numbers of domain.md §10, event by event, without a shell around it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![expect(clippy::too_many_arguments, reason = "the arguments are the notation of domain.md §10")]

mod unknown;
mod world;

use da_model::event::UsageEvent;
use da_model::event::usage::{ObjectKind, ObjectRef, ScoreReason};
use gep::settings::GepSettings;

use world::*;

#[test]
fn a3_a_second_answer_replaces_the_first() {
    let mut world = World::new();
    world.tell_all(&[
        start("s1", "a1", 0),
        q("s1", "a1", "q1", Incorrect, (0, 30)),
        q("s1", "a1", "q1", Correct, (30, 50)),
        q("s1", "a1", "q2", Correct, (50, 60)),
        stop("s1", "a1", 61),
    ]);
    assert_eq!(
        world.about("question.timespent q1"),
        ["r1 30000 d30000 w30000 n1", "r2 50000 d20000 w50000 n2 <- 30000 d30000 w30000 n1"]
    );
    assert_eq!(world.about("question.score q1"), ["r1 0.00 (0/1)", "r2 100.00 (1/1) <- 0.00 (0/1)"]);
    assert_eq!(world.about("assessment.score"), ["a1/s1 r1 100.00 (2/2) latest"]);
    assert_eq!(world.about("assessment.timespent"), ["a1/s1 r1 60000 d60000 w60000 n3"]);
    assert_eq!(world.about("assessment.view"), ["a1/s1 r1 1 d1"]);
}

fn a4(settings: GepSettings) -> World {
    let mut world = World::with(settings);
    world.tell_all(&[
        start("s1", "a1", 0),
        q("s1", "a1", "q1", Correct, (0, 20)),
        q("s1", "a1", "q2", Correct, (20, 40)),
        q("s1", "a1", "q3", Incorrect, (40, 60)),
        q("s1", "a1", "O4", Attempted, (60, 120)),
        stop("s1", "a1", 121),
    ]);
    world.tell(&grade("s1", "a1", "O4", ("3", "4"), 3600));
    world
}

#[test]
fn a4_an_ungraded_answer_withholds_the_score() {
    let world = a4(GepSettings::default());
    assert_eq!(world.about("question.score O4"), ["r1 null ungraded", "r2 75.00 (3/4) <- null ungraded"]);
    assert_eq!(world.about("assessment.score"), ["a1/s1 r1 71.43 (5/7) latest"]);
    assert_eq!(world.about("assessment.timespent"), ["a1/s1 r1 120000 d120000 w120000 n4"]);
    let world = a4(GepSettings { provisional: true, ..GepSettings::default() });
    assert_eq!(
        world.about("assessment.score"),
        ["a1/s1 r1 66.67 (2/3) ungraded not-latest", "a1/s1 r2 71.43 (5/7) latest <- 66.67 (2/3) ungraded not-latest"]
    );
}

#[test]
fn a7_and_a8_a_late_stop_or_grade_of_an_older_session_does_not_become_latest() {
    let mut world = World::new();
    let mut events = quiz("s1", "a1", (9, 10), 0);
    events.extend(quiz("s2", "a1", (6, 10), 400));
    events.push(stop("s2", "a1", 501));
    events.push(stop("s1", "a1", 101));
    world.tell_all(&events);
    assert_eq!(world.about("assessment.score"), ["a1/s2 r1 60.00 (6/10) latest", "a1/s1 r1 90.00 (9/10) not-latest"]);
    let mut world = World::new();
    let mut events = quiz("s1", "a1", (2, 3), 0);
    events.extend([q("s1", "a1", "O4", Attempted, (30, 60)), stop("s1", "a1", 61)]);
    events.extend(quiz("s2", "a1", (3, 5), 200));
    events.extend([stop("s2", "a1", 251), grade("s1", "a1", "O4", ("3", "4"), 9000)]);
    world.tell_all(&events);
    assert_eq!(world.about("assessment.score"), ["a1/s2 r1 60.00 (3/5) latest", "a1/s1 r1 71.43 (5/7) not-latest"]);
}

#[test]
fn a9_a_late_question_brings_a_revision() {
    let mut world = World::new();
    world.tell_all(&[
        start("s1", "a1", 0),
        q("s1", "a1", "q1", Correct, (0, 20)),
        stop("s1", "a1", 51),
        q("s1", "a1", "q2", Incorrect, (20, 50)),
    ]);
    assert_eq!(
        world.about("assessment.score"),
        ["a1/s1 r1 100.00 (1/1) latest", "a1/s1 r2 50.00 (1/2) latest <- 100.00 (1/1) latest"]
    );
    assert_eq!(world.about("assessment.timespent").len(), 2);
}

#[test]
fn a11_a_collection_counts_the_latest_answers_over_all_sessions() {
    let mut world = World::new();
    let mut events = quiz("s1", "col1", (3, 4), 0);
    events.push(q("s2", "col2", "p1", Correct, (50, 60)));
    events.push(q("s3", "col1", "q4", Correct, (70, 80)));
    world.tell_all(&events);
    let scores = world.about("collection.score");
    assert_eq!(scores[3], "col1/s1 r4 75.00 (3/4) <- 100.00 (3/3)");
    assert_eq!(scores[4..], ["col2/s2 r1 100.00 (1/1)", "col1/s3 r5 100.00 (4/4) <- 75.00 (3/4)"]);
}

#[test]
fn a12_reactions_replace_and_average_half_up() {
    let mut world = World::new();
    world.tell_all(&[
        start("s1", "col1", 0),
        react("s1", "col1", "r1", 5, 10),
        react("s1", "col1", "r1", 3, 20),
        react("s1", "col1", "r2", 4, 30),
        react("s1", "col1", "r3", 0, 40),
    ]);
    assert_eq!(world.about("resource.reaction"), ["r1 r1 {5, 1}", "r1 r2 {3, 1} <- {5, 1}", "r2 r1 {4, 1}"]);
    assert_eq!(
        world.about("collection.reaction"),
        ["col1/s1 r1 {5, 1}", "col1/s1 r2 {3, 1} <- {5, 1}", "col1/s1 r3 {4, 2} <- {3, 1}"]
    );
    assert_eq!(world.about("collection.view"), ["col1/s1 r1 1 d1"]);
}

#[test]
fn a13_an_external_item_reports_its_own_score_and_time() {
    let mut world = World::new();
    let stop = UsageEvent {
        score: points("45", "50", ScoreReason::External),
        external_time_ms: Some(840_000),
        ..stop("s1", "x1", 900)
    };
    world.tell_all(&[start("s1", "x1", 0), stop]);
    assert_eq!(
        world.said,
        [
            "assessment.view x1/s1 r1 1 d1",
            "assessment.timespent x1/s1 r1 840000 d840000 w840000 n1",
            "assessment.score x1/s1 r1 90.00 (45/50) latest"
        ]
    );
}

#[test]
fn a14_b3_b6_skipped_counts_zero_and_resources_do_not_count() {
    let mut world = World::new();
    world.tell_all(&[
        q("s1", "a1", "q1", Correct, (0, 10)),
        q("s1", "a1", "q2", Skipped, (11, 11)),
        stop("s1", "a1", 12),
    ]);
    assert_eq!(world.about("question.score q2"), ["r1 0.00 (0/1)"]);
    assert_eq!(world.about("question.timespent q2"), ["r1 0 d0 w0 n1"]);
    assert_eq!(world.about("assessment.score"), ["a1/s1 r1 50.00 (1/2) latest"]);
    let mut world = World::new();
    world.tell_all(&[visit("s2", "a2", "r1", 100, 160), stop("s2", "a2", 161)]);
    assert_eq!(
        world.said,
        [
            "resource.timespent r1 r1 60000 d60000 w60000 n1",
            "assessment.view a2/s2 r1 1 d1",
            "assessment.timespent a2/s2 r1 60000 d60000 w60000 n1"
        ]
    );
    let mut world = World::new();
    world.tell_all(&[
        q("s1", "a1", "q1", Correct, (0, 30)),
        q("s1", "a1", "q2", Incorrect, (0, 30)),
        stop("s1", "a1", 31),
    ]);
    assert_eq!(world.about("assessment.score"), ["a1/s1 r1 50.00 (1/2) latest"]);
}

#[test]
fn a17_time_is_capped_per_visit_and_never_negative() {
    let mut world = World::new();
    world.tell_all(&[visit("s1", "col1", "r1", 100, 100), visit("s1", "col1", "r2", 0, 18_000)]);
    assert_eq!(world.about("resource.timespent r2"), ["r1 7200000 d7200000 w18000000 n1"]);
    assert_eq!(
        world.about("collection.timespent"),
        ["col1/s1 r1 0 d0 w0 n1", "col1/s1 r2 7200000 d7200000 w18000000 n2 <- 0 d0 w0 n1"]
    );
}

#[test]
fn a25_an_override_that_changes_nothing_says_nothing() {
    let mut world = World::new();
    world.tell_all(&[
        q("s1", "a1", "q1", Correct, (0, 10)),
        q("s1", "a1", "q2", Incorrect, (10, 20)),
        stop("s1", "a1", 21),
        over("s1", "a1", "q2", Correct, 600),
    ]);
    assert_eq!(world.tell(&over("s1", "a1", "q2", Correct, 700)), Vec::<String>::new());
    assert_eq!(world.about("question.score q2"), ["r1 0.00 (0/1)", "r2 100.00 (1/1) <- 0.00 (0/1)"]);
    assert_eq!(world.about("assessment.score")[1..], ["a1/s1 r2 100.00 (2/2) latest <- 50.00 (1/2) latest"]);
}

#[test]
fn b12_corrections_run_down_as_well_as_up() {
    let mut world = World::new();
    let mut events = quiz("s1", "a1", (4, 5), 0);
    events.push(stop("s1", "a1", 60));
    events.extend(quiz("s2", "a1", (3, 5), 600));
    events.push(stop("s2", "a1", 660));
    world.tell_all(&events);
    assert_eq!(world.about("assessment.score"), ["a1/s1 r1 80.00 (4/5) latest", "a1/s2 r1 60.00 (3/5) latest"]);
    assert_eq!(
        world.tell(&update("s1", "a1", Some(("2", "5")), 1200)),
        ["assessment.score a1/s1 r2 40.00 (2/5) not-latest <- 80.00 (4/5) latest"]
    );
    assert_eq!(
        world.tell(&update("s2", "a1", None, 1800)),
        [
            "assessment.view a1/s2 r2 0 d-1 <- 1 d1",
            "assessment.score a1/s1 r3 40.00 (2/5) latest <- 40.00 (2/5) not-latest",
            "assessment.score a1/s2 r2 null ungraded not-latest withdrawn <- 60.00 (3/5) latest",
        ]
    );
    assert_eq!(
        world.tell(&update("s1", "a1", Some(("2", "4")), 2400)),
        ["assessment.score a1/s1 r4 50.00 (2/4) latest <- 40.00 (2/5) latest"]
    );
}

#[test]
fn b18_repeats_and_conflicts_are_told_apart() {
    let mut world = World::new();
    let first = q("s1", "a1", "q1", Correct, (0, 30));
    world.tell(&first);
    assert_eq!(world.tell(&first), ["duplicate"]);
    assert_eq!(world.tell(&UsageEvent { fingerprint: "g".into(), ..first }), ["id_conflict"]);
    assert_eq!(world.said.len(), 2);
}

#[test]
fn b19_a_reaction_waits_for_kind_and_play_and_keeps_its_time() {
    let mut world = World::new();
    let mut first = react("s1", "col1", "r1", 5, 10);
    first.object.kind = ObjectKind::Unknown;
    first.parent = Some(ObjectRef { kind: ObjectKind::Unknown, ..object("col1") });
    assert_eq!(world.tell(&first), Vec::<String>::new());
    assert_eq!(
        world.tell(&visit("s1", "col1", "r1", 0, 20)),
        [
            "resource.timespent r1 r1 20000 d20000 w20000 n1",
            "resource.reaction r1 r1 {5, 1}",
            "collection.timespent col1/s1 r1 20000 d20000 w20000 n1",
            "collection.reaction col1/s1 r1 {5, 1}",
        ]
    );
}

#[test]
fn a24_a_teacher_leaves_only_applied_rows() {
    let mut world = World::new();
    let event = UsageEvent { is_student: false, ..q("s1", "a1", "q1", Correct, (0, 30)) };
    assert_eq!(world.tell(&event), Vec::<String>::new());
    assert!(world.rows.keys().all(|key| key.table().name == "applied") && world.rows.len() == 1);
    assert_eq!(world.tell(&event), ["duplicate"]);
}
