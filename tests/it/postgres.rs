//! Stores of `sql_txn`: one suite over memory and over PostgreSQL where it runs, and what PostgreSQL alone can show.
//!
//! Place: one module of the integration binary. Without `DATABASE_URL` the second half says `skipped`.

use std::collections::BTreeSet;
use std::sync::Arc;

use da_model::delivery::edge::Edges;
use da_model::fault::Fault;
use da_model::ids::{Offset, Partition, TopicName, TopicPartition};
use da_model::state::{Column, Feed, Kind, Row, RowKey, RowSource, Table, Value};
use da_model::time::Timestamp;
use da_runtime::batch::Rows;
use da_runtime::commit::{Outbox, Position};
use da_runtime::io::sql::Migration;
use da_runtime::io::sql::postgres::migrate::{self, Plan};
use da_runtime::io::sql::postgres::{Connection, PostgresSettings};
use da_runtime::io::sqlite_log::Reader;
use da_runtime::ports::{Epoch, Move, Store, Unit};
use da_runtime::probe::Silent;
use dep::tables::{DAY_TIME, ITEM_VIEW, LEARNER_ITEM_SCORE, QUESTION_SCORE};
use tests::cluster::database::{Database, plan};
use tests::cluster::shelf::{Shelf, Stores};
use tests::rounds::Rounds;

const P: TopicPartition = TopicPartition { topic: TopicName("demux.question.timespent"), partition: Partition(7) };
const Q: TopicPartition = TopicPartition { topic: TopicName("demux.resource.timespent"), partition: Partition(7) };
const TO: TopicPartition = TopicPartition { topic: TopicName("dep.lesson.timespent"), partition: Partition(7) };

type Fences = Vec<(TopicPartition, Epoch, Offset)>;

pub(crate) fn tables() -> Vec<&'static Table> {
    dep::tables::tables()
}

/// Claims partitions that stand at `next`, or nowhere yet.
pub(crate) fn fences(store: &mut dyn Store, of: &[TopicPartition], next: i64) -> Fences {
    store.claim(of).unwrap().into_iter().map(|claim| (claim.at, claim.epoch, Offset(next))).collect()
}

pub(crate) fn moved(at: TopicPartition, (from, to): (i64, i64), published: i64, texts: &[&str]) -> Move {
    let mut edges = Edges::default();
    let mut out = Outbox::default();
    for text in texts {
        edges.send(TO.topic.0, TO.partition);
        out.push((at, TO), (Timestamp(to), Some(b"key")), |arena| arena.extend_from_slice(text.as_bytes()));
    }
    Move { at, from: Offset(from), to: Position { next: Offset(to), edges }, published: Offset(published), out }
}

pub(crate) fn unit(writes: Vec<(RowKey, Option<Row>)>, moves: Vec<Move>) -> Unit {
    Unit { writes: writes.into_iter().map(|(key, row)| (key, row.map(Arc::new))).collect(), moves }
}

fn day(learner: &str) -> RowKey {
    RowKey::new(&DAY_TIME, &["t1", learner, "k1", "20514", "main", "assessment"])
}

fn time(ms: i64) -> Option<Row> {
    Some(Row(vec![Value::Int(ms), Value::Int(1), Value::Int(1_772_442_000_123)]))
}

fn ms(rows: &Rows, key: &RowKey) -> Option<i64> {
    rows.row(key).and_then(|row| row.int(0))
}

fn is_fenced<T>(done: &Result<T, Fault>) -> bool {
    matches!(done, Err(Fault::Fenced(_)))
}

fn is_transient<T>(done: &Result<T, Fault>) -> bool {
    matches!(done, Err(Fault::Transient(_)))
}

/// Tries a batch that moves nothing but the first position, by one.
fn tried(store: &mut dyn Store, fences: &Fences) -> Result<(), Fault> {
    let (at, _, next) = fences[0];
    store.begin(fences, &[])?;
    let moves = fences.iter().map(|(of, _, n)| moved(*of, (n.0, n.0 + i64::from(*of == at)), next.0, &[]));
    store.commit(&unit(vec![], moves.collect()))
}

fn told<T>(done: Result<T, Fault>) -> String {
    done.err().map(|fault| fault.to_string()).unwrap_or_default()
}

