//! Names and keys the discrete event of one change: which object it is about, and its deterministic id.
//!
//! Place: between a metric's check and the emit. Borrows everything from the fetch buffer: no text is copied.

use std::borrow::Cow;

use da_model::event::{Change, DiscreteEvent, Entity, SignalView};
use da_model::identity::{Decimal, id_of};
use da_model::ids::{Text, TopicName};

/// An object that has a metric.
#[derive(Debug, Clone, Copy)]
pub struct Object {
    /// The object of the change.
    pub entity: Entity,
    /// The event's name.
    pub event_name: &'static str,
    /// Where it goes.
    pub topic: TopicName,
    /// What makes its key.
    pub keyed: Keyed,
}

/// The entity key after the tenant (domain.md §6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keyed {
    /// user, session, item (empty if none), resource.
    Resource,
    /// user, session, item.
    Item,
    /// user, item, class, course, unit, lesson, track, pathId.
    Scope,
}

impl Object {
    /// An object of the registry.
    #[must_use]
    pub const fn new(entity: Entity, event_name: &'static str, topic: &'static str, keyed: Keyed) -> Self {
        Self { entity, event_name, topic: TopicName(topic), keyed }
    }

    /// The discrete event of a change of this object.
    #[must_use]
    pub fn discrete<'r>(&self, signal: &SignalView<'r>, change: &Change<'r>) -> DiscreteEvent<'r> {
        let resource_level = self.keyed == Keyed::Resource;
        let resource = |text: &Option<Text<'r>>| text.clone().filter(|_| resource_level);
        let item = |text: &Option<Text<'r>>| text.clone().filter(|_| !resource_level);
        DiscreteEvent {
            event_name: Cow::Borrowed(self.event_name),
            de_id: self.with_key(signal, change, id_of),
            revision: change.revision,
            event_id: signal.event_id.clone(),
            event_key: signal.event_key,
            activity_time: change.activity_time,
            local_date: change.local_date,
            cause: change.cause,
            user_id: Some(signal.user_id.clone()),
            resource_id: resource(&change.resource_id),
            resource_type: resource(&change.resource_type),
            collection_id: item(&change.item_id),
            collection_type: item(&change.item_type),
            item_kind: None,
            code: None,
            context: change.context.clone(),
            result: change.after.clone(),
            previous: change.before.clone(),
        }
    }

    fn with_key<T>(&self, signal: &SignalView<'_>, change: &Change<'_>, take: impl Fn(&[&str]) -> T) -> T {
        let revision = Decimal::of(i64::from(change.revision));
        let (name, tenant, revision) = (self.event_name, &*signal.tenant_id, revision.text());
        let (user, session) = (&*signal.user_id, &*change.session_id);
        let item = text(&change.item_id);
        match self.keyed {
            Keyed::Resource => take(&[name, tenant, user, session, item, text(&change.resource_id), revision]),
            Keyed::Item => take(&[name, tenant, user, session, item, revision]),
            Keyed::Scope => {
                let at = &change.context;
                let path = Decimal::of(at.path_id);
                let (class, course) = (text(&at.class_id), text(&at.course_id));
                let (unit, lesson) = (text(&at.unit_id), text(&at.lesson_id));
                let track = at.track.code();
                take(&[name, tenant, user, item, class, course, unit, lesson, track, path.text(), revision])
            }
        }
    }
}

fn text<'t>(id: &'t Option<Text<'_>>) -> &'t str {
    id.as_deref().unwrap_or("")
}
