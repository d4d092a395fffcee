//! The words partners use for kinds, statuses and paths, and what we make of them (domain.md §2.1).
//!
//! Place: read by all formats of Gooru's envelope; the native format takes canonical words only.

use da_model::event::usage::{AnswerStatus, ObjectKind};

/// The kind behind resourceType.
pub(super) fn resource_kind(word: &str) -> Option<ObjectKind> {
    match word {
        "resource" => Some(ObjectKind::Resource),
        "question" => Some(ObjectKind::Question),
        _ => None,
    }
}

/// The status behind attemptStatus.
pub(super) fn answer_status(word: &str) -> Option<AnswerStatus> {
    match word {
        "correct" => Some(AnswerStatus::Correct),
        "incorrect" | "in-correct" => Some(AnswerStatus::Incorrect),
        "skipped" => Some(AnswerStatus::Skipped),
        "attempted" | "started" => Some(AnswerStatus::Attempted),
        _ => None,
    }
}

/// The word of gradingType, in any case.
pub(super) fn grading_type(word: &str) -> Option<&'static str> {
    ["system", "teacher", "self"].into_iter().find(|known| known.eq_ignore_ascii_case(word))
}

/// Whether a lower-case contentSource is listed.
pub(super) fn content_source_known(word: &str) -> bool {
    matches!(
        word,
        "coursemap"
            | "dailyclassactivity"
            | "ilactivity"
            | "competencymastery"
            | "diagnostic"
            | "offline-activity"
            | "rgo"
    )
}

/// Whether a pathType is listed.
pub(super) fn path_type_known(word: &str) -> bool {
    matches!(
        word,
        "system" | "teacher" | "route0" | "ca.system" | "ca.teacher" | "proficiency.system" | "proficiency.teacher"
    )
}
