//! The number of the attempt a change belongs to.
//!
//! Place: `context.attempt`. Assessments only; a withdrawn session is no attempt (domain.md §12).

use da_model::event::Change;

use super::{Enricher, Known};

/// See the file's header.
#[derive(Debug)]
pub(super) struct Attempt;

impl Enricher for Attempt {
    fn name(&self) -> &'static str {
        "attempt"
    }

    fn enrich(&self, change: &mut Change<'_>, known: &Known<'_>) {
        if change.context.attempt.is_none() {
            change.context.attempt = known.in_scope.and_then(|scope| scope.attempt_number(known.session));
        }
    }
}
