//! B7 others_isolated: one session id with two learners and two items is three sessions.

use tests::stack::Form;

both! { b07_keys_hold_learner_session_and_item }

pub(crate) const INPUT: &str = "
    q(s1,a1,q1)=correct 0–30
    stop(s1,a1)@31
    q(s1,a1,q1)=incorrect 0–30 by=B
    stop(s1,a1)@31 by=B
    q(s1,a2,q1)=incorrect 0–30
    stop(s1,a2)@31";

fn b07_keys_hold_learner_session_and_item(form: Form) {
    let stack = form.start();
    stack.play(INPUT);
    stack.expect(
        "
        usage.question.timespent s1/a1/q1 r1 30,000
        usage.question.timespent B:s1/a1/q1 r1 30,000
        usage.question.timespent s1/a2/q1 r1 30,000
        usage.question.score s1/a1/q1 r1 100.00 (1/1)
        usage.question.score B:s1/a1/q1 r1 0.00 (0/1)
        usage.question.score s1/a2/q1 r1 0.00 (0/1)
        usage.assessment.view s1/a1 r1 1
        usage.assessment.view B:s1/a1 r1 1
        usage.assessment.view s1/a2 r1 1
        usage.assessment.timespent s1/a1 r1 30,000
        usage.assessment.timespent B:s1/a1 r1 30,000
        usage.assessment.timespent s1/a2 r1 30,000
        usage.assessment.score s1/a1 r1 100.00 (1/1) latest
        usage.assessment.score B:s1/a1 r1 0.00 (0/1) latest
        usage.assessment.score s1/a2 r1 0.00 (0/1) latest
        usage.^.view :assessment r1 1
        usage.^.view B:assessment r1 1
        usage.^.view :assessment r2 2 items:2
        usage.class.view k1:assessment r1 1
        usage.class.view k1:assessment r2 2
        usage.class.view k1:assessment r3 3 items:3
        usage.^.timespent :assessment r1 30,000
        usage.^.timespent B:assessment r1 30,000
        usage.^.timespent :assessment r2 60,000
        usage.class.timespent k1:assessment r1 30,000
        usage.class.timespent k1:assessment r2 60,000
        usage.class.timespent k1:assessment r3 90,000
        usage.^.score :assessment r1 100.00 (100/100)
        usage.^.score B:assessment r1 0.00 (0/100)
        usage.^.score :assessment r2 50.00 (100/200)
        usage.class.score k1:assessment r1 100.00 (100/100)
        usage.class.score k1:assessment r2 50.00 (100/200) count:2
        usage.class.score k1:assessment r3 25.00 (50/200) count:2",
    );
}
