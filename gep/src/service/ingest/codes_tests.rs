//! Every code of an event at the edge: a body that gets it, of every code there is.

use da_model::outcome::Reason;

use super::*;

/// What is posted, in which form, to an adapter.
type Sent = (&'static str, &'static str, Vec<u8>);

/// A body whose first element is refused for this reason; `None` where the edge never says it.
fn body_of(reason: Reason) -> Option<Sent> {
    let changed = |change: fn(&mut Value)| {
        let mut event = play("e1");
        change(&mut event);
        Some(("gooru", "application/json", json!([event]).to_string().into_bytes()))
    };
    let raw = |body: &[u8]| Some(("gooru", "application/json", body.to_vec()));
    match reason {
        Reason::BadUtf8 => raw(b"[{\"eventId\":\"\xff\"}]"),
        Reason::BadJson => Some(("gooru", "application/x-ndjson", b"{\"eventId\":".to_vec())),
        Reason::NotAnObject => raw(b"[1]"),
        Reason::TooLarge => changed(|e| e["source"] = json!("s".repeat(300_000))),
        Reason::TooDeep => changed(|e| e["metrics"] = (0..70).fold(json!({}), |inner, _| json!({ "m": inner }))),
        Reason::BadCharacter => changed(|e| e["eventId"] = json!("a\u{0}b")),
        Reason::DuplicateField => raw(b"[{\"eventId\":\"a\",\"eventId\":\"b\"}]"),
        Reason::MissingField => changed(|e| e["eventName"] = Value::Null),
        Reason::BadType => changed(|e| e["eventId"] = json!(["e"])),
        Reason::BadId => changed(|e| e["eventId"] = json!("e".repeat(65))),
        Reason::BadTime => changed(|e| e["endTime"] = json!("yesterday")),
        Reason::BadNumber => changed(|e| e["context"]["pathId"] = json!(-1)),
        Reason::BadEnum => changed(|e| e["context"]["collectionType"] = json!("circus")),
        Reason::UnknownEvent => changed(|e| e["eventName"] = json!("page.scroll")),
        Reason::UnknownType => changed(|e| e["context"]["type"] = json!("pause")),
        Reason::ReactionRange => changed(|e| {
            e["eventName"] = json!("reaction.create");
            e["context"] = json!({"contentGooruId": "r1", "parentGooruId": "c1", "reactionType": "7"});
        }),
        Reason::ScoreRange => changed(|e| {
            e["context"]["type"] = json!("stop");
            e["context"]["collectionType"] = json!("assessment-external");
            e["metrics"] = json!({"score": 52, "maxScore": 50, "timeSpent": 60_000});
        }),
        Reason::AnonymousUser => changed(|e| e["user"]["gooruUId"] = json!("anonymous")),
        Reason::TenantForbidden => changed(|e| e["context"]["tenantId"] = json!("t-foreign")),
        Reason::Internal => Some(("fragile", "application/json", b"[{\"break\":1}]".to_vec())),
        // A record without a value comes by a partner's topic; the others are found behind the edge.
        Reason::Empty | Reason::IdConflict | Reason::MetadataTimeout | Reason::HopLimit => None,
        Reason::SchemaUnknown | Reason::Undecodable | Reason::HandlerFailed | Reason::ProcessKiller => None,
    }
}

#[tokio::test]
async fn every_code_of_an_event_is_told_at_the_edge_and_the_event_is_kept() {
    let edge = edge("event-codes", "", Mood::Durable);
    let key = |adapter| create(&edge.dir, asked(adapter), Timestamp(1)).unwrap().0;
    let (gooru, fragile) = (key("gooru"), key("fragile"));
    edge.ring.reread();
    let mut kept = 0;
    for reason in Reason::ALL {
        let Some((adapter, form, body)) = body_of(*reason) else { continue };
        let key = if adapter == "gooru" { &gooru } else { &fragile };
        let answered = edge.post_with(("/v1/events", key), &[("content-type", form)], body).await;
        let reasons = answered.body["results"][0]["reasons"].as_array().cloned().unwrap_or_default();
        assert_eq!(answered.status, 422, "{reason}: {}", answered.body);
        assert!(reasons.iter().any(|told| told["code"] == reason.code()), "{reason}: {}", answered.body);
        kept += 1;
        assert_eq!(edge.topics(), vec!["gep.rejected"; kept], "{reason}");
    }
    assert_eq!(kept, 20);
}

#[tokio::test]
async fn an_event_that_makes_us_panic_is_refused_alone() {
    let edge = edge("panic", "", Mood::Durable);
    let (fragile, _) = create(&edge.dir, asked("fragile"), Timestamp(1)).unwrap();
    edge.ring.reread();
    let body = json!([play("e1"), {"break": 1, "eventId": "e2"}, play("e3")]).to_string();
    let answered = edge.post("/v1/events", &fragile, body).await;
    assert_eq!((answered.status, answered.verdicts()), (207, vec!["accepted", "rejected", "accepted"]));
    let told = &answered.body["results"][1]["reasons"];
    assert_eq!(told, &json!([{"code": "internal", "path": "", "message": told[0]["message"]}]));
    assert_eq!(edge.topics(), ["gep.accepted", "gep.rejected", "gep.accepted"]);
}