fn each_owner_has_a_higher_epoch(stores: &dyn Stores) {
    let (mut a, mut b) = (stores.open("a", &tables()), stores.open("b", &tables()));
    let first = a.claim(&[Q, P]).unwrap();
    assert_eq!([first[0].at, first[1].at], [Q, P], "in the order asked");
    assert_eq!((first[0].position.clone(), first[0].published), (None, None));
    let mine = vec![(P, first[1].epoch, Offset(5))];
    a.begin(&mine, &[]).unwrap();
    a.commit(&unit(vec![], vec![moved(P, (5, 9), 5, &["x"])])).unwrap();

    let second = b.claim(&[P]).unwrap();
    assert_eq!(second[0].epoch, Epoch(first[1].epoch.0 + 1));
    let position = second[0].position.clone().unwrap();
    assert_eq!((position.next, position.edges.to_text()), (Offset(9), ">dep.lesson.timespent:7.1".to_owned()));
    assert_eq!(second[0].published, Some(Offset(5)));
    assert!(is_fenced(&tried(&mut *a, &vec![(P, first[1].epoch, Offset(9))])), "the former owner");
    assert_eq!(a.lost(), [P]);
    assert!(is_fenced(&tried(&mut *b, &vec![(P, second[0].epoch, Offset(8))])), "another offset");
    assert_eq!(b.lost(), [P]);
    tried(&mut *b, &vec![(P, second[0].epoch, Offset(9))]).unwrap();
    assert_eq!(b.lost(), []);
    assert_eq!(b.claim(&[P]).unwrap()[0].position.clone().unwrap().next, Offset(10));
}

fn one_lost_partition_of_two_is_named(stores: &dyn Stores) {
    let (mut a, mut b) = (stores.open("a", &tables()), stores.open("b", &tables()));
    let mine = fences(&mut *a, &[P, Q], 0);
    b.claim(&[Q]).unwrap();
    assert!(is_fenced(&tried(&mut *a, &mine)));
    assert_eq!(a.lost(), [Q]);
    tried(&mut *a, &mine[..1].to_vec()).unwrap();
}

/// Rows with the smallest, the largest and the oddest values of every kind, in key order.
pub(crate) fn odd_rows() -> Vec<(RowKey, Option<Row>)> {
    let full = RowKey::new(&QUESTION_SCORE, &["t'1", "lärner", "s", "", "q\\1"]);
    let bare = RowKey::new(&QUESTION_SCORE, &["t1", "l", "s", "a", "q2"]);
    let view = RowKey::new(&ITEM_VIEW, &["t1", "l", "s", "a"]);
    let standing = RowKey::new(&LEARNER_ITEM_SCORE, &["t1", "l", "k", "c", "u", "l", "main", "-3", "a"]);
    let scope = || ["k", "c", "u", "l", "main"].map(Value::from).into_iter().chain([Value::Int(i64::MAX)]);
    let answer = |raw: Value, percent: Value, graded: i64| {
        let tail = [raw.clone(), raw, percent, Value::Int(graded), Value::Null, "[\"K12\"]".into()];
        Some(Row(scope().chain(tail).chain([Value::Int(3), Value::Int(-62_135_596_800_000)]).collect()))
    };
    let viewed = [Value::Int(1), Value::Null, Value::Int(253_402_300_799_999), Value::Int(-719_162)];
    let viewed = ["assessment".into(), Value::Null].into_iter().chain(scope()).chain(viewed);
    let viewed = Some(Row(viewed.chain([Value::Int(1), Value::Int(1)]).collect()));
    let stood = ["assessment".into(), "".into(), Value::Null, Value::Null, Value::Null, Value::Int(1), Value::Int(0)];
    let mut writes = vec![
        (view, viewed),
        (standing, Some(Row(stood.to_vec()))),
        (full.clone(), answer(Value::Int(99_999_999_999_999), Value::Int(99_999), 1)),
        (bare.clone(), answer(Value::Null, Value::Null, 0)),
    ];
    writes.sort_by(|a, b| a.0.cmp(&b.0));
    writes
}

/// The first of two answers gets the other's values, and the other is removed.
pub(crate) fn changed(rows: &[(RowKey, Option<Row>)]) -> Vec<(RowKey, Option<Row>)> {
    let answers: Vec<_> = rows.iter().filter(|(key, _)| key.table().name == QUESTION_SCORE.name).collect();
    vec![(answers[0].0.clone(), answers[1].1.clone()), (answers[1].0.clone(), None)]
}

