//! Whole runs through the engine, with agents that are closures, under paused
//! time.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod rig;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ringfence_engine::StartError;
use ringfence_flow::{
    AttemptResult, FailureCode, Finding, Json, Output, Rejection, RunEvent, RunEventKind, RunId,
    RunStatus, Severity, TaskId, TaskStatus,
};
use serde_json::json;

use rig::{Events, Scripted, done, failed, host, run, second, spec, status, took, value};

#[tokio::test(start_paused = true)]
async fn a_pipeline_passes_outputs_on() {
    let runner = Scripted::default()
        .agent("first", "one", |_| second(done(json!({"n": 20}))))
        .agent("next", "two", |request| {
            let input: serde_json::Value = request.input.to_value();
            let need = request.needs[0].output.value.to_value();
            second(done(json!([input["twice"], need["n"]])))
        });
    let (outcome, events) = run(
        runner,
        "version: 1\nname: pipe\ntasks:\n  a: {role: one}\n  b:\n    role: two\n    needs: [a]\n    input: {twice: \"${{ tasks.a.output.n * 2 }}\"}\n",
    )
    .await;
    assert_eq!(outcome.status, RunStatus::Completed);
    assert_eq!(value(&outcome, "b"), json!([40, 20]));
    assert_eq!(took(&events), 2);
    let numbers: Vec<_> = events.iter().map(|event| event.seq).collect();
    assert_eq!(
        numbers,
        (1..=events.len() as u64).collect::<Vec<_>>(),
        "no gap"
    );
}

/// The host's own task begins an attempt that is alone, so that a short one needs no
/// other; but not one that has files, which may keep its thread waiting.
#[tokio::test(start_paused = true)]
async fn a_lone_attempt_begins_in_the_hosts_task_unless_it_has_mounts() {
    let begun_in = async |more: &str| {
        let tasks = Arc::new(Mutex::new(BTreeSet::new()));
        let begun = Arc::clone(&tasks);
        let runner = Scripted::default().agent("worker", "work", move |_| {
            begun.lock().unwrap().insert(tokio::task::id().to_string());
            second(done(json!(1)))
        });
        let workflow = format!(
            "version: 1\nname: chain\ntasks:\n  a: {{role: work{more}}}\n  b: {{role: work, needs: [a]{more}}}\n  c: {{role: work, needs: [b]{more}}}\n"
        );
        let (outcome, _) = run(runner.with_mount("src"), &workflow).await;
        assert_eq!(outcome.status, RunStatus::Completed);
        tasks.lock().unwrap().len()
    };
    assert_eq!(begun_in("").await, 1, "that of the host");
    assert_eq!(begun_in(", mounts: [src]").await, 3, "one each");
}

#[tokio::test(start_paused = true)]
async fn a_map_keeps_item_order_and_its_own_limit() {
    let runner = Scripted::default().agent("mapper", "map", |request| {
        let item = request.input.to_value().as_u64().unwrap();
        // Later items are quicker, so they end out of order.
        (Duration::from_secs(10 - item), done(json!(item * item)))
    });
    let workflow = "version: 1\nname: m\ntasks:\n  squares:\n    role: map\n    for_each: {items: \"range(5)\", concurrency: 2}\n";
    let (outcome, events) = run(runner, workflow).await;
    assert_eq!(value(&outcome, "squares"), json!([0, 1, 4, 9, 16]));
    let (mut under_way, mut most) = (0, 0);
    for event in &events {
        match event.event {
            RunEventKind::AttemptStarted { .. } => under_way += 1,
            RunEventKind::AttemptEnded { .. } => under_way -= 1,
            _ => {}
        }
        most = most.max(under_way);
    }
    assert_eq!(most, 2);
}

