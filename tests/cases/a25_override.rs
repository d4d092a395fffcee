//! A25: a teacher's override is a revision; the same override again says nothing.

use tests::stack::Form;

both! { a25_an_override_that_changes_nothing_says_nothing }

pub(crate) const INPUT: &str = "
    q(s1,a1,q1)=correct 0–10
    q(s1,a1,q2)=incorrect 10–20
    stop(s1,a1)@21
    over(s1,a1,q2)=correct@600
    over(s1,a1,q2)=correct@700";

fn a25_an_override_that_changes_nothing_says_nothing(form: Form) {
    let stack = form.start();
    stack.play(INPUT);
    stack.expect(
        "
        usage.question.timespent s1/a1/q1 r1 10,000
        usage.question.timespent s1/a1/q2 r1 10,000
        usage.question.score s1/a1/q1 r1 100.00 (1/1)
        usage.question.score s1/a1/q2 r1 0.00 (0/1)
        usage.question.score s1/a1/q2 r2 100.00 (1/1) cause:override status:correct at:600 <- 0.00 (0/1)
        usage.assessment.view s1/a1 r1 1
        usage.assessment.timespent s1/a1 r1 20,000
        usage.assessment.score s1/a1 r1 50.00 (1/2) latest
        usage.assessment.score s1/a1 r2 100.00 (2/2) latest cause:override at:600 <- 50.00 (1/2)
        usage.^^.view :assessment r1 1
        usage.^^.timespent :assessment r1 20,000
        usage.^^.score :assessment r1 50.00 (50/100)
        usage.^^.score :assessment r2 100.00 (100/100) <- 50.00 (50/100)",
    );
    stack.expect_count("gep.usage", 5);
}
