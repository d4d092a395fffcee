//! The HTTP edge: every code of the closed list, hostile bodies, real events.
//!
//! Place: one module of the integration binary. What becomes of accepted events is in the acceptance cases.

use std::collections::BTreeMap;
use std::io::Write as _;

use da_model::time::Timestamp;
use da_runtime::http::auth::Scope;
use da_runtime::io::sql::sqlite::{Access, Database};
use da_runtime::ports::Append;
use serde_json::{Value, json};
use tests::data;
use tests::dsl::{self, T0};
use tests::stack::{PARTNER_TOPIC, Reply, Stack, answer};

fn good() -> Value {
    dsl::play("q(s1,a1,q1)=correct 0–30").event
}

fn gzip(pieces: usize, piece: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    for _ in 0..pieces {
        encoder.write_all(piece).unwrap();
    }
    encoder.finish().unwrap()
}

fn zstd(pieces: usize, piece: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::stream::Encoder::new(Vec::new(), 1).unwrap();
    for _ in 0..pieces {
        encoder.write_all(piece).unwrap();
    }
    encoder.finish().unwrap()
}

fn encoded(stack: &Stack, encoding: &str, body: Vec<u8>) -> Reply {
    let request = stack.request("/v1/events").header("content-type", "application/json");
    answer(request.header("content-encoding", encoding).body(body))
}

fn code(reply: &Reply) -> (u16, String) {
    (reply.status, reply.body["code"].as_str().unwrap_or_default().to_owned())
}

fn refused(reply: &Reply, status: u16, with: &str) {
    let told: String = reply.body.to_string().chars().take(300).collect();
    assert_eq!(code(reply), (status, with.to_owned()), "{told}");
}

#[test]
fn every_request_code_stores_nothing() {
    let stack = Stack::start();
    let body = good().to_string();
    let json = "application/json";
    refused(
        &answer(stack.anonymous("/v1/events").header("content-type", json).body(body.clone())),
        401,
        "unauthenticated",
    );
    let wrong = stack.anonymous("/v1/events").bearer_auth("p1_0000.00").header("content-type", json);
    refused(&answer(wrong.body(body.clone())), 401, "unauthenticated");
    let alias = stack.anonymous("/api/nucleus-insights/v2/event?apiKey=k-1").header("content-type", json);
    refused(&answer(alias.body(body.clone())), 401, "unauthenticated");
    let reader = stack.further_key(("p2", "t1", "gooru"), Scope::Report);
    let mut stack = stack;
    stack.restart();
    let request = stack.anonymous("/v1/events").bearer_auth(reader).header("content-type", json);
    refused(&answer(request.body(body.clone())), 403, "forbidden");
    let picture = stack.request("/v1/events").header("content-type", "image/png");
    refused(&answer(picture.body(body.clone())), 415, "bad_media_type");
    refused(&encoded(&stack, "br", body.clone().into_bytes()), 415, "bad_media_type");
    refused(&encoded(&stack, "gzip", body.clone().into_bytes()), 400, "bad_encoding");
    refused(&encoded(&stack, "zstd", body.clone().into_bytes()), 400, "bad_encoding");
    for bad in ["", "[]", "[{}", "{\"events\":[]}", "nonsense"] {
        refused(&stack.post(bad, T0), 400, "bad_body");
    }
    refused(&stack.post(vec![b' '; 6_000_000], T0), 413, "body_too_large");
    let thousand_and_one = vec![json!({}); 1_001];
    refused(&stack.post_all(&thousand_and_one, T0), 413, "too_many_events");
    assert!(stack.log().is_empty(), "nothing was stored");
    assert_eq!(stack.post(body, T0).status, 202);
}

#[test]
fn a_key_over_its_rate_is_told_when_to_come_back() {
    let stack = Stack::with("DA__HTTP__RATE__EVENTS_PER_SECOND=100\nDA__HTTP__RATE__BURST_SECONDS=10");
    let events = vec![good(); 1_000];
    assert_eq!(stack.post_all(&events, T0 + 30_000).status, 202);
    let reply = stack.post_all(&events, T0 + 30_000);
    refused(&reply, 429, "rate_limited");
    assert!(reply.retry_after.is_some_and(|s| s.parse::<u32>().is_ok_and(|s| s >= 1)));
}

