//! A world for tests: rows in memory, discrete events from few words, and the chain run to its end.
//!
//! Place: behind the tests of this crate only. Feeds what processors emit back to them, as the Driver would.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use da_model::effects::{Key, Note};
use da_model::event::discrete::{ScoreStatus, ScoreValue, TimeValue, ViewValue};
use da_model::event::usage::Track;
use da_model::event::{Cause, Context, DiscreteEvent, Event, Metric};
use da_model::handler::Handler;
use da_model::identity::id_of;
use da_model::ids::Text;
use da_model::outcome::Outcome;
use da_model::score::{Percent, Points};
use da_model::state::{Row, RowKey, RowSource, Snapshot, Value};
use da_model::time::{LocalDate, Timestamp};

use dep::pipeline::{Dep, Input};
use dep::processors::PROCESSORS;

/// T0 of domain.md §10.
pub(crate) const T0: i64 = 1_772_442_000_000;
/// 2026-03-02.
pub(crate) const DAY: i32 = 20_514;

pub(crate) type De = DiscreteEvent<'static>;
/// Rows of a table: key and values.
pub(crate) type Rows = Vec<(String, Vec<Value>)>;

pub(crate) struct World {
    /// Groups of processors; no two have one in common.
    groups: Vec<Rc<Dep>>,
    pub(crate) rows: BTreeMap<RowKey, Row>,
    pub(crate) said: Vec<(&'static str, Key, De)>,
    pub(crate) notes: Vec<Note>,
}

impl Default for World {
    fn default() -> Self {
        Self::of(vec![Dep::default()])
    }
}

impl RowSource for World {
    fn row(&self, key: &RowKey) -> Option<&Row> {
        self.rows.get(key)
    }

    fn range(&self, _: &RowKey) -> Vec<(&RowKey, &Row)> {
        Vec::new()
    }
}

impl World {
    fn of(groups: Vec<Dep>) -> Self {
        let groups = groups.into_iter().map(Rc::new).collect();
        Self { groups, rows: BTreeMap::new(), said: Vec::new(), notes: Vec::new() }
    }

    /// Every processor reads what it consumes: nothing is handed on.
    pub(crate) fn apart() -> Self {
        Self::of(PROCESSORS.iter().map(|processor| Dep::of(processor.name(), vec![*processor])).collect())
    }

    /// Feeds one event and all that follows from it.
    pub(crate) fn feed(&mut self, de: De) -> Outcome {
        let mut queue = VecDeque::from([de]);
        let mut first = None;
        while let Some(de) = queue.pop_front() {
            let readers: Vec<Rc<Dep>> = self.groups.iter().filter(|group| is_read(group, &de)).cloned().collect();
            for dep in readers {
                let outcome = self.step(&dep, de.clone(), &mut queue);
                first.get_or_insert(outcome);
            }
        }
        first.unwrap_or(Outcome::Ignored)
    }

    fn step(&mut self, dep: &Dep, de: De, queue: &mut VecDeque<De>) -> Outcome {
        let input = Input { de, only: None };
        let declared = dep.reads(&input);
        let effects = dep.decide(&input, &Snapshot::new(&declared, self)).expect("no input is refused as a whole");
        assert!(effects.refused.is_empty(), "{:?}", effects.refused);
        for write in effects.writes {
            assert!(declared.contains(&write.key), "a row was written that was not read: {:?}", write.key);
            let row = write.row.expect("no processor removes rows");
            assert_eq!(row.0.len(), write.key.table().values.len(), "{}", write.key.table().name);
            assert_eq!(write.key.parts().count(), write.key.table().keys.len(), "{}", write.key.table().name);
            self.rows.insert(write.key, row);
        }
        self.notes.extend(effects.notes);
        for emit in effects.emits {
            let Event::Discrete(de) = emit.event else { unreachable!("dep emits discrete events only") };
            self.said.push((emit.topic.0, emit.key, (*de).clone()));
            queue.push_back(*de);
        }
        effects.outcome
    }

    pub(crate) fn feed_all(&mut self, des: impl IntoIterator<Item = De>) {
        for de in des {
            self.feed(de);
        }
    }

