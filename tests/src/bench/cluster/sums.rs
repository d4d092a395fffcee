//! What outputs say, summed per user and metric: systems whose sums differ did not do the same work.
//!
//! Place: after the runs, over the records of every system. A record is its JSON, whoever wrote it.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use serde_json::Value;

/// Count and sum per user and event name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sums(BTreeMap<(String, String), (u64, i64)>);

impl Sums {
    /// Adds a discrete event.
    ///
    /// # Errors
    /// When it is none.
    pub fn add(&mut self, value: &Value) -> anyhow::Result<()> {
        let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let key = (text("userId"), text("eventName"));
        let measured = measured(value).with_context(|| format!("{value} states no value"))?;
        let sum = self.0.entry(key).or_default();
        *sum = (sum.0 + 1, sum.1 + measured);
        Ok(())
    }

    /// Records added.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.0.values().map(|(count, _)| count).sum()
    }

    /// The same said so often.
    #[must_use]
    pub fn times(&self, n: u64) -> Self {
        let scaled = self.0.iter().map(|(key, (count, sum))| {
            (key.clone(), (count * n, sum.saturating_mul(i64::try_from(n).unwrap_or(i64::MAX))))
        });
        Self(scaled.collect())
    }

    /// Fails where the other says something else.
    ///
    /// # Errors
    /// The first user and metric that differ.
    pub fn same(&self, other: &Self, who: &str) -> anyhow::Result<()> {
        for key in self.0.keys().chain(other.0.keys()) {
            let (meant, found) = (self.0.get(key), other.0.get(key));
            ensure!(meant == found, "{who} differs on {}: {found:?} in place of {meant:?}", key.1);
        }
        Ok(())
    }
}

/// What is added up: the delta, the reaction, or the percent in hundredths.
#[expect(clippy::cast_possible_truncation, reason = "percents have two decimals")]
fn measured(value: &Value) -> Option<i64> {
    let result = value.get("result")?;
    if let Some(number) = result.get("delta").or_else(|| result.get("reaction")) {
        return number.as_i64();
    }
    let score = result.get("score")?;
    Some(score.as_f64().map_or(0, |percent| (percent * 100.0).round() as i64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn one_other_value_is_a_difference() {
        let event = |n: f64| json!({"userId": "u", "eventName": "usage.question.score", "result": {"score": n}});
        let (mut one, mut two) = (Sums::default(), Sums::default());
        one.add(&event(33.33)).unwrap();
        two.add(&event(33.34)).unwrap();
        assert!(one.same(&two, "two").is_err());
        let mut twice = one.clone();
        twice.add(&event(33.33)).unwrap();
        assert_eq!(twice, one.times(2));
        assert!(one.same(&twice, "twice").is_err() && one.same(&one.clone(), "one").is_ok());
        assert!(one.add(&json!({"userId": "u"})).is_err());
    }
}
