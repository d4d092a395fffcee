//! From when to read: `beginning`, `end`, `-10m`, an offset, or a point in time.
//!
//! Place: turns the word of `--from` into a rule on records. Gets the time handed in.

use da_model::ids::Offset;
use da_model::time::{LocalDate, Timestamp};

/// The first record to show, per partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// Everything that is kept.
    Beginning,
    /// Only what comes after the call.
    End,
    /// From this offset on.
    Offset(Offset),
    /// From this record time on.
    Time(Timestamp),
}

impl Begin {
    /// Reads the word; `now` is what `-10m` counts back from.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn parse(text: &str, now: Timestamp) -> Result<Self, String> {
        match text {
            "beginning" => return Ok(Self::Beginning),
            "end" => return Ok(Self::End),
            _ => {}
        }
        if let Some(span) = text.strip_prefix('-') {
            return span_ms(span).map(|ms| Self::Time(now.plus(-ms))).ok_or_else(|| unreadable(text));
        }
        if let Ok(offset) = text.parse::<i64>() {
            return Ok(Self::Offset(Offset(offset)));
        }
        instant(text).map(Self::Time).ok_or_else(|| unreadable(text))
    }
}

fn unreadable(text: &str) -> String {
    format!("`{text}` is no start; write beginning, end, -10m, an offset, 2026-11-19 or 2026-11-19T08:00Z")
}

/// `90s`, `10m`, `2h`, `1d` in milliseconds.
fn span_ms(text: &str) -> Option<i64> {
    let unit = match text.chars().last()? {
        's' => 1_000,
        'm' => 60_000,
        'h' => 3_600_000,
        'd' => 86_400_000,
        _ => return None,
    };
    text.get(..text.len() - 1)?.parse::<i64>().ok()?.checked_mul(unit)
}

/// A date, or a date with a UTC time to the minute or second.
fn instant(text: &str) -> Option<Timestamp> {
    let (date, time) = text.split_once('T').unwrap_or((text, "00:00Z"));
    let day = i64::from(LocalDate::from_iso(date)?.0) * 86_400;
    let mut seconds = 0;
    let mut weight = 3_600;
    for part in time.strip_suffix('Z')?.split(':') {
        seconds += part.parse::<i64>().ok().filter(|n| (0..60).contains(n))? * weight;
        weight /= 60;
    }
    Some(Timestamp((day + seconds) * 1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_are_read_as_people_write_them() {
        let now = Timestamp(1_772_442_000_000); // 2026-03-02T09:00:00Z
        let cases = [
            ("beginning", Begin::Beginning),
            ("end", Begin::End),
            ("-10m", Begin::Time(Timestamp(1_772_441_400_000))),
            ("-2h", Begin::Time(Timestamp(1_772_434_800_000))),
            ("42", Begin::Offset(Offset(42))),
            ("2026-03-02T09:00Z", Begin::Time(now)),
            ("2026-03-02T09:00:00Z", Begin::Time(now)),
            ("2026-03-02", Begin::Time(Timestamp(1_772_409_600_000))),
        ];
        for (text, expected) in cases {
            assert_eq!(Begin::parse(text, now), Ok(expected), "{text}");
        }
        for text in ["", "-", "-10", "-10y", "yesterday", "2026-03-02T09:61Z", "2026-03-02T09:00"] {
            assert!(Begin::parse(text, now).is_err(), "{text}");
        }
    }
}
