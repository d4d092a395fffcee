//! The threads of pipelines: the only place that starts one.
//!
//! Place: wraps the loops of `commit/embedded_txn` and of `group`; raises the stop when a loop ends by a fault or a
//! panic. Runs no request.

use std::thread::JoinHandle;

use da_model::fault::{Cause, Fault};

use crate::commit::embedded_txn::Embedded;
use crate::driver::Stage;
use crate::group::Group;
use crate::stop::{Phase, Stop};

/// A running pipeline.
#[derive(Debug)]
pub struct Worker(JoinHandle<Result<(), Fault>>);

impl Worker {
    /// Starts the pipeline thread. It ends when the stop reaches [`Phase::Draining`], or by a fault that it turns into
    /// a stop.
    ///
    /// # Errors
    /// [`Fault::Fatal`] where the system starts no thread.
    #[expect(clippy::disallowed_methods, reason = "the one place that starts threads")]
    pub fn start(mut embedded: Embedded, mut stages: Vec<Box<dyn Stage>>, stop: Stop) -> Result<Self, Fault> {
        let run = move || {
            let ended = embedded.run(&mut stages, &stop);
            if ended.is_err() {
                stop.raise(Phase::Leaving);
            }
            ended
        };
        let handle = std::thread::Builder::new().name("pipeline".to_owned()).spawn(run);
        handle.map(Self).map_err(|e| Fault::Fatal(Cause::new("start of the pipeline thread", e)))
    }

    /// Starts the thread of one stage over a consumer group; it ends as that of [`Worker::start`] does.
    ///
    /// # Errors
    /// [`Fault::Fatal`] where the system starts no thread.
    #[expect(clippy::disallowed_methods, reason = "the one place that starts threads")]
    pub fn group(mut group: Group, stop: Stop) -> Result<Self, Fault> {
        let name = group.name();
        let run = move || {
            let alarm = Alarm(stop.clone());
            let ended = group.run(&stop);
            if ended.is_ok() {
                std::mem::forget(alarm);
            }
            ended
        };
        let handle = std::thread::Builder::new().name(name.to_owned()).spawn(run);
        handle.map(Self).map_err(|e| Fault::Fatal(Cause::new(format!("start of the thread of {name}"), e)))
    }

    /// Whether the thread has ended.
    #[must_use]
    pub fn ended(&self) -> bool {
        self.0.is_finished()
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// The fault that ended the pipeline.
    pub fn join(self) -> Result<(), Fault> {
        self.0.join().unwrap_or_else(|_| Err(Fault::Fatal(Cause::new("run of the pipeline", "the thread panicked"))))
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
