//! Nobody, who watches attempts that nobody watches.

use ringfence_flow::{AttemptObserver, GrantDecision, LogLine, Progress};

/// Watches an agent that is only asked something, or whose attempt is over.
pub(crate) struct Nobody;

impl AttemptObserver for Nobody {
    fn progress(&self, _: Progress) {}
    fn log(&self, _: LogLine) {}
    fn decision(&self, _: GrantDecision) {}
}
