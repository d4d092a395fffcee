//! A16: start, answer and stop in the same millisecond, start and stop under one id: three events, no duplicate.

use tests::stack::Form;

both! { a16_equal_times_are_three_events }

pub(crate) const INPUT: &str = "
    start(s1,a1)@0 -> accepted
    q(s1,a1,q1)=correct 0–0 -> accepted
    stop(s1,a1)@0 -> accepted";

fn a16_equal_times_are_three_events(form: Form) {
    let stack = form.start();
    stack.play(INPUT);
    stack.expect(
        "
        usage.question.timespent s1/a1/q1 r1 0
        usage.question.score s1/a1/q1 r1 100.00 (1/1)
        usage.assessment.view s1/a1 r1 1
        usage.assessment.timespent s1/a1 r1 0
        usage.assessment.score s1/a1 r1 100.00 (1/1) latest
        usage.^^.view :assessment r1 1
        usage.^^.timespent :assessment r1 0
        usage.^^.score :assessment r1 100.00 (100/100)",
    );
    stack.expect_count("gep.accepted", 3);
    stack.expect_count("gep.usage", 3);
}
