//! Lets the ends of short attempts gather.
//!
//! A turn of the host's task costs about as much as what it does for one attempt.
//! When many attempts are short, it therefore lets those go first that wait for the
//! core that it is on, and deals with all of them in one turn. When one of them is
//! not short, that wait is in nobody's interest, and it stops for a while.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use crate::Clock;

/// The longest wait that is worth it. A turn takes a few microseconds.
const PATIENCE: Duration = Duration::from_micros(500);

/// For how many turns it does not wait after it has waited for longer.
const PAUSE: u32 = 256;

/// Whether to wait.
#[derive(Debug, Default)]
pub(crate) struct Gathering {
    /// For how many more turns not to.
    paused: u32,
}

impl Gathering {
    /// Waits until what is ready on this core has had a go.
    pub(crate) async fn wait(&mut self, clock: Clock) {
        if self.is_paused() {
            return;
        }
        let since = clock.now();
        let_others_go().await;
        self.waited(clock.now().since(since));
    }

    fn is_paused(&mut self) -> bool {
        let paused = self.paused > 0;
        self.paused = self.paused.saturating_sub(1);
        paused
    }

    fn waited(&mut self, took: Duration) {
        if took > PATIENCE {
            self.paused = PAUSE;
        }
    }
}

/// Goes to the end of this core's queue. tokio's `yield_now` waits until the queue is
/// empty, which it never is while a guest spins.
async fn let_others_go() {
    let mut queued = false;
    poll_fn(|cx| {
        if queued {
            return Poll::Ready(());
        }
        queued = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_long_wait_there_is_none_for_a_while() {
        let mut gathering = Gathering::default();
        gathering.waited(PATIENCE);
        assert!(!gathering.is_paused());
        gathering.waited(PATIENCE + Duration::from_nanos(1));
        for turn in 0..PAUSE {
            assert!(gathering.is_paused(), "{turn}");
        }
        assert!(!gathering.is_paused());
    }
}
