//! A13: an external test reports its own score and time; a score that cannot be is refused.

use tests::stack::Form;

both! { a13_score_and_time_are_the_clients, a13_no_metrics_no_score }

pub(crate) const INPUT: &str = "
    start(s1,x1)@0
    stop(s1,x1)@900 raw=45 max=50 time=840000";

fn a13_score_and_time_are_the_clients(form: Form) {
    let stack = form.start();
    stack.play(INPUT);
    let expected = "
        usage.assessment.view s1/x1 r1 1
        usage.assessment.timespent s1/x1 r1 840,000 wall:840,000 visits:1
        usage.assessment.score s1/x1 r1 90.00 (45/50) latest
        usage.^^.view :assessment r1 1
        usage.^^.timespent :assessment r1 840,000
        usage.^^.score :assessment r1 90.00 (90/100)";
    stack.expect(expected);
    assert_eq!(stack.rows("kind,type,time_ms", "item_time"), ["assessment assessment-external 840000"]);
    assert_eq!(stack.rows("item_kind,time_ms", "day_time"), ["assessment 840000"]);
    stack.play(
        "
        stop(s2,x1)@1000 raw=45 max=0 time=840000 -> rejected score_range
        stop(s3,x1)@1000 raw=51 max=50 time=840000 -> rejected score_range
        stop(s4,x1)@1000 raw=45 time=840000 -> rejected score_range",
    );
    stack.expect(expected);
    stack.expect_count("gep.rejected", 3);
}

fn a13_no_metrics_no_score(form: Form) {
    let stack = form.start();
    stack.play("start(s1,x1)@0\nstop(s1,x1)@900 -> accepted");
    stack.expect(
        "
        usage.assessment.view s1/x1 r1 1
        usage.assessment.timespent s1/x1 r1 0
        usage.^^.view :assessment r1 1
        usage.^^.timespent :assessment r1 0",
    );
    assert_eq!(stack.rows("time_ms", "item_time"), ["0"], "a row, not none");
    assert!(stack.rows("percent", "assessment_score").is_empty());
}
