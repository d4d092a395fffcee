//! Building one change: the object, its place, its figures.
//!
//! Place: used by `impact`. Texts borrow the causing event where the session says the same, else they are copied from
//! the state.

use da_model::event::{Change, Context, Entity, UsageEvent};
use da_model::ids::Text;
use da_model::time::{LocalDate, Timestamp};

use crate::enrich::{ENRICHERS, Known};
use crate::impact::Published;
use crate::item::{Attempt, InScope};
use crate::session::{Scope, Session};
use crate::stored::{Id, Word};
use crate::tables::resource_of;

/// Whose change it is: that of the event's own session, or of another one that became the latest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// The event's session.
    Own,
    /// Another session of the same assessment and scope.
    Attempt(Id),
}

/// Where the changes of one event belong.
#[derive(Debug)]
pub struct Place<'r> {
    session_id: Text<'r>,
    item_id: Option<Text<'r>>,
    item_word: Option<Word>,
    item_kind: Option<&'static str>,
    resource_id: Option<Text<'r>>,
    context: Context<'r>,
}

impl Subject {
    /// Lets every enricher add its piece.
    pub fn enrich(&self, change: &mut Change<'_>, session: &Session, in_scope: Option<&InScope>) {
        let id = change.session_id.clone();
        let other = match self {
            Self::Own => None,
            Self::Attempt(id) => in_scope.and_then(|scope| scope.attempts.get(id)),
        };
        let carried = other.map_or(&session.carried, |attempt| &attempt.carried);
        let known = Known { session: &id, carried, in_scope, view_date: session.view_date };
        for enricher in ENRICHERS {
            enricher.enrich(change, &known);
        }
    }
}

impl<'r> Place<'r> {
    /// The place of the event's own session.
    #[must_use]
    pub fn of_session(event: &UsageEvent<'r>, session: &Session, scope: &Scope) -> Self {
        Self {
            session_id: event.session_id.clone(),
            item_id: item_text(event).cloned(),
            item_word: session.item_word().cloned(),
            item_kind: session.is_assessment().map(|test| if test { "assessment" } else { "collection" }),
            resource_id: resource_of(event).map(|_| event.object.id.clone()),
            context: context_of(event, session, scope),
        }
    }

    /// A change of a resource or question inside, or of a single one.
    #[must_use]
    pub fn resource_change(&self, of: (Entity, &Id, Option<&Word>), figures: Published) -> Change<'r> {
        let (entity, id, word) = of;
        let mut change = self.change(entity, figures);
        change.context.collection_id.clone_from(&self.item_id);
        change.context.collection_type = self.item_kind.map(Text::Borrowed);
        change.resource_id = Some(id.spelt_as(self.resource_id.as_ref()));
        change.resource_type = word.cloned();
        change
    }

    /// A change of the item in the event's own session.
    #[must_use]
    pub fn item_change(&self, entity: Entity, figures: Published) -> Change<'r> {
        self.change(entity, figures)
    }

    /// A change of the assessment in another session.
    #[must_use]
    pub fn attempt_change(&self, session_id: &Id, attempt: &Attempt, figures: Published) -> Change<'r> {
        let mut change = self.change(Entity::Assessment, figures);
        change.session_id = Text::Owned(session_id.to_text());
        change.item_type = attempt.word.clone();
        let context = &mut change.context;
        context.session_id = Some(change.session_id.clone());
        context.content_source = attempt.carried.content_source.clone();
        context.path_type = attempt.carried.path_type.clone();
        context.question_count = None;
        context.context_collection_id = None;
        context.context_collection_type = None;
        context.additional_context = None;
        context.client_source = None;
        change
    }

    fn change(&self, entity: Entity, figures: Published) -> Change<'r> {
        let Published { revision, before, after, stamp } = figures;
        Change {
            entity,
            metric: after.kind(),
            session_id: self.session_id.clone(),
            item_id: self.item_id.clone(),
            item_type: self.item_word.clone(),
            resource_id: None,
            resource_type: None,
            context: self.context.clone(),
            activity_time: Timestamp(stamp.at),
            local_date: LocalDate(stamp.date),
            revision,
            cause: stamp.cause(),
            before,
            after,
        }
    }
}

fn context_of<'r>(event: &UsageEvent<'r>, session: &Session, scope: &Scope) -> Context<'r> {
    Context {
        tenant_id: event.tenant_id.clone(),
        partner_id: Some(event.partner_id.clone()),
        class_id: scope.class.as_ref().map(|id| id.spelt_as(event.class_id.as_ref())),
        course_id: scope.course.as_ref().map(|id| id.spelt_as(event.course_id.as_ref())),
        unit_id: scope.unit.as_ref().map(|id| id.spelt_as(event.unit_id.as_ref())),
        lesson_id: scope.lesson.as_ref().map(|id| id.spelt_as(event.lesson_id.as_ref())),
        collection_id: None,
        collection_type: None,
        session_id: Some(event.session_id.clone()),
        attempt: None,
        track: scope.track(),
        path_id: scope.path_id,
        path_type: session.carried.path_type.as_ref().map(|t| same(t, event.path_type.as_ref())),
        question_count: event.question_count,
        content_source: session.carried.content_source.as_ref().map(|s| same(s, event.content_source.as_ref())),
        context_collection_id: event.context_collection_id.clone(),
        context_collection_type: event.context_collection_type.clone(),
        additional_context: event.additional_context.clone(),
        client_source: event.client_source.clone(),
    }
}

fn item_text<'e, 'r>(event: &'e UsageEvent<'r>) -> Option<&'e Text<'r>> {
    if crate::tables::concerns_item(event) { Some(&event.object.id) } else { event.parent.as_ref().map(|p| &p.id) }
}

/// The event's own text where it says the same as the state, else a copy of the state's.
fn same<'r>(state: &Word, event: Option<&Text<'r>>) -> Text<'r> {
    event.filter(|text| *text == state).cloned().unwrap_or_else(|| state.clone())
}
