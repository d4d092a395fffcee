//! Deterministic ids: UUIDv5 over parts joined by U+001F (domain.md §5.2).
//!
//! Place: event keys at the intake, deIds in demux and dep. No clock and no chance: the same input gives the same id.

use sha1::{Digest, Sha1};
use uuid::{Builder, Uuid};

/// UUIDv5(DNS, `org.gooru.da`).
pub const NAMESPACE: Uuid = Uuid::from_u128(0x1e8b_e37c_6fbe_5996_b676_b7b0_9aea_b86c);

const SEPARATOR: u8 = crate::ids::SEPARATOR as u8;

/// The id of a name given by its parts; an absent part is empty.
#[must_use]
pub fn id_of(parts: &[&str]) -> Uuid {
    let mut name = Vec::with_capacity(256);
    name.extend_from_slice(NAMESPACE.as_bytes());
    join(parts, &mut name);
    let digest = Sha1::digest(&name);
    Builder::from_sha1_bytes(digest.first_chunk().copied().unwrap_or_default()).into_uuid()
}

/// Appends parts joined by U+001F.
#[inline]
pub(crate) fn join<P: AsRef<[u8]>>(parts: &[P], name: &mut Vec<u8>) {
    for (n, part) in parts.iter().enumerate() {
        if n > 0 {
            name.push(SEPARATOR);
        }
        name.extend_from_slice(part.as_ref());
    }
}

/// A number in decimal, without an allocation.
#[derive(Debug, Clone, Copy)]
pub struct Decimal {
    digits: [u8; 20],
    start: usize,
}

impl Decimal {
    /// The decimal of a number.
    #[must_use]
    pub fn of(number: i64) -> Self {
        let mut digits = [b'-'; 20];
        let (mut start, mut rest) = (digits.len(), number.unsigned_abs());
        for digit in digits.iter_mut().rev() {
            let [low, ..] = (rest % 10).to_le_bytes();
            *digit = b'0' + low;
            rest /= 10;
            start -= 1;
            if rest == 0 {
                break;
            }
        }
        Self { digits, start: start - usize::from(number < 0) }
    }

    /// Its text.
    #[must_use]
    pub fn text(&self) -> &str {
        std::str::from_utf8(self.bytes()).unwrap_or_default()
    }

    /// Its digits.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.digits.get(self.start..).unwrap_or_default()
    }
}

/// The dedupe key of an input event.
#[must_use]
pub fn event_key(tenant: &str, event_id: &str, event_name: &str, kind: &str) -> Uuid {
    id_of(&[tenant, event_id, event_name, kind])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_agree_with_the_vectors_of_the_domain() {
        assert_eq!(NAMESPACE, Uuid::new_v5(&Uuid::NAMESPACE_DNS, b"org.gooru.da"));
        assert_eq!(
            event_key("t1", "e1", "collection.play", "stop").to_string(),
            "b10abcb6-ae75-5191-ba96-61cce116aab2"
        );
        let de = id_of(&["usage.assessment.score", "t1", "A", "s1", "a1", "1"]);
        assert_eq!(de.to_string(), "6c497061-04ba-5828-badc-5573b329006d");
    }

    #[test]
    fn numbers_read_as_they_are_written() {
        for number in [0, 1, -1, 9, 10, -10, 12_345, i64::MAX, i64::MIN] {
            assert_eq!(Decimal::of(number).text(), number.to_string());
        }
    }
}
