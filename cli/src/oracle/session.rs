//! One sitting, recomputed from the full list of its events every time it is asked.
//!
//! Place: below `learner`. Naive on purpose: nothing is summed up in advance, so nothing can be summed up twice.
//! Follows domain.md §4.1, §6 and §12 to the letter.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::de::{Reaction, Scope, Score, Time, Value, View};
use super::number::{self, ONE, Points};
use super::told::{Id, ItemKind, Name, Place, ResourceKind, Step, Told};

/// The longest visit that counts, ms.
pub const VISIT_CAP: i64 = 7_200_000;

/// (min(activity, receipt), receipt, activity + skew, offset).
pub type Order = (i64, i64, i64, i64);

/// An applied event.
#[derive(Debug)]
pub struct Event {
    /// What it says.
    pub told: Told,
    /// Its key.
    pub key: Id,
    /// Partition and offset of the copy that counts.
    pub at: (u32, i64),
    /// Start after the time rules.
    pub start: Option<i64>,
    /// Activity time.
    pub end: i64,
    /// Date of the activity in the event's zone.
    pub date: i32,
    /// Its place in time.
    pub order: Order,
}

/// One sitting of one learner at one item, or at one single resource.
#[derive(Debug, Default)]
pub struct Session {
    /// Its events in the order of `gep.accepted`, each with the wall time of the visit it closes.
    pub events: Vec<(Rc<Event>, i64)>,
    /// Scope under which the first discrete event went out.
    pub frozen: Option<Scope>,
    /// Kind of the item under which the first one of the item went out.
    pub frozen_kind: Option<ItemKind>,
    /// Kinds of resources under which the first one went out.
    pub frozen_kinds: BTreeMap<Id, ResourceKind>,
}

/// What an answer is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worth {
    /// Waits for a grade.
    Ungraded,
    /// Graded, and counts nowhere.
    Nowhere,
    /// Points.
    Of(Points, Points),
}

/// Something that sets an answer.
#[derive(Debug, Clone)]
pub struct Mark {
    /// When.
    pub order: Order,
    /// What it makes the answer worth.
    pub worth: Worth,
    /// The status it sets.
    pub status: Option<&'static str>,
    /// Codes it carries.
    pub codes: Vec<Id>,
}

impl Session {
    /// Whether a play was seen; nothing goes out before.
    #[must_use]
    pub fn has_play(&self) -> bool {
        self.all().any(|e| e.told.name.is_play())
    }

    /// The events.
    pub fn all(&self) -> impl Iterator<Item = &Event> {
        self.events.iter().map(|(e, _)| &**e)
    }

    /// Wall time of a visit that has just been applied.
    #[must_use]
    pub fn wall(&self, event: &Event) -> i64 {
        let opened = event.start.or_else(|| {
            let starts = self.all().filter(|e| e.told.step == Step::Start && e.told.resource == event.told.resource);
            let last = starts.filter(|e| e.order < event.order).max_by_key(|e| e.order);
            last.map(|e| e.start.unwrap_or(e.end))
        });
        opened.map_or(0, |start| (event.end - start).max(0))
    }

    /// The scope: frozen, else folded from the plays so far.
    #[must_use]
    pub fn scope(&self) -> Option<Scope> {
        if self.frozen.is_some() {
            return self.frozen.clone();
        }
        let mut plays = self.all().filter(|e| e.told.name.is_play()).map(|e| &e.told);
        let first = plays.next()?;
        let mut place = first.place.clone();
        for play in plays {
            let Place { class, course, unit, lesson } = &play.place;
            place.class = place.class.or_else(|| class.clone());
            place.course = place.course.or_else(|| course.clone());
            place.unit = place.unit.or_else(|| unit.clone());
            place.lesson = place.lesson.or_else(|| lesson.clone());
        }
        Some(Scope { place, track: first.track(), path_id: first.path_id })
    }

    /// Kind of the item: frozen, else of the first event by order key that says one.
    #[must_use]
    pub fn item_kind(&self) -> Option<ItemKind> {
        let said = self.all().filter(|e| e.told.item_kind.is_some()).min_by_key(|e| e.order);
        self.frozen_kind.or_else(|| said.and_then(|e| e.told.item_kind))
    }

    /// The client's word for the item.
    #[must_use]
    pub fn item_word(&self) -> Option<Id> {
        let said = self.all().filter(|e| e.told.item_word.is_some()).min_by_key(|e| e.order);
        said.and_then(|e| e.told.item_word.clone())
    }

    /// Resources named so far.
    #[must_use]
    pub fn resources(&self) -> BTreeSet<Id> {
        self.all().filter_map(|e| e.told.resource.clone()).collect()
    }

