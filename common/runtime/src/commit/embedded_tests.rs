//! The embedded engine under two small handlers: batch sizes, crashes, restarts, refusals, statements.
//!
//! Place: test code of `embedded_txn`. The handlers count lines of a partner topic and know nothing of learning.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use da_model::effects::{Effects, Emit, Key, Write};
use da_model::event::system::EntityBody;
use da_model::event::{EntityEvent, Event, SystemEvent};
use da_model::fault::Rejection;
use da_model::handler::Handler;
use da_model::ids::{Offset, Partition, TopicPartition, UnitName};
use da_model::outcome::{Outcome, Reason};
use da_model::record::Record;
use da_model::schema::{Schemas, codec};
use da_model::state::{Column, Feed, Kind, Range, Row, RowKey, Snapshot, Value};
use da_model::time::Timestamp;
use uuid::Uuid;

use std::path::PathBuf;

use da_model::ids::TopicName;
use da_model::state::Table;

use super::*;
use crate::clock::ManualClock;
use crate::driver::{DriverOptions, Stepped, stage};
use crate::io::sqlite_log::Reader;
use crate::ports::Append;
use crate::probe::{Crash, Step};
use crate::probe::{Probe, Silent};

const PARTNER: TopicName = TopicName("partner.lines");

static COUNT: Table = Table {
    name: "line_count",
    doc: "Lines per user.",
    keys: &[Column::new("tenant_id", Kind::Text, ""), Column::new("user_id", Kind::Text, "")],
    values: &[Column::new("n", Kind::Int, ""), Column::nullable("last", Kind::Date, "")],
    feed: Feed::OneTopic,
    range: None,
};

static SEEN: Table = Table {
    name: "line_seen",
    doc: "Numbers per user.",
    keys: &[
        Column::new("tenant_id", Kind::Text, ""),
        Column::new("user_id", Kind::Text, ""),
        Column::new("n", Kind::Int, ""),
    ],
    values: &[Column::new("held", Kind::Int, "")],
    feed: Feed::OneTopic,
    range: Some(Range { prefix: 2, cap: 1_000 }),
};

const SQL: Migration = Migration {
    name: "test_0001",
    sql: "CREATE TABLE line_count (tenant_id TEXT NOT NULL, user_id TEXT NOT NULL, n INTEGER NOT NULL CHECK (n < 1000), \
          last TEXT, updated_at INTEGER NOT NULL, PRIMARY KEY (tenant_id, user_id)) STRICT, WITHOUT ROWID; \
          CREATE TABLE line_seen (tenant_id TEXT NOT NULL, user_id TEXT NOT NULL, n INTEGER NOT NULL, held INTEGER NOT \
          NULL, PRIMARY KEY (tenant_id, user_id, n)) STRICT, WITHOUT ROWID;",
};

/// `user:step` → the user's count grows by step; emits the count. `bad`, `panic` and `sister` go wrong.
struct Lines;

/// Reads what [`Lines`] emits and keeps the last five numbers per user.
struct Numbers;

fn body(user: &str, action: &str) -> EntityBody<'static> {
    EntityBody {
        tenant_id: "t1".into(),
        entity: "user".into(),
        entity_id: user.to_owned().into(),
        action: action.to_owned().into(),
        at: Timestamp(0),
        actor_id: None,
        learner_id: None,
        parent_id: None,
        course_id: None,
        unit_id: None,
        lesson_id: None,
        class_id: None,
        format: None,
        data: Vec::new(),
    }
}

impl Handler for Lines {
    type Input<'r> = (&'r str, &'r str);

