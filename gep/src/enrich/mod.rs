//! Enrichers: each adds one piece of context to a change.
//!
//! Place: after `impact` found what changed. An enricher sees only what the pipeline declared to read.

mod attempt;
mod carried;
mod view_date;

use da_model::event::Change;

use crate::item::InScope;
use crate::session::Carried;

/// What enrichers may look at.
#[derive(Debug, Clone, Copy)]
pub struct Known<'k> {
    /// The session the change belongs to.
    pub session: &'k str,
    /// What its plays said.
    pub carried: &'k Carried,
    /// Its item in its scope; absent at single resources and while the kind is unknown.
    pub in_scope: Option<&'k InScope>,
    /// Local date of the session's first published view.
    pub view_date: Option<i32>,
}

/// Adds one piece of context.
pub trait Enricher: Sync {
    /// Its name, which is its file's.
    fn name(&self) -> &'static str;

    /// Adds it.
    fn enrich(&self, change: &mut Change<'_>, known: &Known<'_>);
}

/// All enrichers, in the order they run.
pub static ENRICHERS: &[&dyn Enricher] = &[
    &attempt::Attempt, //
    &carried::Carried,
    &view_date::ViewDate,
];
