//! dep as stages of a process, one per group of processors.
//!
//! Place: the only file here that knows the shell. Builds handlers from settings; opens nothing and runs nothing.

use da_model::fault::{Cause, Fault};
use da_runtime::app::Drain;
use da_runtime::cluster::{Service, Tables};
use da_runtime::config::checked::{self, Processors};
use da_runtime::driver::{DriverOptions, Stage, stage};

use crate::pipeline::Dep;
use crate::settings::{Group, GroupError, Settings};

/// The stages of dep.
///
/// # Errors
/// [`GroupError`] where the settings name an unknown processor, or one twice.
pub fn stages(settings: &Settings, options: &DriverOptions) -> Result<Vec<Box<dyn Stage>>, GroupError> {
    let groups = settings.chosen()?;
    Ok(groups.into_iter().map(|(name, processors)| stage(Dep::of(name, processors), options.clone())).collect())
}

/// The groups of processors that the settings of a process name.
#[must_use]
pub fn groups_of(settings: &checked::Settings) -> Settings {
    let groups = settings.dep_groups.iter().map(|(name, processors)| Group {
        // Names of groups live as long as the process: the settings are read once.
        name: name.clone().leak(),
        processors: match processors {
            Processors::All => None,
            Processors::Named(names) => Some(names.clone()),
        },
    });
    Settings { groups: groups.collect() }
}

/// dep on a cluster; its roles are the groups of processors.
///
/// # Errors
/// What keeps it from starting, or ended it badly.
pub fn run(mut service: Service) -> Result<Drain, Fault> {
    let groups = groups_of(&service.settings).chosen();
    let groups = groups.map_err(|e| Fault::Fatal(Cause::new("start of dep", e)))?;
    for (name, processors) in groups.into_iter().filter(|(name, _)| service.plays(name)).collect::<Vec<_>>() {
        let (driver, alone) = (service.driver.clone(), Dep::of(name, processors.clone()).alone());
        let tables = Tables { tables: crate::tables::tables(), alone, migrations: crate::migrations::POSTGRES };
        service.stateful(|| stage(Dep::of(name, processors.clone()), driver.clone()), &tables)?;
    }
    service.run(None)
}
