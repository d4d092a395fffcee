//! A8: the grade of an older session does not make it the latest.

use tests::dsl::{quiz, quiz_lines};
use tests::stack::Form;

both! { a08_an_old_session_stays_old }

fn plays() -> String {
    "q(s1,a1,q1)=correct 0–10
    q(s1,a1,q2)=correct 10–20
    q(s1,a1,q3)=incorrect 20–30
    q(s1,a1,OE)=attempted 30–60 type=OE
    stop(s1,a1)@61\n"
        .to_owned()
        + &quiz(("s2", "a1"), (3, 5), 200, 251)
}

pub(crate) fn input() -> String {
    plays() + "grade(s1,a1,OE)=3/4@9000"
}

fn a08_an_old_session_stays_old(form: Form) {
    let stack = form.start();
    stack.play(&plays());
    let before = quiz_lines("s1/a1", (2, 3))
        + &quiz_lines("s2/a1", (3, 5))
        + "
        usage.question.timespent s1/a1/OE r1 30,000
        usage.question.score s1/a1/OE r1 null ungraded
        usage.assessment.view s1/a1 r1 1
        usage.assessment.view s2/a1 r1 1
        usage.assessment.timespent s1/a1 r1 60,000
        usage.assessment.timespent s2/a1 r1 50,000
        usage.assessment.score s2/a1 r1 60.00 (3/5) latest
        usage.^^.view :assessment r1 1 items:1
        usage.^^.view :assessment r2 2 items:1
        usage.^^.timespent :assessment r1 60,000
        usage.^^.timespent :assessment r2 110,000
        usage.^^.score :assessment r1 60.00 (60/100)
    ";
    stack.expect(&before);
    stack.play("grade(s1,a1,OE)=3/4@9000");
    stack.expect(
        &(before
            + "
        usage.question.score s1/a1/OE r2 75.00 (3/4) <- null ungraded
        usage.assessment.score s1/a1 r1 71.43 (5/7) not-latest"),
    );
    assert_eq!(stack.rows("score_session,percent", "learner_item_score"), ["s2 6000"]);
}
