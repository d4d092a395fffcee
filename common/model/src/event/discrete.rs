//! The discrete event: one object, one metric, one value at one entity key (domain.md §5).
//!
//! Place: made by demux, and by the roll-ups of dep; read by analysts. States the value of its key: `revision` counts
//! published changes, `previous` is the value before.

use uuid::Uuid;

use super::usage::{AnswerStatus, ObjectKind, Track};
use crate::ids::Text;
use crate::outcome::codes;
use crate::score::{Percent, Points};
use crate::time::{LocalDate, Timestamp};

/// One metric of one object.
#[derive(Debug, Clone, PartialEq)]
pub struct DiscreteEvent<'a> {
    /// `usage.<object>.<metric>`.
    pub event_name: Text<'a>,
    /// Deterministic id (domain.md §5.2).
    pub de_id: Uuid,
    /// From 1, no holes.
    pub revision: i32,
    /// The input event that caused it, also in roll-ups.
    pub event_id: Text<'a>,
    /// Its key.
    pub event_key: Uuid,
    /// End time of the causing event.
    pub activity_time: Timestamp,
    /// Its local date.
    pub local_date: LocalDate,
    /// Why the value changed.
    pub cause: Cause,
    /// The learner; absent only in `usage.class.*`.
    pub user_id: Option<Text<'a>>,
    /// The object of resource-level events.
    pub resource_id: Option<Text<'a>>,
    /// The client's word for it.
    pub resource_type: Option<Text<'a>>,
    /// The object of item-level events.
    pub collection_id: Option<Text<'a>>,
    /// The client's word for it.
    pub collection_type: Option<Text<'a>>,
    /// collection or assessment, in roll-ups.
    pub item_kind: Option<ObjectKind>,
    /// Competency code.
    pub code: Option<Text<'a>>,
    /// Where it belongs.
    pub context: Context<'a>,
    /// The value now.
    pub result: Metric<'a>,
    /// The value before; absent at revision 1.
    pub previous: Option<Metric<'a>>,
}

/// Where a value belongs; all topics share this record.
#[derive(Debug, Clone, PartialEq)]
pub struct Context<'a> {
    /// Tenant.
    pub tenant_id: Text<'a>,
    /// Partner.
    pub partner_id: Option<Text<'a>>,
    /// Class.
    pub class_id: Option<Text<'a>>,
    /// Course.
    pub course_id: Option<Text<'a>>,
    /// Unit.
    pub unit_id: Option<Text<'a>>,
    /// Lesson.
    pub lesson_id: Option<Text<'a>>,
    /// Parent item of a resource-level event.
    pub collection_id: Option<Text<'a>>,
    /// The parent item's kind.
    pub collection_type: Option<Text<'a>>,
    /// Session; absent where the value spans sessions.
    pub session_id: Option<Text<'a>>,
    /// Number of the attempt when emitted.
    pub attempt: Option<i32>,
    /// main, path or daily.
    pub track: Track,
    /// 0 is the main path.
    pub path_id: i64,
    /// Kind of the path.
    pub path_type: Option<Text<'a>>,
    /// Carried, never a denominator.
    pub question_count: Option<i32>,
    /// Lower-case.
    pub content_source: Option<Text<'a>>,
    /// Carried.
    pub context_collection_id: Option<Text<'a>>,
    /// Carried.
    pub context_collection_type: Option<Text<'a>>,
    /// Carried base64.
    pub additional_context: Option<Text<'a>>,
    /// Carried.
    pub client_source: Option<Text<'a>>,
}

codes! {
    /// Why a value changed.
    Cause {
        /// A play.
        Play = "play",
        /// A rubric grade.
        Grade = "grade",
        /// A teacher's override of an answer.
        Override = "override",
        /// A new result of a session.
        Update = "update",
        /// A session was withdrawn.
        Withdrawn = "withdrawn",
        /// The session became the latest.
        Latest = "latest",
        /// Content metadata settled it.
        Metadata = "metadata",
        /// A part of a roll-up changed.
        Rollup = "rollup",
    }
}

codes! {
    /// The five metrics.
    MetricKind {
        /// Score.
        Score = "score",
        /// Time.
        Timespent = "timespent",
        /// Reaction.
        Reaction = "reaction",
        /// Views.
        View = "view",
        /// Competency.
        Competency = "competency",
    }
}

/// A metric record (domain.md §5.3).
#[derive(Debug, Clone, PartialEq)]
pub enum Metric<'a> {
    /// Score.
    Score(ScoreValue<'a>),
    /// Time.
    Timespent(TimeValue),
    /// Reaction.
    Reaction(ReactionValue),
    /// Views.
    View(ViewValue),
    /// Competency.
    Competency(CompetencyValue<'a>),
}

impl Metric<'_> {
    /// Which metric it is.
    #[must_use]
    pub const fn kind(&self) -> MetricKind {
        match self {
            Self::Score(_) => MetricKind::Score,
            Self::Timespent(_) => MetricKind::Timespent,
            Self::Reaction(_) => MetricKind::Reaction,
            Self::View(_) => MetricKind::View,
            Self::Competency(_) => MetricKind::Competency,
        }
    }
}

codes! {
    /// The status of a score: of a question's answer, or `withdrawn` of a session.
    ScoreStatus {
        /// Correct.
        Correct = "correct",
        /// Incorrect.
        Incorrect = "incorrect",
        /// Skipped.
        Skipped = "skipped",
        /// Waits for grading.
        Attempted = "attempted",
        /// The session was withdrawn.
        Withdrawn = "withdrawn",
    }
}

impl From<AnswerStatus> for ScoreStatus {
    fn from(status: AnswerStatus) -> Self {
        match status {
            AnswerStatus::Correct => Self::Correct,
            AnswerStatus::Incorrect => Self::Incorrect,
            AnswerStatus::Skipped => Self::Skipped,
            AnswerStatus::Attempted => Self::Attempted,
        }
    }
}

/// A score; null means unknown and is never 0.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScoreValue<'a> {
    /// Percent.
    pub score: Option<Percent>,
    /// Points reached.
    pub raw: Option<Points>,
    /// Points possible.
    pub max: Option<Points>,
    /// Whether everything inside is graded.
    pub graded: bool,
    /// Question: its answer's; session: withdrawn.
    pub status: Option<ScoreStatus>,
    /// Assessments: whether this session is the latest of its item and scope.
    pub latest: Option<bool>,
    /// Answers, items or learners inside.
    pub count: Option<i32>,
    /// question.score only.
    pub codes: Vec<Text<'a>>,
}

/// Time in ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TimeValue {
    /// Capped running total of the key.
    pub time_spent: i64,
    /// timeSpent − previous.
    pub delta: i64,
    /// Uncapped total.
    pub wall_time: i64,
    /// Visits.
    pub visits: i32,
}

/// A reaction 1–5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReactionValue {
    /// Mean, half up.
    pub reaction: i32,
    /// Reacted resources; 1 at resource level.
    pub count: i32,
}

/// Views.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ViewValue {
    /// Views of the key.
    pub views: i64,
    /// views − previous.
    pub delta: i64,
    /// session: 0 or 1; lesson: parts with views > 0; above: sum.
    pub items: i32,
}

/// A competency status.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CompetencyValue<'a> {
    /// 0–5.
    pub status: i32,
    /// Percent of the best evidence.
    pub score: Option<Percent>,
    /// Item of the best evidence.
    pub item_id: Option<Text<'a>>,
    /// Session of the best evidence.
    pub session_id: Option<Text<'a>>,
}
