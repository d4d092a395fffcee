//! B11 late_repeat: a question stop again after 15 days is late at the edge and a duplicate behind it.

use da_model::outcome::Outcome;
use tests::stack::Form;

use super::a03_second_answer as a03;

both! { b11_dedupe_has_no_window }

fn b11_dedupe_has_no_window(form: Form) {
    let stack = form.start();
    stack.play(a03::INPUT);
    let before = stack.whole_tables();
    stack.play(&format!("q(s1,a1,q1)=incorrect 0–30 received={} -> accepted late", 30 + 15 * 86_400));
    assert_eq!(stack.status().counts["gep"].outcomes[&Outcome::Duplicate], 1);
    assert_eq!(tests::tables::difference(&stack.whole_tables(), &before), "");
    stack.expect(a03::EXPECTED);
    stack.expect_count("gep.usage", 5);
    stack.expect_count("gep.dead", 0);
}
