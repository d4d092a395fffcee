//! The one reducer of lessons, units, courses and classes: a total moved by what each of its parts gives.
//!
//! Place: behind the twelve roll-up processors, which only name level, metric and tables. Every part's contribution is
//! stored, so a repeat adds nothing and a correction moves the total down as well as up (domain.md §8).

mod entry;
mod parts;
mod published;

use da_model::effects::{Emit, Note};
use da_model::event::usage::ObjectKind;
use da_model::event::{DiscreteEvent, MetricKind};
use da_model::fault::Rejection;
use da_model::ids::TopicName;
use da_model::outcome::Reason;
use da_model::state::{RowKey, Snapshot, Table};

use crate::folds;
use crate::processors::{Decision, Link, Processor};

/// A level of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Items of a lesson.
    Lesson,
    /// Lessons of a unit, and items without a lesson.
    Unit,
    /// Units of a course, and lessons and items without a unit.
    Course,
    /// Members of a class.
    Class,
}

/// One metric of one level.
#[derive(Debug)]
pub struct Rollup {
    /// The processor's name.
    pub name: &'static str,
    /// The level it totals.
    pub level: Level,
    /// The metric it totals.
    pub metric: MetricKind,
    /// What it consumes, and what that leads to.
    pub links: &'static [Link],
    /// Where a changed total goes.
    pub emits: &'static [TopicName],
    /// The table of totals, then that of parts.
    pub tables: &'static [&'static Table; 2],
}

/// What is added up. Score: raw, max, count; time: counted ms, wall ms, visits; views: views, items.
type Sums = [i64; 3];

impl Level {
    /// The word in `level` columns and event names.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Lesson => "lesson",
            Self::Unit => "unit",
            Self::Course => "course",
            Self::Class => "class",
        }
    }
}

impl Rollup {
    const fn totals(&self) -> &'static Table {
        self.tables[0]
    }

    const fn parts(&self) -> &'static Table {
        self.tables[1]
    }
}

impl Processor for Rollup {
    fn name(&self) -> &'static str {
        self.name
    }

    fn links(&self) -> &'static [Link] {
        self.links
    }

    fn tables(&self) -> &'static [&'static Table] {
        self.tables
    }

    fn reads(&self, de: &DiscreteEvent<'_>) -> Vec<RowKey> {
        entry::of(self, de).map_or_else(Vec::new, |entry| entry.keys())
    }

    fn hands_on(&self) -> bool {
        true
    }

    fn heralds<'r>(&self, de: &DiscreteEvent<'r>, topics: &[TopicName]) -> Vec<Emit<'r>> {
        if !self.emits.iter().any(|topic| topics.contains(topic)) {
            return Vec::new();
        }
        entry::of(self, de).map_or_else(Vec::new, |entry| published::heralds(self, topics, (&entry, de)))
    }

    fn decide<'r>(&self, de: &DiscreteEvent<'r>, seen: &Snapshot<'_>) -> Result<Decision<'r>, Rejection> {
        if de.result.kind() != self.metric {
            return Err(folds::foreign(de));
        }
        let Some(entry) = entry::of(self, de) else {
            return kindless(de).map_or_else(|| Ok(Decision::none()), Err);
        };
        let Some(moved) = parts::settle(self, &entry, de, seen) else {
            return Ok(Decision::stale());
        };
        let mut decision = published::publish(self, &entry, (moved.before, moved.after), (de, seen));
        decision.writes.splice(0..0, moved.writes);
        if moved.mismatch {
            decision.notes.push(Note::PreviousMismatch);
        }
        Ok(decision)
    }
}

/// A record of a level must say of which item kind it is.
fn kindless(de: &DiscreteEvent<'_>) -> Option<Rejection> {
    let said = matches!(de.item_kind, Some(ObjectKind::Collection | ObjectKind::Assessment));
    (folds::item_kind_of(de).is_none() && !said)
        .then(|| Rejection::at(Reason::HandlerFailed, "/itemKind", "a roll-up without an item kind"))
}

/// `a` moved by `to - from`.
fn moved(a: Sums, from: Sums, to: Sums) -> Sums {
    let [a0, a1, a2] = a;
    let [f0, f1, f2] = from;
    let [t0, t1, t2] = to;
    [a0 + t0 - f0, a1 + t1 - f1, a2 + t2 - f2]
}
