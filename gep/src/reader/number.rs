//! What the text of a JSON number says, without binary floating point where it counts.
//!
//! Place: below [`super::Value`]. Scores are read by `Points::parse`; here are whole numbers and the one question
//! whether a number is finite.

/// Whether a number lies beyond the greatest finite double.
pub(super) fn overflows(text: &str) -> bool {
    let suspicious = text.len() > 300 || text.bytes().any(|b| matches!(b, b'e' | b'E'));
    suspicious && !text.parse::<f64>().is_ok_and(f64::is_finite)
}

/// A whole number that stands without fraction and exponent.
pub(super) fn whole(text: &str) -> Option<i64> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_no_finite_value_overflows() {
        assert!(overflows("1e309") && overflows("-1e400") && overflows(&"9".repeat(310)));
        assert!(!overflows("1e308") && !overflows("1e-999") && !overflows("12345678901234567890"));
        assert_eq!(whole("12"), Some(12));
        assert_eq!(whole("-0"), Some(0));
        assert_eq!(whole("1.0"), None);
        assert_eq!(whole("9223372036854775808"), None);
    }
}
