//! A26: a live token reaches no topic, table or file, whole or cut; what was refused still proves what was sent.

use da_runtime::http::auth::hex;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tests::dsl::{self, T0};
use tests::stack::{Stack, answer};

const TOKEN: &str = "tok-SECRET-1";

fn has(bytes: &[u8], needle: &str) -> bool {
    bytes.windows(needle.len()).any(|w| w == needle.as_bytes())
}

fn stars(bytes: &[u8]) -> usize {
    bytes.iter().filter(|b| **b == b'*').count()
}

#[test]
fn a26_no_token_anywhere() {
    let mut stack = Stack::start();
    let mut good = dsl::play("q(s1,a1,q1)=correct 0–30").event;
    good["session"]["sessionToken"] = json!(TOKEN);
    let mut nameless = good.clone();
    nameless.as_object_mut().unwrap().remove("eventName");
    let whole = nameless.to_string();
    let cut = &whole[..whole.find(TOKEN).unwrap() + 7];
    let system = json!({
        "eventId": "e-create", "eventName": "item.create", "startTime": T0, "endTime": T0, "metrics": {},
        "session": {"apiKey": null, "sessionToken": TOKEN, "organizationUId": null},
        "user": {"gooruUId": "teacher-1", "userIp": null, "userAgent": null}, "version": {"logApi": "4.0"},
        "context": {"contentGooruId": "a1", "clientSource": "core"},
        "payLoadObject": {"contentFormat": "assessment", "subEventName": "event.assessment.create",
            "data": {"id": "a1", "title": "Counting", "format": "assessment"}},
    });
    let body = format!("{good}\n{whole}\n{system}\n{cut}");
    let reply = answer(stack.request("/v1/events").header("content-type", "application/x-ndjson").body(body));
    let verdicts: Vec<_> = (0..4).map(|n| reply.verdict(n).join(" ")).collect();
    assert_eq!(verdicts, ["accepted", "rejected missing_field", "accepted", "rejected bad_json"], "{}", reply.body);
    stack.expect_count("gep.system", 1);
    let rejected = stack.topic("gep.rejected");
    let sent = [whole.as_bytes(), cut.as_bytes()];
    for ((logged, sent), masked) in rejected.iter().zip(sent).zip([12, 7]) {
        let refused = logged.rejected();
        assert_eq!(stars(&refused.original), masked);
        assert_eq!(refused.original.len(), sent.len());
        assert_eq!(refused.original_sha256, hex(&Sha256::digest(sent)));
    }
    assert_eq!(rejected.len(), 2);
    assert!(stack.log().iter().all(|l| !has(&l.value, "tok-SEC") && !has(l.key.as_bytes(), "tok-SEC")));
    assert!(!reply.body.to_string().contains("tok-SEC"));
    stack.stop();
    for file in std::fs::read_dir(stack.folder()).unwrap() {
        let path = file.unwrap().path();
        assert!(!has(&std::fs::read(&path).unwrap(), "tok-SEC"), "{}", path.display());
    }
}
