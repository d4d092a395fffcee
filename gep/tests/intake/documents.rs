//! The seven examples of domain.md §2.3 and the native one of §2.7, field by field.

use da_model::event::usage::{AnswerStatus, EventKind, ObjectKind, ScoreReason, Track, UsageName};
use da_model::outcome::Verdict;
use da_model::score::Points;
use da_model::time::Timestamp;

use crate::support::*;

pub(crate) const PLAY_START: &str = r#"[{"eventId":"bb2adece-e2ad-49af-a023-29c3643ce7f5","eventName":"collection.play","startTime":1772442000000,"endTime":1772442000000,"session":{"apiKey":"k-1","sessionId":"ec077ad4-aec7-44b1-a8b4-406c0190f12c"},"user":{"gooruUId":"424b1fee-9709-4315-85d9-5954058b4714"},"version":{"logApi":"3.0"},"metrics":{},"context":{"type":"start","contentGooruId":"ee8f6454-f178-4ec7-b609-912fe2e7a724","collectionType":"assessment","classGooruId":"126e79e2-e6ca-41d6-a1ad-bc4e10bfa287","courseGooruId":"d0e414d9-68ed-4851-9ae0-a30dfef64997","unitGooruId":"69168fc1-fff7-413d-96fc-df860b1ab892","lessonGooruId":"5108d45a-3a0b-4176-82fd-502cdbf880d8","questionCount":2,"clientSource":"web"},"payLoadObject":{"gradingType":"System","isStudent":true}}]"#;
pub(crate) const QUESTION_STOP: &str = r#"{"eventId":"26826e3d-682b-4c41-92ec-333c534526d9","eventName":"collection.resource.play","startTime":1772442020000,"endTime":1772442050000,"timezone":"Asia/Jakarta","session":{"apiKey":null,"sessionId":"ec077ad4-aec7-44b1-a8b4-406c0190f12c","sessionToken":"tok-1"},"user":{"gooruUId":"424b1fee-9709-4315-85d9-5954058b4714"},"version":{"logApi":4.0},"metrics":{},"context":{"type":"stop","contentGooruId":"ceb309b8-8ec1-4b9e-873a-50eaddc1221e","parentGooruId":"ee8f6454-f178-4ec7-b609-912fe2e7a724","parentEventId":"bb2adece-e2ad-49af-a023-29c3643ce7f5","collectionType":"assessment","resourceType":"question","reactionType":0,"classGooruId":"126e79e2-e6ca-41d6-a1ad-bc4e10bfa287","courseGooruId":"d0e414d9-68ed-4851-9ae0-a30dfef64997","unitGooruId":"69168fc1-fff7-413d-96fc-df860b1ab892","lessonGooruId":"5108d45a-3a0b-4176-82fd-502cdbf880d8","pathId":0,"pathType":null,"contentSource":"coursemap","appId":"69377157-94d8-43a6-9340-586349ad7eae","clientSource":"mobile"},"payLoadObject":{"questionType":"MC","attemptStatus":"incorrect","gradingType":"system","isStudent":true,"taxonomyIds":{"K12.MA-MAK-CC-A.01":"K.CC.A.1"},"answerObject":[{"text":"3","status":"incorrect","order":1,"answerId":"a-2","timeStamp":1772442049,"skip":false}]}}"#;
const REACTION: &str = r#"{"eventId":"801355eb-05d9-4d51-a25f-f36ce5fe4bfa","eventName":"reaction.create","startTime":1772442300000,"endTime":1772442300000,"timezone":"UTC","session":{"sessionId":"dd9eb009-40f7-4ae5-9789-8e6e4f990940"},"user":{"gooruUId":"424b1fee-9709-4315-85d9-5954058b4714"},"version":{"logApi":4.0},"context":{"contentGooruId":"5eefa39c-eee5-4c7b-8db8-46c31a728415","parentGooruId":"e4a8e902-76fc-4fd7-abcb-b9cda4dbb9a7","reactionType":"4","pathId":0,"contentSource":"coursemap"}}"#;
const SINGLE: &str = r#"{"eventId":"48425120-21f1-44e2-8bf2-b01c26282366","eventName":"resource.play","startTime":1772442400,"endTime":null,"session":{"sessionId":"b5d5e8a3-6cc6-4f3d-b09f-6a453fba8475"},"user":{"gooruUId":"424b1fee-9709-4315-85d9-5954058b4714"},"version":{"logApi":"3.0"},"metrics":"{}","context":{"type":"start","contentGooruId":"90c79624-35b6-46d8-9b24-c0402596d24a","resourceType":"resource"}}"#;
const RUBRIC: &str = r#"{"event_name":"resource.rubric.grade","rubric_id":"b96cc65d-21da-4197-877f-15a3de836a00","student_id":"424b1fee-9709-4315-85d9-5954058b4714","class_id":"126e79e2-e6ca-41d6-a1ad-bc4e10bfa287","course_id":"d0e414d9-68ed-4851-9ae0-a30dfef64997","unit_id":"69168fc1-fff7-413d-96fc-df860b1ab892","lesson_id":"5108d45a-3a0b-4176-82fd-502cdbf880d8","collection_id":"ee8f6454-f178-4ec7-b609-912fe2e7a724","collection_type":"assessment","session_id":"ec077ad4-aec7-44b1-a8b4-406c0190f12c","resource_id":"ceb309b8-8ec1-4b9e-873a-50eaddc1221e","student_score":3,"max_score":4,"overall_comment":"dropped","category_score":null,"content_source":"coursemap","created_at":1772445600000,"updated_at":1772445600000}"#;
const OVERRIDE: &str = r#"{"event_name":"resource.score.update","student_id":"424b1fee-9709-4315-85d9-5954058b4714","class_id":"126e79e2-e6ca-41d6-a1ad-bc4e10bfa287","collection_id":"ee8f6454-f178-4ec7-b609-912fe2e7a724","collection_type":"assessment","session_id":"ec077ad4-aec7-44b1-a8b4-406c0190f12c","updated_at":1772445700000,"resources":[{"resource_id":"ceb309b8-8ec1-4b9e-873a-50eaddc1221e","resource_attempt_status":"correct"}]}"#;
const UPDATE: &str = r#"{"eventId":"27c059b8-6d14-4590-8f22-4e163df5316f","eventName":"collection.score.update","startTime":1772445800000,"endTime":1772445800000,"session":{"sessionId":"ec077ad4-aec7-44b1-a8b4-406c0190f12c"},"user":{"gooruUId":"424b1fee-9709-4315-85d9-5954058b4714"},"context":{"contentGooruId":"ee8f6454-f178-4ec7-b609-912fe2e7a724","collectionType":"assessment"},"payLoadObject":{"score":2,"maxScore":4,"reason":"regrade","graderId":"70ad2ccd-03bb-405b-a04f-14a7b6d801b2"}}"#;
const NATIVE: &str = r#"{"tenantId":"t-north","eventId":"n-1","eventName":"collection.resource.play","type":"stop","userId":"u-7","sessionId":"s-1","startTime":1772442020000,"endTime":1772442050000,"timezone":"Asia/Jakarta","object":{"kind":"question","id":"q-1"},"parent":{"kind":"assessment","id":"a-1"},"classId":"k-1","courseId":"c-1","unitId":"u-1","lessonId":"l-1","pathId":0,"answer":{"status":"correct","questionType":"MC"},"isStudent":true}"#;

