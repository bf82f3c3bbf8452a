//! Tells whoever watches a run, in order and numbered without a gap.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use ringfence_flow::{EVENT_SCHEMA, RunEvent, RunEventKind, RunId, TaskKey};

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

/// Tells whoever watches what happens in one run.
pub(crate) enum Publisher {
    /// Of a run that somebody started: numbers the events and passes them on.
    Outermost {
        run: RunId,
        clock: Clock,
        state: Mutex<State>,
    },
    /// Of a run that an instance of another one stands for.
    Nested {
        around: Arc<Publisher>,
        key: TaskKey,
        round: u32,
    },
}

pub(crate) struct State {
    seq: u64,
    observer: Box<dyn RunObserver>,
}

impl Publisher {
    pub(crate) fn new(run: RunId, clock: Clock, observer: Box<dyn RunObserver>) -> Arc<Self> {
        let state = Mutex::new(State { seq: 0, observer });
        Arc::new(Self::Outermost { run, clock, state })
    }

    pub(crate) fn nested(around: &Arc<Self>, key: TaskKey, round: u32) -> Arc<Self> {
        let around = Arc::clone(around);
        Arc::new(Self::Nested { around, key, round })
    }

    pub(crate) fn publish(&self, event: RunEventKind) {
        match self {
            Self::Nested { around, key, round } => around.publish(RunEventKind::Child {
                key: key.clone(),
                round: *round,
                event: Box::new(event),
            }),
            Self::Outermost { run, clock, state } => {
                let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
                state.publish(run, *clock, event);
            }
        }
    }

    fn run(&self) -> &RunId {
        match self {
            Self::Outermost { run, .. } => run,
            Self::Nested { around, .. } => around.run(),
        }
    }
}

impl State {
    fn publish(&mut self, run: &RunId, clock: Clock, event: RunEventKind) {
        self.seq += 1;
        let event = RunEvent {
            schema: EVENT_SCHEMA,
            run: run.clone(),
            seq: self.seq,
            at: clock.now(),
            event,
        };
        // What an observer does with an event is its own affair: when it
        // panics, the run goes on, and it is told of the next event again.
        let told = catch_unwind(AssertUnwindSafe(|| self.observer.event(&event)));
        if told.is_err() {
            tracing::error!(%run, seq = event.seq, "an observer panicked");
        }
    }
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher")
            .field("run", self.run())
            .finish_non_exhaustive()
    }
}
