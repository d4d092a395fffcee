//! A17: a visit is never negative and never longer than the cap.

use da_model::event::Event;
use da_model::outcome::Flag;
use tests::stack::Form;

both! { a17_never_negative_never_over_the_cap }

pub(crate) const INPUT: &str = "
    r(s1,col1,r1) 100–90 received=100 -> accepted end_before_start
    r(s1,col1,r2) 0–18000";

fn a17_never_negative_never_over_the_cap(form: Form) {
    let stack = form.start();
    stack.play(INPUT);
    stack.expect(
        "
        usage.resource.timespent s1/col1/r1 r1 0 wall:0
        usage.resource.timespent s1/col1/r2 r1 7,200,000 wall:18,000,000
        usage.collection.timespent s1/col1 r1 0
        usage.collection.timespent s1/col1 r2 7,200,000 wall:18,000,000
        usage.^^.timespent :collection r1 0
        usage.^^.timespent :collection r2 7,200,000",
    );
    let flags = |flag| {
        let usage = stack.topic("gep.usage");
        let told = usage.iter().filter(|l| matches!(l.read().1, Event::Impact(s) if s.event.flags.contains(&flag)));
        told.count()
    };
    assert_eq!((flags(Flag::EndBeforeStart), flags(Flag::Capped)), (1, 1));
}