    /// Kind of a resource, likewise.
    #[must_use]
    pub fn resource_kind(&self, resource: &Id) -> Option<ResourceKind> {
        let of = self.all().filter(|e| e.told.resource.as_ref() == Some(resource) && e.told.resource_kind.is_some());
        let said = of.min_by_key(|e| e.order).and_then(|e| e.told.resource_kind);
        self.frozen_kinds.get(resource).copied().or(said)
    }

    /// Whether it reports one score.
    #[must_use]
    pub fn is_external(&self) -> bool {
        self.all().any(|e| e.told.says_external())
    }

    /// The stops of the item.
    pub fn stops(&self) -> impl Iterator<Item = &Event> {
        self.all().filter(|e| e.told.name == Name::Item && e.told.step == Step::Stop)
    }

    /// Order key of the last stop.
    #[must_use]
    pub fn last_stop(&self) -> Option<Order> {
        self.stops().map(|e| e.order).max()
    }

    /// Time at one resource.
    #[must_use]
    pub fn resource_time(&self, resource: &Id) -> Option<Value> {
        let visits =
            self.events.iter().filter(|(e, _)| e.told.is_visit() && e.told.resource.as_ref() == Some(resource));
        let time = sum(visits.map(|(_, wall)| *wall));
        (time.visits > 0).then_some(Value::Time(time))
    }

    /// Latest reaction to one resource.
    #[must_use]
    pub fn resource_reaction(&self, resource: &Id) -> Option<Value> {
        let of = self.all().filter(|e| e.told.resource.as_ref() == Some(resource));
        let latest = of.filter(|e| e.told.reaction.is_some_and(|r| r > 0)).max_by_key(|e| e.order)?;
        Some(Value::Reaction(Reaction { reaction: latest.told.reaction?, count: 1 }))
    }

    /// Everything that sets the answer to one question.
    pub fn marks<'s>(&'s self, question: &'s Id) -> impl Iterator<Item = Mark> + 's {
        self.all().filter(move |e| e.told.resource.as_ref() == Some(question)).filter_map(mark)
    }

    /// Questions with an answer.
    #[must_use]
    pub fn questions(&self) -> Vec<Id> {
        let asked = |r: &Id| self.resource_kind(r) == Some(ResourceKind::Question) && self.marks(r).next().is_some();
        self.resources().into_iter().filter(asked).collect()
    }

    /// Latest answer to one question.
    #[must_use]
    pub fn question_score(&self, question: &Id) -> Option<Value> {
        let latest = self.marks(question).max_by_key(|m| m.order)?;
        let status = self.marks(question).filter(|m| m.status.is_some()).max_by_key(|m| m.order);
        let coded = self.marks(question).filter(|m| !m.codes.is_empty()).max_by_key(|m| m.order);
        let mut score = score_of(latest.worth);
        score.status = status.and_then(|m| m.status);
        score.codes = coded.map(|m| m.codes).unwrap_or_default();
        Some(Value::Score(score))
    }

    /// Whether the latest word about the session as a whole is its withdrawal.
    #[must_use]
    pub fn is_withdrawn(&self) -> bool {
        let withdrawn = self.all().filter(|e| e.told.withdrawn).map(|e| e.order).max();
        withdrawn.is_some_and(|at| self.update().is_none_or(|(renewed, _)| renewed < at))
    }

    /// The latest new result of the session.
    #[must_use]
    pub fn update(&self) -> Option<(Order, (Points, Points))> {
        let updates = self.all().filter(|e| e.told.name == Name::Update && e.told.score.is_some());
        updates.max_by_key(|e| e.order).and_then(|e| Some((e.order, e.told.score?)))
    }

    /// The latest stop with a score.
    #[must_use]
    pub fn external_result(&self) -> Option<(Order, (Points, Points))> {
        let scored = self.stops().filter(|e| e.told.score.is_some()).max_by_key(|e| e.order);
        scored.and_then(|e| Some((e.order, e.told.score?)))
    }

    /// Opened (collection) or closed and not withdrawn (assessment).
    #[must_use]
    pub fn view(&self, kind: ItemKind) -> Option<Value> {
        let views = match kind {
            ItemKind::Collection => {
                self.all().find(|e| e.told.name == Name::Item && e.told.step == Step::Start).map(|_| 1)?
            }
            ItemKind::Assessment => self.last_stop().map(|_| i64::from(!self.is_withdrawn()))?,
        };
        Some(Value::View(View { views, delta: 0, items: views }))
    }

