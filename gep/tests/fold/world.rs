//! A world of one learner's rows: events are delivered one by one and what they change is told in lines.
//!
//! Place: below the tests of the fold; builders follow the notation of domain.md §10.

use std::collections::HashMap;

use da_model::event::discrete::Metric;
use da_model::event::usage::{
    Answer, AnswerStatus, EventKind, ObjectKind, ObjectRef, Score, ScoreReason, Track, UsageName,
};
use da_model::event::{Change, Lineage, UsageEvent};
use da_model::ids::{Offset, Partition};
use da_model::outcome::Outcome;
use da_model::schema::{Schemas, codec};
use da_model::score::Points;
use da_model::state::{Row, RowKey, RowSource, Snapshot};
use da_model::time::{Timestamp, local_date};
use da_model::{Event, Handler, Record};
use gep::pipeline::{ACCEPTED, Gep};
use gep::settings::GepSettings;

pub(crate) const T0: i64 = 1_772_442_000_000;

pub(crate) struct World {
    handler: Gep,
    pub(crate) rows: HashMap<RowKey, Row>,
    offset: i64,
    pub(crate) said: Vec<String>,
    /// Activity time of each line, seconds after T0.
    pub(crate) at: Vec<i64>,
}

pub(crate) struct Rows<'a>(&'a HashMap<RowKey, Row>);

impl RowSource for Rows<'_> {
    fn row(&self, key: &RowKey) -> Option<&Row> {
        self.0.get(key)
    }

    fn range(&self, _: &RowKey) -> Vec<(&RowKey, &Row)> {
        Vec::new()
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(GepSettings::default())
    }

    pub(crate) fn with(settings: GepSettings) -> Self {
        Self { handler: Gep::new(settings), rows: HashMap::new(), offset: 0, said: Vec::new(), at: Vec::new() }
    }

    /// Delivers an event and returns what it changed, one line per change.
    pub(crate) fn tell(&mut self, event: &UsageEvent<'static>) -> Vec<String> {
        let (schemas, mut value) = (Schemas::embedded(), Vec::new());
        let lineage = Lineage::of_intake(event.event_key, event.received_at);
        codec::encode(&Event::Usage(Box::new(event.clone())), &lineage, &schemas, &mut value);
        let record = Record {
            topic: ACCEPTED,
            partition: Partition(0),
            offset: Offset(self.offset),
            timestamp: event.received_at,
            key: None,
            value: Some(&value),
            only: None,
        };
        self.offset += 1;
        let input = self.handler.decode(&record, &schemas).unwrap();
        let reads = self.handler.reads(&input);
        let effects = match self.handler.decide(&input, &Snapshot::new(&reads, &Rows(&self.rows))) {
            Ok(effects) => effects,
            Err(rejection) => return vec![rejection.reason.to_string()],
        };
        if effects.outcome == Outcome::Duplicate {
            return vec!["duplicate".to_owned()];
        }
        let [emit] = &effects.emits[..] else { panic!("one record per event") };
        let Event::Impact(signal) = &emit.event else { panic!("an impact signal") };
        let lines: Vec<String> = signal.changes.iter().map(line).collect();
        for write in effects.writes {
            self.rows.insert(write.key, write.row.unwrap());
        }
        self.said.extend(lines.iter().cloned());
        self.at.extend(signal.changes.iter().map(|change| (change.activity_time.0 - T0) / 1000));
        lines
    }

    pub(crate) fn tell_all(&mut self, events: &[UsageEvent<'static>]) -> Vec<String> {
        events.iter().flat_map(|e| self.tell(e)).collect()
    }

    /// All lines so far that are about this key.
    pub(crate) fn about(&self, key: &str) -> Vec<&str> {
        self.said.iter().filter_map(|l| l.strip_prefix(key)).map(str::trim).collect()
    }
}

pub(crate) fn line(change: &Change<'_>) -> String {
    let object = change.resource_id.as_ref().or(change.item_id.as_ref()).unwrap();
    let before = change.before.as_ref().map(|b| format!(" <- {}", metric(b))).unwrap_or_default();
    let session = if change.resource_id.is_none() { format!("/{}", change.session_id) } else { String::new() };
    let text = metric(&change.after);
    format!("{}.{} {object}{session} r{} {text}{before}", change.entity, change.metric, change.revision)
}

pub(crate) fn metric(metric: &Metric<'_>) -> String {
    match metric {
        Metric::Score(s) => {
            let points =
                s.raw.zip(s.max).map(|(r, m)| format!(" ({}/{})", r.to_text(), m.to_text())).unwrap_or_default();
            let latest = s.latest.map(|l| if l { " latest" } else { " not-latest" }).unwrap_or_default();
            let graded = if s.graded { "" } else { " ungraded" };
            let status = s.status.filter(|s| s.code() == "withdrawn").map(|s| format!(" {s}")).unwrap_or_default();
            format!("{}{points}{graded}{latest}{status}", s.score.map_or("null".to_owned(), |s| s.to_text()))
        }
        Metric::Timespent(t) => format!("{} d{} w{} n{}", t.time_spent, t.delta, t.wall_time, t.visits),
        Metric::Reaction(r) => format!("{{{}, {}}}", r.reaction, r.count),
        Metric::View(v) => format!("{} d{}", v.views, v.delta),
        Metric::Competency(_) => "competency".to_owned(),
    }
}

