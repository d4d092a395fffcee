//! One resource or question within a session: its visits, answers and reactions, merged by order key.
//!
//! Place: inside the session's state. Time totals grow only with events that dedupe let through; everything else is
//! "first by order" or "latest by order", so arrival does not matter (domain.md §4.1).

use da_model::event::UsageEvent;
use da_model::event::usage::{AnswerStatus, EventKind, ObjectKind, ScoreReason, UsageName};
use da_model::score::Points;

use crate::order::{Moment, Order, Said, keep_first, keep_latest};
use crate::slot::{Moves, Slot};
use crate::stored::{self, Reader, Shelved, Stored, Word, Writer};

/// State of one resource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resource {
    /// What its session needs to know of it.
    pub gist: Gist,
    /// Whether a DE went out under the kind, which then stays.
    kind_fixed: bool,
    /// The client's word for its type.
    pub word: Option<Said<Word>>,
    starts: Vec<Said<Moment>>,
    status: Option<Said<u8>>,
    codes: Option<Said<Vec<Word>>>,
    /// What was published about its time.
    pub time_slot: Slot<Time>,
    /// What was published about its answer.
    pub score_slot: Slot<QuestionScore>,
    /// What was published about its reaction.
    pub reaction_slot: Slot<i32>,
}

/// What the totals of a session are made of, resource by resource.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Gist {
    kind: Option<Said<bool>>,
    /// Time of all visits.
    pub time: Time,
    answer: Option<Said<Mark>>,
    unsaid: Option<Order>,
    counting: Option<Said<(i64, i64)>>,
    reaction: Option<Said<i32>>,
}

/// Counted time, uncapped time and visits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Time {
    /// Capped sum, ms.
    pub counted: i64,
    /// Uncapped sum, ms.
    pub wall: i64,
    /// Visits.
    pub visits: i32,
}

/// How an answer stands: points, graded without points (a skipped open-ended question), or waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Raw and max, scaled by 10⁴.
    Points(i64, i64),
    /// Graded, but counts nowhere.
    Nowhere,
    /// Waits for grading.
    Waiting,
}

/// The value of question.score.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuestionScore {
    /// How the answer stands.
    pub mark: Mark,
    /// Index of the answer's status.
    status: Option<u8>,
    /// Competency codes.
    pub codes: Vec<Word>,
}

impl QuestionScore {
    /// The answer's status.
    #[must_use]
    pub fn status(&self) -> Option<AnswerStatus> {
        self.status.and_then(|s| AnswerStatus::ALL.get(usize::from(s))).copied()
    }
}

impl Moves for Time {
    fn moved_by(&self, before: Option<&Self>) -> i64 {
        self.counted - before.map_or(0, |b| b.counted)
    }
}

impl Moves for QuestionScore {
    fn moved_by(&self, _: Option<&Self>) -> i64 {
        0
    }
}

impl Time {
    /// Adds a visit.
    #[must_use]
    pub const fn with_visit(self, wall: i64, cap: i64) -> Self {
        let counted = if wall < cap { wall } else { cap };
        Self {
            counted: self.counted.saturating_add(counted),
            wall: self.wall.saturating_add(wall),
            visits: self.visits.saturating_add(1),
        }
    }

    /// The sum of both.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            counted: self.counted.saturating_add(other.counted),
            wall: self.wall.saturating_add(other.wall),
            visits: self.visits.saturating_add(other.visits),
        }
    }
}

impl Shelved for Resource {
    type Gist = Gist;

    fn gist(&self) -> &Gist {
        &self.gist
    }
}

impl Gist {
    /// Whether it is a question; `None` while no event has said so.
    #[must_use]
    pub fn is_question(&self) -> Option<bool> {
        self.kind.as_ref().map(|k| k.1)
    }

    /// The latest reaction.
    #[must_use]
    pub fn reaction(&self) -> Option<i32> {
        self.reaction.as_ref().map(|r| r.1)
    }

    /// The latest answer and its order key, if this is a question.
    #[must_use]
    pub fn latest_answer(&self) -> Option<(Order, Mark)> {
        self.answer_if_question().filter(|_| self.is_question() == Some(true))
    }

    /// The latest answer and its order key, should this turn out to be a question.
    fn answer_if_question(&self) -> Option<(Order, Mark)> {
        let said = self.answer.as_ref().map(|a| (a.0, a.1));
        let unsaid = self.unsaid.map(|order| (order, Mark::Waiting));
        said.into_iter().chain(unsaid).max_by_key(|(order, _)| *order)
    }

    /// The latest answer that counts in a collection: ungraded ones hide no older one.
    #[must_use]
    pub fn counting_answer(&self) -> Option<&Said<(i64, i64)>> {
        self.counting.as_ref().filter(|_| self.is_question() == Some(true))
    }
}

