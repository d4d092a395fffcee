//! System events and their allow-list (domain.md §7.1; A26).

use da_model::time::Timestamp;
use gep::intake::{AnonymousPolicy, Partner};

use crate::support::*;

const CREATED: &str = r#"{"eventId":"86db12bb-89d6-4221-bf84-934e09ee1846","eventName":"item.create","startTime":1772441000000,"endTime":1772441000000,"metrics":{},"session":{"apiKey":null,"sessionToken":"tok-2","organizationUId":null},"user":{"gooruUId":"70ad2ccd-03bb-405b-a04f-14a7b6d801b2","userIp":null,"userAgent":null},"version":{"logApi":"4.0"},"context":{"contentGooruId":"ee8f6454-f178-4ec7-b609-912fe2e7a724","clientSource":"core"},"payLoadObject":{"contentFormat":"assessment","subEventName":"event.assessment.create","data":{"id":"ee8f6454-f178-4ec7-b609-912fe2e7a724","title":"Counting","format":"assessment","course_id":"d0e414d9-68ed-4851-9ae0-a30dfef64997","unit_id":"69168fc1-fff7-413d-96fc-df860b1ab892","lesson_id":"5108d45a-3a0b-4176-82fd-502cdbf880d8","gut_codes":["K12.MA-MAK-CC-A.01"],"taxonomy":{"CCSS.M.K.CC.A.1":{"code":"K.CC.A.1"}}}}}"#;

#[test]
fn the_example_becomes_content_created() {
    let intake = taken(CREATED);
    assert_eq!((reasons(&intake.verdicts[0]), intake.emits.len()), (vec![], 1));
    assert_eq!(intake.emits[0].topic.0, "gep.system");
    assert_eq!(intake.emits[0].key, "t-north\u{1f}ee8f6454-f178-4ec7-b609-912fe2e7a724");
    let event = as_system(intake.emits.into_iter().next().unwrap());
    let key = da_model::identity::event_key("t-north", "86db12bb-89d6-4221-bf84-934e09ee1846", "item.create", "none");
    assert_eq!((event.event_key, event.received_at), (key, Timestamp(T0 + 3_900_000)));
    let body = event.body;
    assert_eq!((&*body.entity, &*body.action, body.at), ("content", "created", Timestamp(1_772_441_000_000)));
    assert_eq!(body.actor_id.as_deref(), Some("70ad2ccd-03bb-405b-a04f-14a7b6d801b2"));
    assert_eq!(body.format.as_deref(), Some("assessment"));
    assert_eq!(body.course_id.as_deref(), Some("d0e414d9-68ed-4851-9ae0-a30dfef64997"));
    assert_eq!(body.lesson_id.as_deref(), Some("5108d45a-3a0b-4176-82fd-502cdbf880d8"));
    let field = |name: &str| body.data.iter().find(|(n, _)| n == name).map(|(_, v)| v.to_string());
    assert_eq!(field("subEventName").as_deref(), Some("event.assessment.create"));
    assert_eq!(field("title").as_deref(), Some("Counting"));
    assert_eq!(field("gut_codes").as_deref(), Some(r#"["K12.MA-MAK-CC-A.01"]"#));
    assert_eq!(field("taxonomy").as_deref(), Some(r#"{"CCSS.M.K.CC.A.1":{"code":"K.CC.A.1"}}"#));
}

#[test]
fn what_is_not_on_the_list_stays_behind() {
    let text = changed(
        CREATED,
        &[
            ("\"tok-2\"", "\"tok-SECRET-1\""),
            ("\"userIp\":null", "\"userIp\":\"10.0.0.SECRET\""),
            (
                "\"title\":\"Counting\"",
                r#""title":"Counting","email":"SECRET@x","firstname":"SECRET","collaborator":["SECRET"],"session":{"sessionToken":"tok-SECRET-1"}"#,
            ),
            (r#"{"code":"K.CC.A.1"}"#, r#"{"code":"K.CC.A.1","sessionToken":"tok-SECRET-1"}"#),
        ],
    );
    let intake = taken(&text);
    assert_eq!(reasons(&intake.verdicts[0]), []);
    assert!(!format!("{:?}", intake.emits).contains("SECRET"));
}

#[test]
fn every_name_has_its_entity_and_action() {
    let names = [
        ("item.update", "content.updated"),
        ("item.copy", "content.copied"),
        ("item.delete", "content.deleted"),
        ("item.move", "content.moved"),
        ("item.add", "content.added"),
        ("item.remove", "content.removed"),
        ("content.reorder", "content.reordered"),
        ("course.reorder", "content.reordered"),
        ("item.tag.aggregate", "content.tagged"),
        ("collaborators.update", "content.shared"),
        ("question.rubirc.association", "content.rubric-set"),
        ("question.rubric.association", "content.rubric-set"),
        ("class.join", "class.joined"),
        ("class.invite", "class.invited"),
        ("class.student.remove", "class.left"),
        ("class.course.assigned", "class.course-assigned"),
        ("class.content.visible", "class.content-shown"),
        ("class.archive", "class.archived"),
        ("profile.follow", "user.followed"),
        ("profile.unfollow", "user.unfollowed"),
        ("event.user.signin", "user.signed-in"),
        ("event.user.signout", "user.signed-out"),
        ("event.user.signup", "user.signed-up"),
        ("event.user.update", "user.updated"),
        ("event.user.password.reset", "user.password-changed"),
        ("event.anonymous.signin", "user.signed-in"),
    ];
    for (sent, meant) in names {
        let text = changed(CREATED, &[("item.create", sent)]);
        let body = as_system(taken(&text).emits.into_iter().next().unwrap()).body;
        assert_eq!(format!("{}.{}", body.entity, body.action), meant);
    }
    let class = changed(CREATED, &[("\"contentFormat\":\"assessment\"", "\"contentFormat\":\"class\"")]);
    assert_eq!(as_system(taken(&class).emits.into_iter().next().unwrap()).body.entity, "class");
    refused(&changed(CREATED, &[("item.create", "item.paint")]), &[("unknown_event", "/eventName")]);
}

#[test]
fn a_sign_in_concerns_its_user() {
    let text = changed(
        CREATED,
        &[
            ("item.create", "event.user.signin"),
            ("\"contentGooruId\":\"ee8f6454-f178-4ec7-b609-912fe2e7a724\"", "\"contentGooruId\":null"),
        ],
    );
    assert_eq!(
        as_system(taken(&text).emits.into_iter().next().unwrap()).body.entity_id,
        "70ad2ccd-03bb-405b-a04f-14a7b6d801b2"
    );
    let nobody = changed(
        &text,
        &[("70ad2ccd-03bb-405b-a04f-14a7b6d801b2", "anonymous"), ("\"apiKey\":null", "\"sessionId\":\"s9\"")],
    );
    refused(&nobody, &[("anonymous_user", "/user/gooruUId")]);
    let open = Partner { anonymous: AnonymousPolicy::Accept, ..north() };
    let intake = judged(nobody.as_bytes(), &open, T0);
    assert_eq!(as_system(intake.emits.into_iter().next().unwrap()).body.entity_id, "anonymous:s9");
}

#[test]
fn a_system_event_sent_again_passes_again() {
    let body = format!("[{CREATED},{CREATED}]");
    assert_eq!(taken(&body).emits.len(), 2);
}
