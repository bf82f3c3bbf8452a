//! Retries, timeouts and failed items, as stories under paused time.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod rig;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rig::{Scripted, done, ends, failed, run, second, status, took, value};
use ringfence_flow::{FailureCode, RunEvent, RunEventKind, RunStatus, TaskStatus};
use serde_json::json;

fn workflow(tasks: &str) -> String {
    format!("version: 1\nname: w\ntasks:\n{tasks}")
}

fn attempts(events: &[RunEvent]) -> usize {
    let started = |e: &&RunEvent| matches!(e.event, RunEventKind::AttemptStarted { .. });
    events.iter().filter(started).count()
}

/// An agent that fails with these codes in turn, and then succeeds.
fn failing(codes: &'static [FailureCode]) -> Scripted {
    Scripted::default().agent("flaky", "work", |request| {
        let result = match codes.get(request.attempt as usize - 1) {
            Some(code) => failed(*code, "drawn"),
            None => done(json!(request.attempt)),
        };
        (Duration::ZERO, result)
    })
}

#[tokio::test(start_paused = true)]
async fn the_backoff_doubles_up_to_its_cap() {
    use FailureCode::Transient as T;
    let workflow = workflow(
        "  a: { role: work, retry: { jitter: none, initial: 10s, factor: 3, max: 60s, max_retries: 5 } }\n",
    );
    let (outcome, events) = run(failing(&[T, T, T, T]), &workflow).await;
    assert_eq!(value(&outcome, "a"), json!(5));
    assert_eq!(took(&events), 10 + 30 + 60 + 60);
}

#[tokio::test(start_paused = true)]
async fn jitter_is_drawn_from_the_seed_and_below_the_backoff() {
    use FailureCode::Transient as T;
    let workflow = workflow("  a: { role: work, retry: { initial: 100s, max: 100s } }\n");
    let (_, first) = run(failing(&[T, T, T]), &workflow).await;
    let (_, again) = run(failing(&[T, T, T]), &workflow).await;
    assert_eq!(took(&first), took(&again), "the same seed waits the same");
    assert!((1..300).contains(&took(&first)), "{}", took(&first));
}

#[tokio::test(start_paused = true)]
async fn codes_have_policies_of_their_own() {
    use FailureCode::{TimedOut, Transient, Trap};
    let retry = "retry: { jitter: none, max_retries: 9, on: { timed-out: never, transient: { initial: 20s, max_retries: 2 } } }";
    let workflow = workflow(&format!("  a: {{ role: work, {retry} }}\n"));
    let (outcome, events) = run(failing(&[Trap, TimedOut]), &workflow).await;
    assert_eq!(outcome.failure.unwrap().code, TimedOut);
    assert_eq!((attempts(&events), took(&events)), (2, 1));
    let (outcome, events) = run(failing(&[Transient, Transient, Transient]), &workflow).await;
    assert_eq!(outcome.failure.unwrap().code, Transient);
    assert_eq!((attempts(&events), took(&events)), (3, 20 + 40));
}

#[tokio::test(start_paused = true)]
async fn output_that_is_none_can_be_asked_for_again() {
    use FailureCode::InvalidOutput;
    let named =
        workflow("  a: { role: work, retry: { on: { invalid-output: { max_retries: 1 } } } }\n");
    let (outcome, _) = run(failing(&[InvalidOutput]), &named).await;
    assert_eq!(outcome.status, RunStatus::Completed);
    let plain = workflow("  a: { role: work }\n");
    let (outcome, _) = run(failing(&[InvalidOutput]), &plain).await;
    assert_eq!(outcome.failure.unwrap().code, InvalidOutput);
}

