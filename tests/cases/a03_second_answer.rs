//! A3: a second answer to a question replaces the first; its time adds up.

use tests::stack::Form;

both! { a03_the_second_answer_counts }

pub(crate) const INPUT: &str = "
    start(s1,a1)@0
    q(s1,a1,q1)=incorrect 0–30
    q(s1,a1,q1)=correct 30–50
    q(s1,a1,q2)=correct 50–60
    stop(s1,a1)@61";

pub(crate) const EXPECTED: &str = "
    usage.question.timespent s1/a1/q1 r1 30,000 visits:1
    usage.question.timespent s1/a1/q1 r2 50,000 delta:20,000 visits:2 <- 30,000 visits:1
    usage.question.timespent s1/a1/q2 r1 10,000
    usage.question.score s1/a1/q1 r1 0.00 (0/1)
    usage.question.score s1/a1/q1 r2 100.00 (1/1) <- 0.00 (0/1)
    usage.question.score s1/a1/q2 r1 100.00 (1/1)
    usage.assessment.view s1/a1 r1 1
    usage.assessment.timespent s1/a1 r1 60,000 visits:3
    usage.assessment.score s1/a1 r1 100.00 (2/2) latest count:2
    usage.^^.view :assessment r1 1
    usage.^^.timespent :assessment r1 60,000
    usage.^^.score :assessment r1 100.00 (100/100)";

fn a03_the_second_answer_counts(form: Form) {
    let stack = form.start();
    stack.play(INPUT);
    stack.expect(EXPECTED);
    let answers = stack.rows("resource,raw,max,percent,graded,status", "question_score ORDER BY resource");
    assert_eq!(answers, ["q1 10000 10000 10000 1 correct", "q2 10000 10000 10000 1 correct"]);
    assert_eq!(stack.rows("resource,time_ms,visits", "resource_time ORDER BY resource"), ["q1 50000 2", "q2 10000 1"]);
}