    /// `r2 50.00 (1/2)` of every score said on a topic, in order; `-` where it is null.
    pub(crate) fn scores(&self, topic: &str) -> Vec<String> {
        let of_topic = self.said.iter().filter(|(name, ..)| *name == topic);
        of_topic.map(|(_, _, de)| format!("r{} {}", de.revision, shown(&de.result))).collect()
    }

    /// All values of a table by key, without revision and activity_time; null or viewless rows left out (domain.md §12).
    pub(crate) fn table(&self, name: &str) -> Rows {
        let of_table = self.rows.iter().filter(|(key, _)| key.table().name == name);
        let shown = of_table.map(|(key, row)| {
            let kept = row.0.len().saturating_sub(2);
            (key.joined().replace('\u{1f}', "/"), row.0.iter().take(kept).cloned().collect())
        });
        shown.filter(|(_, values): &(String, Vec<Value>)| !is_empty(name, values)).collect()
    }

    /// The tables that analysts read.
    pub(crate) fn tables(&self) -> Vec<(String, Rows)> {
        let names = dep::tables().into_iter().map(|table| table.name).filter(|name| !name.contains("_part_"));
        names.map(|name| (name.to_owned(), self.table(name))).collect()
    }
}

fn is_read(group: &Dep, de: &De) -> bool {
    let name = de.event_name.trim_start_matches("usage.");
    group.topics().iter().any(|topic| topic.0.split_once('.').is_some_and(|(_, bare)| bare == name))
}

fn is_empty(table: &str, values: &[Value]) -> bool {
    match table {
        "level_score" | "class_score" => values.first() == Some(&Value::Null),
        "learner_item_score" => values.get(2) == Some(&Value::Null),
        "assessment_score" => values.get(8) == Some(&Value::Null),
        "level_view" | "class_view" | "day_view" => values.first() == Some(&Value::Int(0)),
        "learner_item_view" => values.get(1) == Some(&Value::Int(0)),
        "item_view" => values.get(8) == Some(&Value::Int(0)),
        _ => false,
    }
}

fn shown(metric: &Metric<'_>) -> String {
    match metric {
        Metric::Score(s) => match (s.score, s.raw, s.max) {
            (Some(p), Some(raw), Some(max)) => format!("{} ({}/{})", p.to_text(), raw.to_text(), max.to_text()),
            _ => "-".to_owned(),
        },
        Metric::Timespent(t) => t.time_spent.to_string(),
        Metric::View(v) => format!("{} of {}", v.views, v.items),
        Metric::Reaction(r) => r.reaction.to_string(),
        Metric::Competency(c) => c.status.to_string(),
    }
}

/// A learner's session of an item; class k1, course c1, unit u1, lesson l1.
#[derive(Clone, Copy)]
pub(crate) struct At {
    pub(crate) learner: &'static str,
    pub(crate) session: &'static str,
    pub(crate) item: &'static str,
    pub(crate) class: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) lesson: &'static str,
    pub(crate) track: Track,
}

pub(crate) const fn at(learner: &'static str, session: &'static str, item: &'static str) -> At {
    At { learner, session, item, class: "k1", unit: "u1", lesson: "l1", track: Track::Main }
}

