//! What is found while reading settings: how bad, where, and in words that help.
//!
//! Place: made by `mod` and printed by `da validate` and at start. Reads no settings.

use std::fmt;

use serde_saphyr::Error as YamlError;

use super::near::near_miss;

/// Settings of features that are known and not yet built.
const LATER: &[&str] =
    &["tls", "outbox", "parking", "completeness", "outbound", "cors_origins", "cloudevents", "redis"];

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Nothing starts with it.
    Error,
    /// It stops nothing.
    Warning,
}

/// Where a finding is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In the file; line 0 means the file as a whole.
    File {
        /// Name of the file.
        name: String,
        /// From 1.
        line: u64,
        /// From 1.
        column: u64,
    },
    /// A variable of the environment.
    Environment(String),
    /// A setting that is written nowhere.
    Default(String),
}

/// One thing found while reading settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// Stable code.
    pub code: &'static str,
    /// Where.
    pub place: Place,
    /// What is wrong, and what to do.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::File { name, line: 0, .. } => write!(f, "{name}")?,
            Place::File { name, line, column } => write!(f, "{name}:{line}:{column}")?,
            Place::Environment(name) => write!(f, "env {name}")?,
            Place::Default(key) => write!(f, "default {key}")?,
        }
        let word = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "  {word} {} {}", self.code, self.message)
    }
}

/// Severity and stable code of a kind of finding.
pub(super) type Kind = (Severity, &'static str);

/// The file cannot be read.
pub(super) const UNREADABLE: Kind = (Severity::Error, "E100");
/// A key that is no setting.
pub(super) const UNKNOWN: Kind = (Severity::Error, "E102");
/// Text that is no value of this setting, or no YAML.
pub(super) const BAD_VALUE: Kind = (Severity::Error, "E103");
/// A setting of a later release.
pub(super) const LATER_FEATURE: Kind = (Severity::Error, "E104");
/// A value out of its range.
pub(super) const OUT_OF_RANGE: Kind = (Severity::Error, "E201");
/// Values that do not go together.
pub(super) const BROKEN_RULE: Kind = (Severity::Error, "E202");
/// A variable of the environment that names no setting.
pub(super) const UNKNOWN_VARIABLE: Kind = (Severity::Warning, "W031");
/// Allowed, and probably not meant.
pub(super) const DOUBTFUL: Kind = (Severity::Warning, "W040");

impl Finding {
    /// A finding.
    pub(super) fn new((severity, code): Kind, place: Place, message: impl Into<String>) -> Self {
        Self { severity, code, place, message: message.into() }
    }

    /// What the YAML reader says about a file, in our words.
    pub(super) fn of_yaml(name: &str, error: &YamlError) -> Self {
        let error = error.without_snippet();
        let (line, column) = error.location().map_or((0, 0), |l| (l.line(), l.column()));
        let (kind, message) = words(error);
        Self::new(kind, Place::File { name: name.to_owned(), line, column }, message)
    }
}

/// The word of a later feature among what was written.
pub(super) fn later<'w>(mut written: impl Iterator<Item = &'w str>) -> Option<String> {
    let word = written.find(|word| LATER.contains(word))?;
    Some(format!("`{word}` comes with a later release; this one runs on the embedded log alone"))
}

fn words(error: &YamlError) -> (Kind, String) {
    if let YamlError::SerdeUnknownField { field, expected, .. } = error {
        if let Some(text) = later([field.as_str()].into_iter()) {
            return (LATER_FEATURE, text);
        }
        let near = near_miss(field, expected.iter().copied());
        let known = || format!("; known here: {}", expected.join(", "));
        let hint = near.map_or_else(known, |n| format!("; did you mean `{n}`?"));
        return (UNKNOWN, format!("unknown setting `{field}`{hint}"));
    }
    if let YamlError::SerdeUnknownVariant { variant, expected, .. } = error {
        let refused = (BAD_VALUE, format!("`{variant}` is not one of {}", expected.join(", ")));
        return later([variant.as_str()].into_iter()).map_or(refused, |text| (LATER_FEATURE, text));
    }
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default();
    (BAD_VALUE, first.split(" at line ").next().unwrap_or(first).to_owned())
}
