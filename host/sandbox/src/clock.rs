//! The only clocks of this crate: a fine one for the host, that of files, and coarse
//! ones for guests.
//!
//! A guest that can measure single microseconds can tell what its neighbours
//! do from the time that its own memory accesses take. Guests see whole
//! milliseconds.

use std::time::{Duration, Instant, SystemTime};

use wasmtime_wasi::{HostMonotonicClock, HostWallClock};

const RESOLUTION: Duration = Duration::from_millis(1);

/// Measures how long an attempt takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts to measure.
    #[expect(
        clippy::disallowed_methods,
        reason = "how long an attempt took is a measurement, no decision"
    )]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// The time since the start.
    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }

    /// The point in time `wait` after the start, for timers.
    pub(crate) fn deadline(self, wait: Duration) -> tokio::time::Instant {
        tokio::time::Instant::from_std(self.0)
            .checked_add(wait)
            .unwrap_or_else(|| {
                // Some 30 years: what the timers of tokio take for never.
                tokio::time::Instant::from_std(self.0) + Duration::from_secs(86_400 * 365 * 30)
            })
    }
}

/// The time that files' times are compared with.
#[expect(
    clippy::disallowed_methods,
    reason = "the times of files are those of the system's clock, and decide nothing of a run"
)]
pub(crate) fn of_files() -> SystemTime {
    SystemTime::now()
}

/// The time of day, in whole milliseconds.
pub(crate) struct CoarseWallClock;

impl HostWallClock for CoarseWallClock {
    fn resolution(&self) -> Duration {
        RESOLUTION
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "guests may ask for the time of day; no decision of the host depends on it"
    )]
    fn now(&self) -> Duration {
        let since = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        Duration::from_millis(since.as_millis() as u64)
    }
}

/// The time since the attempt began, in whole milliseconds.
pub(crate) struct CoarseMonotonicClock(pub(crate) Stopwatch);

impl HostMonotonicClock for CoarseMonotonicClock {
    fn resolution(&self) -> u64 {
        RESOLUTION.as_nanos() as u64
    }

    fn now(&self) -> u64 {
        let millis = self.0.elapsed().as_millis() as u64;
        millis * RESOLUTION.as_nanos() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guests_see_whole_milliseconds() {
        assert_eq!(CoarseWallClock.now().subsec_nanos() % 1_000_000, 0);
        let clock = CoarseMonotonicClock(Stopwatch::start());
        assert_eq!(clock.now() % 1_000_000, 0);
        assert_eq!(clock.resolution(), 1_000_000);
    }

    #[test]
    fn a_deadline_that_is_too_far_is_never() {
        let watch = Stopwatch::start();
        assert!(watch.deadline(Duration::MAX) > watch.deadline(Duration::from_secs(1)));
    }
}
