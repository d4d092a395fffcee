//! Which topic partitions feed which rows, asked of every processor, against what each table's descriptor claims.
//!
//! Place: what a table calls `OneTopic` is cached by whoever owns that partition (house.md §2 rule 3); a row that two
//! owners write must be `Shared`, or one of them overwrites the other.

use std::collections::{BTreeMap, BTreeSet};

use da_model::event::DiscreteEvent;
use da_model::event::usage::ObjectKind;
use da_model::fault::Rejection;
use da_model::handler::Handler;
use da_model::ids::{Text, TopicName};
use da_model::state::{Feed, RowKey, Snapshot, Table};
use da_model::topics;

use dep::pipeline::{Dep, Input};
use dep::processors::unit_score::UNIT_SCORE;
use dep::processors::{Decision, Link, PROCESSORS, Processor};

use crate::kit::{De, at};

/// Shared although no row of it needs to be: domain.md §9 counts days among the rows of several topics.
const MORE_THAN_NEEDED: [&str; 1] = ["day_view"];

fn text(text: &str) -> Option<Text<'static>> {
    (!text.is_empty()).then(|| Text::Owned(text.to_owned()))
}

/// Events of a topic at the same place, in every form that leads somewhere else. One session knows one kind of each
/// object (domain.md §4.3), hence its name; nothing else may be taken for granted.
fn events(topic: TopicName) -> Vec<De> {
    let name = topic.0.split_once('.').map_or(topic.0, |(_, name)| name);
    let object = name.split('.').next().unwrap_or_default();
    let session = format!("s-{object}");
    let people = [("l1", "k1"), ("l1", "k2"), ("l2", "k1"), ("l2", "k2")];
    let places = [("", ""), ("u1", ""), ("", "o1"), ("u1", "o1")];
    let kinds = [
        (ObjectKind::Collection, "collection"),
        (ObjectKind::Collection, "collection-external"),
        (ObjectKind::Assessment, "assessment"),
        (ObjectKind::Assessment, "assessment-external"),
    ];
    let of = |(learner, class), (unit, lesson), (kind, word)| {
        let mut de = at("", "", "i1").score(1, None, 0);
        de.event_name = Text::Owned(format!("usage.{name}"));
        (de.user_id, de.resource_id) = (text(learner), text("r1"));
        (de.item_kind, de.collection_type) = (Some(kind), text(word));
        (de.context.class_id, de.context.unit_id) = (text(class), text(unit));
        (de.context.lesson_id, de.context.collection_type) = (text(lesson), text(word));
        (de.context.collection_id, de.context.session_id) = (text("i1"), text(&session));
        de
    };
    let at_place = |who, place| kinds.map(|kind| of(who, place, kind));
    people.into_iter().flat_map(|who| places.map(|place| at_place(who, place))).flatten().collect()
}

/// What decides about the partition of an event.
fn partition_key(topic: TopicName, de: &De) -> String {
    let topic = topics::find(topic).expect("every topic read is listed");
    let by_class = topic.key.iter().any(|part| part == "class");
    let id = if by_class { &de.context.class_id } else { &de.user_id };
    id.as_deref().unwrap_or_default().to_owned()
}

#[test]
fn a_row_that_two_partitions_feed_is_shared() {
    let mut feeders: BTreeMap<RowKey, BTreeSet<(TopicName, String)>> = BTreeMap::new();
    let links = PROCESSORS.iter().flat_map(|p| p.links().iter().map(move |link| (p, link.consumes)));
    for (processor, topic, de) in links.flat_map(|(p, topic)| events(topic).into_iter().map(move |de| (p, topic, de))) {
        for key in processor.reads(&de) {
            assert!(processor.tables().contains(&key.table()), "{} reads {key:?}", processor.name());
            feeders.entry(key).or_default().insert((topic, partition_key(topic, &de)));
        }
    }
    let of =
        |table: &Table| feeders.iter().filter(|(key, _)| key.table() == table).map(|(_, by)| by).collect::<Vec<_>>();
    for table in dep::tables() {
        let fed = of(table);
        assert!(!fed.is_empty(), "no event reaches {}", table.name);
        let needed = fed.iter().any(|by| by.len() > 1);
        let shared = table.feed == Feed::Shared;
        let most = fed.iter().max_by_key(|by| by.len());
        assert!(shared || !needed, "{} is cached, but one of its rows is fed by {most:?}", table.name);
        assert_eq!(shared && !needed, MORE_THAN_NEEDED.contains(&table.name), "{} is shared for nothing", table.name);
    }
}

#[test]
fn a_row_that_is_cached_although_its_table_is_shared_has_one_feeder_here() {
    let dep = Dep::default();
    let names: Vec<&str> = dep.alone().iter().map(|table| table.name).collect();
    assert_eq!(names, ["level_part_time", "level_part_view", "level_score", "level_time", "level_view"]);
    let mut feeders: BTreeMap<RowKey, BTreeSet<(TopicName, String)>> = BTreeMap::new();
    for (topic, de) in dep.topics().into_iter().flat_map(|topic| events(topic).into_iter().map(move |de| (topic, de))) {
        let feeder = (topic, partition_key(topic, &de));
        for key in dep.reads(&Input { de, only: None }).into_iter().filter(|key| names.contains(&key.table().name)) {
            feeders.entry(key).or_default().insert(feeder.clone());
        }
    }
    let levels: BTreeSet<String> = feeders.keys().filter_map(|key| key.parts().nth(6).map(str::to_owned)).collect();
    assert_eq!(levels, ["course", "lesson", "unit"].map(str::to_owned).into());
    for (key, by) in feeders {
        assert_eq!(by.len(), 1, "{key:?} is fed by {by:?}");
    }
    // Who reads the level below from its topic shares the row with whoever reads the items.
    let unit = PROCESSORS.iter().find(|processor| processor.name() == "unit_score").expect("it is listed");
    assert!(Dep::of("unit", vec![*unit]).alone().is_empty());
}

/// unit_score that does not say beforehand what it emits.
struct Silent;

impl Processor for Silent {
    fn name(&self) -> &'static str {
        UNIT_SCORE.name()
    }

    fn links(&self) -> &'static [Link] {
        UNIT_SCORE.links()
    }

    fn tables(&self) -> &'static [&'static Table] {
        UNIT_SCORE.tables()
    }

    fn reads(&self, de: &DiscreteEvent<'_>) -> Vec<RowKey> {
        UNIT_SCORE.reads(de)
    }

    fn decide<'r>(&self, de: &DiscreteEvent<'r>, seen: &Snapshot<'_>) -> Result<Decision<'r>, Rejection> {
        UNIT_SCORE.decide(de, seen)
    }
}

#[test]
fn what_a_processor_does_not_say_beforehand_is_read() {
    let others = PROCESSORS.iter().copied().filter(|processor| processor.name() != UNIT_SCORE.name());
    let dep = Dep::of("dep", others.chain([&Silent as &dyn Processor]).collect());
    let own: Vec<&str> = dep.topics().iter().map(|topic| topic.0).filter(|name| name.starts_with("dep.")).collect();
    assert_eq!(own, ["dep.member.score", "dep.member.timespent", "dep.member.view", "dep.unit.score"]);
    assert!(dep.alone().iter().all(|table| table.name != "level_score"), "two topics feed a course");
}
