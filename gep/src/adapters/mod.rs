//! Partner formats: one file (or folder) per format, one row here.
//!
//! Place: between the reader and the finish of an event. An adapter turns the partner's words into ours and names
//! every violation; it knows neither receipts nor fingerprints nor topics.

mod base64;
mod context;
mod draft;
pub mod gooru;
pub mod native;
mod reaction;
mod score;
mod times;
mod words;

pub use draft::{Adapted, Draft, SystemDraft, UsageDraft};

use crate::reader::Value;
use crate::validate::Desk;

/// A partner format.
pub trait Adapter: Sync {
    /// Its name: the file's stem, and what a credential says.
    fn name(&self) -> &'static str;

    /// Turns one JSON object into our events. Violations go to the desk; where there is one, the drafts are dropped.
    fn adapt<'b>(&self, event: Value<'_, 'b>, desk: &mut Desk<'_>) -> Adapted<'b>;
}

/// Every format there is.
pub static ADAPTERS: &[&dyn Adapter] = &[&gooru::Gooru, &native::Native];

/// The adapter of a name.
#[must_use]
pub fn named(name: &str) -> Option<&'static dyn Adapter> {
    let mut known = ADAPTERS.iter();
    #[cfg(test)]
    let mut known = known.by_ref().chain(trial::ADAPTERS);
    known.find(|adapter| adapter.name() == name).copied()
}

/// What credentials can name in tests alone.
#[cfg(test)]
mod trial {
    use super::{Adapted, Adapter, Desk, Value, gooru};

    pub(super) static ADAPTERS: &[&dyn Adapter] = &[&Fragile];

    /// Panics where an event says so.
    struct Fragile;

    impl Adapter for Fragile {
        fn name(&self) -> &'static str {
            "fragile"
        }

        fn adapt<'b>(&self, event: Value<'_, 'b>, desk: &mut Desk<'_>) -> Adapted<'b> {
            assert!(event.get("break").is_none(), "as asked");
            gooru::Gooru.adapt(event, desk)
        }
    }
}
