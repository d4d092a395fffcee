//! One learner at one item over all sessions, scope by scope.
//!
//! Place: the row `learner_item`. Here an assessment finds which of its sessions is the latest, and a collection the
//! latest answer to each question; what they are worth is `scoring`'s to say.

use std::collections::BTreeMap;

use crate::order::{Order, Said, keep_latest};
use crate::scoring::{self, ItemScore};
use crate::session::{Carried, Scope, Session};
use crate::slot::Slot;
use crate::stored::stored;

/// State of one learner's item.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LearnerItem {
    /// Two plays in two scopes are two records.
    scopes: Vec<Scoped>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Scoped {
    scope: Scope,
    known: InScope,
}

/// What is known within one scope.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InScope {
    /// Assessments: the stopped sessions by id.
    pub attempts: BTreeMap<String, Attempt>,
    /// Collections: latest counting answer per question.
    pub answers: BTreeMap<String, Said<(i64, i64)>>,
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
    /// Order key of its last stop: sessions are ordered by it (domain.md §12).
    pub last_stop: Order,
    /// Its result; absent while an answer waits.
    pub result: Option<ItemScore>,
    /// Whether a withdrawal stands.
    pub withdrawn: bool,
    /// Whether it holds the latest flag.
    pub latest: bool,
    /// The client's word for the item.
    pub word: Option<String>,
    /// What its plays said and its changes repeat.
    pub carried: Carried,
    /// What was published about its score.
    pub score_slot: Slot<ItemScore>,
}

impl LearnerItem {
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
        for (id, resource) in &session.resources {
            if let Some(answer) = resource.counting_answer() {
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
        let held = self.attempts.remove(id);
        let (latest, score_slot) = held.map(|a| (a.latest, a.score_slot)).unwrap_or_default();
        let attempt = Attempt {
            last_stop,
            result: scoring::session_result(session, provisional),
            withdrawn: session.is_withdrawn(),
            latest,
            word: session.item_word().map(str::to_owned),
            carried: session.carried.clone(),
            score_slot,
        };
        self.attempts.insert(id.to_owned(), attempt);
    }

    /// The session that is the latest by what is known now.
    #[must_use]
    pub fn latest_attempt(&self) -> Option<String> {
        let counting = self.attempts.iter().filter(|(_, a)| !a.withdrawn && a.result.is_some_and(|r| r.graded));
        counting.max_by_key(|(_, a)| a.last_stop).map(|(id, _)| id.clone())
    }

    /// The number of a session among the stopped, not withdrawn ones, ordered by last stop; a running session gets
    /// the number it will have.
    #[must_use]
    pub fn attempt_number(&self, session: &str) -> Option<i32> {
        let own = self.attempts.get(session);
        if own.is_some_and(|a| a.withdrawn) {
            return None;
        }
        let earlier = self
            .attempts
            .iter()
            .filter(|(id, a)| *id != session && !a.withdrawn && own.is_none_or(|own| a.last_stop < own.last_stop));
        i32::try_from(earlier.count() + 1).ok()
    }
}

fn merge_answer(answers: &mut BTreeMap<String, Said<(i64, i64)>>, id: &str, answer: &Said<(i64, i64)>) {
    match answers.get_mut(id) {
        Some(held) if held.0 >= answer.0 => {}
        Some(held) => *held = answer.clone(),
        None => {
            answers.insert(id.to_owned(), answer.clone());
        }
    }
}

stored!(LearnerItem { scopes });
stored!(Scoped { scope, known });
stored!(InScope { attempts, answers, newest_answer, external, external_score, update, score_slot });
stored!(Attempt { last_stop, result, withdrawn, latest, word, carried, score_slot });
