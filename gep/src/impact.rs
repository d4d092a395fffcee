//! What an event changed: the values of all keys it touches against what was published.
//!
//! Place: after the fold, before `gep.usage`. Order inside a record: resource level (timespent, score, reaction), then
//! item level (view, timespent, score, reaction); a score that becomes latest precedes the others (domain.md §4.2).

use da_model::event::discrete::{Metric, ReactionValue, TimeValue, ViewValue};
use da_model::event::usage::UsageName;
use da_model::event::{Cause, Change, Entity, MetricKind, UsageEvent};

use crate::change::{Place, Subject};
use crate::item::{InScope, LearnerItem};
use crate::resource::{Resource, Time};
use crate::scoring::{self, ItemScore};
use crate::session::Session;
use crate::settings::GepSettings;
use crate::slot::{Finding, Publication, Role, Stamp};
use crate::stored::Id;
use crate::tables::resource_of;

/// The states an event moved, with the session as it was where something could not go out before.
#[derive(Debug)]
pub struct Moved<'m, 'r> {
    /// The event.
    pub event: &'m UsageEvent<'r>,
    /// The session before the fold; absent where everything was open already.
    pub before: Option<&'m Session>,
    /// The session after the fold.
    pub session: &'m mut Session,
    /// The item, unless this is a single resource.
    pub item: Option<&'m mut LearnerItem>,
    /// How to fold.
    pub settings: GepSettings,
}

/// The changes to publish, in order.
pub fn changes<'r>(moved: Moved<'_, 'r>) -> Vec<Change<'r>> {
    let Moved { event, before, session, item, settings } = moved;
    let stamp = Stamp::new(event.end_time, event.local_date, cause_of(event));
    let mut found: Vec<(Subject, Change<'r>)> = Vec::new();
    let mut ledger = Ledger { event, before, stamp, found: &mut found };
    if let Some(scope) = session.scope.clone() {
        ledger.resources(session, &scope);
    } else {
        ledger.withhold_resources(session);
    }
    let mut nothing = LearnerItem::default();
    let has_item = item.is_some();
    let item = item.unwrap_or(&mut nothing);
    if has_item {
        ledger.item(session, item, settings);
    }
    finish(found, session, item)
}

struct Ledger<'l, 'r> {
    event: &'l UsageEvent<'r>,
    before: Option<&'l Session>,
    stamp: Stamp,
    found: &'l mut Vec<(Subject, Change<'r>)>,
}

