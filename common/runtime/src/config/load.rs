//! Gathers what the settings are made of: the one place that reads the settings file and the environment.
//!
//! Place: called at start and by `da validate`, `da config`. Decides nothing: reading is in `mod`.

use std::path::{Path, PathBuf};

use da_model::fault::{Cause, Fault};

use super::finding::UNREADABLE;
use super::{Finding, Loaded, Place, Sources, read};

/// The file that is read when none is named.
pub const DEFAULT_FILE: &str = "da.yaml";

/// The settings of a file and the environment; without a named file `da.yaml` is read if it is there.
///
/// # Errors
/// Every finding, at least one of them an error.
pub fn load(file: Option<&Path>) -> Result<Loaded, Vec<Finding>> {
    let named = file.map(Path::to_owned).or_else(|| Some(PathBuf::from(DEFAULT_FILE)).filter(|p| p.exists()));
    let file = match named {
        None => None,
        Some(path) => {
            let name = path.display().to_string();
            match std::fs::read_to_string(&path) {
                Ok(text) => Some((name, text)),
                Err(error) => return Err(vec![unreadable(name, &error)]),
            }
        }
    };
    read(&Sources { file, environment: environment() })
}

fn unreadable(name: String, error: &std::io::Error) -> Finding {
    let place = Place::File { name, line: 0, column: 0 };
    Finding::new(UNREADABLE, place, format!("the settings file cannot be read: {error}"))
}

/// The words behind the program's name.
#[must_use]
pub fn arguments() -> Vec<String> {
    std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect()
}

/// The secret in a file, without the line's end.
///
/// # Errors
/// [`Fault::Fatal`] naming the setting and the file.
pub fn secret(setting: &str, file: &Path) -> Result<String, Fault> {
    Ok(text(setting, file)?.trim_end_matches(['\r', '\n']).to_owned())
}

/// The text of a file that a setting names.
///
/// # Errors
/// [`Fault::Fatal`] naming the setting and the file.
pub fn text(setting: &str, file: &Path) -> Result<String, Fault> {
    let read = std::fs::read_to_string(file);
    read.map_err(|e| Fault::Fatal(Cause::new(format!("read of {setting} ({})", file.display()), e)))
}

/// Variables that begin with `DA__`; those that are no text are left out.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
fn environment() -> Vec<(String, String)> {
    let all =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let mut ours: Vec<_> = all.filter(|(name, _)| name.starts_with("DA__")).collect();
    ours.sort();
    ours
}
