//! The questions of domain.md §9, asked of the views in one statement each, on both databases.
//!
//! Place: beside `postgres`, whose store it fills with the rows that the embedded form made.

use da_model::ids::{Partition, TopicName, TopicPartition};
use da_model::state::{Column, Kind, Row, RowKey, Table, Value};
use da_model::time::LocalDate;
use da_runtime::io::sqlite_log::Reader;
use tests::cluster::database::Database;
use tests::cluster::shelf::Stores;
use tests::dsl::{quiz, with};
use tests::stack::Stack;

use crate::postgres::{fences, moved, tables, unit};

const P: TopicPartition = TopicPartition { topic: TopicName("demux.question.timespent"), partition: Partition(7) };

/// Learners A and B in class k1: two tests and a collection, one answer that waits, reactions, a withdrawn session.
fn lessons() -> String {
    let reactions = "start(s5,col1)@2000\nq(s5,col1,q1)=correct 2000–2010\nq(s5,col1,q2)=incorrect 2010–2040\n\
                     react(s5,col1,q1)=5@2050\nreact(s5,col1,q2)=2@2060\n";
    let waiting = "q(s6,a3,o1)=attempted 3000–3030 type=OE\nstop(s6,a3)@3040\n";
    let suggested = with("path=7 pathType=system", &quiz(("s7", "a9"), (1, 3), 4_000, 4_050));
    let external = "start(s8,x1)@5000\nstop(s8,x1)@5900 raw=45 max=50 time=840000\n";
    let own = quiz(("s1", "a1"), (9, 10), 0, 101)
        + &quiz(("s2", "a1"), (2, 3), 400, 501)
        + &quiz(("s3", "a2"), (4, 5), 200, 251);
    let others =
        with("by=B", &(quiz(("s4", "a1"), (1, 3), 600, 701) + "start(s9,col1)@800\nq(s9,col1,q1)=correct 800–830\n"));
    [own, others, reactions.to_owned(), waiting.to_owned(), suggested, external.to_owned()].concat()
}

/// The rows of a table as SQLite has them.
fn rows_of(reader: &mut Reader, table: &'static Table) -> Vec<(RowKey, Option<Row>)> {
    let found = reader.query(&format!("SELECT * FROM {}", table.name)).unwrap();
    let days = |text: &str| LocalDate::from_iso(text).map(|d| i64::from(d.0)).unwrap();
    let row = |found: &serde_json::Map<String, serde_json::Value>| {
        let part = |c: &Column| match (c.kind, &found[c.name]) {
            (Kind::Date, value) => days(value.as_str().unwrap()).to_string(),
            (_, serde_json::Value::String(text)) => text.clone(),
            (_, other) => other.to_string(),
        };
        let value = |c: &Column| match (c.kind, &found[c.name]) {
            (_, serde_json::Value::Null) => Value::Null,
            (Kind::Date, value) => Value::Int(days(value.as_str().unwrap())),
            (_, serde_json::Value::String(text)) => Value::from(text.as_str()),
            (_, other) => Value::Int(other.as_i64().unwrap()),
        };
        let parts: Vec<String> = table.keys.iter().map(part).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        (RowKey::new(table, &parts), Some(Row(table.values.iter().map(value).collect())))
    };
    found.iter().map(row).collect()
}

/// A question with its parameters as literals; of daily activities it asks about the main path, which has some.
fn asked(sql: &str, level: &str) -> String {
    let within = match level {
        "unit" => "'c1'",
        "lesson" => "'u1'",
        _ => "'l1'",
    };
    let level = format!("'{level}'");
    let values = [
        (":tenant", "'t1'"),
        (":class", "'k1'"),
        (":level", &*level),
        (":within", within),
        (":item", "'a1'"),
        (":session", "NULL"),
        (":from", "'2026-03-01'"),
        (":to", "'2026-03-08'"),
        (":width", "7"),
    ];
    let sql = sql.trim().trim_end_matches(';').replace("track = 'daily'", "track = 'main'");
    values.iter().fold(sql, |sql, (name, value)| sql.replace(name, value))
}