#[test]
fn a_log_that_cannot_be_written_in_time_says_unavailable() {
    let stack = Stack::with("DA__HTTP__ACK_DEADLINE_MS=300");
    stack.play("q(s1,a1,q1)=correct 0–30");
    let mut other = Database::open(&stack.file(), Access::Write).unwrap();
    other.run("BEGIN IMMEDIATE", Vec::new()).unwrap();
    let event = dsl::play("q(s1,a1,q2)=correct 30–60").event;
    let reply = stack.post_all(std::slice::from_ref(&event), T0 + 60_000);
    refused(&reply, 503, "unavailable");
    assert!(reply.retry_after.is_some_and(|s| s.parse::<u32>().is_ok_and(|s| s >= 1)));
    other.run("ROLLBACK", Vec::new()).unwrap();
    drop(other);
    let again =
        (0..1_000).map(|_| stack.post_all(std::slice::from_ref(&event), T0 + 61_000).status).find(|s| *s != 503);
    assert_eq!(again, Some(202), "the same request is taken when the log can be written again");
    stack.expect_count("gep.usage", 2);
}

/// A change to a good event, and the code and path it must get.
type Fault = (&'static str, &'static str, fn(&mut Value));

fn faults() -> Vec<Fault> {
    vec![
        ("missing_field", "/eventName", |e| {
            e.as_object_mut().unwrap().remove("eventName");
        }),
        ("missing_field", "/user/gooruUId", |e| e["user"]["gooruUId"] = json!("null")),
        ("missing_field", "/session/sessionId", |e| e["session"]["sessionId"] = json!("")),
        ("missing_field", "/context/contentGooruId", |e| e["context"]["contentGooruId"] = json!("NA")),
        ("missing_field", "/endTime", |e| {
            e["startTime"] = Value::Null;
            e["endTime"] = Value::Null;
        }),
        ("missing_field", "/context/type", |e| {
            e["context"].as_object_mut().unwrap().remove("type");
        }),
        ("bad_type", "/eventId", |e| e["eventId"] = json!(["e"])),
        ("bad_type", "/context/pathId", |e| e["context"]["pathId"] = json!({})),
        ("bad_id", "/eventId", |e| e["eventId"] = json!("e".repeat(65))),
        ("bad_id", "/session/sessionId", |e| e["session"]["sessionId"] = json!("a\tb")),
        ("bad_time", "/endTime", |e| e["endTime"] = json!("yesterday")),
        ("bad_number", "/context/pathId", |e| e["context"]["pathId"] = json!(-1)),
        ("bad_enum", "/payLoadObject/attemptStatus", |e| e["payLoadObject"]["attemptStatus"] = json!("perhaps")),
        ("bad_enum", "/context/collectionType", |e| e["context"]["collectionType"] = json!("circus")),
        ("unknown_event", "/eventName", |e| e["eventName"] = json!("page.scroll")),
        ("unknown_type", "/context/type", |e| e["context"]["type"] = json!("pause")),
        ("anonymous_user", "/user/gooruUId", |e| e["user"]["gooruUId"] = json!("anonymous")),
        ("tenant_forbidden", "/context/tenantId", |e| e["context"]["tenantId"] = json!("t-foreign")),
        ("bad_character", "/eventId", |e| e["eventId"] = json!("a\u{0}b")),
        ("too_deep", "", |e| e["metrics"] = (0..70).fold(json!({}), |inner, _| json!({ "m": inner }))),
        ("too_deep", "", |e| e["source"] = json!("s".repeat(70_000))),
        ("too_large", "", |e| e["source"] = json!("s".repeat(300_000))),
    ]
}

