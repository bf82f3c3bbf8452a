//! What an attempt costs on a core.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// A future that adds up the time on a core that polling it takes.
///
/// A guest runs only while its future is polled, and a poll never changes the
/// thread, so this is the guest's time and that of the host functions that
/// don't leave the thread. What a host function does on another thread (file
/// operations) is not in it.
pub(crate) struct OnCore<'a, F> {
    future: Pin<&'a mut F>,
    used: &'a mut Duration,
}

impl<'a, F> OnCore<'a, F> {
    /// Polls `future` and adds to `used`.
    pub(crate) fn new(future: Pin<&'a mut F>, used: &'a mut Duration) -> Self {
        Self { future, used }
    }
}

impl<F: Future> Future for OnCore<'_, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let before = thread_time();
        let poll = self.future.as_mut().poll(context);
        *self.used += thread_time().saturating_sub(before);
        poll
    }
}

/// The time that this thread has spent on a core.
#[cfg(unix)]
fn thread_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Zero: only Unix has a clock for it that this program can read. Attempts then
/// report no time on a core; fuel and time on the clock bound them all the same.
#[cfg(not(unix))]
fn thread_time() -> Duration {
    Duration::ZERO
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::pin::pin;

    #[tokio::test]
    async fn work_is_counted() {
        let mut used = Duration::ZERO;
        let work = pin!(async {
            let start = thread_time();
            while thread_time() == start {
                std::hint::spin_loop();
            }
        });
        OnCore::new(work, &mut used).await;
        assert!(used > Duration::ZERO);
    }
}
