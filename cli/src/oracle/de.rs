//! A discrete event as the oracle expects it, and the values it can state.
//!
//! Place: made by the folds, compared by the checker with what the topics hold. Numbers are scaled integers: percents by
//! 10², points by 10⁴.

use std::sync::Arc;

use super::told::{Carried, Id, Place};

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A score.
    Score(Score),
    /// A time.
    Time(Time),
    /// A reaction.
    Reaction(Reaction),
    /// Views.
    View(View),
}

/// A score; absent is unknown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Score {
    /// Percent.
    pub percent: Option<i128>,
    /// Points reached.
    pub raw: Option<i128>,
    /// Points possible.
    pub max: Option<i128>,
    /// All graded.
    pub graded: bool,
    /// Status.
    pub status: Option<&'static str>,
    /// Latest session of its item and scope.
    pub latest: Option<bool>,
    /// Answers, items or learners inside.
    pub count: Option<i64>,
    /// Codes, sorted.
    pub codes: Vec<Id>,
}

/// A time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Time {
    /// Capped total.
    pub spent: i64,
    /// Against the value before.
    pub delta: i64,
    /// Uncapped total.
    pub wall: i64,
    /// Visits.
    pub visits: i64,
}

/// A reaction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reaction {
    /// 1–5.
    pub reaction: i64,
    /// Reacted resources.
    pub count: i64,
}

/// Views.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct View {
    /// Views.
    pub views: i64,
    /// Against the value before.
    pub delta: i64,
    /// Viewed items.
    pub items: i64,
}

/// Where a value belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// Class to lesson.
    pub place: Place,
    /// main, path or daily.
    pub track: &'static str,
    /// Path.
    pub path_id: i64,
}

/// The input event that caused it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// eventId.
    pub event_id: Id,
    /// eventKey.
    pub event_key: Id,
    /// Partition of `gep.accepted`.
    pub partition: u32,
    /// Offset there.
    pub offset: i64,
}

/// One expected discrete event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct De {
    /// Topic without prefix.
    pub topic: &'static str,
    /// Entity key after the tenant, in the order of the document.
    pub entity: Vec<Id>,
    /// From 1.
    pub revision: i64,
    /// What caused it.
    pub origin: Origin,
    /// Activity time.
    pub activity: i64,
    /// Local date in days.
    pub date: i32,
    /// Cause.
    pub cause: &'static str,
    /// Learner.
    pub user: Option<Id>,
    /// Session; absent where the value spans sessions.
    pub session: Option<Id>,
    /// The item: of item-level events the object, of resource-level ones the parent.
    pub item: Option<Id>,
    /// Kind of the item.
    pub item_kind: Option<&'static str>,
    /// The client's word for the item.
    pub item_word: Option<Id>,
    /// Resource, at resource level.
    pub resource: Option<Id>,
    /// Its kind.
    pub resource_kind: Option<&'static str>,
    /// Where.
    pub scope: Scope,
    /// Number of the attempt.
    pub attempt: Option<i64>,
    /// Carried along.
    pub carried: Arc<Carried>,
    /// The value.
    pub result: Value,
    /// The value before.
    pub previous: Option<Value>,
}

impl De {
    /// `usage.<object>.<metric>`.
    #[must_use]
    pub fn name(&self) -> String {
        let rest = self.topic.split_once('.').map_or(self.topic, |(_, rest)| rest);
        format!("usage.{rest}")
    }

    /// deId (domain.md §5.2).
    #[must_use]
    pub fn id(&self, tenant: &str) -> String {
        let (name, revision) = (self.name(), self.revision.to_string());
        let mut parts = vec![name.as_str(), tenant];
        parts.extend(self.entity.iter().map(|p| &**p));
        parts.push(&revision);
        da_model::identity::id_of(&parts).to_string()
    }

    /// Whether it is of the learner himself, not of the class.
    #[must_use]
    pub fn is_of_learner(&self) -> bool {
        !self.topic.starts_with("dep.member") && !self.topic.starts_with("dep.class")
    }

    /// The record key: tenant and learner, or tenant and class.
    #[must_use]
    pub fn record_key(&self, tenant: &str) -> String {
        let owner = if self.is_of_learner() { self.user.as_deref() } else { self.scope.place.class.as_deref() };
        format!("{tenant}\u{1f}{}", owner.unwrap_or_default())
    }
}

impl Value {
    /// Whether it says nothing: a null score or no view.
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        match self {
            Self::Score(score) => score.raw.is_none(),
            Self::View(view) => view.views == 0,
            Self::Time(_) | Self::Reaction(_) => false,
        }
    }

    /// The same value with its difference to the one before.
    #[must_use]
    pub fn with_delta(self, before: Option<&Self>) -> Self {
        match (self, before) {
            (Self::Time(now), Some(Self::Time(then))) => Self::Time(Time { delta: now.spent - then.spent, ..now }),
            (Self::Time(now), _) => Self::Time(Time { delta: now.spent, ..now }),
            (Self::View(now), Some(Self::View(then))) => Self::View(View { delta: now.views - then.views, ..now }),
            (Self::View(now), _) => Self::View(View { delta: now.views, ..now }),
            (Self::Score(score), _) => Self::Score(score),
            (Self::Reaction(reaction), _) => Self::Reaction(reaction),
        }
    }

    /// The same value without its difference.
    #[must_use]
    pub fn without_delta(self) -> Self {
        match self {
            Self::Time(now) => Self::Time(Time { delta: 0, ..now }),
            Self::View(now) => Self::View(View { delta: 0, ..now }),
            Self::Score(score) => Self::Score(score),
            Self::Reaction(reaction) => Self::Reaction(reaction),
        }
    }

    /// Whether a published value already says this, the latest flag of a session left aside.
    #[must_use]
    pub fn is_said_by(&self, published: &Self) -> bool {
        match (self, published) {
            (Self::Score(now), Self::Score(then)) => {
                Score { latest: None, ..now.clone() } == Score { latest: None, ..then.clone() }
            }
            (Self::Time(now), Self::Time(then)) => {
                (now.spent, now.wall, now.visits) == (then.spent, then.wall, then.visits)
            }
            (Self::View(now), Self::View(then)) => (now.views, now.items) == (then.views, then.items),
            (now, then) => now == then,
        }
    }
}
