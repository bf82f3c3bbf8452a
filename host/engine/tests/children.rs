//! Workflows that run as tasks of others, under paused time.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod rig;

use std::collections::BTreeSet;
use std::time::Duration;

use rig::{
    Events, Files, Scripted, done, failed, host, plan, run_with, second, spec_of, status, took,
    value,
};
use ringfence_flow::{
    AttemptResult, FailureCode, Finding, Output, Rejection, RunEventKind, RunRecord, RunStatus,
    Severity, TaskStatus, WorkflowFile,
};
use serde_json::json;

fn finding(message: &str) -> Finding {
    Finding {
        rule: "r".into(),
        severity: Severity::Low,
        message: message.into(),
        location: None,
        fix: None,
    }
}

fn agents() -> Scripted {
    Scripted::default()
        .agent("adder", "add", |request| {
            let input = request.input.to_value();
            let sum = input["a"].as_i64().unwrap() + input["b"].as_i64().unwrap();
            second(AttemptResult::Completed(Output {
                value: json!(sum).into(),
                findings: [finding("added"), finding(&format!("{sum}"))].into(),
                ..Output::default()
            }))
        })
        .agent("breaker", "break", |_| {
            second(failed(FailureCode::Permanent, "broken"))
        })
        .agent("sleeper", "sleep", |_| {
            (Duration::from_secs(3600), done(json!(null)))
        })
        .agent("gate", "gate", |request| {
            second(if request.round == 1 {
                AttemptResult::Rejected(Rejection {
                    reason: "not yet".into(),
                    findings: [finding("mend it")].into(),
                })
            } else {
                done(json!("fine"))
            })
        })
}

const SUM: &str = "
version: 1
name: sum
inputs:
  a: { type: integer }
  b: { type: integer, default: 1 }
output: { sum: '${{ tasks.second.output }}' }
tasks:
  first: { role: add, input: { a: '${{ inputs.a }}', b: '${{ inputs.b }}' } }
  second: { role: add, needs: [first], input: { a: '${{ tasks.first.output }}', b: 100 } }
";
const BROKEN: &str = "version: 1\nname: broken\ntasks:\n  bad: { role: break }\n";
const SLOW: &str = "version: 1\nname: slow\ntasks:\n  s: { role: sleep }\n";
const STRICT: &str = "version: 1\nname: strict\ntasks:\n  g: { role: gate }\n";
const FILES: Files<'_> = Files(&[
    ("sum.yaml", SUM),
    ("broken.yaml", BROKEN),
    ("slow.yaml", SLOW),
    ("strict.yaml", STRICT),
]);

fn outer(tasks: &str) -> String {
    format!("version: 1\nname: outer\ntasks:\n{tasks}")
}

#[tokio::test(start_paused = true)]
async fn a_workflow_takes_inputs_and_gives_an_output() {
    let workflow = outer(
        "  s: { workflow: sum.yaml, input: { a: 5 } }\n  t: { workflow: sum.yaml, needs: [s], input: { a: '${{ tasks.s.output.sum }}', b: 2 } }\n",
    );
    let (outcome, events) = run_with(agents(), &workflow, &FILES).await;
    assert_eq!(
        outcome.status,
        RunStatus::Completed,
        "{:?}",
        outcome.failure
    );
    assert_eq!(value(&outcome, "s"), json!({ "sum": 106 }));
    assert_eq!(value(&outcome, "t"), json!({ "sum": 208 }));
    assert_eq!(took(&events), 4);
    let (_, output) = outcome
        .results
        .get(&ringfence_flow::TaskId::new("s").unwrap())
        .unwrap();
    let said: Vec<_> = output.findings.iter().map(|f| &*f.message).collect();
    assert_eq!(said, ["added", "6", "106"], "each finding once");
}