fn rows_come_back_as_they_were_written(stores: &dyn Stores) {
    let mut store = stores.open("a", &tables());
    let writes = odd_rows();
    let keys: Vec<RowKey> = writes.iter().map(|(key, _)| key.clone()).collect();
    let fence = fences(&mut *store, &[P], 0);
    assert!(keys.iter().all(|key| store.begin(&fence, &keys).unwrap().is_absent(key)));
    store.commit(&unit(writes.clone(), vec![moved(P, (0, 1), 0, &[])])).unwrap();

    let rows = store.begin(&[(P, fence[0].1, Offset(1))], &keys).unwrap();
    for (key, row) in &writes {
        assert_eq!(rows.row(key), row.as_ref(), "{key:?}");
    }
    let second = changed(&writes);
    let keys: Vec<RowKey> = second.iter().map(|(key, _)| key.clone()).collect();
    store.commit(&unit(second.clone(), vec![moved(P, (1, 2), 0, &[])])).unwrap();
    let rows = store.begin(&[(P, fence[0].1, Offset(2))], &keys).unwrap();
    for (key, row) in &second {
        assert_eq!(rows.row(key), row.as_ref(), "{key:?}");
    }
    assert!(rows.is_absent(&keys[1]));
    store.abandon();
}

fn blobs_tile_and_go_once_they_are_published(stores: &dyn Stores) {
    let mut store = stores.open("a", &tables());
    let epoch = fences(&mut *store, &[P, Q], 0)[0].1;
    let of = |next: i64| vec![(P, epoch, Offset(next))];
    for (span, published, texts) in [((10, 12), 10, &["a", "b"][..]), ((12, 13), 10, &[]), ((13, 20), 10, &["c"])] {
        store.begin(&of(span.0), &[]).unwrap();
        store.commit(&unit(vec![], vec![moved(P, span, published, texts)])).unwrap();
    }
    let shown = |store: &mut dyn Store, behind: i64| -> Vec<String> {
        let text =
            |out: &Outbox| out.records().map(|r| String::from_utf8_lossy(r.value).into_owned()).collect::<String>();
        let blobs = store.pending(P, Offset(behind)).unwrap();
        blobs.iter().map(|b| format!("{}-{} {}", b.start, b.end, text(&b.out))).collect()
    };
    assert_eq!(shown(&mut *store, 10), ["10-12 ab", "12-13 ", "13-20 c"]);
    assert_eq!(shown(&mut *store, 12), ["12-13 ", "13-20 c"]);
    let kept = store.pending(P, Offset(13)).unwrap();
    let record = kept[0].out.records().next().unwrap();
    assert_eq!((record.from, record.to, record.timestamp, record.key), (P, TO, Timestamp(20), Some(&b"key"[..])));

    store.begin(&of(20), &[]).unwrap();
    store.commit(&unit(vec![], vec![moved(P, (20, 20), 13, &[])])).unwrap();
    assert_eq!(shown(&mut *store, 0), ["13-20 c"], "no blob for a batch that moved nothing");
    assert_eq!(store.pending(Q, Offset(0)).unwrap().len(), 0);
}

fn what_is_abandoned_left_no_trace(stores: &dyn Stores) {
    let mut store = stores.open("a", &tables());
    let fence = fences(&mut *store, &[P], 0);
    store.begin(&fence, &[day("l")]).unwrap();
    store.abandon();
    let late = store.commit(&unit(vec![(day("l"), time(5))], vec![moved(P, (0, 1), 0, &["x"])]));
    assert!(is_transient(&late), "nothing is begun");
    let rows = store.begin(&fence, &[day("l")]).unwrap();
    assert!(rows.is_absent(&day("l")));
    store.abandon();
    assert_eq!(store.pending(P, Offset(0)).unwrap().len(), 0);
}

/// Two owners of partition 7 of two topics fold into one row that is not there yet.
fn a_new_shared_row_is_made_by_one_owner_and_seen_by_the_other(stores: &dyn Stores) {
    let (mut a, mut b) = (stores.open("a", &tables()), stores.open("b", &tables()));
    let (mine, theirs) = (fences(&mut *a, &[P], 0), fences(&mut *b, &[Q], 0));
    let keys = [day("l"), day("m")];
    assert!(a.begin(&mine, &keys).unwrap().is_absent(&keys[0]));
    assert!(b.begin(&theirs, &keys).unwrap().is_absent(&keys[0]));
    a.commit(&unit(vec![(day("l"), time(30))], vec![moved(P, (0, 1), 0, &[])])).unwrap();
    let both = vec![(day("l"), time(20)), (day("m"), time(1))];
    let raced = b.commit(&unit(both, vec![moved(Q, (0, 1), 0, &["x"])]));
    assert!(is_fenced(&raced), "b would have overwritten 30: {raced:?}");
    assert_eq!(b.lost(), [], "no partition is lost by it");

    let seen = ms(&b.begin(&theirs, &keys).unwrap(), &keys[0]);
    assert_eq!(seen, Some(30));
    let both = vec![(day("l"), time(30 + 20)), (day("m"), time(1))];
    b.commit(&unit(both, vec![moved(Q, (0, 1), 0, &["x"])])).unwrap();
    let rows = a.begin(&[(P, mine[0].1, Offset(1))], &keys).unwrap();
    assert_eq!((ms(&rows, &keys[0]), ms(&rows, &keys[1])), (Some(50), Some(1)));
    a.abandon();
}

