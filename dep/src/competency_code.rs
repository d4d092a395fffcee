//! The parts of a competency code: subject, course, domain, standard, micro-standard (domain.md §8, "Code parts").
//!
//! Place: columns of the competency tables. Does not know the frameworks: a part is what lies between hyphens.

/// A code cut at its hyphens; each part is a prefix of the code, absent where the code is too short for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeParts<'c> {
    /// The first part.
    pub subject: &'c str,
    /// The first two parts.
    pub course: Option<&'c str>,
    /// The first three parts.
    pub domain: Option<&'c str>,
    /// The first four parts.
    pub standard: Option<&'c str>,
    /// The whole code, if it has five parts or more.
    pub micro: Option<&'c str>,
}

impl<'c> CodeParts<'c> {
    /// The parts of a code.
    #[must_use]
    pub fn of(code: &'c str) -> Self {
        Self {
            subject: prefix(code, 1).unwrap_or(code),
            course: prefix(code, 2),
            domain: prefix(code, 3),
            standard: prefix(code, 4),
            micro: prefix(code, 5).map(|_| code),
        }
    }
}

/// The first `parts` parts; nothing where there are fewer.
fn prefix(code: &str, parts: usize) -> Option<&str> {
    match code.match_indices('-').nth(parts.checked_sub(1)?) {
        Some((at, _)) => code.get(..at),
        None => (code.split('-').count() == parts).then_some(code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_code_has_only_the_parts_it_has() {
        let parts = CodeParts::of("K12");
        assert_eq!((parts.subject, parts.course, parts.micro), ("K12", None, None));
        let parts = CodeParts::of("a-b-c-d-e-f");
        assert_eq!((parts.domain, parts.standard, parts.micro), (Some("a-b-c"), Some("a-b-c-d"), Some("a-b-c-d-e-f")));
    }
}
