//! A12: the latest reaction per resource, their mean half up per item; 0 is no reaction.

use tests::stack::Form;

both! { a12_reactions_replace_and_average_half_up }

pub(crate) const INPUT: &str = "
    start(s1,col1)@0
    react(s1,col1,r1)=5@10
    react(s1,col1,r1)=3@20
    react(s1,col1,r2)=4@30
    react(s1,col1,r3)=0@40";

fn a12_reactions_replace_and_average_half_up(form: Form) {
    let stack = form.start();
    stack.play(INPUT);
    stack.expect(
        "
        usage.collection.view s1/col1 r1 1 at:0
        usage.^^.view :collection r1 1
        usage.resource.reaction s1/col1/r1 r1 {5,1}
        usage.resource.reaction s1/col1/r1 r2 {3,1} <- {5,1}
        usage.resource.reaction s1/col1/r2 r1 {4,1}
        usage.collection.reaction s1/col1 r1 {5,1}
        usage.collection.reaction s1/col1 r2 {3,1} <- {5,1}
        usage.collection.reaction s1/col1 r3 {4,2} <- {3,1}",
    );
    let reactions = stack.rows("resource,reaction", "resource_reaction ORDER BY resource");
    assert_eq!(reactions, ["r1 3", "r2 4"]);
    assert_eq!(stack.rows("reaction,count", "item_reaction"), ["4 2"]);
}
