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
    ADAPTERS.iter().copied().find(|adapter| adapter.name() == name)
}
