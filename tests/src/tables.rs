//! The tables of a store as text, read with a connection of its own.
//!
//! Place: what a case says about rows. Reads only. *Equal tables* is domain.md §10's: all base tables, all columns but
//! revision, activity_time and updated_at; rows whose values are all null, or 0 views, count as absent.

use std::collections::BTreeMap;
use std::path::PathBuf;

use da_runtime::io::sqlite_log::Reader;
use serde_json::{Map, Value};

/// Tables that can be asked in SQL, with the values that SQLite holds.
pub trait Tables {
    /// The rows of a query.
    fn ask(&self, sql: &str) -> Vec<Map<String, Value>>;

    /// The columns of a table, in their order.
    fn columns(&self, table: &str) -> Vec<String>;
}

/// Of a data file.
impl Tables for PathBuf {
    fn ask(&self, sql: &str) -> Vec<Map<String, Value>> {
        let mut reader = Reader::open(self).unwrap_or_else(|fault| panic!("{}: {fault}", self.display()));
        reader.query(sql).unwrap_or_else(|fault| panic!("{sql}: {fault}"))
    }

    fn columns(&self, table: &str) -> Vec<String> {
        rows(self, "name", &format!("pragma_table_info('{table}')"))
    }
}

/// Tables by name, each row as one text, sorted.
pub type Dump = BTreeMap<String, Vec<String>>;

/// The tables that analysts read (domain.md §9).
const ANALYSTS: [&str; 17] = [
    "resource_time",
    "resource_reaction",
    "question_score",
    "item_time",
    "item_reaction",
    "item_view",
    "assessment_score",
    "learner_item_score",
    "learner_item_view",
    "level_score",
    "level_time",
    "level_view",
    "class_score",
    "class_time",
    "class_view",
    "day_time",
    "day_view",
];
/// What each part of a roll-up contributes; rebuilt with the rest, not part of *equal tables*.
const PARTS: [&str; 6] = [
    "level_part_score",
    "level_part_time",
    "level_part_view",
    "class_part_score",
    "class_part_time",
    "class_part_view",
];
/// A row of these counts only where this value is there.
const ABSENT: [(&str, &str); 6] = [
    ("learner_item_score", "percent"),
    ("level_score", "percent"),
    ("class_score", "percent"),
    ("learner_item_view", "nullif(views, 0)"),
    ("level_view", "nullif(views, 0)"),
    ("class_view", "nullif(views, 0)"),
];

/// Columns of the rows that `from` names, each row's values joined by a blank; null is `null`.
///
/// # Panics
/// When the query cannot be run.
#[must_use]
pub fn rows(tables: &dyn Tables, columns: &str, from: &str) -> Vec<String> {
    let sql = format!("SELECT {columns} FROM {from}");
    let found = tables.ask(&sql);
    let names: Vec<&str> = columns.split(',').map(|c| c.trim().rsplit(' ').next().unwrap_or_default()).collect();
    let text = |row: &serde_json::Map<String, Value>| {
        let values = names.iter().map(|name| word(row.get(*name).unwrap_or_else(|| panic!("{sql} gives no {name}"))));
        values.collect::<Vec<_>>().join(" ")
    };
    found.iter().map(text).collect()
}

fn word(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), |text| if text.is_empty() { "''".to_owned() } else { text.to_owned() })
}

/// What must be equal in *equal tables*.
#[must_use]
pub fn equal(tables: &dyn Tables) -> Dump {
    let present = |t: &str| ABSENT.iter().find(|(name, _)| *name == t).map(|(_, value)| format!("{value} IS NOT NULL"));
    let dump =
        |t: &&str| ((*t).to_owned(), table(tables, t, (&["revision", "activity_time", "updated_at"], present(t))));
    ANALYSTS.iter().map(dump).collect()
}

/// Every table of dep with every column but updated_at.
#[must_use]
pub fn whole(tables: &dyn Tables) -> Dump {
    let dump = |t: &&str| ((*t).to_owned(), table(tables, t, (&["updated_at"], None)));
    ANALYSTS.iter().chain(&PARTS).map(dump).collect()
}

/// What differs between two dumps, in words; nothing where they are equal.
#[must_use]
pub fn difference(left: &Dump, right: &Dump) -> String {
    let mut told = String::new();
    for (table, rows) in left {
        let none = Vec::new();
        let others = right.get(table).unwrap_or(&none);
        let only = |these: &[String], those: &[String]| -> Vec<String> {
            these.iter().filter(|row| !those.contains(row)).cloned().collect()
        };
        if rows != others {
            told += &format!("{table}:\n  left  {:?}\n  right {:?}\n", only(rows, others), only(others, rows));
        }
    }
    told
}

fn table(tables: &dyn Tables, name: &str, (left_out, filter): (&[&str], Option<String>)) -> Vec<String> {
    let columns = tables.columns(name);
    assert!(!columns.is_empty(), "there is no table {name}");
    let kept: Vec<String> = columns.into_iter().filter(|c| !left_out.contains(&c.as_str())).collect();
    let filter = filter.map(|f| format!(" WHERE {f}")).unwrap_or_default();
    let mut lines = rows(tables, &kept.join(","), &format!("{name}{filter}"));
    lines.sort();
    lines
}
