//! B20 reaction_changed: the web client keeps one id while the learner changes the reaction; both count, once.

use tests::dsl::{self, T0};
use tests::stack::Form;

both! { b20_two_reactions_under_one_id }

fn b20_two_reactions_under_one_id(form: Form) {
    let stack = form.start();
    stack.play("start(s1,col1)@0");
    let both: Vec<_> = dsl::plays("react(s1,col1,r1)=3@10 id=e1\nreact(s1,col1,r1)=5@10 id=e1")
        .into_iter()
        .map(|play| play.event)
        .collect();
    let expected = "
        usage.collection.view s1/col1 r1 1
        usage.^^.view :collection r1 1
        usage.resource.reaction s1/col1/r1 r1 {3,1}
        usage.resource.reaction s1/col1/r1 r2 {5,1} <- {3,1}
        usage.collection.reaction s1/col1 r1 {3,1}
        usage.collection.reaction s1/col1 r2 {5,1} <- {3,1}";
    let reply = stack.post_all(&both, T0 + 10_000);
    assert_eq!((reply.status, &reply.body["accepted"]), (202, &2.into()), "{}", reply.body);
    stack.expect(expected);
    let reply = stack.post_all(&both, T0 + 20_000);
    assert_eq!(reply.status, 202);
    stack.expect(expected);
    stack.expect_count("gep.usage", 3);
    stack.expect_count("gep.dead", 0);
}
