//! B3 zero_vs_null: a wrong answer is 0.00, no question at all is no score.

use tests::stack::Form;

both! { b03_zero_is_a_score_and_null_is_none }

pub(crate) const INPUT: &str = "
    q(s1,a1,q1)=incorrect 0–30
    stop(s1,a1)@31
    r(s2,a2,r1) 100–160
    stop(s2,a2)@161";

fn b03_zero_is_a_score_and_null_is_none(form: Form) {
    let stack = form.start();
    stack.play(INPUT);
    stack.expect(
        "
        usage.question.timespent s1/a1/q1 r1 30,000
        usage.question.score s1/a1/q1 r1 0.00 (0/1)
        usage.resource.timespent s2/a2/r1 r1 60,000
        usage.assessment.view s1/a1 r1 1
        usage.assessment.view s2/a2 r1 1
        usage.assessment.timespent s1/a1 r1 30,000
        usage.assessment.timespent s2/a2 r1 60,000
        usage.assessment.score s1/a1 r1 0.00 (0/1) latest
        usage.^^.view :assessment r1 1 items:1
        usage.^^.view :assessment r2 2 items:2
        usage.^^.timespent :assessment r1 30,000
        usage.^^.timespent :assessment r2 90,000
        usage.^^.score :assessment r1 0.00 (0/100) count:1",
    );
    assert_eq!(stack.rows("item,raw,max,percent", "learner_item_score WHERE percent IS NOT NULL"), ["a1 0 10000 0"]);
}
