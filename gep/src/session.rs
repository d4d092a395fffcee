//! One session: a learner's sitting at an item, or at one single resource, merged from its events.
//!
//! Place: the row `session`. Knows what happened, not what it is worth (`scoring`) nor what to say about it
//! (`impact`).

use da_model::event::UsageEvent;
use da_model::event::item_word;
use da_model::event::usage::{EventKind, ObjectKind, ObjectRef, Track, UsageName};

use crate::order::{Order, Said, keep_first, keep_latest};
use crate::resource::{Gist, Resource, Time};
use crate::slot::{Role, Slot, Withheld};
use crate::stored::{self, Id, Reader, Shelf, Stored, Word, Writer};
use crate::tables::{concerns_item, resource_of};

/// State of one session.
#[derive(Debug, Clone, Default)]
pub struct Session {
    kind: Option<Said<bool>>,
    kind_fixed: bool,
    word: Option<Said<Word>>,
    external_word: Option<Said<Word>>,
    /// Class, course, unit, lesson, track and path; absent before the first play.
    pub scope: Option<Scope>,
    scope_frozen: bool,
    /// What plays said and every change repeats.
    pub carried: Carried,
    /// Whether a start of the item was applied.
    pub started: bool,
    /// The order key of its last stop.
    pub last_stop: Option<Order>,
    /// Time reported by stops of an external item.
    external_time: Time,
    /// Points of the latest stop of an external item that has a score.
    pub external_score: Option<Said<(i64, i64)>>,
    /// The latest session-level update.
    pub update: Option<Said<(i64, i64)>>,
    withdrawal: Option<Order>,
    /// Its resources and questions by id.
    pub(crate) resources: Shelf<Resource>,
    /// Local date of the first view that went out.
    pub view_date: Option<i32>,
    /// What was published about its view.
    pub view_slot: Slot<i64>,
    /// What was published about its time.
    pub time_slot: Slot<Time>,
    /// What was published about its reaction.
    pub reaction_slot: Slot<(i32, i32)>,
    /// Stamps of scores that cannot go out yet.
    pub score_withheld: Withheld,
}

/// Where a session belongs; two plays of one item in two scopes are two records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// Class.
    pub class: Option<Id>,
    /// Course.
    pub course: Option<Id>,
    /// Unit.
    pub unit: Option<Id>,
    /// Lesson.
    pub lesson: Option<Id>,
    track: u8,
    /// Suggested path; 0 is the main path.
    pub path_id: i64,
}

/// What plays said besides the scope.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Carried {
    /// Of the first play.
    pub content_source: Option<Word>,
    /// Of the first play.
    pub path_type: Option<Word>,
    /// First said.
    pub question_count: Option<i32>,
    /// First said.
    pub context_collection_id: Option<Word>,
    /// First said.
    pub context_collection_type: Option<Word>,
    /// First said.
    pub additional_context: Option<Word>,
    /// First said.
    pub client_source: Option<Word>,
}

/// What a merge noticed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Folded {
    /// Uncapped time of a visit, ms.
    pub wall_ms: Option<i64>,
    /// The play's scope differs from the session's frozen one.
    pub scope_mismatch: bool,
}

impl Scope {
    /// main, path or daily.
    #[must_use]
    pub fn track(&self) -> Track {
        Track::ALL.get(usize::from(self.track)).copied().unwrap_or(Track::Main)
    }

    fn of(event: &UsageEvent<'_>) -> Self {
        let [class, course, unit, lesson] = ids_of(event).map(|id| id.map(Id::of));
        let track = u8::try_from(event.track.index()).unwrap_or(0);
        Self { class, course, unit, lesson, track, path_id: event.path_id }
    }

    fn ids(&mut self) -> [&mut Option<Id>; 4] {
        [&mut self.class, &mut self.course, &mut self.unit, &mut self.lesson]
    }
}

