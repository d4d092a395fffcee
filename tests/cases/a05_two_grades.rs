//! A5: no score before the last open answer is graded, and nowhere a zero.

use tests::stack::Form;

both! { a05_the_last_grade_brings_the_score }

const PLAYS: &str = "
    q(s1,a1,q1)=attempted 0–60 type=OE
    q(s1,a1,q2)=attempted 60–120 type=OE
    stop(s1,a1)@121
    grade(s1,a1,q1)=3/4@3600";
const LAST: &str = "grade(s1,a1,q2)=2/4@3700";

const BEFORE: &str = "
    usage.question.timespent s1/a1/q1 r1 60,000
    usage.question.timespent s1/a1/q2 r1 60,000
    usage.question.score s1/a1/q1 r1 null ungraded
    usage.question.score s1/a1/q1 r2 75.00 (3/4) <- null ungraded
    usage.question.score s1/a1/q2 r1 null ungraded
    usage.assessment.view s1/a1 r1 1
    usage.assessment.timespent s1/a1 r1 120,000
    usage.^^.view :assessment r1 1
    usage.^^.timespent :assessment r1 120,000
";

pub(crate) fn input() -> String {
    format!("{PLAYS}\n{LAST}")
}

fn a05_the_last_grade_brings_the_score(form: Form) {
    let stack = form.start();
    stack.play(PLAYS);
    stack.expect(BEFORE);
    for table in ["assessment_score", "learner_item_score", "level_score", "class_score"] {
        assert!(stack.rows("percent", table).iter().all(|p| p == "null"), "{table}");
    }
    let waiting = stack.rows("resource,raw,max,percent,graded", "question_score ORDER BY resource");
    assert_eq!(waiting, ["q1 30000 40000 7500 1", "q2 null null null 0"]);
    stack.play(LAST);
    stack.expect(&format!(
        "{BEFORE}
        usage.question.score s1/a1/q2 r2 50.00 (2/4) <- null ungraded
        usage.assessment.score s1/a1 r1 62.50 (5/8) latest
        usage.^^.score :assessment r1 62.50 (62.5/100)"
    ));
}
