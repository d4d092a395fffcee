//! One learner at one item over all sessions, scope by scope.
//!
//! Place: the row `learner_item`. Here an assessment finds which of its sessions is the latest, and a collection the
//! latest answer to each question; what they are worth is `scoring`'s to say.

use std::collections::BTreeMap;

use crate::order::{Order, Said, keep_latest};
use crate::scoring::{self, ItemScore};
use crate::session::{Carried, Scope, Session};
use crate::slot::Slot;
use crate::stored::{Id, Reader, Shelf, Shelved, Stored, Word, Writer};

/// State of one learner's item.
#[derive(Debug, Default)]
pub struct LearnerItem {
    /// Two plays in two scopes are two records.
    scopes: Vec<Scoped>,
}

#[derive(Debug)]
struct Scoped {
    scope: Scope,
    known: InScope,
}

/// What is known within one scope.
#[derive(Debug, Default)]
pub struct InScope {
    /// Assessments: the stopped sessions by id.
    pub(crate) attempts: Shelf<Attempt>,
    /// Collections: latest counting answer per question.
    pub(crate) answers: BTreeMap<Id, Said<(i64, i64)>>,
    /// Collections: order key of the newest answer, counting or not.
    pub newest_answer: Option<Order>,
    /// Collections: whether any session said the item is external.
    pub external: bool,
    /// Collections: latest external score.
    pub external_score: Option<Said<(i64, i64)>>,
    /// Collections: latest session-level update.
    pub update: Option<Said<(i64, i64)>>,
    /// Collections: what was published.
    pub score_slot: Slot<ItemScore>,
}

/// One stopped session of an assessment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// How it stands among the others.
    pub standing: Standing,
    /// The client's word for the item.
    pub word: Option<Word>,
    /// What its plays said and its changes repeat.
    pub carried: Carried,
    /// What was published about its score.
    pub score_slot: Slot<ItemScore>,
}

/// What the order of the sessions and the latest flag depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Order key of its last stop: sessions are ordered by it (domain.md §12).
    pub last_stop: Order,
    /// Its result; absent while an answer waits.
    pub result: Option<ItemScore>,
    /// Whether a withdrawal stands.
    pub withdrawn: bool,
    /// Whether it holds the latest flag.
    pub latest: bool,
}

impl Shelved for Attempt {
    type Gist = Standing;

    fn gist(&self) -> &Standing {
        &self.standing
    }
}

impl Standing {
    fn counts(&self) -> bool {
        !self.withdrawn && self.result.is_some_and(|r| r.graded)
    }
}

impl LearnerItem {
    /// Opens what an event of the session can touch: its own record, the one with the latest flag, and the one that
    /// gets it should the own one lose it.
    #[must_use]
    pub fn open(&mut self, scope: &Scope, session: &str) -> Option<()> {
        let Some(scoped) = self.scopes.iter_mut().find(|s| s.scope == *scope) else { return Some(()) };
        let own = Id::of(session);
        let next = scoped.known.latest_beside(&own).cloned();
        scoped.known.attempts.open(|id, standing| *id == own || standing.latest || next.as_ref() == Some(id))
    }

    /// The record of a scope, made when it is first asked for.
    pub fn in_scope(&mut self, scope: &Scope) -> &mut InScope {
        let at = self.scopes.iter().position(|s| s.scope == *scope).unwrap_or_else(|| {
            self.scopes.push(Scoped { scope: scope.clone(), known: InScope::default() });
            self.scopes.len() - 1
        });
        match self.scopes.get_mut(at) {
            Some(scoped) => &mut scoped.known,
            None => unreachable!("the position was just found or pushed"),
        }
    }

    /// The record of a scope, if there is one.
    #[must_use]
    pub fn seen_in(&self, scope: &Scope) -> Option<&InScope> {
        self.scopes.iter().find(|s| s.scope == *scope).map(|s| &s.known)
    }
}

impl InScope {
    /// Takes over what a collection's session knows.
    pub fn merge_practice(&mut self, session: &Session) {
        for (id, gist) in session.resources.gists() {
            if let Some(answer) = gist.counting_answer() {
                merge_answer(&mut self.answers, id, answer);
            }
        }
        self.external |= session.is_external();
        if let Some(score) = &session.external_score {
            keep_latest(&mut self.external_score, score.0, score.1);
        }
        if let Some(update) = &session.update {
            keep_latest(&mut self.update, update.0, update.1);
        }
        self.newest_answer = self.newest_answer.max(session.newest_answer());
    }

    /// Takes over what an assessment's session knows and hands the latest flag to whom it belongs.
    pub fn merge_test(&mut self, id: &str, session: &Session, provisional: bool) {
        let Some(last_stop) = session.last_stop else { return };
        let standing = Standing {
            last_stop,
            result: scoring::session_result(session, provisional),
            withdrawn: session.is_withdrawn(),
            latest: false,
        };
        let new = || Attempt { standing, word: None, carried: Carried::default(), score_slot: Slot::default() };
        let attempt = self.attempts.opened_or(Id::of(id), last_stop, new);
        attempt.standing = Standing { latest: attempt.standing.latest, ..standing };
        attempt.word = session.item_word().cloned();
        attempt.carried.clone_from(&session.carried);
    }