impl Session {
    /// Merges one event.
    pub fn fold(&mut self, event: &UsageEvent<'_>, order: Order, cap_ms: i64) -> Folded {
        let mut folded = Folded::default();
        if let Some(item) = if concerns_item(event) { Some(&event.object) } else { event.parent.as_ref() } {
            self.fold_item(item, order);
        }
        if is_play(event) {
            folded.scope_mismatch = self.fold_scope(event);
            self.fold_carried(event);
        }
        match event.event_name {
            UsageName::CollectionPlay => self.fold_sitting(event, order, cap_ms),
            UsageName::CollectionScoreUpdate => self.fold_update(event, order),
            UsageName::CollectionResourcePlay
            | UsageName::ResourcePlay
            | UsageName::ReactionCreate
            | UsageName::ResourceRubricGrade
            | UsageName::ResourceScoreUpdate => {
                let id = Id::of(resource_of(event).unwrap_or_default());
                folded.wall_ms = self.resource(id, order).fold(event, order, cap_ms);
            }
        }
        folded
    }

    /// Opens what the event can touch; must come before its merge.
    #[must_use]
    pub fn open(&mut self, event: &UsageEvent<'_>) -> Option<()> {
        let resource = resource_of(event).map(Id::of);
        let all = self.scope.is_none();
        self.resources.open(|id, _| all || resource.as_ref() == Some(id))
    }

    fn resource(&mut self, id: Id, order: Order) -> &mut Resource {
        self.resources.opened_or(id, order, Resource::default)
    }

    /// Whether the item is an assessment; `None` while no event has said so.
    #[must_use]
    pub fn is_assessment(&self) -> Option<bool> {
        self.kind.as_ref().map(|k| k.1)
    }

    /// The client's word for the item; an external word wins, since any event may say it.
    #[must_use]
    pub fn item_word(&self) -> Option<&Word> {
        self.external_word.as_ref().or(self.word.as_ref()).map(|w| &w.1)
    }

    /// Whether any event said that the item reports one score instead of questions.
    #[must_use]
    pub const fn is_external(&self) -> bool {
        self.external_word.is_some()
    }

    /// As what its item goes out; `None` while the kind or the scope is unknown.
    #[must_use]
    pub fn role(&self) -> Option<Role> {
        self.scope.as_ref().and_then(|_| self.is_assessment()).map(Role::of)
    }

    /// A DE went out: the scope stays as it is.
    pub const fn freeze_scope(&mut self) {
        self.scope_frozen = true;
    }

    /// An item-level DE went out: the item's kind stays.
    pub const fn fix_kind(&mut self) {
        self.kind_fixed = true;
    }

    /// Whether a withdrawal stands: no newer session-level update lifted it.
    #[must_use]
    pub fn is_withdrawn(&self) -> bool {
        self.withdrawal.is_some_and(|w| self.update.as_ref().is_none_or(|u| u.0 < w))
    }

    /// Time inside: the visits, or what the stops of an external item reported; `None` where there is nothing yet.
    #[must_use]
    pub fn time_value(&self, role: Role) -> Option<Time> {
        let visits = self.gists().map(|r| r.time).fold(Time::default(), Time::plus);
        let inside = if self.is_external() { self.external_time } else { visits };
        let said = match role {
            Role::Test => self.last_stop.is_some(),
            Role::Practice if self.is_external() => self.last_stop.is_some(),
            Role::Practice => inside.visits > 0,
        };
        said.then_some(inside)
    }

    /// Mean of the latest reactions, half up, and how many resources have one.
    #[must_use]
    pub fn reaction_value(&self) -> Option<(i32, i32)> {
        let reactions = self.gists().filter_map(Gist::reaction);
        let (sum, count) = reactions.fold((0, 0), |(sum, count), r| (sum + r, count + 1));
        (count > 0).then(|| ((2 * sum + count) / (2 * count), count))
    }

