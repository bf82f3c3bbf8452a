//! Tells whoever watches a run, in order and numbered without a gap.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use ringfence_flow::{EVENT_SCHEMA, RunEvent, RunEventKind, RunId};

use crate::Clock;

/// Watches a run. Called for one event at a time, in the order of their
/// numbers, from the host's own task and from those of attempts: be quick.
pub trait RunObserver: Send {
    /// Something happened.
    fn event(&mut self, event: &RunEvent);
}

impl<F: FnMut(&RunEvent) + Send> RunObserver for F {
    fn event(&mut self, event: &RunEvent) {
        self(event);
    }
}

/// Numbers the events of one run and passes them on.
pub(crate) struct Publisher {
    run: RunId,
    clock: Clock,
    state: Mutex<State>,
}

struct State {
    seq: u64,
    observer: Box<dyn RunObserver>,
}

impl Publisher {
    pub(crate) fn new(run: RunId, clock: Clock, observer: Box<dyn RunObserver>) -> Arc<Self> {
        Arc::new(Self {
            run,
            clock,
            state: Mutex::new(State { seq: 0, observer }),
        })
    }

    pub(crate) fn publish(&self, event: RunEventKind) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.seq += 1;
        let event = RunEvent {
            schema: EVENT_SCHEMA,
            run: self.run.clone(),
            seq: state.seq,
            at: self.clock.now(),
            event,
        };
        // What an observer does with an event is its own affair: when it
        // panics, the run goes on, and it is told of the next event again.
        let told = catch_unwind(AssertUnwindSafe(|| state.observer.event(&event)));
        if told.is_err() {
            tracing::error!(run = %self.run, seq = event.seq, "an observer panicked");
        }
    }
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher")
            .field("run", &self.run)
            .finish_non_exhaustive()
    }
}
