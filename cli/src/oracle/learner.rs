//! One learner's events folded into the discrete events of demux, in the order of `gep.accepted`.
//!
//! Place: above `session`; after every event all values it could touch are recomputed and compared with what went out
//! before (domain.md §4.2). Knows no roll-up and no table.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use super::de::{De, Origin, Scope, Score, Value};
use super::session::{self, Event, Mark, Order, Session, Worth};
use super::told::{Carried, Id, ItemKind, Name, ResourceKind, Told};

/// What became of one accepted copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Became {
    /// It counts.
    Applied,
    /// A repeat.
    Duplicate,
    /// Same id, other content.
    Conflict,
}

/// Session, item (empty if none), single resource (empty if in an item).
type Sitting = (Id, Id, Id);

/// A learner of a tenant.
#[derive(Debug, Default)]
pub struct Learner {
    sessions: BTreeMap<Sitting, Session>,
    applied: BTreeMap<(Id, Id, Id), Rc<Event>>,
    published: BTreeMap<(&'static str, Vec<Id>), Published>,
    /// The session that was said last to be the latest, per item and scope.
    latest: BTreeMap<Vec<Id>, Id>,
}

#[derive(Debug, Clone)]
struct Published {
    value: Value,
    revision: i64,
    /// Date of the first one; views keep it.
    date: i32,
}

/// A value that may have to go out.
struct Candidate<'c> {
    topic: &'static str,
    entity: Vec<Id>,
    value: Value,
    sitting: &'c Sitting,
    resource: Option<(Id, ResourceKind)>,
    item_kind: Option<ItemKind>,
    scope: Scope,
    cause: &'static str,
    /// Events that the value is made of: is this event one of them?
    made_of: fn(&Told) -> bool,
}

impl Learner {
    /// Applies the lowest copy of an event and says what goes out because of it, in order.
    pub fn apply(&mut self, event: Event) -> (Became, Vec<De>) {
        let item = event.told.item.clone().unwrap_or_default();
        let known = (event.told.session.clone(), item.clone(), event.key.clone());
        if let Some(first) = self.applied.get(&known) {
            let same = first.told == event.told;
            return (if same { Became::Duplicate } else { Became::Conflict }, Vec::new());
        }
        let event = Rc::new(event);
        self.applied.insert(known, Rc::clone(&event));
        if !event.told.student || event.told.comment {
            return (Became::Applied, Vec::new());
        }
        let single = if event.told.item.is_none() { event.told.resource.clone() } else { None };
        let sitting = (event.told.session.clone(), item, single.unwrap_or_default());
        let session = self.sessions.entry(sitting.clone()).or_default();
        let wall = if event.told.is_visit() { session.wall(&event) } else { 0 };
        session.events.push((Rc::clone(&event), wall));
        (Became::Applied, self.changes(&event, &sitting))
    }

    fn changes(&mut self, event: &Event, sitting: &Sitting) -> Vec<De> {
        let Some(session) = self.sessions.get(sitting).filter(|s| s.has_play()) else { return Vec::new() };
        let Some(scope) = session.scope() else { return Vec::new() };
        let mut candidates = resource_level(event, sitting, session, &scope);
        if let Some(kind) = session.item_kind().filter(|_| !sitting.1.is_empty()) {
            candidates.extend(self.item_level(event, sitting, (session, kind, &scope)));
        }
        let mut out = Vec::new();
        for candidate in candidates {
            out.extend(self.publish(event, candidate));
        }
        out
    }

