//! The circuit breaker of an agent, as stories under paused time.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod rig;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rig::{Events, Scripted, done, failed, host, spec, took};
use ringfence_engine::Host;
use ringfence_flow::{AttemptResult, BreakerState, FailureCode, RunEvent, RunEventKind, RunId};
use serde_json::json;

/// An agent that fails until it has been called so often.
fn mending_after(calls: u32) -> (Scripted, Arc<AtomicU32>) {
    let called = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&called);
    let agents = Scripted::default().agent("flaky", "work", move |_| {
        let result: AttemptResult = match counted.fetch_add(1, Ordering::Relaxed) {
            n if n < calls => failed(FailureCode::Trap, "broken"),
            _ => done(json!("mended")),
        };
        (Duration::from_millis(10), result)
    });
    (agents, called)
}

fn workflow(keys: &str) -> String {
    format!("version: 1\nname: w\ntasks:\n  a: {{ role: work, {keys} }}\n")
}

async fn run(host: &Host, id: &str, workflow: &str) -> Vec<RunEvent> {
    let events = Events::default();
    let mut spec = spec(workflow, json!({}), &events);
    spec.id = RunId::new(id).unwrap();
    host.run(spec).await.unwrap().outcome().await.unwrap();
    std::mem::take(&mut *events.lock().unwrap())
}

async fn state(host: &Host) -> BreakerState {
    host.agents().await.unwrap()[0].breaker
}

#[tokio::test(start_paused = true)]
async fn failures_in_a_row_open_it_over_all_runs_of_a_host() {
    let (agents, called) = mending_after(u32::MAX);
    let host = host(agents);
    let once = workflow("retry: { max_retries: 0 }");
    for n in 0..4 {
        run(&host, &format!("r{n}"), &once).await;
        assert_eq!(state(&host).await, BreakerState::Closed);
    }
    run(&host, "r4", &once).await;
    assert!(
        matches!(state(&host).await, BreakerState::Open { .. }),
        "five"
    );
    let events = run(&host, "r5", &once).await;
    assert_eq!(took(&events), 60, "the sixth waits for the rest to end");
    assert_eq!(called.load(Ordering::Relaxed), 6);
}

#[tokio::test(start_paused = true)]
async fn one_probe_goes_and_the_rest_follow_when_it_succeeds() {
    let (agents, called) = mending_after(5);
    let host = host(agents);
    let many = workflow("retry: { max_retries: 5, initial: 1ms }, for_each: 'range(8)'");
    let events = run(&host, "r", &many).await;
    let opened = events.iter().position(|event| {
        let moved = |state: &BreakerState| matches!(state, BreakerState::Open { .. });
        matches!(&event.event, RunEventKind::BreakerMoved { state, .. } if moved(state))
    });
    let after = &events[opened.unwrap()..];
    let started = |event: &&RunEvent| matches!(event.event, RunEventKind::AttemptStarted { .. });
    let rest = events[opened.unwrap()].at;
    let starts: Vec<_> = after
        .iter()
        .filter(started)
        .map(|event| event.at.since(rest))
        .collect();
    assert!(starts[0] >= Duration::from_secs(60), "{starts:?}");
    let alone = starts
        .iter()
        .filter(|at| **at < starts[0] + Duration::from_millis(10))
        .count();
    assert_eq!(alone, 1, "one probe, and the others wait for its end");
    assert_eq!(state(&host).await, BreakerState::Closed);
    assert!(called.load(Ordering::Relaxed) >= 13);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_fails_means_another_rest() {
    let (agents, _) = mending_after(6);
    let host = host(agents);
    let patient = workflow("retry: { max_retries: 9, initial: 1ms, jitter: none }");
    let events = run(&host, "r", &patient).await;
    assert_eq!(took(&events), 2 * 60);
}

#[tokio::test(start_paused = true)]
async fn with_a_fallback_nobody_waits_for_the_probe() {
    let (agents, _) = mending_after(u32::MAX);
    let agents = agents.agent("spare", "work", |_| {
        (Duration::from_millis(10), done(json!("spared")))
    });
    let host = host(agents);
    let once = workflow("agent: flaky, retry: { max_retries: 0 }, on_failure: continue");
    for n in 0..5 {
        run(&host, &format!("r{n}"), &once).await;
    }
    let events = run(&host, "last", &workflow("agent: flaky, fallback: [spare]")).await;
    assert_eq!(took(&events), 0, "at once");
    let chosen = events.iter().find_map(|event| match &event.event {
        RunEventKind::FallbackChosen { after, .. } => Some(after.code),
        _ => None,
    });
    assert_eq!(chosen, Some(FailureCode::CircuitOpen));
}

#[tokio::test(start_paused = true)]
async fn what_is_the_inputs_fault_opens_nothing() {
    let agents = Scripted::default().agent("picky", "work", |_| {
        (
            Duration::ZERO,
            failed(FailureCode::InvalidInput, "not this"),
        )
    });
    let host = host(agents);
    for n in 0..20 {
        run(
            &host,
            &format!("r{n}"),
            &workflow("retry: { max_retries: 0 }"),
        )
        .await;
    }
    assert_eq!(state(&host).await, BreakerState::Closed);
}
