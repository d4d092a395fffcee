//! A19: the time of a session is the sum of its visits, never the clock on the wall between them.

use tests::stack::Form;

both! { a19_a_pause_is_no_time_spent }

pub(crate) const INPUT: &str = "
    start(s1,col1)@0
    r(s1,col1,r1) 0–600
    r(s1,col1,r2) 51000–51300
    stop(s1,col1)@51300";

fn a19_a_pause_is_no_time_spent(form: Form) {
    let stack = form.start();
    stack.play(INPUT);
    stack.expect(
        "
        usage.collection.view s1/col1 r1 1
        usage.^^.view :collection r1 1
        usage.resource.timespent s1/col1/r1 r1 600,000
        usage.resource.timespent s1/col1/r2 r1 300,000
        usage.collection.timespent s1/col1 r1 600,000
        usage.collection.timespent s1/col1 r2 900,000
        usage.^^.timespent :collection r1 600,000
        usage.^^.timespent :collection r2 900,000",
    );
    let told: Vec<String> = stack.lines().iter().map(ToString::to_string).collect();
    assert!(!told.join("\n").contains("51300000"));
    assert!(!format!("{:?}", stack.whole_tables()).contains("51300000 "), "no column holds 51,300,000 ms");
}
