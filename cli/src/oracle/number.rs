//! Exact numbers of the oracle: decimals as scaled integers and the one rounding rule, in 128 bits.
//!
//! Place: used by the oracle alone; shares nothing with `da_model::score`, so that a mistake there is seen here.

/// Points scaled by 10⁴.
pub type Points = i128;

/// One whole point.
pub const ONE: Points = 10_000;

/// 100 · raw / max with two decimals, scaled by 10², half away from zero; `None` where max is not positive.
#[must_use]
pub fn percent(raw: Points, max: Points) -> Option<i128> {
    if max <= 0 {
        return None;
    }
    // Twice the exact quotient in hundredths of a percent, so that a half is a whole number.
    let twice = raw.abs() * 2 * 10_000;
    let rounded = (twice + max) / (2 * max);
    Some(if raw < 0 { -rounded } else { rounded })
}

/// The mean of whole numbers, half up; 0 of none.
#[must_use]
pub fn mean_half_up(sum: i64, count: i64) -> i64 {
    if count == 0 { 0 } else { (2 * sum + count).div_euclid(2 * count) }
}

/// A decimal number's text, scaled by 10⁴, half away from zero beyond the fourth decimal; `None` where it is none.
#[must_use]
pub fn points(text: &str) -> Option<Points> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (digits, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all: i128 = format!("{whole}{fraction}").parse().ok()?;
    // value = all · 10^(exponent − decimals); wanted: value · 10⁴.
    let shift = exponent + 4 - i32::try_from(fraction.len()).ok()?;
    let factor = 10_i128.checked_pow(shift.unsigned_abs())?;
    let scaled = if shift >= 0 { all.checked_mul(factor)? } else { (2 * all + factor) / (2 * factor) };
    Some(sign * scaled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_printed_percents_come_out() {
        let of = |raw: i128, max: i128| percent(raw * ONE, max * ONE);
        assert_eq!(of(1, 32), Some(313));
        assert_eq!(of(5, 7), Some(7143));
        assert_eq!(of(190, 300), Some(6333));
        assert_eq!(of(45, 50), Some(9000));
        assert_eq!(of(1, 0), None);
        assert_eq!(
            (points("2.5"), points("0.00005"), points("1e1"), points("x")),
            (Some(25_000), Some(1), Some(100_000), None)
        );
        assert_eq!((mean_half_up(7, 2), mean_half_up(8, 3)), (4, 3));
    }
}
