//! How many instances of a map wait for their first agent at once.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use ringfence_flow::{
    AgentName, AttemptResult, Budgets, Effect, Failure, FailureCode, InstanceRef, Json, Output,
    Run, RunId, RunInput, RunOptions, RunStatus, StopReason, Timestamp, Usage, WorkflowFile,
};

const ITEMS: usize = 3_000;
const LONGEST_LINE: usize = 1_024;

/// A run of one task, which is a map.
struct Map {
    run: Run,
    now: u64,
    waiting: BTreeSet<InstanceRef>,
}

impl Map {
    fn new(more: &str) -> Self {
        let text = format!("version: 1\nname: map\ntasks:\n  each: {{ role: any, {more} }}\n");
        let file = WorkflowFile::parse("map.yaml", &text).unwrap();
        let options = RunOptions {
            inputs: Json::parse("{}").unwrap(),
            seed: 7,
            budgets: Budgets::default(),
            ceiling: Budgets::default(),
            outer_deadline: None,
        };
        let id = RunId::new("r-1").unwrap();
        let mut map = Self {
            run: Run::new(id, Arc::new(file.into_plan()), options),
            now: 0,
            waiting: BTreeSet::new(),
        };
        map.tell(RunInput::Start);
        map
    }

    fn tell(&mut self, input: RunInput) {
        self.now += 1;
        let now = Timestamp::from_unix(Duration::from_millis(self.now));
        for effect in self.run.handle(now, input) {
            match effect {
                Effect::Submit { at, .. } => assert!(self.waiting.insert(at), "{at:?} twice"),
                Effect::Withdraw { at } => assert!(self.waiting.remove(&at), "{at:?}"),
                Effect::Execute { .. } | Effect::Emit(_) | Effect::Stop { .. } => {}
                other => panic!("nothing asks for {other:?}"),
            }
        }
    }

    /// Gives an agent to the first that waits.
    fn assign(&mut self) -> InstanceRef {
        let at = self.waiting.pop_first().unwrap();
        let agent = AgentName::new("any").unwrap();
        self.tell(RunInput::Assigned { at, agent });
        at
    }

    fn end(&mut self, at: InstanceRef, result: AttemptResult) {
        self.tell(RunInput::AttemptEnded {
            at,
            result,
            usage: Usage::default(),
        });
    }
}

fn all() -> String {
    format!("for_each: 'range({ITEMS})'")
}

fn completed() -> AttemptResult {
    AttemptResult::Completed(Output::of(Json::null()))
}

#[test]
fn so_many_wait_and_the_next_takes_the_place_of_one_that_has_its_agent() {
    let mut map = Map::new(&all());
    assert_eq!(map.waiting.len(), LONGEST_LINE);
    let first = map.assign();
    assert_eq!(map.waiting.len(), LONGEST_LINE);
    map.end(first, completed());
    assert_eq!(map.waiting.len(), LONGEST_LINE);
}

#[test]
fn all_items_have_their_turn() {
    let mut map = Map::new(&all());
    let mut ended = 0;
    while !map.waiting.is_empty() {
        let at = map.assign();
        map.end(at, completed());
        ended += 1;
    }
    assert_eq!(ended, ITEMS);
    assert_eq!(map.run.status(), Some(RunStatus::Completed));
}

#[test]
fn a_retry_takes_no_place_in_the_line() {
    let mut map = Map::new(&format!(
        "{}, retry: {{ max_retries: 1, initial: 1ms, jitter: none }}",
        all()
    ));
    let at = map.assign();
    let failure = Failure::new(FailureCode::Transient, "not now");
    map.end(at, AttemptResult::Failed(failure));
    map.now += 1_000;
    map.tell(RunInput::Tick);
    assert!(map.waiting.contains(&at));
    assert_eq!(map.waiting.len(), LONGEST_LINE + 1);
}

#[test]
fn one_that_goes_to_a_fallback_takes_no_place_in_the_line() {
    let mut map = Map::new(&format!("{}, fallback: [other]", all()));
    let at = *map.waiting.first().unwrap();
    map.waiting.remove(&at);
    map.tell(RunInput::Refused {
        at,
        agent: None,
        failure: Failure::new(FailureCode::CircuitOpen, "it rests"),
    });
    assert!(map.waiting.contains(&at));
    assert_eq!(map.waiting.len(), LONGEST_LINE + 1);
}

#[test]
fn where_the_wait_is_timed_it_begins_for_all_at_once() {
    for timeout in ["start_timeout", "total_timeout"] {
        let map = Map::new(&format!("{}, {timeout}: 1h", all()));
        assert_eq!(map.waiting.len(), ITEMS, "{timeout}");
    }
}

#[test]
fn a_maps_own_limit_is_kept_below_the_line() {
    let mut map = Map::new(&all());
    for _ in 0..LONGEST_LINE {
        map.assign();
    }
    assert_eq!(map.waiting.len(), LONGEST_LINE);
    let mut limited = Map::new(&format!(
        "for_each: {{ items: 'range({ITEMS})', concurrency: 2 }}"
    ));
    assert_eq!(limited.waiting.len(), 2);
    limited.assign();
    assert_eq!(limited.waiting.len(), 1);
}

#[test]
fn what_never_was_in_line_ends_with_the_run() {
    let mut map = Map::new(&all());
    let at = map.assign();
    map.tell(RunInput::Stop(StopReason::Cancelled));
    assert!(map.waiting.is_empty());
    let failure = Failure::new(FailureCode::Cancelled, "the run was cancelled");
    map.end(at, AttemptResult::Failed(failure));
    assert_eq!(map.run.status(), Some(RunStatus::Cancelled));
}
