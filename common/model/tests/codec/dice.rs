//! Any events from a run of bytes: the same bytes give the same event, fewer bytes a plainer one.
//!
//! Place: what the property tests draw. Every field takes values from the whole of its range.

use da_model::event::discrete::{
    CompetencyValue, Context, ReactionValue, ScoreStatus, ScoreValue, TimeValue, ViewValue,
};
use da_model::event::lineage::{Root, Source};
use da_model::event::system::EntityBody;
use da_model::event::usage::{Answer, AnswerStatus, ObjectRef, Score, ScoreReason, Track, UsageName};
use da_model::event::{
    Cause, Change, ContentState, DeadLetter, DiscreteEvent, Entity, EntityEvent, Event, EventKind, ImpactSignal,
    Lineage, Metric, MetricKind, ObjectKind, RejectedEvent, RejectionSource, SystemEvent, UsageEvent,
};
use da_model::fault::Rejection;
use da_model::ids::{Offset, Partition, Text};
use da_model::outcome::{Flag, Reason};
use da_model::score::{POINTS_LIMIT, Percent, Points};
use da_model::time::{LocalDate, Timestamp};
use uuid::Uuid;

const WORDS: [&str; 6] =
    ["", "a", "ee8f6454-f178-4ec7-b609-912fe2e7a724", "ünïcode ✓ 教", "\u{1f}\"\\", "assessment-external"];

/// A run of bytes that decides; behind its end every answer is the plainest one.
pub struct Dice<'b> {
    bytes: &'b [u8],
}

