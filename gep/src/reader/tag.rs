//! A tag of a name, by which most names are told apart without looking at their text.
//!
//! Place: on every key of a [`super::Doc`]. An event is asked for some sixty names among as many keys.

/// The low byte of the length, and the first and middle byte mixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tag(u16);

/// Names with their tags.
#[derive(Debug)]
pub struct Names<'n>(Vec<(Tag, &'n str)>);

impl<'n> Names<'n> {
    /// A list of names.
    #[must_use]
    pub fn of(names: &[&'n str]) -> Self {
        Self(names.iter().map(|name| (Tag::of(name.as_bytes()), *name)).collect())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Tag, &'n str)> {
        self.0.iter().copied()
    }
}

impl Tag {
    /// The tag of a name with escapes, which must be looked at in full.
    pub(super) const ESCAPED: Self = Self(0xff00);

    /// Whether a name of this tag can be one of the other.
    pub(super) fn may_be(self, other: Self) -> bool {
        self == other || self == Self::ESCAPED
    }

    /// The tag of a name.
    pub(super) fn of(name: &[u8]) -> Self {
        let byte = |at: usize| name.get(at).copied().unwrap_or(0);
        let mixed = byte(0).rotate_left(4) ^ byte(name.len() / 2);
        let length = name.len().to_le_bytes();
        Self(u16::from_le_bytes([length.first().copied().unwrap_or(0), mixed]))
    }
}
