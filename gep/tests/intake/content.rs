//! Names, ids, words, scores, reactions and flat forms (domain.md §2.1, §2.2, §12; A13, B5, B20).

use da_model::event::UsageEvent;
use da_model::event::usage::{AnswerStatus, EventKind, ObjectKind, Track, UsageName};
use da_model::outcome::Verdict;
use da_model::score::Points;
use gep::intake::{AnonymousPolicy, Partner};

use crate::support::*;

const NAME: &str = "\"eventName\":\"collection.resource.play\"";
const TYPE: &str = "\"type\":\"stop\",";

#[test]
fn a13_the_score_of_an_external_item() {
    let text = external(r#"{"score":45,"maxScore":50,"timeSpent":840000}"#);
    let event = usage(&text);
    let score = event.score.unwrap();
    assert_eq!((score.raw, score.max, score.reason.code()), (Points::whole(45), Points::whole(50), "external"));
    assert_eq!(event.external_time_ms, Some(840_000));
    refused(&external(r#"{"score":45,"maxScore":0}"#), &[("score_range", "/metrics/maxScore")]);
    refused(&external(r#"{"score":51,"maxScore":50}"#), &[("score_range", "/metrics/score")]);
    refused(&external(r#"{"score":45}"#), &[("score_range", "/metrics/maxScore")]);
    refused(&external(r#"{"score":0,"maxScore":0}"#), &[("score_range", "/metrics/maxScore")]);
    for nothing in ["{}", "null", "\"{}\"", r#"{"score":null,"maxScore":null}"#] {
        assert_eq!(usage(&external(nothing)).score, None);
    }
    assert_eq!(usage(&external(r#"{"timeSpent":-5}"#)).external_time_ms, Some(0));
    refused(&external("[]"), &[("bad_type", "/metrics")]);
    refused(&external(r#"{"score":1e99,"maxScore":1}"#), &[("bad_number", "/metrics/score")]);
    let most = external(r#"{"score":1000000,"maxScore":1000000,"timeSpent":1000000000000}"#);
    assert_eq!(usage(&most).score.unwrap().max, Points::whole(1_000_000));
    refused(&external(r#"{"score":1,"maxScore":1000000.0001}"#), &[("bad_number", "/metrics/maxScore")]);
    refused(&external(r#"{"timeSpent":1000000000001}"#), &[("bad_number", "/metrics/timeSpent")]);
}

#[test]
fn scores_are_read_from_their_text() {
    let text = external(r#"{"score":0.00005,"maxScore":32}"#);
    let event = usage(&text);
    assert_eq!(event.score.unwrap().raw, Points(1));
    assert_eq!(event.flags.iter().map(|f| f.code()).collect::<Vec<_>>(), ["rounded"]);
    let text = external(r#"{"score":2.5,"maxScore":4}"#);
    assert_eq!(usage(&text).score.unwrap().raw, Points(25_000));
}

#[test]
fn metrics_count_only_on_an_external_stop() {
    let started = external(r#"{"score":51,"maxScore":50}"#).replace("\"stop\"", "\"start\"");
    assert_eq!(usage(&started).score, None);
    let plain = external(r#"{"score":51,"maxScore":50,"timeSpent":5}"#).replace("assessment-external", "assessment");
    let event = usage(&plain);
    assert_eq!((event.score, event.external_time_ms), (None, None));
}

#[test]
fn b5_grades_out_of_range() {
    let grade = |payload| grading("resource.rubric.grade", payload);
    refused(&grade(r#"{"score":5,"maxScore":4}"#), &[("score_range", "/payLoadObject/score")]);
    refused(
        &grading("collection.score.update", r#"{"score":6,"maxScore":5}"#),
        &[("score_range", "/payLoadObject/score")],
    );
    refused(&grade(r#"{"score":-1,"maxScore":4}"#), &[("score_range", "/payLoadObject/score")]);
    let text = grade(r#"{"score":0,"maxScore":0}"#);
    let event = usage(&text);
    assert_eq!((event.score, event.answer), (None, None), "comment only");
    refused(&grade("{}"), &[("missing_field", "/payLoadObject/score")]);
    let both = r#"{"score":0,"maxScore":0,"attemptStatus":"correct"}"#;
    refused(&grading("resource.score.update", both), &[("score_range", "/payLoadObject/maxScore")]);
}

#[test]
fn overrides_and_updates() {
    let text = grading("resource.score.update", r#"{"attemptStatus":"in-correct"}"#);
    assert_eq!(usage(&text).answer.unwrap().status, AnswerStatus::Incorrect);
    refused(
        &grading("resource.score.update", r#"{"attemptStatus":"skipped"}"#),
        &[("bad_enum", "/payLoadObject/attemptStatus")],
    );
    refused(&grading("resource.score.update", "null"), &[("missing_field", "/payLoadObject/score")]);
    let text = grading("collection.score.update", r#"{"reason":"withdrawn"}"#);
    let event = usage(&text);
    assert_eq!((event.withdrawn, event.score), (true, None));
    refused(
        &grading("collection.score.update", r#"{"score":1,"maxScore":2,"reason":"mood"}"#),
        &[("bad_enum", "/payLoadObject/reason")],
    );
    refused(
        &grading("resource.rubric.grade", r#"{"score":1,"maxScore":2,"reason":"withdrawn"}"#),
        &[("bad_enum", "/payLoadObject/reason")],
    );
}

#[test]
fn reactions_as_numbers_and_words() {
    for (sent, number) in [
        ("0", 0),
        ("5", 5),
        ("\"3\"", 3),
        ("\"i-need-help\"", 1),
        ("\"i-donot-understand\"", 2),
        ("\"meh\"", 3),
        ("\"i-can-understand\"", 4),
        ("\"i-can-explain\"", 5),
    ] {
        let text = reaction(sent);
        let event = usage(&text);
        assert_eq!((event.reaction, &*event.event_id), (Some(number), &*format!("e#{number}")), "{sent}");
    }
    for sent in ["6", "-1", "\"7\"", "99999999999999999999"] {
        refused(&reaction(sent), &[("reaction_range", "/context/reactionType")]);
    }
    refused(&reaction("\"happy\""), &[("bad_enum", "/context/reactionType")]);
    refused(&reaction("null"), &[("missing_field", "/context/reactionType")]);
    refused(&reaction("\"\""), &[("missing_field", "/context/reactionType")]);
    refused(&reaction("true"), &[("bad_type", "/context/reactionType")]);
    let repeated = question(&[("\"pathId\":0", "\"pathId\":0,\"reactionType\":9")]);
    assert_eq!(usage(&repeated).reaction, None, "not read on plays");
}

#[test]
fn b20_a_changed_reaction_is_no_repeat() {
    let body = format!("[{},{},{},{}]", reaction("3"), reaction("5"), reaction("3"), reaction("5"));
    let intake = taken(&body);
    let verdicts: Vec<_> = intake.verdicts.iter().map(|line| line.verdict.code()).collect();
    assert_eq!(verdicts, ["accepted", "accepted", "duplicate", "duplicate"]);
    assert_eq!(intake.emits.len(), 2);
}

#[test]
fn b1_a_repeat_within_a_request_and_a_conflict() {
    let (first, other) = (question(&[]), question(&[("\"correct\"", "\"incorrect\"")]));
    let body = format!("[{first},{first},{other}]");
    let intake = taken(&body);
    let verdicts: Vec<_> = intake.verdicts.iter().map(|line| line.verdict.code()).collect();
    assert_eq!(verdicts, ["accepted", "duplicate", "accepted"], "the processor decides about conflicts");
    assert_eq!(intake.emits.len(), 2);
}

#[test]
fn names_and_their_aliases() {
    let named = |name: &str, more: &[(&str, &str)]| {
        let mut changes = vec![(NAME, name)];
        changes.extend_from_slice(more);
        let text = question(&changes);
        let event = usage(&text);
        let parent = event.parent.map(|p| p.object_type.map(std::borrow::Cow::into_owned));
        (event.event_name, event.kind, event.object.object_type.map(std::borrow::Cow::into_owned), parent)
    };
    use UsageName::{CollectionPlay, CollectionResourcePlay, ResourcePlay};
    let none = ("\"parentGooruId\":\"a1\",", "");
    let untyped = ("\"collectionType\":\"assessment\",", "");
    let assessment = Some("assessment".to_owned());
    let collection = Some("collection".to_owned());
    let question = Some("question".to_owned());
    assert_eq!(
        named("\"eventName\":\"collection.play.start\"", &[(TYPE, ""), untyped]),
        (CollectionPlay, EventKind::Start, collection, None)
    );
    assert_eq!(
        named("\"eventName\":\"assessment.play.stop\"", &[untyped]),
        (CollectionPlay, EventKind::Stop, assessment.clone(), None)
    );
    assert_eq!(named("\"eventName\":\"collection-play\"", &[]).0, CollectionPlay);
    let inside = (CollectionResourcePlay, EventKind::Stop, question.clone(), Some(assessment));
    assert_eq!(named("\"eventName\":\"resource.play.stop\"", &[(TYPE, "")]), inside);
    assert_eq!(named("\"eventName\":\"collection-resource-play\"", &[]), inside);
    assert_eq!(named("\"eventName\":\"resource.play.stop\"", &[none]), (ResourcePlay, EventKind::Stop, question, None));
    let own = named("\"eventName\":\"resource.play\"", &[]);
    assert_eq!((own.0, own.3.is_some()), (ResourcePlay, true), "a visit inside that item under its own name");
    assert_eq!(named("\"eventName\":\"resource-play-dots\"", &[none]).0, ResourcePlay);
}

#[test]
fn names_and_types_that_are_refused() {
    refused(&question(&[(NAME, "\"a\":1")]), &[("missing_field", "/eventName")]);
    refused(&question(&[(NAME, "\"eventName\":\"NA\"")]), &[("missing_field", "/eventName")]);
    refused(&question(&[(NAME, "\"eventName\":5")]), &[("bad_type", "/eventName")]);
    refused(&question(&[(NAME, "\"eventName\":\"collection.performance\"")]), &[("unknown_event", "/eventName")]);
    refused(&question(&[(TYPE, "")]), &[("missing_field", "/context/type")]);
    refused(&question(&[(TYPE, "\"type\":\"pause\",")]), &[("unknown_type", "/context/type")]);
    refused(&question(&[(NAME, "\"eventName\":\"resource.play.start\"")]), &[("bad_enum", "/context/type")]);
    assert_eq!(usage(&question(&[(TYPE, "\"type\":\"STOP\",")])).kind, EventKind::Stop);
}

#[test]
fn ids() {
    let long = format!("\"contentGooruId\":\"{}\"", "é".repeat(64));
    assert_eq!(usage(&question(&[("\"contentGooruId\":\"q1\"", &long)])).object.id.chars().count(), 64);
    let long = format!("\"contentGooruId\":\"{}\"", "x".repeat(65));
    refused(&question(&[("\"contentGooruId\":\"q1\"", &long)]), &[("bad_id", "/context/contentGooruId")]);
    refused(&question(&[("\"gooruUId\":\"A\"", "\"gooruUId\":\"A\\u001fB\"")]), &[("bad_id", "/user/gooruUId")]);
    refused(&question(&[("\"gooruUId\":\"A\"", "\"gooruUId\":7")]), &[("bad_type", "/user/gooruUId")]);
    for sentinel in ["\"\"", "null", "\"NULL\"", "\"undefined\"", "\"na\""] {
        let sent = format!("\"gooruUId\":{sentinel}");
        refused(&question(&[("\"gooruUId\":\"A\"", &sent)]), &[("missing_field", "/user/gooruUId")]);
    }
    let sent = question(&[("\"classGooruId\":\"k1\"", "\"classGooruId\":\"undefined\"")]);
    assert_eq!(usage(&sent).class_id, None);
    refused(
        &question(&[("\"user\":{\"gooruUId\":\"A\"}", "\"user\":[]")]),
        &[("bad_type", "/user"), ("missing_field", "/user/gooruUId")],
    );
}

#[test]
fn all_violations_are_named() {
    let text = question(&[
        ("\"eventId\":\"e1\",", ""),
        ("\"sessionId\":\"s1\"", "\"x\":1"),
        ("\"attemptStatus\":\"correct\"", "\"attemptStatus\":\"perhaps\""),
        ("\"collectionType\":\"assessment\"", "\"collectionType\":\"game\""),
    ]);
    let intake = taken(&text);
    let mut got = reasons(&intake.verdicts[0]);
    got.sort_unstable();
    let all = [
        ("bad_enum", "/context/collectionType"),
        ("bad_enum", "/payLoadObject/attemptStatus"),
        ("missing_field", "/eventId"),
        ("missing_field", "/session/sessionId"),
    ];
    assert_eq!(got, all);
    assert_eq!(intake.unknown_fields, [("/session/x".to_owned(), 1)]);
}

#[test]
fn tenants_and_the_anonymous() {
    let to = |tenant: &str| question(&[("\"pathId\":0", &format!("\"pathId\":0,\"tenantId\":{tenant}"))]);
    assert_eq!(usage(&to("\"t-south\"")).tenant_id, "t-south");
    assert_eq!(usage(&to("null")).tenant_id, "t-north");
    refused(&to("\"t-west\""), &[("tenant_forbidden", "/context/tenantId")]);
    let nobody = question(&[("\"gooruUId\":\"A\"", "\"gooruUId\":\"anonymous\"")]);
    refused(&nobody, &[("anonymous_user", "/user/gooruUId")]);
    let open = Partner { anonymous: AnonymousPolicy::Accept, ..north() };
    let intake = judged(nobody.as_bytes(), &open, T0);
    assert_eq!(as_usage(intake.emits.into_iter().next().unwrap()).user_id, "anonymous:s1");
}

#[test]
fn paths_sources_and_counts() {
    let with = |from: &str, to: &str| question(&[(from, to)]);
    let path = "\"pathId\":0";
    let event = with(path, "\"pathId\":\"7\",\"pathType\":\"system\"");
    let event = usage(&event);
    assert_eq!((event.path_id, event.track, event.path_type.as_deref()), (7, Track::Path, Some("system")));
    let odd = with(path, "\"pathId\":null,\"pathType\":\"detour\"");
    let odd = usage(&odd);
    assert_eq!((odd.path_id, odd.path_type), (0, None));
    assert_eq!(odd.flags[0].code(), "path_type_dropped");
    refused(&with(path, "\"pathId\":-1"), &[("bad_number", "/context/pathId")]);
    refused(&with(path, "\"pathId\":2.5"), &[("bad_type", "/context/pathId")]);
    refused(&with(path, "\"pathId\":[]"), &[("bad_type", "/context/pathId")]);
    refused(&with(path, "\"questionCount\":true"), &[("bad_type", "/context/questionCount")]);
    refused(&with(path, "\"questionCount\":99999999999"), &[("bad_number", "/context/questionCount")]);
    assert_eq!(usage(&with(path, "\"questionCount\":\"4\"")).question_count, Some(4));
    let source = "\"contentSource\":\"coursemap\"";
    let daily = with(source, "\"contentSource\":\"DailyClassActivity\"");
    let daily = usage(&daily);
    assert_eq!((daily.track, daily.content_source.as_deref()), (Track::Daily, Some("dailyclassactivity")));
    let own = with(source, "\"contentSource\":\"MyOwn\"");
    let own = usage(&own);
    assert_eq!((own.content_source.as_deref(), own.flags[0].code()), (Some("myown"), "content_source_unknown"));
    let null = with(source, "\"contentSource\":null");
    assert_eq!(usage(&null).content_source.as_deref(), Some("coursemap"));
}

#[test]
fn additional_context_is_decoded_and_carried() {
    let with = |text: &str| question(&[("\"pathId\":0", &format!("\"additionalContext\":\"{text}\""))]);
    let good = with("eyJkY2FDb250ZW50SWQiOiAxMjN9"); // {"dcaContentId": 123}
    let event = usage(&good);
    assert_eq!(
        (event.dca_content_id, event.additional_context.as_deref()),
        (Some(123), Some("eyJkY2FDb250ZW50SWQiOiAxMjN9"))
    );
    for bad in ["%%%", "bm8ganNvbg=="] {
        let bad = with(bad);
        let event = usage(&bad);
        assert_eq!((event.additional_context, event.flags[0].code()), (None, "additional_context_bad"));
    }
}

#[test]
fn kinds_and_answers() {
    let kind_of = |changes: &[(&str, &str)]| {
        let text = question(changes);
        let event = usage(&text);
        (event.object.kind, event.answer.map(|a| a.status), event.flags.iter().map(|f| f.code()).collect::<Vec<_>>())
    };
    let word = "\"resourceType\":\"question\",";
    let said = "\"questionType\":\"MC\",\"attemptStatus\":\"correct\"";
    use {AnswerStatus::*, ObjectKind::*};
    assert_eq!(kind_of(&[(word, "")]), (Question, Some(Correct), vec![]));
    assert_eq!(kind_of(&[(word, ""), (said, "\"attemptStatus\":\"skipped\"")]), (Question, Some(Skipped), vec![]));
    assert_eq!(
        kind_of(&[(word, ""), (said, "\"questionType\":\"OE\"")]),
        (Question, Some(Attempted), vec!["status_missing"])
    );
    assert_eq!(kind_of(&[(word, ""), (said, "\"a\":1")]), (Unknown, None, vec![]));
    assert_eq!(kind_of(&[(word, "\"resourceType\":\"resource\",")]), (Resource, None, vec![]));
    assert_eq!(kind_of(&[(said, "\"attemptStatus\":\"started\"")]).1, Some(Attempted));
    assert_eq!(kind_of(&[(TYPE, "\"type\":\"start\",")]).1, None);
    refused(&question(&[(word, "\"resourceType\":\"video\",")]), &[("bad_enum", "/context/resourceType")]);
    for (sent, kind) in [
        ("SCollection", Collection),
        ("collection-external", Collection),
        ("Assessment/URL", Assessment),
        ("offline-activity", Assessment),
    ] {
        let text = question(&[("\"collectionType\":\"assessment\"", &format!("\"collectionType\":\"{sent}\""))]);
        let parent = usage(&text).parent.unwrap();
        assert_eq!((parent.kind, parent.object_type.as_deref()), (kind, Some(sent)));
    }
}

#[test]
fn payloads() {
    let inner = question(&[(
        "\"payLoadObject\":{\"questionType\":\"MC\",\"attemptStatus\":\"correct\",\"isStudent\":true}",
        r#""payLoadObject":"{\"questionType\":\"MC\",\"attemptStatus\":\"incorrect\",\"isStudent\":\"false\"}""#,
    )]);
    let event = usage(&inner);
    assert_eq!((event.answer.unwrap().status, event.is_student), (AnswerStatus::Incorrect, false));
    let payload =
        |text: &str| question(&[("{\"questionType\":\"MC\",\"attemptStatus\":\"correct\",\"isStudent\":true}", text)]);
    refused(&payload("\"no json\""), &[("bad_type", "/payLoadObject")]);
    refused(&payload("[]"), &[("bad_type", "/payLoadObject")]);
    refused(&payload(r#""{\"a\":\"\\u0000\"}""#), &[("bad_character", "/payLoadObject/a")]);
    assert_eq!(usage(&payload("\"null\"")).answer.unwrap().status, AnswerStatus::Attempted);
    let codes = payload(r#"{"attemptStatus":"correct","taxonomyIds":["K12.MA","K12.MA","X.1"]}"#);
    assert_eq!(usage(&codes).codes, ["K12.MA", "X.1"]);
    refused(&payload(r#"{"attemptStatus":"correct","taxonomyIds":7}"#), &[("bad_type", "/payLoadObject/taxonomyIds")]);
    refused(
        &payload(r#"{"attemptStatus":"correct","isStudent":"perhaps"}"#),
        &[("bad_type", "/payLoadObject/isStudent")],
    );
}

#[test]
fn extensions_pass_only_where_allowed() {
    let text = question(&[("\"eventId\":\"e1\"", r#""eventId":"e1","extensions":{"b":"2","a":"1"}"#)]);
    let intake = taken(&text);
    assert_eq!(intake.unknown_fields, [("/extensions".to_owned(), 1)]);
    assert_eq!(as_usage(intake.emits.into_iter().next().unwrap()).extensions, []);
    let open = Partner { allow_extensions: true, ..north() };
    let intake = judged(text.as_bytes(), &open, T0);
    let event = as_usage(intake.emits.into_iter().next().unwrap());
    assert_eq!(event.extensions, [("a".into(), "1".into()), ("b".into(), "2".into())]);
}

#[test]
fn a_flat_override_is_taken_as_a_whole() {
    let flat = |resources: &str| {
        format!(
            r#"{{"event_name":"resource.score.update","student_id":"A","session_id":"s1","collection_id":"a1","updated_at":{T0},"resources":{resources}}}"#
        )
    };
    let two = flat(
        r#"[{"resource_id":"q1","resource_attempt_status":"correct"},{"resource_id":"q2","score":2,"max_score":4}]"#,
    );
    let body = format!("[{two},{two}]");
    let intake = taken(&body);
    assert_eq!(intake.verdicts.iter().map(|v| v.verdict).collect::<Vec<_>>(), [Verdict::Accepted, Verdict::Duplicate]);
    assert_eq!(intake.emits.len(), 2);
    let [one, two]: [_; 2] = intake.emits.into_iter().map(as_usage).collect::<Vec<_>>().try_into().unwrap();
    assert_eq!((&*one.object.id, &*two.object.id), ("q1", "q2"));
    assert_eq!(two.score.unwrap().raw, Points::whole(2));
    assert_ne!(one.event_id, two.event_id);
    let bad = flat(
        r#"[{"resource_id":"q1","resource_attempt_status":"correct"},{"resource_id":"q2","score":5,"max_score":4}]"#,
    );
    refused(&bad, &[("score_range", "/resources/1/score")]);
    refused(&flat("[]"), &[("missing_field", "/resources")]);
    refused(&flat("{}"), &[("bad_type", "/resources")]);
    refused(&flat("[7]"), &[("bad_type", "/resources/0")]);
    refused(&flat(r#"[{"score":1,"max_score":2}]"#), &[("missing_field", "/resources/0/resource_id")]);
}

#[test]
fn a_flat_form_without_time_takes_the_receipt() {
    let text = r#"{"event_name":"collection.score.update","student_id":"A","session_id":"s1","collection_id":"a1","collection_type":"assessment","score":1,"max_score":2}"#;
    let event = usage_at(text, T0 + 9);
    assert_eq!(event.end_time.0, T0 + 9);
    assert_ne!(usage_at(text, T0 + 10).event_id, event.event_id, "then a retry is a new event");
    refused(r#"{"event_name":"collection.play"}"#, &[("unknown_event", "/event_name")]);
}

#[test]
fn a_play_ahead_keeps_its_flags_in_order() {
    let text = question(&[
        ("\"timezone\":\"UTC\"", "\"timezone\":\"WIB\""),
        ("1772442000000", "1772442000"),
        ("\"attemptStatus\":\"correct\",", ""),
    ]);
    let intake = taken(&text);
    assert_eq!(flags(&intake.verdicts[0]), ["seconds", "timezone_unknown", "status_missing"]);
    assert_eq!(as_usage(intake.emits.into_iter().next().unwrap()).flags, intake.verdicts[0].flags);
}

#[test]
fn the_native_format_takes_canonical_words_only() {
    let base = r#"{"eventId":"n","eventName":"collection.resource.play","type":"stop","userId":"u","sessionId":"s","startTime":1772442000000,"endTime":1772442030000,"object":{"kind":"question","id":"q"},"answer":{"status":"correct"}}"#;
    let with = |from: &str, to: &str| changed(base, &[(from, to)]);
    let by = |text: &str, expected: &[(&str, &str)]| refused_by(text, &native(), expected);
    by(&with("collection.resource.play", "collection-resource-play"), &[("unknown_event", "/eventName")]);
    by(&with("\"status\":\"correct\"", "\"status\":\"in-correct\""), &[("bad_enum", "/answer/status")]);
    by(&with("\"type\":\"stop\"", "\"type\":\"STOP\""), &[("unknown_type", "/type")]);
    by(&with("\"type\":\"stop\",", ""), &[("missing_field", "/type")]);
    by(&with("\"kind\":\"question\"", "\"kind\":\"video\""), &[("bad_enum", "/object/kind")]);
    by(&with("\"userId\":\"u\",", ""), &[("missing_field", "/userId")]);
    by(&with("\"eventId\":\"n\"", "\"eventId\":\"n\",\"tenantId\":\"t-west\""), &[("tenant_forbidden", "/tenantId")]);
    by(&with("\"endTime\":1772442030000", "\"endTime\":\"1772442030000\""), &[("bad_type", "/endTime")]);
    by(&with("\"eventId\":\"n\"", "\"eventId\":\"n\",\"eventId\":\"m\""), &[("duplicate_field", "/eventId")]);
    let react = r#"{"eventId":"n","eventName":"reaction.create","userId":"u","sessionId":"s","startTime":1772442000,"object":{"kind":"resource","id":"r"},"reaction":2,"more":1}"#;
    let intake = judged(react.as_bytes(), &native(), T0);
    assert_eq!(intake.unknown_fields, [("/more".to_owned(), 1)]);
    assert_eq!(flags(&intake.verdicts[0]), ["seconds"]);
    assert_eq!(as_usage(intake.emits.into_iter().next().unwrap()).event_id, "n#2");
    by(&changed(react, &[("\"reaction\":2", "\"reaction\":6")]), &[("reaction_range", "/reaction")]);
    by(&changed(react, &[("\"reaction\":2", "\"reaction\":\"meh\"")]), &[("bad_type", "/reaction")]);
    let update = r#"{"eventId":"n","eventName":"collection.score.update","userId":"u","sessionId":"s","startTime":1772442000000,"object":{"kind":"assessment","id":"a"},"score":{"raw":2,"max":4,"reason":"regrade"}}"#;
    let intake = judged(update.as_bytes(), &native(), T0);
    assert_eq!(as_usage(intake.emits.into_iter().next().unwrap()).score.unwrap().max, Points::whole(4));
    by(&changed(update, &[("\"raw\":2", "\"raw\":5")]), &[("score_range", "/score/raw")]);
    by(&changed(update, &[("regrade", "external")]), &[("bad_enum", "/score/reason")]);
}

#[test]
fn a_native_answer_means_a_question_and_its_type_alone_says_nothing_about_a_grade() {
    let stop = r#"{"eventId":"n","eventName":"collection.resource.play","type":"stop","userId":"u","sessionId":"s","startTime":1772442000000,"endTime":1772442030000,"object":{"kind":"unknown","id":"q"},"answer":{"status":"correct","questionType":"MC"}}"#;
    let event = native_usage(stop);
    assert_eq!((event.object.kind, event.answer.unwrap().status), (ObjectKind::Question, AnswerStatus::Correct));
    let bare = changed(stop, &[(r#","answer":{"status":"correct","questionType":"MC"}"#, "")]);
    assert_eq!(native_usage(&bare).object.kind, ObjectKind::Unknown);
    let over = r#"{"eventId":"n","eventName":"resource.score.update","userId":"u","sessionId":"s","startTime":1772442000000,"object":{"kind":"question","id":"q"},"score":{"raw":3,"max":4},"answer":{"questionType":"MC"}}"#;
    let event = native_usage(over);
    assert_eq!((event.answer, event.score.unwrap().max), (None, Points::whole(4)));
    assert!(event.flags.is_empty(), "{:?}", event.flags);
    let nothing = changed(over, &[(r#""score":{"raw":3,"max":4},"#, "")]);
    refused_by(&nothing, &native(), &[("missing_field", "/score")]);
    let comment = changed(over, &[(r#"{"raw":3,"max":4}"#, r#"{"raw":0,"max":0}"#)]);
    assert_eq!(native_usage(&comment).score, None);
}

fn native_usage(text: &str) -> UsageEvent<'_> {
    as_usage(judged(text.as_bytes(), &native(), T0).emits.into_iter().next().unwrap())
}
