//! New, repeat or conflict: the event against what was applied to its session.
//!
//! Place: first step of the pipeline. There is no other dedupe memory and no window (domain.md §4.1).

use std::borrow::Cow;

use da_model::event::UsageEvent;
use da_model::fault::Rejection;
use da_model::outcome::Reason;
use da_model::state::{Row, Value};

use crate::tables::resource_of;

/// What an event key was found to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// Not seen before.
    New,
    /// Seen with the same content, however long ago.
    Repeat,
    /// Seen with other content: the first one stays.
    Conflict(Rejection),
}

/// Compares the event with the applied row under its key.
#[must_use]
pub fn check(applied: Option<&Row>, event: &UsageEvent<'_>) -> Known {
    match applied {
        None => Known::New,
        Some(row) if row.bytes(0) == Some(&kept(&event.fingerprint)) => Known::Repeat,
        Some(_) => Known::Conflict(Rejection::at(
            Reason::IdConflict,
            "/eventId",
            "an event with this id, name and type was applied before with other content; the first one stays",
        )),
    }
}

/// The row that remembers the event.
#[must_use]
pub fn remember(event: &UsageEvent<'_>, wall_ms: Option<i64>) -> Row {
    let resource = resource_of(event).unwrap_or_default();
    let fingerprint = Value::Bytes(kept(&event.fingerprint).into());
    Row(vec![fingerprint, Value::from(resource), Value::from(wall_ms)])
}

/// A fingerprint as a row holds it: the 32 bytes that its text spells; a text that spells none, as it is.
fn kept(fingerprint: &str) -> Cow<'_, [u8]> {
    let (pairs, rest) = fingerprint.as_bytes().as_chunks::<2>();
    let bytes: Option<Vec<u8>> = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect();
    match bytes {
        Some(bytes) if rest.is_empty() && bytes.len() == 32 => Cow::Owned(bytes),
        Some(_) | None => Cow::Borrowed(fingerprint.as_bytes()),
    }
}

const fn digit(hex: u8) -> Option<u8> {
    match hex {
        b'0'..=b'9' => Some(hex - b'0'),
        b'a'..=b'f' => Some(hex - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::kept;

    #[test]
    fn a_fingerprint_takes_32_bytes_and_any_other_text_its_own() {
        let text = "0123456789abcdef".repeat(4);
        let bytes = [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef].repeat(4);
        assert_eq!(*kept(&text), *bytes);
        for other in ["f", "", &text[1..], &text.to_uppercase(), &text.replace('f', "g"), &text[32..]] {
            assert_eq!(*kept(other), *other.as_bytes(), "{other}");
        }
    }
}
