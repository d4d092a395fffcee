//! The tables of lessons, units, courses and classes, and of what each part gave to them.
//!
//! Place: named by the roll-ups alone. The first values of a total and of its part table are the same sums; the last two
//! are `revision` and `activity_time`. The level part tables of time and views are shared for one row per level: the
//! difference it said last, which moves with every topic that moves the total.

use da_model::state::{Column, Feed, Kind, Table};

const TENANT_ID: Column = Column::new("tenant_id", Kind::Text, "whose data it is");
const LEARNER: Column = Column::new("learner", Kind::Text, "the learner");
const CLASS: Column = Column::new("class", Kind::Text, "the class; empty for an independent learner");
const COURSE: Column = Column::new("course", Kind::Text, "the course; empty where unknown");
const UNIT: Column = Column::new("unit", Kind::Text, "the unit; empty above it or where unknown");
const LESSON: Column = Column::new("lesson", Kind::Text, "the lesson; empty above it or where unknown");
const LEVEL: Column = Column::new("level", Kind::Text, "lesson, unit or course");
const ITEM_KIND: Column = Column::new("item_kind", Kind::Text, "collection or assessment");
const PART_KIND: Column = Column::new(
    "part_kind",
    Kind::Text,
    "item, lesson, unit or learner; empty: the difference that the level said last",
);
const PART_UNIT: Column = Column::new("part_unit", Kind::Text, "the unit of an item as sent");
const PART_LESSON: Column = Column::new("part_lesson", Kind::Text, "the lesson of an item as sent");
const PART_ID: Column = Column::new("part_id", Kind::Text, "the item, lesson, unit or learner");
const PART_SESSION: Column =
    Column::new("part_session", Kind::Text, "the sitting of an item; empty for the part as a whole");
const RAW: Column = Column::nullable("raw", Kind::Points, "points reached; null is unknown");
const MAX: Column = Column::nullable("max", Kind::Points, "points possible; null is unknown");
const PERCENT: Column = Column::nullable("percent", Kind::Percent, "100 * raw / max; null is unknown");
const REVISION: Column = Column::new("revision", Kind::Int, "number of changes");
const ACTIVITY_TIME: Column = Column::new("activity_time", Kind::Time, "the newest activity folded in");
const TIME_MS: Column = Column::new("time_ms", Kind::Int, "counted time, ms");
const WALL_MS: Column = Column::new("wall_ms", Kind::Int, "time without the cap, ms");
const VISITS: Column = Column::new("visits", Kind::Int, "visits");
const VIEWS: Column = Column::new("views", Kind::Int, "views");
const ITEMS: Column = Column::new("items", Kind::Int, "items with views");

const LEVEL_KEY: &[Column] = &[TENANT_ID, LEARNER, CLASS, COURSE, UNIT, LESSON, LEVEL, ITEM_KIND];
const LEVEL_PART: &[Column] = &[
    TENANT_ID,
    LEARNER,
    CLASS,
    COURSE,
    UNIT,
    LESSON,
    LEVEL,
    ITEM_KIND,
    PART_KIND,
    PART_UNIT,
    PART_LESSON,
    PART_ID,
    PART_SESSION,
];
const CLASS_KEY: &[Column] = &[TENANT_ID, CLASS, COURSE, ITEM_KIND];
const CLASS_PART: &[Column] = &[TENANT_ID, CLASS, COURSE, ITEM_KIND, PART_KIND, PART_ID];

/// A learner's score in a lesson, unit or course.
pub static LEVEL_SCORE: Table = Table {
    name: "level_score",
    doc: "A learner's score in a lesson, unit or course.",
    keys: LEVEL_KEY,
    values: &[RAW, MAX, Column::new("count", Kind::Int, "items with a score inside"), PERCENT, REVISION, ACTIVITY_TIME],
    feed: Feed::Shared,
    range: None,
};

/// A learner's time in a lesson, unit or course.
pub static LEVEL_TIME: Table = Table {
    name: "level_time",
    doc: "A learner's time in a lesson, unit or course.",
    keys: LEVEL_KEY,
    values: &[TIME_MS, WALL_MS, VISITS, REVISION, ACTIVITY_TIME],
    feed: Feed::Shared,
    range: None,
};