#[tokio::test(start_paused = true)]
async fn the_items_of_a_map_give_at_most_so_much_together() {
    // All items share one text of a mebibyte.
    let large = Json::from(json!("x".repeat(1 << 20)));
    let runner = Scripted::default().agent("mapper", "map", move |_| {
        second(AttemptResult::Completed(Output::of(large.clone())))
    });
    let workflow = "version: 1\nname: m\ntasks:\n  all: {role: map, for_each: \"range(2000)\"}\n";
    let (outcome, events) = run(runner, workflow).await;
    let failure = outcome.failure.unwrap();
    assert_eq!(failure.code, FailureCode::OutputTooLarge, "{failure}");
    assert!(failure.message.contains("at most 256 MiB"), "{failure}");
    let ended = |event: &&RunEvent| matches!(event.event, RunEventKind::AttemptEnded { .. });
    let ended = events.iter().filter(ended).count();
    assert!(ended < 300, "the rest was not waited for: {ended}");
}

#[tokio::test(start_paused = true)]
async fn retries_wait_longer_each_time() {
    let runner = Scripted::default().agent("flaky", "work", |request| {
        (
            Duration::ZERO,
            if request.attempt < 4 {
                failed(FailureCode::Transient, "busy")
            } else {
                done(json!(request.attempt))
            },
        )
    });
    let workflow = "version: 1\nname: m\ntasks:\n  a: {role: work, retry: {jitter: none}}\n";
    let (outcome, events) = run(runner, workflow).await;
    assert_eq!(value(&outcome, "a"), json!(4));
    assert_eq!(took(&events), 1 + 2 + 4);
}

#[tokio::test(start_paused = true)]
async fn fallbacks_take_over_in_turn_and_all_are_named_when_all_fail() {
    let runner = || {
        Scripted::default()
            .agent("a1", "work", |_| {
                second(failed(FailureCode::Permanent, "cannot"))
            })
            .agent("b1", "other", |_| {
                second(failed(FailureCode::InvalidInput, "will not"))
            })
    };
    let workflow = "version: 1\nname: m\ntasks:\n  a: {role: work, agent: a1, fallback: [b1]}\n";
    let good = runner().agent("b1", "work", |_| second(done(json!("saved"))));
    let (outcome, _) = run(good, workflow).await;
    assert_eq!(value(&outcome, "a"), json!("saved"));
    let bad = runner().agent("b1", "work", |_| {
        second(failed(FailureCode::InvalidInput, "will not"))
    });
    let (outcome, _) = run(bad, workflow).await;
    assert_eq!(
        outcome.failure.unwrap().to_string(),
        "all-agents-failed: `a1`: permanent: cannot; `b1`: invalid-input: will not"
    );
}

#[tokio::test(start_paused = true)]
async fn a_gate_sends_work_back_with_feedback() {
    let runner = Scripted::default()
        .agent("dev", "developer", |request| {
            second(done(json!([request.round, request.feedback.len()])))
        })
        .agent("gate", "quality-gate", |request| {
            let finding = Finding {
                rule: "r".into(),
                severity: Severity::High,
                message: "mend it".into(),
                location: None,
                fix: None,
            };
            second(if request.round < 3 {
                AttemptResult::Rejected(Rejection {
                    reason: "not yet".into(),
                    findings: [finding].into(),
                })
            } else {
                done(json!("approved"))
            })
        })
        .agent("after", "after", |request| {
            second(done(request.needs[0].output.value.to_value()))
        });
    let workflow = "version: 1\nname: m\ntasks:\n  fix: {role: developer}\n  gate: {role: quality-gate, needs: [fix], on_reject: {redo_from: fix, max_rounds: ROUNDS}}\n  ship: {role: after, needs: [fix]}\n";
    let (outcome, events) = run(runner, &workflow.replace("ROUNDS", "3")).await;
    assert_eq!(outcome.status, RunStatus::Completed);
    assert_eq!(value(&outcome, "fix"), json!([3, 1]));
    assert_eq!(
        value(&outcome, "ship"),
        json!([3, 1]),
        "what leaves a loop leaves it once"
    );
    assert_eq!(took(&events), 3 * 2 + 1);
}

