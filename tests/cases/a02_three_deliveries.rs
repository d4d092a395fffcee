//! A2: the events of A1 sent twice, a restart, sent again: 66 deliveries, the same 38 discrete events and rows.

use da_model::outcome::Outcome;
use tests::stack::{Form, Logged, Stack};

use super::a01_full_session::{expected, input};

both! { a02_repeats_change_nothing }

fn ids(stack: &Stack) -> Vec<String> {
    let mut ids: Vec<String> = stack.log().iter().filter_map(Logged::discrete).map(|de| de.de_id.to_string()).collect();
    ids.sort();
    ids
}

fn duplicates(stack: &Stack) -> u64 {
    stack.status().counts["gep"].outcomes.get(&Outcome::Duplicate).copied().unwrap_or_default()
}

fn a02_repeats_change_nothing(form: Form) {
    let once = form.start();
    once.play(&input());
    let mut stack = form.start();
    stack.play(&input());
    stack.play(&input());
    assert_eq!(duplicates(&stack), 22);
    stack.restart();
    stack.play(&input());
    assert_eq!(duplicates(&stack), 22, "counted since the restart");
    stack.expect(&expected());
    stack.expect_count("gep.accepted", 66);
    stack.expect_count("gep.usage", 22);
    assert_eq!(ids(&stack), ids(&once));
    assert_eq!(tests::tables::difference(&stack.whole_tables(), &once.whole_tables()), "");
}
