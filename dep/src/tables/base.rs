//! The tables of single learners' resources, items and days.
//!
//! Place: named by the base processors; the migrations say the same in SQL. The last two values of every table are
//! `revision` and `activity_time`; `updated_at` is the store's and stands in no descriptor. Within a session the kind of an item or resource is
//! fixed, so its rows have one topic; over sessions an item may come as collection and as assessment, so a learner's
//! standing in it is shared.

use da_model::state::{Column, Feed, Kind, Table};

const TENANT_ID: Column = Column::new("tenant_id", Kind::Text, "whose data it is");
const LEARNER: Column = Column::new("learner", Kind::Text, "the learner");
const SESSION: Column = Column::new("session", Kind::Text, "the sitting");
const ITEM: Column = Column::new("item", Kind::Text, "the collection or assessment; empty for a single resource");
const RESOURCE: Column = Column::new("resource", Kind::Text, "the resource or question");
const CLASS: Column = Column::new("class", Kind::Text, "the class; empty for an independent learner");
const COURSE: Column = Column::new("course", Kind::Text, "the course; empty where unknown");
const UNIT: Column = Column::new("unit", Kind::Text, "the unit; empty above it or where unknown");
const LESSON: Column = Column::new("lesson", Kind::Text, "the lesson; empty above it or where unknown");
const TRACK: Column = Column::new("track", Kind::Text, "main, path or daily");
const PATH_ID: Column = Column::new("path_id", Kind::Int, "the suggested path; 0 is the main path");
const LOCAL_DATE: Column = Column::new("local_date", Kind::Date, "the date in the zone of the event");
const ITEM_KIND: Column = Column::new("item_kind", Kind::Text, "collection or assessment");
const KIND: Column = Column::new("kind", Kind::Text, "resource, question, collection or assessment");
const TIME_MS: Column = Column::new("time_ms", Kind::Int, "counted time, ms");
const WALL_MS: Column = Column::new("wall_ms", Kind::Int, "time without the cap, ms");
const VISITS: Column = Column::new("visits", Kind::Int, "visits");
const REVISION: Column = Column::new("revision", Kind::Int, "number of changes");
const ACTIVITY_TIME: Column = Column::new("activity_time", Kind::Time, "the newest activity folded in");
const REACTION: Column = Column::new("reaction", Kind::Int, "1-5; of an item the mean, half up");
const RAW: Column = Column::nullable("raw", Kind::Points, "points reached; null is unknown");
const MAX: Column = Column::nullable("max", Kind::Points, "points possible; null is unknown");
const PERCENT: Column = Column::nullable("percent", Kind::Percent, "100 * raw / max; null is unknown");
const GRADED: Column = Column::new("graded", Kind::Bool, "whether everything inside is graded");
const STATUS: Column = Column::nullable("status", Kind::Text, "the answer's status; of a session: withdrawn");
const CODES: Column = Column::new("codes", Kind::Text, "competency codes, a JSON array");
const TYPE: Column = Column::nullable("type", Kind::Text, "the client's word for the item");
const COUNT: Column = Column::new("count", Kind::Int, "reacted resources");
const VIEWS: Column = Column::new("views", Kind::Int, "views");
const STARTED_AT: Column = Column::nullable("started_at", Kind::Time, "the first start, of a collection");
const STOPPED_AT: Column = Column::nullable("stopped_at", Kind::Time, "the first stop, of an assessment");
const SCORE_SESSION: Column =
    Column::new("score_session", Kind::Text, "the sitting the score is of; empty for a collection");

const RESOURCE_KEY: &[Column] = &[TENANT_ID, LEARNER, SESSION, ITEM, RESOURCE];
const ITEM_KEY: &[Column] = &[TENANT_ID, LEARNER, SESSION, ITEM];
const LEARNER_ITEM: &[Column] = &[TENANT_ID, LEARNER, CLASS, COURSE, UNIT, LESSON, TRACK, PATH_ID, ITEM];
const DAY: &[Column] = &[TENANT_ID, LEARNER, CLASS, LOCAL_DATE, TRACK, ITEM_KIND];

/// Time at a resource or question in a session.
pub static RESOURCE_TIME: Table = Table {
    name: "resource_time",
    doc: "Time at a resource or question in a session.",
    keys: RESOURCE_KEY,
    values: &[KIND, CLASS, COURSE, UNIT, LESSON, TRACK, PATH_ID, TIME_MS, WALL_MS, VISITS, REVISION, ACTIVITY_TIME],
    feed: Feed::OneTopic,
    range: None,
};

