//! Who is next on the cores: short attempts at once, long ones in turn.
//!
//! A guest that is running when the tick comes gives way to whoever waits for a
//! core. One that has been on a core for some time is long, and has to take a
//! turn before it goes on. There are as many turns as cores, handed out first
//! come, first served, and one lasts until the next tick or until the guest waits
//! for something. Long attempts wait for their turn outside the runtime's queue,
//! so no more of them than cores stand in it, and a short one waits behind those
//! few and not behind all that spin. In the queue all are equal, so a stream of
//! short ones does not keep out one that is long.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::yield_now;

use crate::clock::Stopwatch;

/// The time on a core after which an attempt counts as long: four ticks. Time in
/// which it waits for something does not count.
const SHORT: Duration = Duration::from_millis(8);

/// Of so many turns one begins behind the whole queue, and after the runtime has
/// looked at its timers and sockets: while it has something to run it does so
/// rarely. The others begin at the end of the queue as it is.
const LOOK_AROUND: u32 = 4;

/// The turns of all attempts of a sandbox.
#[derive(Clone, Debug)]
pub(crate) struct Turns {
    free: Arc<Semaphore>,
    short: Duration,
}

impl Turns {
    /// As many turns as `cores`.
    pub(crate) fn new(cores: usize) -> Self {
        Self {
            free: Arc::new(Semaphore::new(cores.max(1))),
            short: SHORT,
        }
    }

