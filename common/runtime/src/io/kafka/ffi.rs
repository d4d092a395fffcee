//! The few native calls that the safe client lacks or makes slow; the only file with `unsafe`.
//!
//! Place: called by `publisher` and `source` with a client that lives; hands back plain values only. Keeps no pointer
//! and calls nothing that takes over ownership.
#![expect(unsafe_code, reason = "the one audited file of native calls")]

use std::ffi::{CStr, CString};
use std::time::Duration;

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::types::RDKafka;
use rdkafka_sys as native;

/// Why a transactional call failed, and what the client says must follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TxnError {
    pub(super) code: RDKafkaErrorCode,
    pub(super) text: String,
    pub(super) fatal: bool,
    pub(super) retriable: bool,
    pub(super) abort: bool,
}

impl From<KafkaError> for TxnError {
    fn from(error: KafkaError) -> Self {
        if let KafkaError::Transaction(e) = error {
            let (fatal, retriable, abort) = (e.is_fatal(), e.is_retriable(), e.txn_requires_abort());
            return Self { code: e.code(), text: e.string(), fatal, retriable, abort };
        }
        let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail);
        Self { code, text: error.to_string(), fatal: false, retriable: false, abort: true }
    }
}

/// Waits until no message is outstanding; `false` where some are left after `longest`.
///
/// The wait is one native call: the safe one polls in slices of 100 ms.
pub(super) fn flush(client: *mut RDKafka, longest: Duration) -> bool {
    let ms = i32::try_from(longest.as_millis()).unwrap_or(i32::MAX);
    // SAFETY: `client` belongs to a producer that the caller holds; the call keeps nothing.
    let done = unsafe { native::rd_kafka_flush(client, ms) };
    done == native::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR
}

/// Ends the transaction, waiting for ever: a timeout here would leave client and broker in different states.
pub(super) fn commit(client: *mut RDKafka) -> Result<(), TxnError> {
    // SAFETY: `client` belongs to a producer that the caller holds; what comes back is an error of ours or null.
    unsafe {
        let error = native::rd_kafka_commit_transaction(client, -1);
        if error.is_null() {
            return Ok(());
        }
        let told = TxnError {
            code: native::rd_kafka_error_code(error).into(),
            text: CStr::from_ptr(native::rd_kafka_error_string(error)).to_string_lossy().into_owned(),
            fatal: native::rd_kafka_error_is_fatal(error) != 0,
            retriable: native::rd_kafka_error_is_retriable(error) != 0,
            abort: native::rd_kafka_error_txn_requires_abort(error) != 0,
        };
        native::rd_kafka_error_destroy(error);
        Err(told)
    }
}

/// The generation in which a consumer is a member of its group; `None` before the join and after it was thrown out.
pub(super) fn generation(client: *mut RDKafka) -> Option<i32> {
    // SAFETY: `client` belongs to a consumer that the caller holds; the metadata is ours and destroyed here, after the
    // last use of what points into it.
    unsafe {
        let metadata = native::rd_kafka_consumer_group_metadata(client);
        if metadata.is_null() {
            return None;
        }
        let member = native::rd_kafka_consumer_group_metadata_member_id(metadata);
        let named = !member.is_null() && !CStr::from_ptr(member).is_empty();
        let generation = native::rd_kafka_consumer_group_metadata_generation_id(metadata);
        native::rd_kafka_consumer_group_metadata_destroy(metadata);
        (named && generation >= 0).then_some(generation)
    }
}

/// The end of a partition as the last fetch told it; asks no broker.
pub(super) fn end_of(client: *mut RDKafka, topic: &str, partition: i32) -> Option<i64> {
    let topic = CString::new(topic).ok()?;
    let (mut low, mut high) = (0_i64, 0_i64);
    // SAFETY: `client` belongs to a consumer that the caller holds; both out parameters outlive the call.
    let told = unsafe {
        native::rd_kafka_get_watermark_offsets(client, topic.as_ptr(), partition, &raw mut low, &raw mut high)
    };
    let known = told == native::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR && high >= 0;
    known.then_some(high)
}