#[test]
fn every_event_code_names_its_path() {
    let stack = Stack::start();
    let mut wrong = Vec::new();
    for (n, (code, path, change)) in faults().into_iter().enumerate() {
        let mut event = good();
        change(&mut event);
        let reply = stack.post_all(&[event], T0 + 30_000);
        let reasons = reply.body["results"][0]["reasons"].as_array().cloned().unwrap_or_default();
        let named = |r: &Value| r["code"] == code && (path.is_empty() || r["path"] == path);
        if reply.status != 422 || !reasons.iter().any(named) {
            wrong.push(format!("{code} at {path}: {} {}", reply.status, reply.body));
        }
        let kept = stack.topic("gep.rejected");
        if kept.len() != n + 1 {
            wrong.push(format!("{code} at {path}: {} in gep.rejected, not {}", kept.len(), n + 1));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    stack.expect_count("gep.accepted", 0);
}

#[test]
fn codes_of_other_shapes() {
    let stack = Stack::start();
    let first = |reply: Reply| reply.verdict(0).join(" ");
    stack.play(
        "
        react(s1,col1,r1)=6@10 -> rejected reaction_range
        react(s1,col1,r1)=7@10 -> rejected reaction_range
        grade(s1,a1,q1)=5/4@10 -> rejected score_range",
    );
    assert_eq!(first(stack.post("[1]", T0)), "rejected not_an_object");
    assert_eq!(first(stack.post("[null]", T0)), "rejected not_an_object");
    let twice = good().to_string().replacen('{', "{\"eventId\":\"other\",", 1);
    assert_eq!(first(stack.post(twice, T0 + 30_000)), "rejected duplicate_field");
    let infinite = good().to_string().replacen("\"pathId\":0", "\"pathId\":1e999", 1);
    assert_eq!(first(stack.post(infinite, T0 + 30_000)), "rejected bad_number");
    let lone = good().to_string().replacen("\"clientSource\":\"web\"", "\"clientSource\":\"\\ud800\"", 1);
    assert_eq!(first(stack.post(lone, T0 + 30_000)), "rejected bad_character");
    let mut bytes = format!("[{}]", good()).into_bytes();
    let at = bytes.windows(3).position(|w| w == b"web").unwrap();
    bytes[at] = 0xff;
    assert_eq!(first(stack.post(bytes, T0 + 30_000)), "rejected bad_utf8");
    let lines = format!("{}\n{{\"eventId\":", good());
    let request = stack.request("/v1/events").header("content-type", "application/x-ndjson");
    let reply = answer(request.body(lines));
    assert_eq!((reply.status, reply.verdict(1).join(" ")), (207, "rejected bad_json".to_owned()), "{}", reply.body);
    let empty = Append { topic: PARTNER_TOPIC, key: Vec::new(), value: None, timestamp: Timestamp(T0) };
    stack.append(vec![empty]);
    let rejected = stack.topic("gep.rejected");
    assert_eq!(rejected.last().map(|l| l.rejected().reasons[0].reason.code()), Some("empty"));
    assert_eq!(rejected.len(), 11);
}

#[test]
fn answers_have_the_same_shape() {
    let stack = Stack::start();
    let (mut other, mut bad) = (good(), good());
    other["eventId"] = json!("other");
    bad["eventName"] = json!("nothing");
    let fields = |reply: &Reply| reply.body.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let expected = ["requestId", "accepted", "duplicate", "rejected", "results"];
    let statuses: Vec<u16> = [vec![good()], vec![other, bad.clone()], vec![bad]]
        .iter()
        .map(|events| {
            let reply = stack.post_all(events, T0 + 30_000);
            assert_eq!(fields(&reply), expected);
            reply.status
        })
        .collect();
    assert_eq!(statuses, [202, 207, 422]);
    let wrapped = json!({"events": [good()]});
    assert_eq!(stack.post(wrapped.to_string(), T0 + 30_000).status, 202);
    let validate = stack.request("/v1/events:validate").header("content-type", "application/json");
    let before = stack.log().len();
    assert_eq!(answer(validate.body(good().to_string())).verdict(0), ["accepted"]);
    assert_eq!(stack.log().len(), before, "validate stores nothing");
}

#[test]
fn compressed_bodies_are_read() {
    let stack = Stack::start();
    let body = good().to_string().into_bytes();
    assert_eq!(encoded(&stack, "gzip", gzip(1, &body)).status, 202);
    assert_eq!(encoded(&stack, "zstd", zstd(1, &body)).status, 202);
    stack.expect_count("gep.usage", 1);
}

/// The greatest memory of this process so far, bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or_default() * 1024
}

#[test]
fn bombs_are_refused_within_bounded_memory() {
    let stack = Stack::start();
    let piece = vec![b' '; 1 << 20];
    let (gz, zs) = (gzip(512, &piece), zstd(512, &piece));
    let nested = vec![b'['; 100_000];
    let before = peak();
    refused(&encoded(&stack, "gzip", gz), 413, "body_too_large");
    refused(&encoded(&stack, "zstd", zs), 413, "body_too_large");
    refused(&stack.post(vec![b' '; 6_000_000], T0), 413, "body_too_large");
    let reply = stack.post(nested, T0);
    assert!((400..500).contains(&reply.status), "{}", reply.body);
    let inside = [b"[{\"a\":".as_slice(), &[b'['; 100_000], &[b']'; 100_000], b"}]"].concat();
    assert_eq!(stack.post(inside, T0).verdict(0), ["rejected", "too_deep"]);
    let grown = peak().saturating_sub(before);
    assert!(grown < 256 << 20, "memory grew by {grown} bytes over 512 MiB of bombs");
    stack.play("q(s1,a1,q1)=correct 0–30");
    stack.expect_count("gep.accepted", 1);
}

#[test]
fn the_json_test_suite_stops_nothing() {
    let files = data::files("jsontestsuite/test_parsing");
    if files.is_empty() {
        return data::skipped("the_json_test_suite_stops_nothing");
    }
    assert_eq!(files.len(), 318);
    let stack = Stack::start();
    let mut wrong = Vec::new();
    let mut told: BTreeMap<(char, String), usize> = BTreeMap::new();
    for (name, bytes) in &files {
        let element = [b"[".as_slice(), bytes, b"]"].concat();
        for (form, body) in [("body", bytes.clone()), ("element", element)] {
            let reply = stack.post(body, T0);
            let reason = match reply.body["results"][0]["reasons"][0]["code"].as_str() {
                Some(reason) => reason.to_owned(),
                None => code(&reply).1,
            };
            if !(400..500).contains(&reply.status) || reason.is_empty() {
                wrong.push(format!("{name} as {form}: {} {}", reply.status, reply.body));
            }
            let broken = ["bad_json", "bad_utf8", "bad_body", "too_deep", "bad_character", "bad_number"];
            if name.starts_with("n_") && form == "element" && !broken.contains(&reason.as_str()) {
                wrong.push(format!("{name} as {form} passed for JSON: {reason}"));
            }
            *told.entry((name.chars().next().unwrap_or_default(), reason)).or_default() += 1;
        }
    }
    assert!(wrong.is_empty(), "{}\n{told:?}", wrong.join("\n"));
    stack.play("q(s1,a1,q1)=correct 0–30");
    stack.expect_count("gep.accepted", 1);
    stack.expect_count("gep.usage", 1);
}

#[test]
fn the_real_events_of_gooru_go_through() {
    let names = ["dap-analysis-collection-play-start.json", "fe-test-expected-reaction-create.json"];
    let found: Vec<_> = names.iter().filter_map(|n| data::file(&format!("gooru/{n}"))).collect();
    if found.is_empty() {
        return data::skipped("the_real_events_of_gooru_go_through");
    }
    let stack = Stack::start();
    let replies: Vec<Reply> = found.into_iter().map(|body| stack.post(body, T0)).collect();
    assert!(
        replies[0].verdict(0).starts_with(&["accepted".to_owned(), "clock_behind".to_owned()]),
        "{}",
        replies[0].body
    );
    assert_eq!(replies[1].verdict(0), ["accepted", "time_missing"], "{}", replies[1].body);
    for name in ["gep-readme-discrete-events.jsonl", "gep-readme-logw-input-events.jsonl"] {
        let body = data::file(&format!("gooru/{name}")).unwrap();
        let lines = body.split(|b| *b == b'\n').filter(|l| !l.is_empty()).count();
        let request = stack.request("/v1/events").header("content-type", "application/x-ndjson");
        let reply = answer(request.body(body));
        assert_eq!((reply.status, &reply.body["rejected"]), (422, &lines.into()), "{}", reply.body);
        assert!((0..lines).all(|n| reply.verdict(n).contains(&"unknown_event".to_owned())), "{}", reply.body);
    }
    stack.expect_count("gep.accepted", 2);
    stack.expect_count("gep.usage", 2);
    stack.expect_count("gep.rejected", 10);
}

#[test]
fn gooru_clients_without_a_key_use_the_one_that_is_named() {
    let mut stack = Stack::start();
    let id = stack.key_id().to_owned();
    stack.restart_with("DA__GOORU_ALIAS__KEY_ID", &id);
    let request =
        stack.anonymous("/api/nucleus-insights/v2/event?apiKey=k-1").header("content-type", "application/json");
    let reply = answer(request.body(format!("[{}]", good())));
    assert_eq!((reply.status, reply.verdict(0).join(" ")), (202, "accepted".to_owned()), "{}", reply.body);
    let own = stack.anonymous("/v1/events").header("content-type", "application/json").body(good().to_string());
    refused(&answer(own), 401, "unauthenticated");
    stack.expect_count("gep.accepted", 1);
}

#[test]
fn the_native_form_goes_through() {
    let mut stack = Stack::start();
    let native = stack.further_key(("quizlab", "t-north", "native"), Scope::Ingest);
    stack.restart();
    let event = json!({
        "tenantId": "t-north", "eventId": "n-1", "eventName": "collection.resource.play", "type": "stop",
        "userId": "u-7", "sessionId": "s-1", "startTime": T0 + 20_000, "endTime": T0 + 50_000,
        "timezone": "Asia/Jakarta", "object": {"kind": "question", "id": "q-1"},
        "parent": {"kind": "assessment", "id": "a-1"}, "classId": "k-1", "courseId": "c-1", "unitId": "u-1",
        "lessonId": "l-1", "pathId": 0, "answer": {"status": "correct", "questionType": "MC"}, "isStudent": true,
    });
    stack.clock.set(Timestamp(T0 + 50_000));
    let request = stack.anonymous("/v1/events").bearer_auth(native).header("content-type", "application/json");
    let reply = answer(request.body(event.to_string()));
    assert_eq!(reply.verdict(0), ["accepted"], "{}", reply.body);
    stack.expect(
        "
        usage.question.timespent u-7:s-1/a-1/q-1 r1 30,000
        usage.question.score u-7:s-1/a-1/q-1 r1 100.00 (1/1)",
    );
}

#[test]
fn records_that_cannot_be_read_are_dead_letters_with_their_bytes() {
    let stack = Stack::start();
    stack.play("q(s1,a1,q1)=correct 0–30");
    let whole = stack.topic("gep.accepted").remove(0);
    let cut = whole.value[..whole.value.len() - 3].to_vec();
    let mut foreign = whole.value.clone();
    foreign[1..5].copy_from_slice(&4_242_u32.to_be_bytes());
    let bad = [vec![], vec![0xff; 9], cut, foreign];
    let append = |value: &Vec<u8>| Append {
        topic: gep::pipeline::ACCEPTED,
        key: whole.key.clone().into_bytes(),
        value: Some(value.clone()),
        timestamp: Timestamp(T0),
    };
    stack.append(bad.iter().map(append).collect());
    stack.play("q(s1,a1,q2)=correct 30–60");
    let dead = stack.topic("gep.dead");
    let told: Vec<_> =
        dead.iter().map(|l| l.dead()).map(|d| (d.rejection.reason.code(), d.offset.0, d.value)).collect();
    let codes = ["undecodable", "undecodable", "undecodable", "schema_unknown"];
    let expected: Vec<_> = (1..).zip(codes).zip(&bad).map(|((at, code), b)| (code, at, Some(b.clone()))).collect();
    assert_eq!(told, expected);
    stack.expect_count("gep.usage", 2);
}
