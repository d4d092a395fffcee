//! Deterministic ids: UUIDv5 over parts joined by U+001F (domain.md §5.2).
//!
//! Place: event keys at the intake, deIds in demux and dep. No clock and no chance: the same input gives the same id.

use sha1::{Digest, Sha1};
use uuid::{Builder, Uuid};

/// UUIDv5(DNS, `org.gooru.da`).
pub const NAMESPACE: Uuid = Uuid::from_u128(0x1e8b_e37c_6fbe_5996_b676_b7b0_9aea_b86c);

const SEPARATOR: [u8; 1] = [crate::ids::SEPARATOR as u8];

/// The id of a name given by its parts; an absent part is empty.
#[must_use]
pub fn id_of(parts: &[&str]) -> Uuid {
    let mut name = Sha1::new();
    name.update(NAMESPACE.as_bytes());
    for (n, part) in parts.iter().enumerate() {
        if n > 0 {
            name.update(SEPARATOR);
        }
        name.update(part.as_bytes());
    }
    let mut id = [0; 16];
    for (to, byte) in id.iter_mut().zip(name.finalize()) {
        *to = byte;
    }
    Builder::from_sha1_bytes(id).into_uuid()
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
}
