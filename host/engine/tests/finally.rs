//! What runs whatever happened, under paused time.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod rig;

use std::time::Duration;

use rig::{Events, Scripted, done, ends, failed, host, run, second, spec, status, took, value};
use ringfence_flow::{AttemptResult, FailureCode, RunEventKind, RunStatus, TaskStatus};
use serde_json::json;

/// An agent that does as its input says, and one that cleans up.
fn agents() -> Scripted {
    Scripted::default()
        .agent("worker", "work", |request| {
            match request.input.to_value()["do"].as_str() {
                Some("fail") => second(failed(FailureCode::Permanent, "broken")),
                Some("spin") => (Duration::from_secs(3600), done(json!("late"))),
                _ => second(done(json!("fine"))),
            }
        })
        .agent("cleaner", "clean", |request| {
            second(done(request.input.to_value()))
        })
}

const WORKFLOW: &str = "
version: 1
name: job
tasks:
  a: { role: work, input: { do: 'WHAT' } }
  b: { role: work, needs: [a] }
finally:
  tell:
    role: clean
    needs: [clean]
    input: { run: '${{ run.status }}', why: '${{ run.failure.code }}', a: '${{ tasks.a.status }}', b: '${{ tasks.b.status }}' }
  clean: { role: clean }
";

#[tokio::test(start_paused = true)]
async fn they_run_after_a_run_that_completed() {
    let workflow = WORKFLOW
        .replace("WHAT", "well")
        .replace("why: '${{ run.failure.code }}', ", "");
    let (outcome, events) = run(agents(), &workflow).await;
    assert_eq!(outcome.status, RunStatus::Completed);
    let order: Vec<_> = ends(&events).into_iter().map(|(task, _)| task).collect();
    assert_eq!(order, ["a", "b", "clean", "tell"]);
    assert_eq!(
        value(&outcome, "tell"),
        json!({ "run": "completed", "a": "completed", "b": "completed" })
    );
    assert_eq!(
        outcome.output.unwrap().to_value(),
        json!({ "b": "fine" }),
        "not theirs"
    );
}

#[tokio::test(start_paused = true)]
async fn they_run_after_a_run_that_failed_and_see_why() {
    let (outcome, _) = run(agents(), &WORKFLOW.replace("WHAT", "fail")).await;
    assert_eq!(outcome.status, RunStatus::Failed);
    assert_eq!(outcome.task.as_ref().unwrap().as_str(), "a");
    assert_eq!(outcome.output, None);
    assert_eq!(
        value(&outcome, "tell"),
        json!({ "run": "failed", "why": "permanent", "a": "failed", "b": "cancelled" })
    );
}

#[tokio::test(start_paused = true)]
async fn they_run_after_a_run_that_was_cancelled() {
    let events = Events::default();
    let host = host(agents());
    let workflow = WORKFLOW.replace("WHAT", "spin");
    let mut handle = host.run(spec(&workflow, json!({}), &events)).await.unwrap();
    handle.cancel().await;
    let outcome = handle.outcome().await.unwrap();
    assert_eq!(outcome.status, RunStatus::Cancelled);
    assert_eq!(value(&outcome, "tell")["run"], "cancelled");
    assert_eq!(took(&events.lock().unwrap()), 2, "at once, and then theirs");
}

#[tokio::test(start_paused = true)]
async fn they_run_after_the_deadline() {
    let workflow = WORKFLOW
        .replace("WHAT", "spin")
        .replace("tasks:\n", "deadline: 5s\ntasks:\n");
    let (outcome, events) = run(agents(), &workflow).await;
    assert_eq!(
        outcome.failure.as_ref().unwrap().code,
        FailureCode::Deadline
    );
    assert_eq!(status(&outcome, "tell"), TaskStatus::Completed);
    assert_eq!(took(&events), 5 + 2);
}

#[tokio::test(start_paused = true)]
async fn a_second_cancel_stops_them_too_and_changes_no_verdict() {
    let events = Events::default();
    let workflow = "version: 1\nname: job\ntasks:\n  a: { role: work, input: { do: fail } }\nfinally:\n  slow: { role: work, input: { do: spin } }\n";
    let host = host(agents());
    let mut handle = host.run(spec(workflow, json!({}), &events)).await.unwrap();
    let started = |events: &Events| {
        let started = |e: &RunEventKind| matches!(e, RunEventKind::FinallyStarted { .. });
        events
            .lock()
            .unwrap()
            .iter()
            .any(|event| started(&event.event))
    };
    while !started(&events) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    handle.cancel().await;
    let outcome = handle.outcome().await.unwrap();
    assert_eq!(status(&outcome, "slow"), TaskStatus::Cancelled);
    assert_eq!(outcome.status, RunStatus::Failed, "`a` failed before");
}

#[tokio::test(start_paused = true)]
async fn one_that_fails_fails_the_run_and_keeps_no_other_from_running() {
    let workflow = "version: 1\nname: job\ntasks:\n  a: { role: work }\nfinally:\n  bad: { role: work, input: { do: fail } }\n  after: { role: work, needs: [bad] }\n  good: { role: work }\n";
    let (outcome, _) = run(agents(), workflow).await;
    assert_eq!(outcome.status, RunStatus::Failed);
    assert_eq!(outcome.task.as_ref().unwrap().as_str(), "bad");
    for task in ["after", "good"] {
        let (found, _) = outcome
            .results
            .get(&ringfence_flow::TaskId::new(task).unwrap())
            .unwrap();
        assert_eq!(found, TaskStatus::Completed, "{task}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_skipped_does_not_skip_them() {
    let workflow = "version: 1\nname: job\ntasks:\n  a: { role: work, input: { do: fail }, on_failure: skip_dependents }\nfinally:\n  see: { role: clean, needs: [a], input: '${{ tasks.a.status }}' }\n";
    let (outcome, _) = run(agents(), workflow).await;
    assert_eq!(outcome.status, RunStatus::Completed);
    assert_eq!(value(&outcome, "see"), json!("failed"));
}

#[tokio::test(start_paused = true)]
async fn a_rejection_is_told_from_a_failure() {
    let agents = agents().agent("gate", "gate", |_| {
        second(AttemptResult::Rejected(ringfence_flow::Rejection {
            reason: "no".into(),
            findings: [].into(),
        }))
    });
    let workflow = "version: 1\nname: job\ntasks:\n  g: { role: gate }\nfinally:\n  see: { role: clean, input: '${{ run.status }}' }\n";
    let (outcome, _) = run(agents, workflow).await;
    assert_eq!(outcome.status, RunStatus::Rejected);
    assert_eq!(value(&outcome, "see"), json!("rejected"));
}