pub(crate) fn object(id: &str) -> ObjectRef<'static> {
    let kind = match id.chars().next() {
        Some('q' | 'p' | 'O') => ObjectKind::Question,
        Some('r') => ObjectKind::Resource,
        Some('a' | 'x') => ObjectKind::Assessment,
        _ => ObjectKind::Collection,
    };
    let word = if id.starts_with('x') { Some("assessment-external".into()) } else { None };
    ObjectRef { kind, id: id.to_owned().into(), object_type: word, sub_type: None }
}

pub(crate) fn base(name: UsageName, kind: EventKind, session: &str, times: (i64, i64)) -> UsageEvent<'static> {
    let end = Timestamp(T0 + times.1 * 1000);
    UsageEvent {
        event_key: da_model::identity::event_key("t1", &format!("{name}{session}{times:?}"), name.code(), kind.code()),
        tenant_id: "t1".into(),
        partner_id: "p1".into(),
        event_id: "e".into(),
        event_name: name,
        kind,
        user_id: "A".into(),
        session_id: session.to_owned().into(),
        start_time: Some(Timestamp(T0 + times.0 * 1000)),
        end_time: end,
        received_at: end,
        clock_skew: None,
        timezone: "UTC".into(),
        local_date: local_date(end, "UTC"),
        object: object("a1"),
        parent: None,
        class_id: Some("k1".into()),
        course_id: Some("c1".into()),
        unit_id: Some("u1".into()),
        lesson_id: Some("l1".into()),
        track: Track::Main,
        path_id: 0,
        path_type: None,
        content_source: Some("coursemap".into()),
        context_collection_id: None,
        context_collection_type: None,
        additional_context: None,
        dca_content_id: None,
        question_count: None,
        app_id: None,
        client_source: None,
        answer: None,
        score: None,
        withdrawn: false,
        external_time_ms: None,
        reaction: None,
        codes: vec![],
        is_student: true,
        flags: vec![],
        extensions: vec![],
        fingerprint: "f".into(),
    }
}

pub(crate) fn keyed(mut event: UsageEvent<'static>) -> UsageEvent<'static> {
    let name = format!("{:?}{:?}{:?}{:?}", event.event_key, event.object.id, event.parent, event.user_id);
    event.event_key = da_model::identity::id_of(&[&name]);
    event
}

pub(crate) fn sit(session: &str, item: &str, kind: EventKind, at: i64) -> UsageEvent<'static> {
    keyed(UsageEvent { object: object(item), ..base(UsageName::CollectionPlay, kind, session, (at, at)) })
}

pub(crate) fn start(session: &str, item: &str, at: i64) -> UsageEvent<'static> {
    sit(session, item, EventKind::Start, at)
}

pub(crate) fn stop(session: &str, item: &str, at: i64) -> UsageEvent<'static> {
    sit(session, item, EventKind::Stop, at)
}

pub(crate) fn visit(session: &str, item: &str, id: &str, from: i64, to: i64) -> UsageEvent<'static> {
    let event = base(UsageName::CollectionResourcePlay, EventKind::Stop, session, (from, to));
    keyed(UsageEvent { object: object(id), parent: Some(object(item)), ..event })
}

pub(crate) fn q(session: &str, item: &str, id: &str, status: AnswerStatus, span: (i64, i64)) -> UsageEvent<'static> {
    let question_type = if id.starts_with('O') { "OE" } else { "MC" };
    let answer = Some(Answer { status, question_type: Some(question_type.into()), grading_type: None });
    UsageEvent { answer, ..visit(session, item, id, span.0, span.1) }
}

pub(crate) fn react(session: &str, item: &str, id: &str, n: i32, at: i64) -> UsageEvent<'static> {
    let event = base(UsageName::ReactionCreate, EventKind::None, session, (at, at));
    keyed(UsageEvent { object: object(id), parent: Some(object(item)), reaction: Some(n), ..event })
}

pub(crate) fn points(raw: &str, max: &str, reason: ScoreReason) -> Option<Score<'static>> {
    let of = |t: &str| Points::parse(t).unwrap().0;
    Some(Score { raw: of(raw), max: of(max), reason, grader_id: None })
}

pub(crate) fn grade(session: &str, item: &str, id: &str, (raw, max): (&str, &str), at: i64) -> UsageEvent<'static> {
    let event = base(UsageName::ResourceRubricGrade, EventKind::None, session, (at, at));
    keyed(UsageEvent {
        object: object(id),
        parent: Some(object(item)),
        score: points(raw, max, ScoreReason::Rubric),
        ..event
    })
}

pub(crate) fn over(session: &str, item: &str, id: &str, status: AnswerStatus, at: i64) -> UsageEvent<'static> {
    let event = base(UsageName::ResourceScoreUpdate, EventKind::None, session, (at, at));
    let answer = Some(Answer { status, question_type: None, grading_type: None });
    keyed(UsageEvent { object: object(id), parent: Some(object(item)), answer, ..event })
}

pub(crate) fn update(session: &str, item: &str, score: Option<(&str, &str)>, at: i64) -> UsageEvent<'static> {
    let event = base(UsageName::CollectionScoreUpdate, EventKind::None, session, (at, at));
    let withdrawn = score.is_none();
    let score = score.and_then(|(r, m)| points(r, m, ScoreReason::Regrade));
    keyed(UsageEvent { object: object(item), score, withdrawn, ..event })
}

pub(crate) use AnswerStatus::{Attempted, Correct, Incorrect, Skipped};

pub(crate) fn quiz(session: &str, item: &str, (right, all): (i64, i64), from: i64) -> Vec<UsageEvent<'static>> {
    (0..all)
        .map(|n| {
            let status = if n < right { Correct } else { Incorrect };
            q(session, item, &format!("q{}", n + 1), status, (from + 10 * n, from + 10 * (n + 1)))
        })
        .collect()
}
