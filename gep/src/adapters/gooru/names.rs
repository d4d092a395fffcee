//! Event names of Gooru's clients → ours (domain.md §2.2).
//!
//! Place: decides what an envelope is read as. Names are exact: case and blanks count.

use da_model::event::usage::{EventKind, UsageName};

/// A usage event's name and what its spelling adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Named {
    /// The canonical name.
    pub(super) name: UsageName,
    /// The type its suffix says.
    pub(super) kind: Option<EventKind>,
    /// The collectionType it stands for, where none is sent.
    pub(super) item: Option<&'static str>,
    /// `resource.play.start/.stop`: with a parent it is a visit inside an item.
    pub(super) by_parent: bool,
}

/// The meaning of a name; `None` for any other.
pub(super) fn find(sent: &str) -> Option<Named> {
    let plain = |name| Some(Named { name, kind: None, item: None, by_parent: false });
    if let Some(name) = UsageName::from_code(sent) {
        return plain(name);
    }
    match sent {
        "collection-play" => return plain(UsageName::CollectionPlay),
        "collection-resource-play" => return plain(UsageName::CollectionResourcePlay),
        "resource-play-dots" => return plain(UsageName::ResourcePlay),
        _ => {}
    }
    let (base, kind) = match sent.rsplit_once('.')? {
        (base, "start") => (base, EventKind::Start),
        (base, "stop") => (base, EventKind::Stop),
        _ => return None,
    };
    let shorthand = |name, item, by_parent| Some(Named { name, kind: Some(kind), item, by_parent });
    match base {
        "collection.play" => shorthand(UsageName::CollectionPlay, Some("collection"), false),
        "assessment.play" => shorthand(UsageName::CollectionPlay, Some("assessment"), false),
        "resource.play" => shorthand(UsageName::ResourcePlay, None, true),
        _ => None,
    }
}

/// Whether events of this name are plays and have a type.
pub(super) const fn is_play(name: UsageName) -> bool {
    match name {
        UsageName::CollectionPlay | UsageName::CollectionResourcePlay | UsageName::ResourcePlay => true,
        UsageName::ReactionCreate
        | UsageName::ResourceRubricGrade
        | UsageName::ResourceScoreUpdate
        | UsageName::CollectionScoreUpdate => false,
    }
}

/// Whether the object of this event is the item itself.
pub(super) const fn is_of_item(name: UsageName) -> bool {
    match name {
        UsageName::CollectionPlay | UsageName::CollectionScoreUpdate => true,
        UsageName::CollectionResourcePlay
        | UsageName::ResourcePlay
        | UsageName::ReactionCreate
        | UsageName::ResourceRubricGrade
        | UsageName::ResourceScoreUpdate => false,
    }
}