/// Whoever holds every partition of its topics keeps shared rows to itself, until anyone else claims anything.
fn who_holds_everything_is_alone_until_the_next_claim(stores: &dyn Stores) {
    let (mut a, mut b) = (stores.open("a", &tables()), stores.open("b", &tables()));
    let topics = [P.topic, Q.topic];
    let mine = fences(&mut *a, &[P], 0);
    a.whole(&topics, 2).unwrap();
    assert!(!a.alone(&DAY_TIME), "one of two");
    assert!(a.alone(&ITEM_VIEW), "a table of one topic");
    let mine = [mine, fences(&mut *a, &[Q], 0)].concat();
    a.whole(&topics, 2).unwrap();
    assert!(a.alone(&DAY_TIME));
    assert!(a.begin(&mine, &[day("l")]).unwrap().is_absent(&day("l")));
    a.commit(&unit(vec![(day("l"), time(3))], vec![moved(P, (0, 1), 0, &[]), moved(Q, (0, 1), 0, &[])])).unwrap();

    // A partition that a did not know of.
    let new = TopicPartition { partition: Partition(8), ..P };
    b.claim(&[new]).unwrap();
    let now = mine.iter().map(|(at, epoch, _)| (*at, *epoch, Offset(1))).collect();
    assert!(is_fenced(&tried(&mut *a, &now)), "its rows may be another's now");
    assert_eq!(a.lost(), [], "its partitions are still its own");
    assert!(!a.alone(&DAY_TIME));
    tried(&mut *a, &now).unwrap();
    a.whole(&topics, 2).unwrap();
    assert!(!a.alone(&DAY_TIME), "not by asking again");
    a.claim(&[P, Q]).unwrap();
    a.whole(&topics, 2).unwrap();
    assert!(!a.alone(&DAY_TIME), "nor while there are three");
}

