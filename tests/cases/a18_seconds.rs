//! A18: times in seconds, one of them as text, are taken as what they are.

use serde_json::json;
use tests::dsl;
use tests::stack::Stack;

#[test]
fn a18_seconds_become_milliseconds() {
    let stack = Stack::start();
    let mut play = dsl::play("q(s1,a1,q1)=correct 0–30 -> accepted seconds");
    play.event["startTime"] = json!(1_772_442_000);
    play.event["endTime"] = json!("1772442030");
    stack.deliver(&play);
    stack.expect(
        "
        usage.question.timespent s1/a1/q1 r1 30,000 at:30
        usage.question.score s1/a1/q1 r1 100.00 (1/1) at:30",
    );
}
