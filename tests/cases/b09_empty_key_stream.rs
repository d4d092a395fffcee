//! B9 empty_key_stream: records without a key, some without a learner: each of them ends where it belongs.

use da_runtime::ports::Append;
use tests::dsl::{self, T0};
use tests::stack::{Form, PARTNER_TOPIC};

both! { b09_880_accepted_120_refused }

fn b09_880_accepted_120_refused(form: Form) {
    let stack = form.start();
    let record = |n: i64| {
        let (learner, from) = (n % 7, n * 2);
        let mut event = dsl::play(&format!("q(s{learner},a1,q{n})=correct {from}–{} by=L{learner}", from + 1)).event;
        if n % 25 < 3 {
            event["user"].as_object_mut().unwrap().remove("gooruUId");
        }
        let value = Some(event.to_string().into_bytes());
        Append { topic: PARTNER_TOPIC, key: Vec::new(), value, timestamp: da_model::time::Timestamp(T0 + 2_000_000) }
    };
    stack.clock.set(da_model::time::Timestamp(T0 + 2_000_000));
    stack.append((0..1_000).map(record).collect());
    let accepted = stack.topic("gep.accepted");
    assert_eq!(accepted.len(), 880);
    assert!(accepted.iter().all(|l| l.key.starts_with("t1\u{1f}L")));
    let rejected = stack.topic("gep.rejected");
    assert_eq!(rejected.len(), 120);
    for logged in &rejected {
        let refused = logged.rejected();
        let reasons: Vec<_> = refused.reasons.iter().map(|r| (r.reason.code(), r.path.as_str())).collect();
        assert_eq!(reasons, [("missing_field", "/user/gooruUId")]);
    }
    stack.expect_count("gep.usage", 880);
    assert_eq!(stack.lines().len(), 2 * 880, "a visit and an answer each");
}
