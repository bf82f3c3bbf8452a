//! Who is next on the cores: short attempts at once, long ones in turn.
//!
//! A guest that is running when the tick comes gives way to whoever waits for a
//! core. One that has done so a few times is long, and has to take a turn before
//! it goes on. There are as many turns as cores, handed out first come, first
//! served, and one lasts until the next tick or until the guest waits for
//! something. Long attempts wait for their turn outside the runtime's queue, so
//! no more of them than cores stand in it, and a short one waits behind those
//! few and not behind all that spin.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::yield_now;

/// Ticks that an attempt meets before it counts as long.
const SHORT: u32 = 4;

/// The turns of all attempts of a sandbox.
#[derive(Clone, Debug)]
pub(crate) struct Turns(Arc<Semaphore>);

impl Turns {
    /// As many turns as `cores`.
    pub(crate) fn new(cores: usize) -> Self {
        Self(Arc::new(Semaphore::new(cores.max(1))))
    }

    /// For one attempt, which has none yet.
    pub(crate) fn line_up(&self) -> Turn {
        Turn(Arc::new(Standing {
            turns: self.clone(),
            ticks: AtomicU32::new(0),
            place: Mutex::default(),
        }))
    }
}

/// The turn of one attempt, if it has one.
#[derive(Clone, Debug)]
pub(crate) struct Turn(Arc<Standing>);

/// What the guest's interruptions and its future share.
#[derive(Debug)]
struct Standing {
    turns: Turns,
    /// Ticks that it has met.
    ticks: AtomicU32,
    place: Mutex<Place>,
}

/// Where an attempt stands.
#[derive(Debug, Default)]
enum Place {
    /// It has no turn: it is short, or waits.
    #[default]
    Out,
    /// It has one, and the runtime comes to it when the core is free.
    Next(OwnedSemaphorePermit),
    /// It has one, and runs.
    On { _turn: OwnedSemaphorePermit },
}

impl Turn {
    /// Gives way at a tick, and comes back when it is this attempt's turn.
    pub(crate) async fn give_way(self) {
        if self.0.ticks.fetch_add(1, Ordering::Relaxed) < SHORT {
            return requeue().await;
        }
        self.stand(Place::Out);
        // Nobody closes the semaphore.
        if let Ok(turn) = Arc::clone(&self.0.turns.0).acquire_owned().await {
            self.stand(Place::Next(turn));
            // Behind the queue, and after the runtime looked at its timers and
            // sockets.
            yield_now().await;
            self.go_on();
        }
    }

    /// From next to on.
    fn go_on(&self) {
        let mut place = self.lock();
        *place = match std::mem::take(&mut *place) {
            Place::Next(turn) => Place::On { _turn: turn },
            other => other,
        };
    }

    /// Ends the turn of an attempt that ran and now waits, or is over.
    fn end(&self) {
        if matches!(*self.lock(), Place::On { .. }) {
            self.stand(Place::Out);
        }
    }

    fn stand(&self, place: Place) {
        let before = std::mem::replace(&mut *self.lock(), place);
        // Outside the lock, because it wakes who is next.
        drop(before);
    }

