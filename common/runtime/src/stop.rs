//! The one stop token: how far the ordered stop has come, for everything that has to act on it.
//!
//! Place: raised by signals or by a fatal fault, watched by listeners, health and workers. Does not wait for anyone:
//! the order of a stop is in `app`.

use std::sync::Arc;

use tokio::sync::watch;

/// The steps of a stop, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Phase {
    /// Work goes on.
    #[default]
    Serving,
    /// A stop was asked for: readiness is off, requests are still served.
    Leaving,
    /// New requests get 503, those in flight are answered.
    Refusing,
    /// No request is open any more: workers finish their batch and end.
    Draining,
}

/// A handle on the phase; clones share it.
#[derive(Debug, Clone)]
pub struct Stop {
    phase: Arc<watch::Sender<Phase>>,
}

impl Default for Stop {
    fn default() -> Self {
        Self::new()
    }
}

impl Stop {
    /// A token in phase [`Phase::Serving`].
    #[must_use]
    pub fn new() -> Self {
        Self { phase: Arc::new(watch::Sender::new(Phase::Serving)) }
    }

    /// How far the stop has come.
    #[must_use]
    pub fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// Whether a phase was reached.
    #[must_use]
    pub fn is(&self, phase: Phase) -> bool {
        self.phase() >= phase
    }

    /// Goes on to a phase; never back.
    pub fn raise(&self, to: Phase) {
        self.phase.send_if_modified(|now| {
            let higher = to > *now;
            if higher {
                *now = to;
            }
            higher
        });
    }

    /// Resolves when a phase was reached.
    pub async fn reached(&self, phase: Phase) {
        let mut seen = self.phase.subscribe();
        // The sender lives as long as `self`, so the wait cannot fail.
        let _ = seen.wait_for(|now| *now >= phase).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stop_goes_forward_only() {
        let stop = Stop::new();
        assert!(!stop.is(Phase::Leaving));
        let other = stop.clone();
        other.raise(Phase::Refusing);
        stop.raise(Phase::Leaving);
        assert_eq!(stop.phase(), Phase::Refusing);
        stop.reached(Phase::Leaving).await;
    }
}
