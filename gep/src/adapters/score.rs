//! Raw and max points as sent, by the rules of `score_range` (domain.md §2.6, §12 "Answers").
//!
//! Place: used by all formats. Numbers are read from their text; no binary floating point touches a score.

use da_model::outcome::{Flag, Reason};
use da_model::score::Points;

use crate::validate::{Desk, Field, Part, is_sentinel};

/// No score has more points: sums of ten thousand still fit `decimal(14,4)`.
const MOST_POINTS: Points = Points::whole(1_000_000);
/// No stop of an external item reports more time, ms (31 years): sums of millions fit a long.
const MOST_MS: i64 = 1_000_000_000_000;

/// What the two score fields said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    /// Neither was sent.
    Nothing,
    /// Refused.
    Bad,
    /// 0 of 0 where that means "comment only".
    Comment,
    /// Raw and max.
    Points(Points, Points),
}

/// Reads raw and max under their two names; `comment` says whether 0 of 0 is a comment.
pub(super) fn score(desk: &mut Desk<'_>, part: Part<'_, '_>, names: [&str; 2], comment: bool) -> Sent {
    let [raw_name, max_name] = names;
    let raw = points(desk, part, raw_name);
    let max = points(desk, part, max_name);
    let (raw, max) = match (raw, max) {
        (Field::Absent, Field::Absent) => return Sent::Nothing,
        (Field::Given(raw), Field::Given(max)) => (raw, max),
        (Field::Absent, Field::Given(_)) => return refused(desk, part, raw_name, "only one of the two was given"),
        (Field::Given(_), Field::Absent) => return refused(desk, part, max_name, "only one of the two was given"),
        (Field::Bad, _) | (_, Field::Bad) => return Sent::Bad,
    };
    if comment && raw == Points::ZERO && max == Points::ZERO {
        return Sent::Comment;
    }
    in_range(desk, part, names, (raw, max))
}

fn in_range(desk: &mut Desk<'_>, part: Part<'_, '_>, names: [&str; 2], points: (Points, Points)) -> Sent {
    let [raw_name, max_name] = names;
    let (raw, max) = points;
    let mut good = true;
    if max <= Points::ZERO {
        good = false;
        refused(desk, part, max_name, &format!("{max_name} {} is not above 0", max.to_text()));
    }
    if raw < Points::ZERO {
        good = false;
        refused(desk, part, raw_name, &format!("score {} is below 0", raw.to_text()));
    }
    if max > Points::ZERO && raw > max {
        good = false;
        let detail = format!("score {} is greater than {max_name} {}", raw.to_text(), max.to_text());
        refused(desk, part, raw_name, &detail);
    }
    if good { Sent::Points(raw, max) } else { Sent::Bad }
}

fn refused(desk: &mut Desk<'_>, part: Part<'_, '_>, name: &str, detail: &str) -> Sent {
    desk.refuse(Reason::ScoreRange, part.path_of(name), detail);
    Sent::Bad
}

/// One number of points.
fn points(desk: &mut Desk<'_>, part: Part<'_, '_>, name: &str) -> Field<Points> {
    let Some(value) = part.get(name) else { return Field::Absent };
    let Some(digits) = value.number() else {
        if value.text().is_some_and(|text| is_sentinel(&text)) {
            return Field::Absent;
        }
        desk.bad_type(part, name, "a number");
        return Field::Bad;
    };
    match Points::parse(digits) {
        Ok((points, rounded)) if points.0.abs() <= MOST_POINTS.0 => {
            if rounded {
                desk.flag(Flag::Rounded);
            }
            Field::Given(points)
        }
        Ok(_) | Err(_) => {
            let detail = format!("{name} is out of range: {} is the most", MOST_POINTS.to_text());
            desk.refuse(Reason::BadNumber, part.path_of(name), detail);
            Field::Bad
        }
    }
}

/// Milliseconds of an external item, clamped at 0; a fraction is rounded.
pub(super) fn milliseconds(desk: &mut Desk<'_>, part: Part<'_, '_>, name: &str) -> Option<i64> {
    let value = part.get(name)?;
    let Some(digits) = value.number() else {
        if !value.text().is_some_and(|text| is_sentinel(&text)) {
            desk.bad_type(part, name, "a number");
        }
        return None;
    };
    let fraction = || Points::parse(digits).ok().map(|(points, _)| (points.0 + 5_000 * points.0.signum()) / 10_000);
    let Some(ms) = value.whole().or_else(fraction).filter(|ms| *ms <= MOST_MS) else {
        desk.refuse(Reason::BadNumber, part.path_of(name), format!("{name} is out of range: {MOST_MS} ms is the most"));
        return None;
    };
    Some(ms.max(0))
}
