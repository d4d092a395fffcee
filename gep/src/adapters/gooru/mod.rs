//! Gooru's event formats: the 3.0 and 4.0 envelope, system events in it, and the flat forms of the grading pages.
//!
//! Place: the default adapter. The rules are those of domain.md §2.1–§2.2, §7.1; one room per concern.

mod envelope;
mod flat;
mod grading;
mod names;
mod payload;
mod system;
mod system_data;

pub(super) use payload::collect_codes;

use super::{Adapted, Adapter};
use crate::reader::Value;
use crate::validate::{Desk, Part};

/// The adapter `gooru`.
#[derive(Debug)]
pub struct Gooru;

impl Adapter for Gooru {
    fn name(&self) -> &'static str {
        "gooru"
    }

    fn adapt<'b>(&self, event: Value<'_, 'b>, desk: &mut Desk<'_>) -> Adapted<'b> {
        let root = Part::new(Some(event), "");
        if !root.has("eventName") && root.has("event_name") {
            flat::adapt(root, desk)
        } else {
            envelope::adapt(root, desk)
        }
    }
}
