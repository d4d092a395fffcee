//! What cannot be said yet, and what is known no more (domain.md §4.1, §6, §12).
//!
//! Place: beside the cases of the fold; each test names the sentence it holds the fold to.

use da_model::event::UsageEvent;
use da_model::event::usage::ObjectKind;

use super::world::*;

const NOTHING: [&str; 0] = [];

fn of_unknown_item(event: UsageEvent<'static>) -> UsageEvent<'static> {
    let mut event = event;
    event.object.kind = ObjectKind::Unknown;
    event
}

/// "A session-level update (on a collection: of the scope's score) holds until a newer answer", graded or not.
#[test]
fn an_answer_that_waits_ends_the_update_of_a_collection_in_any_order() {
    let events = [
        start("s1", "col1", 0),
        update("s1", "col1", Some(("2", "4")), 100),
        q("s1", "col1", "O1", Attempted, (150, 200)),
    ];
    let mut world = World::new();
    world.tell_all(&events);
    assert_eq!(world.about("collection.score"), ["col1/s1 r1 50.00 (2/4)", "col1/s1 r2 null ungraded <- 50.00 (2/4)"]);
    let [start, update, answer] = events;
    let mut world = World::new();
    world.tell_all(&[start, answer, update]);
    assert_eq!(world.about("collection.score"), NOTHING);
    assert_eq!(
        world.tell(&grade("s1", "col1", "O1", ("3", "4"), 900))[1..],
        ["collection.score col1/s1 r1 75.00 (3/4)"]
    );
}

/// "A first value that is … 0 views is not published", also where the view was withheld before.
#[test]
fn a_withdrawal_that_settles_the_kind_publishes_no_view_of_nothing() {
    let mut world = World::new();
    assert_eq!(world.tell(&of_unknown_item(stop("s1", "a1", 60))), NOTHING);
    let said = world.tell(&update("s1", "a1", None, 100));
    assert_eq!(said, ["assessment.timespent a1/s1 r1 0 d0 w0 n0"]);
    assert_eq!(world.about("assessment.view"), NOTHING);
}

/// "one DE per key goes out with … the latest activity time of the events withheld".
#[test]
fn an_answer_of_unknown_kind_keeps_its_time_until_the_kind_is_settled() {
    let mut world = World::new();
    let mut answer = visit("s1", "a1", "q1", 0, 30);
    answer.object.kind = ObjectKind::Unknown;
    world.tell(&answer);
    assert_eq!(world.about("question.score"), NOTHING);
    let said = world.tell(&react("s1", "a1", "q1", 4, 100));
    assert_eq!(said[..2], ["question.timespent q1 r1 30000 d30000 w30000 n1", "question.score q1 r1 null ungraded"]);
    assert_eq!(world.at[world.at.len() - said.len()..][..2], [30, 30]);
}

/// "Score 0 with max 0 means comment only: accepted, no effect": it settles no kind, and no state but its own row moves.
#[test]
fn a_comment_has_no_effect() {
    let mut world = World::new();
    let mut first = react("s1", "col1", "q9", 4, 10);
    first.object.kind = ObjectKind::Unknown;
    world.tell_all(&[start("s1", "col1", 0), first]);
    let rows = world.rows.len();
    let comment = UsageEvent { score: None, ..grade("s1", "col1", "q9", ("0", "1"), 50) };
    assert_eq!(world.tell(&comment), NOTHING);
    assert_eq!(world.rows.len(), rows + 1, "its row in `applied`");
    assert_eq!(world.about("question.reaction"), NOTHING);
    assert_eq!(world.tell(&comment), ["duplicate"]);
}

/// question.score "fires when: question stop, grade, override".
#[test]
fn codes_of_a_reaction_or_a_start_change_no_score() {
    let mut world = World::new();
    world.tell(&q("s1", "a1", "q1", Correct, (0, 30)));
    let coded = UsageEvent { codes: vec!["X.1".into()], ..react("s1", "a1", "q1", 4, 100) };
    assert_eq!(world.tell(&coded), ["question.reaction q1 r1 {4, 1}", "assessment.reaction a1/s1 r1 {4, 1}"]);
    let graded = UsageEvent { codes: vec!["X.1".into()], ..grade("s1", "a1", "q1", ("1", "1"), 200) };
    assert_eq!(world.tell(&graded), ["question.score q1 r2 100.00 (1/1) <- 100.00 (1/1)"]);
}
