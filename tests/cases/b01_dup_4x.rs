//! B1 dup_4x: one question stop twice in one request and twice over the partner's topic counts once.

use tests::dsl::{self, T0};
use tests::stack::Form;

both! { b01_four_deliveries_count_once }

fn b01_four_deliveries_count_once(form: Form) {
    let stack = form.start();
    let stop = dsl::play("q(s1,a1,q1)=correct 0–30").event;
    let reply = stack.post_all(&[stop.clone(), stop.clone()], T0 + 30_000);
    assert_eq!((reply.status, &reply.body["accepted"], &reply.body["duplicate"]), (202, &1.into(), &1.into()));
    assert_eq!([reply.verdict(0).join(" "), reply.verdict(1).join(" ")], ["accepted", "duplicate"]);
    let bytes = stop.to_string().into_bytes();
    stack.send(vec![bytes.clone(), bytes], T0 + 31_000);
    stack.expect(
        "
        usage.question.timespent s1/a1/q1 r1 30,000
        usage.question.score s1/a1/q1 r1 100.00 (1/1)",
    );
    stack.expect_count("gep.accepted", 3);
    stack.expect_count("gep.usage", 1);
    stack.expect_count("gep.dead", 0);
    assert_eq!(stack.rows("time_ms,visits", "resource_time"), ["30000 1"]);
}
