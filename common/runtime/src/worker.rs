//! The threads of pipelines: the only place that starts one.
//!
//! Place: wraps the loops of `commit/embedded_txn` and of `group`; raises the stop when a loop ends by a fault or a
//! panic. Runs no request.

use std::thread::JoinHandle;
use std::time::Duration;

use da_model::fault::{Cause, Fault};

use crate::commit::embedded_txn::Embedded;
use crate::driver::Stage;
use crate::group::Group;
use crate::stop::{Phase, Stop};

/// Between two looks at threads that are to end.
const LOOK: Duration = Duration::from_millis(20);

/// A running pipeline.
#[derive(Debug)]
pub struct Worker(Beside<Result<(), Fault>>);

impl Worker {
    /// Starts the pipeline thread. It ends when the stop reaches [`Phase::Draining`], or by a fault that it turns into
    /// a stop.
    ///
    /// # Errors
    /// [`Fault::Fatal`] where the system starts no thread.
    pub fn start(mut embedded: Embedded, mut stages: Vec<Box<dyn Stage>>, stop: Stop) -> Result<Self, Fault> {
        Self::run("pipeline", stop, move |stop| embedded.run(&mut stages, stop))
    }

    /// Starts the thread of one stage over a consumer group; it ends as that of [`Worker::start`] does.
    ///
    /// # Errors
    /// [`Fault::Fatal`] where the system starts no thread.
    pub fn group(mut group: Group, stop: Stop) -> Result<Self, Fault> {
        Self::run(group.name(), stop, move |stop| group.run(stop))
    }

    fn run(
        name: &'static str,
        stop: Stop,
        mut pipeline: impl FnMut(&Stop) -> Result<(), Fault> + Send + 'static,
    ) -> Result<Self, Fault> {
        let beside = Beside::start(name, move || {
            let alarm = Alarm(stop.clone());
            let ended = pipeline(&stop);
            if ended.is_ok() {
                std::mem::forget(alarm);
            }
            ended
        });
        beside.map(Self)
    }

    /// Whether the thread has ended.
    #[must_use]
    pub fn ended(&self) -> bool {
        self.0.ended()
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// The fault that ended the pipeline.
    pub fn join(self) -> Result<(), Fault> {
        self.0.join()?
    }

    /// Waits for the end of all of them, but no longer than this; `None` where one still runs.
    #[must_use]
    pub fn join_all(workers: Vec<Self>, longest: Duration) -> Option<Result<(), Fault>> {
        let mut left = longest;
        while !workers.iter().all(Self::ended) {
            left = left.checked_sub(LOOK)?;
            // Nobody wakes this thread: it looks every now and then.
            std::thread::park_timeout(LOOK);
        }
        Some(workers.into_iter().map(Self::join).fold(Ok(()), Result::and))
    }
}

/// Raises the stop when it is dropped: also while a panic unwinds.
struct Alarm(Stop);

impl Drop for Alarm {
    fn drop(&mut self) {
        self.0.raise(Phase::Leaving);
    }
}

/// A thread beside the pipeline: the one that serves the listeners, the one that watches.
#[derive(Debug)]
pub struct Beside<T>(JoinHandle<T>);

impl<T: Send + 'static> Beside<T> {
    /// Starts it.
    ///
    /// # Errors
    /// [`Fault::Fatal`] where the system starts no thread.
    #[expect(clippy::disallowed_methods, reason = "the one place that starts threads")]
    pub fn start(name: &str, work: impl FnOnce() -> T + Send + 'static) -> Result<Self, Fault> {
        let handle = std::thread::Builder::new().name(name.to_owned()).spawn(work);
        handle.map(Self).map_err(|e| Fault::Fatal(Cause::new(format!("start of the {name} thread"), e)))
    }

    /// Whether the thread has ended.
    #[must_use]
    pub fn ended(&self) -> bool {
        self.0.is_finished()
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// [`Fault::Fatal`] where the thread panicked.
    pub fn join(self) -> Result<T, Fault> {
        self.0.join().map_err(|_| Fault::Fatal(Cause::new("run of a thread", "it panicked")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::sync_channel;

    fn told(ended: Result<(), Fault>) -> String {
        ended.err().map(|fault| fault.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_pipeline_that_panics_asks_the_process_to_stop() {
        let stop = Stop::new();
        let worker = Worker::run("pipeline", stop.clone(), |_| panic!("as a defect does")).unwrap();
        assert!(told(worker.join()).contains("panicked"));
        assert!(stop.is(Phase::Leaving));
    }

    #[test]
    fn a_pipeline_that_does_not_end_is_left_behind() {
        let (go_on, asked) = sync_channel::<()>(1);
        let stuck = Worker::run("stuck", Stop::new(), move |_| asked.recv().map_err(|_| unreachable!())).unwrap();
        let fine = || Worker::run("fine", Stop::new(), |_| Ok(())).unwrap();
        assert_eq!(Worker::join_all(vec![fine(), stuck], LOOK * 3), None);
        let fault = Fault::Fatal(Cause::new("run", "no"));
        let bad = Worker::run("bad", Stop::new(), move |_| Err(fault.clone())).unwrap();
        let ended = Worker::join_all(vec![fine(), bad, fine()], Duration::from_secs(60));
        assert!(told(ended.unwrap()).ends_with("run: no"));
        go_on.send(()).unwrap();
    }
}
