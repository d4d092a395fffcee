//! Settings for commands: the file named with `--settings`, the environment, and a folder given on the command line.
//!
//! Place: between `da_runtime::config` and the commands. Adds no rule: it prints what was found and refuses.

use std::path::{Path, PathBuf};

use clap::Args;
use da_runtime::config::{self, Finding, Loaded};

use crate::output::{Exit, Refusal};

/// Where settings come from.
#[derive(Debug, Clone, Default, Args)]
pub struct Chosen {
    /// Settings file; without it, da.yaml is read if it is there
    #[arg(long)]
    pub settings: Option<PathBuf>,
    /// Data folder, instead of embedded.dir of the settings
    #[arg(long)]
    pub dir: Option<PathBuf>,
}

impl Chosen {
    /// The settings in force.
    ///
    /// # Errors
    /// A refusal that holds every finding.
    pub fn load(&self) -> anyhow::Result<Loaded> {
        let mut loaded = config::load(self.settings.as_deref()).map_err(|findings| refused(&findings))?;
        if let Some(dir) = &self.dir {
            loaded.settings.dir.clone_from(dir);
        }
        Ok(loaded)
    }

    /// The data folder in force.
    ///
    /// # Errors
    /// As [`Chosen::load`].
    pub fn folder(&self) -> anyhow::Result<PathBuf> {
        match &self.dir {
            Some(dir) => Ok(dir.clone()),
            None => Ok(self.load()?.settings.dir),
        }
    }
}

/// A folder as it is shown to people: relative paths as they are written on a command line.
#[must_use]
pub fn shown(dir: &Path) -> String {
    dir.display().to_string()
}

fn refused(findings: &[Finding]) -> anyhow::Error {
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    anyhow::Error::new(Refusal {
        exit: Exit::WrongUse,
        what: format!("the settings cannot be used:\n{}", lines.join("\n")),
        next: "da config show prints every setting in force; da config schema prints all there are".to_owned(),
    })
}
