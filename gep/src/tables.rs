//! The three tables of GEP's state (domain.md §4.1).
//!
//! Place: descriptors for the store and keys named by the input alone. All are fed by `gep.accepted` of one
//! partition, hence cached.

use da_model::event::UsageEvent;
use da_model::event::usage::UsageName;
use da_model::state::{Column, Feed, Kind, RowKey, Table};

/// One short row per applied event, clustered by session: the only dedupe memory.
pub static APPLIED: Table = Table {
    name: "applied",
    doc: "Events that were applied, for ever: the memory by which repeats and conflicts are recognised.",
    keys: &[TENANT, LEARNER, SESSION_ID, ITEM, Column::new("event_key", Kind::Text, "the event's dedupe key")],
    values: &[
        Column::new("fingerprint", Kind::Bytes, "SHA-256 of the content as sent"),
        Column::new("resource", Kind::Text, "resource or question, '' where the event is about an item"),
        Column::nullable("wall_ms", Kind::Int, "uncapped time of a visit, ms; null where the event is no visit"),
    ],
    feed: Feed::OneTopic,
    range: None,
};

/// One sitting of one learner at one item, or at one single resource.
pub static SESSION: Table = Table {
    name: "session",
    doc: "What is known about a session, and what was published about its resources.",
    keys: &[TENANT, LEARNER, SESSION_ID, ITEM, Column::new("resource", Kind::Text, "single resource; '' at an item")],
    values: &[Column::new("state", Kind::Bytes, "the folded session in the form of gep's `stored` module")],
    feed: Feed::OneTopic,
    range: None,
};

/// One learner at one item over all sessions.
pub static LEARNER_ITEM: Table = Table {
    name: "learner_item",
    doc: "Per scope: the sessions with their results and the latest flag, latest answers, published scores.",
    keys: &[TENANT, LEARNER, ITEM],
    values: &[Column::new("state", Kind::Bytes, "the folded item in the form of gep's `stored` module")],
    feed: Feed::OneTopic,
    range: None,
};

const TENANT: Column = Column::new("tenant_id", Kind::Text, "whose data it is");
const LEARNER: Column = Column::new("learner", Kind::Text, "the learner");
const SESSION_ID: Column = Column::new("session", Kind::Text, "the sitting");
const ITEM: Column = Column::new("item", Kind::Text, "the item, '' for a single resource");

/// The migrations of these tables, in order.
pub const MIGRATIONS: &[(&str, &str)] = &[("gep_0001_state", include_str!("../migrations/sqlite/0001_state.sql"))];

/// The same for PostgreSQL.
pub const POSTGRES: &[(&str, &str)] = &[("gep_0001_state", include_str!("../migrations/postgres/0001_state.sql"))];

/// All tables of GEP.
#[must_use]
pub fn all() -> Vec<&'static Table> {
    vec![&APPLIED, &SESSION, &LEARNER_ITEM]
}

/// Whether the event's object is an item; else it is a resource or question.
#[must_use]
pub const fn concerns_item(event: &UsageEvent<'_>) -> bool {
    matches!(event.event_name, UsageName::CollectionPlay | UsageName::CollectionScoreUpdate)
}

/// The item's id; `None` for a single resource.
#[must_use]
pub fn item_of<'e>(event: &'e UsageEvent<'_>) -> Option<&'e str> {
    if concerns_item(event) { Some(&event.object.id) } else { event.parent.as_ref().map(|p| &*p.id) }
}

/// The resource's or question's id; `None` where the event is about the item.
#[must_use]
pub fn resource_of<'e>(event: &'e UsageEvent<'_>) -> Option<&'e str> {
    (!concerns_item(event)).then_some(&*event.object.id)
}

/// The key of the event's row in [`APPLIED`].
#[must_use]
pub fn applied_key(event: &UsageEvent<'_>) -> RowKey {
    let item = item_of(event).unwrap_or_default();
    let key = event.event_key.to_string();
    RowKey::new(&APPLIED, &[&event.tenant_id, &event.user_id, &event.session_id, item, &key])
}

/// The key of the event's row in [`SESSION`].
#[must_use]
pub fn session_key(event: &UsageEvent<'_>) -> RowKey {
    let (item, resource) = match item_of(event) {
        Some(item) => (item, ""),
        None => ("", &*event.object.id),
    };
    RowKey::new(&SESSION, &[&event.tenant_id, &event.user_id, &event.session_id, item, resource])
}

/// The key of the event's row in [`LEARNER_ITEM`]; `None` for a single resource.
#[must_use]
pub fn learner_item_key(event: &UsageEvent<'_>) -> Option<RowKey> {
    item_of(event).map(|item| RowKey::new(&LEARNER_ITEM, &[&event.tenant_id, &event.user_id, item]))
}
