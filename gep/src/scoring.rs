//! What a session of an assessment, or a collection over all sessions, is worth (domain.md §6).
//!
//! Place: between the merged state and what is said about it. Exact points only; percents are formed where a score
//! leaves GEP.

use da_model::event::discrete::{ScoreStatus, ScoreValue};
use da_model::score::{Percent, Points};

use crate::item::InScope;
use crate::order::Said;
use crate::resource::{Gist, Mark, QuestionScore};
use crate::session::Session;
use crate::slot::Moves;
use crate::stored::{Reader, Stored, Writer};

/// A score of an item: of one session of an assessment, or of a collection in its scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ItemScore {
    /// Raw and max, scaled by 10⁴; absent is unknown, never 0.
    pub points: Option<(i64, i64)>,
    /// Whether everything inside is graded.
    pub graded: bool,
    /// Whether the session is withdrawn.
    pub withdrawn: bool,
    /// Assessments: the latest flag.
    pub latest: Option<bool>,
    /// Answers counted; absent where none were (external results, updates).
    pub count: Option<i32>,
}

impl Moves for ItemScore {
    fn moved_by(&self, _: Option<&Self>) -> i64 {
        0
    }
}

impl ItemScore {
    const UNKNOWN: Self = Self { points: None, graded: false, withdrawn: false, latest: None, count: None };

    const fn given((raw, max): (i64, i64)) -> Self {
        Self { points: Some((raw, max)), graded: true, ..Self::UNKNOWN }
    }

    /// The metric record.
    #[must_use]
    pub fn to_value(self) -> ScoreValue<'static> {
        let (raw, max) = self.points.map(|(raw, max)| (Points(raw), Points(max))).unzip();
        ScoreValue {
            score: raw.zip(max).and_then(|(raw, max)| Percent::of(raw, max)),
            raw,
            max,
            graded: self.graded,
            status: self.withdrawn.then_some(ScoreStatus::Withdrawn),
            latest: self.latest,
            count: self.count,
            codes: Vec::new(),
        }
    }
}

impl QuestionScore {
    /// The metric record.
    #[must_use]
    pub fn to_value(&self) -> ScoreValue<'static> {
        let points = match self.mark {
            Mark::Points(raw, max) => Some((Points(raw), Points(max))),
            Mark::Nowhere | Mark::Waiting => None,
        };
        let (raw, max) = points.unzip();
        ScoreValue {
            score: points.and_then(|(raw, max)| Percent::of(raw, max)),
            raw,
            max,
            graded: self.mark != Mark::Waiting,
            status: self.status().map(ScoreStatus::from),
            latest: None,
            count: None,
            codes: self.codes.clone(),
        }
    }
}

/// The result of a session as an assessment; `None` without a stop, without points, or while an answer waits.
#[must_use]
pub fn session_result(session: &Session, provisional: bool) -> Option<ItemScore> {
    session.last_stop?;
    if let Some(update) = standing_update(session.update.as_ref(), session.newest_answer()) {
        return Some(ItemScore::given(update));
    }
    if session.is_external() {
        return session.external_score.as_ref().map(|s| ItemScore::given(s.1));
    }
    let marks: Vec<Mark> = session.gists().filter_map(Gist::latest_answer).map(|a| a.1).collect();
    let graded = !marks.contains(&Mark::Waiting);
    let counted = marks.iter().filter_map(|mark| match mark {
        Mark::Points(raw, max) => Some((*raw, *max)),
        Mark::Nowhere | Mark::Waiting => None,
    });
    let score = sum(counted)?;
    (graded || provisional).then_some(ItemScore { graded, ..score })
}

/// What a session's score says: its result with the latest flag, or that it is withdrawn or unknown again.
#[must_use]
pub fn attempt_value(result: Option<ItemScore>, withdrawn: bool, latest: bool) -> ItemScore {
    if withdrawn {
        return ItemScore { withdrawn: true, latest: Some(false), ..ItemScore::UNKNOWN };
    }
    ItemScore { latest: Some(latest), ..result.unwrap_or(ItemScore::UNKNOWN) }
}

/// The score of a collection in its scope; `None` before the first counting answer. One that was published and is known
/// no more (a newer answer that waits ended an update) is said to be unknown.
#[must_use]
pub fn collection_score(known: &InScope, published: bool) -> Option<ItemScore> {
    known_score(known).or_else(|| published.then_some(ItemScore::UNKNOWN))
}

fn known_score(known: &InScope) -> Option<ItemScore> {
    if let Some(update) = standing_update(known.update.as_ref(), known.newest_answer) {
        return Some(ItemScore::given(update));
    }
    if known.external {
        return known.external_score.as_ref().map(|s| ItemScore::given(s.1));
    }
    sum(known.answers.values().map(|a| a.1))
}

/// An update holds until a newer answer, or a newer stop with a score on an external item.
fn standing_update(update: Option<&Said<(i64, i64)>>, newest: Option<crate::order::Order>) -> Option<(i64, i64)> {
    update.filter(|u| newest.is_none_or(|n| n < u.0)).map(|u| u.1)
}

fn sum(points: impl Iterator<Item = (i64, i64)>) -> Option<ItemScore> {
    let add =
        |(raw, max, n): (i64, i64, i32), (r, m): (i64, i64)| (raw.saturating_add(r), max.saturating_add(m), n + 1);
    let (raw, max, count) = points.fold((0, 0, 0), add);
    (max > 0).then_some(ItemScore { count: Some(count), ..ItemScore::given((raw, max)) })
}

impl ItemScore {
    fn fields(&self) -> [&dyn Stored; 5] {
        [&self.points, &self.graded, &self.withdrawn, &self.latest, &self.count]
    }
}

impl Stored for ItemScore {
    fn put(&self, to: &mut Writer) {
        to.fields(&self.fields());
    }

    fn get(from: &mut Reader<'_>) -> Option<Self> {
        let mut fields = from.fields()?;
        let read = Self {
            points: fields.next(from)?,
            graded: fields.next(from)?,
            withdrawn: fields.next(from)?,
            latest: fields.next(from)?,
            count: fields.next(from)?,
        };
        fields.end(read)
    }
}