fn some(text: &'static str) -> Option<Text<'static>> {
    (!text.is_empty()).then_some(Text::Borrowed(text))
}

impl At {
    fn de(self, name: &'static str, revision: i32, seconds: i64) -> De {
        DiscreteEvent {
            event_name: Text::Borrowed(name),
            de_id: id_of(&[name]),
            revision,
            event_id: Text::Owned(format!("e{seconds}")),
            event_key: id_of(&["event"]),
            activity_time: Timestamp(T0 + seconds * 1000),
            local_date: LocalDate(DAY),
            cause: Cause::Play,
            user_id: some(self.learner),
            resource_id: None,
            resource_type: None,
            collection_id: some(self.item),
            collection_type: some(if name.contains("assessment") { "assessment" } else { "collection" }),
            item_kind: None,
            code: None,
            context: self.context(),
            result: Metric::Score(ScoreValue::default()),
            previous: None,
        }
    }

    fn context(self) -> Context<'static> {
        Context {
            tenant_id: Text::Borrowed("t1"),
            partner_id: some("p1"),
            class_id: some(self.class),
            course_id: some("c1"),
            unit_id: some(self.unit),
            lesson_id: some(self.lesson),
            collection_id: None,
            collection_type: None,
            session_id: some(self.session),
            attempt: Some(1),
            track: self.track,
            path_id: if self.track == Track::Path { 7 } else { 0 },
            path_type: None,
            question_count: None,
            content_source: some("coursemap"),
            context_collection_id: None,
            context_collection_type: None,
            additional_context: None,
            client_source: None,
        }
    }

    /// assessment.score: points with the latest mark, or `None` for a withdrawn session.
    pub(crate) fn score(self, revision: i32, points: Option<(i64, i64, bool)>, seconds: i64) -> De {
        De { result: Metric::Score(value(points, true)), ..self.de("usage.assessment.score", revision, seconds) }
    }

    /// collection.score of raw of max.
    pub(crate) fn running(self, revision: i32, (raw, max): (i64, i64), seconds: i64) -> De {
        let result = Metric::Score(value(Some((raw, max, false)), false));
        De { result, ..self.de("usage.collection.score", revision, seconds) }
    }

    pub(crate) fn time(self, name: &'static str, (revision, ms, visits): (i32, i64, i32), seconds: i64) -> De {
        let result = Metric::Timespent(TimeValue { time_spent: ms, delta: ms, wall_time: ms, visits });
        De { result, ..self.de(name, revision, seconds) }
    }

    pub(crate) fn view(self, name: &'static str, (revision, views): (i32, i64), seconds: i64) -> De {
        let items = i32::try_from(views).unwrap_or(1);
        let result = Metric::View(ViewValue { views, delta: views, items });
        De { result, ..self.de(name, revision, seconds) }
    }

    /// A resource-level event of a question or resource inside the item.
    pub(crate) fn resource(
        self,
        name: &'static str,
        (resource, revision): (&'static str, i32),
        result: Metric<'static>,
    ) -> De {
        let mut de = self.de(name, revision, 10);
        (de.collection_id, de.collection_type) = (None, None);
        de.resource_id = some(resource);
        de.context.collection_id = some(self.item);
        de.context.collection_type = some("assessment");
        De { result, ..de }
    }
}

pub(crate) fn value(points: Option<(i64, i64, bool)>, session: bool) -> ScoreValue<'static> {
    let Some((raw, max, latest)) = points else {
        return ScoreValue { status: Some(ScoreStatus::Withdrawn), latest: Some(false), ..ScoreValue::default() };
    };
    let (raw, max) = (Points::whole(raw), Points::whole(max));
    ScoreValue {
        score: Percent::of(raw, max),
        raw: Some(raw),
        max: Some(max),
        graded: true,
        latest: session.then_some(latest),
        count: Some(1),
        ..ScoreValue::default()
    }
}

/// `de` with the value of another as its `previous`.
pub(crate) fn after(de: De, previous: &De) -> De {
    De { previous: Some(previous.result.clone()), ..de }
}

/// Orders that keep each key's own order: every event after those it says `previous` of, shuffled by a seed.
pub(crate) fn shuffled(des: &[De], seed: u64) -> Vec<De> {
    let mut streams: BTreeMap<String, VecDeque<De>> = BTreeMap::new();
    for de in des {
        let text = |id: &Option<Text<'_>>| id.as_deref().unwrap_or("").to_owned();
        let session = if de.event_name.contains("score") { String::new() } else { text(&de.context.session_id) };
        let ids = [text(&de.user_id), session, text(&de.collection_id), text(&de.resource_id)];
        streams.entry(format!("{}/{}", de.event_name, ids.join("/"))).or_default().push_back(de.clone());
    }
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut order = Vec::with_capacity(des.len());
    while !streams.is_empty() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let nth = usize::try_from(state >> 33).unwrap_or(0) % streams.len();
        let key = streams.keys().nth(nth).expect("below the length").clone();
        let stream = streams.get_mut(&key).expect("listed");
        order.extend(stream.pop_front());
        if stream.is_empty() {
            streams.remove(&key);
        }
    }
    order
}