/// An outage: every attempt of 40 items fails.
async fn outage(budget: &str) -> (usize, String) {
    let down = Scripted::default().agent("down", "work", |_| {
        (Duration::ZERO, failed(FailureCode::Transient, "down"))
    });
    let text = format!(
        "version: 1\nname: w\n{budget}tasks:\n  a: {{ role: work, for_each: {{ items: 'range(40)', on_item_failure: fail_at_end }} }}\n"
    );
    let (outcome, events) = run(down, &text).await;
    (
        attempts(&events),
        outcome.failure.unwrap().message.to_string(),
    )
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_not_multiplied_beyond_the_runs_retry_budget() {
    let (attempts, message) = outage("retry_budget: 7\n").await;
    assert_eq!(attempts, 40 + 7);
    assert_eq!(
        message,
        "down\nhint: not tried again, as the run has had 7 retries; `retry_budget` allows more"
    );
    let (attempts, _) = outage("retry_budget: { at_least: 0, ratio: 0.25 }\n").await;
    assert_eq!(attempts, 40 + 10);
    let (attempts, message) = outage("retry_budget: 1000\n").await;
    assert_eq!(
        (attempts, message.as_str()),
        (40 * 4, "down"),
        "enough for all"
    );
}

/// One agent with four instances that takes a minute.
fn slow() -> Scripted {
    Scripted::default().agent("slow", "work", |_| {
        (Duration::from_secs(60), done(json!("late")))
    })
}

#[tokio::test(start_paused = true)]
async fn a_task_waits_for_an_agent_no_longer_than_its_start_timeout() {
    let tasks = "  first: { role: work, for_each: 'range(4)' }\n  next: { role: work, start_timeout: 10s, on_failure: continue }\n";
    let (outcome, events) = run(slow(), &workflow(tasks)).await;
    let next = events.iter().find_map(|event| match &event.event {
        RunEventKind::TaskEnded {
            key,
            failure: Some(failure),
            ..
        } if key.task.as_str() == "next" => {
            Some((event.at.since(events[0].at).as_secs(), failure.to_string()))
        }
        _ => None,
    });
    let said = "start-timed-out: no agent was free within 10 s".to_owned();
    assert_eq!(next, Some((10, said)));
    assert_eq!(status(&outcome, "first"), TaskStatus::Completed);
    let enough = tasks.replace("10s", "61s");
    let (outcome, _) = run(slow(), &workflow(&enough)).await;
    assert_eq!(status(&outcome, "next"), TaskStatus::Completed);
}

#[tokio::test(start_paused = true)]
async fn a_fallback_takes_over_when_nobody_is_free() {
    let agents = slow().agent("spare", "work", |_| second(done(json!("spared"))));
    let tasks = "  first: { role: work, agent: slow, for_each: 'range(4)' }\n  next: { role: work, agent: slow, fallback: [spare], start_timeout: 10s }\n";
    let (outcome, _) = run(agents, &workflow(tasks)).await;
    assert_eq!(value(&outcome, "next"), json!("spared"));
}

#[tokio::test(start_paused = true)]
async fn all_attempts_together_take_no_longer_than_the_total_timeout() {
    let cases = [
        // In the middle of an attempt.
        ("total_timeout: 30s", slow(), 30),
        // In the middle of a backoff.
        (
            "total_timeout: 30s, retry: { initial: 50s, jitter: none }",
            failing(&[FailureCode::Transient]),
            30,
        ),
    ];
    for (keys, agents, seconds) in cases {
        let tasks = format!("  a: {{ role: work, {keys} }}\n");
        let (outcome, events) = run(agents, &workflow(&tasks)).await;
        assert_eq!(
            outcome.failure.unwrap().code,
            FailureCode::TotalTimedOut,
            "{keys}"
        );
        assert_eq!(took(&events), seconds, "{keys}");
    }
    let tasks = "  a: { role: work, total_timeout: 61s }\n";
    let (outcome, _) = run(slow(), &workflow(tasks)).await;
    assert_eq!(outcome.status, RunStatus::Completed);
}

#[tokio::test(start_paused = true)]
async fn an_agent_is_told_how_much_is_left_of_all_attempts() {
    let agents = Scripted::default().agent("flaky", "work", |request| {
        let left = request.time_left.as_secs();
        match request.attempt {
            1 => (
                Duration::from_secs(5),
                failed(FailureCode::Transient, "once"),
            ),
            _ => second(done(json!(left))),
        }
    });
    let tasks = "  a: { role: work, total_timeout: 20s, retry: { jitter: none } }\n";
    let (outcome, _) = run(agents, &workflow(tasks)).await;
    assert_eq!(value(&outcome, "a"), json!(20 - 5 - 1));
}

/// Items 0 to 5, of which 1 fails after a second; the others take a minute,
/// but for 0, which is quick.
fn items() -> (Scripted, Arc<AtomicU32>) {
    let calls = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&calls);
    let agents = Scripted::default()
        .agent("mapper", "map", move |request| {
            counted.fetch_add(1, Ordering::Relaxed);
            match request.input.to_value().as_u64() {
                Some(0) => (Duration::ZERO, done(json!(0))),
                Some(1) => second(failed(FailureCode::Permanent, "one")),
                other => (Duration::from_secs(60), done(json!(other))),
            }
        })
        .agent("reader", "read", |request| {
            second(done(request.needs[0].output.value.to_value()))
        });
    (agents, calls)
}

