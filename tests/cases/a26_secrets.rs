//! A26: a live token reaches no topic, table or file, whole or cut; what was refused still proves what was sent.

use std::path::Path;

use da_runtime::http::auth::hex;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tests::dsl::{self, T0};
use tests::folder::Folder;
use tests::process::Site;
use tests::stack::{Form, answer};

both! { a26_no_token_anywhere }

const TOKEN: &str = "tok-SECRET-1";

fn has(bytes: &[u8], needle: &str) -> bool {
    bytes.windows(needle.len()).any(|w| w == needle.as_bytes())
}

fn stars(bytes: &[u8]) -> usize {
    bytes.iter().filter(|b| **b == b'*').count()
}

/// What is sent: the good event, the one without a name, the system event, and the second one cut inside the token.
fn lines() -> [String; 4] {
    let mut good = dsl::play("q(s1,a1,q1)=correct 0–30").event;
    good["session"]["sessionToken"] = json!(TOKEN);
    let mut nameless = good.clone();
    nameless.as_object_mut().unwrap().remove("eventName");
    let whole = nameless.to_string();
    let cut = whole[..whole.find(TOKEN).unwrap() + 7].to_owned();
    let system = json!({
        "eventId": "e-create", "eventName": "item.create", "startTime": T0, "endTime": T0, "metrics": {},
        "session": {"apiKey": null, "sessionToken": TOKEN, "organizationUId": null},
        "user": {"gooruUId": "teacher-1", "userIp": null, "userAgent": null}, "version": {"logApi": "4.0"},
        "context": {"contentGooruId": "a1", "clientSource": "core"},
        "payLoadObject": {"contentFormat": "assessment", "subEventName": "event.assessment.create",
            "data": {"id": "a1", "title": "Counting", "format": "assessment"}},
    });
    [good.to_string(), whole, system.to_string(), cut]
}

fn no_file_has_it(folder: &Path) {
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        assert!(!has(&std::fs::read(&path).unwrap(), "tok-SEC"), "{}", path.display());
    }
}

fn a26_no_token_anywhere(form: Form) {
    let mut stack = form.start();
    let lines = lines();
    let [_, whole, _, cut] = &lines;
    let body = lines.join("\n");
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
    no_file_has_it(stack.folder());
}

#[test]
fn a26_no_token_in_the_log_of_the_program() {
    let folder = Folder::new();
    let site = Site::new(Path::new(crate::cli::da().get_program()), folder.path()).unwrap();
    let key = site.key().unwrap();
    let mut server = site.start().unwrap();
    site.ready(&mut server).unwrap();
    let client = reqwest::blocking::Client::new();
    let url = format!("{}/api/nucleus-insights/v2/event?apiKey={TOKEN}", site.url());
    let request = client.post(&url).header("content-type", "application/x-ndjson");
    let reply = answer(request.bearer_auth(key).body(lines().join("\n")));
    assert_eq!((reply.status, &reply.body["rejected"]), (207, &2.into()), "{}", reply.body);
    let unknown = answer(client.post(&url).header("content-type", "application/x-ndjson").body(lines().join("\n")));
    assert_eq!(unknown.status, 401);
    server.stop().unwrap();
    assert!(!site.log().unwrap().is_empty());
    no_file_has_it(folder.path());
}
