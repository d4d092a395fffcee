//! A24: a teacher's play is remembered as applied and goes no further.

use da_model::event::Event;
use tests::dsl::with;
use tests::stack::Form;

use super::a01_full_session;

both! { a24_no_state_but_applied }

pub(crate) fn input() -> String {
    with("teacher", &a01_full_session::input())
}

fn a24_no_state_but_applied(form: Form) {
    let stack = form.start();
    stack.play(&input());
    stack.expect("");
    stack.expect_count("gep.accepted", 22);
    let usage = stack.topic("gep.usage");
    assert_eq!(usage.len(), 22);
    assert!(usage.iter().all(|l| matches!(l.read().1, Event::Impact(signal) if signal.changes.is_empty())));
    let rows = |table| stack.rows("count(*) AS n", table).join("");
    assert_eq!([rows("applied"), rows("session"), rows("learner_item")], ["22", "0", "0"]);
    assert!(stack.whole_tables().values().all(Vec::is_empty));
}
