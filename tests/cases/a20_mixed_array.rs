//! A20: every element of an array has its verdict; the refused one is kept with its reason and place.

use da_model::event::RejectionSource;
use tests::dsl;
use tests::stack::Form;

both! { a20_one_of_three_is_refused }

fn a20_one_of_three_is_refused(form: Form) {
    let stack = form.start();
    let mut events: Vec<_> = dsl::plays("start(s1,a1)@0\nq(s1,a1,q1)=correct 0–30\nstop(s1,a1)@31")
        .into_iter()
        .map(|play| play.event)
        .collect();
    events[1].as_object_mut().unwrap().remove("eventName");
    let reply = stack.post_all(&events, dsl::T0 + 31_000);
    assert_eq!(reply.status, 207);
    assert_eq!((&reply.body["accepted"], &reply.body["rejected"]), (&2.into(), &1.into()));
    let verdicts: Vec<_> = (0..3).map(|n| reply.verdict(n).join(" ")).collect();
    assert_eq!(verdicts, ["accepted", "rejected missing_field", "accepted"]);
    assert_eq!(reply.body["results"][1]["reasons"][0]["path"], "/eventName");
    stack.expect_count("gep.accepted", 2);
    let rejected = stack.topic("gep.rejected");
    assert_eq!(rejected.len(), 1);
    let refused = rejected[0].rejected();
    assert!(matches!(refused.source, RejectionSource::Http { index: 1, .. }), "{:?}", refused.source);
    assert_eq!((refused.reasons[0].reason.code(), refused.reasons[0].path.as_str()), ("missing_field", "/eventName"));
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&refused.original).unwrap(), events[1]);
}