impl Resource {
    /// Merges one event about this resource; returns the uncapped time of a visit.
    pub fn fold(&mut self, event: &UsageEvent<'_>, order: Order, cap_ms: i64) -> Option<i64> {
        self.fold_kind(event, order);
        if let Some(word) = &event.object.object_type {
            keep_first(&mut self.word, order, || stored::word(word));
        }
        match event.event_name {
            UsageName::CollectionResourcePlay | UsageName::ResourcePlay => self.fold_play(event, order, cap_ms),
            UsageName::ReactionCreate => {
                if let Some(reaction) = event.reaction.filter(|r| *r > 0) {
                    keep_latest(&mut self.gist.reaction, order, reaction);
                }
                None
            }
            UsageName::ResourceRubricGrade | UsageName::ResourceScoreUpdate => {
                self.fold_grade(event, order);
                None
            }
            UsageName::CollectionPlay | UsageName::CollectionScoreUpdate => None,
        }
    }

    /// Whether it is a question; `None` while no event has said so.
    #[must_use]
    pub fn is_question(&self) -> Option<bool> {
        self.gist.is_question()
    }

    /// The kind went out in a DE: it stays.
    pub const fn fix_kind(&mut self) {
        self.kind_fixed = true;
    }

    /// Time of its visits; `None` before the first stop.
    #[must_use]
    pub fn time_value(&self) -> Option<Time> {
        (self.gist.time.visits > 0).then_some(self.gist.time)
    }

    /// The latest reaction.
    #[must_use]
    pub fn reaction_value(&self) -> Option<i32> {
        self.gist.reaction()
    }

    /// The latest answer; `None` for plain resources and before the first answer.
    #[must_use]
    pub fn score_value(&self) -> Option<QuestionScore> {
        self.answer_value().filter(|_| self.is_question() == Some(true))
    }

    /// The latest answer, should this turn out to be a question: what is withheld while the kind is unknown.
    #[must_use]
    pub fn answer_value(&self) -> Option<QuestionScore> {
        let (_, mark) = self.gist.answer_if_question()?;
        let said = self.status.as_ref().filter(|s| self.gist.unsaid.is_none_or(|u| u < s.0)).map(|s| s.1);
        let status = said.or_else(|| self.gist.unsaid.map(|_| index(AnswerStatus::Attempted)));
        Some(QuestionScore { mark, status, codes: self.codes.as_ref().map(|c| c.1.clone()).unwrap_or_default() })
    }

    fn fold_kind(&mut self, event: &UsageEvent<'_>, order: Order) {
        let said = match event.object.kind {
            ObjectKind::Question => Some(true),
            ObjectKind::Resource => Some(false),
            ObjectKind::Collection | ObjectKind::Assessment | ObjectKind::Unknown => {
                let graded =
                    matches!(event.event_name, UsageName::ResourceRubricGrade | UsageName::ResourceScoreUpdate);
                (graded || event.answer.is_some()).then_some(true)
            }
        };
        if let (Some(said), false) = (said, self.kind_fixed) {
            keep_first(&mut self.gist.kind, order, || said);
        }
    }

    fn fold_play(&mut self, event: &UsageEvent<'_>, order: Order, cap_ms: i64) -> Option<i64> {
        match event.kind {
            EventKind::Start => {
                self.starts.push(Said(order, Moment(event.start_time.unwrap_or(event.end_time).0)));
                None
            }
            EventKind::Stop => {
                let wall = self.wall_of(event, order);
                self.gist.time = self.gist.time.with_visit(wall, cap_ms);
                self.fold_answer(event, order);
                Some(wall)
            }
            EventKind::None => None,
        }
    }

    fn wall_of(&self, event: &UsageEvent<'_>, order: Order) -> i64 {
        let before = self.starts.iter().filter(|s| s.0 < order).max_by_key(|s| s.0);
        let start = event.start_time.map(|t| t.0).or_else(|| before.map(|s| s.1.0));
        start.map_or(0, |start| event.end_time.0.saturating_sub(start).max(0))
    }

    /// Only what sets an answer says which competencies it is about (domain.md §6 "Fires when").
    fn fold_codes(&mut self, event: &UsageEvent<'_>, order: Order) {
        if !event.codes.is_empty() {
            keep_latest(&mut self.codes, order, event.codes.iter().map(|code| stored::word(code)).collect());
        }
    }

    fn fold_answer(&mut self, event: &UsageEvent<'_>, order: Order) {
        self.fold_codes(event, order);
        let Some(answer) = &event.answer else {
            if event.object.kind != ObjectKind::Resource && self.gist.unsaid.is_none_or(|held| held < order) {
                self.gist.unsaid = Some(order);
            }
            return;
        };
        keep_latest(&mut self.status, order, index(answer.status));
        let open_ended = answer.question_type.as_deref() == Some("OE");
        self.set(order, mark_of(answer.status, open_ended));
    }