impl<'r> Ledger<'_, 'r> {
    fn resources(&mut self, session: &mut Session, scope: &crate::session::Scope) {
        let opened = self.before.is_some_and(|before| before.scope.is_none());
        let touched = resource_of(self.event).map(Id::of);
        let place = Place::of_session(self.event, session, scope);
        let concerned = session.resources.opened().filter(|(id, _)| opened || touched.as_ref() == Some(*id));
        let mut concerned: Vec<_> = concerned.collect();
        concerned.sort_by_cached_key(|(id, _)| id.to_text());
        for (id, resource) in concerned {
            self.resource(id, resource, &place);
        }
    }

    fn resource(&mut self, id: &Id, resource: &mut Resource, place: &Place<'r>) {
        let before = self.before.map(|b| b.resources.get(id).cloned().unwrap_or_default());
        let was_open =
            self.before.is_none_or(|b| b.scope.is_some()) && before.as_ref().is_none_or(|b| b.is_question().is_some());
        let Some(is_question) = resource.is_question() else {
            self.withhold_resource(before.as_ref(), resource);
            return;
        };
        let pre = before.as_ref().filter(|_| !was_open);
        let by = |same: fn(&Resource, &Resource) -> bool, now: &Resource| pre.is_none_or(|pre| !same(pre, now));
        let entity = if is_question { Entity::Question } else { Entity::Resource };
        let time = Finding {
            now: resource.time_value(),
            by_event: by(|a, b| a.time_value() == b.time_value(), resource),
            role: Role::Practice,
        };
        let score = Finding {
            now: resource.score_value(),
            by_event: by(|a, b| a.answer_value() == b.answer_value(), resource),
            role: Role::Practice,
        };
        let reaction = Finding {
            now: resource.reaction_value(),
            by_event: by(|a, b| a.reaction_value() == b.reaction_value(), resource),
            role: Role::Practice,
        };
        let metrics = [
            resource.time_slot.settle(time, self.stamp).map(|p| with(p, time_metric)),
            resource.score_slot.settle(score, self.stamp).map(|p| with(p, |s, _| Metric::Score(s.to_value()))),
            resource.reaction_slot.settle(reaction, self.stamp).map(|p| with(p, |r, _| reaction_metric((*r, 1)))),
        ];
        if metrics.iter().any(Option::is_some) {
            resource.fix_kind();
        }
        let word = resource.word.as_ref().map(|w| w.1.clone());
        for metric in metrics.into_iter().flatten() {
            self.found.push((Subject::Own, place.resource_change((entity, id, word.as_ref()), metric)));
        }
    }

    fn withhold_resources(&mut self, session: &mut Session) {
        let Some(id) = resource_of(self.event).map(Id::of) else { return };
        let before = self.before.and_then(|b| b.resources.get(&id));
        if let Some(resource) = session.resources.get_mut(&id) {
            self.withhold_resource(before, resource);
        }
    }

    fn withhold_resource(&self, before: Option<&Resource>, resource: &mut Resource) {
        let none = Resource::default();
        let before = before.unwrap_or(&none);
        if before.time_value() != resource.time_value() {
            resource.time_slot.withhold(Role::Practice, self.stamp);
        }
        if resource.is_question() != Some(false) && before.answer_value() != resource.answer_value() {
            resource.score_slot.withhold(Role::Practice, self.stamp);
        }
        if before.reaction_value() != resource.reaction_value() {
            resource.reaction_slot.withhold(Role::Practice, self.stamp);
        }
    }

    fn item(&mut self, session: &mut Session, item: &mut LearnerItem, settings: GepSettings) {
        let role = session.role();
        let none = Session::default();
        let before = self.before.unwrap_or(&none);
        let was_open = self.before.is_none_or(|b| b.role().is_some());
        let (Some(role), Some(scope)) = (role, session.scope.clone()) else {
            self.withhold_item(before, session, settings);
            return;
        };
        let place = Place::of_session(self.event, session, &scope);
        let (stamp, entity) = (self.stamp, entity_of(role));
        let view = session.view_value(role).filter(|views| *views > 0 || session.view_slot.value().is_some());
        let by_event = was_open || before.view_value(role) != view;
        let view = session.view_slot.settle(Finding { now: view, by_event, role }, stamp);
        let now = session.time_value(role);
        let by_event = was_open || before.time_value(role) != now;
        let time = session.time_slot.settle(Finding { now, by_event, role }, stamp);
        let now = session.reaction_value();
        let by_event = was_open || before.reaction_value() != now;
        let reaction = session.reaction_slot.settle(Finding { now, by_event, role }, stamp);
        let own = |metric: Published| (Subject::Own, place.item_change(entity, metric));
        self.found.extend(view.map(|p| own(with(p, view_metric))));
        self.found.extend(time.map(|p| own(with(p, time_metric))));
        let by_event = was_open || score_moved(before, session, role, settings);
        let score_stamp = session.score_withheld.take(role).filter(|_| !by_event).unwrap_or(stamp);
        let known = item.in_scope(&scope);
        match role {
            Role::Practice => {
                known.merge_practice(session);
                let now = scoring::collection_score(known, known.score_slot.value().is_some());
                let finding = Finding { now, by_event: true, role };
                let score = known.score_slot.settle(finding, score_stamp);
                self.found.extend(score.map(|p| own(with(p, score_metric))));
            }
            Role::Test => {
                known.merge_test(&self.event.session_id, session, settings.provisional);
                self.attempts(known, &place, score_stamp);
            }
        }
        self.found.extend(reaction.map(|p| own(with(p, |r, _| reaction_metric(*r)))));
        if self.found.iter().any(|(_, change)| change.resource_id.is_none()) {
            session.fix_kind();
        }
    }

    /// Scores of all sessions of the scope: the own one where it differs, another one where it gains the latest flag.
    fn attempts(&mut self, known: &mut InScope, place: &Place<'r>, stamp: Stamp) {
        let latest = known.latest_attempt();
        let mut gained_first = Vec::new();
        let mut others = Vec::new();
        let own_id = Id::of(&self.event.session_id);
        for (id, attempt) in known.attempts.opened() {
            let is_latest = latest.as_ref() == Some(id);
            let gained = is_latest && !attempt.standing.latest;
            attempt.standing.latest = is_latest;
            let own = *id == own_id;
            let value = scoring::attempt_value(attempt.standing.result, attempt.standing.withdrawn, is_latest);
            let moved = own && says_more(attempt.score_slot.value(), &value);
            if !(gained || moved) {
                continue;
            }
            let stamp = if moved { stamp } else { self.stamp.because(Cause::Latest) };
            let metric = with(attempt.score_slot.publish(value, stamp), score_metric);
            let change = if own {
                place.item_change(Entity::Assessment, metric)
            } else {
                place.attempt_change(id, attempt, metric)
            };
            let subject = if own { Subject::Own } else { Subject::Attempt(id.clone()) };
            if gained { &mut gained_first } else { &mut others }.push((subject, change));
        }
        self.found.append(&mut gained_first);
        self.found.append(&mut others);
    }

    fn withhold_item(&self, before: &Session, session: &mut Session, settings: GepSettings) {
        for role in Role::ALL {
            if before.view_value(role) != session.view_value(role) {
                session.view_slot.withhold(role, self.stamp);
            }
            if before.time_value(role) != session.time_value(role) {
                session.time_slot.withhold(role, self.stamp);
            }
            if before.reaction_value() != session.reaction_value() {
                session.reaction_slot.withhold(role, self.stamp);
            }
            if score_moved(before, session, role, settings) {
                session.score_withheld.note(role, self.stamp);
            }
        }
    }
}