fn map(choice: &str, on_failure: &str) -> String {
    workflow(&format!(
        "  m: {{ role: map, for_each: {{ items: 'range(6)', on_item_failure: {choice} }}, on_failure: {on_failure} }}\n  r: {{ role: read, needs: [m] }}\n"
    ))
}

#[tokio::test(start_paused = true)]
async fn fail_fast_stops_the_other_items_and_lets_the_run_go_on() {
    let (agents, calls) = items();
    let (outcome, events) = run(agents, &map("fail_fast", "continue")).await;
    assert_eq!(outcome.status, RunStatus::Completed);
    assert_eq!(status(&outcome, "m"), TaskStatus::Failed);
    assert_eq!(took(&events), 1 + 1, "nobody waits a minute");
    assert_eq!(
        value(&outcome, "r"),
        json!([0, null, null, null, null, null])
    );
    assert!(calls.load(Ordering::Relaxed) < 6, "not all were started");
}

#[tokio::test(start_paused = true)]
async fn fail_at_end_lets_the_others_end_first() {
    let (agents, calls) = items();
    let (outcome, events) = run(agents, &map("fail_at_end", "fail")).await;
    assert_eq!(outcome.status, RunStatus::Failed);
    assert_eq!(outcome.failure.unwrap().to_string(), "permanent: one");
    assert_eq!(calls.load(Ordering::Relaxed), 6);
    let items = ends(&events)
        .iter()
        .filter(|(key, _)| key.starts_with("m["))
        .count();
    assert_eq!(items, 6);
}

#[tokio::test(start_paused = true)]
async fn null_and_drop_let_the_task_complete() {
    for (choice, merged) in [
        ("null_item", json!([0, null, 2, 3, 4, 5])),
        ("drop_item", json!([0, 2, 3, 4, 5])),
    ] {
        let (agents, _) = items();
        let (outcome, _) = run(agents, &map(choice, "fail")).await;
        assert_eq!(outcome.status, RunStatus::Completed, "{choice}");
        assert_eq!(status(&outcome, "m"), TaskStatus::Completed, "{choice}");
        assert_eq!(value(&outcome, "r"), merged, "{choice}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_default_follows_from_on_failure() {
    let workflow = |on_failure| map("x", on_failure).replace(", on_item_failure: x", "");
    let (agents, _) = items();
    let (outcome, events) = run(agents, &workflow("fail")).await;
    assert_eq!((outcome.status, took(&events)), (RunStatus::Failed, 1));
    let (agents, calls) = items();
    let (outcome, _) = run(agents, &workflow("continue")).await;
    assert_eq!(outcome.status, RunStatus::Completed);
    assert_eq!(
        calls.load(Ordering::Relaxed),
        6,
        "positions stay, and all are tried"
    );
    assert_eq!(value(&outcome, "r"), json!([0, null, 2, 3, 4, 5]));
}
