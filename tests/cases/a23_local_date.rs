//! A23: the local date is that of the event's own zone; an unknown zone loses nothing but the date's precision.

use tests::stack::Stack;

pub(crate) const INPUT: &str = "
    q(s1,a1,q1)=correct@-34200 zone=Asia/Jakarta -> accepted
    stop(s1,a1)@-34200 zone=Asia/Jakarta -> accepted
    q(s1,a1,q1)=correct@-34200 zone=UTC by=B -> accepted
    stop(s1,a1)@-34200 zone=UTC by=B -> accepted
    q(s1,a1,q1)=correct@-34200 zone=WIB by=C -> accepted timezone_unknown
    stop(s1,a1)@-34200 zone=WIB by=C -> accepted timezone_unknown";

#[test]
fn a23_the_date_is_that_of_the_zone() {
    let stack = Stack::start();
    stack.play(INPUT);
    stack.expect_of(
        &["usage.assessment.score", "usage.assessment.view"],
        "
        usage.assessment.view s1/a1 r1 1 date:2026-03-02 at:-34200
        usage.assessment.view B:s1/a1 r1 1 date:2026-03-01
        usage.assessment.view C:s1/a1 r1 1 date:2026-03-01
        usage.assessment.score s1/a1 r1 100.00 (1/1) latest date:2026-03-02
        usage.assessment.score B:s1/a1 r1 100.00 (1/1) latest date:2026-03-01
        usage.assessment.score C:s1/a1 r1 100.00 (1/1) latest date:2026-03-01",
    );
    let dates = stack.rows("learner,local_date", "item_view ORDER BY learner");
    assert_eq!(dates, ["A 2026-03-02", "B 2026-03-01", "C 2026-03-01"]);
    let days = stack.rows("learner,local_date,views", "day_view ORDER BY learner");
    assert_eq!(days, ["A 2026-03-02 1", "B 2026-03-01 1", "C 2026-03-01 1"]);
}