/// A change's figures: metric before and now, revision and stamp.
#[derive(Debug)]
pub struct Published {
    /// From 1, no holes.
    pub revision: i32,
    /// The metric before.
    pub before: Option<Metric<'static>>,
    /// The metric now.
    pub after: Metric<'static>,
    /// When and why.
    pub stamp: Stamp,
}

/// Whether there is something to publish besides a lost latest flag; a first null is not published.
fn says_more(published: Option<&ItemScore>, value: &ItemScore) -> bool {
    match published {
        None => value.points.is_some(),
        Some(published) => ItemScore { latest: None, ..*published } != ItemScore { latest: None, ..*value },
    }
}

/// Whether this session's own part of the score differs before and after the fold.
fn score_moved(before: &Session, session: &Session, role: Role, settings: GepSettings) -> bool {
    match role {
        Role::Test => {
            let worth = |s: &Session| (s.is_withdrawn(), scoring::session_result(s, settings.provisional));
            worth(before) != worth(session)
        }
        Role::Practice => {
            let alone = |s: &Session| {
                let mut known = InScope::default();
                known.merge_practice(s);
                scoring::collection_score(&known, false)
            };
            alone(before) != alone(session)
        }
    }
}

fn finish<'r>(found: Vec<(Subject, Change<'r>)>, session: &mut Session, item: &LearnerItem) -> Vec<Change<'r>> {
    if !found.is_empty() {
        session.freeze_scope();
    }
    let in_scope = session.scope.as_ref().and_then(|scope| item.seen_in(scope));
    let in_scope = in_scope.filter(|_| session.is_assessment() == Some(true));
    let mut changes = Vec::with_capacity(found.len());
    for (subject, mut change) in found {
        subject.enrich(&mut change, session, in_scope);
        if change.metric == MetricKind::View && session.view_date.is_none() {
            session.view_date = Some(change.local_date.0);
        }
        changes.push(change);
    }
    changes
}

fn with<V>(publication: Publication<V>, metric: fn(&V, i64) -> Metric<'static>) -> Published {
    let Publication { revision, before, after, delta, stamp } = publication;
    Published {
        revision,
        before: before.map(|(value, delta)| metric(&value, delta)),
        after: metric(&after, delta),
        stamp,
    }
}

fn time_metric(now: &Time, delta: i64) -> Metric<'static> {
    Metric::Timespent(TimeValue { time_spent: now.counted, delta, wall_time: now.wall, visits: now.visits })
}

fn view_metric(now: &i64, delta: i64) -> Metric<'static> {
    Metric::View(ViewValue { views: *now, delta, items: i32::from(*now > 0) })
}

fn score_metric(now: &ItemScore, _: i64) -> Metric<'static> {
    Metric::Score(now.to_value())
}

fn reaction_metric((reaction, count): (i32, i32)) -> Metric<'static> {
    Metric::Reaction(ReactionValue { reaction, count })
}

const fn entity_of(role: Role) -> Entity {
    match role {
        Role::Practice => Entity::Collection,
        Role::Test => Entity::Assessment,
    }
}

const fn cause_of(event: &UsageEvent<'_>) -> Cause {
    match event.event_name {
        UsageName::CollectionPlay
        | UsageName::CollectionResourcePlay
        | UsageName::ResourcePlay
        | UsageName::ReactionCreate => Cause::Play,
        UsageName::ResourceRubricGrade => Cause::Grade,
        UsageName::ResourceScoreUpdate => Cause::Override,
        UsageName::CollectionScoreUpdate if event.withdrawn => Cause::Withdrawn,
        UsageName::CollectionScoreUpdate => Cause::Update,
    }
}
