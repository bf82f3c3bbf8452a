//! Who goes first, and how many at once, as stories under paused time.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod rig;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rig::{Events, Scripted, done, spec};
use ringfence_engine::{Clock, Host, HostConfig, RunHandle};
use ringfence_flow::{Limit, Limits, Role, RunEvent, RunEventKind, RunId, RunStatus, Timestamp};
use serde_json::json;

/// An agent that takes ten seconds for anything.
fn steady() -> Scripted {
    Scripted::default().agent("steady", "work", |_| {
        (Duration::from_secs(10), done(json!(1)))
    })
}

fn small_host(runner: Scripted, limits: Limits) -> Host {
    let config = HostConfig {
        capacity: 2,
        emergency_reserve: 1,
        limits,
        ..HostConfig::default()
    };
    let clock = Clock::starting_at(Timestamp::from_unix(Duration::from_secs(1_000_000)));
    Host::start(Arc::new(runner), config, clock)
}

async fn start(host: &Host, id: &str, keys: &str, count: u32, events: &Events) -> RunHandle {
    let workflow = format!(
        "version: 1\nname: w\n{keys}\ntasks:\n  a: {{ role: work, for_each: 'range({count})' }}\n"
    );
    let mut spec = spec(&workflow, json!({}), events);
    spec.id = RunId::new(id).unwrap();
    host.run(spec).await.unwrap()
}

/// When attempts of a run started, in seconds after `from`.
fn starts(events: &[RunEvent], run: &str, from: Timestamp) -> Vec<u64> {
    let of_run = |event: &&RunEvent| {
        event.run.as_str() == run && matches!(event.event, RunEventKind::AttemptStarted { .. })
    };
    events
        .iter()
        .filter(of_run)
        .map(|event| event.at.since(from).as_secs())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn an_emergency_overtakes_at_once_on_a_full_host() {
    let host = small_host(steady(), Limits::default());
    let (queue, burning) = (Events::default(), Events::default());
    let mut calm = start(&host, "calm", "", 20, &queue).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let now = host.clock().now();
    let mut urgent = start(&host, "urgent", "priority: emergency", 3, &burning).await;
    urgent.outcome().await.unwrap();
    let began = starts(&burning.lock().unwrap(), "urgent", now);
    assert_eq!(began[0], 0, "in the lane, although the host is full");
    assert_eq!(
        began[1..],
        [9, 9],
        "before the queue, as soon as there is room"
    );
    assert_eq!(calm.outcome().await.unwrap().status, RunStatus::Completed);
}

#[tokio::test(start_paused = true)]
async fn many_emergencies_do_not_starve_the_rest() {
    let host = small_host(steady(), Limits::default());
    let (queue, burning) = (Events::default(), Events::default());
    let mut urgent = start(&host, "urgent", "priority: emergency", 60, &burning).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let now = host.clock().now();
    let mut calm = start(&host, "calm", "priority: low", 3, &queue).await;
    calm.outcome().await.unwrap();
    let waited = starts(&queue.lock().unwrap(), "calm", now);
    assert!(waited[0] <= 20 && waited[2] <= 60, "{waited:?}");
    urgent.outcome().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_waits_long_enough_overtakes_what_is_more_urgent() {
    let host = small_host(steady(), Limits::default());
    let (low, critical) = (Events::default(), Events::default());
    // Two at a time, so that each of them is submitted when the last one ends.
    let stream = "version: 1\nname: w\npriority: critical\ntasks:\n  a: { role: work, for_each: { items: 'range(60)', concurrency: 2 } }\n";
    let mut spec = spec(stream, json!({}), &critical);
    spec.id = RunId::new("critical").unwrap();
    let mut first = host.run(spec).await.unwrap();
    let now = host.clock().now();
    let mut patient = start(&host, "low", "priority: low", 2, &low).await;
    patient.outcome().await.unwrap();
    let waited = starts(&low.lock().unwrap(), "low", now);
    assert_eq!(
        waited,
        [120, 120],
        "when it has waited as long as their head start"
    );
    first.outcome().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_rate_holds_over_all_runs() {
    let limit = Limit {
        concurrency: None,
        rate: Some("3/m".parse().unwrap()),
    };
    let limits = Limits {
        roles: [(Role::new("work").unwrap(), limit)].into(),
        ..Limits::default()
    };
    let host = small_host(steady(), limits);
    let events = Events::default();
    let now = host.clock().now();
    let mut one = start(&host, "one", "", 4, &events).await;
    let mut two = start(&host, "two", "", 4, &events).await;
    one.outcome().await.unwrap();
    two.outcome().await.unwrap();
    let events = events.lock().unwrap();
    let mut all = [starts(&events, "one", now), starts(&events, "two", now)].concat();
    all.sort_unstable();
    assert_eq!(all.len(), 8);
    assert!(all.windows(4).all(|w| w[3] - w[0] >= 60), "{all:?}");
    assert_eq!(all[3], 60, "and no later than it has to be");
}

#[tokio::test(start_paused = true)]
async fn a_rate_of_a_workflow_holds_in_its_runs() {
    let host = small_host(steady(), Limits::default());
    let events = Events::default();
    let now = host.clock().now();
    let limits = "limits: { agents: { steady: { rate: 1/m } } }";
    let mut limited = start(&host, "limited", limits, 3, &events).await;
    limited.outcome().await.unwrap();
    assert_eq!(
        starts(&events.lock().unwrap(), "limited", now),
        [0, 60, 120]
    );
}

#[tokio::test(start_paused = true)]
async fn no_slot_is_lost_whatever_ends_an_attempt() {
    let calls = Mutex::new(0);
    let agents = Scripted::default().agent("odd", "work", move |_| {
        let mut calls = calls.lock().unwrap();
        *calls += 1;
        let call = *calls;
        drop(calls);
        match call % 4 {
            0 => panic!("the host's own code fails"),
            1 => (Duration::from_secs(1), done(json!(1))),
            2 => (
                Duration::from_secs(1),
                rig::failed(ringfence_flow::FailureCode::TimedOut, "late"),
            ),
            _ => (Duration::from_secs(3_600), done(json!("stopped"))),
        }
    });
    let host = small_host(agents, Limits::default());
    for n in 0..8 {
        let events = Events::default();
        let keys =
            "defaults: { on_failure: continue, total_timeout: 5s, retry: { max_retries: 0 } }";
        let mut handle = start(&host, &format!("r{n}"), keys, 6, &events).await;
        if n % 2 == 0 {
            tokio::time::sleep(Duration::from_millis(500)).await;
            handle.cancel().await;
        }
        handle.outcome().await.unwrap();
        let busy: u32 = host
            .agents()
            .await
            .unwrap()
            .iter()
            .map(|load| load.running)
            .sum();
        assert_eq!(busy, 0, "after run {n}");
    }
}
