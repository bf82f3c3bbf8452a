//! Who waits for a turn.
//!
//! Those that have run for less than a whole turn since they last stood behind all
//! others stand in front: new ones, and those that gave their turn up to wait for
//! something, or for a newer one. The others stand in the back. While both wait, turns
//! go to the front and to the back in alternation, so that a stream of new ones does not
//! keep out the old.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

/// The turns that are free, and who waits for one.
#[derive(Debug)]
pub(super) struct Line(Mutex<Waiting>);

#[derive(Debug)]
struct Waiting {
    free: usize,
    front: VecDeque<Waiter>,
    back: VecDeque<Waiter>,
    /// Whether the last turn went to the front.
    back_is_next: bool,
}

#[derive(Debug)]
struct Waiter {
    /// How long it has run since it stood in the back.
    used: Duration,
    give: oneshot::Sender<Permit>,
}

impl Waiter {
    fn has_gone(&self) -> bool {
        self.give.is_closed()
    }
}

impl Waiting {
    fn next(&mut self) -> Option<Waiter> {
        let from_back = self.front.is_empty() || self.back_is_next && !self.back.is_empty();
        self.back_is_next = !from_back;
        let queue = if from_back {
            &mut self.back
        } else {
            &mut self.front
        };
        queue.pop_front()
    }
}

/// A turn. Dropped, it goes to who is next.
#[derive(Debug)]
pub(super) struct Permit(Option<Arc<Line>>);

impl Line {
    pub(super) fn new(turns: usize) -> Self {
        Self(Mutex::new(Waiting {
            free: turns,
            front: VecDeque::new(),
            back: VecDeque::new(),
            back_is_next: false,
        }))
    }

    /// Waits for a turn: in front, for one that has used so much of its own, else in
    /// the back.
    pub(super) async fn wait(self: &Arc<Self>, used: Option<Duration>) -> Permit {
        let waits = {
            let mut waiting = self.lock();
            if waiting.free > 0 {
                waiting.free -= 1;
                return self.permit();
            }
            let (give, waits) = oneshot::channel();
            let waiter = Waiter {
                used: used.unwrap_or_default(),
                give,
            };
            let queue = match used {
                Some(_) => &mut waiting.front,
                None => &mut waiting.back,
            };
            queue.push_back(waiter);
            waits
        };
        match waits.await {
            Ok(permit) => permit,
            Err(_) => unreachable!("nobody leaves the line without a turn"),
        }
    }

    /// Whether anybody waits.
    pub(super) fn anyone_waits(&self) -> bool {
        let mut waiting = self.lock();
        let Waiting { front, back, .. } = &mut *waiting;
        [front, back]
            .into_iter()
            .any(|queue| first(queue).is_some())
    }

    /// Whether the first in front has used no more of its turn.
    pub(super) fn waits_with_at_most(&self, used: Duration) -> bool {
        first(&mut self.lock().front).is_some_and(|waiter| waiter.used <= used)
    }

    #[cfg(test)]
    pub(super) fn free(&self) -> usize {
        self.lock().free
    }

    fn permit(self: &Arc<Self>) -> Permit {
        Permit(Some(Arc::clone(self)))
    }

    /// Gives a turn to who is next.
    fn hand_on(self: Arc<Self>) {
        loop {
            let next = {
                let mut waiting = self.lock();
                let next = waiting.next();
                if next.is_none() {
                    waiting.free += 1;
                }
                next
            };
            let Some(next) = next else { return };
            match next.give.send(self.permit()) {
                Ok(()) => return,
                // It has gone. Nobody else may be given the same turn.
                Err(mut refused) => drop(refused.0.take()),
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The first that still waits.
fn first(queue: &mut VecDeque<Waiter>) -> Option<&Waiter> {
    while queue.pop_front_if(|waiter| waiter.has_gone()).is_some() {}
    queue.front()
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(line) = self.0.take() {
            line.hand_on();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    type Waits = Pin<Box<dyn Future<Output = Permit>>>;

    fn waits(line: &Arc<Line>, used: Option<u64>) -> Waits {
        let line = Arc::clone(line);
        let mut waits: Waits =
            Box::pin(async move { line.wait(used.map(Duration::from_millis)).await });
        assert!(try_take(&mut waits).is_none());
        waits
    }

    fn try_take(waits: &mut Waits) -> Option<Permit> {
        match waits.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(permit) => Some(permit),
            Poll::Pending => None,
        }
    }

    /// A line of one turn, and who has it.
    async fn taken() -> (Arc<Line>, Permit) {
        let line = Arc::new(Line::new(1));
        let permit = line.wait(None).await;
        assert_eq!(line.free(), 0);
        (line, permit)
    }

    #[tokio::test]
    async fn turns_go_to_the_front_and_the_back_in_alternation() {
        let (line, mut permit) = taken().await;
        let mut all: Vec<_> = [("new", Some(0)), ("newer", Some(0)), ("newest", Some(0))]
            .into_iter()
            .chain([("old", None), ("older", None)])
            .map(|(name, used)| (name, waits(&line, used)))
            .collect();
        let mut order = Vec::new();
        while !all.is_empty() {
            drop(permit);
            let mut taken = None;
            all.retain_mut(|(name, waits)| match try_take(waits) {
                Some(got) => {
                    order.push(*name);
                    assert!(taken.replace(got).is_none(), "one turn, and two have it");
                    false
                }
                None => true,
            });
            permit = taken.unwrap();
        }
        assert_eq!(order, ["new", "old", "newer", "older", "newest"]);
        drop(permit);
        assert_eq!(line.free(), 1);
    }

    #[tokio::test]
    async fn as_many_have_a_turn_as_there_are_and_no_more() {
        let line = Arc::new(Line::new(2));
        let (one, two) = (line.wait(None).await, line.wait(None).await);
        let mut all = vec![waits(&line, None), waits(&line, Some(0))];
        drop(two);
        let mut served = Vec::new();
        all.retain_mut(|waits| match try_take(waits) {
            Some(permit) => {
                served.push(permit);
                false
            }
            None => true,
        });
        assert_eq!((served.len(), all.len()), (1, 1), "one turn came back");
        drop(one);
        assert!(try_take(&mut all[0]).is_some());
        drop(served);
        assert_eq!(line.free(), 2);
    }

    #[tokio::test]
    async fn who_goes_from_the_back_keeps_nobody_out() {
        let (line, permit) = taken().await;
        let gone = waits(&line, None);
        let mut new = waits(&line, Some(0));
        drop(gone);
        drop(permit);
        let permit = try_take(&mut new).expect("the only one that waits");
        let gone = waits(&line, None);
        let mut old = waits(&line, None);
        drop(gone);
        drop(permit);
        assert!(try_take(&mut old).is_some());
    }

    #[tokio::test]
    async fn who_goes_leaves_no_gap() {
        let (line, permit) = taken().await;
        let gone = waits(&line, Some(0));
        let served = waits(&line, Some(1));
        let mut last = waits(&line, None);
        assert!(line.waits_with_at_most(Duration::ZERO));
        drop(gone);
        assert!(!line.waits_with_at_most(Duration::ZERO));
        assert!(line.waits_with_at_most(Duration::from_millis(1)));
        drop(permit);
        // It was given a turn, and never looked.
        drop(served);
        assert!(!line.waits_with_at_most(Duration::MAX));
        assert!(line.anyone_waits() || try_take(&mut last).is_some());
        drop(last);
        assert!(!line.anyone_waits());
        assert_eq!(line.free(), 1);
    }
}
