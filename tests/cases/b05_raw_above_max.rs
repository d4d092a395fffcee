//! B5 raw_above_max: points outside 0..max are refused; 0 of 0 is a comment and changes nothing.

use tests::stack::Form;

both! { b05_points_out_of_range_change_nothing }

pub(crate) const BASE: &str = "
    q(s1,a1,q1)=correct 0–10
    q(s1,a1,q2)=attempted 10–20 type=OE
    stop(s1,a1)@21
    grade(s1,a1,q2)=2/4@100";

fn b05_points_out_of_range_change_nothing(form: Form) {
    let stack = form.start();
    stack.play(BASE);
    let (before, lines) = (stack.whole_tables(), stack.lines());
    stack.play(
        "
        grade(s1,a1,q2)=5/4@200 -> rejected score_range
        upd(s1,a1)=6/5@300 -> rejected score_range
        grade(s1,a1,q2)=−1/4@400 -> rejected score_range
        grade(s1,a1,q2)=0/0@500 -> accepted",
    );
    assert_eq!(tests::tables::difference(&stack.whole_tables(), &before), "");
    assert_eq!(stack.lines(), lines);
    stack.expect_count("gep.rejected", 3);
    stack.expect_count("gep.usage", 5);
}
