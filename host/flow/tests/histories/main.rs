//! Random workflows under random histories: whatever agents and people do and
//! in which order, the run keeps its promises.
//!
//! The fleet is the real one, time is a number, and agents draw what they do.
//! `RINGFENCE_CASES` sets how many histories are tried.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod promises;
mod shapes;
mod world;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::thread;

use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestRunner};
use world::Fate;

fn cases() -> u32 {
    std::env::var("RINGFENCE_CASES").ok().map_or(2_000, |text| {
        text.parse().expect("RINGFENCE_CASES is a number")
    })
}

fn fate() -> impl Strategy<Value = Fate> {
    (
        prop::option::weighted(0.2, 1..40_u64),
        prop::option::weighted(0.5, 2..20_u64),
        prop::option::weighted(0.3, prop::option::of(any::<usize>())),
    )
        .prop_map(|(cancel_after, crash_in, retry_from)| Fate {
            cancel_after,
            crash_in,
            retry_from,
        })
}

/// Tries so many histories on one of the threads, and gives the kinds of events that
/// were in them.
fn try_out(thread: u32, cases: u32) -> BTreeSet<String> {
    let usual = ProptestConfig::default();
    let rng_seed = match usual.rng_seed {
        // `PROPTEST_RNG_SEED`: each thread has its own histories still.
        RngSeed::Fixed(seed) => RngSeed::Fixed(seed.wrapping_add(thread.into())),
        RngSeed::Random => RngSeed::Random,
    };
    let mut runner = TestRunner::new(ProptestConfig {
        cases,
        rng_seed,
        failure_persistence: None,
        ..usual
    });
    let strategy = (shapes::workflow(), any::<u64>(), fate());
    let seen = RefCell::new(BTreeSet::new());
    runner
        .run(&strategy, |(shape, seed, fate)| {
            let plan = shapes::plan(&shape);
            let first = world::play(&plan, seed, fate);
            let again = world::play(&plan, seed, fate);
            let kinds = first
                .iter()
                .filter_map(|event| event.split([' ', '{']).next());
            seen.borrow_mut().extend(kinds.map(str::to_owned));
            prop_assert_eq!(first, again, "the same seed gives the same history");
            Ok(())
        })
        .unwrap();
    seen.into_inner()
}

#[test]
fn every_history_keeps_every_promise() {
    let cores = thread::available_parallelism().map_or(1, |cores| cores.get() as u32);
    let each = cases().div_ceil(cores);
    let seen: BTreeSet<String> = thread::scope(|scope| {
        let threads: Vec<_> = (0..cores)
            .map(|thread| scope.spawn(move || try_out(thread, each)))
            .collect();
        let seen = threads.into_iter().map(|thread| thread.join().unwrap());
        seen.flatten().collect()
    });
    let everything = [
        "ApprovalDecided",
        "ApprovalRequested",
        "AttemptEnded",
        "AttemptLost",
        "AttemptStarted",
        "Child",
        "ChildStarted",
        "FallbackChosen",
        "FinallyStarted",
        "ResultRecalled",
        "RetryScheduled",
        "RoundStarted",
        "RunEnded",
        "RunResumed",
        "RunRetried",
        "RunStarted",
        "RunStopping",
        "TaskEnded",
        "TaskExpanded",
    ];
    assert_eq!(
        seen,
        everything.map(str::to_owned).into(),
        "all of it was tried"
    );
}

/// One in ten steps the process dies.
const DIES_OFTEN: Fate = Fate {
    cancel_after: None,
    crash_in: Some(10),
    retry_from: None,
};

/// Two items of a map had been told to stop when the process died. The end of
/// the first stopped the second once more, of which nothing was left.
#[test]
fn what_was_told_to_stop_before_a_crash_is_not_stopped_again() {
    world::play(
        &shapes::plan(&shapes::hurried_map()),
        18_419_349_425_555_083_880,
        DIES_OFTEN,
    );
}

/// A refusal had ended a run inside while the fleet had already assigned another of
/// its tasks: the world of these tests let it go before that was given back, which the
/// engine does not.
#[test]
fn a_run_inside_is_let_go_of_when_it_has_given_all_back() {
    world::play(
        &shapes::plan(&shapes::hurried_runs_inside()),
        11_726_147_269_248_756_211,
        DIES_OFTEN,
    );
}
