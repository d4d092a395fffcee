//! A6: three sessions of two tests in one lesson; the latest session of each counts.

use tests::dsl::{quiz, quiz_lines};
use tests::stack::Form;

both! { a06_the_latest_session_counts }

pub(crate) fn input() -> String {
    quiz(("s1", "a1"), (9, 10), 0, 101) + &quiz(("s3", "a2"), (4, 5), 200, 251) + &quiz(("s2", "a1"), (6, 10), 400, 501)
}

pub(crate) fn questions() -> String {
    quiz_lines("s1/a1", (9, 10)) + &quiz_lines("s3/a2", (4, 5)) + &quiz_lines("s2/a1", (6, 10))
}

fn a06_the_latest_session_counts(form: Form) {
    let stack = form.start();
    stack.play(&input());
    let items = "
        usage.assessment.view s1/a1 r1 1 attempt:1
        usage.assessment.view s3/a2 r1 1 attempt:1
        usage.assessment.view s2/a1 r1 1 attempt:2
        usage.assessment.timespent s1/a1 r1 100,000
        usage.assessment.timespent s3/a2 r1 50,000
        usage.assessment.timespent s2/a1 r1 100,000
        usage.assessment.score s1/a1 r1 90.00 (9/10) latest attempt:1
        usage.assessment.score s3/a2 r1 80.00 (4/5) latest
        usage.assessment.score s2/a1 r1 60.00 (6/10) latest attempt:2
        usage.^^.view :assessment r1 1 items:1
        usage.^^.view :assessment r2 2 items:2
        usage.^^.view :assessment r3 3 items:2
        usage.^^.timespent :assessment r1 100,000
        usage.^^.timespent :assessment r2 150,000
        usage.^^.timespent :assessment r3 250,000 delta:100,000
        usage.^.score :assessment r1 90.00 (90/100) count:1
        usage.^.score :assessment r2 85.00 (170/200) count:2
        usage.^.score :assessment r3 70.00 (140/200) count:2 <- 85.00 (170/200)
        usage.class.score k1:assessment r1 90.00 (90/100) count:1
        usage.class.score k1:assessment r2 85.00 (85/100) count:1
        usage.class.score k1:assessment r3 70.00 (70/100) count:1";
    stack.expect(&(questions() + items));
    let standing = stack.rows("item,score_session,percent", "learner_item_score ORDER BY item");
    assert_eq!(standing, ["a1 s2 6000", "a2 s3 8000"]);
    assert_eq!(super::q4(&stack, "a1"), "latest 6000 best 9000 first 9000 average 7500 attempts 2");
    assert_eq!(super::q4(&stack, "a2"), "latest 8000 best 8000 first 8000 average 8000 attempts 1");
}
