//! B16 low_traffic_flush: one question stop and then silence; its discrete events are readable with no further event.

use tests::stack::Form;

both! { b16_nothing_waits_for_the_next_event }

fn b16_nothing_waits_for_the_next_event(form: Form) {
    let stack = form.start();
    stack.play("q(s1,a1,q1)=correct 0–30");
    stack.expect(
        "
        usage.question.timespent s1/a1/q1 r1 30,000
        usage.question.score s1/a1/q1 r1 100.00 (1/1)",
    );
    stack.expect_count("gep.accepted", 1);
}
