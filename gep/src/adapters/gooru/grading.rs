//! Grades, overrides and session updates in the envelope.
//!
//! Place: the three grading names of domain.md §2.2; the flat forms use the same rules under other field names.

use da_model::event::UsageEvent;
use da_model::event::usage::{AnswerStatus, Score, ScoreReason, UsageName};
use da_model::ids::Text;
use da_model::outcome::Reason;

use super::super::score::{self, Sent};
use super::super::words::answer_status;
use super::envelope::answer_of;
use crate::validate::{Desk, Field, Part};

/// What a format calls the fields of a grade.
#[derive(Debug, Clone, Copy)]
pub(super) struct GradeNames {
    pub(super) raw: &'static str,
    pub(super) max: &'static str,
    pub(super) status: &'static str,
    pub(super) grader: &'static str,
}

const ENVELOPE: GradeNames = GradeNames { raw: "score", max: "maxScore", status: "attemptStatus", grader: "graderId" };

/// Reads a grade from an envelope's payload.
pub(super) fn grade(desk: &mut Desk<'_>, payload: Part<'_, '_>, event: &mut UsageEvent<'_>) {
    read(desk, payload, ENVELOPE, event);
}

/// Reads a grade.
pub(super) fn read(desk: &mut Desk<'_>, part: Part<'_, '_>, names: GradeNames, event: &mut UsageEvent<'_>) {
    let Some(reason) = reason(desk, part, event.event_name) else {
        event.withdrawn = true;
        return;
    };
    let status = status(desk, part, names, event.event_name);
    let commented = status == Field::Absent && !desk.part_has_text(part, names.status);
    match score::score(desk, part, [names.raw, names.max], commented) {
        Sent::Points(raw, max) => {
            let grader_id = desk.id(part, names.grader).given().map(|id| Text::Owned(id.into_owned()));
            event.score = Some(Score { raw, max, reason, grader_id });
        }
        Sent::Nothing if status == Field::Absent => desk.missing(part, names.raw),
        Sent::Nothing | Sent::Bad | Sent::Comment => {}
    }
    if let Field::Given(status) = status {
        event.answer = Some(answer_of(desk, part, status));
    }
}

/// The status of an override; correct or incorrect.
fn status(desk: &mut Desk<'_>, part: Part<'_, '_>, names: GradeNames, name: UsageName) -> Field<AnswerStatus> {
    if name != UsageName::ResourceScoreUpdate {
        return Field::Absent;
    }
    desk.word(part, names.status, |word| {
        answer_status(word).filter(|s| matches!(s, AnswerStatus::Correct | AnswerStatus::Incorrect))
    })
}

/// Why points came; `None` for a withdrawal.
fn reason(desk: &mut Desk<'_>, part: Part<'_, '_>, name: UsageName) -> Option<ScoreReason> {
    let default = match name {
        UsageName::ResourceRubricGrade => ScoreReason::Rubric,
        UsageName::ResourceScoreUpdate => ScoreReason::Override,
        UsageName::CollectionScoreUpdate
        | UsageName::CollectionPlay
        | UsageName::CollectionResourcePlay
        | UsageName::ResourcePlay
        | UsageName::ReactionCreate => ScoreReason::Regrade,
    };
    let Field::Given(word) = desk.text(part, "reason") else { return Some(default) };
    if word == "withdrawn" && name == UsageName::CollectionScoreUpdate {
        return None;
    }
    match ScoreReason::from_code(&word).filter(|r| *r != ScoreReason::External) {
        Some(reason) => Some(reason),
        None => {
            desk.refuse(Reason::BadEnum, part.path_of("reason"), "reason is none of the known words");
            Some(default)
        }
    }
}
