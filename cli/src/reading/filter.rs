//! The comparison language of `--where`: `path == literal`, with `!=`, `<`, `<=`, `>` and `>=`.
//!
//! Place: looks at the decoded payload of one record. Deliberately no functions, no `and`: give `--where` twice.

use std::cmp::Ordering;

use serde_json::Value;

/// One comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    path: Vec<String>,
    operator: Operator,
    literal: Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    Unequal,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

/// Longer signs first, so that `<=` is not read as `<`.
const OPERATORS: [(&str, Operator); 6] = [
    ("==", Operator::Equal),
    ("!=", Operator::Unequal),
    ("<=", Operator::AtMost),
    (">=", Operator::AtLeast),
    ("<", Operator::Less),
    (">", Operator::Greater),
];

impl Filter {
    /// Reads a comparison.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let at = |sign: &str| text.find(sign);
        let first = OPERATORS.iter().filter_map(|(sign, op)| at(sign).map(|pos| (pos, *sign, *op)));
        let (position, sign, operator) =
            first
                .min_by_key(|(position, sign, _)| (*position, usize::MAX - sign.len()))
                .ok_or_else(|| format!("`{text}` compares nothing; write it like context.classId == \"c1\""))?;
        let (path, rest) = text.split_at(position);
        let literal = rest.get(sign.len()..).unwrap_or_default().trim();
        let literal = serde_json::from_str(literal)
            .map_err(|_| format!("`{literal}` is neither a number, \"text\", true, false nor null"))?;
        let path: Vec<String> = path.trim().split('.').map(str::to_owned).collect();
        if path.iter().any(String::is_empty) {
            return Err(format!("`{text}` has an empty name in its path"));
        }
        Ok(Self { path, operator, literal })
    }

    /// Whether a payload passes. An absent field equals null only.
    #[must_use]
    pub fn passes(&self, payload: &Value) -> bool {
        let found = self.path.iter().try_fold(payload, |value, name| value.get(name)).unwrap_or(&Value::Null);
        let order = compare(found, &self.literal);
        match self.operator {
            Operator::Equal => order == Some(Ordering::Equal),
            Operator::Unequal => order != Some(Ordering::Equal),
            Operator::Less => order == Some(Ordering::Less),
            Operator::AtMost => matches!(order, Some(Ordering::Less | Ordering::Equal)),
            Operator::Greater => order == Some(Ordering::Greater),
            Operator::AtLeast => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
        }
    }
}

fn compare(a: &Value, b: &Value) -> Option<Ordering> {
    if let (Some(a), Some(b)) = (a.as_f64(), b.as_f64()) {
        return a.partial_cmp(&b);
    }
    if let (Some(a), Some(b)) = (a.as_str(), b.as_str()) {
        return Some(a.cmp(b));
    }
    (a == b).then_some(Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparisons_hold_as_written() {
        let payload = serde_json::json!({"revision": 2, "context": {"classId": "c1"}, "result": {"score": 66.67}});
        let cases = [
            ("context.classId == \"c1\"", true),
            ("context.classId==\"c2\"", false),
            ("context.classId != \"c2\"", true),
            ("result.score >= 66.67", true),
            ("result.score > 66.67", false),
            ("revision<3", true),
            ("revision <= 1", false),
            ("previous == null", true),
            ("previous < 1", false),
        ];
        for (text, expected) in cases {
            assert_eq!(Filter::parse(text).unwrap().passes(&payload), expected, "{text}");
        }
    }

    #[test]
    fn a_text_that_compares_nothing_is_refused() {
        for text in ["", "a", "a = 1", "a == b", " == 1", "a..b == 1"] {
            assert!(Filter::parse(text).is_err(), "{text}");
        }
    }
}
