//! demux as a stage of a process.
//!
//! Place: the only file here that knows the shell. Builds the handler from settings; opens nothing and runs nothing.

use da_runtime::driver::{DriverOptions, Stage, stage};

use crate::pipeline::Demux;
use crate::settings::Settings;

/// The stages of demux: one.
///
/// # Errors
/// The name in the settings that no metric has.
pub fn stages(settings: &Settings, options: &DriverOptions) -> Result<Vec<Box<dyn Stage>>, String> {
    let metrics = settings.chosen()?;
    Ok(vec![stage(Demux::of(metrics), options.clone())])
}
