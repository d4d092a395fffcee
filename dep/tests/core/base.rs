//! The base tables against the rules of domain.md §6, §9 and §12.

use da_model::event::Metric;
use da_model::event::discrete::{ReactionValue, ScoreStatus, ScoreValue, TimeValue};
use da_model::event::usage::Track;
use da_model::ids::{TopicName, UnitName};
use da_model::outcome::Outcome;
use da_model::state::Value;
use da_model::topology::{Edge, Topology, shown};

use crate::kit::{At, DAY, De, T0, World, after, at, shuffled, value};
use dep::processors::{PROCESSORS, edges};

fn spent(ms: i64) -> Metric<'static> {
    Metric::Timespent(TimeValue { time_spent: ms, delta: ms, wall_time: ms, visits: 1 })
}

fn reaction(reaction: i32, count: i32) -> Metric<'static> {
    Metric::Reaction(ReactionValue { reaction, count })
}

/// Something of every base topic, each key with a correction.
fn mixed() -> Vec<De> {
    let (s1, s2) = (at("A", "s1", "a1"), At { track: Track::Daily, ..at("A", "s2", "a1") });
    let mut des = Vec::new();
    for (at, resource) in [(s1, "q1"), (s1, "q2"), (s2, "q1")] {
        let time = at.resource("usage.question.timespent", (resource, 1), spent(30_000));
        des.push(after(at.resource("usage.question.timespent", (resource, 2), spent(50_000)), &time));
        des.insert(des.len() - 1, time);
        des.push(at.resource("usage.question.score", (resource, 1), Metric::Score(value(Some((0, 1, false)), false))));
        des.push(at.resource("usage.question.score", (resource, 2), Metric::Score(value(Some((1, 1, false)), false))));
        des.push(at.resource("usage.question.reaction", (resource, 1), reaction(3, 1)));
        des.push(at.resource("usage.question.reaction", (resource, 2), reaction(5, 1)));
    }
    for at in [s1, s2] {
        let view = at.view("usage.assessment.view", (1, 1), 40);
        des.push(after(at.view("usage.assessment.view", (2, 0), 90), &view));
        des.insert(des.len() - 1, view);
        des.push(at.time("usage.assessment.timespent", (1, 60_000, 2), 41));
        des.push(at.time("usage.assessment.timespent", (2, 100_000, 3), 50));
    }
    des
}

#[test]
fn every_processor_is_named_as_its_file_and_owns_its_tables_alone() {
    let mut owners: Vec<(&str, &str)> = Vec::new();
    for processor in PROCESSORS {
        assert!(!processor.links().is_empty() && !processor.tables().is_empty(), "{}", processor.name());
        let level = processor.name().split_once('_').unwrap().0;
        for table in processor.tables() {
            let owned = if table.name.starts_with("level_") { level } else { "" };
            assert!(!owners.contains(&(table.name, owned)), "{} has two owners", table.name);
            owners.push((table.name, owned));
        }
    }
    for table in dep::tables() {
        assert!(owners.iter().any(|(name, _)| *name == table.name), "{} has no owner", table.name);
    }
    let mut names: Vec<&str> = PROCESSORS.iter().map(|processor| processor.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), PROCESSORS.len());
}

#[test]
fn every_table_ends_with_revision_and_activity_time() {
    for table in dep::tables() {
        let last: Vec<&str> = table.values.iter().rev().take(2).map(|column| column.name).collect();
        assert_eq!(last, ["activity_time", "revision"], "{}", table.name);
        assert_eq!(table.keys[0].name, "tenant_id", "{}", table.name);
    }
}

#[test]
fn every_migrated_table_has_the_columns_of_its_descriptor() {
    for table in dep::tables() {
        let found = dep::MIGRATIONS
            .iter()
            .find(|(name, _)| name.ends_with(&format!("_{}.sql", table.name)) && name.len() == table.name.len() + 9);
        let sql = found.unwrap().1;
        let columns: Vec<&str> = sql
            .lines()
            .filter(|line| line.starts_with("    ") && !line.contains("PRIMARY KEY"))
            .filter_map(|line| line.split_whitespace().next())
            .collect();
        let mut expected: Vec<&str> = table.keys.iter().chain(table.values).map(|column| column.name).collect();
        expected.push("updated_at");
        assert_eq!(columns, expected, "{}", table.name);
        let keys: Vec<&str> = table.keys.iter().map(|column| column.name).collect();
        assert!(sql.contains(&format!("PRIMARY KEY ({})", keys.join(", "))), "{}", table.name);
        assert!(sql.contains("WITHOUT ROWID"), "{}", table.name);
    }
}