    /// For one attempt, which has none yet and began with `watch`.
    pub(crate) fn line_up(&self, watch: Stopwatch) -> Turn {
        Turn(Arc::new(Standing {
            turns: self.clone(),
            watch,
            polled_at: AtomicU64::new(0),
            ran: AtomicU64::new(0),
            turned: AtomicU32::new(0),
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
    watch: Stopwatch,
    /// When it was last polled, in nanoseconds since it began.
    polled_at: AtomicU64,
    /// How long it ran in the polls before that, in nanoseconds.
    ran: AtomicU64,
    /// The turns that it has had.
    turned: AtomicU32,
    place: Mutex<Place>,
}

impl Standing {
    fn now(&self) -> u64 {
        u64::try_from(self.watch.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// A poll begins, which is not the first.
    fn polled(&self) {
        self.polled_at.store(self.now(), Ordering::Relaxed);
    }

    /// How long this poll has taken so far, in nanoseconds.
    fn runs(&self) -> u64 {
        let since = self.polled_at.load(Ordering::Relaxed);
        self.now().saturating_sub(since)
    }

    fn is_long(&self) -> bool {
        let ran = self.ran.load(Ordering::Relaxed).saturating_add(self.runs());
        Duration::from_nanos(ran) >= self.turns.short
    }
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
        if !self.0.is_long() {
            return requeue().await;
        }
        self.stand(Place::Out);
        // Nobody closes the semaphore.
        if let Ok(turn) = Arc::clone(&self.0.turns.free).acquire_owned().await {
            self.stand(Place::Next(turn));
            let turned = self.0.turned.fetch_add(1, Ordering::Relaxed);
            if turned.is_multiple_of(LOOK_AROUND) {
                yield_now().await;
            } else {
                requeue().await;
            }
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

/// Goes to the end of the runtime's queue.
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
    polled: bool,
}

impl<'a, F> InTurn<'a, F> {
    /// Polls `future`, which takes `turn`.
    pub(crate) fn new(future: Pin<&'a mut F>, turn: Turn) -> Self {
        Self {
            future,
            turn,
            polled: false,
        }
    }
}

impl<F: Future> Future for InTurn<'_, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        // The first one began with the attempt, and is the only one of most.
        if std::mem::replace(&mut self.polled, true) {
            self.turn.0.polled();
        }
        let poll = self.future.as_mut().poll(context);
        if poll.is_pending() {
            let standing = &self.turn.0;
            standing.ran.fetch_add(standing.runs(), Ordering::Relaxed);
        }
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

    /// One turn, and every attempt is long, or short, whatever time it takes.
    fn turns() -> (Turns, Turns) {
        let free = Turns::new(1).free;
        let all = |short| Turns {
            free: Arc::clone(&free),
            short,
        };
        (all(Duration::ZERO), all(Duration::MAX))
    }

    fn line_up(turns: &Turns) -> Turn {
        turns.line_up(Stopwatch::start())
    }

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

    fn count(steps: &[&'static str], name: &str) -> usize {
        steps.iter().filter(|step| **step == name).count()
    }

    #[tokio::test]
    async fn long_attempts_take_turns() {
        let (long, _) = turns();
        let steps = Steps::default();
        let local = LocalSet::new();
        for name in LONG {
            local.spawn_local(run(name, line_up(&long), 4, Rc::clone(&steps)));
        }
        local.await;
        for round in steps.borrow().chunks(LONG.len()) {
            let mut round = round.to_vec();
            round.sort_unstable();
            assert_eq!(round, LONG);
        }
    }

    #[tokio::test]
    async fn a_short_attempt_does_not_queue_behind_long_ones() {
        let (long, short) = turns();
        let steps = Steps::default();
        let local = LocalSet::new();
        for name in LONG {
            local.spawn_local(run(name, line_up(&long), 40, Rc::clone(&steps)));
        }
        let seen = Rc::clone(&steps);
        let short = line_up(&short);
        local.spawn_local(async move {
            after(20, &seen).await;
            seen.borrow_mut().push("arrives");
            spawn_local(run("short", short, 4, seen));
        });
        local.await;
        let steps = steps.borrow();
        let at = |what| steps.iter().position(|step| *step == what).unwrap();
        let passed = at("short") - at("arrives") - 1;
        assert!(passed <= 1, "{steps:?}");
        assert_eq!(count(&steps, "short"), 4);
    }

    /// As many as it takes to keep the queue full, each over after one tick and
    /// followed by the next.
    #[tokio::test]
    async fn a_long_attempt_gets_its_share_of_a_stream_of_short_ones() {
        let (long, short) = turns();
        let steps = Steps::default();
        let local = LocalSet::new();
        for _ in 0..4 {
            let (short, seen) = (short.clone(), Rc::clone(&steps));
            local.spawn_local(async move {
                for _ in 0..200 {
                    let next = run("short", line_up(&short), 1, Rc::clone(&seen));
                    spawn_local(next).await.unwrap();
                }
            });
        }
        local.spawn_local(run("long", line_up(&long), 20, Rc::clone(&steps)));
        local.await;
        let steps = steps.borrow();
        let last = steps.iter().rposition(|step| *step == "long").unwrap();
        let shorts = count(&steps[..last], "short");
        assert!(shorts < 700, "{shorts} short ones came first");
    }

    #[tokio::test]
    async fn one_that_waits_for_something_else_holds_up_nobody() {
        let (long, _) = turns();
        let (waiting, working) = (line_up(&long), line_up(&long));
        let steps = Steps::default();
        let (done, seen) = (Rc::clone(&steps), Rc::clone(&steps));
        let local = LocalSet::new();
        local.spawn_local(async move {
            let body = async {
                waiting.clone().give_way().await;
                seen.borrow_mut().push("waits");
                pending::<()>().await;
            };
            InTurn::new(pin!(body), waiting.clone()).await;
        });
        local
            .run_until(async {
                after(1, &steps).await;
                run("works", working, 3, Rc::clone(&steps)).await;
            })
            .await;
        assert_eq!(done.borrow().len(), 1 + 3);
    }

    #[tokio::test]
    async fn one_that_is_stopped_leaves_its_turn() {
        let (long, _) = turns();
        let turn = line_up(&long);
        let mut body = Box::pin(async {
            turn.clone().give_way().await;
            pending::<()>().await;
        });
        {
            let mut stopped = pin!(InTurn::new(body.as_mut(), turn.clone()));
            for _ in 0..4 {
                let poll = poll_fn(|context| Poll::Ready(stopped.as_mut().poll(context)));
                assert!(poll.await.is_pending());
                yield_now().await;
            }
        }
        drop(body);
        run("on", line_up(&long), 2, Steps::default()).await;
        assert_eq!(long.free.available_permits(), 1);
    }

    #[test]
    fn time_in_polls_counts_and_time_between_them_does_not() {
        let turns = Turns {
            short: Duration::from_secs(3_600),
            ..Turns::new(1)
        };
        let standing = line_up(&turns).0;
        let hour = u64::try_from(turns.short.as_nanos()).unwrap();
        // It waited for an hour, as far as its stopwatch goes, and ran not at all.
        standing.polled();
        assert!(!standing.is_long());
        standing.ran.store(hour - 1, Ordering::Relaxed);
        while standing.now() == standing.polled_at.load(Ordering::Relaxed) {
            std::hint::spin_loop();
        }
        assert!(
            standing.is_long(),
            "what it runs now is the rest of the hour"
        );
    }
}
