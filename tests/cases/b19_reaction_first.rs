//! B19 reaction_first: a reaction waits for the kind and the first play, and keeps its own time.

use tests::stack::Form;

both! { b19_nothing_until_the_kind_is_known }

pub(crate) const FIRST: &str = "react(s1,col1,r1)=5@10 nokind";
pub(crate) const THEN: &str = "r(s1,col1,r1) 0–20";

fn b19_nothing_until_the_kind_is_known(form: Form) {
    let stack = form.start();
    stack.play(FIRST);
    stack.expect("");
    stack.expect_count("gep.usage", 1);
    stack.play(THEN);
    stack.expect(
        "
        usage.resource.reaction s1/col1/r1 r1 {5,1} at:10
        usage.collection.reaction s1/col1 r1 {5,1} at:10
        usage.resource.timespent s1/col1/r1 r1 20,000 at:20
        usage.collection.timespent s1/col1 r1 20,000 at:20
        usage.^^.timespent :collection r1 20,000",
    );
}
