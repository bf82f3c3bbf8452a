//! Who is next on the cores: short attempts at once, long ones in turn.
//!
//! A guest that is running when the tick comes gives way to whoever waits for a
//! core. One that has been on a core for some time is long, and has to take a
//! turn before it goes on. There are as many turns as cores. Long attempts wait for
//! theirs outside the runtime's queue, so no more of them than cores stand in it, and a
//! short one waits behind those few and not behind all that spin. In the queue all are
//! equal, so a stream of short ones does not keep out one that is long.
//!
//! A turn lasts: who changes finds nothing of its own in the caches of the core. It
//! ends when the guest waits for something, when it has run for so long that others are
//! to have theirs, or when the first in front has run for much less ([`line`](self::line)).

mod line;

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::task::yield_now;

use self::line::{Line, Permit};
use crate::clock::Stopwatch;

/// The time on a core after which an attempt counts as long: four ticks. Time in
/// which it waits for something does not count.
const SHORT: Duration = Duration::from_millis(8);

/// How long an attempt runs in its turns before it stands behind all others. Loading
/// what it works with into the caches of a core anew takes some tenths of a millisecond.
const TURN: Duration = Duration::from_millis(48);

/// How long it runs at least while one waits that has run for much less.
const LEAST: Duration = Duration::from_millis(8);

/// Of so many ticks of a long attempt one ends behind the whole queue, and after the
/// runtime has looked at its timers and sockets: while it has something to run it does so
/// rarely. The others end at the end of the queue as it is.
const LOOK_AROUND: u32 = 4;

/// The turns of all attempts of a sandbox.
#[derive(Clone, Debug)]
pub(crate) struct Turns {
    line: Arc<Line>,
    times: Times,
}

/// How long is how long.
#[derive(Clone, Copy, Debug)]
struct Times {
    /// As [`SHORT`].
    short: Duration,
    /// As [`TURN`].
    turn: Duration,
    /// As [`LEAST`].
    least: Duration,
}

impl Turns {
    /// As many turns as `cores`.
    pub(crate) fn new(cores: usize) -> Self {
        Self {
            line: Arc::new(Line::new(cores.max(1))),
            times: Times {
                short: SHORT,
                turn: TURN,
                least: LEAST,
            },
        }
    }

