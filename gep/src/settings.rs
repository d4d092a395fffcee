//! What an operator can set about folding; the shell reads it from the settings file.
//!
//! Place: given to the pipeline at start. Intake policies belong to the partner, not here.

/// Settings of the GEP processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GepSettings {
    /// The most one visit counts, ms (domain.md §6 "Time").
    pub visit_cap_ms: i64,
    /// Whether a session's score is published before everything is graded (domain.md §6 "Ungraded").
    pub provisional: bool,
}

impl Default for GepSettings {
    fn default() -> Self {
        Self { visit_cap_ms: 7_200_000, provisional: false }
    }
}