#[tokio::test(start_paused = true)]
async fn a_map_of_workflows_keeps_item_order_and_its_limit() {
    let workflow = outer(
        "  all: { workflow: sum.yaml, for_each: { items: 'range(4)', concurrency: 2 }, input: { a: '${{ item }}' } }\n",
    );
    let (outcome, events) = run_with(agents(), &workflow, &FILES).await;
    let sums: Vec<_> = (0..4).map(|n| json!({ "sum": n + 101 })).collect();
    assert_eq!(value(&outcome, "all"), json!(sums));
    assert_eq!(took(&events), 2 * 2, "two at once");
    let names: BTreeSet<_> = events
        .iter()
        .filter_map(|event| match &event.event {
            RunEventKind::ChildStarted { run, .. } => Some(run.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(names.len(), 4, "each run has a name of its own");
}

#[tokio::test(start_paused = true)]
async fn a_workflow_that_fails_fails_its_task_and_says_where() {
    let (outcome, _) = run_with(agents(), &outer("  b: { workflow: broken.yaml }\n"), &FILES).await;
    assert_eq!(
        outcome.failure.as_ref().unwrap().to_string(),
        "permanent: `bad` of the workflow `broken`: broken"
    );
    let tolerant = outer("  b: { workflow: broken.yaml, on_failure: continue }\n");
    let (outcome, _) = run_with(agents(), &tolerant, &FILES).await;
    assert_eq!(outcome.status, RunStatus::Completed);
    assert_eq!(status(&outcome, "b"), TaskStatus::Failed);
}

#[tokio::test(start_paused = true)]
async fn a_workflow_whose_gate_rejects_is_a_gate() {
    let workflow = outer(
        "  fix: { role: add, input: { a: 1, b: 2 } }\n  check: { workflow: strict.yaml, needs: [fix], on_reject: { redo_from: fix, max_rounds: 2 } }\n",
    );
    let (outcome, events) = run_with(agents(), &workflow, &FILES).await;
    assert_eq!(
        outcome.status,
        RunStatus::Rejected,
        "rounds count in each run for itself"
    );
    let feedback = events.iter().find_map(|event| match &event.event {
        RunEventKind::RoundStarted { feedback, .. } => Some(feedback.clone()),
        _ => None,
    });
    assert_eq!(&*feedback.unwrap()[0].message, "mend it");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_stops_takes_the_runs_inside_with_it() {
    let cancelled = {
        let events = Events::default();
        let host = host(agents());
        let plan = plan(&outer("  s: { workflow: slow.yaml }\n"), &FILES);
        let mut handle = host.run(spec_of(plan, json!({}), &events)).await.unwrap();
        handle.cancel().await;
        handle.outcome().await.unwrap()
    };
    assert_eq!(cancelled.status, RunStatus::Cancelled);
    let workflow =
        outer("  s: { workflow: slow.yaml }\n").replace("tasks:", "deadline: 5s\ntasks:");
    let (outcome, events) = run_with(agents(), &workflow, &FILES).await;
    assert_eq!(
        outcome.failure.as_ref().unwrap().code,
        FailureCode::Deadline
    );
    assert_eq!(took(&events), 5);
}

/// Whether its other tasks wait, have just been given their agent or work: all places are
/// free for what comes next.
#[tokio::test(start_paused = true)]
async fn a_run_inside_that_ends_with_a_refusal_gives_all_back() {
    for seconds in 1..=3_u64 {
        let hurried = format!(
            "version: 1\nname: hurried\ntasks:\n  many: {{ role: work, for_each: 'range(9)' }}\n  late: {{ role: work, start_timeout: {seconds}s }}\n"
        );
        let files = [("hurried.yaml", &*hurried)];
        let workflow = outer(
            "  h: { workflow: hurried.yaml, on_failure: continue }\n  next: { role: work, needs: [h], for_each: 'range(4)', start_timeout: 1s }\n",
        );
        // With four instances.
        let agents = Scripted::default().agent("worker", "work", |_| {
            (Duration::from_secs(2), done(json!(null)))
        });
        let (outcome, events) = run_with(agents, &workflow, &Files(&files)).await;
        assert_eq!(status(&outcome, "h"), TaskStatus::Failed, "{seconds} s");
        assert_eq!(
            status(&outcome, "next"),
            TaskStatus::Completed,
            "{seconds} s"
        );
        assert_eq!(took(&events), seconds + 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_total_timeout_bounds_a_workflow() {
    let workflow = outer("  s: { workflow: slow.yaml, total_timeout: 7s, on_failure: continue }\n");
    let (outcome, events) = run_with(agents(), &workflow, &FILES).await;
    assert_eq!(status(&outcome, "s"), TaskStatus::Failed);
    assert_eq!(outcome.status, RunStatus::Completed);
    assert_eq!(took(&events), 7);
}

#[tokio::test(start_paused = true)]
async fn an_input_that_does_not_fit_fails_the_task() {
    let workflow = outer("  s: { workflow: sum.yaml, input: { a: '${{ \"text\" }}' } }\n");
    let (outcome, _) = run_with(agents(), &workflow, &FILES).await;
    let failure = outcome.failure.as_ref().unwrap();
    assert_eq!(failure.code, FailureCode::InvalidInput);
    assert!(
        failure
            .message
            .starts_with("the input of `sum.yaml`: the input `a` is to be a whole number"),
        "{failure}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_record_of_a_run_holds_the_runs_inside() {
    let workflow = outer("  s: { workflow: sum.yaml, input: { a: 5 } }\n");
    let (_, events) = run_with(agents(), &workflow, &FILES).await;
    let mut record = RunRecord::new();
    events.iter().for_each(|event| record.apply(event));
    let child = record.tasks["s"].whole.child.as_ref().unwrap();
    assert_eq!(child.workflow.as_ref().unwrap().as_str(), "sum");
    assert_eq!(child.tasks.len(), 2);
    assert_eq!(child.attempts.len(), 2);
    assert_eq!(record.totals.attempts, 2, "theirs are counted once");
    assert_eq!(record.findings().len(), 3);
    let names = |most| -> Vec<String> {
        let tasks = record.tasks_with_inside(most);
        tasks.into_iter().map(|(path, _)| path).collect()
    };
    assert_eq!(names(2), ["s", "s/first", "s/second"]);
    assert_eq!(names(1), ["s"], "too many to show");
}

#[test]
fn files_that_cannot_run_as_tasks_are_refused_with_their_place() {
    let refused = |text: &str, files: &Files<'_>| {
        let errors = WorkflowFile::parse_with("test.yaml", text, files).unwrap_err();
        let first = &errors[0];
        (first.span.line, first.code, first.message.clone())
    };
    let nested = |name| format!("version: 1\nname: w\ntasks:\n  s: {{ workflow: {name} }}\n");
    let cycle = Files(&[
        (
            "a.yaml",
            "version: 1\nname: a\ntasks:\n  s: { workflow: b.yaml }\n",
        ),
        (
            "b.yaml",
            "version: 1\nname: b\ntasks:\n  s: { workflow: a.yaml }\n",
        ),
    ]);
    let (line, code, message) = refused(&nested("a.yaml"), &cycle);
    assert_eq!((line, code), (4, "workflow-not-valid"));
    assert!(
        message.contains("`a.yaml` runs itself: a.yaml runs b.yaml runs a.yaml"),
        "{message}"
    );
    let (_, code, message) = refused(&nested("none.yaml"), &cycle);
    assert_eq!(
        (code, message.as_str()),
        ("workflow-not-read", "`none.yaml` is missing")
    );
    let wrong = Files(&[("w.yaml", "version: 1\nname: w\ntasks:\n  a: { rol: x }\n")]);
    let (_, code, message) = refused(&nested("w.yaml"), &wrong);
    assert_eq!(code, "workflow-not-valid");
    assert!(
        message.starts_with("`w.yaml` is not valid: line 4: "),
        "{message}"
    );
    let inputs = outer("  s: { workflow: sum.yaml, input: { c: 5 } }\n");
    let errors = WorkflowFile::parse_with("test.yaml", &inputs, &FILES).unwrap_err();
    let messages: Vec<_> = errors.iter().map(|e| e.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "the workflow `sum` needs the input `a`",
            "the workflow `sum` has no input `c`"
        ]
    );
}

#[test]
fn workflows_lie_at_most_eight_deep() {
    /// `w1` runs `w2`, and so on; the last one is a leaf.
    struct Chain(usize);
    impl ringfence_flow::WorkflowSource for Chain {
        fn read(&self, _: &str, path: &str) -> Result<ringfence_flow::SourceFile, String> {
            let number: usize = path.trim_start_matches('w').parse().unwrap();
            let task = match number == self.0 {
                true => "role: add".to_owned(),
                false => format!("workflow: w{}", number + 1),
            };
            Ok(ringfence_flow::SourceFile {
                name: path.to_owned(),
                text: format!("version: 1\nname: w\ntasks:\n  t: {{ {task} }}\n"),
            })
        }
    }
    let parse = |last| {
        let text = "version: 1\nname: w\ntasks:\n  t: { workflow: w2 }\n";
        WorkflowFile::parse_with("w1", text, &Chain(last))
    };
    assert!(parse(8).is_ok(), "eight in one another");
    let errors = parse(9).unwrap_err();
    assert!(
        errors[0].message.contains("lies too deep"),
        "{}",
        errors[0].message
    );
}