    /// Views: a collection from its first start, an assessment from its first stop unless withdrawn.
    #[must_use]
    pub fn view_value(&self, role: Role) -> Option<i64> {
        match role {
            Role::Test => self.last_stop.map(|_| i64::from(!self.is_withdrawn())),
            Role::Practice => self.started.then_some(1),
        }
    }

    /// The order key of the newest answer: of a question, or of an external item's stop with a score.
    #[must_use]
    pub fn newest_answer(&self) -> Option<Order> {
        if self.is_external() {
            return self.external_score.as_ref().map(|s| s.0);
        }
        self.gists().filter_map(Gist::latest_answer).map(|(order, _)| order).max()
    }

    /// What is known of its resources and questions.
    pub fn gists(&self) -> impl Iterator<Item = &Gist> {
        self.resources.gists().map(|(_, gist)| gist)
    }

    fn fold_item(&mut self, item: &ObjectRef<'_>, order: Order) {
        let said = match item.kind {
            ObjectKind::Assessment => Some(true),
            ObjectKind::Collection => Some(false),
            ObjectKind::Resource | ObjectKind::Question | ObjectKind::Unknown => None,
        };
        if let (Some(said), false) = (said, self.kind_fixed) {
            keep_first(&mut self.kind, order, || said);
        }
        let Some(word) = item.object_type.as_deref() else { return };
        let held = if item_word::is_external(word) { &mut self.external_word } else { &mut self.word };
        keep_first(held, order, || stored::word(word));
    }

    fn fold_scope(&mut self, event: &UsageEvent<'_>) -> bool {
        let Some(scope) = &mut self.scope else {
            self.scope = Some(Scope::of(event));
            self.carried.content_source = event.content_source.as_deref().map(stored::word);
            self.carried.path_type = event.path_type.as_deref().map(stored::word);
            return false;
        };
        let mut differs = scope.track() != event.track || scope.path_id != event.path_id;
        for (held, said) in scope.ids().into_iter().zip(ids_of(event)) {
            if held.is_none() && !self.scope_frozen {
                *held = said.map(Id::of);
            }
            differs |= said.is_some_and(|said| held.as_ref().is_none_or(|held| !held.is(said)));
        }
        differs
    }

    fn fold_carried(&mut self, event: &UsageEvent<'_>) {
        let carried = &mut self.carried;
        carried.question_count = carried.question_count.or(event.question_count);
        for (held, said) in [
            (&mut carried.context_collection_id, &event.context_collection_id),
            (&mut carried.context_collection_type, &event.context_collection_type),
            (&mut carried.additional_context, &event.additional_context),
            (&mut carried.client_source, &event.client_source),
        ] {
            if held.is_none() {
                *held = said.as_deref().map(stored::word);
            }
        }
    }

    fn fold_sitting(&mut self, event: &UsageEvent<'_>, order: Order, cap_ms: i64) {
        match event.kind {
            EventKind::Start => self.started = true,
            EventKind::Stop => {
                self.last_stop = self.last_stop.max(Some(order));
                if let Some(time) = event.external_time_ms {
                    self.external_time = self.external_time.with_visit(time, cap_ms);
                }
                if let Some(score) = &event.score {
                    keep_latest(&mut self.external_score, order, (score.raw.0, score.max.0));
                }
            }
            EventKind::None => {}
        }
    }

    fn fold_update(&mut self, event: &UsageEvent<'_>, order: Order) {
        if event.withdrawn {
            self.withdrawal = self.withdrawal.max(Some(order));
        } else if let Some(score) = &event.score {
            keep_latest(&mut self.update, order, (score.raw.0, score.max.0));
        }
    }
}

/// Whether the event moves state: not a teacher's own play, nor a grade of 0 of 0, which is a comment only
/// (domain.md §2.2).
#[must_use]
pub const fn counts(event: &UsageEvent<'_>) -> bool {
    let says_nothing = event.score.is_none() && event.answer.is_none() && !event.withdrawn;
    let comment = matches!(
        event.event_name,
        UsageName::ResourceRubricGrade | UsageName::ResourceScoreUpdate | UsageName::CollectionScoreUpdate
    ) && says_nothing;
    event.is_student && !comment
}

