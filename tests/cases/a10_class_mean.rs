//! A10: a class is the mean over its learners, not over their tests.

use tests::dsl::{quiz, quiz_lines, with};
use tests::stack::Form;

both! { a10_each_learner_weighs_the_same }

pub(crate) fn input() -> String {
    quiz(("s1", "a1"), (9, 10), 0, 101)
        + &quiz(("s2", "a2"), (7, 10), 200, 301)
        + &with("by=B", &quiz(("s3", "a1"), (5, 10), 400, 501))
}

fn a10_each_learner_weighs_the_same(form: Form) {
    let stack = form.start();
    stack.play(&input());
    let questions = quiz_lines("s1/a1", (9, 10)) + &quiz_lines("s2/a2", (7, 10)) + &quiz_lines("B:s3/a1", (5, 10));
    stack.expect(
        &(questions
            + "
        usage.assessment.view s1/a1 r1 1
        usage.assessment.view s2/a2 r1 1
        usage.assessment.view B:s3/a1 r1 1
        usage.assessment.timespent s1/a1 r1 100,000
        usage.assessment.timespent s2/a2 r1 100,000
        usage.assessment.timespent B:s3/a1 r1 100,000
        usage.assessment.score s1/a1 r1 90.00 (9/10) latest
        usage.assessment.score s2/a2 r1 70.00 (7/10) latest
        usage.assessment.score B:s3/a1 r1 50.00 (5/10) latest
        usage.^.view :assessment r1 1 items:1
        usage.^.view :assessment r2 2 items:2
        usage.^.view B:assessment r1 1 items:1
        usage.class.view k1:assessment r1 1 items:1
        usage.class.view k1:assessment r2 2 items:2
        usage.class.view k1:assessment r3 3 items:3
        usage.^.timespent :assessment r1 100,000
        usage.^.timespent :assessment r2 200,000
        usage.^.timespent B:assessment r1 100,000
        usage.class.timespent k1:assessment r1 100,000
        usage.class.timespent k1:assessment r2 200,000
        usage.class.timespent k1:assessment r3 300,000
        usage.^.score :assessment r1 90.00 (90/100)
        usage.^.score :assessment r2 80.00 (160/200)
        usage.^.score B:assessment r1 50.00 (50/100)
        usage.class.score k1:assessment r1 90.00 (90/100) count:1
        usage.class.score k1:assessment r2 80.00 (80/100) count:1
        usage.class.score k1:assessment r3 65.00 (130/200) count:2"),
    );
    assert_eq!(stack.rows("percent,count", "class_score"), ["6500 2"]);
}
