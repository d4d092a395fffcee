//! B12 regrade_down, withdrawn, max_changed: corrections run down as well as up, through every level.

use tests::dsl::{quiz, quiz_lines};
use tests::stack::Form;

both! { b12_corrections_run_down_as_well_as_up, b12_a_withdrawal_gives_the_session_before_its_place_back }

/// The five steps, each with what Q4 says after it.
pub(crate) fn steps() -> [(String, &'static str); 5] {
    [
        (quiz(("s1", "a1"), (4, 5), 0, 60), "latest 8000 best 8000 first 8000 average 8000 attempts 1"),
        (quiz(("s2", "a1"), (3, 5), 600, 660), "latest 6000 best 8000 first 8000 average 7000 attempts 2"),
        ("upd(s1,a1)=2/5@1200".to_owned(), "latest 6000 best 6000 first 4000 average 5000 attempts 2"),
        ("withdraw(s2,a1)@1800".to_owned(), "latest 4000 best 4000 first 4000 average 4000 attempts 1"),
        ("upd(s1,a1)=2/4@2400".to_owned(), "latest 5000 best 5000 first 5000 average 5000 attempts 1"),
    ]
}

pub(crate) fn input() -> String {
    steps().map(|(text, _)| text).join("\n")
}

fn b12_corrections_run_down_as_well_as_up(form: Form) {
    let stack = form.start();
    for (text, answer) in steps() {
        stack.play(&text);
        assert_eq!(super::q4(&stack, "a1"), answer, "after {text}");
    }
    let questions = quiz_lines("s1/a1", (4, 5)) + &quiz_lines("s2/a1", (3, 5));
    stack.expect(
        &(questions
            + "
        usage.assessment.view s1/a1 r1 1
        usage.assessment.view s2/a1 r1 1
        usage.assessment.view s2/a1 r2 0 delta:-1 cause:withdrawn <- 1
        usage.assessment.timespent s1/a1 r1 50,000
        usage.assessment.timespent s2/a1 r1 50,000
        usage.assessment.score s1/a1 r1 80.00 (4/5) latest
        usage.assessment.score s2/a1 r1 60.00 (3/5) latest
        usage.assessment.score s1/a1 r2 40.00 (2/5) not-latest cause:update <- 80.00 (4/5) latest
        usage.assessment.score s1/a1 r3 40.00 (2/5) latest cause:latest <- 40.00 (2/5) not-latest
        usage.assessment.score s2/a1 r2 null ungraded not-latest withdrawn cause:withdrawn <- 60.00 (3/5) latest
        usage.assessment.score s1/a1 r4 50.00 (2/4) latest cause:update <- 40.00 (2/5) latest
        usage.^^.view :assessment r1 1 items:1
        usage.^^.view :assessment r2 2 items:1
        usage.^^.view :assessment r3 1 items:1 delta:-1
        usage.^^.timespent :assessment r1 50,000
        usage.^^.timespent :assessment r2 100,000
        usage.^^.score :assessment r1 80.00 (80/100)
        usage.^^.score :assessment r2 60.00 (60/100)
        usage.^^.score :assessment r3 40.00 (40/100)
        usage.^^.score :assessment r4 50.00 (50/100)"),
    );
    let scores = stack.topic("demux.assessment.score");
    let order: Vec<String> = scores
        .iter()
        .filter_map(|l| l.discrete())
        .map(|de| format!("{} r{}", de.context.session_id.as_deref().unwrap_or_default(), de.revision))
        .collect();
    assert_eq!(
        order,
        ["s1 r1", "s2 r1", "s1 r2", "s1 r3", "s2 r2", "s1 r4"],
        "the new latest precedes the withdrawn one"
    );
    assert_eq!(stack.rows("item,score_session,raw,max,percent", "learner_item_score"), ["a1 s1 20000 40000 5000"]);
    assert_eq!(
        stack.rows("session,status,graded,percent", "assessment_score ORDER BY session"),
        ["s1 null 1 5000", "s2 withdrawn 0 null"]
    );
    assert_eq!(stack.rows("local_date,views", "day_view"), ["2026-03-02 1"]);
}

/// A session loses the latest flag without a word (domain.md §6); having it again is worth one, or no reader would know.
fn b12_a_withdrawal_gives_the_session_before_its_place_back(form: Form) {
    let stack = form.start();
    stack.play(&(quiz(("s1", "a1"), (4, 5), 0, 60) + &quiz(("s2", "a1"), (3, 5), 600, 660)));
    stack.play("withdraw(s2,a1)@1800");
    assert_eq!(super::q4(&stack, "a1"), "latest 8000 best 8000 first 8000 average 8000 attempts 1");
    let standing = stack.rows("item,score_session,percent", "learner_item_score");
    assert_eq!(standing, ["a1 s1 8000"]);
    let lesson = stack.rows("percent,revision", "level_score WHERE level = 'lesson'");
    assert_eq!(lesson, ["8000 3"]);
    let scores = stack.topic("demux.assessment.score");
    let said = scores.iter().filter_map(|l| l.discrete());
    let said = said.map(|de| format!("{} r{} {}", de.context.session_id.as_deref().unwrap(), de.revision, de.cause));
    assert_eq!(said.collect::<Vec<_>>(), ["s1 r1 play", "s2 r1 play", "s1 r2 latest", "s2 r2 withdrawn"]);
}
