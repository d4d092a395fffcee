//! What holds for every discrete event of every case, computed here anew: ids, revisions, deltas, percents.
//!
//! Place: run over the whole log whenever a case states its expectation (domain.md §5). Shares no code with the
//! handlers but the records themselves.

use std::collections::{BTreeMap, BTreeSet};

use da_model::event::DiscreteEvent;
use da_model::event::discrete::Metric;
use da_model::identity::id_of;

use crate::stack::Logged;

/// Checks all laws over the discrete events of a log, in the order of each topic.
///
/// # Panics
/// At the first event that breaks one.
pub fn hold(log: &[Logged]) {
    let mut last: BTreeMap<Vec<String>, DiscreteEvent<'_>> = BTreeMap::new();
    let mut ids = BTreeSet::new();
    for (logged, de) in log.iter().filter_map(|l| Some((l, l.discrete()?))) {
        let name = de.event_name.replacen("usage", source(&de), 1);
        assert_eq!(logged.topic, name, "the topic is the name without `usage`, under its source");
        assert!(ids.insert(de.de_id), "{name} says {} twice", de.de_id);
        let mut key = vec![de.event_name.to_string(), de.context.tenant_id.to_string()];
        key.extend(entity(&de));
        let mut parts: Vec<String> = key.clone();
        parts.push(de.revision.to_string());
        assert_eq!(de.de_id, id_of(&parts.iter().map(String::as_str).collect::<Vec<_>>()), "deId of {parts:?}");
        assert_eq!(logged.key, partition_key(&de), "the key of {parts:?}");
        let before = last.get(&key);
        assert_eq!(de.revision, before.map_or(1, |b| b.revision + 1), "revisions have no holes: {parts:?}");
        assert_eq!(de.previous, before.map(|b| b.result.clone()), "`previous` is the value before: {parts:?}");
        value(&de);
        last.insert(key, de);
    }
}

fn source(de: &DiscreteEvent<'_>) -> &'static str {
    match de.event_name.split('.').nth(1) {
        Some("lesson" | "unit" | "course" | "member" | "class" | "competency") => "dep",
        _ => "demux",
    }
}

fn partition_key(de: &DiscreteEvent<'_>) -> String {
    let class = matches!(de.event_name.split('.').nth(1), Some("member" | "class"));
    let second = if class { &de.context.class_id } else { &de.user_id };
    format!("{}\u{1f}{}", de.context.tenant_id, second.as_deref().unwrap_or_default())
}

/// The entity key fields of domain.md §6 and §8, in their order.
fn entity(de: &DiscreteEvent<'_>) -> Vec<String> {
    let text = |t: &Option<std::borrow::Cow<'_, str>>| t.as_deref().unwrap_or_default().to_owned();
    let (context, user) = (&de.context, text(&de.user_id));
    let kind = de.item_kind.map(|k| k.code().to_owned()).unwrap_or_default();
    let [class, course] = [text(&context.class_id), text(&context.course_id)];
    let [unit, lesson] = [text(&context.unit_id), text(&context.lesson_id)];
    let session = text(&context.session_id);
    let object = de.event_name.split('.').nth(1).unwrap_or_default();
    match object {
        "resource" | "question" => vec![user, session, text(&context.collection_id), text(&de.resource_id)],
        "collection" if matches!(de.result, Metric::Score(_)) => {
            let (track, path) = (context.track.to_string(), context.path_id.to_string());
            vec![user, text(&de.collection_id), class, course, unit, lesson, track, path]
        }
        "collection" | "assessment" => vec![user, session, text(&de.collection_id)],
        "lesson" => vec![user, class, course, unit, lesson, kind],
        "unit" => vec![user, class, course, unit, String::new(), kind],
        "course" => vec![user, class, course, String::new(), String::new(), kind],
        "member" => vec![class, course, user, kind],
        "class" => vec![class, course, kind],
        other => panic!("{other} is no object of a discrete event"),
    }
}

/// Values against their own parts: deltas, percents, null never zero.
fn value(de: &DiscreteEvent<'_>) {
    let what = format!("{} r{}", de.event_name, de.revision);
    match (&de.result, &de.previous) {
        (Metric::Timespent(now), Some(Metric::Timespent(before))) => {
            assert_eq!(now.delta, now.time_spent - before.time_spent, "{what}");
        }
        (Metric::Timespent(now), _) => assert_eq!(now.delta, now.time_spent, "{what}"),
        (Metric::View(now), Some(Metric::View(before))) => assert_eq!(now.delta, now.views - before.views, "{what}"),
        (Metric::View(now), _) => assert_eq!(now.delta, now.views, "{what}"),
        (Metric::Score(now), _) => {
            assert_eq!(now.raw.is_some(), now.max.is_some(), "{what}: raw and max come together");
            let percent = now.raw.zip(now.max).and_then(|(raw, max)| percent(raw.0, max.0));
            assert_eq!(now.score.map(|s| s.0), percent, "{what}: percent = 100 · raw / max");
        }
        (Metric::Reaction(now), _) => assert!((1..=5).contains(&now.reaction) && now.count > 0, "{what}"),
        (Metric::Competency(_), _) => {}
    }
}

/// Half away from zero with two decimals, by another road than the code under test: 2·x + 1 halved.
fn percent(raw: i64, max: i64) -> Option<i64> {
    (max > 0).then(|| (2 * raw * 10_000 + max).div_euclid(2 * max))
}
