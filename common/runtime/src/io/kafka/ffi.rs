//! The few native calls that the safe client lacks or makes slow; the only file with `unsafe`.
//!
//! Place: called by `publisher`, `source` and `trial` with a client that lives; hands back plain values only. Keeps no
//! pointer and calls nothing that takes over ownership.
#![expect(unsafe_code, reason = "the one audited file of native calls")]

use std::ffi::{CStr, CString, c_char};
use std::ptr;
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

/// Ends the transaction. After `longest` it is not known whether it ended: the same call resumes, or the producer goes.
pub(super) fn commit(client: *mut RDKafka, longest: Duration) -> Result<(), TxnError> {
    let ms = i32::try_from(longest.as_millis()).unwrap_or(i32::MAX);
    // SAFETY: `client` belongs to a producer that the caller holds; what comes back is an error of ours or null.
    unsafe {
        let error = native::rd_kafka_commit_transaction(client, ms);
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

/// What brokers allow the user of a client to do with a topic or a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rights {
    /// Read records; be a member of the group.
    pub read: bool,
    /// Write records.
    pub write: bool,
}

/// A name with what is allowed, or why that is not told.
pub(super) type Granted = (String, Result<Rights, RDKafkaErrorCode>);
/// Why a question got no answer at all.
pub(super) type Unanswered = (RDKafkaErrorCode, String);

/// A question to the brokers with its answer; everything of it is given back at the end.
struct Asked {
    options: *mut native::rd_kafka_AdminOptions_t,
    queue: *mut native::rd_kafka_queue_t,
    event: *mut native::rd_kafka_event_t,
}

impl Drop for Asked {
    fn drop(&mut self) {
        // SAFETY: the three were made by `asked` and are used by nobody else; a null event is left alone.
        unsafe {
            if !self.event.is_null() {
                native::rd_kafka_event_destroy(self.event);
            }
            native::rd_kafka_queue_destroy(self.queue);
            native::rd_kafka_AdminOptions_destroy(self.options);
        }
    }
}

/// What the client's user may do with each of these topics.
pub(super) fn rights_on_topics(
    client: *mut RDKafka,
    names: &[CString],
    longest: Duration,
) -> Result<Vec<Granted>, Unanswered> {
    let mut pointers: Vec<*const c_char> = names.iter().map(|name| name.as_ptr()).collect();
    // SAFETY: names and their pointers outlive the calls; the collection is copied by the question and destroyed here;
    // what the answer points into lives as long as `told`.
    unsafe {
        let topics = native::rd_kafka_TopicCollection_of_topic_names(pointers.as_mut_ptr(), pointers.len());
        let told = asked(client, native::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS, longest, |o, q| {
            native::rd_kafka_DescribeTopics(client, topics, o, q);
        });
        native::rd_kafka_TopicCollection_destroy(topics);
        let told = told?;
        let (result, mut count) = (native::rd_kafka_event_DescribeTopics_result(told.event), 0);
        let all = native::rd_kafka_DescribeTopics_result_topics(result, &raw mut count);
        let one = |topic| {
            let mut operations = 0;
            let first = native::rd_kafka_TopicDescription_authorized_operations(topic, &raw mut operations);
            let error = native::rd_kafka_TopicDescription_error(topic);
            granted(native::rd_kafka_TopicDescription_name(topic), error, (first.cast(), operations))
        };
        Ok((0..count).map(|n| one(*all.add(n))).collect())
    }
}

/// What the client's user may do with each of these groups.
pub(super) fn rights_on_groups(
    client: *mut RDKafka,
    names: &[CString],
    longest: Duration,
) -> Result<Vec<Granted>, Unanswered> {
    let mut pointers: Vec<*const c_char> = names.iter().map(|name| name.as_ptr()).collect();
    let about = native::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS;
    // SAFETY: names and their pointers outlive the call, which copies them; what the answer points into lives as long as
    // `told`.
    unsafe {
        let told = asked(client, about, longest, |options, queue| {
            native::rd_kafka_DescribeConsumerGroups(client, pointers.as_mut_ptr(), pointers.len(), options, queue);
        })?;
        let (result, mut count) = (native::rd_kafka_event_DescribeConsumerGroups_result(told.event), 0);
        let all = native::rd_kafka_DescribeConsumerGroups_result_groups(result, &raw mut count);
        let one = |group| {
            let mut operations = 0;
            let first = native::rd_kafka_ConsumerGroupDescription_authorized_operations(group, &raw mut operations);
            let error = native::rd_kafka_ConsumerGroupDescription_error(group);
            granted(native::rd_kafka_ConsumerGroupDescription_group_id(group), error, (first.cast(), operations))
        };
        Ok((0..count).map(|n| one(*all.add(n))).collect())
    }
}

/// Puts a question with its options and waits for the answer.
///
/// # Safety
/// `client` lives as long as the call.
unsafe fn asked(
    client: *mut RDKafka,
    about: native::rd_kafka_admin_op_t,
    longest: Duration,
    put: impl FnOnce(*mut native::rd_kafka_AdminOptions_t, *mut native::rd_kafka_queue_t),
) -> Result<Asked, Unanswered> {
    let ms = i32::try_from(longest.as_millis()).unwrap_or(i32::MAX);
    // SAFETY: `client` lives; options, queue and event belong to `told` from their making on. A refused option leaves
    // its default.
    unsafe {
        let options = native::rd_kafka_AdminOptions_new(client, about);
        let queue = native::rd_kafka_queue_new(client);
        let mut told = Asked { options, queue, event: ptr::null_mut() };
        let refused = native::rd_kafka_AdminOptions_set_include_authorized_operations(options, 1);
        if !refused.is_null() {
            native::rd_kafka_error_destroy(refused);
        }
        native::rd_kafka_AdminOptions_set_request_timeout(options, ms, ptr::null_mut(), 0);
        put(options, queue);
        told.event = native::rd_kafka_queue_poll(queue, ms);
        if told.event.is_null() {
            return Err((RDKafkaErrorCode::OperationTimedOut, "no broker answers".to_owned()));
        }
        let code = native::rd_kafka_event_error(told.event);
        if code == native::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            return Ok(told);
        }
        let text = CStr::from_ptr(native::rd_kafka_event_error_string(told.event)).to_string_lossy().into_owned();
        Err((code.into(), text))
    }
}