impl<'b> Dice<'b> {
    pub fn new(bytes: &'b [u8]) -> Self {
        Self { bytes }
    }

    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.bytes.split_first() else { return 0 };
        self.bytes = rest;
        *first
    }

    fn flip(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    fn long(&mut self) -> i64 {
        let size = self.byte() % 9;
        let value = (0..size).fold(0_u64, |value, _| (value << 8) | u64::from(self.byte()));
        if self.flip() { value.cast_signed() } else { value.cast_signed().wrapping_neg() }
    }

    fn int(&mut self) -> i32 {
        self.long() as i32
    }

    fn coordinate(&mut self) -> u32 {
        self.int().unsigned_abs() & 0x7fff_ffff
    }

    fn text(&mut self) -> Text<'static> {
        let word = WORDS[usize::from(self.byte()) % WORDS.len()];
        let times = if self.byte() == 7 { 40 } else { 1 };
        word.repeat(times).into()
    }

    fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.flip().then(|| make(self))
    }

    fn some_text(&mut self) -> Option<Text<'static>> {
        self.maybe(Self::text)
    }

    fn many<T>(&mut self, most: u8, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let count = self.byte() % (most + 1);
        (0..count).map(|_| make(self)).collect()
    }

    fn one<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::from(self.byte()) % all.len()]
    }

    fn uuid(&mut self) -> Uuid {
        Uuid::from_u128(u128::from(self.long().cast_unsigned()) << 64 | u128::from(self.long().cast_unsigned()))
    }

    fn time(&mut self) -> Timestamp {
        Timestamp(self.long())
    }

    fn date(&mut self) -> LocalDate {
        LocalDate(self.int() % 100_000)
    }

    fn points(&mut self) -> Points {
        Points(self.long() % (POINTS_LIMIT + 1))
    }

    fn percent(&mut self) -> Percent {
        Percent(self.long() % 100_000)
    }

    fn bytes(&mut self) -> Vec<u8> {
        self.text().into_owned().into_bytes()
    }

    pub fn lineage(&mut self) -> Lineage<'static> {
        Lineage {
            id: *self.uuid().as_bytes(),
            src: self.maybe(|d| Source {
                topic: d.text(),
                partition: Partition(d.coordinate()),
                offset: Offset(d.long()),
                index: d.int(),
            }),
            root: self.maybe(|d| Root { event_key: d.uuid(), at: d.time() }),
            hop: self.int(),
            seq: self.maybe(Self::long),
        }
    }

    pub fn event(&mut self) -> Event<'static> {
        match self.byte() % 12 {
            0 | 1 => Event::Usage(Box::new(self.usage())),
            2 | 3 => Event::Impact(Box::new(ImpactSignal { event: self.usage(), changes: self.many(3, Self::change) })),
            4..=7 => Event::Discrete(Box::new(self.discrete())),
            8 => Event::System(Box::new(SystemEvent {
                event_key: self.uuid(),
                received_at: self.time(),
                body: self.body(),
            })),
            9 => Event::Entity(Box::new(EntityEvent { de_id: self.uuid(), body: self.body() })),
            10 => Event::Rejected(Box::new(self.rejected())),
            _ if self.flip() => Event::Content(Box::new(self.content())),
            _ => Event::Dead(Box::new(self.dead())),
        }
    }

    pub fn usage(&mut self) -> UsageEvent<'static> {
        UsageEvent {
            event_key: self.uuid(),
            tenant_id: self.text(),
            partner_id: self.text(),
            event_id: self.text(),
            event_name: self.one(UsageName::ALL),
            kind: self.one(EventKind::ALL),
            user_id: self.text(),
            session_id: self.text(),
            start_time: self.maybe(Self::time),
            end_time: self.time(),
            received_at: self.time(),
            clock_skew: self.maybe(Self::long),
            timezone: self.text(),
            local_date: self.date(),
            object: self.object(),
            parent: self.maybe(Self::object),
            class_id: self.some_text(),
            course_id: self.some_text(),
            unit_id: self.some_text(),
            lesson_id: self.some_text(),
            track: self.one(Track::ALL),
            path_id: self.long(),
            path_type: self.some_text(),
            content_source: self.some_text(),
            context_collection_id: self.some_text(),
            context_collection_type: self.some_text(),
            additional_context: self.some_text(),
            dca_content_id: self.maybe(Self::long),
            question_count: self.maybe(Self::int),
            app_id: self.some_text(),
            client_source: self.some_text(),
            answer: self.maybe(|d| Answer {
                status: d.one(AnswerStatus::ALL),
                question_type: d.some_text(),
                grading_type: d.some_text(),
            }),
            score: self.maybe(|d| Score {
                raw: d.points(),
                max: d.points(),
                reason: d.one(ScoreReason::ALL),
                grader_id: d.some_text(),
            }),
            withdrawn: self.flip(),
            external_time_ms: self.maybe(Self::long),
            reaction: self.maybe(Self::int),
            codes: self.many(3, Self::text),
            is_student: self.flip(),
            flags: self.many(3, |d| d.one(Flag::ALL)),
            extensions: self.many(1, |d| (d.text(), d.text())),
            fingerprint: self.text(),
        }
    }

    fn object(&mut self) -> ObjectRef<'static> {
        ObjectRef {
            kind: self.one(ObjectKind::ALL),
            id: self.text(),
            object_type: self.some_text(),
            sub_type: self.some_text(),
        }
    }

    fn change(&mut self) -> Change<'static> {
        Change {
            entity: self.one(Entity::ALL),
            metric: self.one(MetricKind::ALL),
            session_id: self.text(),
            item_id: self.some_text(),
            item_type: self.some_text(),
            resource_id: self.some_text(),
            resource_type: self.some_text(),
            context: self.context(),
            activity_time: self.time(),
            local_date: self.date(),
            revision: self.int(),
            cause: self.one(Cause::ALL),
            before: self.maybe(|d| {
                let kind = d.one(MetricKind::ALL);
                d.metric(kind)
            }),
            after: {
                let kind = self.one(MetricKind::ALL);
                self.metric(kind)
            },
        }
    }

    fn context(&mut self) -> Context<'static> {
        Context {
            tenant_id: self.text(),
            partner_id: self.some_text(),
            class_id: self.some_text(),
            course_id: self.some_text(),
            unit_id: self.some_text(),
            lesson_id: self.some_text(),
            collection_id: self.some_text(),
            collection_type: self.some_text(),
            session_id: self.some_text(),
            attempt: self.maybe(Self::int),
            track: self.one(Track::ALL),
            path_id: self.long(),
            path_type: self.some_text(),
            question_count: self.maybe(Self::int),
            content_source: self.some_text(),
            context_collection_id: self.some_text(),
            context_collection_type: self.some_text(),
            additional_context: self.some_text(),
            client_source: self.some_text(),
        }
    }

    fn discrete(&mut self) -> DiscreteEvent<'static> {
        let kind = self.one(MetricKind::ALL);
        DiscreteEvent {
            event_name: self.text(),
            de_id: self.uuid(),
            revision: self.int(),
            event_id: self.text(),
            event_key: self.uuid(),
            activity_time: self.time(),
            local_date: self.date(),
            cause: self.one(Cause::ALL),
            user_id: self.some_text(),
            resource_id: self.some_text(),
            resource_type: self.some_text(),
            collection_id: self.some_text(),
            collection_type: self.some_text(),
            item_kind: self.maybe(|d| d.one(&[ObjectKind::Collection, ObjectKind::Assessment])),
            code: self.some_text(),
            context: self.context(),
            result: self.metric(kind),
            previous: self.maybe(|d| d.metric(kind)),
        }
    }

    fn metric(&mut self, kind: MetricKind) -> Metric<'static> {
        match kind {
            MetricKind::Score => Metric::Score(ScoreValue {
                score: self.maybe(Self::percent),
                raw: self.maybe(Self::points),
                max: self.maybe(Self::points),
                graded: self.flip(),
                status: self.maybe(|d| d.one(ScoreStatus::ALL)),
                latest: self.maybe(Self::flip),
                count: self.maybe(Self::int),
                codes: self.many(3, Self::text),
            }),
            MetricKind::Timespent => Metric::Timespent(TimeValue {
                time_spent: self.long(),
                delta: self.long(),
                wall_time: self.long(),
                visits: self.int(),
            }),
            MetricKind::Reaction => Metric::Reaction(ReactionValue { reaction: self.int(), count: self.int() }),
            MetricKind::View => Metric::View(ViewValue { views: self.long(), delta: self.long(), items: self.int() }),
            MetricKind::Competency => Metric::Competency(CompetencyValue {
                status: self.int(),
                score: self.maybe(Self::percent),
                item_id: self.some_text(),
                session_id: self.some_text(),
            }),
        }
    }

    fn body(&mut self) -> EntityBody<'static> {
        EntityBody {
            tenant_id: self.text(),
            entity: self.text(),
            entity_id: self.text(),
            action: self.text(),
            at: self.time(),
            actor_id: self.some_text(),
            learner_id: self.some_text(),
            parent_id: self.some_text(),
            course_id: self.some_text(),
            unit_id: self.some_text(),
            lesson_id: self.some_text(),
            class_id: self.some_text(),
            format: self.some_text(),
            data: self.many(1, |d| (d.text(), d.text())),
        }
    }

    fn content(&mut self) -> ContentState<'static> {
        ContentState {
            tenant_id: self.text(),
            content_id: self.text(),
            kind: self.text(),
            format: self.text(),
            sub_format: self.some_text(),
            title: self.some_text(),
            course_id: self.some_text(),
            unit_id: self.some_text(),
            lesson_id: self.some_text(),
            item_id: self.some_text(),
            codes: self.many(3, Self::text),
            question_type: self.some_text(),
            signature: self.flip(),
            deleted: self.flip(),
            at: self.time(),
        }
    }

    fn rejection(&mut self) -> Rejection {
        Rejection::at(self.one(Reason::ALL), self.text(), self.text())
    }

    fn rejected(&mut self) -> RejectedEvent<'static> {
        RejectedEvent {
            tenant_id: self.text(),
            partner_id: self.text(),
            received_at: self.time(),
            source: if self.flip() {
                RejectionSource::Http { request_id: self.text(), index: self.int() }
            } else {
                RejectionSource::Kafka {
                    topic: self.text(),
                    partition: Partition(self.coordinate()),
                    offset: Offset(self.long()),
                    index: self.int(),
                }
            },
            reasons: self.many(3, Self::rejection),
            original: self.bytes(),
            original_length: self.long(),
            original_sha256: self.text(),
        }
    }

    fn dead(&mut self) -> DeadLetter<'static> {
        DeadLetter {
            topic: self.text(),
            partition: Partition(self.coordinate()),
            offset: Offset(self.long()),
            timestamp: self.time(),
            key: self.maybe(Self::bytes),
            value: self.maybe(Self::bytes),
            headers: self.many(3, |d| (d.text(), d.bytes())),
            service: self.text(),
            version: self.text(),
            handler: self.text(),
            rejection: self.rejection(),
            attempts: self.int(),
            redrives: self.int(),
        }
    }
}