    fn name(&self) -> &'static str {
        "gep"
    }

    fn topics(&self) -> Vec<TopicName> {
        vec![PARTNER]
    }

    fn decode<'r>(&self, record: &Record<'r>, _: &Schemas) -> Result<Self::Input<'r>, Rejection> {
        let text = std::str::from_utf8(record.value.unwrap_or_default()).unwrap();
        text.split_once(':').ok_or_else(|| Rejection::new(Reason::BadJson, "no colon"))
    }

    fn reads(&self, input: &Self::Input<'_>) -> Vec<RowKey> {
        vec![RowKey::new(&COUNT, &["t1", input.0])]
    }

    fn decide<'r>(&self, input: &Self::Input<'r>, seen: &Snapshot<'_>) -> Result<Effects<'r>, Rejection> {
        assert!(input.1 != "panic", "a handler that fails on one record");
        let key = RowKey::new(&COUNT, &["t1", input.0]);
        let before = seen.row(&key).and_then(|r| r.int(0)).unwrap_or(0);
        let n = before + input.1.parse().unwrap_or(1);
        let mut effects = Effects::none(Outcome::Applied);
        let event =
            SystemEvent { event_key: Uuid::nil(), received_at: Timestamp(5), body: body(input.0, &n.to_string()) };
        let event = Event::System(Box::new(event));
        let own = Key::Own(da_model::key::joined(&["t1", input.0]));
        effects.emits.push(Emit { unit: UnitName("lines"), topic: TopicName("gep.system"), key: own, event, depth: 0 });
        effects.writes.push(Write::set(key, Row(vec![Value::Int(n), Value::Int(20_514)])));
        if input.1 == "sister" {
            effects.refused.push((UnitName("sister"), Rejection::new(Reason::HandlerFailed, "the sister fails")));
        }
        Ok(effects)
    }
}

impl Handler for Numbers {
    type Input<'r> = (String, i64);

    fn name(&self) -> &'static str {
        "demux"
    }

    fn topics(&self) -> Vec<TopicName> {
        vec![TopicName("gep.system")]
    }

    fn decode<'r>(&self, record: &Record<'r>, schemas: &Schemas) -> Result<Self::Input<'r>, Rejection> {
        match codec::decode(record.value.unwrap_or_default(), schemas)? {
            (_, Event::System(e)) => Ok((e.body.entity_id.into_owned(), e.body.action.parse().unwrap())),
            (_, other) => Err(Rejection::new(Reason::Undecodable, format!("{other:?}"))),
        }
    }

    fn reads(&self, input: &Self::Input<'_>) -> Vec<RowKey> {
        vec![RowKey::new(&SEEN, &["t1", &input.0])]
    }

    fn decide<'r>(&self, input: &Self::Input<'r>, seen: &Snapshot<'_>) -> Result<Effects<'r>, Rejection> {
        let held = seen.range(&RowKey::new(&SEEN, &["t1", &input.0]));
        let mut effects = Effects::none(Outcome::Applied);
        let oldest = held.iter().min_by_key(|(_, row)| row.int(0)).filter(|_| held.len() >= 5);
        effects.writes.extend(oldest.map(|(key, _)| Write::remove((*key).clone())));
        let key = RowKey::new(&SEEN, &["t1", &input.0, &input.1.to_string()]);
        effects.writes.push(Write::set(key, Row(vec![Value::Int(input.1)])));
        let event = EntityEvent { de_id: Uuid::nil(), body: body(&input.0, &held.len().to_string()) };
        let event = Event::Entity(Box::new(event));
        let (unit, topic) = (UnitName("numbers"), TopicName("demux.user"));
        effects.emits.push(Emit { unit, topic, key: Key::Inherited, event, depth: 0 });
        Ok(effects)
    }
}

/// Dies at the nth visit of a step.
struct Dies(Step, AtomicUsize);

impl Probe for Dies {
    fn at(&self, step: Step) -> Result<(), Crash> {
        let dies = step == self.0 && self.1.fetch_sub(1, Ordering::SeqCst) == 1;
        if dies { Err(Crash(step)) } else { Ok(()) }
    }
}

struct Folder(PathBuf);

static FOLDERS: Mutex<u32> = Mutex::new(0);

impl Folder {
    fn new() -> Self {
        let mut n = FOLDERS.lock().unwrap();
        *n += 1;
        Self(std::env::temp_dir().join(format!("da-embedded-{}-{n}", std::process::id())))
    }

    fn options(&self, partitions: u32) -> EmbeddedOptions {
        let clock = Arc::new(ManualClock::new(Timestamp(1_000)));
        EmbeddedOptions {
            partitions,
            tables: vec![&COUNT, &SEEN],
            migrations: vec![SQL],
            partner_topics: vec![PARTNER],
            ..EmbeddedOptions::new(&self.0, clock)
        }
    }

    fn open(&self) -> Embedded {
        Embedded::open(self.options(3)).unwrap()
    }

    fn query(&self, sql: &str) -> Vec<String> {
        let rows = Reader::open(&self.0.join(FILE)).unwrap().query(sql).unwrap();
        rows.into_iter().map(|row| serde_json::Value::Object(row).to_string()).collect()
    }

