//! B6 same_ms_two_parts: two questions of the same milliseconds are two.

use tests::stack::Form;

both! { b06_equal_times_do_not_merge }

pub(crate) const INPUT: &str = "
    q(s1,a1,q1)=correct 0–30
    q(s1,a1,q2)=incorrect 0–30
    stop(s1,a1)@31";

fn b06_equal_times_do_not_merge(form: Form) {
    let stack = form.start();
    stack.play(INPUT);
    stack.expect(
        "
        usage.question.timespent s1/a1/q1 r1 30,000
        usage.question.timespent s1/a1/q2 r1 30,000
        usage.question.score s1/a1/q1 r1 100.00 (1/1)
        usage.question.score s1/a1/q2 r1 0.00 (0/1)
        usage.assessment.view s1/a1 r1 1
        usage.assessment.timespent s1/a1 r1 60,000
        usage.assessment.score s1/a1 r1 50.00 (1/2) latest
        usage.^^.view :assessment r1 1
        usage.^^.timespent :assessment r1 60,000
        usage.^^.score :assessment r1 50.00 (50/100)",
    );
}