const LEARNER: &str = "424b1fee-9709-4315-85d9-5954058b4714";
const ASSESSMENT: &str = "ee8f6454-f178-4ec7-b609-912fe2e7a724";
const QUESTION: &str = "ceb309b8-8ec1-4b9e-873a-50eaddc1221e";

#[test]
fn example_1_a_play_starts() {
    let event = usage(PLAY_START);
    assert_eq!((event.event_name, event.kind), (UsageName::CollectionPlay, EventKind::Start));
    assert_eq!((event.start_time, event.end_time), (Some(Timestamp(T0)), Timestamp(T0)));
    assert_eq!((event.object.kind, &*event.object.id), (ObjectKind::Assessment, ASSESSMENT));
    assert_eq!(event.object.object_type.as_deref(), Some("assessment"));
    assert_eq!((event.parent, event.answer, event.question_count), (None, None, Some(2)));
    assert_eq!((event.track, event.path_id), (Track::Main, 0));
    assert_eq!(event.client_source.as_deref(), Some("web"));
    assert_eq!(event.timezone, "UTC");
    assert_eq!(event.flags, []);
}

#[test]
fn example_2_a_question_stops() {
    let intake = taken(QUESTION_STOP);
    assert_eq!(intake.emits[0].topic.0, "gep.accepted");
    assert_eq!(intake.emits[0].key, format!("t-north\u{1f}{LEARNER}"));
    assert_eq!(intake.unknown_fields, []);
    let event = as_usage(intake.emits.into_iter().next().unwrap());
    assert_eq!(event.event_key.to_string(), "ea24c629-7c90-5663-a697-4dbe2bbc81da");
    assert_eq!(event.event_id, "26826e3d-682b-4c41-92ec-333c534526d9");
    assert_eq!((&*event.tenant_id, &*event.partner_id), ("t-north", "quizlab"));
    assert_eq!(event.local_date.to_iso(), "2026-03-02");
    assert_eq!((event.object.kind, &*event.object.id), (ObjectKind::Question, QUESTION));
    let parent = event.parent.unwrap();
    assert_eq!((parent.kind, &*parent.id), (ObjectKind::Assessment, ASSESSMENT));
    let answer = event.answer.unwrap();
    assert_eq!(answer.status, AnswerStatus::Incorrect);
    assert_eq!((answer.question_type.as_deref(), answer.grading_type.as_deref()), (Some("MC"), Some("system")));
    assert_eq!(event.codes, ["K12.MA-MAK-CC-A.01"]);
    assert_eq!((event.reaction, event.path_type), (None, None));
    assert_eq!(event.class_id.as_deref(), Some("126e79e2-e6ca-41d6-a1ad-bc4e10bfa287"));
    assert_eq!(event.app_id.as_deref(), Some("69377157-94d8-43a6-9340-586349ad7eae"));
    assert_eq!(event.received_at, Timestamp(T0 + 3_900_000));
    assert!(event.is_student);
}

