//! Tasks that take an earlier result, under paused time.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod rig;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rig::{Events, Scripted, done, failed, host, second, spec, value};
use ringfence_engine::{Host, MemoryArtifacts, MemoryResults, RunOutcome};
use ringfence_flow::{
    Artifact, ArtifactStore, AttemptResult, ContentHash, FailureCode, Output, RunEvent,
    RunEventKind, RunId, TaskId,
};
use serde_json::json;

/// An agent that counts how often it is executed.
fn counting(calls: &Arc<AtomicU32>) -> Scripted {
    let calls = Arc::clone(calls);
    Scripted::default().agent("counter", "count", move |request| {
        let call = calls.fetch_add(1, Ordering::Relaxed) + 1;
        match request.input.to_value()["fail"].as_bool() {
            Some(true) => second(failed(FailureCode::Permanent, "broken")),
            _ => second(done(json!({ "call": call }))),
        }
    })
}

async fn run(
    host: &Host,
    id: &str,
    workflow: &str,
    with: impl Fn(&mut ringfence_engine::RunSpec),
) -> (RunOutcome, Vec<RunEvent>) {
    let events = Events::default();
    let mut spec = spec(workflow, json!({}), &events);
    spec.id = RunId::new(id).unwrap();
    with(&mut spec);
    let outcome = host.run(spec).await.unwrap().outcome().await.unwrap();
    let events = std::mem::take(&mut *events.lock().unwrap());
    (outcome, events)
}

fn recalled(events: &[RunEvent]) -> Vec<(String, String)> {
    let from = |event: &RunEvent| match &event.event {
        RunEventKind::ResultRecalled { key, from, .. } => Some((key.to_string(), from.to_string())),
        _ => None,
    };
    events.iter().filter_map(from).collect()
}

fn workflow(task: &str) -> String {
    format!("version: 1\nname: w\ntasks:\n  a: {{ role: count, cache: true, {task} }}\n")
}

#[tokio::test(start_paused = true)]
async fn the_same_again_is_recalled_and_says_so() {
    let calls = Arc::default();
    let host = host(counting(&calls));
    let workflow = workflow("input: { n: 1 }");
    let (first, events) = run(&host, "one", &workflow, |_| {}).await;
    assert_eq!(recalled(&events), []);
    let (second, events) = run(&host, "two", &workflow, |_| {}).await;
    assert_eq!(recalled(&events), [("a".to_owned(), "one".to_owned())]);
    assert_eq!(value(&first, "a"), value(&second, "a"));
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    let started = |e: &RunEvent| matches!(e.event, RunEventKind::AttemptStarted { .. });
    assert!(!events.iter().any(started), "no attempt is made");
}

#[tokio::test(start_paused = true)]
async fn what_differs_is_done_anew() {
    let calls = Arc::default();
    let host = host(counting(&calls));
    let base = workflow("input: { n: 1 }");
    run(&host, "base", &base, |_| {}).await;
    for (id, other) in [
        ("input", workflow("input: { n: 2 }")),
        ("task", base.replace("  a:", "  b:")),
        ("plain", base.replace("cache: true, ", "")),
    ] {
        let before = calls.load(Ordering::Relaxed);
        let (_, events) = run(&host, id, &other, |_| {}).await;
        assert_eq!(recalled(&events), [], "{id}");
        assert_eq!(calls.load(Ordering::Relaxed), before + 1, "{id}");
    }
}

#[tokio::test(start_paused = true)]
async fn another_version_of_the_agent_starts_anew() {
    let (calls, results) = (Arc::default(), Arc::new(MemoryResults::default()));
    for (id, hash) in [("old", 7), ("new", 8)] {
        let mut agents = counting(&calls);
        for (profile, _) in agents.agents.values_mut() {
            Arc::make_mut(profile).hash = ContentHash::from_bytes([hash; 32]);
        }
        let host = host(agents);
        let store = Arc::clone(&results);
        run(&host, id, &workflow("input: { n: 1 }"), |spec| {
            spec.results = Some(store.clone());
        })
        .await;
    }
    assert_eq!(calls.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn failures_are_not_kept() {
    let calls = Arc::default();
    let host = host(counting(&calls));
    let workflow = workflow("input: { fail: true }");
    for id in ["one", "two"] {
        let (outcome, events) = run(&host, id, &workflow, |_| {}).await;
        assert!(outcome.failure.is_some());
        assert_eq!(recalled(&events), []);
    }
    assert_eq!(calls.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn the_artifacts_come_with_the_result() {
    let content: Arc<[u8]> = b"patch".as_slice().into();
    let made = MemoryArtifacts::default();
    let sha256 = made.put(Arc::clone(&content)).await.unwrap();
    let artifact = Artifact {
        name: "fixes.patch".into(),
        media_type: "text/x-diff".into(),
        sha256,
        size: 5,
    };
    let agents = Scripted::default().agent("maker", "count", move |_| {
        second(AttemptResult::Completed(Output {
            artifacts: [artifact.clone()].into(),
            ..Output::default()
        }))
    });
    let host = host(agents);
    let made = Arc::new(made);
    run(&host, "one", &workflow("input: {}"), |spec| {
        spec.artifacts = made.clone();
    })
    .await;
    let fresh = Arc::new(MemoryArtifacts::default());
    let (outcome, events) = run(&host, "two", &workflow("input: {}"), |spec| {
        spec.artifacts = fresh.clone();
    })
    .await;
    assert_eq!(recalled(&events).len(), 1);
    let (_, output) = outcome.results.get(&TaskId::new("a").unwrap()).unwrap();
    assert_eq!(
        fresh.get(output.artifacts[0].sha256).await.unwrap(),
        content
    );
}

#[tokio::test(start_paused = true)]
async fn items_are_recalled_one_by_one_wherever_they_stand() {
    let calls = Arc::default();
    let host = host(counting(&calls));
    let map = |items: &str| workflow(&format!("for_each: '{items}'"));
    run(&host, "one", &map("[1, 2]"), |_| {}).await;
    let (_, events) = run(&host, "two", &map("[2, 3, 1]"), |_| {}).await;
    let keys: Vec<_> = recalled(&events).into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["a[0]", "a[2]"]);
    assert_eq!(calls.load(Ordering::Relaxed), 3);
}

#[tokio::test(start_paused = true)]
async fn a_full_store_drops_the_oldest_and_keeps_its_limit() {
    let calls = Arc::default();
    let host = host(counting(&calls));
    // Room for one result of about a hundred bytes.
    let small = Arc::new(MemoryResults::with_limit(ringfence_flow::ByteSize::bytes(
        150,
    )));
    let task = |n: u32| workflow(&format!("input: {{ n: {n} }}"));
    for (id, n) in [("a", 1), ("b", 2), ("c", 2), ("d", 1)] {
        run(&host, id, &task(n), |spec| {
            spec.results = Some(small.clone());
        })
        .await;
    }
    assert_eq!(
        calls.load(Ordering::Relaxed),
        3,
        "of 1, 2, 2, 1 the second 2 was there"
    );
}
