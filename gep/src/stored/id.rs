//! An id as state holds it: 16 bytes where it is a UUID, else its text.
//!
//! Place: keys of shelves, and the ids of a scope. Most ids are UUIDs, which so need neither memory of their own nor
//! spelling out until they leave GEP.

use da_model::ids::Text;
use uuid::Uuid;
use uuid::fmt::Hyphenated;

use super::{Reader, Stored, Writer};

/// An id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id(Form);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Form {
    Uuid([u8; 16]),
    Text(Box<str>),
}

impl Id {
    /// The id of a text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self(uuid_of(text).map_or_else(|| Form::Text(text.into()), |uuid| Form::Uuid(uuid.into_bytes())))
    }

    /// Whether a text spells this id.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        match &self.0 {
            Form::Uuid(bytes) => spelt(*bytes, &mut [0; Hyphenated::LENGTH]) == text,
            Form::Text(own) => **own == *text,
        }
    }

    /// Its text.
    #[must_use]
    pub fn to_text(&self) -> String {
        match &self.0 {
            Form::Uuid(bytes) => spelt(*bytes, &mut [0; Hyphenated::LENGTH]).to_owned(),
            Form::Text(own) => own.to_string(),
        }
    }

    /// The given text where it spells this id, else a copy of its own.
    #[must_use]
    pub fn spelt_as<'r>(&self, text: Option<&Text<'r>>) -> Text<'r> {
        text.filter(|text| self.is(text)).cloned().unwrap_or_else(|| Text::Owned(self.to_text()))
    }
}

impl Stored for Id {
    fn put(&self, to: &mut Writer) {
        match &self.0 {
            Form::Uuid(bytes) => to.uuid(bytes),
            Form::Text(own) => to.text(own),
        }
    }

    fn get(from: &mut Reader<'_>) -> Option<Self> {
        Some(Self(match from.uuid() {
            Some(uuid) => Form::Uuid(uuid),
            None => Form::Text(from.text()?.into_owned().into()),
        }))
    }
}

/// The UUID that a text is, if it is spelt as we spell them.
pub(super) fn uuid_of(text: &str) -> Option<Uuid> {
    if text.len() != Hyphenated::LENGTH {
        return None;
    }
    let uuid = Uuid::try_parse(text).ok()?;
    (spelt(uuid.into_bytes(), &mut [0; Hyphenated::LENGTH]) == text).then_some(uuid)
}

/// How we spell a UUID.
pub(super) fn spelt(bytes: [u8; 16], space: &mut [u8; Hyphenated::LENGTH]) -> &str {
    Uuid::from_bytes(bytes).hyphenated().encode_lower(space)
}
