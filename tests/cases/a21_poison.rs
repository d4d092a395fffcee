//! A21: records that no one should send, over the partner's topic: each ends with its reason, none stops the consumer.

use tests::dsl::{self, T0};
use tests::stack::{Form, PARTNER_TOPIC};

both! { a21_poison_does_not_stop_the_consumer, a21_a_body_of_6_mb_is_refused }

/// The records of the case, in its order.
pub(crate) fn poison() -> Vec<Vec<u8>> {
    let good = dsl::play("q(s1,a1,q1)=correct 0–30").event;
    let mut nameless = good.clone();
    nameless.as_object_mut().unwrap().remove("eventName");
    let shell = "{\"eventName\":\"\"}";
    let large = shell.replace("\"\"", &format!("\"{}\"", "x".repeat(6_000_000 - shell.len())));
    let mut nul = good.clone();
    nul["eventId"] = "a\u{0}b".into();
    vec![
        nameless.to_string().into_bytes(),
        vec![0x7b, 0x22, 0xff, 0x22, 0x7d],
        large.into_bytes(),
        vec![b'['; 100_000],
        nul.to_string().into_bytes(),
        good.to_string().into_bytes(),
    ]
}

fn a21_poison_does_not_stop_the_consumer(form: Form) {
    let stack = form.start();
    let records = poison();
    assert_eq!(records[2].len(), 6_000_000);
    stack.send(records, T0 + 30_000);
    let rejected = stack.topic("gep.rejected");
    let told: Vec<_> = rejected.iter().map(|l| l.rejected()).collect();
    let codes: Vec<_> = told.iter().map(|r| r.reasons[0].reason.code()).collect();
    assert_eq!(codes, ["missing_field", "bad_utf8", "too_large", "too_deep", "bad_character"]);
    assert_eq!((told[2].original.len(), told[2].original_length), (65_536, 6_000_000));
    stack.expect_count("gep.accepted", 1);
    stack.expect_count(PARTNER_TOPIC.0, 6);
    assert_eq!(stack.status().lag(), 0, "all six offsets are passed");
    stack.expect(
        "
        usage.question.timespent s1/a1/q1 r1 30,000
        usage.question.score s1/a1/q1 r1 100.00 (1/1)",
    );
}

fn a21_a_body_of_6_mb_is_refused(form: Form) {
    let stack = form.start();
    let reply = stack.post(vec![b' '; 6_000_000], T0);
    assert_eq!((reply.status, &reply.body["code"]), (413, &"body_too_large".into()), "{}", reply.body);
    assert!(stack.log().is_empty());
}
