//! demux as a stage of a process.
//!
//! Place: the only file here that knows the shell. Builds the handler from settings; opens nothing and runs nothing.

use da_model::fault::{Cause, Fault};
use da_runtime::app::Drain;
use da_runtime::cluster::Service;
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

/// demux on a cluster.
///
/// # Errors
/// What keeps it from starting, or ended it badly.
pub fn run(mut service: Service) -> Result<Drain, Fault> {
    let settings = Settings::default();
    let unknown = |name| Fault::Fatal(Cause::new("start of demux", format!("no metric is named `{name}`")));
    settings.chosen().map_err(unknown)?;
    let driver = service.driver.clone();
    service.stateless(|| stage(Demux::of(settings.chosen().unwrap_or_default()), driver.clone()))?;
    service.run(None)
}