type Case = (&'static str, fn(&dyn Stores));

const SUITE: &[Case] = &[
    ("epochs", each_owner_has_a_higher_epoch),
    ("lost", one_lost_partition_of_two_is_named),
    ("rows", rows_come_back_as_they_were_written),
    ("blobs", blobs_tile_and_go_once_they_are_published),
    ("abandon", what_is_abandoned_left_no_trace),
    ("race", a_new_shared_row_is_made_by_one_owner_and_seen_by_the_other),
    ("alone", who_holds_everything_is_alone_until_the_next_claim),
];

#[test]
fn the_store_in_memory_keeps_the_contract() {
    for (_, case) in SUITE {
        case(&Shelf::default());
    }
}

#[test]
fn postgres_keeps_the_contract() {
    for (name, case) in SUITE {
        let Some(database) = Database::migrated(name) else { return };
        case(&database);
    }
}

#[test]
fn statements_of_a_batch_do_not_grow_with_its_rows() {
    let Some(database) = Database::migrated("statements of a batch") else { return };
    let mut store = database.store("a", &tables());
    let epoch = fences(&mut store, &[P], 0)[0].1;
    let (_, answer) = odd_rows().into_iter().find(|(key, _)| key.table() == &QUESTION_SCORE).unwrap();
    let mut of_batch = |from: i64, learners: i64| {
        let learner = |n: i64| format!("{from} {n}");
        let question = |n: i64| RowKey::new(&QUESTION_SCORE, &["t1", &learner(n), "s", "a", "q"]);
        let days = (0..learners).map(|n| (day(&learner(n)), time(n)));
        let mut writes: Vec<_> = days.chain((0..learners).map(|n| (question(n), answer.clone()))).collect();
        writes.sort_by(|a, b| a.0.cmp(&b.0));
        let keys: Vec<RowKey> = writes.iter().map(|(key, _)| key.clone()).collect();
        let texts = vec!["x"; usize::try_from(learners).unwrap()];
        let before = store.statements();
        store.begin(&[(P, epoch, Offset(from))], &keys).unwrap();
        store.commit(&unit(writes, vec![moved(P, (from, from + learners), from, &texts)])).unwrap();
        store.statements() - before
    };
    // The first one learns that there are new rows of a shared table.
    let (_, few, many) = (of_batch(0, 4), of_batch(4, 4), of_batch(8, 500));
    assert_eq!(few, many, "500 learners: 1,000 rows and 500 records in one batch");
    assert_eq!(many, 5, "begin, two tables read, one statement that writes, commit");
    assert_eq!(database.texts("SELECT count(*)::text FROM day_time"), ["508"]);
}

/// Waits until a session of the database waits for a lock, or `done` says that none will.
fn until_one_waits(database: &Database, done: impl Fn() -> bool) {
    let mut connection = database.connection();
    let sql = "SELECT 1::text FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while !done() && connection.texts(sql).unwrap().is_empty() {}
}

#[test]
fn a_shared_row_that_is_there_is_locked_until_its_reader_commits() {
    let Some(database) = Database::migrated("locks of shared rows") else { return };
    let (mut a, mut b) = (database.open("a", &tables()), database.open("b", &tables()));
    let (mine, theirs) = (fences(&mut *a, &[P], 0), fences(&mut *b, &[Q], 0));
    a.begin(&mine, &[day("l")]).unwrap();
    a.commit(&unit(vec![(day("l"), time(1))], vec![moved(P, (0, 1), 0, &[])])).unwrap();

    a.begin(&[(P, mine[0].1, Offset(1))], &[day("l")]).unwrap();
    let seen = std::thread::scope(|scope| {
        let reader = scope.spawn(|| ms(&b.begin(&theirs, &[day("l")]).unwrap(), &day("l")));
        until_one_waits(&database, || reader.is_finished());
        a.commit(&unit(vec![(day("l"), time(2))], vec![moved(P, (1, 2), 0, &[])])).unwrap();
        reader.join().unwrap()
    });
    assert_eq!(seen, Some(2), "the reader waited for the writer and saw what it wrote");
}

#[test]
fn rows_that_a_frozen_owner_locked_are_freed_by_the_server() {
    let Some(database) = Database::migrated("a frozen owner") else { return };
    let (mut zombie, mut owner) = (database.open("zombie", &tables()), database.open("owner", &tables()));
    let held = fences(&mut *zombie, &[P], 0);
    zombie.begin(&held, &[day("l")]).unwrap();
    zombie.commit(&unit(vec![(day("l"), time(1))], vec![moved(P, (0, 1), 0, &[])])).unwrap();
    let held = vec![(P, held[0].1, Offset(1))];
    zombie.begin(&held, &[day("l")]).unwrap();

    let claim = owner.claim(&[P]).unwrap().remove(0);
    assert_eq!(claim.epoch, Epoch(held[0].1.0 + 1), "nothing keeps it from the claim");
    let rows = owner.begin(&[(P, claim.epoch, Offset(1))], &[day("l")]).unwrap();
    assert_eq!(ms(&rows, &day("l")), Some(1), "it waited until the server ended the other");
    let late = zombie.commit(&unit(vec![(day("l"), time(9))], vec![moved(P, (1, 5), 0, &[])]));
    assert!(is_transient(&late), "its transaction was ended: {late:?}");
    assert!(is_fenced(&tried(&mut *zombie, &held)), "and its epoch is old");
    owner.commit(&unit(vec![(day("l"), time(2))], vec![moved(P, (1, 2), 0, &[])])).unwrap();
    assert_eq!(database.texts("SELECT time_ms::text FROM day_time"), ["2"]);
}

#[test]
fn a_batch_of_nobodys_rows_but_its_owners_is_one_statement_besides_what_it_reads() {
    let Some(database) = Database::migrated("rows of one owner") else { return };
    let mut store = database.store("a", &tables());
    let fence = fences(&mut store, &[P, Q], 0);
    store.whole(&[P.topic, Q.topic], 2).unwrap();
    let before = store.statements();
    store.begin(&fence, &[day("l")]).unwrap();
    store.commit(&unit(vec![(day("l"), time(1))], vec![moved(P, (0, 1), 0, &[]), moved(Q, (0, 1), 0, &[])])).unwrap();
    assert_eq!(store.statements() - before, 2);
}

#[test]
fn a_cut_connection_is_transient_and_the_next_call_connects_anew() {
    let Some(database) = Database::migrated("cut connections") else { return };
    let mut store = database.open("a", &tables());
    let fence = fences(&mut *store, &[P], 0);
    store.begin(&fence, &[day("l")]).unwrap();
    let cut = "SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity WHERE application_name = 'gooru-da a' AND \
               datname = current_database()";
    assert_eq!(database.texts(cut), ["true"]);
    let late = store.commit(&unit(vec![(day("l"), time(9))], vec![moved(P, (0, 5), 0, &[])]));
    assert!(is_transient(&late), "{late:?}");
    let claim = store.claim(&[P]).unwrap().remove(0);
    assert_eq!((claim.epoch.0, claim.position), (fence[0].1.0 + 1, None));
}

#[test]
fn what_a_column_cannot_hold_is_refused_and_nothing_of_it_stays() {
    let Some(database) = Database::migrated("refused rows") else { return };
    let mut store = database.open("a", &tables());
    let fence = fences(&mut *store, &[P], 0);
    let key = RowKey::new(&LEARNER_ITEM_SCORE, &["t1", "l", "k", "c", "u", "l", "main", "0", "a"]);
    let row = |kind: &str, percent: i64| {
        Some(Row(vec![
            kind.into(),
            "".into(),
            Value::Null,
            Value::Null,
            Value::Int(percent),
            Value::Int(1),
            Value::Int(0),
        ]))
    };
    let year_300_000 = Some(Row(vec![Value::Int(1), Value::Int(1), Value::Int(9_467_000_000_000_000)]));
    let long = "x".repeat(9_000);
    let cases = [
        ("percent of 1000", vec![(key.clone(), row("assessment", 100_000))]),
        ("NUL", vec![(key.clone(), row("a\0b", 1))]),
        ("time out of range", vec![(day("l"), year_300_000)]),
        ("null where none may be", vec![(day("l"), Some(Row(vec![Value::Null, Value::Int(1), Value::Int(1)])))]),
        ("key too long for an index", vec![(day(&format!("{long}{:?}", (0..9_000).collect::<Vec<_>>())), time(1))]),
    ];
    for (name, mut bad) in cases {
        bad.insert(0, (day("a good one"), time(1)));
        store.begin(&fence, &[day("a good one")]).unwrap();
        bad.sort_by(|a, b| a.0.cmp(&b.0));
        let done = store.commit(&unit(bad, vec![moved(P, (0, 1), 0, &["x"])]));
        assert!(matches!(done, Err(Fault::Refused(_))), "{name}: {done:?}");
    }
    assert!(store.begin(&fence, &[day("a good one")]).unwrap().is_absent(&day("a good one")));
    store.abandon();
    assert_eq!(store.claim(&[P]).unwrap()[0].position, None);
}

#[test]
fn each_connection_is_set_as_the_protocol_needs_it() {
    let Some(database) = Database::at_hand("session settings") else { return };
    let mut connection = database.connection();
    let cases = [
        ("synchronous_commit", "on"),
        ("idle_in_transaction_session_timeout", "5s"),
        ("statement_timeout", "30s"),
        ("tcp_keepalives_idle", "5"),
    ];
    for (name, value) in cases {
        assert_eq!(connection.texts(&format!("SHOW {name}")).unwrap(), [Some(value.to_owned())], "{name}");
    }
}

#[test]
fn who_cannot_get_in_is_told_why_in_words() {
    let Some(database) = Database::at_hand("refused connections") else { return };
    let connect = |settings: PostgresSettings| Connection::new(settings, "tests").unwrap().connect();
    let good = database.settings();

    let wrong = PostgresSettings { password: Some("wrong".to_owned()), ..good.clone() };
    let sentence = told(connect(wrong));
    assert!(sentence.starts_with("fatal") && sentence.contains("the password of user"), "{sentence}");
    assert!(sentence.contains("is wrong") && !sentence.contains("\"wrong\""), "{sentence}");

    let nowhere = PostgresSettings { url: database.url("no_such_database"), ..good.clone() };
    let sentence = told(connect(nowhere));
    assert!(
        sentence.starts_with("fatal") && sentence.contains("there is no such database: no_such_database"),
        "{sentence}"
    );

    let silent = PostgresSettings::of("postgres://u@127.0.0.1:1/d");
    let sentence = told(connect(silent));
    assert!(sentence.starts_with("transient") && sentence.contains("d at 127.0.0.1:1 does not answer"), "{sentence}");

    let no_file = PostgresSettings { ca_file: Some("no/such.pem".into()), ..good };
    let sentence = told(connect(no_file));
    assert!(sentence.starts_with("fatal") && sentence.contains("no/such.pem"), "{sentence}");
}

#[test]
fn a_database_behind_or_ahead_is_refused_with_what_to_do() {
    let Some(database) = Database::at_hand("migrations") else { return };
    let all = plan();
    let check = |migrations: &[Migration]| migrate::check(&mut database.connection(), migrations);
    let sentence = told(database.store("a", &tables()).check());
    assert!(sentence.contains("has no tables of this program yet; run `da migrate`"), "{sentence}");

    let old = Plan { migrations: all.migrations[..4].to_vec(), tables: Vec::new() };
    assert_eq!(
        migrate::migrate(database.settings(), &old).unwrap(),
        ["runtime_0001_commit", "runtime_0002_outbox_slot", "runtime_0003_claims", "gep_0001_state"]
    );
    let sentence = told(check(&all.migrations));
    assert!(sentence.contains("3 of its migrations are missing, the first is dep_0001_tables"), "{sentence}");
    assert_eq!(
        migrate::migrate(database.settings(), &all).unwrap(),
        ["dep_0001_tables", "dep_0002_analytics", "dep_0003_item_session"]
    );
    assert_eq!(migrate::migrate(database.settings(), &all).unwrap(), [""; 0], "nothing is left to do");
    check(&all.migrations).unwrap();

    let gep_alone = &all.migrations[..4];
    check(gep_alone).unwrap();
    let older: Vec<Migration> = all.migrations[..5].to_vec();
    let sentence = told(check(&older));
    assert!(sentence.contains("ahead of this program: it holds the migration dep_0002_analytics"), "{sentence}");
    let plan = Plan { migrations: older, tables: Vec::new() };
    assert!(told(migrate::migrate(database.settings(), &plan)).contains("ahead of this program"));
}

#[test]
fn a_failed_migration_leaves_nothing() {
    let Some(database) = Database::at_hand("failed migrations") else { return };
    let bad = Migration { name: "dep_0001_bad", sql: "CREATE TABLE made (id text); SELECT nonsense;" };
    let done = migrate::migrate(database.settings(), &Plan { migrations: vec![bad], tables: Vec::new() });
    assert!(told(done).contains("migration dep_0001_bad"));
    assert_eq!(database.texts("SELECT relname::text FROM pg_class WHERE relname = 'made'"), [""; 0]);
}

fn sql_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "text",
        Kind::Int => "bigint",
        Kind::Bool => "boolean",
        Kind::Percent => "numeric(5,2)",
        Kind::Points => "numeric(14,4)",
        Kind::Time => "timestamp with time zone",
        Kind::Date => "date",
        Kind::Bytes => "bytea",
    }
}