    fn item_level<'c>(
        &self,
        event: &Event,
        sitting: &'c Sitting,
        (session, kind, scope): (&Session, ItemKind, &Scope),
    ) -> Vec<Candidate<'c>> {
        let entity = vec![event.told.user.clone(), sitting.0.clone(), sitting.1.clone()];
        let topics = topics_of(kind);
        let candidate = |topic, value, made_of| Candidate {
            topic,
            entity: entity.clone(),
            value,
            sitting,
            resource: None,
            item_kind: Some(kind),
            scope: scope.clone(),
            cause: cause_of(&event.told),
            made_of,
        };
        let mut list = Vec::new();
        list.extend(session.view(kind).map(|v| candidate(topics.view, v, is_session_word)));
        list.extend(session.item_time(kind).map(|v| candidate(topics.time, v, is_timed)));
        match kind {
            ItemKind::Assessment => list.extend(self.scores(event, sitting, scope)),
            ItemKind::Collection => list.push(self.collection_score(event, sitting, scope)),
        }
        list.extend(session.item_reaction().map(|v| candidate(topics.reaction, v, is_reaction)));
        list
    }

    /// Sessions of the same item and scope and kind.
    fn siblings<'s>(
        &'s self,
        item: &'s Id,
        scope: &'s Scope,
        kind: ItemKind,
    ) -> impl Iterator<Item = (&'s Sitting, &'s Session)> {
        self.sessions.iter().filter(move |(at, session)| {
            at.1 == *item && session.item_kind() == Some(kind) && session.scope().as_ref() == Some(scope)
        })
    }

    /// The session of the event, and the one that becomes the latest; that one first.
    fn scores<'c>(&self, event: &Event, sitting: &'c Sitting, scope: &Scope) -> Vec<Candidate<'c>> {
        let siblings = self.siblings(&sitting.1, scope, ItemKind::Assessment);
        let standing = siblings.filter_map(|(at, s)| Some((s.last_stop()?, at, s.assessment_score()?)));
        let latest = standing.max_by_key(|(stop, ..)| *stop).map(|(_, at, score)| (at.clone(), score));
        let mut list = Vec::new();
        if let Some((at, score)) = latest.as_ref().filter(|(at, _)| at != sitting) {
            let gained = Score { latest: Some(true), ..score.clone() };
            list.push((at.clone(), gained, "latest"));
        }
        if let Some(session) = self.sessions.get(sitting).filter(|s| s.last_stop().is_some()) {
            let withdrawn = session.is_withdrawn().then_some("withdrawn");
            let score = session.assessment_score().unwrap_or(Score { status: withdrawn, ..Score::default() });
            let is_latest = latest.is_some_and(|(at, _)| at == *sitting);
            list.push((sitting.clone(), Score { latest: Some(is_latest), ..score }, cause_of(&event.told)));
        }
        let user = &event.told.user;
        let made = list.into_iter().map(|(at, score, cause)| Candidate {
            topic: "demux.assessment.score",
            entity: vec![user.clone(), at.0.clone(), at.1.clone()],
            value: Value::Score(score),
            sitting,
            resource: None,
            item_kind: Some(ItemKind::Assessment),
            scope: scope.clone(),
            cause,
            made_of: if cause == "latest" { always } else { is_scored },
        });
        made.collect()
    }

    /// Latest answers per question over all sessions of the scope.
    fn collection_score<'c>(&self, event: &Event, sitting: &'c Sitting, scope: &Scope) -> Candidate<'c> {
        let sessions: Vec<&Session> = self.siblings(&sitting.1, scope, ItemKind::Collection).map(|(_, s)| s).collect();
        // Unknown again is said where something was said before.
        let score = collection_score(&sessions).unwrap_or_default();
        let mut entity = in_scope(&sitting.1, scope);
        entity.insert(0, event.told.user.clone());
        Candidate {
            topic: "demux.collection.score",
            entity,
            value: Value::Score(score),
            sitting,
            resource: None,
            item_kind: Some(ItemKind::Collection),
            scope: scope.clone(),
            cause: cause_of(&event.told),
            made_of: is_scored,
        }
    }

    fn publish(&mut self, event: &Event, mut candidate: Candidate<'_>) -> Option<De> {
        let key = (candidate.topic, candidate.entity.clone());
        let before = self.published.get(&key).cloned();
        let nothing = candidate.value.is_nothing() && candidate.topic != "demux.question.score";
        let gained = self.gains(&candidate);
        if before.as_ref().map_or(nothing, |b| candidate.value.is_said_by(&b.value)) {
            if !gained {
                return None;
            }
            candidate.cause = "latest";
        }
        let value = candidate.value.clone().with_delta(before.as_ref().map(|b| &b.value));
        let revision = before.as_ref().map_or(1, |b| b.revision + 1);
        let (activity, own_date) = self.when(event, &candidate);
        let first = before.as_ref().map(|b| b.date).filter(|_| candidate.topic.ends_with(".view"));
        let date = first.unwrap_or(own_date);
        self.published.insert(key, Published { value: value.clone(), revision, date });
        self.freeze(&candidate);
        Some(self.de(event, candidate, (revision, activity, date, value, before.map(|b| b.value))))
    }

    /// Whether a session becomes the latest now. One that loses this without a word and has it again says so, even with
    /// the values that it said before (domain.md §6, Latest).
    fn gains(&mut self, candidate: &Candidate<'_>) -> bool {
        let (Value::Score(Score { latest: Some(is_latest), .. }), Some(session)) =
            (&candidate.value, candidate.entity.get(1))
        else {
            return false;
        };
        let key = in_scope(&candidate.sitting.1, &candidate.scope);
        let held = self.latest.get(&key) == Some(session);
        if *is_latest {
            self.latest.insert(key, session.clone());
        } else if held {
            self.latest.remove(&key);
        }
        *is_latest && !held
    }

    /// Activity time and date: of the event, or of the latest event that had to wait for it.
    fn when(&self, event: &Event, candidate: &Candidate<'_>) -> (i64, i32) {
        let concerns = |e: &Event| {
            let same = candidate.resource.as_ref().is_none_or(|(r, _)| e.told.resource.as_ref() == Some(r));
            same && (candidate.made_of)(&e.told)
        };
        if concerns(event) {
            return (event.end, event.date);
        }
        let session = self.sessions.get(candidate.sitting);
        let waited = session.into_iter().flat_map(Session::all).filter(|e| concerns(e)).max_by_key(|e| e.end);
        waited.map_or((event.end, event.date), |e| (e.end, e.date))
    }

    fn freeze(&mut self, candidate: &Candidate<'_>) {
        let Some(session) = self.sessions.get_mut(candidate.sitting) else { return };
        session.frozen.get_or_insert_with(|| candidate.scope.clone());
        if let Some((resource, kind)) = &candidate.resource {
            session.frozen_kinds.entry(resource.clone()).or_insert(*kind);
        } else if let Some(kind) = candidate.item_kind {
            session.frozen_kind.get_or_insert(kind);
        }
    }

    fn de(&self, event: &Event, candidate: Candidate<'_>, said: (i64, i64, i32, Value, Option<Value>)) -> De {
        let (revision, activity, date, result, previous) = said;
        let spans = candidate.topic == "demux.collection.score";
        // A gained latest flag is said of another session than the event's.
        let session = candidate.entity.get(1).filter(|_| !spans).cloned();
        let owner = (session.clone().unwrap_or_default(), candidate.sitting.1.clone(), candidate.sitting.2.clone());
        let owned = self.sessions.get(&owner).or_else(|| self.sessions.get(candidate.sitting));
        let kind = candidate.item_kind.or_else(|| owned.and_then(Session::item_kind));
        De {
            topic: candidate.topic,
            entity: candidate.entity,
            revision,
            origin: Origin {
                event_id: event.told.event_id.clone(),
                event_key: event.key.clone(),
                partition: event.at.0,
                offset: event.at.1,
            },
            activity,
            date,
            cause: candidate.cause,
            user: Some(event.told.user.clone()),
            session,
            item: Some(candidate.sitting.1.clone()).filter(|i| !i.is_empty()),
            item_kind: kind.map(ItemKind::text),
            item_word: owned.and_then(Session::item_word),
            resource: candidate.resource.as_ref().map(|(r, _)| r.clone()),
            resource_kind: candidate.resource.as_ref().map(|(_, k)| k.text()),
            attempt: self.attempt(&owner, &candidate.scope),
            scope: candidate.scope,
            carried: Arc::new(carried(event, owned)),
            result,
            previous,
        }
    }

    /// Number of a session among the stopped ones that were not withdrawn, by their last stop.
    fn attempt(&self, at: &Sitting, scope: &Scope) -> Option<i64> {
        let siblings = self.siblings(&at.1, scope, ItemKind::Assessment);
        let mut stops: Vec<(Order, &Sitting)> =
            siblings.filter(|(_, s)| !s.is_withdrawn()).filter_map(|(at, s)| Some((s.last_stop()?, at))).collect();
        stops.sort();
        stops.iter().position(|(_, a)| *a == at).map(|n| n as i64 + 1)
    }
}

