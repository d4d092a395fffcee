//! Classes, recomputed from what their members stand at, in the order in which the members' events lie in their topic.
//!
//! Place: the only roll-up over learners. The order between learners is the log's, so it is handed in (domain.md §8).

use std::collections::BTreeMap;

use super::de::{De, Time, Value, View};
use super::number::ONE;
use super::rollup::{self, Level, Metric};
use super::told::{Id, Place};

/// Class and course, kind of items, metric.
type Key = (Place, &'static str, &'static str);

/// All classes of a tenant.
#[derive(Debug, Default)]
pub struct Classes {
    members: BTreeMap<Key, BTreeMap<Id, Value>>,
    published: BTreeMap<Key, (i64, Value)>,
}

impl Classes {
    /// Takes the next event of a member.
    pub fn apply(&mut self, de: &De) -> Option<De> {
        let (kind, user) = (de.item_kind?, de.user.clone()?);
        let (topic, metric) = match &de.result {
            Value::Score(_) => (rollup::topic(Level::Class, Metric::Score), "score"),
            Value::Time(_) => (rollup::topic(Level::Class, Metric::Timespent), "timespent"),
            Value::View(_) => (rollup::topic(Level::Class, Metric::View), "view"),
            Value::Reaction(_) => return None,
        };
        let place = de.scope.place.clone();
        let key = (place.clone(), kind, metric);
        let members = self.members.entry(key.clone()).or_default();
        members.insert(user, de.result.clone());
        let value = total(members.values())?;
        let before = self.published.get(&key).cloned();
        if before.as_ref().map_or(value.is_nothing(), |(_, b)| value.is_said_by(b)) {
            return None;
        }
        let result = value.with_delta(before.as_ref().map(|(_, b)| b));
        let revision = before.as_ref().map_or(1, |(r, _)| r + 1);
        self.published.insert(key, (revision, result.clone()));
        let part = |id: &Option<Id>| id.clone().unwrap_or_default();
        let entity = vec![part(&place.class), part(&place.course), kind.into()];
        Some(rollup::rolled(de, topic, (entity, place, kind), (revision, result, before.map(|(_, b)| b))))
    }
}

fn total<'v>(members: impl Iterator<Item = &'v Value>) -> Option<Value> {
    members.fold(None, |sum, value| match (sum, value) {
        (None, Value::Score(score)) => Some(Value::Score(one(score.percent))),
        (Some(Value::Score(sum)), Value::Score(score)) => {
            let one = one(score.percent);
            let add = |a: Option<i128>, b: Option<i128>| a.unwrap_or(0) + b.unwrap_or(0);
            let count = sum.count.unwrap_or(0) + one.count.unwrap_or(0);
            Some(Value::Score(rollup::of_sums(add(sum.raw, one.raw), add(sum.max, one.max), count)))
        }
        (None, Value::Time(time)) => Some(Value::Time(Time { delta: 0, ..*time })),
        (Some(Value::Time(sum)), Value::Time(time)) => Some(Value::Time(Time {
            spent: sum.spent + time.spent,
            wall: sum.wall + time.wall,
            visits: sum.visits + time.visits,
            delta: 0,
        })),
        (None, Value::View(view)) => Some(Value::View(View { delta: 0, ..*view })),
        (Some(Value::View(sum)), Value::View(view)) => {
            Some(Value::View(View { views: sum.views + view.views, items: sum.items + view.items, delta: 0 }))
        }
        (sum, _) => sum,
    })
}

/// One learner with a score gives his percent of 100.
fn one(percent: Option<i128>) -> super::de::Score {
    match percent {
        Some(percent) => rollup::of_sums(percent * (ONE / 100), 100 * ONE, 1),
        None => rollup::of_sums(0, 0, 0),
    }
}
