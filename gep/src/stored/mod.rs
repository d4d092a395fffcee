//! State as a row holds it: a version byte, then the value in a compact binary form.
//!
//! Place: below session and item, above [`da_model::state::Row`]. Every field that says nothing is left out, so a row
//! is about a fifth of its JSON and costs no text parsing. Equal states give equal bytes. Deliberately not a general
//! codec: it knows the few shapes of GEP's state and nothing of topics, whose records are Avro.
//!
//! | What | Form |
//! |---|---|
//! | number | zigzag varint, 7 bits a byte, low ones first |
//! | struct | varint with one bit per field that is there, then these fields in order; new fields are added at the end |
//! | points | number: twice the whole points; else 1, and as a number with their four decimals |
//! | text | varint: 1 and 16 bytes of a UUID, an odd number for one of `WORDS`, an even one for twice the bytes that follow |
//! | order key | a byte that says which of its four parts differ from the order key before, then these differences |
//! | list, map | varint of how many, then each |
//! | shelf | as a map, but each value behind its length, and all order keys counted from one that stands before |

mod id;
mod reader;
mod shapes;
mod shelf;
#[cfg(test)]
mod tests;
mod writer;

use std::borrow::Cow;
use std::sync::Arc;

use da_model::fault::Rejection;
use da_model::outcome::Reason;
use da_model::state::{Row, Value};

pub use id::Id;
pub(crate) use reader::Reader;
pub(crate) use shelf::{Shelf, Shelved};
pub(crate) use writer::Writer;

/// First byte of every row.
const VERSION: u8 = 1;

/// Words that come so often that a number stands for them. Only ever appended to.
const WORDS: [&str; 12] = [
    "question",
    "resource",
    "assessment",
    "collection",
    "assessment-external",
    "collection-external",
    "coursemap",
    "dailyclassactivity",
    "system",
    "teacher",
    "web",
    "mobile",
];

/// A text of the state; one of `WORDS` needs no memory.
pub type Word = Cow<'static, str>;

/// The word of a text.
#[must_use]
pub fn word(text: &str) -> Word {
    let known = WORDS.iter().find(|word| **word == text);
    known.map_or_else(|| Cow::Owned(text.to_owned()), |word| Cow::Borrowed(*word))
}

/// A value of GEP's state.
pub(crate) trait Stored {
    /// Appends the value.
    fn put(&self, to: &mut Writer);

    /// Reads what `put` wrote; `None` where it did not.
    fn get(from: &mut Reader<'_>) -> Option<Self>
    where
        Self: Sized;

    /// Whether it says nothing and may be left out of a struct.
    fn is_nothing(&self) -> bool {
        false
    }

    /// What stands for a value that was left out; `None` where it never is.
    fn nothing() -> Option<Self>
    where
        Self: Sized,
    {
        None
    }
}

/// The state in a row's only column; without a row, the state of one who has done nothing.
///
/// # Errors
/// A [`Rejection`] when the bytes are none of ours.
pub(crate) fn load<S: Stored + Default>(row: Option<&Row>) -> Result<S, Rejection> {
    let Some(row) = row else { return Ok(S::default()) };
    let state = match row.0.first() {
        Some(Value::Bytes(bytes)) => read(bytes),
        Some(Value::Null | Value::Int(_) | Value::Text(_)) | None => None,
    };
    state.ok_or_else(unreadable)
}

/// The refusal of a row that is none of ours.
pub(crate) fn unreadable() -> Rejection {
    Rejection::new(Reason::HandlerFailed, "stored state is unreadable")
}

fn read<S: Stored>(row: &Arc<[u8]>) -> Option<S> {
    let mut reader = Reader::new(row);
    let state = if reader.byte()? == VERSION { S::get(&mut reader)? } else { return None };
    reader.is_done().then_some(state)
}

/// The bytes of a state.
pub(crate) fn bytes<S: Stored>(state: &S) -> Vec<u8> {
    let mut to = Writer::new(VERSION);
    state.put(&mut to);
    to.into_bytes()
}

/// A row that holds these bytes.
pub(crate) fn row(bytes: &[u8]) -> Row {
    Row(vec![Value::Bytes(Arc::from(bytes))])
}