    /// For one attempt, which has none yet and began with `watch`.
    pub(crate) fn line_up(&self, watch: Stopwatch) -> Turn {
        Turn(Arc::new(Standing {
            turns: self.clone(),
            watch,
            polled_at: AtomicU64::new(0),
            ran: AtomicU64::new(0),
            had: AtomicU64::new(0),
            began: AtomicU64::new(0),
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
    watch: Stopwatch,
    /// When it was last polled, in nanoseconds since it began.
    polled_at: AtomicU64,
    /// How long it ran in the polls before that, in nanoseconds.
    ran: AtomicU64,
    /// How long it had run, in nanoseconds, when it last stood behind all others.
    had: AtomicU64,
    /// How long it had run, in nanoseconds, when its turn began.
    began: AtomicU64,
    /// The ticks that it has met since it is long.
    ticks: AtomicU32,
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

    /// How long it has run, in nanoseconds.
    fn all(&self) -> u64 {
        let ran = self.ran.load(Ordering::Relaxed);
        ran.saturating_add(self.runs())
    }

    fn since(&self, mark: &AtomicU64) -> Duration {
        Duration::from_nanos(self.all().saturating_sub(mark.load(Ordering::Relaxed)))
    }

    /// How long it has run since it stood behind all others.
    fn used(&self) -> Duration {
        self.since(&self.had)
    }

    fn is_long(&self) -> bool {
        Duration::from_nanos(self.all()) >= self.turns.times.short
    }

    /// Whether its turn goes on after a tick.
    fn goes_on(&self) -> bool {
        let (times, line) = (self.turns.times, &self.turns.line);
        let used = self.used();
        if used >= times.turn {
            return !line.anyone_waits();
        }
        self.since(&self.began) < times.least || !line.waits_with_at_most(used / 2)
    }

    /// Whether it is time to look at timers and sockets.
    fn looks_around(&self) -> bool {
        let ticks = self.ticks.fetch_add(1, Ordering::Relaxed);
        ticks.is_multiple_of(LOOK_AROUND)
    }
}

/// Where an attempt stands.
#[derive(Debug, Default)]
enum Place {
    /// It has no turn: it is short, or waits.
    #[default]
    Out,
    /// It has one, and the runtime comes to it when the core is free.
    Next(Permit),
    /// It has one, and runs.
    On(Permit),
}

impl Turn {
    /// Gives way at a tick, and comes back when it is this attempt's turn.
    pub(crate) async fn give_way(self) {
        if !self.0.is_long() {
            return requeue().await;
        }
        if !self.keep() {
            self.take().await;
        }
        if self.0.looks_around() {
            yield_now().await;
        } else {
            requeue().await;
        }
        self.go_on();
    }

    /// Keeps the turn, if there is one that goes on.
    fn keep(&self) -> bool {
        if !self.0.goes_on() {
            return false;
        }
        let mut place = self.lock();
        match std::mem::take(&mut *place) {
            Place::On(permit) => {
                *place = Place::Next(permit);
                true
            }
            other => {
                *place = other;
                false
            }
        }
    }

    /// Waits for a turn.
    async fn take(&self) {
        self.stand(Place::Out);
        let standing = &self.0;
        let used = standing.used();
        let is_through = used >= standing.turns.times.turn;
        let rank = (!is_through).then_some(used);
        let permit = standing.turns.line.wait(rank).await;
        let all = standing.all();
        if is_through {
            standing.had.store(all, Ordering::Relaxed);
        }
        standing.began.store(all, Ordering::Relaxed);
        self.stand(Place::Next(permit));
    }

    /// From next to on.
    fn go_on(&self) {
        let mut place = self.lock();
        *place = match std::mem::take(&mut *place) {
            Place::Next(permit) => Place::On(permit),
            other => other,
        };
    }

    /// Ends the turn of an attempt that ran and now waits, or is over.
    fn end(&self) {
        if matches!(*self.lock(), Place::On(_)) {
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

    /// In nanoseconds.
    const HOUR: u64 = 3_600_000_000_000;

    /// One turn of one tick, and every attempt is long, or short, whatever time it takes.
    fn turns() -> (Turns, Turns) {
        let line = Turns::new(1).line;
        let all = |short| Turns {
            line: Arc::clone(&line),
            times: Times {
                short,
                turn: Duration::ZERO,
                least: Duration::ZERO,
            },
        };
        (all(Duration::ZERO), all(Duration::MAX))
    }

    /// One turn that nobody has to give up, but for one that has run for much less.
    fn lasting_turns(least: Duration) -> Turns {
        Turns {
            times: Times {
                short: Duration::ZERO,
                turn: Duration::MAX,
                least,
            },
            ..Turns::new(1)
        }
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
    async fn a_turn_lasts_while_nobody_waits_that_ran_for_much_less() {
        let turns = lasting_turns(Duration::ZERO);
        let steps = Steps::default();
        let local = LocalSet::new();
        for name in LONG {
            let turn = line_up(&turns);
            // All have run for about as long.
            turn.0.ran.store(HOUR, Ordering::Relaxed);
            local.spawn_local(run(name, turn, 9, Rc::clone(&steps)));
        }
        local.await;
        let expected: Vec<_> = LONG.iter().flat_map(|name| [*name; 9]).collect();
        assert_eq!(*steps.borrow(), expected);
    }

    #[tokio::test]
    async fn a_turn_ends_for_one_that_ran_for_much_less_and_lasts_some_time_before() {
        for (least, gives_way) in [(Duration::ZERO, true), (Duration::MAX, false)] {
            let turns = lasting_turns(least);
            let steps = Steps::default();
            let local = LocalSet::new();
            let old = line_up(&turns);
            old.0.ran.store(HOUR, Ordering::Relaxed);
            local.spawn_local(run("old", old, 40, Rc::clone(&steps)));
            let (new, seen) = (line_up(&turns), Rc::clone(&steps));
            local.spawn_local(async move {
                after(10, &seen).await;
                spawn_local(run("new", new, 9, seen));
            });
            local.await;
            let steps = steps.borrow();
            let last = steps.iter().rposition(|step| *step == "old").unwrap();
            let first = steps.iter().position(|step| *step == "new").unwrap();
            assert_eq!(first < last, gives_way, "{steps:?}");
            // It has its turn without a break.
            let new: Vec<_> = steps.iter().skip(first).take(9).collect();
            assert!(new.iter().all(|step| **step == "new"), "{steps:?}");
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
        assert_eq!(long.line.free(), 1);
    }

    #[test]
    fn time_in_polls_counts_and_time_between_them_does_not() {
        let mut turns = Turns::new(1);
        turns.times.short = Duration::from_secs(3_600);
        let standing = line_up(&turns).0;
        let hour = u64::try_from(turns.times.short.as_nanos()).unwrap();
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