    /// The session that is the latest by what is known now.
    #[must_use]
    pub fn latest_attempt(&self) -> Option<Id> {
        latest_of(self.attempts.gists()).cloned()
    }

    fn latest_beside(&self, own: &Id) -> Option<&Id> {
        latest_of(self.attempts.gists().filter(|(id, _)| *id != own))
    }

    /// The number of a session among the stopped, not withdrawn ones, ordered by last stop; a running session gets
    /// the number it will have.
    #[must_use]
    pub fn attempt_number(&self, session: &str) -> Option<i32> {
        let own_id = Id::of(session);
        let own = self.attempts.gists().find(|(id, _)| **id == own_id).map(|(_, own)| own);
        if own.is_some_and(|a| a.withdrawn) {
            return None;
        }
        let earlier = self
            .attempts
            .gists()
            .filter(|(id, a)| **id != own_id && !a.withdrawn && own.is_none_or(|own| a.last_stop < own.last_stop));
        i32::try_from(earlier.count() + 1).ok()
    }
}

fn latest_of<'s>(sessions: impl Iterator<Item = (&'s Id, &'s Standing)>) -> Option<&'s Id> {
    sessions.filter(|(_, a)| a.counts()).max_by_key(|(_, a)| a.last_stop).map(|(id, _)| id)
}

fn merge_answer(answers: &mut BTreeMap<Id, Said<(i64, i64)>>, id: &Id, answer: &Said<(i64, i64)>) {
    match answers.get_mut(id) {
        Some(held) if held.0 >= answer.0 => {}
        Some(held) => *held = *answer,
        None => {
            answers.insert(id.clone(), *answer);
        }
    }
}

impl LearnerItem {
    fn fields(&self) -> [&dyn Stored; 1] {
        [&self.scopes]
    }
}

impl Stored for LearnerItem {
    fn put(&self, to: &mut Writer) {
        to.fields(&self.fields());
    }

    fn get(from: &mut Reader<'_>) -> Option<Self> {
        let mut fields = from.fields()?;
        let read = Self { scopes: fields.next(from)? };
        fields.end(read)
    }

    fn is_nothing(&self) -> bool {
        self.fields().iter().all(|field| field.is_nothing())
    }
}

impl Scoped {
    fn fields(&self) -> [&dyn Stored; 2] {
        [&self.scope, &self.known]
    }
}

impl Stored for Scoped {
    fn put(&self, to: &mut Writer) {
        to.fields(&self.fields());
    }

    fn get(from: &mut Reader<'_>) -> Option<Self> {
        let mut fields = from.fields()?;
        let read = Self { scope: fields.next(from)?, known: fields.next(from)? };
        fields.end(read)
    }
}

impl InScope {
    fn fields(&self) -> [&dyn Stored; 7] {
        [
            &self.attempts,
            &self.answers,
            &self.newest_answer,
            &self.external,
            &self.external_score,
            &self.update,
            &self.score_slot,
        ]
    }
}

impl Stored for InScope {
    fn put(&self, to: &mut Writer) {
        to.fields(&self.fields());
    }

    fn get(from: &mut Reader<'_>) -> Option<Self> {
        let mut fields = from.fields()?;
        let read = Self {
            attempts: fields.next(from)?,
            answers: fields.next(from)?,
            newest_answer: fields.next(from)?,
            external: fields.next(from)?,
            external_score: fields.next(from)?,
            update: fields.next(from)?,
            score_slot: fields.next(from)?,
        };
        fields.end(read)
    }
}

impl Attempt {
    fn fields(&self) -> [&dyn Stored; 4] {
        [&self.standing, &self.word, &self.carried, &self.score_slot]
    }
}

impl Stored for Attempt {
    fn put(&self, to: &mut Writer) {
        to.fields(&self.fields());
    }

    fn get(from: &mut Reader<'_>) -> Option<Self> {
        let mut fields = from.fields()?;
        let read = Self {
            standing: fields.next(from)?,
            word: fields.next(from)?,
            carried: fields.next(from)?,
            score_slot: fields.next(from)?,
        };
        fields.end(read)
    }
}

impl Standing {
    fn fields(&self) -> [&dyn Stored; 4] {
        [&self.last_stop, &self.result, &self.withdrawn, &self.latest]
    }
}

impl Stored for Standing {
    fn put(&self, to: &mut Writer) {
        to.fields(&self.fields());
    }

    fn get(from: &mut Reader<'_>) -> Option<Self> {
        let mut fields = from.fields()?;
        let read = Self {
            last_stop: fields.next(from)?,
            result: fields.next(from)?,
            withdrawn: fields.next(from)?,
            latest: fields.next(from)?,
        };
        fields.end(read)
    }
}
