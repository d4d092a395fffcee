//! The local date of a session's views.
//!
//! Place: every view of a session after its first carries the local date of the first (domain.md §12), so that the
//! view 0 of a withdrawal takes back the day it was counted on.

use da_model::event::{Change, MetricKind};
use da_model::time::LocalDate;

use super::{Enricher, Known};

/// See the file's header.
#[derive(Debug)]
pub(super) struct ViewDate;

impl Enricher for ViewDate {
    fn name(&self) -> &'static str {
        "view_date"
    }

    fn enrich(&self, change: &mut Change<'_>, known: &Known<'_>) {
        if let (MetricKind::View, Some(date)) = (change.metric, known.view_date) {
            change.local_date = LocalDate(date);
        }
    }
}