/// An item in a scope.
fn in_scope(item: &Id, Scope { place, track, path_id }: &Scope) -> Vec<Id> {
    let mut parts = vec![item.clone()];
    parts.extend([&place.class, &place.course, &place.unit, &place.lesson].map(|id| id.clone().unwrap_or_default()));
    parts.extend([Id::from(*track), path_id.to_string().into()]);
    parts
}

struct Topics {
    view: &'static str,
    time: &'static str,
    reaction: &'static str,
}

const fn topics_of(kind: ItemKind) -> Topics {
    match kind {
        ItemKind::Collection => Topics {
            view: "demux.collection.view",
            time: "demux.collection.timespent",
            reaction: "demux.collection.reaction",
        },
        ItemKind::Assessment => Topics {
            view: "demux.assessment.view",
            time: "demux.assessment.timespent",
            reaction: "demux.assessment.reaction",
        },
    }
}

fn resource_level<'c>(event: &Event, sitting: &'c Sitting, session: &Session, scope: &Scope) -> Vec<Candidate<'c>> {
    let mut list = Vec::new();
    for resource in session.resources() {
        let Some(kind) = session.resource_kind(&resource) else { continue };
        let question = kind == ResourceKind::Question;
        let candidate = |topic, value, made_of| Candidate {
            topic,
            entity: vec![event.told.user.clone(), sitting.0.clone(), sitting.1.clone(), resource.clone()],
            value,
            sitting,
            resource: Some((resource.clone(), kind)),
            item_kind: None,
            scope: scope.clone(),
            cause: cause_of(&event.told),
            made_of,
        };
        let (time, reaction) = if question {
            ("demux.question.timespent", "demux.question.reaction")
        } else {
            ("demux.resource.timespent", "demux.resource.reaction")
        };
        list.extend(session.resource_time(&resource).map(|v| candidate(time, v, Told::is_visit)));
        let answer = session.question_score(&resource).filter(|_| question);
        list.extend(answer.map(|v| candidate("demux.question.score", v, is_scored)));
        list.extend(session.resource_reaction(&resource).map(|v| candidate(reaction, v, is_reaction)));
    }
    list
}

