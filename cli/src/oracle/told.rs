//! What one posted element says, in the oracle's own words.
//!
//! Place: made by `read`, folded by `learner`. Equality of two is equality of content, which tells a repeat from an id
//! that came back with other content. Holds times as they were sent; the receipt is known later.

use std::sync::Arc;

use super::number::Points;

/// A shared text.
pub type Id = Arc<str>;

/// The seven usage events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name {
    /// Session of an item.
    Item,
    /// Visit inside an item.
    Inside,
    /// Visit of a single resource, or inside an item under its own name.
    Single,
    /// Reaction.
    Reaction,
    /// Rubric grade of an answer.
    Grade,
    /// Teacher's correction of an answer.
    Override,
    /// New result of a session, or its withdrawal.
    Update,
}

/// start, stop or neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Opens.
    Start,
    /// Closes.
    Stop,
    /// No play.
    None,
}

/// Kind of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ItemKind {
    /// Practice.
    Collection,
    /// Test.
    Assessment,
}

/// Kind of a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceKind {
    /// Plain.
    Resource,
    /// Question.
    Question,
}

/// Class, course, unit, lesson as one event says them.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Class.
    pub class: Option<Id>,
    /// Course.
    pub course: Option<Id>,
    /// Unit.
    pub unit: Option<Id>,
    /// Lesson.
    pub lesson: Option<Id>,
}

/// What is carried along and decides no number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Carried {
    /// pathType.
    pub path_type: Option<Id>,
    /// contentSource, lower-case.
    pub content_source: Option<Id>,
    /// contextCollectionId.
    pub context_collection_id: Option<Id>,
    /// contextCollectionType.
    pub context_collection_type: Option<Id>,
    /// additionalContext.
    pub additional_context: Option<Id>,
    /// questionCount.
    pub question_count: Option<i64>,
    /// clientSource.
    pub client_source: Option<Id>,
    /// appId, collectionSubType, gradingType, graderId in one text: compared, never shown.
    pub rest: Id,
}

/// One usage event as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Identity, of a reaction with `#` and the reaction.
    pub event_id: Id,
    /// Its name.
    pub name: Name,
    /// start, stop or none.
    pub step: Step,
    /// The learner.
    pub user: Id,
    /// The sitting.
    pub session: Id,
    /// Start as sent, ms.
    pub start: Option<i64>,
    /// End as sent, ms; the receipt where absent.
    pub end: Option<i64>,
    /// Zone; UTC where unknown.
    pub zone: Id,
    /// The item; absent for single resources.
    pub item: Option<Id>,
    /// Its kind as far as said.
    pub item_kind: Option<ItemKind>,
    /// The client's word for it.
    pub item_word: Option<Id>,
    /// The resource; absent on events of the whole item.
    pub resource: Option<Id>,
    /// Its kind as far as said.
    pub resource_kind: Option<ResourceKind>,
    /// Where.
    pub place: Place,
    /// pathId.
    pub path_id: i64,
    /// Whether contentSource says daily class activity.
    pub daily: bool,
    /// attemptStatus of an answer.
    pub status: Option<&'static str>,
    /// Type of the question.
    pub question_type: Option<Id>,
    /// Points with their maximum.
    pub score: Option<(Points, Points)>,
    /// Score 0 with max 0 and no status: a comment.
    pub comment: bool,
    /// A withdrawal.
    pub withdrawn: bool,
    /// metrics.timeSpent, ms.
    pub external_time: Option<i64>,
    /// 0–5.
    pub reaction: Option<i64>,
    /// Codes, sorted.
    pub codes: Vec<Id>,
    /// Whether it counts.
    pub student: bool,
    /// What is carried.
    pub carried: Carried,
}

impl Name {
    /// The canonical name.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Item => "collection.play",
            Self::Inside => "collection.resource.play",
            Self::Single => "resource.play",
            Self::Reaction => "reaction.create",
            Self::Grade => "resource.rubric.grade",
            Self::Override => "resource.score.update",
            Self::Update => "collection.score.update",
        }
    }

    /// Whether it is a play.
    #[must_use]
    pub const fn is_play(self) -> bool {
        matches!(self, Self::Item | Self::Inside | Self::Single)
    }
}

impl Step {
    /// Its text.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::None => "none",
        }
    }
}

impl ItemKind {
    /// Its text.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Collection => "collection",
            Self::Assessment => "assessment",
        }
    }
}

impl ResourceKind {
    /// Its text.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Resource => "resource",
            Self::Question => "question",
        }
    }
}

impl Told {
    /// Whether the client's word for the item means that it reports one score.
    #[must_use]
    pub fn says_external(&self) -> bool {
        let word = self.item_word.as_deref().unwrap_or_default();
        word.ends_with("-external") || word == "assessment/url" || word == "offline-activity"
    }

    /// Whether it is a visit's stop.
    #[must_use]
    pub fn is_visit(&self) -> bool {
        matches!(self.name, Name::Inside | Name::Single) && self.step == Step::Stop
    }

    /// main, path or daily.
    #[must_use]
    pub const fn track(&self) -> &'static str {
        match (self.daily, self.path_id) {
            (true, _) => "daily",
            (false, 0) => "main",
            (false, _) => "path",
        }
    }
}
