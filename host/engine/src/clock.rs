//! The one place that reads a clock.

use std::time::{SystemTime, UNIX_EPOCH};

use ringfence_flow::Timestamp;
use tokio::time::Instant;

/// Tells the time: that of the system when it was made, moved on by a clock
/// that never goes back. Under tokio's paused time it stands still with it.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    base: Timestamp,
    origin: Instant,
}

impl Clock {
    /// A clock that shows the system's time.
    #[must_use]
    pub fn system() -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is where time comes from; everybody else is told"
        )]
        let now = SystemTime::now();
        Self::starting_at(Timestamp::from_unix(
            now.duration_since(UNIX_EPOCH).unwrap_or_default(),
        ))
    }

    /// A clock that shows `base` now.
    #[must_use]
    pub fn starting_at(base: Timestamp) -> Self {
        Self {
            base,
            origin: Instant::now(),
        }
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.base.after(self.origin.elapsed())
    }

    /// Waits until `at`.
    pub(crate) async fn sleep_until(&self, at: Timestamp) {
        tokio::time::sleep_until(self.origin + at.since(self.base)).await;
    }
}
