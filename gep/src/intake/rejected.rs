//! The record of a refused element: reasons, masked and cut bytes, hash and length of what was sent.
//!
//! Place: emitted to `gep.rejected` (domain.md §2.6). Nothing here looks into the element.

use da_model::event::Event;
use da_model::event::rejected::{ORIGINAL_LIMIT, RejectedEvent, RejectionSource};
use da_model::fault::Rejection;
use da_model::key;
use da_model::time::Timestamp;
use sha2::{Digest, Sha256};

use super::{IntakeEmit, Origin, Partner, REJECTED};
use crate::mask::mask_secrets;

/// The record of one refused element.
pub(super) fn rejected<'b>(
    place: (&Origin, usize),
    partner: &Partner,
    received_at: Timestamp,
    refused: (&[u8], Vec<Rejection>),
) -> IntakeEmit<'b> {
    let (bytes, reasons) = refused;
    let mut original = bytes.get(..ORIGINAL_LIMIT).unwrap_or(bytes).to_vec();
    mask_secrets(&mut original);
    let event = RejectedEvent {
        tenant_id: partner.tenant.clone().into(),
        partner_id: partner.partner.clone().into(),
        received_at,
        source: source(place.0, place.1),
        reasons,
        original,
        original_length: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
        original_sha256: hex(&Sha256::digest(bytes)).into(),
    };
    IntakeEmit {
        topic: REJECTED,
        key: key::joined(&[&partner.tenant, &partner.partner]),
        event: Event::Rejected(Box::new(event)),
        root: None,
    }
}

fn source(origin: &Origin, index: usize) -> RejectionSource<'static> {
    let index = i32::try_from(index).unwrap_or(i32::MAX);
    match origin {
        Origin::Http { request_id } => RejectionSource::Http { request_id: request_id.clone().into(), index },
        Origin::Kafka { topic, partition, offset } => {
            RejectionSource::Kafka { topic: topic.0.into(), partition: *partition, offset: *offset, index }
        }
    }
}

/// Lower-case hexadecimal text.
pub(super) fn hex(bytes: &[u8]) -> String {
    let digit = |n: u8| char::from(if n < 10 { b'0' + n } else { b'a' - 10 + n });
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 15));
    }
    text
}
