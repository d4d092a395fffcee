//! The base and roll-up tables as they must stand in the end, filled from the expected events.
//!
//! Place: after the folds; compared by the checker with what the store holds (domain.md §9). Columns stand under their
//! SQL names; dates in days, decimals scaled.

use std::collections::BTreeMap;

use super::de::{De, Score, Value};
use super::told::{Id, Place};

/// One column's value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cell {
    /// Unknown.
    Null,
    /// Numbers, times, dates, booleans.
    Int(i64),
    /// Text.
    Text(Id),
}

/// Columns by name.
pub type Row = BTreeMap<&'static str, Cell>;

/// Table and key after the tenant.
pub type RowKey = (&'static str, Vec<Id>);

/// Rows of all tables.
#[derive(Debug, Default)]
pub struct Tables {
    /// The rows.
    pub rows: BTreeMap<RowKey, Row>,
    /// Views per session, for sums per item.
    views: BTreeMap<RowKey, BTreeMap<Id, i64>>,
}

impl Tables {
    /// Takes the next expected event.
    pub fn apply(&mut self, de: &De) {
        match de.topic.split('.').collect::<Vec<_>>().as_slice() {
            ["demux", object, _] => {
                self.base(de, object);
                self.days(de);
            }
            ["dep", level @ ("lesson" | "unit" | "course"), _] => self.level(de, level),
            ["dep", "class", _] => self.class(de),
            _ => {}
        }
    }

    /// Whether a row says nothing, so that it may as well be absent (domain.md §12 "Equal tables").
    #[must_use]
    pub fn is_void(table: &str, row: &Row) -> bool {
        let null = |name: &str| matches!(row.get(name), None | Some(Cell::Null));
        let zero = |name: &str| row.get(name) == Some(&Cell::Int(0));
        match table {
            "learner_item_score" | "level_score" | "class_score" => null("raw"),
            "item_view" | "learner_item_view" | "level_view" | "class_view" | "day_view" => zero("views"),
            "day_time" | "level_time" | "class_time" => zero("time_ms"),
            _ => false,
        }
    }

    fn base(&mut self, de: &De, object: &str) {
        let at_resource = de.resource.is_some();
        let table = match (&de.result, at_resource) {
            (Value::Time(_), true) => "resource_time",
            (Value::Time(_), false) => "item_time",
            (Value::Reaction(_), true) => "resource_reaction",
            (Value::Reaction(_), false) => "item_reaction",
            (Value::View(_), _) => "item_view",
            (Value::Score(_), true) => "question_score",
            (Value::Score(_), false) if object == "assessment" => "assessment_score",
            (Value::Score(_), false) => "",
        };
        if !table.is_empty() {
            let row = self.row((table, de.entity.clone()), de);
            scope(row, de);
            values(row, de, table);
        }
        match (&de.result, at_resource) {
            (Value::Score(score), false) => self.standing(de, score),
            (Value::View(view), false) => self.item_views(de, view.views),
            (Value::Score(_) | Value::View(_), true) | (Value::Time(_) | Value::Reaction(_), _) => {}
        }
    }

    fn standing(&mut self, de: &De, score: &Score) {
        let key = ("learner_item_score", learner_item(de));
        let session = de.session.clone().unwrap_or_default();
        let holder = self.rows.get(&key).and_then(|row| row.get("score_session")).cloned();
        if score.latest == Some(false) && holder != Some(Cell::Text(session.clone())) {
            return;
        }
        let row = self.row(key, de);
        row.insert("kind", text(de.item_kind));
        // Nothing stands where there is no score, hence no session either.
        let stands = score.percent.map_or_else(|| "".into(), |_| session);
        row.insert("score_session", Cell::Text(stands));
        points(row, score);
        row.remove("revision");
    }

    fn item_views(&mut self, de: &De, views: i64) {
        let key = ("learner_item_view", learner_item(de));
        let sessions = self.views.entry(key.clone()).or_default();
        sessions.insert(de.session.clone().unwrap_or_default(), views);
        let sum = sessions.values().sum();
        let row = self.row(key, de);
        row.insert("kind", text(de.item_kind));
        row.insert("views", Cell::Int(sum));
        row.remove("revision");
    }

    fn days(&mut self, de: &De) {
        let external = de
            .item_word
            .as_deref()
            .is_some_and(|w| w.ends_with("-external") || w == "assessment/url" || w == "offline-activity");
        let (table, column, delta) = match &de.result {
            Value::Time(time) if de.resource.is_some() || external => ("day_time", "time_ms", time.delta),
            Value::View(view) => ("day_view", "views", view.delta),
            Value::Time(_) | Value::Score(_) | Value::Reaction(_) => return,
        };
        let class = de.scope.place.class.clone().unwrap_or_default();
        let kind = de.item_kind.unwrap_or_default().into();
        let user = de.user.clone().unwrap_or_default();
        let key = (table, vec![user, class, de.date.to_string().into(), de.scope.track.into(), kind]);
        let row = self.row(key, de);
        let so_far = match row.get(column) {
            Some(Cell::Int(n)) => *n,
            Some(Cell::Null | Cell::Text(_)) | None => 0,
        };
        row.insert(column, Cell::Int(so_far + delta));
        row.remove("revision");
    }

    fn level(&mut self, de: &De, level: &str) {
        let table = match de.result {
            Value::Score(_) => "level_score",
            Value::Time(_) => "level_time",
            Value::View(_) => "level_view",
            Value::Reaction(_) => return,
        };
        let mut key = de.entity.clone();
        let kind = key.pop().unwrap_or_default();
        key.extend([level.into(), kind]);
        let row = self.row((table, key), de);
        values(row, de, table);
    }

    fn class(&mut self, de: &De) {
        let table = match de.result {
            Value::Score(_) => "class_score",
            Value::Time(_) => "class_time",
            Value::View(_) => "class_view",
            Value::Reaction(_) => return,
        };
        let row = self.row((table, de.entity.clone()), de);
        values(row, de, table);
    }

    /// The row with its revision and the newest activity.
    fn row(&mut self, key: RowKey, de: &De) -> &mut Row {
        let row = self.rows.entry(key).or_default();
        row.insert("revision", Cell::Int(de.revision));
        let newest = row.entry("activity_time").or_insert(Cell::Int(de.activity));
        *newest = newest.clone().max(Cell::Int(de.activity));
        row
    }
}

fn learner_item(de: &De) -> Vec<Id> {
    let Place { class, course, unit, lesson } = de.scope.place.clone();
    let mut key = vec![de.user.clone().unwrap_or_default()];
    key.extend([class, course, unit, lesson].map(Option::unwrap_or_default));
    key.extend([de.scope.track.into(), de.scope.path_id.to_string().into(), de.item.clone().unwrap_or_default()]);
    key
}

fn scope(row: &mut Row, de: &De) {
    let Place { class, course, unit, lesson } = de.scope.place.clone();
    let names = ["class", "course", "unit", "lesson"];
    for (name, id) in names.into_iter().zip([class, course, unit, lesson]) {
        row.insert(name, Cell::Text(id.unwrap_or_default()));
    }
    row.insert("track", Cell::Text(de.scope.track.into()));
    row.insert("path_id", Cell::Int(de.scope.path_id));
}

fn values(row: &mut Row, de: &De, table: &str) {
    match &de.result {
        Value::Time(time) => {
            row.insert("time_ms", Cell::Int(time.spent));
            if !table.starts_with("day") {
                row.insert("wall_ms", Cell::Int(time.wall));
            }
            if table != "item_time" {
                row.insert("visits", Cell::Int(time.visits));
            }
        }
        Value::Reaction(reaction) => {
            row.insert("reaction", Cell::Int(reaction.reaction));
            if table == "item_reaction" {
                row.insert("count", Cell::Int(reaction.count));
            }
        }
        Value::View(view) => {
            row.insert("views", Cell::Int(view.views));
            if table == "item_view" {
                opened(row, de);
            } else {
                row.insert("items", Cell::Int(view.items));
            }
        }
        Value::Score(score) => {
            points(row, score);
            if table.ends_with("question_score") || table == "assessment_score" {
                row.insert("graded", Cell::Int(i64::from(score.graded)));
                row.insert("status", text(score.status));
            } else {
                row.insert("count", Cell::Int(score.count.unwrap_or(0)));
            }
        }
    }
    match table {
        "resource_time" | "resource_reaction" => row.insert("kind", text(de.resource_kind)),
        "item_time" | "item_reaction" | "item_view" | "assessment_score" => row.insert("kind", text(de.item_kind)),
        _ => None,
    };
}

/// When the item was opened or closed first.
fn opened(row: &mut Row, de: &De) {
    let collection = de.item_kind == Some("collection");
    let (set, other) = if collection { ("started_at", "stopped_at") } else { ("stopped_at", "started_at") };
    row.entry(set).or_insert(Cell::Int(de.activity));
    row.entry(other).or_insert(Cell::Null);
    row.entry("local_date").or_insert(Cell::Int(i64::from(de.date)));
}

fn points(row: &mut Row, score: &Score) {
    let cell = |n: Option<i128>| n.and_then(|n| i64::try_from(n).ok()).map_or(Cell::Null, Cell::Int);
    row.insert("raw", cell(score.raw));
    row.insert("max", cell(score.max));
    row.insert("percent", cell(score.percent));
}

fn text(word: Option<&'static str>) -> Cell {
    word.map_or(Cell::Null, |w| Cell::Text(w.into()))
}
