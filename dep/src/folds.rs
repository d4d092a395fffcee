//! The small rules that several processors share: which part of a DE is whose, and what a fold keeps.
//!
//! Place: between the discrete event and the rows of `processors/` and `rollup/`. Pure functions; no table is named.

use da_model::event::usage::{ObjectKind, Track};
use da_model::event::{DiscreteEvent, Metric};
use da_model::fault::Rejection;
use da_model::ids::Text;
use da_model::outcome::Reason;
use da_model::state::{Row, RowKey, Table, Value};

/// The text of an optional id; `''` where it is absent.
#[must_use]
pub fn id<'t>(text: &'t Option<Text<'_>>) -> &'t str {
    text.as_deref().unwrap_or("")
}

/// The object word of a DE's name: `lesson` of `usage.lesson.score`.
#[must_use]
pub fn object_of<'t>(de: &'t DiscreteEvent<'_>) -> &'t str {
    de.event_name.split('.').nth(1).unwrap_or("")
}

/// The kind of the object that a DE names, where it is a resource, question or item.
#[must_use]
pub fn kind_of(de: &DiscreteEvent<'_>) -> Option<ObjectKind> {
    ObjectKind::from_code(object_of(de)).filter(|kind| *kind != ObjectKind::Unknown)
}

/// The kind of the item that a DE speaks of; `None` where it speaks of none.
#[must_use]
pub fn item_kind_of(de: &DiscreteEvent<'_>) -> Option<ObjectKind> {
    kind_of(de).filter(|kind| matches!(kind, ObjectKind::Collection | ObjectKind::Assessment))
}

/// Whether a DE can enter the roll-ups: track main with a course (domain.md §8).
#[must_use]
pub fn rolls_up(de: &DiscreteEvent<'_>) -> bool {
    de.context.track == Track::Main && !id(&de.context.course_id).is_empty()
}

/// The revision in a row of a table: its last value but one.
#[must_use]
pub fn revision_of(table: &Table, row: Option<&Row>) -> i64 {
    row.and_then(|row| row.int(table.values.len().saturating_sub(2))).unwrap_or(0)
}

/// Whether a row holds this DE's revision, or a newer one, already.
#[must_use]
pub fn is_stale(table: &Table, row: Option<&Row>, de: &DiscreteEvent<'_>) -> bool {
    row.is_some() && revision_of(table, row) >= i64::from(de.revision)
}

/// The last two values of a row: this revision, and the newest activity of the row and the DE.
#[must_use]
pub fn tail(table: &Table, before: Option<&Row>, revision: i64, de: &DiscreteEvent<'_>) -> [Value; 2] {
    let stored = before.and_then(|row| row.int(table.values.len().saturating_sub(1)));
    let newest = stored.map_or(de.activity_time.0, |stored| stored.max(de.activity_time.0));
    [revision.into(), newest.into()]
}

/// The key of a resource in a session.
#[must_use]
pub fn resource_key(table: &'static Table, de: &DiscreteEvent<'_>) -> RowKey {
    let at = &de.context;
    let (session, item) = (id(&at.session_id), id(&at.collection_id));
    RowKey::new(table, &[&at.tenant_id, id(&de.user_id), session, item, id(&de.resource_id)])
}

/// The key of an item in a session.
#[must_use]
pub fn item_key(table: &'static Table, de: &DiscreteEvent<'_>) -> RowKey {
    let at = &de.context;
    RowKey::new(table, &[&at.tenant_id, id(&de.user_id), id(&at.session_id), id(&de.collection_id)])
}

/// The key of an item over all sessions of its scope.
#[must_use]
pub fn learner_item_key(table: &'static Table, de: &DiscreteEvent<'_>) -> RowKey {
    let at = &de.context;
    let path = at.path_id.to_string();
    let (class, course) = (id(&at.class_id), id(&at.course_id));
    let (unit, lesson, item) = (id(&at.unit_id), id(&at.lesson_id), id(&de.collection_id));
    let (learner, track) = (id(&de.user_id), at.track.code());
    RowKey::new(table, &[&at.tenant_id, learner, class, course, unit, lesson, track, &path, item])
}

/// The key of a learner's day; `item_kind` is `''` for a single resource.
#[must_use]
pub fn day_key(table: &'static Table, de: &DiscreteEvent<'_>, item_kind: &str) -> RowKey {
    let at = &de.context;
    let date = de.local_date.0.to_string();
    let (learner, class) = (id(&de.user_id), id(&at.class_id));
    RowKey::new(table, &[&at.tenant_id, learner, class, &date, at.track.code(), item_kind])
}

/// The scope columns: class, course, unit, lesson, track, path_id.
#[must_use]
pub fn scope(de: &DiscreteEvent<'_>) -> [Value; 6] {
    let at = &de.context;
    [
        id(&at.class_id).into(),
        id(&at.course_id).into(),
        id(&at.unit_id).into(),
        id(&at.lesson_id).into(),
        at.track.code().into(),
        at.path_id.into(),
    ]
}

/// Texts as a JSON array.
#[must_use]
pub fn json_array(texts: &[Text<'_>]) -> String {
    let mut json = String::from("[");
    for (n, text) in texts.iter().enumerate() {
        json.push_str(if n > 0 { ",\"" } else { "\"" });
        for c in text.chars() {
            if matches!(c, '"' | '\\') {
                json.push('\\');
            }
            json.push(c);
        }
        json.push('"');
    }
    json.push(']');
    json
}

/// The refusal of a DE whose value is of another metric than its name.
#[must_use]
pub fn foreign(de: &DiscreteEvent<'_>) -> Rejection {
    let kind = de.result.kind();
    Rejection::at(Reason::HandlerFailed, "/result", format!("a value of {kind} is none of this processor"))
}

/// Time of a time DE: counted ms, wall ms, visits.
///
/// # Errors
/// [`foreign`] where it is none.
pub fn time_of(de: &DiscreteEvent<'_>) -> Result<[i64; 3], Rejection> {
    match &de.result {
        Metric::Timespent(time) => Ok([time.time_spent, time.wall_time, i64::from(time.visits)]),
        Metric::Score(_) | Metric::Reaction(_) | Metric::View(_) | Metric::Competency(_) => Err(foreign(de)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_become_a_json_array() {
        assert_eq!(json_array(&["K12.MA".into(), "a\"b\\".into()]), r#"["K12.MA","a\"b\\"]"#);
        assert_eq!(json_array(&[]), "[]");
    }
}
