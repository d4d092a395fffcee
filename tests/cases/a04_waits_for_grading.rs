//! A4: an open-ended answer withholds the score until it is graded; with `scores.provisional` it comes in two steps.

use tests::stack::Form;

both! { a04_no_score_before_the_grade, a04_provisional_scores_do_not_roll_up }

const PLAYS: &str = "
    q(s1,a1,q1)=correct 0–20
    q(s1,a1,q2)=correct 20–40
    q(s1,a1,q3)=incorrect 40–60
    q(s1,a1,q4)=attempted 60–120 type=OE
    stop(s1,a1)@121";
const GRADE: &str = "grade(s1,a1,q4)=3/4@3600";

const AT_STOP: &str = "
    usage.question.timespent s1/a1/q1 r1 20,000
    usage.question.timespent s1/a1/q2 r1 20,000
    usage.question.timespent s1/a1/q3 r1 20,000
    usage.question.timespent s1/a1/q4 r1 60,000
    usage.question.score s1/a1/q1 r1 100.00 (1/1)
    usage.question.score s1/a1/q2 r1 100.00 (1/1)
    usage.question.score s1/a1/q3 r1 0.00 (0/1)
    usage.question.score s1/a1/q4 r1 null ungraded status:attempted
    usage.assessment.view s1/a1 r1 1
    usage.assessment.timespent s1/a1 r1 120,000
    usage.^^.view :assessment r1 1
    usage.^^.timespent :assessment r1 120,000
";

pub(crate) fn input() -> String {
    format!("{PLAYS}\n{GRADE}")
}

fn a04_no_score_before_the_grade(form: Form) {
    let stack = form.start();
    stack.play(PLAYS);
    stack.expect(AT_STOP);
    assert!(stack.rows("percent", "assessment_score").is_empty());
    stack.play(GRADE);
    stack.expect(&format!(
        "{AT_STOP}
        usage.question.score s1/a1/q4 r2 75.00 (3/4) cause:grade status:attempted <- null ungraded
        usage.assessment.score s1/a1 r1 71.43 (5/7) latest cause:grade at:3600
        usage.^^.score :assessment r1 71.43 (71.43/100) count:1"
    ));
    assert_eq!(stack.rows("raw,max,percent,graded", "assessment_score"), ["50000 70000 7143 1"]);
}

fn a04_provisional_scores_do_not_roll_up(form: Form) {
    let stack = form.with("scores: { provisional: true }");
    stack.play(PLAYS);
    let provisional = format!("{AT_STOP} usage.assessment.score s1/a1 r1 66.67 (2/3) ungraded not-latest");
    stack.expect(&provisional);
    stack.play(GRADE);
    stack.expect(&format!(
        "{provisional}
        usage.question.score s1/a1/q4 r2 75.00 (3/4) <- null ungraded
        usage.assessment.score s1/a1 r2 71.43 (5/7) latest <- 66.67 (2/3) ungraded
        usage.^^.score :assessment r1 71.43 (71.43/100)"
    ));
}