/// The latest reaction to a resource or question in a session.
pub static RESOURCE_REACTION: Table = Table {
    name: "resource_reaction",
    doc: "The latest reaction to a resource or question in a session.",
    keys: RESOURCE_KEY,
    values: &[KIND, CLASS, COURSE, UNIT, LESSON, TRACK, PATH_ID, REACTION, REVISION, ACTIVITY_TIME],
    feed: Feed::OneTopic,
    range: None,
};

/// The latest answer to a question in a session.
pub static QUESTION_SCORE: Table = Table {
    name: "question_score",
    doc: "The latest answer to a question in a session.",
    keys: RESOURCE_KEY,
    values: &[
        CLASS,
        COURSE,
        UNIT,
        LESSON,
        TRACK,
        PATH_ID,
        RAW,
        MAX,
        PERCENT,
        GRADED,
        STATUS,
        CODES,
        REVISION,
        ACTIVITY_TIME,
    ],
    feed: Feed::OneTopic,
    range: None,
};

/// Time in a session of an item.
pub static ITEM_TIME: Table = Table {
    name: "item_time",
    doc: "Time in a session of an item.",
    keys: ITEM_KEY,
    values: &[KIND, TYPE, CLASS, COURSE, UNIT, LESSON, TRACK, PATH_ID, TIME_MS, WALL_MS, REVISION, ACTIVITY_TIME],
    feed: Feed::OneTopic,
    range: None,
};

/// The mean reaction in a session of an item.
pub static ITEM_REACTION: Table = Table {
    name: "item_reaction",
    doc: "The mean reaction in a session of an item.",
    keys: ITEM_KEY,
    values: &[KIND, TYPE, CLASS, COURSE, UNIT, LESSON, TRACK, PATH_ID, REACTION, COUNT, REVISION, ACTIVITY_TIME],
    feed: Feed::OneTopic,
    range: None,
};

/// Whether a session of an item was opened or closed.
pub static ITEM_VIEW: Table = Table {
    name: "item_view",
    doc: "Whether a session of an item was opened or closed.",
    keys: ITEM_KEY,
    values: &[
        KIND,
        TYPE,
        CLASS,
        COURSE,
        UNIT,
        LESSON,
        TRACK,
        PATH_ID,
        VIEWS,
        STARTED_AT,
        STOPPED_AT,
        LOCAL_DATE,
        REVISION,
        ACTIVITY_TIME,
    ],
    feed: Feed::OneTopic,
    range: None,
};

/// The result of a session of an assessment.
pub static ASSESSMENT_SCORE: Table = Table {
    name: "assessment_score",
    doc: "The result of a session of an assessment.",
    keys: ITEM_KEY,
    values: &[
        KIND,
        TYPE,
        CLASS,
        COURSE,
        UNIT,
        LESSON,
        TRACK,
        PATH_ID,
        RAW,
        MAX,
        PERCENT,
        GRADED,
        STATUS,
        REVISION,
        ACTIVITY_TIME,
    ],
    feed: Feed::OneTopic,
    range: None,
};

/// A learner's standing in an item and scope: an assessment's latest session, a collection's latest answers.
pub static LEARNER_ITEM_SCORE: Table = Table {
    name: "learner_item_score",
    doc: "A learner's standing in an item and scope: an assessment's latest session, a collection's latest answers.",
    keys: LEARNER_ITEM,
    values: &[KIND, SCORE_SESSION, RAW, MAX, PERCENT, REVISION, ACTIVITY_TIME],
    feed: Feed::Shared,
    range: None,
};

/// Views of an item by a learner in a scope.
pub static LEARNER_ITEM_VIEW: Table = Table {
    name: "learner_item_view",
    doc: "Views of an item by a learner in a scope.",
    keys: LEARNER_ITEM,
    values: &[KIND, VIEWS, REVISION, ACTIVITY_TIME],
    feed: Feed::Shared,
    range: None,
};

/// Time of a learner on a date.
pub static DAY_TIME: Table = Table {
    name: "day_time",
    doc: "Time of a learner on a date.",
    keys: DAY,
    values: &[TIME_MS, REVISION, ACTIVITY_TIME],
    feed: Feed::Shared,
    range: None,
};

/// Views of a learner on a date.
pub static DAY_VIEW: Table = Table {
    name: "day_view",
    doc: "Views of a learner on a date.",
    keys: DAY,
    values: &[VIEWS, REVISION, ACTIVITY_TIME],
    feed: Feed::Shared,
    range: None,
};
