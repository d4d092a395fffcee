//! The bounded queue between the HTTP edge and the pipeline thread.
//!
//! Place: the `Sink` of the embedded engine on one side, its rounds on the other. One request is one append and never
//! torn over two rounds. Never waits on the edge's side; assigns no partition and no offset.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use da_model::ids::TopicName;
use tokio::sync::oneshot;

use super::board::Board;
use super::status::Status;
use crate::ports::{Append, Appended, Receipt, Sink, SinkError};

/// What may wait at once.
#[derive(Debug, Clone, Copy)]
pub struct QueueBounds {
    /// Requests.
    pub requests: usize,
    /// Bytes of their keys and values.
    pub bytes: usize,
}

impl Default for QueueBounds {
    fn default() -> Self {
        Self { requests: 4_096, bytes: 32 << 20 }
    }
}

/// A request that waits for its round.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) records: Vec<Append>,
    answer: oneshot::Sender<Result<Appended, SinkError>>,
    bytes: usize,
}

/// What both threads share.
#[derive(Debug)]
pub(crate) struct Shared {
    bounds: QueueBounds,
    topics: Vec<TopicName>,
    queue: Mutex<Queue>,
    wake: Condvar,
    board: Board,
}

#[derive(Debug, Default)]
struct Queue {
    requests: VecDeque<Request>,
    bytes: usize,
    refuse: Option<SinkError>,
    written: bool,
}

impl Request {
    /// Tells the edge; it may have gone away.
    pub(crate) fn answer(self, result: Result<Appended, SinkError>) {
        drop(self.answer.send(result));
    }
}

impl Shared {
    pub(crate) fn new(bounds: QueueBounds, topics: Vec<TopicName>) -> Arc<Self> {
        Arc::new(Self { bounds, topics, queue: Mutex::default(), wake: Condvar::new(), board: Board::default() })
    }

    /// Requests for one round, at least one if any waits, about `bytes` at most.
    pub(crate) fn take(&self, bytes: usize) -> Vec<Request> {
        let mut queue = self.queue();
        let mut taken = Vec::new();
        let mut weight = 0;
        while weight < bytes {
            let Some(request) = queue.requests.pop_front() else { break };
            weight += request.bytes;
            taken.push(request);
        }
        queue.bytes = queue.bytes.saturating_sub(weight);
        taken
    }

    /// Puts requests back in front: their round is done again.
    pub(crate) fn put_back(&self, requests: Vec<Request>) {
        let mut queue = self.queue();
        for request in requests.into_iter().rev() {
            queue.bytes += request.bytes;
            queue.requests.push_front(request);
        }
    }

    /// Blocks until a request waits or a round was written, at most `longest`.
    pub(crate) fn wait(&self, longest: Duration) {
        let idle = |queue: &mut Queue| queue.requests.is_empty() && !queue.written;
        drop(self.wake.wait_timeout_while(self.queue(), longest, idle));
    }

    /// A round was written.
    pub(crate) fn written(&self) {
        self.queue().written = true;
        self.wake.notify_one();
    }

    /// Whether the round handed over was written.
    pub(crate) fn is_written(&self) -> bool {
        self.queue().written
    }

    /// The written round was looked at.
    pub(crate) fn seen(&self) {
        self.queue().written = false;
    }

    /// Blocks for a while, whatever waits.
    pub(crate) fn pause(&self, length: Duration) {
        drop(self.wake.wait_timeout_while(self.queue(), length, |_| true));
    }

    /// From now on every append is refused with this, or none.
    pub(crate) fn refuse(&self, with: Option<SinkError>) {
        self.queue().refuse = with;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue().requests.is_empty()
    }

    pub(crate) fn status(&self) -> MutexGuard<'_, Status> {
        self.board.status()
    }

    pub(crate) fn board(&self) -> Board {
        self.board.clone()
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sink for Shared {
    fn append(&self, records: Vec<Append>) -> Result<Receipt, SinkError> {
        if let Some(record) = records.iter().find(|r| !self.topics.contains(&r.topic)) {
            return Err(SinkError::Unavailable(format!("topic {} is not declared", record.topic)));
        }
        let bytes = records.iter().map(|r| r.key.len() + r.value.as_ref().map_or(0, Vec::len)).sum();
        let mut queue = self.queue();
        if let Some(error) = &queue.refuse {
            return Err(error.clone());
        }
        let full =
            queue.requests.len() >= self.bounds.requests || queue.bytes.saturating_add(bytes) > self.bounds.bytes;
        if full && !queue.requests.is_empty() {
            return Err(SinkError::Full { retry_after: 1 });
        }
        let (answer, receipt) = oneshot::channel();
        queue.bytes += bytes;
        queue.requests.push_back(Request { records, answer, bytes });
        drop(queue);
        self.wake.notify_one();
        Ok(receipt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use da_model::time::Timestamp;

    fn records(bytes: usize) -> Vec<Append> {
        vec![Append { topic: TopicName("t"), key: vec![], value: Some(vec![0; bytes]), timestamp: Timestamp(0) }]
    }

    #[test]
    fn the_queue_is_bounded_in_requests_and_bytes() {
        let shared = Shared::new(QueueBounds { requests: 3, bytes: 100 }, vec![TopicName("t")]);
        for bytes in [60, 40] {
            assert!(shared.append(records(bytes)).is_ok());
        }
        assert_eq!(shared.append(records(1)).unwrap_err(), SinkError::Full { retry_after: 1 });
        assert_eq!(shared.take(1).len(), 1, "at least one");
        assert!(shared.append(records(0)).is_ok());
        assert!(shared.append(records(0)).is_ok());
        assert_eq!(shared.append(records(0)).unwrap_err(), SinkError::Full { retry_after: 1 });
        assert_eq!(shared.take(usize::MAX).len(), 3);
        assert!(shared.append(records(101)).is_ok(), "a lone request passes whatever its size");
        shared.refuse(Some(SinkError::Draining));
        assert_eq!(shared.append(records(0)).unwrap_err(), SinkError::Draining);
    }
}