/// A learner's views in a lesson, unit or course.
pub static LEVEL_VIEW: Table = Table {
    name: "level_view",
    doc: "A learner's views in a lesson, unit or course.",
    keys: LEVEL_KEY,
    values: &[VIEWS, ITEMS, REVISION, ACTIVITY_TIME],
    feed: Feed::Shared,
    range: None,
};

/// What a part last gave to the score of its level.
pub static LEVEL_PART_SCORE: Table = Table {
    name: "level_part_score",
    doc: "What a part last gave to the score of its level.",
    keys: LEVEL_PART,
    values: &[
        RAW,
        MAX,
        Column::new("count", Kind::Int, "items with a score inside"),
        Column::new("score_session", Kind::Text, "the sitting that gives the score; empty where none is named"),
        REVISION,
        ACTIVITY_TIME,
    ],
    feed: Feed::OneTopic,
    range: None,
};

/// What a part last gave to the time of its level.
pub static LEVEL_PART_TIME: Table = Table {
    name: "level_part_time",
    doc: "What a part last gave to the time of its level.",
    keys: LEVEL_PART,
    values: &[TIME_MS, WALL_MS, VISITS, REVISION, ACTIVITY_TIME],
    feed: Feed::Shared,
    range: None,
};

/// What a part last gave to the views of its level.
pub static LEVEL_PART_VIEW: Table = Table {
    name: "level_part_view",
    doc: "What a part last gave to the views of its level.",
    keys: LEVEL_PART,
    values: &[VIEWS, ITEMS, REVISION, ACTIVITY_TIME],
    feed: Feed::Shared,
    range: None,
};

/// The score of a class in a course: the mean over its learners with a score.
pub static CLASS_SCORE: Table = Table {
    name: "class_score",
    doc: "The score of a class in a course: the mean over its learners with a score.",
    keys: CLASS_KEY,
    values: &[RAW, MAX, Column::new("count", Kind::Int, "learners with a score"), PERCENT, REVISION, ACTIVITY_TIME],
    feed: Feed::OneTopic,
    range: None,
};

/// The time of a class in a course.
pub static CLASS_TIME: Table = Table {
    name: "class_time",
    doc: "The time of a class in a course.",
    keys: CLASS_KEY,
    values: &[TIME_MS, WALL_MS, VISITS, REVISION, ACTIVITY_TIME],
    feed: Feed::OneTopic,
    range: None,
};

/// The views of a class in a course.
pub static CLASS_VIEW: Table = Table {
    name: "class_view",
    doc: "The views of a class in a course.",
    keys: CLASS_KEY,
    values: &[VIEWS, ITEMS, REVISION, ACTIVITY_TIME],
    feed: Feed::OneTopic,
    range: None,
};

/// What a learner last gave to the score of the class.
pub static CLASS_PART_SCORE: Table = Table {
    name: "class_part_score",
    doc: "What a learner last gave to the score of the class.",
    keys: CLASS_PART,
    values: &[
        RAW,
        MAX,
        Column::new("count", Kind::Int, "1 with a score, else 0"),
        Column::new("score_session", Kind::Text, "always empty"),
        REVISION,
        ACTIVITY_TIME,
    ],
    feed: Feed::OneTopic,
    range: None,
};

/// What a learner last gave to the time of the class.
pub static CLASS_PART_TIME: Table = Table {
    name: "class_part_time",
    doc: "What a learner last gave to the time of the class.",
    keys: CLASS_PART,
    values: &[TIME_MS, WALL_MS, VISITS, REVISION, ACTIVITY_TIME],
    feed: Feed::OneTopic,
    range: None,
};

/// What a learner last gave to the views of the class.
pub static CLASS_PART_VIEW: Table = Table {
    name: "class_part_view",
    doc: "What a learner last gave to the views of the class.",
    keys: CLASS_PART,
    values: &[VIEWS, ITEMS, REVISION, ACTIVITY_TIME],
    feed: Feed::OneTopic,
    range: None,
};
