//! B10 clock_30_days_ahead: a fast clock is shifted back to the receipt and does not stay the latest.

use tests::dsl::{quiz, quiz_lines, with};
use tests::stack::Form;

both! { b10_a_wrong_clock_is_not_the_latest }

const AHEAD: i64 = 30 * 86_400;

pub(crate) fn input() -> String {
    let fast = quiz(("s2", "a1"), (6, 10), 400 + AHEAD, 501 + AHEAD);
    let slow = quiz(("s4", "a1"), (5, 10), 4000, 4100);
    quiz(("s1", "a1"), (9, 10), 0, 101)
        + &quiz(("s3", "a2"), (4, 5), 200, 251)
        + &with("received=600 -> accepted clock_ahead", &fast)
        + &with("received=4200", &slow)
}

fn b10_a_wrong_clock_is_not_the_latest(form: Form) {
    let stack = form.start();
    stack.play(&input());
    let questions = quiz_lines("s1/a1", (9, 10)) + &quiz_lines("s3/a2", (4, 5)) + &quiz_lines("s2/a1", (6, 10));
    stack.expect(
        &(questions
            + &quiz_lines("s4/a1", (5, 10))
            + "
        usage.assessment.view s1/a1 r1 1
        usage.assessment.view s3/a2 r1 1
        usage.assessment.view s2/a1 r1 1 at:600
        usage.assessment.view s4/a1 r1 1 at:4100
        usage.assessment.timespent s1/a1 r1 100,000
        usage.assessment.timespent s3/a2 r1 50,000
        usage.assessment.timespent s2/a1 r1 100,000 at:600
        usage.assessment.timespent s4/a1 r1 100,000
        usage.assessment.score s1/a1 r1 90.00 (9/10) latest
        usage.assessment.score s3/a2 r1 80.00 (4/5) latest
        usage.assessment.score s2/a1 r1 60.00 (6/10) latest at:600 date:2026-03-02
        usage.assessment.score s4/a1 r1 50.00 (5/10) latest
        usage.^^.view :assessment r1 1
        usage.^^.view :assessment r2 2
        usage.^^.view :assessment r3 3
        usage.^^.view :assessment r4 4 items:2
        usage.^^.timespent :assessment r1 100,000
        usage.^^.timespent :assessment r2 150,000
        usage.^^.timespent :assessment r3 250,000
        usage.^^.timespent :assessment r4 350,000
        usage.^.score :assessment r1 90.00 (90/100)
        usage.^.score :assessment r2 85.00 (170/200)
        usage.^.score :assessment r3 70.00 (140/200)
        usage.^.score :assessment r4 65.00 (130/200)
        usage.class.score k1:assessment r1 90.00 (90/100)
        usage.class.score k1:assessment r2 85.00 (85/100)
        usage.class.score k1:assessment r3 70.00 (70/100)
        usage.class.score k1:assessment r4 65.00 (65/100)"),
    );
    let ahead = stack.topic("gep.accepted").iter().filter(|l| l.accepted().clock_skew.is_some()).count();
    assert_eq!(ahead, 11);
}
