//! The worked example of docs/extending.md: one more processor, compiled and run as the page shows it.
//!
//! Place: stands in for `dep/src/processors/mod.rs`, so that the example's file is the file a reader would write.

#[expect(unreachable_pub, reason = "in its real place the file is part of a library")]
mod best_score;

use std::fs;
use std::sync::Arc;

use da_model::delivery::breaker::Thresholds;
use da_runtime::clock::ManualClock;
use da_runtime::commit::embedded_txn::{Embedded, EmbeddedOptions, FILE, Migration};
use da_runtime::driver::{DriverOptions, stage};
use da_runtime::io::sql::postgres::migrate::migrate;
use da_runtime::io::sqlite_log::Reader;
use da_runtime::ports::Clock;
use dep::pipeline::Dep;
use dep::processors::{Decision, Link, Processor};
use tests::cluster::database::{Database, plan};
use tests::folder::Folder;
use tests::{dsl, measure, rounds, stack};

use best_score::{BEST_SCORE, BestScore};

const SQL: &str = include_str!("0026_best_score.sql");
const POSTGRES: &str = include_str!("0004_best_score.sql");

/// Rows of the example's table after these assessments of one learner: session, questions right, questions.
fn best_after(sittings: &[(&str, i64, i64)]) -> Vec<String> {
    let product = stack::Stack::start();
    for (n, (session, right, all)) in sittings.iter().enumerate() {
        let from = 1_000 * i64::try_from(n).unwrap();
        product.play(&dsl::quiz((session, "a1"), (*right, *all), from, from + 900));
    }
    product.drain();
    let scores = rounds::recorded(&product.log(), "demux.assessment.score");
    assert!(!scores.is_empty());

    let folder = Folder::new();
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(da_model::time::Timestamp(dsl::T0)));
    let options = EmbeddedOptions {
        tables: vec![&BEST_SCORE],
        migrations: vec![Migration { name: "0026_best_score.sql", sql: SQL }],
        ..EmbeddedOptions::new(folder.path(), Arc::clone(&clock))
    };
    let mut engine = Embedded::open(options).unwrap();
    let driver = DriverOptions { breaker: Thresholds::default(), ..DriverOptions::new(clock) };
    let mut stages = vec![stage(Dep::of("dep", vec![&BestScore]), driver)];
    let receipt = engine.sink().append(scores).unwrap();
    engine.drain(&mut stages).unwrap();
    drop(receipt);
    let mut reader = Reader::open(&folder.path().join(FILE)).unwrap();
    let rows = reader.query("SELECT item, percent / 100.0 AS percent FROM best_score").unwrap();
    rows.iter().map(|row| format!("{} {}", row["item"].as_str().unwrap(), row["percent"])).collect()
}

#[test]
fn the_example_runs_and_keeps_the_highest_score() {
    assert_eq!(best_after(&[("s1", 6, 10), ("s2", 9, 10), ("s3", 4, 10)]), ["a1 90.0"]);
}

#[test]
fn the_page_shows_the_files_that_are_compiled_here() {
    let page = fs::read_to_string(measure::root().join("docs/extending.md")).unwrap();
    for file in ["best_score.rs", "0026_best_score.sql", "0004_best_score.sql"] {
        let text = fs::read_to_string(measure::root().join("tests/it/extending").join(file)).unwrap();
        assert!(page.contains(text.trim_end()), "docs/extending.md does not show {file} as it is");
    }
}

/// Names of the columns that a migration makes, in order.
fn columns(sql: &str) -> Vec<&str> {
    let lines = sql.lines().filter(|line| line.starts_with("    ") && !line.contains("PRIMARY KEY"));
    lines.filter_map(|line| line.split_whitespace().next()).collect()
}

#[test]
fn the_table_of_the_example_keeps_what_every_table_of_dep_keeps() {
    let last: Vec<&str> = BEST_SCORE.values.iter().rev().take(2).map(|column| column.name).collect();
    assert_eq!((BEST_SCORE.keys[0].name, last), ("tenant_id", vec!["activity_time", "revision"]));
    let mut meant: Vec<&str> = BEST_SCORE.keys.iter().chain(BEST_SCORE.values).map(|column| column.name).collect();
    meant.push("updated_at");
    let keys: Vec<&str> = BEST_SCORE.keys.iter().map(|column| column.name).collect();
    for sql in [SQL, POSTGRES] {
        assert_eq!(columns(sql), meant, "{sql}");
        assert!(sql.contains(&format!("PRIMARY KEY ({})", keys.join(", "))), "{sql}");
    }
    let (sqlite, postgres) = (dep::migrations::MIGRATIONS.len(), dep::migrations::POSTGRES.len());
    assert_eq!((sqlite, postgres), (25, 3), "the numbers of the example's migrations are taken");
}

#[test]
fn the_migration_for_postgres_makes_what_the_descriptor_says() {
    let Some(database) = Database::at_hand("the example's migration") else { return };
    let mut plan = plan();
    plan.migrations.push(Migration { name: "dep_0004_best_score", sql: POSTGRES });
    plan.tables.push(&BEST_SCORE);
    migrate(database.settings(), &plan).unwrap();
    super::postgres::equals_its_descriptor(&database, &BEST_SCORE, true);
}
