//! What an attempt costs on a core.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::clock::Stopwatch;

/// A future that adds up the time on a core that polling it takes.
///
/// A guest runs only while its future is polled, and a poll never changes the
/// thread, so this is the guest's time and that of the host functions that
/// don't leave the thread. What a host function does on another thread (file
/// operations) is not in it.
///
/// The first poll goes by the time on the clock, which is the same unless the
/// system takes the thread away in between: asking twice for the thread's own
/// time costs more than a tenth of an attempt that ends at once. A guest that is
/// not done by then, with the first tick at the latest, is measured exactly from
/// there on.
pub(crate) struct OnCore<'a, F> {
    future: Pin<&'a mut F>,
    used: &'a mut Duration,
    polled: bool,
}

impl<'a, F> OnCore<'a, F> {
    /// Polls `future` and adds to `used`.
    pub(crate) fn new(future: Pin<&'a mut F>, used: &'a mut Duration) -> Self {
        Self {
            future,
            used,
            polled: false,
        }
    }
}

impl<F: Future> Future for OnCore<'_, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        if mem::replace(&mut self.polled, true) {
            let before = thread_time();
            let poll = self.future.as_mut().poll(context);
            *self.used += thread_time().saturating_sub(before);
            poll
        } else {
            let watch = Stopwatch::start();
            let poll = self.future.as_mut().poll(context);
            *self.used += watch.elapsed();
            poll
        }
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

    /// Works until the thread's own clock shows more than `more`.
    fn work(more: Duration) {
        let start = thread_time();
        while thread_time() - start <= more {
            std::hint::spin_loop();
        }
    }

    #[tokio::test]
    async fn work_is_counted_in_each_poll() {
        let mut first = Duration::ZERO;
        OnCore::new(pin!(async { work(Duration::ZERO) }), &mut first).await;
        assert!(first > Duration::ZERO);
        let mut both = Duration::ZERO;
        let future = pin!(async {
            work(Duration::ZERO);
            tokio::task::yield_now().await;
            work(first);
        });
        OnCore::new(future, &mut both).await;
        assert!(both > first, "{both:?} after {first:?}");
    }
}