    /// Everything that must not depend on rounds, batches or crashes.
    fn outcome(&self) -> Vec<String> {
        let mut all = self.query("SELECT * FROM line_count ORDER BY 1, 2");
        all.extend(self.query("SELECT * FROM line_seen ORDER BY 1, 2, 3"));
        all.extend(self.query("SELECT * FROM position ORDER BY 1, 2, 3"));
        let mut reader = Reader::open(&self.0.join(FILE)).unwrap();
        for topic in reader.topics().unwrap() {
            for part in 0..3 {
                let records = reader.records((&topic, Partition(part)), Offset(0), usize::MAX).unwrap();
                all.extend(records.iter().map(|r| format!("{r:?}")));
            }
        }
        all
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

fn stages(max_records: usize) -> Vec<Box<dyn Stage>> {
    let clock = Arc::new(ManualClock::new(Timestamp(0)));
    let options = DriverOptions { max_records, ..DriverOptions::new(clock) };
    vec![stage(Lines, options.clone()), stage(Numbers, options)]
}

/// The key of what follows, so that all of a user stays in one partition.
fn key_of(n: usize) -> Vec<u8> {
    da_model::key::joined(&["t1", &format!("u{}", n % 23)]).into_bytes()
}

fn lines(from: usize, to: usize) -> Vec<Append> {
    let line = |n: usize| match n % 50 {
        7 => "bad".to_owned(),
        9 => format!("u{}:panic", n % 23),
        11 => format!("u{}:sister", n % 23),
        _ => format!("u{}:{}", n % 23, n % 3 + 1),
    };
    let append = |n: usize| Append {
        topic: PARTNER,
        key: key_of(n),
        value: Some(line(n).into_bytes()),
        timestamp: Timestamp(i64::try_from(n).unwrap()),
    };
    (from..to).map(append).collect()
}

/// 600 lines in 40 requests, each sent again until it is answered, as a client does, through any number of deaths.
fn play(folder: &Folder, max_records: usize, probe: Arc<dyn Probe>) -> u32 {
    let mut deaths = 0;
    let mut embedded = Embedded::open(EmbeddedOptions { probe: Arc::clone(&probe), ..folder.options(3) }).unwrap();
    let mut living = stages(max_records);
    for request in 0..40 {
        let mut receipt = Some(embedded.sink().append(lines(request * 15, request * 15 + 15)).unwrap());
        loop {
            let round = embedded.round(&mut living);
            if round.is_err() {
                deaths += 1;
                drop(embedded);
                embedded = Embedded::open(EmbeddedOptions { probe: Arc::clone(&probe), ..folder.options(3) }).unwrap();
                living = stages(max_records);
                // The outcome of an unanswered request is unknown; here the log itself tells whether to repeat it.
                let mut reader = Reader::open(&folder.0.join(FILE)).unwrap();
                let ends = (0..3).map(|p| reader.end(PARTNER.0, Partition(p)).unwrap().0);
                let stored = usize::try_from(ends.sum::<i64>()).unwrap();
                receipt = (stored < request * 15 + 15)
                    .then(|| embedded.sink().append(lines(request * 15, request * 15 + 15)).unwrap());
                continue;
            }
            if receipt.as_mut().is_none_or(|r| r.try_recv().is_ok()) {
                break;
            }
        }
    }
    while embedded.drain(&mut living).is_err() {
        deaths += 1;
        drop(embedded);
        embedded = Embedded::open(EmbeddedOptions { probe: Arc::clone(&probe), ..folder.options(3) }).unwrap();
        living = stages(max_records);
    }
    assert_eq!(embedded.engine.as_ref().map(|e| waiting(e, &living)), Some(0));
    deaths
}

/// The same lines by a client that sends on before it is answered: each round is decided while the one before it is
/// written. After a death it goes on behind what the log holds.
fn play_ahead(folder: &Folder, max_records: usize, probe: Arc<dyn Probe>) -> u32 {
    let open = || Embedded::open(EmbeddedOptions { probe: Arc::clone(&probe), ..folder.options(3) }).unwrap();
    let (mut embedded, mut living) = (open(), stages(max_records));
    let (mut deaths, mut request) = (0, 0);
    loop {
        let lived = if request < 40 {
            drop(embedded.sink().append(lines(request * 15, request * 15 + 15)).unwrap());
            request += 1;
            embedded.turn(&mut living, false).map(drop)
        } else {
            embedded.drain(&mut living)
        };
        if lived.is_err() {
            deaths += 1;
            drop(embedded);
            (embedded, living) = (open(), stages(max_records));
            let mut reader = Reader::open(&folder.0.join(FILE)).unwrap();
            let ends = (0..3).map(|p| reader.end(PARTNER.0, Partition(p)).unwrap().0);
            let stored = usize::try_from(ends.sum::<i64>()).unwrap();
            assert_eq!(stored % 15, 0, "a request is never torn");
            request = stored / 15;
        } else if request == 40 && embedded.flight.is_none() {
            return deaths;
        }
    }
}

#[test]
fn batch_sizes_do_not_show() {
    let mut outcomes = Vec::new();
    for max in [1, 7, 1_000] {
        let folder = Folder::new();
        play(&folder, max, Arc::new(Silent));
        outcomes.push(folder.outcome());
    }
    assert!(outcomes[0].len() > 1_500, "{}", outcomes[0].len());
    assert_eq!(outcomes[0], outcomes[1]);
    assert_eq!(outcomes[0], outcomes[2]);
}

#[test]
fn a_crash_at_any_step_changes_nothing() {
    let calm = Folder::new();
    assert_eq!(play(&calm, 40, Arc::new(Silent)), 0);
    let expected = calm.outcome();
    for step in Step::ALL {
        for visit in [1, 2, 17] {
            for play in [play, play_ahead] {
                let folder = Folder::new();
                let deaths = play(&folder, 40, Arc::new(Dies(*step, AtomicUsize::new(visit))));
                assert_eq!(deaths, 1, "{step:?} {visit}");
                assert_eq!(folder.outcome(), expected, "{step:?} {visit}");
            }
        }
    }
}

/// Dies at two visits in a row.
struct Twice(Step, AtomicUsize);

impl Probe for Twice {
    fn at(&self, step: Step) -> Result<(), Crash> {
        if step != self.0 {
            return Ok(());
        }
        let visit = self.1.fetch_add(1, Ordering::SeqCst);
        if visit == 4 || visit == 5 { Err(Crash(step)) } else { Ok(()) }
    }
}

#[test]
fn two_crashes_in_a_row_change_nothing() {
    let calm = Folder::new();
    play(&calm, 1_000, Arc::new(Silent));
    let expected = calm.outcome();
    for step in Step::ALL {
        for play in [play, play_ahead] {
            let folder = Folder::new();
            assert_eq!(play(&folder, 1_000, Arc::new(Twice(*step, AtomicUsize::new(0)))), 2, "{step:?}");
            assert_eq!(folder.outcome(), expected, "{step:?}");
        }
    }
}

#[test]
fn dead_letters_keep_the_bytes_and_siblings_go_on() {
    let folder = Folder::new();
    play(&folder, 1_000, Arc::new(Silent));
    let mut reader = Reader::open(&folder.0.join(FILE)).unwrap();
    let schemas = Schemas::embedded();
    let mut reasons: BTreeMap<(String, String), usize> = BTreeMap::new();
    for part in 0..3 {
        for record in reader.records(("gep.dead", Partition(part)), Offset(0), usize::MAX).unwrap() {
            let value = record.value.unwrap();
            let (lineage, event) = codec::decode(&value, &schemas).unwrap();
            let Event::Dead(dead) = event else { panic!("{event:?}") };
            let n = usize::try_from(dead.timestamp.0).unwrap();
            assert_eq!(dead.value, lines(n, n + 1)[0].value, "byte-identical");
            assert_eq!((dead.key, record.key), (Some(key_of(n)), Some(key_of(n))));
            assert_eq!(dead.partition, Partition(part), "the partition is inherited");
            assert_eq!(lineage.src.unwrap().offset, dead.offset);
            *reasons.entry((dead.handler.into_owned(), dead.rejection.reason.code().to_owned())).or_default() += 1;
        }
    }
    let expected = [("gep", "bad_json", 12), ("gep", "handler_failed", 12), ("sister", "handler_failed", 12)];
    let expected = expected.map(|(h, r, n)| ((h.to_owned(), r.to_owned()), n));
    assert_eq!(reasons, BTreeMap::from(expected));
    // u11: its lines are 11, 34, 57 …; of those below 600 with n % 50 = 7 or 9 nothing counts, a sister's counts 1.
    let steps = (0..600).filter(|n| n % 23 == 11 && ![7, 9].contains(&(n % 50)));
    let sum: usize = steps.map(|n| if n % 50 == 11 { 1 } else { n % 3 + 1 }).sum();
    let counted = folder.query("SELECT n, last, updated_at FROM line_count WHERE user_id = 'u11'");
    assert_eq!(counted, [format!(r#"{{"n":{sum},"last":"2026-03-02","updated_at":1000}}"#)]);
}

#[test]
fn edges_are_numbered_without_holes() {
    let folder = Folder::new();
    play(&folder, 7, Arc::new(Silent));
    let mut reader = Reader::open(&folder.0.join(FILE)).unwrap();
    let schemas = Schemas::embedded();
    let mut last: BTreeMap<(Partition, Partition), i64> = BTreeMap::new();
    for part in (0..3).map(Partition) {
        for record in reader.records(("gep.system", part), Offset(0), usize::MAX).unwrap() {
            let value = record.value.unwrap();
            let lineage = codec::decode_lineage(&value, &schemas).unwrap();
            let src = lineage.src.unwrap();
            let last = last.entry((src.partition, part)).or_default();
            *last += 1;
            assert_eq!((lineage.seq, lineage.hop, src.topic.as_ref()), (Some(*last), 0, PARTNER.0));
            assert_eq!(lineage.root.map(|r| r.at), Some(Timestamp(5)));
        }
    }
    assert_eq!(last.values().sum::<i64>(), 600 - 24);
    let second = reader.records(("demux.user", Partition(0)), Offset(0), 1).unwrap().remove(0).value.unwrap();
    assert_eq!(codec::decode_lineage(&second, &schemas).unwrap().hop, 1);
}

#[test]
fn statements_of_a_round_do_not_grow_with_its_rows() {
    let folder = Folder::new();
    let mut embedded = folder.open();
    let mut living = stages(512);
    let mut of_round = |users: usize| {
        let append = |n: usize| Append {
            topic: PARTNER,
            key: b"k".to_vec(),
            value: Some(format!("w{users}x{n}:1").into_bytes()),
            timestamp: Timestamp(0),
        };
        drop(embedded.sink().append((0..users).map(append).collect()).unwrap());
        let before = embedded.status().statements;
        assert_eq!(embedded.round(&mut living), Ok(Progress::Worked));
        let status = embedded.status();
        assert_eq!(status.lag(), 0, "one commit reaches the last stage");
        status.statements - before
    };
    of_round(1);
    let (few, many) = (of_round(4), of_round(500));
    assert_eq!(few, many, "500 users, 1,000 rows and 1,500 records in one round");
    assert!(many <= 14, "{many}");
}

#[test]
fn a_reopened_file_goes_on_and_a_second_process_is_refused() {
    let folder = Folder::new();
    let mut embedded = folder.open();
    let mut living = stages(512);
    let mut receipt = embedded.sink().append(lines(0, 3)).unwrap();
    embedded.drain(&mut living).unwrap();
    let first = receipt.try_recv().unwrap().unwrap();
    let error = Embedded::open(folder.options(3)).unwrap_err();
    assert!(matches!(error, OpenError::InUse(_)) && error.to_string().contains("another process"), "{error}");
    drop(embedded);
    let mut embedded = folder.open();
    let mut receipt = embedded.sink().append(lines(0, 3)).unwrap();
    embedded.drain(&mut stages(512)).unwrap();
    let second = receipt.try_recv().unwrap().unwrap();
    for ((_, p, before), (_, q, after)) in first.iter().zip(&second) {
        let same = i64::try_from(first.iter().filter(|(_, other, _)| other == p).count()).unwrap();
        assert_eq!((p, before.0 + same), (q, after.0));
    }
    drop(embedded);
    let other = Embedded::open(folder.options(2)).unwrap_err().to_string();
    assert!(other.contains("partitions"), "{other}");
    let old = Embedded::open(EmbeddedOptions { migrations: vec![], ..folder.options(3) }).unwrap_err().to_string();
    assert!(old.contains("newer version") && old.contains("test_0001"), "{old}");
}

#[test]
fn a_row_that_the_store_cannot_hold_condemns_its_record_alone() {
    let folder = Folder::new();
    let mut embedded = folder.open();
    let line = |text: String| Append {
        topic: PARTNER,
        key: b"k".to_vec(),
        value: Some(text.into_bytes()),
        timestamp: Timestamp(0),
    };
    let mut all: Vec<Append> = (0..40).map(|n| line(format!("u{n}:1"))).collect();
    all.insert(13, line("huge:1000".to_owned()));
    drop(embedded.sink().append(all).unwrap());
    embedded.drain(&mut stages(512)).unwrap();
    let counts = embedded.status().counts["gep"].clone();
    assert_eq!(counts.dead, BTreeMap::from([(Reason::HandlerFailed, 1)]));
    assert_eq!(counts.outcomes, BTreeMap::from([(Outcome::Applied, 40), (Outcome::DeadLettered, 1)]));
    assert_eq!(folder.query("SELECT count(*) AS n FROM line_count"), [r#"{"n":40}"#]);
}

#[test]
fn a_refused_row_takes_the_round_decided_over_it_along_and_both_are_done_again() {
    let folder = Folder::new();
    let mut embedded = folder.open();
    let mut living = stages(512);
    let line = |text: String| Append {
        topic: PARTNER,
        key: b"k".to_vec(),
        value: Some(text.into_bytes()),
        timestamp: Timestamp(0),
    };
    let mut receipts = Vec::new();
    for request in 0..6 {
        let mut lines: Vec<Append> = (0..10).map(|n| line(format!("u{n}:{request}"))).collect();
        lines.extend((request == 2).then(|| line("huge:1000".to_owned())));
        receipts.push(embedded.sink().append(lines).unwrap());
        embedded.turn(&mut living, false).unwrap();
    }
    embedded.drain(&mut living).unwrap();
    assert!(receipts.iter_mut().all(|r| matches!(r.try_recv(), Ok(Ok(_)))), "every request is answered");
    let status = embedded.status();
    assert_eq!(status.counts["gep"].dead, BTreeMap::from([(Reason::HandlerFailed, 1)]));
    assert_eq!((status.appended, status.counts["gep"].read, status.failed_rounds), (61, 61, 0));
    assert_eq!(folder.query("SELECT count(*) AS n, sum(n) AS s FROM line_count"), [r#"{"n":10,"s":150}"#]);
}

/// A request that a full disk has no room for.
fn big() -> Vec<Append> {
    vec![Append { value: Some(vec![b'x'; 1 << 16]), ..lines(0, 1).remove(0) }; 20]
}

#[test]
fn a_round_that_cannot_be_written_takes_the_one_decided_over_it_along() {
    let folder = Folder::new();
    let mut embedded = folder.open();
    let mut living = stages(512);
    drop(embedded.sink().append(lines(0, 30)).unwrap());
    embedded.drain(&mut living).unwrap();
    let before = folder.outcome();
    embedded.engine.as_mut().unwrap().fill_disk();
    let mut first = embedded.sink().append(big()).unwrap();
    embedded.turn(&mut living, false).unwrap();
    let mut second = embedded.sink().append(lines(30, 31)).unwrap();
    embedded.turn(&mut living, false).unwrap_err();
    for receipt in [&mut first, &mut second] {
        assert!(matches!(receipt.try_recv().unwrap(), Err(SinkError::Unavailable(_))));
    }
    assert_eq!(folder.outcome(), before);
    embedded.drain(&mut living).unwrap();
    assert_eq!(folder.outcome(), before);
}

#[test]
fn an_internal_topic_that_fails_throughout_is_stalled_before_anything_is_written() {
    let folder = Folder::new();
    let mut embedded = folder.open();
    let rubbish = |n: i64| Append {
        topic: TopicName("gep.system"),
        key: b"k".to_vec(),
        value: Some(b"rubbish".to_vec()),
        timestamp: Timestamp(n),
    };
    drop(embedded.sink().append((0..30).map(rubbish).collect()).unwrap());
    let mut living = stages(512);
    embedded.drain(&mut living).unwrap();
    let at = TopicPartition { topic: TopicName("gep.system"), partition: da_model::key::partition_of(b"k", 3) };
    assert_eq!(living[1].stalled(), [at]);
    let status = embedded.status();
    let lag = status.lags.iter().find(|l| l.at == at).unwrap();
    assert_eq!((lag.next, lag.end, lag.stalled), (Offset(0), Offset(30), true));
    assert_eq!(folder.query("SELECT count(*) AS n FROM log_chunk"), [r#"{"n":1}"#]);
}

#[test]
fn what_memory_forgot_is_read_from_the_file() {
    let folder = Folder::new();
    let mut embedded = folder.open();
    let mut none: Vec<Box<dyn Stage>> = Vec::new();
    for n in 0..20 {
        drop(embedded.sink().append(lines(n * 30, n * 30 + 30)).unwrap());
        embedded.round(&mut none).unwrap();
    }
    drop(embedded);
    folder.open().drain(&mut stages(64)).unwrap();
    let calm = Folder::new();
    play(&calm, 64, Arc::new(Silent));
    assert_eq!(folder.outcome(), calm.outcome());
}

#[test]
fn a_full_disk_refuses_the_request_and_loses_nothing() {
    let folder = Folder::new();
    let mut embedded = folder.open();
    let mut living = stages(512);
    drop(embedded.sink().append(lines(0, 30)).unwrap());
    embedded.drain(&mut living).unwrap();
    let before = folder.outcome();
    embedded.engine.as_mut().unwrap().fill_disk();
    let mut receipt = embedded.sink().append(big()).unwrap();
    let fault = embedded.round(&mut living).unwrap_err();
    assert!(matches!(fault, Fault::Transient(_)) && fault.to_string().contains("full"), "{fault}");
    assert!(matches!(receipt.try_recv().unwrap(), Err(SinkError::Unavailable(_))));
    assert_eq!(folder.outcome(), before);
    assert_eq!((embedded.status().failed_rounds, embedded.status().fault.is_some()), (1, true));
    embedded.round(&mut living).unwrap();
    assert_eq!(embedded.status().fault, None, "who sends nothing to what is not ready would wait for ever");
    let mut receipt = embedded.sink().append(lines(30, 31)).unwrap();
    embedded.drain(&mut living).unwrap();
    assert_eq!(receipt.try_recv().unwrap().map(|a| a.len()), Ok(1));
    assert_eq!(embedded.status().fault, None);
}

#[test]
fn the_pipeline_thread_answers_and_stops_when_told() {
    let folder = Folder::new();
    let embedded = folder.open();
    let (sink, watch, stop) = (embedded.sink(), embedded.watch(), Stop::new());
    let worker = crate::worker::Worker::start(embedded, stages(512), stop.clone()).unwrap();
    for n in 0..20 {
        let receipt = sink.append(lines(n * 10, n * 10 + 10)).unwrap();
        assert_eq!(receipt.blocking_recv().unwrap().map(|a| a.len()), Ok(10));
    }
    stop.raise(Phase::Draining);
    worker.join().unwrap();
    assert_eq!(sink.append(lines(0, 1)).unwrap_err(), SinkError::Draining);
    let status = watch.status();
    assert_eq!((status.appended, status.counts["gep"].read), (200, 200));
}

#[test]
fn a_fatal_fault_ends_the_loop_and_tells_the_requests() {
    struct Stranger;
    impl Stage for Stranger {
        fn name(&self) -> &'static str {
            "stranger"
        }
        fn topics(&self) -> &[TopicName] {
            &[PARTNER]
        }
        fn stalled(&self) -> &[TopicPartition] {
            &[]
        }
        fn waits(&self, _: TopicPartition) -> bool {
            false
        }
        fn step(&mut self, _: &mut dyn crate::commit::Protocol, _: usize) -> Result<Stepped, Fault> {
            Err(Fault::Fatal(da_model::fault::Cause::new("emit", "undeclared")))
        }
    }
    let folder = Folder::new();
    let mut embedded = folder.open();
    let receipt = embedded.sink().append(lines(0, 1)).unwrap();
    let fault = embedded.run(&mut [Box::new(Stranger) as Box<dyn Stage>], &Stop::new()).unwrap_err();
    assert!(matches!(fault, Fault::Fatal(_)));
    assert!(matches!(receipt.blocking_recv().unwrap(), Err(SinkError::Unavailable(_))));
    assert_eq!(folder.query("SELECT count(*) AS n FROM log_chunk"), [r#"{"n":0}"#]);
}