#[test]
fn a_table_migrated_in_postgres_equals_its_descriptor() {
    let Some(database) = Database::migrated("migrated tables") else { return };
    for table in plan().tables {
        equals_its_descriptor(&database, table, dep::tables::tables().contains(&table));
    }
}

/// Columns, keys and comments of a table, which may have the store's stamp behind its own columns.
pub(crate) fn equals_its_descriptor(database: &Database, table: &Table, stamped: bool) {
    let columns = database.texts(&format!(
        "SELECT a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull || ' ' ||
             coalesce(array_position(i.indkey::smallint[], a.attnum), -1) || ' ' ||
             coalesce(col_description(a.attrelid, a.attnum), '')
         FROM pg_attribute a JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary
         WHERE a.attrelid = '\"{}\"'::regclass AND a.attnum > 0 ORDER BY a.attnum",
        table.name
    ));
    let key = |(n, c): (usize, &Column)| format!("{} {} true {n} {}", c.name, sql_type(c.kind), c.doc);
    let value = |c: &Column| format!("{} {} {} -1 {}", c.name, sql_type(c.kind), !c.nullable, c.doc);
    let stamp = stamped.then(|| "updated_at timestamp with time zone true -1 when the row was committed".to_owned());
    let keys = table.keys.iter().enumerate().map(key);
    let meant: Vec<String> = keys.chain(table.values.iter().map(value)).chain(stamp).collect();
    assert_eq!(columns, meant, "{}", table.name);
    let doc = database.texts(&format!("SELECT obj_description('\"{}\"'::regclass, 'pg_class')", table.name));
    assert_eq!(doc, [table.doc]);
}

