//! Bodies, elements and the codes of form (domain.md §2.4, §2.6; A20, A26, B9).

use da_model::event::rejected::RejectionSource;
use da_model::outcome::Verdict;
use da_model::time::Timestamp;
use gep::intake::{BodyForm, Limits, split_body, take_in};

use crate::support::*;

fn split(body: &str, form: BodyForm) -> Result<Vec<String>, (&'static str, usize, usize)> {
    let elements = split_body(body.as_bytes(), form, &Limits::default());
    let text = |e: gep::intake::Element<'_>| String::from_utf8(e.bytes.to_vec()).unwrap();
    elements.map(|found| found.into_iter().map(text).collect()).map_err(|e| (e.code, e.line, e.column))
}

#[test]
fn the_four_forms_of_a_body() {
    let json = |body| split(body, BodyForm::Json);
    assert_eq!(json(" {\"a\":1} \n").unwrap(), ["{\"a\":1}"]);
    assert_eq!(json("[{\"a\":[1]}, 7,\"x\",[],null , {}]").unwrap(), ["{\"a\":[1]}", "7", "\"x\"", "[]", "null", "{}"]);
    assert_eq!(json(r#"{"sent":1,"events":[{"a":1},{"b":2}]}"#).unwrap(), ["{\"a\":1}", "{\"b\":2}"]);
    let named = r#"{"eventName":"x","events":[1]}"#;
    assert_eq!(json(named).unwrap(), [named]);
    assert_eq!(split("{\"a\":1}\r\n\n broken\n{}", BodyForm::Ndjson).unwrap(), ["{\"a\":1}", "broken", "{}"]);
}

#[test]
fn bodies_that_are_refused() {
    let json = |body| split(body, BodyForm::Json).unwrap_err();
    for empty in ["", "  \n", "[]", r#"{"events":[]}"#] {
        assert_eq!(json(empty).0, "bad_body", "{empty:?}");
    }
    assert_eq!(split("\n\n", BodyForm::Ndjson).unwrap_err().0, "bad_body");
    assert_eq!(json("[{\"a\":1},\n {\"é\" 1}]"), ("bad_body", 2, 7));
    assert_eq!(json("[{}"), ("bad_body", 1, 4));
    assert_eq!(json("{\"events\":[{}}"), ("bad_body", 1, 14));
    let many = format!("[{}1]", "1,".repeat(1_000));
    assert_eq!(json(&many).0, "too_many_events");
    assert_eq!(split(&"{}\n".repeat(1_001), BodyForm::Ndjson).unwrap_err().0, "too_many_events");
    assert_eq!(split(&"{}\n".repeat(1_000), BodyForm::Ndjson).unwrap().len(), 1_000);
}

#[test]
fn a20_one_of_three_without_a_name() {
    let body = format!(
        "[{0},{1},{2}]",
        question(&[]),
        question(&[("\"eventName\":\"collection.resource.play\",", "")]),
        question(&[("e1", "e2")])
    );
    let intake = taken(&body);
    let verdicts: Vec<_> = intake.verdicts.iter().map(|v| (v.index, v.verdict.code())).collect();
    assert_eq!(verdicts, [(0, "accepted"), (1, "rejected"), (2, "accepted")]);
    assert_eq!(reasons(&intake.verdicts[1]), [("missing_field", "/eventName")]);
    assert_eq!(intake.verdicts[1].reasons[0].detail, "eventName is required");
    let topics: Vec<_> = intake.emits.iter().map(|e| e.topic.0).collect();
    assert_eq!(topics, ["gep.accepted", "gep.rejected", "gep.accepted"]);
    assert_eq!(intake.emits[1].key, "t-north\u{1f}quizlab");
    let record = as_rejected(intake.emits.into_iter().nth(1).unwrap());
    assert_eq!(record.source, RejectionSource::Http { request_id: "r-1".into(), index: 1 });
    assert_eq!(record.received_at, Timestamp(T0 + 3_900_000));
}

#[test]
fn codes_of_form() {
    let one = |bytes: &[u8]| element(bytes).reasons.iter().map(|r| r.reason.code()).collect::<Vec<_>>();
    assert_eq!(one(b"{\"\xff\"}"), ["bad_utf8"]);
    assert_eq!(one(b"{\"a\":}"), ["bad_json"]);
    assert_eq!(one(b"[1]"), ["not_an_object"]);
    assert_eq!(one(b"\"text\""), ["not_an_object"]);
    assert_eq!(one(&vec![b' '; 262_145]), ["too_large"]);
    assert_eq!(one(&[b'['; 100_000]), ["too_deep"]);
    let nested =
        |n: usize| question(&[("\"eventId\"", &format!("\"deep\":{}{},\"eventId\"", "[".repeat(n), "]".repeat(n)))]);
    assert_eq!(one(nested(63).as_bytes()), Vec::<&str>::new(), "the event itself is the first level");
    assert_eq!(one(nested(64).as_bytes()), ["too_deep"]);
    let keys = |n: usize| format!("{{{}", (0..n).map(|n| format!("\"k{n}\":1,")).collect::<String>());
    assert_eq!(one(question(&[("{", &keys(1_900))]).as_bytes()), Vec::<&str>::new());
    assert_eq!(one(question(&[("{", &keys(2_000))]).as_bytes()), ["too_deep"]);
    let string = |n: usize| question(&[("{", &format!("{{\"dropped\":\"{}\",", "x".repeat(n)))]);
    assert_eq!(one(string(65_536).as_bytes()), Vec::<&str>::new());
    assert_eq!(one(string(65_537).as_bytes()), ["too_deep"]);
}

#[test]
fn characters_numbers_and_repeats() {
    refused(&question(&[("\"e1\"", "\"a\\u0000b\"")]), &[("bad_character", "/eventId")]);
    refused(&question(&[("{", "{\"dropped\":{\"x\":[1,\"\\ud800\"]},")]), &[("bad_character", "/dropped/x/1")]);
    refused(&question(&[("{", "{\"dr\\udc00\":1,")]), &[("bad_character", "")]);
    refused(&question(&[("{", "{\"dropped\":1e400,")]), &[("bad_number", "/dropped")]);
    assert_eq!(usage(&question(&[("\"e1\"", "\"\\ud83d\\ude00\\/\\\"\"")])).event_id, "\u{1f600}/\"");
    refused(&question(&[("\"e1\"", "\"e\\n\"")]), &[("bad_id", "/eventId")]);
}

#[test]
fn identity_fields_stand_once() {
    refused(
        &question(&[("\"eventId\":\"e1\"", "\"eventId\":\"e1\",\"event\\u0049d\":\"e2\"")]),
        &[("duplicate_field", "/eventId")],
    );
    for (field, path) in [
        ("\"gooruUId\":\"A\"", "/user/gooruUId"),
        ("\"sessionId\":\"s1\"", "/session/sessionId"),
        ("\"type\":\"stop\"", "/context/type"),
        ("\"contentGooruId\":\"q1\"", "/context/contentGooruId"),
    ] {
        refused(&question(&[(field, &format!("{field},{field}"))]), &[("duplicate_field", path)]);
    }
    let name = "\"eventName\":\"collection.resource.play\"";
    refused(&question(&[(name, &format!("{name},{name}"))]), &[("duplicate_field", "/eventName")]);
    let twice = question(&[("\"pathId\":0", "\"pathId\":3,\"pathId\":4")]);
    assert_eq!(usage(&twice).path_id, 4, "elsewhere the last one counts");
}

#[test]
fn a_bad_string_spoils_only_its_element() {
    let mut body = b"[{\"\xff\":1},".to_vec();
    body.extend_from_slice(question(&[]).as_bytes());
    body.push(b']');
    let intake = judged(&body, &north(), T0);
    assert_eq!(reasons(&intake.verdicts[0]), [("bad_utf8", "")]);
    assert_eq!(intake.verdicts[1].verdict, Verdict::Accepted);
    let outside = split_body(b"[\xff]", BodyForm::Json, &Limits::default());
    assert_eq!(outside.unwrap_err().code, "bad_body");
}

#[test]
fn a_broken_line_fails_only_itself() {
    let body = format!("{}\n{{\"a\":}}\n", question(&[]));
    let limits = Limits::default();
    let elements = split_body(body.as_bytes(), BodyForm::Ndjson, &limits).unwrap();
    let intake = take_in(&elements, &north(), Timestamp(T0), &http(), &limits);
    assert_eq!(intake.verdicts[0].verdict, Verdict::Accepted);
    assert_eq!(reasons(&intake.verdicts[1]), [("bad_json", "")]);
}

#[test]
fn a26_secrets_are_masked_and_the_hash_proves_what_was_sent() {
    let good = question(&[("\"sessionId\":\"s1\"", "\"sessionId\":\"s1\",\"sessionToken\":\"tok-SECRET-1\"")]);
    let nameless = changed(&good, &[("\"eventName\":\"collection.resource.play\",", "")]);
    let cut = &nameless[..nameless.find("tok-SECRET-1").unwrap() + 11];
    assert!(!format!("{:?}", usage(&good)).contains("SECRET"));
    let limits = Limits::default();
    let elements = [nameless.as_str(), cut].map(|text| gep::intake::Element::new(text.as_bytes()));
    let intake = take_in(&elements, &north(), Timestamp(T0), &http(), &limits);
    assert_eq!(reasons(&intake.verdicts[1]), [("bad_json", "")]);
    for (emit, (sent, stars)) in intake.emits.into_iter().zip([(nameless.as_str(), 12), (cut, 11)]) {
        let record = as_rejected(emit);
        let original = String::from_utf8(record.original).unwrap();
        assert!(!original.contains("SECRET"));
        assert_eq!(original, sent.replace(&"tok-SECRET-1"[..stars], &"*".repeat(stars)));
        assert_eq!(record.original_length, i64::try_from(sent.len()).unwrap());
        use sha2::{Digest, Sha256};
        let sha: String = Sha256::digest(sent.as_bytes()).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(record.original_sha256, sha);
    }
}

#[test]
fn b9_events_without_a_learner() {
    let without = question(&[("\"gooruUId\":\"A\"", "\"gooruUId\":\"\"")]);
    let bodies: Vec<_> =
        (0..1_000).map(|n| if n % 25 < 3 { without.clone() } else { question(&[("e1", &format!("e{n}"))]) }).collect();
    let body = format!("[{}]", bodies.join(","));
    let intake = taken(&body);
    let rejected: Vec<_> = intake.verdicts.iter().filter(|v| v.verdict == Verdict::Rejected).collect();
    assert_eq!((rejected.len(), intake.verdicts.len() - rejected.len()), (120, 880));
    assert!(rejected.iter().all(|v| reasons(v) == [("missing_field", "/user/gooruUId")]));
}
