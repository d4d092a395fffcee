//! Clients' words for items: which kind they mean, and which of them report a score in place of questions.
//!
//! Place: read by the adapters, by the fold and by dep, so that all agree (domain.md §2.1 collectionType, §1 "Item").

use super::usage::ObjectKind;

const WORDS: [(&str, ObjectKind, bool); 7] = [
    ("collection", ObjectKind::Collection, false),
    ("scollection", ObjectKind::Collection, false),
    ("collection-external", ObjectKind::Collection, true),
    ("assessment", ObjectKind::Assessment, false),
    ("assessment-external", ObjectKind::Assessment, true),
    ("assessment/url", ObjectKind::Assessment, true),
    ("offline-activity", ObjectKind::Assessment, true),
];

/// The kind behind a client's word for an item, in any case; `None` for a word of no item.
#[must_use]
pub fn kind_of(word: &str) -> Option<ObjectKind> {
    WORDS.iter().find(|(known, ..)| known.eq_ignore_ascii_case(word)).map(|(_, kind, _)| *kind)
}

/// Whether a client's word names an external item, in any case.
#[must_use]
pub fn is_external(word: &str) -> bool {
    WORDS.iter().any(|(known, _, external)| *external && known.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_clients_name_kinds_in_any_case() {
        assert_eq!(kind_of("SCollection"), Some(ObjectKind::Collection));
        assert_eq!(kind_of("assessment/url"), Some(ObjectKind::Assessment));
        assert_eq!(kind_of("question"), None);
        assert!(is_external("Offline-Activity") && !is_external("assessment"));
    }
}