#[test]
fn views_are_those_of_sqlite_and_every_column_is_explained() {
    let Some(database) = Database::migrated("views") else { return };
    let rounds = Rounds::new(Arc::new(Silent));
    let mut reader = Reader::open(&rounds.file()).unwrap();
    let sqlite = reader.query(
        "SELECT m.name || '.' || c.name AS c FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'view'",
    );
    let sqlite: BTreeSet<String> = sqlite.unwrap().iter().map(|r| r["c"].as_str().unwrap().to_owned()).collect();
    let columns =
        "SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'analytics'";
    let postgres: BTreeSet<String> = database.texts(columns).into_iter().collect();
    assert_eq!(postgres, sqlite);
    let silent = "SELECT c.relname || '.' || a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND
                  a.attnum > 0 AND NOT a.attisdropped JOIN pg_namespace n ON n.oid = c.relnamespace
                  WHERE n.nspname IN ('analytics', 'public') AND c.relkind IN ('r', 'v')
                  AND (col_description(c.oid, a.attnum) IS NULL OR obj_description(c.oid, 'pg_class') IS NULL)";
    assert_eq!(database.texts(silent), [""; 0], "columns without a comment");
}

#[test]
fn an_analyst_reads_the_views_and_changes_nothing() {
    let Some(database) = Database::migrated("the role analyst") else { return };
    let may = |what: &str| database.texts(&format!("SELECT {what}::text")) == ["true"];
    if database.texts("SELECT rolname::text FROM pg_roles WHERE rolname = 'analyst'").is_empty() {
        eprintln!("skipped: the role analyst, because the migrating user may not make roles");
        return;
    }
    assert!(may("has_table_privilege('analyst', 'analytics.item_session', 'SELECT')"));
    assert!(may("has_table_privilege('analyst', 'class_score', 'SELECT')"));
    assert!(!may("has_table_privilege('analyst', 'class_score', 'INSERT')"));
    assert!(!may("has_table_privilege('analyst', 'outbox', 'SELECT')"), "no outbox");
    assert!(!may("has_table_privilege('analyst', 'session', 'SELECT')"), "no state of gep");
    let set = database.texts(
        "SELECT unnest(setconfig) FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase JOIN pg_roles r
         ON r.oid = s.setrole WHERE d.datname = current_database() AND r.rolname = 'analyst' ORDER BY 1",
    );
    assert_eq!(set, ["default_transaction_read_only=on", "search_path=analytics, public"]);
}

