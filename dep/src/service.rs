//! dep as stages of a process, one per group of processors.
//!
//! Place: the only file here that knows the shell. Builds handlers from settings; opens nothing and runs nothing.

use da_runtime::driver::{DriverOptions, Stage, stage};

use crate::pipeline::Dep;
use crate::settings::{GroupError, Settings};

/// The stages of dep.
///
/// # Errors
/// [`GroupError`] where the settings name an unknown processor, or one twice.
pub fn stages(settings: &Settings, options: &DriverOptions) -> Result<Vec<Box<dyn Stage>>, GroupError> {
    let groups = settings.chosen()?;
    Ok(groups.into_iter().map(|(name, processors)| stage(Dep::of(name, processors), options.clone())).collect())
}
