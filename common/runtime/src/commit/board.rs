//! The board on which a pipeline's thread shows its status, and the window through which others look at it.
//!
//! Place: one board per worker, written after each step; health, metrics and tests look through a [`Watch`] over one or
//! many. Renders nothing and waits for nobody.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::status::Status;

/// Where one worker writes its status; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Board(Arc<Mutex<Status>>);

impl Board {
    /// The status, to change or to read; held for as short as possible.
    pub(crate) fn status(&self) -> MutexGuard<'_, Status> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The status of everything that runs, from any thread.
#[derive(Debug, Clone, Default)]
pub struct Watch(Arc<Mutex<Vec<Board>>>);

impl Watch {
    /// A window over the boards of several workers.
    #[must_use]
    pub fn over(boards: Vec<Board>) -> Self {
        Self(Arc::new(Mutex::new(boards)))
    }

    /// Looks over one more board from now on.
    pub fn add(&self, board: Board) {
        self.boards().push(board);
    }

    fn boards(&self) -> MutexGuard<'_, Vec<Board>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The status as of the last commits, added up.
    #[must_use]
    pub fn status(&self) -> Status {
        let boards = self.boards();
        let mut boards = boards.iter();
        let mut sum = boards.next().map(|b| b.status().clone()).unwrap_or_default();
        for board in boards {
            sum.add(&board.status());
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commit::status::Counts;
    use da_model::time::Timestamp;

    #[test]
    fn a_watch_adds_up_its_boards() {
        let (one, two) = (Board::default(), Board::default());
        let counts = |read| Counts { read, ..Counts::default() };
        one.status().counts.insert("dep", counts(3));
        two.status().counts.insert("dep", counts(4));
        two.status().counts.insert("gep", counts(1));
        (one.status().rounds, two.status().rounds) = (2, 5);
        (one.status().alive, two.status().alive) = (Timestamp(9), Timestamp(7));
        two.status().fault = Some("away".to_owned());
        let sum = Watch::over(vec![one, two]).status();
        assert_eq!((sum.counts["dep"].read, sum.counts["gep"].read, sum.rounds), (7, 1, 7));
        assert_eq!((sum.alive, sum.fault.as_deref()), (Timestamp(7), Some("away")), "the one that hangs is seen");
        assert_eq!(Watch::default().status(), Status::default());
    }
}