/// A collection's score over its sessions in one scope.
fn collection_score(sessions: &[&Session]) -> Option<Score> {
    let update = sessions.iter().filter_map(|s| s.update()).max_by_key(|(at, _)| *at);
    if sessions.iter().any(|s| s.is_external()) {
        let result = sessions.iter().filter_map(|s| s.external_result()).max_by_key(|(at, _)| *at);
        return session::newer(update, result).map(|of| session::score_of(Worth::Of(of.0, of.1)));
    }
    let mut answers: BTreeMap<Id, Mark> = BTreeMap::new();
    let mut newest: Option<Order> = None;
    for (question, mark) in sessions.iter().flat_map(|s| marks_of(s)) {
        newest = newest.max(Some(mark.order));
        let counts = matches!(mark.worth, Worth::Of(..));
        let older = answers.get(&question).is_none_or(|known| known.order < mark.order);
        if counts && older {
            answers.insert(question, mark);
        }
    }
    match update.filter(|(at, _)| newest.is_none_or(|n| n < *at)) {
        Some((_, of)) => Some(session::score_of(Worth::Of(of.0, of.1))),
        None => session::total(answers.values().map(|m| m.worth)),
    }
}

fn marks_of(session: &Session) -> Vec<(Id, Mark)> {
    let questions = session.questions();
    questions.iter().flat_map(|q| session.marks(q).map(|m| (q.clone(), m))).collect()
}

/// What the event carries; where it is silent, the first of the session's plays that is not.
fn carried(event: &Event, session: Option<&Session>) -> Carried {
    let own = &event.told.carried;
    let mut all = own.clone();
    let plays = session.into_iter().flat_map(Session::all).filter(|e| e.told.name.is_play());
    let mut first = true;
    for play in plays.map(|e| &e.told.carried) {
        if first {
            all.content_source.clone_from(&play.content_source);
        }
        first = false;
        all.path_type = all.path_type.or_else(|| play.path_type.clone());
        all.question_count = all.question_count.or(play.question_count);
        all.client_source = all.client_source.or_else(|| play.client_source.clone());
    }
    all
}

const fn cause_of(told: &Told) -> &'static str {
    match told.name {
        Name::Item | Name::Inside | Name::Single | Name::Reaction => "play",
        Name::Grade => "grade",
        Name::Override => "override",
        Name::Update if told.withdrawn => "withdrawn",
        Name::Update => "update",
    }
}

const fn always(_: &Told) -> bool {
    true
}

fn is_reaction(told: &Told) -> bool {
    told.reaction.is_some_and(|r| r > 0)
}

const fn is_session_word(told: &Told) -> bool {
    matches!(told.name, Name::Item | Name::Update)
}

fn is_timed(told: &Told) -> bool {
    told.is_visit() || told.name == Name::Item
}

fn is_scored(told: &Told) -> bool {
    match told.name {
        Name::Item | Name::Grade | Name::Override | Name::Update => true,
        Name::Inside | Name::Single => told.is_visit(),
        Name::Reaction => false,
    }
}
