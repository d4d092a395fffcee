//! A worker over a group in a test, until its group has read everything.
//!
//! Place: for tests of what a whole stage does with records; steps one by one are for [`super::copier`] and
//! [`super::tally`].

use std::sync::Arc;
use std::time::Duration;

use da_runtime::clock::SystemClock;
use da_runtime::commit::GroupProtocol;
use da_runtime::commit::board::{Board, Watch};
use da_runtime::driver::Stage;
use da_runtime::group::Group;
use da_runtime::ports::Clock;
use da_runtime::stop::{Phase, Stop};
use da_runtime::worker::Worker;

/// Looks, 20 ms apart, before a worker counts as stuck.
const PATIENCE: usize = 3_000;

/// Runs a stage over three partitions until its group has read everything; what it showed.
///
/// # Panics
/// When it ends or stands still before that.
pub fn until_read(stage: Box<dyn Stage>, protocol: Box<dyn GroupProtocol>) -> Watch {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let (board, stop) = (Board::default(), Stop::new());
    let watch = Watch::over(vec![board.clone()]);
    let worker = Worker::group(Group::new(stage, protocol, board, clock), stop.clone());
    let worker = worker.unwrap_or_else(|fault| panic!("{fault}"));
    let read = || {
        let status = watch.status();
        status.lags.len() == 3 && status.lag() == 0 && status.counts.values().any(|c| c.read > 0)
    };
    for _ in 0..PATIENCE {
        if read() || worker.ended() {
            break;
        }
        std::thread::park_timeout(Duration::from_millis(20));
    }
    assert!(read(), "{:?}", watch.status());
    assert_eq!(watch.status().fault, None);
    stop.raise(Phase::Draining);
    worker.join().unwrap_or_else(|fault| panic!("{fault}"));
    watch
}