    fn lock(&self) -> MutexGuard<'_, Place> {
        self.0.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Goes to the end of the runtime's queue. `yield_now` goes behind the queue,
/// which those who take turns do.
async fn requeue() {
    let mut queued = false;
    poll_fn(|context| {
        if std::mem::replace(&mut queued, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// A future whose turn ends whenever it has to wait.
pub(crate) struct InTurn<'a, F> {
    future: Pin<&'a mut F>,
    turn: Turn,
}

impl<'a, F> InTurn<'a, F> {
    /// Polls `future`, which takes `turn`.
    pub(crate) fn new(future: Pin<&'a mut F>, turn: Turn) -> Self {
        Self { future, turn }
    }
}

impl<F: Future> Future for InTurn<'_, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let poll = self.future.as_mut().poll(context);
        self.turn.end();
        poll
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::future::pending;
    use std::pin::pin;
    use std::rc::Rc;

    use tokio::task::{LocalSet, spawn_local};

    use super::*;

    type Steps = Rc<RefCell<Vec<&'static str>>>;

    const LONG: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

    /// Meets `ticks` ticks, and says so each time it goes on.
    async fn run(name: &'static str, turn: Turn, ticks: u32, steps: Steps) {
        let body = async {
            for _ in 0..ticks {
                turn.clone().give_way().await;
                steps.borrow_mut().push(name);
            }
        };
        InTurn::new(pin!(body), turn.clone()).await;
    }

    /// Waits until `count` steps were made.
    async fn after(count: usize, steps: &Steps) {
        while steps.borrow().len() < count {
            yield_now().await;
        }
    }

    #[tokio::test]
    async fn long_attempts_take_turns() {
        let turns = Turns::new(1);
        let steps = Steps::default();
        let local = LocalSet::new();
        for name in LONG {
            local.spawn_local(run(name, turns.line_up(), SHORT + 4, Rc::clone(&steps)));
        }
        local.await;
        for round in steps.borrow().chunks(LONG.len()) {
            let mut round = round.to_vec();
            round.sort_unstable();
            assert_eq!(round, LONG);
        }
    }

    /// What is done between `arrives`, in the midst of a turn while all the others
    /// are long, and `short`.
    fn passed(steps: &Steps) -> usize {
        let steps = steps.borrow();
        let at = |what| steps.iter().position(|step| *step == what).unwrap();
        at("short") - at("arrives") - 1
    }

    #[tokio::test]
    async fn a_short_attempt_does_not_queue_behind_long_ones() {
        let turns = Turns::new(1);
        let steps = Steps::default();
        let local = LocalSet::new();
        let long = |name| run(name, turns.line_up(), 40, Rc::clone(&steps));
        for name in ["a", "b", "c"] {
            local.spawn_local(long(name));
        }
        let (turn, short) = (turns.line_up(), turns.line_up());
        let seen = Rc::clone(&steps);
        local.spawn_local(async move {
            run("d", turn, 20, Rc::clone(&seen)).await;
            seen.borrow_mut().push("arrives");
            spawn_local(run("short", short, SHORT, seen));
        });
        for name in ["e", "f", "g"] {
            local.spawn_local(long(name));
        }
        local.await;
        assert!(passed(&steps) <= 1, "{steps:?}");
        let shorts = steps
            .borrow()
            .iter()
            .filter(|step| **step == "short")
            .count();
        assert_eq!(shorts, SHORT as usize);
    }

    #[tokio::test]
    async fn one_that_waits_for_something_else_holds_up_nobody() {
        let turns = Turns::new(1);
        let (waiting, working) = (turns.line_up(), turns.line_up());
        let steps = Steps::default();
        let (done, seen) = (Rc::clone(&steps), Rc::clone(&steps));
        let local = LocalSet::new();
        local.spawn_local(async move {
            let body = async {
                for _ in 0..=SHORT {
                    waiting.clone().give_way().await;
                }
                seen.borrow_mut().push("waits");
                pending::<()>().await;
            };
            InTurn::new(pin!(body), waiting.clone()).await;
        });
        local
            .run_until(async {
                after(1, &steps).await;
                run("works", working, SHORT + 3, Rc::clone(&steps)).await;
            })
            .await;
        assert_eq!(done.borrow().len(), 1 + SHORT as usize + 3);
    }

    #[tokio::test]
    async fn one_that_is_stopped_leaves_its_turn() {
        let turns = Turns::new(1);
        let turn = turns.line_up();
        let mut body = Box::pin(async {
            for _ in 0..=SHORT {
                turn.clone().give_way().await;
            }
            pending::<()>().await;
        });
        {
            let mut stopped = pin!(InTurn::new(body.as_mut(), turn.clone()));
            for _ in 0..2 * SHORT {
                let poll = poll_fn(|context| Poll::Ready(stopped.as_mut().poll(context)));
                assert!(poll.await.is_pending());
                yield_now().await;
            }
        }
        drop(body);
        run("on", turns.line_up(), SHORT + 2, Steps::default()).await;
        assert_eq!(turns.0.available_permits(), 1);
    }
}
