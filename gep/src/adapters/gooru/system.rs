//! System events in the envelope: what happened to content, classes and users (domain.md §7.1).
//!
//! Place: fills `gep.system`. Details pass by the allow-list of `system_data`; no e-mail, name, token or address.

use da_model::event::system::EntityBody;
use da_model::event::usage::EventKind;
use da_model::ids::Text;
use da_model::outcome::Reason;

use super::super::context;
use super::super::draft::{Draft, SystemDraft};
use super::super::times::{TimeRules, times};
use super::envelope::Envelope;
use super::system_data::{self, Details};
use crate::intake::AnonymousPolicy;
use crate::validate::{Desk, Field};

/// The entity and action behind a name; `item.…` of a class is the class's.
fn find(sent: &str) -> Option<(&'static str, &'static str)> {
    const NAMES: &[(&str, &str, &str)] = &[
        ("item.create", "content", "created"),
        ("item.update", "content", "updated"),
        ("item.copy", "content", "copied"),
        ("item.delete", "content", "deleted"),
        ("item.move", "content", "moved"),
        ("item.add", "content", "added"),
        ("item.remove", "content", "removed"),
        ("content.reorder", "content", "reordered"),
        ("course.reorder", "content", "reordered"),
        ("item.tag.aggregate", "content", "tagged"),
        ("collaborators.update", "content", "shared"),
        ("question.rubirc.association", "content", "rubric-set"),
        ("question.rubric.association", "content", "rubric-set"),
        ("class.join", "class", "joined"),
        ("class.invite", "class", "invited"),
        ("class.student.remove", "class", "left"),
        ("class.course.assigned", "class", "course-assigned"),
        ("class.content.visible", "class", "content-shown"),
        ("class.archive", "class", "archived"),
        ("profile.follow", "user", "followed"),
        ("profile.unfollow", "user", "unfollowed"),
        ("event.user.signin", "user", "signed-in"),
        ("event.user.signout", "user", "signed-out"),
        ("event.user.signup", "user", "signed-up"),
        ("event.user.update", "user", "updated"),
        ("event.anonymous.signin", "user", "signed-in"),
    ];
    if sent.strip_prefix("event.user.password.").is_some_and(|rest| !rest.is_empty()) {
        return Some(("user", "password-changed"));
    }
    NAMES.iter().find(|(name, _, _)| *name == sent).map(|(_, entity, action)| (*entity, *action))
}

/// Reads a system event; an unknown name is refused.
pub(super) fn adapt<'b>(
    desk: &mut Desk<'_>,
    from: Envelope<'_, 'b, '_>,
    event_name: Text<'b>,
    event_id: Text<'b>,
) -> Option<Draft<'b>> {
    let Some((entity, action)) = find(&event_name) else {
        desk.refuse(Reason::UnknownEvent, from.root.path_of("eventName"), "no event has this name");
        return None;
    };
    let rules = TimeRules { kind: EventKind::None, receipt_may_stand_in: false, text: true };
    let at = times(desk, from.root, rules).end;
    let tenant_id = context::tenant(desk, from.context, "tenantId");
    let details = system_data::read(desk, from);
    let class = entity == "content" && action_of_item(&event_name) && details.is_of_class();
    let entity = if class { "class" } else { entity };
    let actor_id = actor(desk, from);
    let entity_id = entity_id(desk, from, entity, actor_id.as_ref());
    let Details { format, learner_id, parent_id, course_id, unit_id, lesson_id, class_id, data } = details;
    let body = EntityBody {
        tenant_id,
        entity: Text::Borrowed(entity),
        entity_id,
        action: Text::Borrowed(action),
        at,
        actor_id,
        learner_id,
        parent_id,
        course_id,
        unit_id,
        lesson_id,
        class_id,
        format,
        data,
    };
    let flags = std::mem::take(&mut desk.flags);
    Some(Draft::System(Box::new(SystemDraft { body, event_id, event_name, flags })))
}

/// The seven names that concern a class where contentFormat says so (domain.md §7.1); tags are always of content.
fn action_of_item(name: &str) -> bool {
    name.starts_with("item.") && name != "item.tag.aggregate"
}

/// Who did it: nobody in particular where the policy accepts that.
fn actor<'b>(desk: &mut Desk<'_>, from: Envelope<'_, 'b, '_>) -> Option<Text<'b>> {
    let id = desk.id(from.user, "gooruUId").given()?;
    if id != "anonymous" {
        return Some(id);
    }
    let session = desk.id(from.session, "sessionId").given();
    match (desk.partner.anonymous, session) {
        (AnonymousPolicy::Accept, Some(session)) => Some(Text::Owned(format!("anonymous:{session}"))),
        (AnonymousPolicy::Accept, None) => None,
        (AnonymousPolicy::Reject, _) => {
            desk.refuse(Reason::AnonymousUser, from.user.path_of("gooruUId"), "the user is not known");
            None
        }
    }
}

/// What it happened to: the content or class; a user event without one concerns its actor.
fn entity_id<'b>(desk: &mut Desk<'_>, from: Envelope<'_, 'b, '_>, entity: &str, actor: Option<&Text<'b>>) -> Text<'b> {
    match (desk.id(from.context, "contentGooruId"), actor) {
        (Field::Given(id), _) => id,
        (Field::Bad, _) => Text::Borrowed(""),
        (Field::Absent, Some(actor)) if entity == "user" => actor.clone(),
        (Field::Absent, _) if entity == "user" => desk.required_id(from.user, "gooruUId"),
        (Field::Absent, _) => desk.required_id(from.context, "contentGooruId"),
    }
}
