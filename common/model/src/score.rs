//! Exact scores: points with four decimals, percents with two, and the one rounding rule.
//!
//! Place: every raw, max and percent of the system. Absent is never zero: absence is an `Option` outside this file.
//! Deliberately without `f64` (domain.md §5.3: half away from zero, in integer arithmetic, at every level).

/// Raw or max points, scaled by 10⁴ (`decimal(14,4)`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Points(pub i64);

/// A percent, scaled by 10² (`decimal(5,2)`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Percent(pub i64);

/// The largest magnitude of `decimal(14,4)`.
pub const POINTS_LIMIT: i64 = 99_999_999_999_999;

/// Why a number's text is no score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotPoints {
    /// Not a decimal number at all.
    #[error("not a decimal number")]
    Syntax,
    /// Beyond ten digits before the point.
    #[error("out of range")]
    Range,
}

impl Points {
    /// Zero points, a real score.
    pub const ZERO: Self = Self(0);
    /// One point: a correct answer.
    pub const ONE: Self = Self(10_000);

    /// Whole points.
    #[must_use]
    pub const fn whole(n: i64) -> Self {
        Self(n * 10_000)
    }

    /// Reads the text of a JSON number exactly; the flag says whether digits beyond the fourth were rounded
    /// (half away from zero).
    ///
    /// # Errors
    /// [`NotPoints`] when the text is no decimal number or beyond `decimal(14,4)`.
    pub fn parse(text: &str) -> Result<(Self, bool), NotPoints> {
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((m, e)) => (m, e.parse::<i32>().map_err(|_| NotPoints::Syntax)?),
            None => (rest, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        if whole.is_empty() || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
            return Err(NotPoints::Syntax);
        }
        let (value, rounded) = scaled(whole, fraction, exponent.saturating_add(4))?;
        Ok((Self(if negative { -value } else { value }), rounded))
    }

    /// The number as text without trailing zeros: `2.5`.
    #[must_use]
    pub fn to_text(self) -> String {
        let digits = format!("{}.{:04}", self.0.abs() / 10_000, self.0.abs() % 10_000);
        let digits = digits.trim_end_matches('0').trim_end_matches('.');
        format!("{}{digits}", if self.0 < 0 { "-" } else { "" })
    }

    /// The sum, saturating.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference, saturating.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Percent {
    /// 100 · raw / max, rounded half away from zero; `None` where max is not positive.
    #[must_use]
    pub fn of(raw: Points, max: Points) -> Option<Self> {
        (max.0 > 0).then(|| Self(divide_rounded(i128::from(raw.0) * 10_000, i128::from(max.0))))
    }

    /// The mean of published percents, rounded half away from zero; `None` for none.
    #[must_use]
    pub fn mean(sum: i64, count: i64) -> Option<Self> {
        (count > 0).then(|| Self(divide_rounded(i128::from(sum), i128::from(count))))
    }

    /// This percent as points, for sums of percents (domain.md §8).
    #[must_use]
    pub const fn as_points(self) -> Points {
        Points(self.0 * 100)
    }

    /// The number with two decimals: `62.50`.
    #[must_use]
    pub fn to_text(self) -> String {
        format!("{}{}.{:02}", if self.0 < 0 { "-" } else { "" }, self.0.abs() / 100, self.0.abs() % 100)
    }
}

fn scaled(whole: &str, fraction: &str, shift: i32) -> Result<(i64, bool), NotPoints> {
    let digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).map(|b| b - b'0').collect();
    let point = i64::try_from(whole.len()).unwrap_or(i64::MAX).saturating_add(i64::from(shift));
    let mut value: i64 = 0;
    let mut at: i64 = 0;
    for digit in &digits {
        if at >= point {
            break;
        }
        value = value.checked_mul(10).and_then(|v| v.checked_add(i64::from(*digit))).ok_or(NotPoints::Range)?;
        at += 1;
    }
    while at < point && value != 0 {
        value = value.checked_mul(10).ok_or(NotPoints::Range)?;
        at += 1;
    }
    let kept = usize::try_from(point.max(0)).unwrap_or(usize::MAX);
    let cut = digits.get(kept.min(digits.len())..).unwrap_or_default();
    let half_up = point >= 0 && cut.first().is_some_and(|d| *d >= 5);
    value += i64::from(half_up);
    if value > POINTS_LIMIT {
        return Err(NotPoints::Range);
    }
    Ok((value, cut.iter().any(|d| *d != 0)))
}

fn divide_rounded(numerator: i128, denominator: i128) -> i64 {
    let quotient = numerator.abs() / denominator;
    let remainder = numerator.abs() % denominator;
    let rounded = quotient + i128::from(remainder * 2 >= denominator);
    let signed = if numerator < 0 { -rounded } else { rounded };
    i64::try_from(signed).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn percent(raw: &str, max: &str) -> String {
        let (raw, max) = (Points::parse(raw).unwrap().0, Points::parse(max).unwrap().0);
        Percent::of(raw, max).unwrap().to_text()
    }

    #[test]
    fn percents_round_half_away_from_zero() {
        assert_eq!(percent("1", "32"), "3.13");
        assert_eq!(percent("5", "7"), "71.43");
        assert_eq!(percent("3.5", "5"), "70.00");
        assert_eq!(percent("45", "50"), "90.00");
        assert_eq!(Percent::of(Points(-3125), Points::whole(10)).unwrap().to_text(), "-3.13");
        assert_eq!(Percent::of(Points::ONE, Points::ZERO), None);
    }

    #[test]
    fn numbers_are_read_from_their_text() {
        assert_eq!(Points::parse("2.5"), Ok((Points(25_000), false)));
        assert_eq!(Points::parse("1e2"), Ok((Points::whole(100), false)));
        assert_eq!(Points::parse("2.50000"), Ok((Points(25_000), false)));
        assert_eq!(Points::parse("0.00005"), Ok((Points(1), true)));
        assert_eq!(Points::parse("-0.00004"), Ok((Points(0), true)));
        assert_eq!(Points::parse("5e-7"), Ok((Points(0), true)));
        assert_eq!(Points::parse("0e99999"), Ok((Points(0), false)));
        assert_eq!(Points::parse("1e300"), Err(NotPoints::Range));
        assert_eq!(Points::parse("10000000000"), Err(NotPoints::Range));
        assert_eq!(Points::parse("12a"), Err(NotPoints::Syntax));
        assert_eq!(Points(25_000).to_text(), "2.5");
    }
}