#[test]
fn a_day_holds_the_time_of_its_resources_and_of_external_items() {
    let mut world = World::default();
    let first = at("A", "s1", "a1").resource("usage.question.timespent", ("q1", 1), spent(30_000));
    let mut second = after(at("A", "s1", "a1").resource("usage.question.timespent", ("q1", 2), spent(50_000)), &first);
    second.local_date.0 = DAY + 1;
    world.feed_all([first, second]);
    world.feed(at("A", "s1", "a1").time("usage.assessment.timespent", (1, 50_000, 2), 60));
    let mut external = at("A", "s2", "x1").time("usage.assessment.timespent", (1, 840_000, 1), 900);
    external.collection_type = Some("assessment-external".into());
    world.feed(external);
    let mut single = at("A", "s3", "").resource("usage.resource.timespent", ("r1", 1), spent(7_000));
    (single.context.collection_id, single.context.collection_type) = (None, None);
    world.feed(single);
    let days = world.table("day_time");
    let expected = [
        (format!("t1/A/k1/{DAY}/main/"), 7_000),
        (format!("t1/A/k1/{DAY}/main/assessment"), 870_000),
        (format!("t1/A/k1/{}/main/assessment", DAY + 1), 20_000),
    ];
    assert_eq!(days, expected.map(|(key, ms)| (key, vec![Value::Int(ms)])));
}

#[test]
fn an_external_item_of_two_stops_adds_the_difference_to_the_day() {
    let mut world = World::default();
    for (revision, ms) in [(1, 10_000), (2, 25_000)] {
        let mut de = at("A", "s2", "x1").time("usage.collection.timespent", (revision, ms, revision), 9);
        de.collection_type = Some("collection-external".into());
        world.feed(de);
    }
    assert_eq!(world.table("day_time")[0].1, [Value::Int(25_000)]);
}

#[test]
fn a_withdrawn_view_goes_out_of_all_sums_and_keeps_when_it_was() {
    let s1 = at("A", "s1", "a1");
    let mut world = World::default();
    let first = s1.view("usage.assessment.view", (1, 1), 60);
    world.feed(first.clone());
    world.feed(after(s1.view("usage.assessment.view", (2, 0), 900), &first));
    for table in ["item_view", "learner_item_view", "day_view", "level_view", "class_view"] {
        assert!(world.table(table).is_empty(), "{table}");
    }
    let (_, row) = world.rows.iter().find(|(key, _)| key.table().name == "item_view").unwrap();
    assert_eq!((row.int(9), row.int(10), row.int(11)), (None, Some(T0 + 60_000), Some(i64::from(DAY))));
}

#[test]
fn a_null_answer_waits_for_grading() {
    let mut world = World::default();
    let waiting = ScoreValue { status: Some(ScoreStatus::Attempted), ..ScoreValue::default() };
    world.feed(at("A", "s1", "a1").resource("usage.question.score", ("q4", 1), Metric::Score(waiting)));
    let (key, row) = &world.table("question_score")[0];
    assert_eq!(key, "t1/A/s1/a1/q4");
    assert_eq!(row[6..9], [Value::Null, Value::Null, Value::Null]);
    assert_eq!((&row[9], &row[10]), (&Value::Int(0), &Value::from("attempted")));
}

#[test]
fn an_older_revision_leaves_the_row_alone() {
    let mut world = World::default();
    world.feed(at("A", "s1", "a1").resource("usage.question.reaction", ("q1", 2), reaction(5, 1)));
    let outcome = world.feed(at("A", "s1", "a1").resource("usage.question.reaction", ("q1", 1), reaction(3, 1)));
    assert_eq!(outcome, Outcome::Duplicate);
    assert_eq!(world.table("resource_reaction")[0].1[7], Value::Int(5));
}

#[test]
fn repeats_and_the_order_of_keys_leave_equal_tables() {
    let mut expected = World::default();
    expected.feed_all(mixed());
    for seed in 1..60 {
        let mut world = World::default();
        world.feed_all(shuffled(&mixed(), seed));
        world.feed_all(shuffled(&mixed(), seed + 1));
        assert_eq!(world.tables(), expected.tables(), "seed {seed}");
    }
}

#[test]
fn the_chain_has_no_cycle_and_ends_at_the_class() {
    let (mut edges, read) = edges(PROCESSORS);
    let sources: Vec<TopicName> = read.iter().copied().filter(|topic| topic.0.starts_with("demux.")).collect();
    let topology = Topology::new(edges.clone(), &sources).reading(read.clone());
    assert_eq!(topology.flaws(), []);
    let way: Vec<&str> = topology.longest().iter().map(|edge| edge.to.0.split('.').nth(1).unwrap()).collect();
    assert_eq!(way, ["lesson", "unit", "member", "class"]);
    let back = TopicName("demux.assessment.score");
    edges.push(Edge { from: TopicName("dep.lesson.score"), unit: UnitName("looping"), to: back });
    let refused = Topology::new(edges, &sources).cycle().unwrap();
    assert!(shown(&refused).contains("(looping) → demux.assessment.score"), "{}", shown(&refused));
}

#[test]
fn every_topic_fed_by_dep_is_emitted_by_a_processor() {
    let (edges, _) = edges(PROCESSORS);
    for topic in da_model::topics::all().iter().filter(|topic| topic.name.starts_with("dep.") && topic.feeds == "now") {
        let emitted = edges.iter().any(|edge| edge.to.0 == topic.name);
        assert!(emitted || topic.name == "dep.dead", "{}", topic.name);
    }
}