    /// Time in the item.
    #[must_use]
    pub fn item_time(&self, kind: ItemKind) -> Option<Value> {
        let stopped = self.last_stop().is_some();
        let time = if self.is_external() {
            sum(self.stops().filter_map(|e| e.told.external_time))
        } else {
            sum(self.events.iter().filter(|(e, _)| e.told.is_visit()).map(|(_, wall)| *wall))
        };
        let fired = match kind {
            ItemKind::Collection if !self.is_external() => time.visits > 0,
            ItemKind::Collection | ItemKind::Assessment => stopped,
        };
        fired.then_some(Value::Time(time))
    }

    /// Mean of the latest reactions.
    #[must_use]
    pub fn item_reaction(&self) -> Option<Value> {
        let latest: Vec<i64> = self
            .resources()
            .iter()
            .filter_map(|r| match self.resource_reaction(r)? {
                Value::Reaction(reaction) => Some(reaction.reaction),
                Value::Score(_) | Value::Time(_) | Value::View(_) => None,
            })
            .collect();
        let count = latest.len() as i64;
        let reaction = number::mean_half_up(latest.iter().sum(), count);
        (count > 0).then_some(Value::Reaction(Reaction { reaction, count }))
    }

    /// Result of a session of an assessment, without the latest flag; `None` where there is none.
    #[must_use]
    pub fn assessment_score(&self) -> Option<Score> {
        self.last_stop()?;
        if self.is_withdrawn() {
            return None;
        }
        let update = self.update();
        if self.is_external() {
            let result = self.external_result();
            return newer(update, result).map(|of| Score { count: None, ..score_of(Worth::Of(of.0, of.1)) });
        }
        let marks: Vec<Mark> = self.questions().iter().filter_map(|q| self.marks(q).max_by_key(|m| m.order)).collect();
        let newest = marks.iter().map(|m| m.order).max();
        if let Some((at, of)) = update.filter(|(at, _)| newest.is_none_or(|n| n < *at)) {
            let _ = at;
            return Some(score_of(Worth::Of(of.0, of.1)));
        }
        if marks.iter().any(|m| m.worth == Worth::Ungraded) {
            return None;
        }
        total(marks.iter().map(|m| m.worth))
    }
}

/// Time from wall times.
fn sum(walls: impl Iterator<Item = i64>) -> Time {
    walls.fold(Time::default(), |time, wall| Time {
        spent: time.spent + wall.min(VISIT_CAP),
        wall: time.wall + wall,
        visits: time.visits + 1,
        delta: 0,
    })
}

/// The later of two results.
#[must_use]
pub fn newer(a: Option<(Order, (Points, Points))>, b: Option<(Order, (Points, Points))>) -> Option<(Points, Points)> {
    a.into_iter().chain(b).max_by_key(|(at, _)| *at).map(|(_, of)| of)
}

/// Σ raw / Σ max of what counts; `None` where nothing does.
pub fn total(worths: impl Iterator<Item = Worth>) -> Option<Score> {
    let points: Vec<(Points, Points)> = worths
        .filter_map(|w| match w {
            Worth::Of(raw, max) => Some((raw, max)),
            Worth::Ungraded | Worth::Nowhere => None,
        })
        .collect();
    let (raw, max) = points.iter().fold((0, 0), |(r, m), (raw, max)| (r + raw, m + max));
    (max > 0).then(|| Score { count: Some(points.len() as i64), ..score_of(Worth::Of(raw, max)) })
}

/// A score of its own.
#[must_use]
pub fn score_of(worth: Worth) -> Score {
    match worth {
        Worth::Ungraded => Score::default(),
        Worth::Nowhere => Score { graded: true, ..Score::default() },
        Worth::Of(raw, max) => Score {
            percent: number::percent(raw, max),
            raw: Some(raw),
            max: Some(max),
            graded: true,
            ..Score::default()
        },
    }
}

fn mark(event: &Event) -> Option<Mark> {
    let told = &event.told;
    let by_status = match told.status {
        Some("correct") => Worth::Of(ONE, ONE),
        Some("incorrect") => Worth::Of(0, ONE),
        Some("skipped") if told.question_type.as_deref() == Some("OE") => Worth::Nowhere,
        Some("skipped") => Worth::Of(0, ONE),
        Some(_) | None => Worth::Ungraded,
    };
    let worth = match told.name {
        Name::Inside | Name::Single if told.step == Step::Stop => by_status,
        Name::Grade => told.score.map(|(raw, max)| Worth::Of(raw, max))?,
        Name::Override if told.score.is_some() || told.status.is_some() => {
            told.score.map_or(by_status, |(raw, max)| Worth::Of(raw, max))
        }
        Name::Item | Name::Inside | Name::Single | Name::Reaction | Name::Override | Name::Update => return None,
    };
    Some(Mark { order: event.order, worth, status: told.status, codes: told.codes.clone() })
}
