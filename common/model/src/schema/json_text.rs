//! JSON values as one line of text with decimals as people know them: `50.00`.
//!
//! Place: the last step of `da tap`. Only decimals are floating-point numbers in the form of [`super::json`].

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

/// The text of a value; floating-point numbers get at least two decimals.
///
/// # Errors
/// Where the value cannot be serialised, such as a map whose keys are no texts.
pub fn to_line(value: &impl Serialize) -> serde_json::Result<String> {
    let mut bytes = Vec::with_capacity(512);
    value.serialize(&mut Serializer::with_formatter(&mut bytes, Decimals))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

struct Decimals;

impl Formatter for Decimals {
    fn write_f64<W: ?Sized + Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        let text = value.to_string();
        let decimals = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        if decimals < 2 { write!(writer, "{value:.2}") } else { writer.write_all(text.as_bytes()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Metric;
    use crate::event::discrete::ScoreValue;
    use crate::score::{Percent, Points};

    #[test]
    fn decimals_have_two_digits_or_more() {
        let value = ScoreValue {
            score: Some(Percent(5_000)),
            raw: Some(Points(10_000)),
            max: Some(Points(25_001)),
            ..ScoreValue::default()
        };
        let text = to_line(&super::super::json::metric_to_json(&Metric::Score(value))).unwrap();
        for part in [r#""score":50.00"#, r#""rawScore":1"#, r#""maxScore":2.5001"#, r#""latest":null"#] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert_eq!(to_line(&serde_json::json!([3.5, 7, "x"])).unwrap(), r#"[3.50,7,"x"]"#);
    }
}
