//! A7: A6 with the first session's stop delivered last of all: equal tables, and the older session never latest.

use tests::stack::Form;

use super::a06_three_sessions as a06;

both! { a07_a_late_stop_is_not_the_latest }

pub(crate) fn input() -> String {
    let late = "stop(s1,a1)@101\n";
    assert!(a06::input().contains(late));
    a06::input().replace(late, "") + "stop(s1,a1)@101 received=502\n"
}

fn a07_a_late_stop_is_not_the_latest(form: Form) {
    let (stack, in_order) = (form.start(), form.start());
    stack.play(&input());
    in_order.play(&a06::input());
    let items = "
        usage.assessment.view s3/a2 r1 1
        usage.assessment.view s2/a1 r1 1
        usage.assessment.view s1/a1 r1 1
        usage.assessment.timespent s3/a2 r1 50,000
        usage.assessment.timespent s2/a1 r1 100,000
        usage.assessment.timespent s1/a1 r1 100,000
        usage.assessment.score s3/a2 r1 80.00 (4/5) latest
        usage.assessment.score s2/a1 r1 60.00 (6/10) latest
        usage.assessment.score s1/a1 r1 90.00 (9/10) not-latest
        usage.^^.view :assessment r1 1 items:1
        usage.^^.view :assessment r2 2 items:2
        usage.^^.view :assessment r3 3 items:2
        usage.^^.timespent :assessment r1 50,000
        usage.^^.timespent :assessment r2 150,000
        usage.^^.timespent :assessment r3 250,000
        usage.^.score :assessment r1 80.00 (80/100)
        usage.^.score :assessment r2 70.00 (140/200)
        usage.class.score k1:assessment r1 80.00 (80/100)
        usage.class.score k1:assessment r2 70.00 (70/100)";
    stack.expect(&(a06::questions() + items));
    assert_eq!(tests::tables::difference(&stack.equal_tables(), &in_order.equal_tables()), "");
    assert_eq!(super::q4(&stack, "a1"), "latest 6000 best 9000 first 9000 average 7500 attempts 2");
}