/// Whether the event is a play: only plays set a session's scope.
#[must_use]
pub const fn is_play(event: &UsageEvent<'_>) -> bool {
    matches!(event.event_name, UsageName::CollectionPlay | UsageName::CollectionResourcePlay | UsageName::ResourcePlay)
}

fn ids_of<'e>(event: &'e UsageEvent<'_>) -> [Option<&'e str>; 4] {
    [event.class_id.as_deref(), event.course_id.as_deref(), event.unit_id.as_deref(), event.lesson_id.as_deref()]
}

impl Session {
    fn fields(&self) -> [&dyn Stored; 19] {
        [
            &self.kind,
            &self.kind_fixed,
            &self.word,
            &self.external_word,
            &self.scope,
            &self.scope_frozen,
            &self.carried,
            &self.started,
            &self.last_stop,
            &self.external_time,
            &self.external_score,
            &self.update,
            &self.withdrawal,
            &self.resources,
            &self.view_date,
            &self.view_slot,
            &self.time_slot,
            &self.reaction_slot,
            &self.score_withheld,
        ]
    }
}

impl Stored for Session {
    fn put(&self, to: &mut Writer) {
        to.fields(&self.fields());
    }

    fn get(from: &mut Reader<'_>) -> Option<Self> {
        let mut fields = from.fields()?;
        let read = Self {
            kind: fields.next(from)?,
            kind_fixed: fields.next(from)?,
            word: fields.next(from)?,
            external_word: fields.next(from)?,
            scope: fields.next(from)?,
            scope_frozen: fields.next(from)?,
            carried: fields.next(from)?,
            started: fields.next(from)?,
            last_stop: fields.next(from)?,
            external_time: fields.next(from)?,
            external_score: fields.next(from)?,
            update: fields.next(from)?,
            withdrawal: fields.next(from)?,
            resources: fields.next(from)?,
            view_date: fields.next(from)?,
            view_slot: fields.next(from)?,
            time_slot: fields.next(from)?,
            reaction_slot: fields.next(from)?,
            score_withheld: fields.next(from)?,
        };
        fields.end(read)
    }
}

impl Scope {
    fn fields(&self) -> [&dyn Stored; 6] {
        [&self.class, &self.course, &self.unit, &self.lesson, &self.track, &self.path_id]
    }
}

impl Stored for Scope {
    fn put(&self, to: &mut Writer) {
        to.fields(&self.fields());
    }

    fn get(from: &mut Reader<'_>) -> Option<Self> {
        let mut fields = from.fields()?;
        let read = Self {
            class: fields.next(from)?,
            course: fields.next(from)?,
            unit: fields.next(from)?,
            lesson: fields.next(from)?,
            track: fields.next(from)?,
            path_id: fields.next(from)?,
        };
        fields.end(read)
    }
}

impl Carried {
    fn fields(&self) -> [&dyn Stored; 7] {
        [
            &self.content_source,
            &self.path_type,
            &self.question_count,
            &self.context_collection_id,
            &self.context_collection_type,
            &self.additional_context,
            &self.client_source,
        ]
    }
}

impl Stored for Carried {
    fn put(&self, to: &mut Writer) {
        to.fields(&self.fields());
    }

    fn get(from: &mut Reader<'_>) -> Option<Self> {
        let mut fields = from.fields()?;
        let read = Self {
            content_source: fields.next(from)?,
            path_type: fields.next(from)?,
            question_count: fields.next(from)?,
            context_collection_id: fields.next(from)?,
            context_collection_type: fields.next(from)?,
            additional_context: fields.next(from)?,
            client_source: fields.next(from)?,
        };
        fields.end(read)
    }

    fn is_nothing(&self) -> bool {
        self.fields().iter().all(|field| field.is_nothing())
    }

    fn nothing() -> Option<Self> {
        Some(Self::default())
    }
}