/// One answer as text that is the same for both: numbers without their form, true as 1, times as epoch ms.
fn plain(row: &serde_json::Map<String, serde_json::Value>) -> String {
    let number = |value: &serde_json::Value| value.as_bool().map(|b| f64::from(u8::from(b))).or_else(|| value.as_f64());
    let word = |(name, value): (&String, &serde_json::Value)| match number(value) {
        Some(n) => format!("{name}={n}"),
        None => format!("{name}={value}"),
    };
    row.iter().map(word).collect::<Vec<_>>().join(" ")
}

#[test]
fn each_question_has_the_answer_that_sqlite_gives() {
    let Some(database) = Database::migrated("questions") else { return };
    let stack = Stack::start();
    stack.play(&lessons());
    let mut reader = Reader::open(&stack.file()).unwrap();
    let mut writes: Vec<_> = tables().into_iter().flat_map(|table| rows_of(&mut reader, table)).collect();
    writes.sort_by(|a, b| a.0.cmp(&b.0));
    let mut store = database.open("a", &tables());
    let fence = fences(&mut *store, &[P], 0);
    store.begin(&fence, &[]).unwrap();
    store.commit(&unit(writes, vec![moved(P, (0, 1), 0, &[])])).unwrap();

    let mut connection = database.connection();
    connection
        .script("SET search_path = analytics, public; SET enable_seqscan = on; SET enable_hashjoin = on")
        .unwrap();
    for (name, sql) in dep::QUESTIONS {
        for level in if *name == "Q2" { &["unit", "lesson", "item"][..] } else { &["item"] } {
            let sql = asked(sql, level);
            let meant: Vec<String> = reader.query(&sql).unwrap().iter().map(plain).collect();
            assert!(!meant.is_empty(), "{name} {level}: nobody asks for nothing");
            let names = reader.query(&sql).unwrap()[0].keys().cloned().collect::<Vec<_>>();
            let ms = |name: &String| match name.as_str() {
                "as_of" | "seen_at" => format!("'{name}', (extract(epoch FROM q.{name}) * 1000)::bigint"),
                _ => format!("'{name}', q.{name}"),
            };
            let columns: Vec<String> = names.iter().map(ms).collect();
            let whole = format!("SELECT json_build_object({})::text FROM (\n{sql}\n) q", columns.join(", "));
            let found = connection.texts(&whole).unwrap_or_else(|e| panic!("{name}: {e}"));
            let found: Vec<String> =
                found.iter().flatten().map(|row| plain(&serde_json::from_str(row).unwrap())).collect();
            assert_eq!(found, meant, "{name} {level}");
        }
    }
}

/// What a question says on SQLite, one line per row.
fn answers(stack: &Stack, name: &str) -> Vec<String> {
    let (_, sql) = dep::QUESTIONS.iter().find(|(of, _)| *of == name).unwrap();
    Reader::open(&stack.file()).unwrap().query(&asked(sql, "item")).unwrap().iter().map(plain).collect()
}

/// 0.00 and 33.33: the mean 16.665 is rounded away from zero, as every published percent (domain.md §5.3, §12).
#[test]
fn means_of_percents_are_rounded_half_away_from_zero() {
    let stack = Stack::start();
    stack.play(&(quiz(("s1", "a1"), (0, 3), 0, 31) + &quiz(("s2", "a2"), (1, 3), 100, 131)));
    for name in ["Q6", "Q9"] {
        let said = answers(&stack, name);
        assert!(said.len() == 1 && said[0].contains("percent=16.67"), "{name}: {said:?}");
    }
}

/// Only the view of a session that never had a score says that it was withdrawn.
#[test]
fn a_session_withdrawn_before_it_was_graded_is_withdrawn() {
    let stack = Stack::start();
    stack.play(
        "q(s1,a1,o1)=attempted 0–30 type=OE\nstop(s1,a1)@40\nq(s2,a1,o1)=attempted 50–60 type=OE\nstop(s2,a1)@70",
    );
    stack.play("withdraw(s1,a1)@100");
    let mut reader = Reader::open(&stack.file()).unwrap();
    let rows = reader.query("SELECT session, views, withdrawn, complete FROM item_session ORDER BY session").unwrap();
    let said: Vec<String> = rows.iter().map(plain).collect();
    assert_eq!(
        said,
        [r#"session="s1" views=0 withdrawn=1 complete=0"#, r#"session="s2" views=1 withdrawn=0 complete=1"#]
    );
}