#[test]
fn a_range_of_a_shared_table_cannot_be_had() {
    static OPEN: Table = Table {
        name: "open",
        doc: "",
        keys: &[Column::new("tenant_id", Kind::Text, ""), Column::new("id", Kind::Text, "")],
        values: &[],
        feed: Feed::Shared,
        range: Some(da_model::state::Range { prefix: 1, cap: 10 }),
    };
    let options = da_runtime::io::sql::postgres::StoreOptions {
        settings: PostgresSettings::of("postgres://u@127.0.0.1:1/d"),
        group: "dep",
        owner: "a".to_owned(),
        tables: vec![&OPEN],
        alone: Vec::new(),
        migrations: Vec::new(),
    };
    assert!(told(da_runtime::io::sql::postgres::PostgresStore::new(options)).contains("cannot be locked"));
}

/// Where the stack serves TLS, the right authority lets in and another one is refused in words.
#[test]
#[expect(clippy::disallowed_methods, reason = "where the stack runs is told to tests by the environment")]
fn the_server_must_be_signed_by_the_authority_named() {
    let (Ok(right), Ok(wrong)) = (std::env::var("DATABASE_CA_FILE"), std::env::var("DATABASE_OTHER_CA_FILE")) else {
        eprintln!("skipped: TLS to the database, because DATABASE_CA_FILE names no authority");
        return;
    };
    let Some(database) = Database::at_hand("TLS") else { return };
    let connect = |ca: &str| {
        let settings = PostgresSettings { ca_file: Some(ca.into()), ..database.settings() };
        let mut connection = Connection::new(settings, "tests").unwrap();
        connection.connect()?;
        connection.texts("SELECT ssl::text FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
    };
    assert_eq!(connect(&right).unwrap(), [Some("true".to_owned())]);
    let sentence = told(connect(&wrong));
    assert!(
        sentence.starts_with("fatal") && sentence.contains("is not signed by an authority that is trusted"),
        "{sentence}"
    );
}
