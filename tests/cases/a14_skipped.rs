//! A14: a skipped question counts 0 of 1 and takes no time.

use tests::stack::Form;

both! { a14_skipped_counts_zero_of_one }

pub(crate) const INPUT: &str = "
    q(s1,a1,q1)=correct 0–10
    q(s1,a1,q2)=skipped 11–11
    stop(s1,a1)@12";

fn a14_skipped_counts_zero_of_one(form: Form) {
    let stack = form.start();
    stack.play(INPUT);
    stack.expect(
        "
        usage.question.timespent s1/a1/q1 r1 10,000
        usage.question.timespent s1/a1/q2 r1 0
        usage.question.score s1/a1/q1 r1 100.00 (1/1)
        usage.question.score s1/a1/q2 r1 0.00 (0/1) status:skipped
        usage.assessment.view s1/a1 r1 1
        usage.assessment.timespent s1/a1 r1 10,000
        usage.assessment.score s1/a1 r1 50.00 (1/2) latest
        usage.^^.view :assessment r1 1
        usage.^^.timespent :assessment r1 10,000
        usage.^^.score :assessment r1 50.00 (50/100)",
    );
}
