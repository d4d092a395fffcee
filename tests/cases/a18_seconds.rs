//! A18: times in seconds, one of them as text, are taken as what they are.

use tests::dsl;
use tests::stack::Form;

both! { a18_seconds_become_milliseconds }

pub(crate) const INPUT: &str = "q(s1,a1,q1)=correct 0–30 seconds -> accepted seconds";

fn a18_seconds_become_milliseconds(form: Form) {
    let sent = dsl::play(INPUT).event;
    assert_eq!((sent["startTime"].as_i64(), sent["endTime"].as_str()), (Some(1_772_442_000), Some("1772442030")));
    let stack = form.start();
    stack.play(INPUT);
    stack.expect(
        "
        usage.question.timespent s1/a1/q1 r1 30,000 at:30
        usage.question.score s1/a1/q1 r1 100.00 (1/1) at:30",
    );
    let times: Vec<i64> =
        stack.topic("demux.question.score").iter().map(|l| l.discrete().unwrap().activity_time.0).collect();
    assert_eq!(times, [1_772_442_030_000]);
}
