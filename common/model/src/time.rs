//! Points in time in epoch milliseconds UTC, and the local date of a zone.
//!
//! Place: time always comes in the record, stamped once at the edge; nothing here reads a clock.
//! Zones come from the bundled database, so every host gives the same date (domain.md §12, "Time zones").

use jiff::tz::TimeZone;

/// Epoch milliseconds UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub i64);

/// A calendar date as days since 1970-01-01 (Avro `date`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct LocalDate(pub i32);

const DAY_MS: i64 = 86_400_000;

impl Timestamp {
    /// This point moved by `ms`, saturating.
    #[must_use]
    pub const fn plus(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this point; negative if `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// RFC 3339 text in UTC with milliseconds, for people; far out of range it is the bare number.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        jiff::Timestamp::from_millisecond(self.0).map_or_else(|_| self.0.to_string(), |t| format!("{t:.3}"))
    }
}

impl LocalDate {
    /// The date as `YYYY-MM-DD`.
    #[must_use]
    pub fn to_iso(self) -> String {
        jiff::civil::date(1970, 1, 1)
            .checked_add(jiff::Span::new().days(i64::from(self.0)))
            .map_or_else(|_| self.0.to_string(), |d| d.to_string())
    }

    /// Reads `YYYY-MM-DD`; `None` where the text is no date.
    #[must_use]
    pub fn from_iso(text: &str) -> Option<Self> {
        let date: jiff::civil::Date = text.parse().ok()?;
        let span = jiff::civil::date(1970, 1, 1).until(date).ok()?;
        Some(Self(span.get_days()))
    }
}

/// Whether the bundled tz database knows this zone name (domain.md §12: EST and CET are names in it, WIB is not).
#[must_use]
pub fn zone_known(name: &str) -> bool {
    TimeZone::get(name).is_ok()
}

/// The calendar date of `at` in `zone`; an unknown zone counts as UTC.
#[must_use]
pub fn local_date(at: Timestamp, zone: &str) -> LocalDate {
    if zone == "UTC" {
        return utc_date(at);
    }
    let Ok(stamp) = jiff::Timestamp::from_millisecond(at.0) else {
        return utc_date(at);
    };
    let Ok(zone) = TimeZone::get(zone) else {
        return utc_date(at);
    };
    let offset = i64::from(zone.to_offset(stamp).seconds()) * 1000;
    utc_date(at.plus(offset))
}

fn utc_date(at: Timestamp) -> LocalDate {
    LocalDate(i32::try_from(at.0.div_euclid(DAY_MS)).unwrap_or(i32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_is_that_of_the_zone() {
        let late = Timestamp(1_772_407_800_000); // 2026-03-01T23:30Z, case A23
        assert_eq!(local_date(late, "Asia/Jakarta").to_iso(), "2026-03-02");
        assert_eq!(local_date(late, "UTC").to_iso(), "2026-03-01");
        assert_eq!(local_date(late, "WIB").to_iso(), "2026-03-01");
        assert!(zone_known("EST") && !zone_known("WIB"));
        assert_eq!(LocalDate::from_iso("2026-03-02"), Some(local_date(late, "Asia/Jakarta")));
        assert_eq!(local_date(Timestamp(-1), "UTC").to_iso(), "1969-12-31");
    }
}
