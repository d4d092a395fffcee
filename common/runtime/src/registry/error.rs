//! Why a registry gave no answer: its codes as plain sentences.
//!
//! Place: made by `client`, read by people and by everything that must tell a passing trouble from a definite answer.

use std::fmt;

use da_model::fault::{Cause, Fault};

/// What was asked, and of whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// What was attempted.
    pub what: String,
    /// The registry's URL.
    pub url: String,
}

/// Why there is no answer, or a definite "no".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// A setting, or a file that it names, cannot be used.
    #[error("{0}")]
    Setting(String),
    /// It does not answer, is overloaded or has trouble of its own: this may pass.
    #[error("{asked}: the registry is away: {cause}")]
    Away {
        /// What was asked.
        asked: Asked,
        /// What came back.
        cause: String,
    },
    /// There is no such thing.
    #[error("{asked}{}", sentence(*.code))]
    Unknown {
        /// What was asked.
        asked: Asked,
        /// Its code, 404xx.
        code: u32,
    },
    /// An earlier version stands in the way.
    #[error("{asked}: the schema does not read what was written with an earlier version: {said}")]
    Incompatible {
        /// What was asked.
        asked: Asked,
        /// In its own words.
        said: String,
    },
    /// It does not take the schema or the level.
    #[error("{asked}{}: {said}", sentence(*.code))]
    Invalid {
        /// What was asked.
        asked: Asked,
        /// Its code, 422xx; 0 where the fault was found here.
        code: u32,
        /// In its own words.
        said: String,
    },
    /// User or password are not accepted.
    #[error("{asked}: refused with status {status}; check registry.username and registry.password_file")]
    Forbidden {
        /// What was asked.
        asked: Asked,
        /// 401 or 403.
        status: u16,
    },
    /// Its certificate is not signed by anyone we trust.
    #[error("{asked}: its certificate is not vouched for by {whom}: {cause}")]
    Untrusted {
        /// What was asked.
        asked: Asked,
        /// Whom we trust.
        whom: String,
        /// What was found.
        cause: String,
    },
    /// The answer is none of a registry.
    #[error("{asked}: no answer of a schema registry: {cause}")]
    Strange {
        /// What was asked.
        asked: Asked,
        /// What is strange.
        cause: String,
    },
}

impl RegistryError {
    /// Whether asking again may help by itself.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::Away { .. })
    }

    /// Whether the registry itself gave a definite answer about the schema asked for.
    #[must_use]
    pub const fn is_definite(&self) -> bool {
        matches!(self, Self::Unknown { .. } | Self::Incompatible { .. } | Self::Invalid { .. })
    }
}

/// A record waits for whatever is no definite answer: an operator may mend a password, a certificate or an URL.
impl From<RegistryError> for Fault {
    fn from(error: RegistryError) -> Self {
        Self::Transient(Cause::new("question to the registry", error))
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.what, self.url)
    }
}

/// What a code of a registry means, behind a colon.
#[must_use]
pub const fn sentence(code: u32) -> &'static str {
    match code {
        40_401 => ": the registry has no such subject",
        40_402 => ": the subject has no such version",
        40_403 => ": the registry has no such schema",
        40_404 => ": the subject was deleted",
        40_408 => ": the subject has no compatibility level of its own",
        40_400..=40_499 => ": the registry has none",
        42_201 => ": the registry takes it for no Avro schema",
        42_202 => ": the registry knows no such version number",
        42_203 => ": the registry knows no such compatibility level",
        42_205 => ": the registry is read-only",
        42_200..=42_299 => ": the registry does not take it",
        50_001 => ": its store failed",
        50_002 => ": its store did not answer in time",
        50_003 => ": its primary could not be reached",
        _ => "",
    }
}
