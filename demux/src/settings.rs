//! What a site can choose about demux.
//!
//! Place: handed to [`crate::pipeline::Demux::of`] and the service. Nothing is read here: files and environment are the
//! shell's.

use crate::metrics::{METRICS, Metric};

/// The settings of demux.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// The metrics to run, by name; `None` runs all.
    pub metrics: Option<Vec<String>>,
}

impl Settings {
    /// The chosen metrics, in the order of the registry.
    ///
    /// # Errors
    /// The first name that no metric has.
    pub fn chosen(&self) -> Result<Vec<&'static dyn Metric>, String> {
        let Some(names) = &self.metrics else {
            return Ok(METRICS.to_vec());
        };
        match names.iter().find(|name| !METRICS.iter().any(|metric| metric.name() == *name)) {
            Some(unknown) => Err(unknown.clone()),
            None => Ok(METRICS.iter().copied().filter(|metric| names.iter().any(|n| n == metric.name())).collect()),
        }
    }
}
