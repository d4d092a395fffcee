//! A23: the local date is that of the event's own zone; an unknown zone loses nothing but the date's precision.

use tests::stack::Form;

both! { a23_the_date_is_that_of_the_zone }

pub(crate) const INPUT: &str = "
    q(s1,a1,q1)=correct −34210–−34200 zone=Asia/Jakarta -> accepted
    stop(s1,a1)@-34200 zone=Asia/Jakarta -> accepted
    q(s1,a1,q1)=correct −34210–−34200 zone=UTC by=B -> accepted
    stop(s1,a1)@-34200 zone=UTC by=B -> accepted
    q(s1,a1,q1)=correct −34210–−34200 zone=WIB by=C -> accepted timezone_unknown
    stop(s1,a1)@-34200 zone=WIB by=C -> accepted timezone_unknown";

/// Everything of one learner below the class.
fn learner(by: &str, date: &str) -> String {
    format!(
        "usage.question.timespent {by}s1/a1/q1 r1 10,000 date:{date}
        usage.question.score {by}s1/a1/q1 r1 100.00 (1/1) date:{date}
        usage.assessment.view {by}s1/a1 r1 1 date:{date} at:-34200
        usage.assessment.timespent {by}s1/a1 r1 10,000 date:{date}
        usage.assessment.score {by}s1/a1 r1 100.00 (1/1) latest date:{date}
        usage.^.view {by}:assessment r1 1 date:{date}
        usage.^.timespent {by}:assessment r1 10,000 date:{date}
        usage.^.score {by}:assessment r1 100.00 (100/100) date:{date}
        "
    )
    .replace("::", ":")
}

fn a23_the_date_is_that_of_the_zone(form: Form) {
    let stack = form.start();
    stack.play(INPUT);
    let learners = learner("", "2026-03-02") + &learner("B:", "2026-03-01") + &learner("C:", "2026-03-01");
    stack.expect(
        &(learners
            + "
        usage.class.view k1:assessment r1 1 date:2026-03-02
        usage.class.view k1:assessment r2 2 date:2026-03-01
        usage.class.view k1:assessment r3 3 date:2026-03-01
        usage.class.timespent k1:assessment r1 10,000
        usage.class.timespent k1:assessment r2 20,000
        usage.class.timespent k1:assessment r3 30,000
        usage.class.score k1:assessment r1 100.00 (100/100)
        usage.class.score k1:assessment r2 100.00 (200/200)
        usage.class.score k1:assessment r3 100.00 (300/300)"),
    );
    let dates = stack.rows("learner,local_date", "item_view ORDER BY learner");
    assert_eq!(dates, ["A 2026-03-02", "B 2026-03-01", "C 2026-03-01"]);
    let days = stack.rows("learner,local_date,views", "day_view ORDER BY learner");
    assert_eq!(days, ["A 2026-03-02 1", "B 2026-03-01 1", "C 2026-03-01 1"]);
}
