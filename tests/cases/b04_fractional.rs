//! B4 fractional: points and percents keep their fractions, rounded half away from zero.

use tests::stack::Form;

both! { b04_fractions_are_exact }

pub(crate) const INPUT: &str = "
    q(s1,a1,q1)=correct 0–10
    q(s1,a1,q2)=attempted 10–20 type=OE
    stop(s1,a1)@21
    grade(s1,a1,q2)=2.5/4@100
    q(s2,a2,q1)=attempted 200–210 type=OE
    stop(s2,a2)@211
    grade(s2,a2,q1)=1/32@300";

fn b04_fractions_are_exact(form: Form) {
    let stack = form.start();
    stack.play(INPUT);
    stack.expect(
        "
        usage.question.timespent s1/a1/q1 r1 10,000
        usage.question.timespent s1/a1/q2 r1 10,000
        usage.question.timespent s2/a2/q1 r1 10,000
        usage.question.score s1/a1/q1 r1 100.00 (1/1)
        usage.question.score s1/a1/q2 r1 null ungraded
        usage.question.score s1/a1/q2 r2 62.50 (2.5/4)
        usage.question.score s2/a2/q1 r1 null ungraded
        usage.question.score s2/a2/q1 r2 3.13 (1/32)
        usage.assessment.view s1/a1 r1 1
        usage.assessment.view s2/a2 r1 1
        usage.assessment.timespent s1/a1 r1 20,000
        usage.assessment.timespent s2/a2 r1 10,000
        usage.assessment.score s1/a1 r1 70.00 (3.5/5) latest
        usage.assessment.score s2/a2 r1 3.13 (1/32) latest
        usage.^^.view :assessment r1 1
        usage.^^.view :assessment r2 2
        usage.^^.timespent :assessment r1 20,000
        usage.^^.timespent :assessment r2 30,000
        usage.^^.score :assessment r1 70.00 (70/100)
        # published percents are what is added: 73.13 of 200 is 36.565, and half goes up
        usage.^.score :assessment r2 36.57 (73.13/200)
        usage.class.score k1:assessment r2 36.57 (36.57/100)",
    );
}