/// One description as plain values.
///
/// # Safety
/// The name is a text of C, `error` one of the client or null, and `operations` as long as it says or null.
unsafe fn granted(
    name: *const c_char,
    error: *const native::rd_kafka_error_t,
    operations: (*const u32, usize),
) -> Granted {
    // SAFETY: as this function demands.
    unsafe {
        let name = CStr::from_ptr(name).to_string_lossy().into_owned();
        if !error.is_null()
            && native::rd_kafka_error_code(error) != native::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR
        {
            return (name, Err(native::rd_kafka_error_code(error).into()));
        }
        let (first, count) = operations;
        let allowed = |operation: native::rd_kafka_AclOperation_t| {
            !first.is_null() && (0..count).any(|n| *first.add(n) == operation as u32)
        };
        let read = allowed(native::rd_kafka_AclOperation_t::RD_KAFKA_ACL_OPERATION_READ);
        let write = allowed(native::rd_kafka_AclOperation_t::RD_KAFKA_ACL_OPERATION_WRITE);
        (name, Ok(Rights { read, write }))
    }
}

/// Has the client give a producer up, as it does where the brokers have forgotten it.
#[cfg(test)]
pub(super) fn give_up(client: *mut RDKafka) {
    let code = native::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER;
    // SAFETY: `client` belongs to a producer that the caller holds; the text outlives the call, which copies it.
    unsafe { native::rd_kafka_test_fatal_error(client, code, c"by a test".as_ptr()) };
}
