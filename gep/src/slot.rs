//! A slot: what was published under one DE key, and what is withheld there.
//!
//! Place: one per key inside the session and item state. A value that equals the published one says nothing; one that
//! cannot go out yet leaves the stamp of its latest event behind (domain.md §12 "Kinds").

use da_model::event::Cause;
use da_model::time::{LocalDate, Timestamp};

use crate::stored::{Reader, Stored, Writer};

/// Published value and revision of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot<V> {
    revision: i32,
    value: Option<V>,
    delta: i64,
    withheld: Withheld,
}

/// How far a value moved; 0 for values that do not add up.
pub trait Moves {
    /// This value minus the one before.
    fn moved_by(&self, before: Option<&Self>) -> i64;
}

/// The stamps of what cannot go out yet, one per kind the object may turn out to be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Withheld {
    practice: Option<Stamp>,
    test: Option<Stamp>,
}

/// When and why a value changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Activity time, epoch ms.
    pub at: i64,
    /// Local date, days since 1970-01-01.
    pub date: i32,
    /// Index of the cause.
    cause: u8,
}

/// One change to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication<V> {
    /// From 1, no holes.
    pub revision: i32,
    /// The value before, with the delta it was published with.
    pub before: Option<(V, i64)>,
    /// The value now.
    pub after: V,
    /// How far it moved.
    pub delta: i64,
    /// When and why.
    pub stamp: Stamp,
}

/// What the fold knows about a key now.
#[derive(Debug, Clone)]
pub struct Finding<V> {
    /// The value now; `None` where there is nothing to say.
    pub now: Option<V>,
    /// Whether this very event changed it.
    pub by_event: bool,
    /// As which kind it goes out: whose withheld stamp counts.
    pub role: Role,
}

/// The two kinds an object can turn out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Collection; also plain resources and whatever does not depend on the kind.
    Practice,
    /// Assessment.
    Test,
}

impl Role {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Practice, Self::Test];

    /// The role of an item.
    #[must_use]
    pub const fn of(is_assessment: bool) -> Self {
        if is_assessment { Self::Test } else { Self::Practice }
    }
}

impl Withheld {
    /// Whether nothing is withheld.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.practice.is_none() && self.test.is_none()
    }

    /// Remembers an event that changed a value that cannot go out; the latest activity time stays.
    pub fn note(&mut self, role: Role, event: Stamp) {
        let held = self.of(role);
        if held.is_none_or(|h| h.at <= event.at) {
            *held = Some(event);
        }
    }

    /// Forgets all, and says what was remembered for the role.
    pub fn take(&mut self, role: Role) -> Option<Stamp> {
        let stamp = *self.of(role);
        *self = Self::default();
        stamp
    }

    const fn of(&mut self, role: Role) -> &mut Option<Stamp> {
        match role {
            Role::Practice => &mut self.practice,
            Role::Test => &mut self.test,
        }
    }
}

impl Moves for i64 {
    fn moved_by(&self, before: Option<&Self>) -> i64 {
        self - before.copied().unwrap_or(0)
    }
}

impl Moves for i32 {
    fn moved_by(&self, _: Option<&Self>) -> i64 {
        0
    }
}

impl Moves for (i32, i32) {
    fn moved_by(&self, _: Option<&Self>) -> i64 {
        0
    }
}

impl<V> Default for Slot<V> {
    fn default() -> Self {
        Self { revision: 0, value: None, delta: 0, withheld: Withheld::default() }
    }
}

impl Stamp {
    /// The stamp of an event.
    #[must_use]
    pub fn new(at: Timestamp, date: LocalDate, cause: Cause) -> Self {
        Self { at: at.0, date: date.0, cause: u8::try_from(cause.index()).unwrap_or(0) }
    }

    /// Why.
    #[must_use]
    pub fn cause(self) -> Cause {
        Cause::ALL.get(usize::from(self.cause)).copied().unwrap_or(Cause::Play)
    }

    /// The same time for another reason.
    #[must_use]
    pub fn because(self, cause: Cause) -> Self {
        Self { cause: u8::try_from(cause.index()).unwrap_or(0), ..self }
    }
}

impl<V> Slot<V> {
    /// Whether nothing was published or withheld.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.revision == 0 && self.withheld.is_empty()
    }

    /// The published value.
    #[must_use]
    pub const fn value(&self) -> Option<&V> {
        self.value.as_ref()
    }
}

impl<V: Clone + PartialEq + Moves> Slot<V> {
    /// Remembers an event that changed the value while it cannot go out.
    pub fn withhold(&mut self, role: Role, event: Stamp) {
        self.withheld.note(role, event);
    }

    /// Takes in what is known now, since it may go out, and says what to publish.
    pub fn settle(&mut self, found: Finding<V>, event: Stamp) -> Option<Publication<V>> {
        let withheld = self.withheld.take(found.role);
        let after = found.now?;
        if self.value.as_ref() == Some(&after) {
            return None;
        }
        let stamp = if found.by_event { event } else { withheld.unwrap_or(event) };
        Some(self.publish(after, stamp))
    }

    /// Publishes a value, even one that equals the last.
    pub fn publish(&mut self, after: V, stamp: Stamp) -> Publication<V> {
        self.revision += 1;
        let delta = after.moved_by(self.value.as_ref());
        let before = self.value.replace(after.clone()).map(|value| (value, self.delta));
        self.delta = delta;
        Publication { revision: self.revision, before, after, delta, stamp }
    }
}

impl Withheld {
    fn fields(&self) -> [&dyn Stored; 2] {
        [&self.practice, &self.test]
    }
}

impl Stored for Withheld {
    fn put(&self, to: &mut Writer) {
        to.fields(&self.fields());
    }

    fn get(from: &mut Reader<'_>) -> Option<Self> {
        let mut fields = from.fields()?;
        let read = Self { practice: fields.next(from)?, test: fields.next(from)? };
        fields.end(read)
    }

    fn is_nothing(&self) -> bool {
        self.fields().iter().all(|field| field.is_nothing())
    }

    fn nothing() -> Option<Self> {
        Some(Self::default())
    }
}

impl Stamp {
    fn fields(&self) -> [&dyn Stored; 3] {
        [&self.at, &self.date, &self.cause]
    }
}

impl Stored for Stamp {
    fn put(&self, to: &mut Writer) {
        to.fields(&self.fields());
    }

    fn get(from: &mut Reader<'_>) -> Option<Self> {
        let mut fields = from.fields()?;
        let read = Self { at: fields.next(from)?, date: fields.next(from)?, cause: fields.next(from)? };
        fields.end(read)
    }
}

impl<V: Stored> Stored for Slot<V> {
    fn put(&self, to: &mut Writer) {
        to.fields(&[&self.revision, &self.value, &self.delta, &self.withheld]);
    }

    fn get(from: &mut Reader<'_>) -> Option<Self> {
        let mut fields = from.fields()?;
        let read = Self {
            revision: fields.next(from)?,
            value: fields.next(from)?,
            delta: fields.next(from)?,
            withheld: fields.next(from)?,
        };
        fields.end(read)
    }

    fn is_nothing(&self) -> bool {
        self.is_empty()
    }

    fn nothing() -> Option<Self> {
        Some(Self::default())
    }
}
