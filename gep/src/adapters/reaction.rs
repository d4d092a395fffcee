//! The reaction 0–5, as number or word, and the id it makes.
//!
//! Place: used by all formats (domain.md §2.1 eventId, reactionType).

use da_model::ids::Text;
use da_model::outcome::Reason;
use da_model::score::Points;

use crate::validate::{Desk, Part, is_sentinel};

const WORDS: [(&str, i32); 5] =
    [("i-need-help", 1), ("i-donot-understand", 2), ("meh", 3), ("i-can-understand", 4), ("i-can-explain", 5)];

/// Reads a required reaction; `words` says whether text may stand for a number.
pub(super) fn reaction(desk: &mut Desk<'_>, part: Part<'_, '_>, name: &str, words: bool) -> Option<i32> {
    let Some(value) = part.get(name) else {
        desk.missing(part, name);
        return None;
    };
    if let Some(digits) = value.number() {
        return in_range(desk, part, name, digits);
    }
    match value.text() {
        Some(text) if is_sentinel(&text) => {
            desk.missing(part, name);
            None
        }
        Some(text) if words => word(desk, part, name, text.trim()),
        Some(_) | None => {
            desk.bad_type(part, name, "an integer");
            None
        }
    }
}

fn word(desk: &mut Desk<'_>, part: Part<'_, '_>, name: &str, text: &str) -> Option<i32> {
    if let Some((_, number)) = WORDS.iter().find(|(word, _)| *word == text) {
        return Some(*number);
    }
    if Points::parse(text) != Err(da_model::score::NotPoints::Syntax) {
        return in_range(desk, part, name, text);
    }
    desk.refuse(Reason::BadEnum, part.path_of(name), format!("{name} is none of the known words"));
    None
}

fn in_range(desk: &mut Desk<'_>, part: Part<'_, '_>, name: &str, digits: &str) -> Option<i32> {
    let whole = Points::parse(digits).ok().filter(|(points, rounded)| points.0 % 10_000 == 0 && !rounded);
    let number = whole.and_then(|(points, _)| i32::try_from(points.0 / 10_000).ok());
    let number = number.filter(|n| (0..=5).contains(n));
    if number.is_none() {
        desk.refuse(Reason::ReactionRange, part.path_of(name), format!("{name} is not in 0–5"));
    }
    number
}

/// The canonical id of a reaction: web clients keep one id while the learner changes it.
pub(super) fn reaction_id(sent: &str, reaction: i32) -> Text<'static> {
    Text::Owned(format!("{sent}#{reaction}"))
}