#[test]
fn example_3_a_reaction_carries_its_choice_in_its_id() {
    let intake = taken(REACTION);
    assert_eq!(intake.verdicts[0].event_id.as_deref(), Some("801355eb-05d9-4d51-a25f-f36ce5fe4bfa"));
    let event = as_usage(intake.emits.into_iter().next().unwrap());
    assert_eq!(event.event_id, "801355eb-05d9-4d51-a25f-f36ce5fe4bfa#4");
    assert_eq!((event.kind, event.reaction), (EventKind::None, Some(4)));
    assert_eq!((event.object.kind, event.parent.unwrap().kind), (ObjectKind::Unknown, ObjectKind::Unknown));
}

#[test]
fn example_4_seconds_and_a_missing_end() {
    let event = usage(SINGLE);
    assert_eq!((event.start_time, event.end_time), (Some(Timestamp(1_772_442_400_000)), Timestamp(1_772_442_400_000)));
    assert_eq!(event.flags.iter().map(|f| f.code()).collect::<Vec<_>>(), ["seconds"]);
    assert_eq!(
        (event.event_name, event.parent, event.object.kind),
        (UsageName::ResourcePlay, None, ObjectKind::Resource)
    );
}

#[test]
fn example_5_a_flat_grade_gets_its_id() {
    let intake = taken(RUBRIC);
    assert_eq!(intake.unknown_fields, []);
    let event = as_usage(intake.emits.into_iter().next().unwrap());
    assert_eq!(event.event_id, "151d6fbb-487c-56a3-941b-76df6d45cc0e");
    assert_eq!((event.end_time, event.start_time), (Timestamp(1_772_445_600_000), Some(Timestamp(1_772_445_600_000))));
    let score = event.score.unwrap();
    assert_eq!((score.raw, score.max, score.reason), (Points::whole(3), Points::whole(4), ScoreReason::Rubric));
    assert_eq!((event.object.kind, &*event.object.id), (ObjectKind::Question, QUESTION));
    assert_eq!((event.answer, &*event.parent.unwrap().id), (None, ASSESSMENT));
    assert_eq!(event.unit_id.as_deref(), Some("69168fc1-fff7-413d-96fc-df860b1ab892"));
}

#[test]
fn example_6_a_flat_override() {
    let event = usage(OVERRIDE);
    assert_eq!((event.event_name, event.kind), (UsageName::ResourceScoreUpdate, EventKind::None));
    assert_eq!((event.answer.unwrap().status, event.score), (AnswerStatus::Correct, None));
    assert_eq!(&*event.object.id, QUESTION);
}

#[test]
fn example_7_a_session_update() {
    let event = usage(UPDATE);
    let score = event.score.unwrap();
    assert_eq!((score.raw, score.max, score.reason), (Points::whole(2), Points::whole(4), ScoreReason::Regrade));
    assert_eq!(score.grader_id.as_deref(), Some("70ad2ccd-03bb-405b-a04f-14a7b6d801b2"));
    assert_eq!((event.object.kind, event.withdrawn), (ObjectKind::Assessment, false));
}

#[test]
fn the_native_example() {
    let intake = judged(NATIVE.as_bytes(), &native(), T0 + 60_000);
    assert_eq!((reasons(&intake.verdicts[0]), intake.unknown_fields.len()), (vec![], 0));
    let event = as_usage(intake.emits.into_iter().next().unwrap());
    assert_eq!((event.kind, event.object.kind), (EventKind::Stop, ObjectKind::Question));
    assert_eq!(event.answer.unwrap().status, AnswerStatus::Correct);
    assert_eq!((&*event.user_id, event.local_date.to_iso()), ("u-7", "2026-03-02".to_owned()));
    assert_eq!((event.start_time, event.end_time), (Some(Timestamp(T0 + 20_000)), Timestamp(T0 + 50_000)));
}

#[test]
fn all_examples_come_in_as_one_array() {
    let body = format!(
        "[{},{QUESTION_STOP},{REACTION},{SINGLE},{RUBRIC},{OVERRIDE},{UPDATE}]",
        &PLAY_START[1..PLAY_START.len() - 1]
    );
    let intake = taken(&body);
    assert_eq!(intake.verdicts.len(), 7);
    assert!(intake.verdicts.iter().all(|line| line.verdict == Verdict::Accepted));
    assert_eq!(intake.emits.len(), 7);
}
