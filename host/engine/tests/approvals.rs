//! Tasks that wait for a person, under paused time.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod rig;

use std::time::Duration;

use rig::{Events, Files, Scripted, done, host, plan, second, spec, spec_of, status, took, value};
use ringfence_engine::{DecideError, RunHandle};
use ringfence_flow::{
    Decision, FailureCode, RunEvent, RunEventKind, RunStatus, TaskPath, TaskStatus,
};
use serde_json::json;

fn dev() -> Scripted {
    Scripted::default().agent("dev", "developer", |request| {
        let told: Vec<_> = request
            .feedback
            .iter()
            .map(|f| f.message.to_string())
            .collect();
        second(done(json!({ "round": request.round, "told": told })))
    })
}

const RELEASE: &str = "
version: 1
name: release
tasks:
  fix: { role: developer }
  release:
    needs: [fix]
    approve: { message: 'Release round ${{ tasks.fix.output.round }}?', TIMEOUT }
    on_reject: { redo_from: fix, max_rounds: 2 }
  ship: { role: developer, needs: [release] }
";

fn release(timeout: &str) -> String {
    RELEASE.replace(", TIMEOUT", timeout)
}

/// Waits until so many questions have been asked, and gives them.
async fn asked(events: &Events, count: usize) -> Vec<String> {
    loop {
        let questions: Vec<_> = events.lock().unwrap().iter().filter_map(question).collect();
        if questions.len() >= count {
            return questions;
        }
        // Paused time moves on as soon as nothing else can happen.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

fn question(event: &RunEvent) -> Option<String> {
    fn of(event: &RunEventKind) -> Option<String> {
        match event {
            RunEventKind::ApprovalRequested { message, .. } => Some(message.to_string()),
            RunEventKind::Child { event, .. } => of(event),
            _ => None,
        }
    }
    of(&event.event)
}

async fn decide(handle: &RunHandle, task: &str, approved: bool) -> Result<(), DecideError> {
    let decision = Decision::of("ada", approved, Some("as it is"));
    handle
        .control()
        .decide(task.parse().unwrap(), decision)
        .await
}

#[tokio::test(start_paused = true)]
async fn what_a_person_approves_goes_on() {
    let events = Events::default();
    let host = host(dev());
    let mut handle = host
        .run(spec(&release(""), json!({}), &events))
        .await
        .unwrap();
    assert_eq!(asked(&events, 1).await, ["Release round 1?"]);
    decide(&handle, "release", true).await.unwrap();
    let outcome = handle.outcome().await.unwrap();
    assert_eq!(outcome.status, RunStatus::Completed);
    assert_eq!(
        value(&outcome, "release"),
        json!({ "note": "as it is", "by": "ada" })
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_person_rejects_goes_back_with_the_note() {
    let events = Events::default();
    let host = host(dev());
    let mut handle = host
        .run(spec(&release(""), json!({}), &events))
        .await
        .unwrap();
    asked(&events, 1).await;
    decide(&handle, "release", false).await.unwrap();
    assert_eq!(asked(&events, 2).await[1], "Release round 2?");
    decide(&handle, "release", true).await.unwrap();
    let outcome = handle.outcome().await.unwrap();
    assert_eq!(
        value(&outcome, "fix"),
        json!({ "round": 2, "told": ["as it is"] })
    );
    assert_eq!(outcome.status, RunStatus::Completed);
}

#[tokio::test(start_paused = true)]
async fn the_last_rejection_ends_the_run_with_the_note() {
    let events = Events::default();
    let host = host(dev());
    let mut handle = host
        .run(spec(&release(""), json!({}), &events))
        .await
        .unwrap();
    for round in 1..=2 {
        asked(&events, round).await;
        decide(&handle, "release", false).await.unwrap();
    }
    let outcome = handle.outcome().await.unwrap();
    assert_eq!(outcome.status, RunStatus::Rejected);
    assert_eq!(
        &*outcome.failure.as_ref().unwrap().message,
        "`release` rejected in the last of 2 rounds: as it is\nhigh: as it is (approval)"
    );
}

#[tokio::test(start_paused = true)]
async fn a_person_who_does_not_answer_is_not_waited_for_longer_than_said() {
    let ways = [
        ("fail", RunStatus::Failed, TaskStatus::Failed, 60 + 1),
        (
            "approve",
            RunStatus::Completed,
            TaskStatus::Completed,
            60 + 2,
        ),
        (
            "reject",
            RunStatus::Rejected,
            TaskStatus::Rejected,
            2 * 60 + 2,
        ),
    ];
    for (word, run, task, seconds) in ways {
        let events = Events::default();
        let host = host(dev());
        let workflow = release(&format!(", timeout: 1m, on_timeout: {word}"));
        let mut handle = host.run(spec(&workflow, json!({}), &events)).await.unwrap();
        let outcome = handle.outcome().await.unwrap();
        assert_eq!(outcome.status, run, "{word}");
        assert_eq!(status(&outcome, "release"), task, "{word}");
        assert_eq!(took(&events.lock().unwrap()), seconds, "{word}");
        if word == "fail" {
            let failure = outcome.failure.as_ref().unwrap();
            assert_eq!(failure.code, FailureCode::TimedOut);
            assert_eq!(&*failure.message, "nobody answered within 1m 00s");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_in_time_is_the_one_that_counts() {
    let events = Events::default();
    let host = host(dev());
    let workflow = release(", timeout: 1m, on_timeout: reject");
    let mut handle = host.run(spec(&workflow, json!({}), &events)).await.unwrap();
    asked(&events, 1).await;
    decide(&handle, "release", true).await.unwrap();
    let outcome = handle.outcome().await.unwrap();
    assert_eq!(outcome.status, RunStatus::Completed);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_does_not_wait_cannot_be_decided() {
    let events = Events::default();
    let host = host(dev());
    let mut handle = host
        .run(spec(&release(""), json!({}), &events))
        .await
        .unwrap();
    let control = handle.control();
    asked(&events, 1).await;
    let error = decide(&handle, "fix", true).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "`fix` of the run `r1` does not wait for approval; hint: these do: `release`"
    );
    let error = decide(&handle, "releas", true).await.unwrap_err();
    assert!(
        error.to_string().ends_with("hint: did you mean `release`?"),
        "{error}"
    );
    decide(&handle, "release", true).await.unwrap();
    let twice = decide(&handle, "release", true).await.unwrap_err();
    assert!(matches!(twice, DecideError::NotWaiting { .. }), "{twice}");
    handle.outcome().await.unwrap();
    let decision = Decision::of("ada", true, None);
    let task: TaskPath = "release".parse().unwrap();
    let late = control.decide(task, decision).await.unwrap_err();
    assert_eq!(late.to_string(), "the run `r1` has ended");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_waits_can_be_cancelled() {
    let events = Events::default();
    let host = host(dev());
    let mut handle = host
        .run(spec(&release(""), json!({}), &events))
        .await
        .unwrap();
    asked(&events, 1).await;
    handle.cancel().await;
    let outcome = handle.outcome().await.unwrap();
    assert_eq!(outcome.status, RunStatus::Cancelled);
    assert_eq!(status(&outcome, "release"), TaskStatus::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn a_task_inside_another_workflow_is_named_by_its_path() {
    const INNER: &str = "version: 1\nname: inner\ntasks:\n  ok: { approve: 'Go on?' }\n";
    let outer = "version: 1\nname: outer\ntasks:\n  each: { workflow: inner.yaml, for_each: 'range(2)', input: {} }\n";
    let events = Events::default();
    let host = host(dev());
    let plan = plan(outer, &Files(&[("inner.yaml", INNER)]));
    let mut handle = host.run(spec_of(plan, json!({}), &events)).await.unwrap();
    asked(&events, 2).await;
    let error = decide(&handle, "each[7]/ok", true).await.unwrap_err();
    assert!(error.to_string().contains("`each[0]/ok`"), "{error}");
    for task in ["each[1]/ok", "each[0]/ok"] {
        decide(&handle, task, true).await.unwrap();
    }
    let outcome = handle.outcome().await.unwrap();
    assert_eq!(outcome.status, RunStatus::Completed);
}