    fn fold_grade(&mut self, event: &UsageEvent<'_>, order: Order) {
        self.fold_codes(event, order);
        if let Some(answer) = &event.answer {
            keep_latest(&mut self.status, order, index(answer.status));
        }
        let score = event.score.as_ref().filter(|s| s.reason != ScoreReason::External);
        match (score, &event.answer) {
            (Some(score), _) => self.set(order, Mark::Points(score.raw.0, score.max.0)),
            (None, Some(answer)) => self.set(order, mark_of(answer.status, false)),
            (None, None) => {}
        }
    }

    fn set(&mut self, order: Order, mark: Mark) {
        keep_latest(&mut self.gist.answer, order, mark);
        if let Mark::Points(raw, max) = mark {
            keep_latest(&mut self.gist.counting, order, (raw, max));
        }
    }
}

const fn mark_of(status: AnswerStatus, open_ended: bool) -> Mark {
    match status {
        AnswerStatus::Correct => Mark::Points(Points::ONE.0, Points::ONE.0),
        AnswerStatus::Skipped if open_ended => Mark::Nowhere,
        AnswerStatus::Incorrect | AnswerStatus::Skipped => Mark::Points(0, Points::ONE.0),
        AnswerStatus::Attempted => Mark::Waiting,
    }
}

fn index(status: AnswerStatus) -> u8 {
    u8::try_from(status.index()).unwrap_or(0)
}

impl Resource {
    fn fields(&self) -> [&dyn Stored; 9] {
        [
            &self.gist,
            &self.kind_fixed,
            &self.word,
            &self.starts,
            &self.status,
            &self.codes,
            &self.time_slot,
            &self.score_slot,
            &self.reaction_slot,
        ]
    }
}

impl Stored for Resource {
    fn put(&self, to: &mut Writer) {
        to.fields(&self.fields());
    }

    fn get(from: &mut Reader<'_>) -> Option<Self> {
        let mut fields = from.fields()?;
        let read = Self {
            gist: fields.next(from)?,
            kind_fixed: fields.next(from)?,
            word: fields.next(from)?,
            starts: fields.next(from)?,
            status: fields.next(from)?,
            codes: fields.next(from)?,
            time_slot: fields.next(from)?,
            score_slot: fields.next(from)?,
            reaction_slot: fields.next(from)?,
        };
        fields.end(read)
    }
}

impl Gist {
    fn fields(&self) -> [&dyn Stored; 6] {
        [&self.kind, &self.time, &self.answer, &self.unsaid, &self.counting, &self.reaction]
    }
}

impl Stored for Gist {
    fn put(&self, to: &mut Writer) {
        to.fields(&self.fields());
    }

    fn get(from: &mut Reader<'_>) -> Option<Self> {
        let mut fields = from.fields()?;
        let read = Self {
            kind: fields.next(from)?,
            time: fields.next(from)?,
            answer: fields.next(from)?,
            unsaid: fields.next(from)?,
            counting: fields.next(from)?,
            reaction: fields.next(from)?,
        };
        fields.end(read)
    }

    fn is_nothing(&self) -> bool {
        self.fields().iter().all(|field| field.is_nothing())
    }

    fn nothing() -> Option<Self> {
        Some(Self::default())
    }
}

impl QuestionScore {
    fn fields(&self) -> [&dyn Stored; 3] {
        [&self.mark, &self.status, &self.codes]
    }
}

impl Stored for QuestionScore {
    fn put(&self, to: &mut Writer) {
        to.fields(&self.fields());
    }

    fn get(from: &mut Reader<'_>) -> Option<Self> {
        let mut fields = from.fields()?;
        let read = Self { mark: fields.next(from)?, status: fields.next(from)?, codes: fields.next(from)? };
        fields.end(read)
    }
}

/// Counted time, by how much the uncapped one is longer, visits.
impl Stored for Time {
    fn put(&self, to: &mut Writer) {
        to.number(self.counted);
        to.number(self.wall.wrapping_sub(self.counted));
        self.visits.put(to);
    }

    fn get(from: &mut Reader<'_>) -> Option<Self> {
        let counted = from.number()?;
        Some(Self { counted, wall: counted.wrapping_add(from.number()?), visits: i32::get(from)? })
    }

    fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    fn nothing() -> Option<Self> {
        Some(Self::default())
    }
}

impl Stored for Mark {
    fn put(&self, to: &mut Writer) {
        match self {
            Self::Nowhere => to.byte(0),
            Self::Waiting => to.byte(1),
            Self::Points(raw, max) => {
                to.byte(2);
                (*raw, *max).put(to);
            }
        }
    }

    fn get(from: &mut Reader<'_>) -> Option<Self> {
        match from.byte()? {
            0 => Some(Self::Nowhere),
            1 => Some(Self::Waiting),
            2 => <(i64, i64)>::get(from).map(|(raw, max)| Self::Points(raw, max)),
            _ => None,
        }
    }
}