#[tokio::test(start_paused = true)]
async fn a_gate_whose_rounds_are_spent_rejects_the_run() {
    let runner = Scripted::default()
        .agent("dev", "developer", |_| second(done(json!(1))))
        .agent("gate", "quality-gate", |_| {
            second(AttemptResult::Rejected(Rejection {
                reason: "never".into(),
                findings: [].into(),
            }))
        });
    let workflow = "version: 1\nname: m\ntasks:\n  fix: {role: developer}\n  gate: {role: quality-gate, needs: [fix], on_reject: {redo_from: fix, max_rounds: 2}}\n";
    let (outcome, events) = run(runner, workflow).await;
    assert_eq!(outcome.status, RunStatus::Rejected);
    assert_eq!(outcome.task.unwrap().as_str(), "gate");
    assert_eq!(
        outcome.failure.unwrap().to_string(),
        "gate-rejected: `gate` rejected in the last of 2 rounds: never"
    );
    let rounds = events
        .iter()
        .filter(|e| matches!(e.event, RunEventKind::RoundStarted { .. }));
    assert_eq!(rounds.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_failure_stops_what_is_under_way() {
    let runner = Scripted::default()
        .agent("slow", "slow", |_| {
            (Duration::from_secs(3_600), done(json!(1)))
        })
        .agent("bad", "bad", |_| {
            second(failed(FailureCode::Permanent, "no"))
        });
    let workflow = "version: 1\nname: m\ntasks:\n  a: {role: slow}\n  b: {role: bad}\n  c: {role: slow, needs: [a]}\n";
    let (outcome, events) = run(runner, workflow).await;
    assert_eq!(outcome.status, RunStatus::Failed);
    assert_eq!(outcome.failure.unwrap().code, FailureCode::Permanent);
    assert_eq!(took(&events), 1);
    let ended: BTreeMap<_, _> = events
        .iter()
        .filter_map(|event| match &event.event {
            RunEventKind::TaskEnded { key, status, .. } => Some((key.to_string(), *status)),
            _ => None,
        })
        .collect();
    let expected = [
        ("a", TaskStatus::Cancelled),
        ("b", TaskStatus::Failed),
        ("c", TaskStatus::Cancelled),
    ];
    assert_eq!(ended, expected.map(|(k, s)| (k.to_owned(), s)).into());
}

#[tokio::test(start_paused = true)]
async fn a_failure_may_be_tolerated_or_skip_dependents() {
    let runner = || {
        Scripted::default()
            .agent("bad", "bad", |_| {
                second(failed(FailureCode::Permanent, "no"))
            })
            .agent("good", "good", |request| {
                second(done(request.needs[0].output.value.to_value()))
            })
    };
    let workflow = "version: 1\nname: m\ntasks:\n  a: {role: bad, on_failure: HOW}\n  b: {role: good, needs: [a]}\n";
    let (outcome, _) = run(runner(), &workflow.replace("HOW", "continue")).await;
    assert_eq!(outcome.status, RunStatus::Completed);
    assert_eq!(
        (status(&outcome, "a"), status(&outcome, "b")),
        (TaskStatus::Failed, TaskStatus::Completed)
    );
    assert_eq!(value(&outcome, "b"), json!(null));
    let (outcome, _) = run(runner(), &workflow.replace("HOW", "skip_dependents")).await;
    assert_eq!(outcome.status, RunStatus::Completed);
    assert_eq!(
        (status(&outcome, "a"), status(&outcome, "b")),
        (TaskStatus::Failed, TaskStatus::Skipped)
    );
}

#[tokio::test(start_paused = true)]
async fn when_decides_whether_a_task_runs() {
    let runner = Scripted::default().agent("good", "good", |_| second(done(json!({"n": 0}))));
    let workflow = "version: 1\nname: m\ntasks:\n  a: {role: good}\n  b: {role: good, needs: [a], when: \"${{ tasks.a.output.n > 0 }}\"}\n  c: {role: good, needs: [b], when: \"${{ tasks.b.status == 'skipped' }}\"}\n";
    let (outcome, _) = run(runner, workflow).await;
    assert_eq!(status(&outcome, "b"), TaskStatus::Skipped);
    assert_eq!(
        status(&outcome, "c"),
        TaskStatus::Completed,
        "a skipped need is met"
    );
}

#[tokio::test(start_paused = true)]
async fn a_vote_counts_approvals() {
    let runner = || {
        Scripted::default()
            .agent("yes", "yes", |_| second(done(json!(1))))
            .agent("no", "no", |_| {
                second(AttemptResult::Rejected(Rejection {
                    reason: "no".into(),
                    findings: [].into(),
                }))
            })
    };
    let workflow = "version: 1\nname: m\ntasks:\n  a: {role: yes}\n  b: {role: no}\n  c: {role: yes}\n  vote: {require: HOW, needs: [a, b, c]}\n";
    for (how, expected) in [
        ("any", RunStatus::Completed),
        ("{at_least: 2}", RunStatus::Completed),
        ("{at_least: 3}", RunStatus::Rejected),
        ("all", RunStatus::Rejected),
    ] {
        let (outcome, _) = run(runner(), &workflow.replace("HOW", how)).await;
        assert_eq!(outcome.status, expected, "{how}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_agent_that_can_handle_a_task_gets_it() {
    let mut runner = Scripted::default()
        .agent("a1", "work", |_| second(done(json!("a1"))))
        .agent("b1", "work", |_| second(done(json!("b1"))));
    runner.declines = vec![("a1", "x"), ("b1", "y")];
    let workflow = "version: 1\nname: m\ntasks:\n  x: {role: work}\n  y: {role: work}\n";
    let (outcome, _) = run(runner, workflow).await;
    assert_eq!(
        (value(&outcome, "x"), value(&outcome, "y")),
        (json!("b1"), json!("a1"))
    );
}

/// However long an agent takes to say no, a task that another one can do waits for
/// a second; and one that does so again and again is not asked for a while.
#[tokio::test(start_paused = true)]
async fn an_agent_that_does_not_answer_keeps_no_task_waiting() {
    let mut runner = Scripted::default()
        .agent("quick", "work", |_| second(done(json!(1))))
        .agent("slow", "work", |_| second(done(json!(2))));
    runner.dawdles = [("slow", Duration::from_secs(9))].into();
    runner.declines = vec![("slow", "each")];
    let workflow = "version: 1\nname: m\ntasks:\n  each: {role: work, for_each: {items: range(20), concurrency: 1}}\n";
    let (outcome, events) = run(runner, workflow).await;
    assert_eq!(outcome.status, RunStatus::Completed);
    assert_eq!(took(&events), 20 + 5, "five failures open a breaker");
}

/// While no other agent can, whoever is slow has its time.
#[tokio::test(start_paused = true)]
async fn a_slow_agent_that_is_the_only_one_that_can_gets_the_task() {
    let mut runner = Scripted::default()
        .agent("quick", "work", |_| second(done(json!(1))))
        .agent("slow", "work", |_| second(done(json!(2))));
    runner.dawdles = [("slow", Duration::from_secs(9))].into();
    runner.declines = vec![("quick", "x")];
    let (outcome, _) = run(runner, "version: 1\nname: m\ntasks:\n  x: {role: work}\n").await;
    assert_eq!(value(&outcome, "x"), json!(2));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_stops_the_run() {
    let runner = Scripted::default().agent("slow", "slow", |_| {
        (Duration::from_secs(3_600), done(json!(1)))
    });
    let workflow = "version: 1\nname: m\ndeadline: 10s\ntasks:\n  a: {role: slow}\n";
    let (outcome, events) = run(runner, workflow).await;
    assert_eq!(outcome.failure.unwrap().code, FailureCode::Deadline);
    assert_eq!(took(&events), 10);
}

#[tokio::test(start_paused = true)]
async fn a_run_can_be_cancelled() {
    let runner = Scripted::default().agent("slow", "slow", |_| {
        (Duration::from_secs(3_600), done(json!(1)))
    });
    let events = Events::default();
    let host = host(runner);
    let workflow = "version: 1\nname: m\ntasks:\n  a: {role: slow, for_each: \"range(10)\"}\n";
    let mut handle = host.run(spec(workflow, json!({}), &events)).await.unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    handle.cancel().await;
    let outcome = handle.outcome().await.unwrap();
    assert_eq!(outcome.status, RunStatus::Cancelled);
    assert_eq!(took(&events.lock().unwrap()), 5);
}

#[tokio::test(start_paused = true)]
async fn a_runner_that_panics_costs_one_attempt() {
    let runner = Scripted::default().agent("odd", "odd", |request| {
        assert!(request.attempt > 1, "a defect");
        second(done(json!("recovered")))
    });
    let workflow = "version: 1\nname: m\ntasks:\n  a: {role: odd, retry: {jitter: none}}\n";
    let (outcome, _) = run(runner, workflow).await;
    assert_eq!(value(&outcome, "a"), json!("recovered"));
}

#[tokio::test(start_paused = true)]
async fn an_observer_that_panics_costs_nobody_anything() {
    let runner = Scripted::default().agent("good", "good", |_| second(done(json!(1))));
    let host = host(runner);
    let workflow = "version: 1\nname: m\ntasks:\n  a: {role: good}\n";
    let mut spec = spec(workflow, json!({}), &Events::default());
    spec.observer = Box::new(|event: &RunEvent| assert!(event.seq > 3, "a defect"));
    let outcome = host.run(spec).await.unwrap().outcome().await.unwrap();
    assert_eq!(outcome.status, RunStatus::Completed);
}

#[tokio::test(start_paused = true)]
async fn two_live_runs_cannot_have_one_name() {
    let runner = Scripted::default().agent("good", "good", |_| second(done(json!(1))));
    let host = host(runner);
    let workflow = "version: 1\nname: m\ntasks:\n  a: {role: good}\n";
    let start = || spec(workflow, json!({}), &Events::default());
    let mut first = host.run(start()).await.unwrap();
    let second = host.run(start()).await.unwrap_err();
    assert_eq!(second, StartError::SameName(RunId::new("r1").unwrap()));
    first.outcome().await.unwrap();
    assert!(host.run(start()).await.is_ok(), "the name is free again");
}

#[tokio::test(start_paused = true)]
async fn a_breaker_moves_after_what_moved_it_and_before_the_end() {
    let runner =
        Scripted::default().agent("bad", "bad", |_| second(failed(FailureCode::Trap, "boom")));
    let workflow =
        "version: 1\nname: m\ntasks:\n  a: {role: bad, retry: {max_retries: 5, jitter: none}}\n";
    let (_, events) = run(runner, workflow).await;
    let ended = events
        .iter()
        .filter(|event| matches!(event.event, RunEventKind::AttemptEnded { .. }));
    let fifth = ended.clone().nth(4).unwrap().seq;
    let moved: Vec<_> = events
        .iter()
        .filter(|event| matches!(event.event, RunEventKind::BreakerMoved { .. }))
        .map(|event| event.seq)
        .collect();
    assert!(moved[0] > fifth, "{moved:?} after {fifth}");
    assert!(matches!(
        events[events.len() - 1].event,
        RunEventKind::RunEnded { .. }
    ));
}

#[tokio::test(start_paused = true)]
async fn an_expression_that_fails_names_itself() {
    let runner = Scripted::default().agent("good", "good", |_| second(done(json!({"n": 0}))));
    let workflow = "version: 1\nname: m\ntasks:\n  a: {role: good}\n  b: {role: good, needs: [a], input: {x: \"${{ tasks.a.output.missing.deep }}\"}}\n";
    let (outcome, _) = run(runner, workflow).await;
    let failure = outcome.failure.unwrap();
    assert_eq!(failure.code, FailureCode::ExpressionFailed);
    assert!(
        failure.message.contains("tasks.a.output.missing.deep"),
        "{failure}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_was_skipped_and_why_is_in_the_result() {
    let runner = Scripted::default()
        .agent("good", "work", |_| second(done(json!(1))))
        .agent("bad", "break", |_| {
            second(failed(FailureCode::Permanent, "broken"))
        });
    let workflow = "version: 1\nname: m\ntasks:\n  a: {role: break, on_failure: skip_dependents}\n  b: {role: work, needs: [a]}\n  c: {role: work, needs: [b]}\n  d: {role: work, when: false}\n  e: {role: work}\n";
    let (outcome, _) = run(runner, workflow).await;
    let why = |task: &str| outcome.results.reason(&TaskId::new(task).unwrap());
    assert_eq!(why("a"), Some("permanent: broken"));
    assert_eq!(why("b"), Some("it needs `a`, which failed"));
    assert_eq!(why("c"), Some("it needs `b`, which was skipped"));
    assert_eq!(why("d"), Some("`when` is false"));
    assert_eq!(why("e"), None);
}
