//! startTime, endTime and timezone by the rules of domain.md §2.1, as far as the values sent decide them.
//!
//! Place: used by all formats. What depends on the receipt (clock_ahead, late) happens in `intake/finish.rs`.

use da_model::event::usage::EventKind;
use da_model::ids::Text;
use da_model::outcome::{Flag, Reason};
use da_model::time::{Timestamp, zone_known};

use crate::reader::Shape;
use crate::validate::{Desk, Field, Part, is_sentinel, is_whole};

/// Below this a time counts seconds.
const SECONDS_BELOW: i64 = 100_000_000_000;
/// Times beyond ±10⁸ days cannot be read (the range of ECMAScript dates).
const RANGE: i64 = 8_640_000_000_000_000;

/// The times of one event as sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Times {
    /// Start.
    pub(super) start: Option<Timestamp>,
    /// End.
    pub(super) end: Timestamp,
    /// Neither was sent and the receipt stands in.
    pub(super) from_receipt: bool,
}

/// What the rules depend on.
#[derive(Debug, Clone, Copy)]
pub(super) struct TimeRules {
    /// start, stop or none.
    pub(super) kind: EventKind,
    /// Whether the receipt may stand in for both.
    pub(super) receipt_may_stand_in: bool,
    /// Whether numbers may come as text.
    pub(super) text: bool,
}

/// Reads both times.
pub(super) fn times(desk: &mut Desk<'_>, part: Part<'_, '_>, rules: TimeRules) -> Times {
    let start = instant(desk, part, "startTime", rules.text);
    let end = instant(desk, part, "endTime", rules.text);
    if start == Field::Absent && end == Field::Absent {
        return none_sent(desk, part, rules);
    }
    let Some(mut end) = end.given().or(start.given()) else {
        return Times { start: None, end: Timestamp(0), from_receipt: false };
    };
    if rules.kind == EventKind::Stop && start == Field::Absent {
        desk.flag(Flag::StartUnknown);
        return Times { start: None, end, from_receipt: false };
    }
    let start = start.given().unwrap_or(end);
    if end < start {
        end = start;
        desk.flag(Flag::EndBeforeStart);
    }
    Times { start: Some(start), end, from_receipt: false }
}

fn none_sent(desk: &mut Desk<'_>, part: Part<'_, '_>, rules: TimeRules) -> Times {
    if rules.receipt_may_stand_in {
        desk.flag(Flag::TimeMissing);
    } else {
        desk.missing(part, "endTime");
    }
    Times { start: Some(Timestamp(0)), end: Timestamp(0), from_receipt: rules.receipt_may_stand_in }
}

/// One time: integer, numeric string or null; small values are seconds.
pub(super) fn instant(desk: &mut Desk<'_>, part: Part<'_, '_>, name: &str, text: bool) -> Field<Timestamp> {
    let Some(value) = part.get(name) else { return Field::Absent };
    let number = match (value.shape(), value.text()) {
        (Shape::Number, _) => value.whole(),
        (_, Some(sent)) if is_sentinel(&sent) => return Field::Absent,
        (_, Some(sent)) if text => is_whole(sent.trim()).then(|| sent.trim().parse().ok()).flatten(),
        _ => {
            desk.bad_type(part, name, "an integer");
            return Field::Bad;
        }
    };
    let Some(number) = number.filter(|n| (-RANGE..=RANGE).contains(n)) else {
        desk.refuse(Reason::BadTime, part.path_of(name), format!("{name} is no time"));
        return Field::Bad;
    };
    if number < SECONDS_BELOW {
        desk.flag(Flag::Seconds);
        return Field::Given(Timestamp(number.saturating_mul(1_000).max(-RANGE)));
    }
    Field::Given(Timestamp(number))
}

/// The zone; what the bundled database does not know is UTC.
pub(super) fn timezone<'b>(desk: &mut Desk<'_>, part: Part<'_, 'b>) -> Text<'b> {
    let Some(value) = part.get("timezone") else { return Text::Borrowed("UTC") };
    match value.text() {
        Some(zone) if is_sentinel(&zone) || zone == "UTC" => Text::Borrowed("UTC"),
        Some(zone) if zone_known(&zone) => zone,
        Some(_) | None => {
            desk.flag(Flag::TimezoneUnknown);
            Text::Borrowed("UTC")
        }
    }
}
