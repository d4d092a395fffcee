//! A9: a question that arrives after the stop brings a second revision; the tables are those of the in-order run.

use tests::stack::Form;

both! { a09_a_late_question_is_a_revision }

pub(crate) const INPUT: &str = "
    start(s1,a1)@0
    q(s1,a1,q1)=correct 0–20
    stop(s1,a1)@51
    q(s1,a1,q2)=incorrect 20–50 received=60";

const IN_ORDER: &str = "
    start(s1,a1)@0
    q(s1,a1,q1)=correct 0–20
    q(s1,a1,q2)=incorrect 20–50
    stop(s1,a1)@51";

const QUESTIONS: &str = "
    usage.question.timespent s1/a1/q1 r1 20,000
    usage.question.timespent s1/a1/q2 r1 30,000
    usage.question.score s1/a1/q1 r1 100.00 (1/1)
    usage.question.score s1/a1/q2 r1 0.00 (0/1)
    usage.assessment.view s1/a1 r1 1
    usage.^^.view :assessment r1 1
";

fn a09_a_late_question_is_a_revision(form: Form) {
    let (stack, in_order) = (form.start(), form.start());
    stack.play(INPUT);
    in_order.play(IN_ORDER);
    stack.expect(&format!(
        "{QUESTIONS}
        usage.assessment.timespent s1/a1 r1 20,000
        usage.assessment.timespent s1/a1 r2 50,000 delta:30,000 <- 20,000
        usage.assessment.score s1/a1 r1 100.00 (1/1) latest
        usage.assessment.score s1/a1 r2 50.00 (1/2) latest <- 100.00 (1/1) latest
        usage.^^.timespent :assessment r1 20,000
        usage.^^.timespent :assessment r2 50,000
        usage.^^.score :assessment r1 100.00 (100/100)
        usage.^^.score :assessment r2 50.00 (50/100) <- 100.00"
    ));
    in_order.expect(&format!(
        "{QUESTIONS}
        usage.assessment.timespent s1/a1 r1 50,000
        usage.assessment.score s1/a1 r1 50.00 (1/2) latest
        usage.^^.timespent :assessment r1 50,000
        usage.^^.score :assessment r1 50.00 (50/100)"
    ));
    assert_eq!(tests::tables::difference(&stack.equal_tables(), &in_order.equal_tables()), "");
}
