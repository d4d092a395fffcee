//! The registry of processors: each folds the discrete events it names into its own tables.
//!
//! Place: asked by the pipeline for every event. One more processor is one file here, its `mod` line and its row; a
//! processor reads and writes no table of another one, so any subset may run in a process.

pub mod class_score;
pub mod class_timespent;
pub mod class_view;
pub mod course_score;
pub mod course_timespent;
pub mod course_view;
pub mod item_reaction;
pub mod item_score;
pub mod item_view;
pub mod lesson_score;
pub mod lesson_timespent;
pub mod lesson_view;
pub mod question_score;
pub mod resource_reaction;
pub mod study_time;
pub mod unit_score;
pub mod unit_timespent;
pub mod unit_view;

use da_model::effects::{Emit, Note, Write};
use da_model::event::DiscreteEvent;
use da_model::fault::Rejection;
use da_model::ids::{TopicName, UnitName};
use da_model::state::{RowKey, Snapshot, Table};
use da_model::topology::Edge;

/// A reducer of discrete events.
pub trait Processor: Send + Sync {
    /// Its name: the file stem, the unit of lineage and dead letters.
    fn name(&self) -> &'static str;

    /// What it consumes, and what each of that can make it emit.
    fn links(&self) -> &'static [Link];

    /// The tables it owns rows of.
    fn tables(&self) -> &'static [&'static Table];

    /// The rows it must see, named by the event alone; none where the event is not its concern.
    fn reads(&self, de: &DiscreteEvent<'_>) -> Vec<RowKey>;

    /// Whether [`heralds`](Self::heralds) says beforehand what it emits under the key of the event. If so, its siblings get
    /// that at once; else they read it.
    fn hands_on(&self) -> bool {
        false
    }

    /// The records on these topics that the event can lead to, as far as they name rows: of their values nothing is known
    /// yet.
    fn heralds<'r>(&self, _de: &DiscreteEvent<'r>, _topics: &[TopicName]) -> Vec<Emit<'r>> {
        Vec::new()
    }

    /// What follows from the event and the rows.
    ///
    /// # Errors
    /// A [`Rejection`] that costs this processor's part of the event; its siblings' stands.
    fn decide<'r>(&self, de: &DiscreteEvent<'r>, seen: &Snapshot<'_>) -> Result<Decision<'r>, Rejection>;
}

/// One consumed topic and the topics its records can lead to.
#[derive(Debug, Clone, Copy)]
pub struct Link {
    /// The topic read.
    pub consumes: TopicName,
    /// The topics written because of it.
    pub emits: &'static [TopicName],
}

/// What one processor wants to happen.
#[derive(Debug, Default)]
pub struct Decision<'r> {
    /// Rows to set.
    pub writes: Vec<Write>,
    /// Records to append.
    pub emits: Vec<Emit<'r>>,
    /// Facts worth counting.
    pub notes: Vec<Note>,
}

impl Link {
    /// A topic that is read and leads to no other.
    #[must_use]
    pub const fn stored(consumes: &'static str) -> Self {
        Self { consumes: TopicName(consumes), emits: &[] }
    }

    /// A topic whose records lead to records of others.
    #[must_use]
    pub const fn chained(consumes: &'static str, emits: &'static [TopicName]) -> Self {
        Self { consumes: TopicName(consumes), emits }
    }
}

impl Decision<'_> {
    /// Nothing to do.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// An event older than what is stored.
    #[must_use]
    pub fn stale() -> Self {
        Self { notes: vec![Note::StaleRevision], ..Self::default() }
    }

    /// Rows alone.
    #[must_use]
    pub fn stored(writes: Vec<Write>) -> Self {
        Self { writes, ..Self::default() }
    }
}

/// Every way of a record through these processors, and the topics that end in their tables.
#[must_use]
pub fn edges(processors: &[&'static dyn Processor]) -> (Vec<Edge>, Vec<TopicName>) {
    let links = processors.iter().flat_map(|processor| processor.links().iter().map(|link| (processor.name(), link)));
    let ways = links.clone().flat_map(|(name, link)| {
        link.emits.iter().map(move |to| Edge { from: link.consumes, unit: UnitName(name), to: *to })
    });
    (ways.collect(), links.map(|(_, link)| link.consumes).collect())
}

/// Every processor, base tables first, then the chain from the lesson up.
pub static PROCESSORS: &[&dyn Processor] = &[
    &study_time::StudyTime,
    &resource_reaction::ResourceReaction,
    &question_score::QuestionScore,
    &item_reaction::ItemReaction,
    &item_view::ItemView,
    &item_score::ItemScore,
    &lesson_score::LESSON_SCORE,
    &lesson_timespent::LESSON_TIMESPENT,
    &lesson_view::LESSON_VIEW,
    &unit_score::UNIT_SCORE,
    &unit_timespent::UNIT_TIMESPENT,
    &unit_view::UNIT_VIEW,
    &course_score::COURSE_SCORE,
    &course_timespent::COURSE_TIMESPENT,
    &course_view::COURSE_VIEW,
    &class_score::CLASS_SCORE,
    &class_timespent::CLASS_TIMESPENT,
    &class_view::CLASS_VIEW,
];
