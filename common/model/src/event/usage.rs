//! The canonical usage event of `gep.accepted` (domain.md §3).
//!
//! Place: built by the adapters, folded by GEP, carried whole in `gep.usage`. Every rule of domain.md §2.1 has been
//! applied; nothing here validates again.

use uuid::Uuid;

use crate::ids::Text;
use crate::outcome::{Flag, codes};
use crate::score::Points;
use crate::time::{LocalDate, Timestamp};

/// A strict usage event.
#[derive(Debug, Clone, PartialEq)]
pub struct UsageEvent<'a> {
    /// Identity for dedupe: UUIDv5 over tenantId, eventId, eventName, type.
    pub event_key: Uuid,
    /// Whose data it is.
    pub tenant_id: Text<'a>,
    /// Who posted it.
    pub partner_id: Text<'a>,
    /// The partner's id; of a reaction with `#` and the reaction behind it.
    pub event_id: Text<'a>,
    /// Canonical name.
    pub event_name: UsageName,
    /// start, stop or none.
    pub kind: EventKind,
    /// The learner.
    pub user_id: Text<'a>,
    /// The sitting.
    pub session_id: Text<'a>,
    /// Start; absent only with flag `start_unknown`.
    pub start_time: Option<Timestamp>,
    /// End: the activity time.
    pub end_time: Timestamp,
    /// Receipt at the edge.
    pub received_at: Timestamp,
    /// How far `clock_ahead` shifted the times back, ms.
    pub clock_skew: Option<i64>,
    /// IANA zone.
    pub timezone: Text<'a>,
    /// Date of `end_time` in `timezone`.
    pub local_date: LocalDate,
    /// What was used.
    pub object: ObjectRef<'a>,
    /// The item around a resource.
    pub parent: Option<ObjectRef<'a>>,
    /// Class.
    pub class_id: Option<Text<'a>>,
    /// Course.
    pub course_id: Option<Text<'a>>,
    /// Unit.
    pub unit_id: Option<Text<'a>>,
    /// Lesson.
    pub lesson_id: Option<Text<'a>>,
    /// main, path or daily.
    pub track: Track,
    /// Suggested path; 0 is the main path.
    pub path_id: i64,
    /// Kind of the path.
    pub path_type: Option<Text<'a>>,
    /// Lower-case contentSource as sent.
    pub content_source: Option<Text<'a>>,
    /// Carried.
    pub context_collection_id: Option<Text<'a>>,
    /// Carried.
    pub context_collection_type: Option<Text<'a>>,
    /// Carried base64.
    pub additional_context: Option<Text<'a>>,
    /// Decoded from additionalContext.
    pub dca_content_id: Option<i64>,
    /// Carried, never a denominator.
    pub question_count: Option<i32>,
    /// Carried.
    pub app_id: Option<Text<'a>>,
    /// Carried.
    pub client_source: Option<Text<'a>>,
    /// Outcome of a question stop or override.
    pub answer: Option<Answer<'a>>,
    /// Points of an external item, grade, override or update.
    pub score: Option<Score<'a>>,
    /// collection.score.update with reason withdrawn.
    pub withdrawn: bool,
    /// metrics.timeSpent of an external item, ms, clamped at 0.
    pub external_time_ms: Option<i64>,
    /// 0–5.
    pub reaction: Option<i32>,
    /// Competency codes.
    pub codes: Vec<Text<'a>>,
    /// false: stays here, goes no further.
    pub is_student: bool,
    /// What was corrected.
    pub flags: Vec<Flag>,
    /// Allowed extras.
    pub extensions: Vec<(Text<'a>, Text<'a>)>,
    /// SHA-256 hex of the content as sent (domain.md §3).
    pub fingerprint: Text<'a>,
}

codes! {
    /// The seven canonical names of usage events (domain.md §2.2).
    UsageName {
        /// Session of an item opens, closes.
        CollectionPlay = "collection.play",
        /// Visit of a resource or question inside an item.
        CollectionResourcePlay = "collection.resource.play",
        /// Visit of a single resource (with a parent: inside that item).
        ResourcePlay = "resource.play",
        /// Reaction to a resource or question.
        ReactionCreate = "reaction.create",
        /// Grade of one answer.
        ResourceRubricGrade = "resource.rubric.grade",
        /// Teacher's override of one answer.
        ResourceScoreUpdate = "resource.score.update",
        /// New result of a whole session, or its withdrawal.
        CollectionScoreUpdate = "collection.score.update",
    }
}

codes! {
    /// start, stop or none.
    EventKind {
        /// Opens a play.
        Start = "start",
        /// Closes a play.
        Stop = "stop",
        /// Not a play.
        None = "none",
    }
}

codes! {
    /// What kind of thing an id names.
    ObjectKind {
        /// A plain resource.
        Resource = "resource",
        /// A question.
        Question = "question",
        /// Practice.
        Collection = "collection",
        /// Test.
        Assessment = "assessment",
        /// Not said by the event.
        Unknown = "unknown",
    }
}

codes! {
    /// Which of a learner's ways a play belongs to; only `main` enters roll-ups.
    Track {
        /// The course's own way.
        Main = "main",
        /// Suggested off-path play.
        Path = "path",
        /// Daily class activity.
        Daily = "daily",
    }
}

codes! {
    /// How an answer came out.
    AnswerStatus {
        /// 1 of 1.
        Correct = "correct",
        /// 0 of 1.
        Incorrect = "incorrect",
        /// 0 of 1, open-ended: no points.
        Skipped = "skipped",
        /// Waits for grading.
        Attempted = "attempted",
    }
}

codes! {
    /// Why points came.
    ScoreReason {
        /// Stop of an external item.
        External = "external",
        /// Rubric grade.
        Rubric = "rubric",
        /// Teacher's override of an answer.
        Override = "override",
        /// New result of a session.
        Regrade = "regrade",
    }
}

/// What an event is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectRef<'a> {
    /// Its kind as far as the event says.
    pub kind: ObjectKind,
    /// Its id.
    pub id: Text<'a>,
    /// The client's word: `assessment-external`.
    pub object_type: Option<Text<'a>>,
    /// collectionSubType.
    pub sub_type: Option<Text<'a>>,
}

/// Outcome of a question visit or override.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer<'a> {
    /// The status.
    pub status: AnswerStatus,
    /// `OE` is open-ended.
    pub question_type: Option<Text<'a>>,
    /// Carried.
    pub grading_type: Option<Text<'a>>,
}

/// Points with their reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Score<'a> {
    /// Points reached.
    pub raw: Points,
    /// Points possible, positive.
    pub max: Points,
    /// Why.
    pub reason: ScoreReason,
    /// Who graded.
    pub grader_id: Option<Text<'a>>,
}
