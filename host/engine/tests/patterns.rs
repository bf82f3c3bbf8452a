//! The shipped patterns, and random workflows, against the naive reference.
//!
//! `RINGFENCE_CASES` sets how many random workflows are tried.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod reference;
mod rig;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use reference::{Agent, Ended, interpret};
use rig::{Events, Scripted, spec_of};
use ringfence_engine::{Clock, Host, HostConfig};
use ringfence_flow::{
    AgentName, AttemptResult, BreakerPolicy, Expression, Failure, FailureCode, Finding, ForEach,
    Json, OnFailure, OnItemFailure, OnReject, Output, Plan, Rejection, Require, RetryBudget,
    RetryPolicy, Role, RunEventKind, Severity, Task, TaskBody, TaskId, TaskRequest, TaskStatus,
    Template, Timestamp, Workflow, WorkflowFile, WorkflowName,
};
use serde_json::json;

/// A number that depends on what is asked and on nothing else.
fn dice(request: &TaskRequest, salt: u64) -> u64 {
    let item = request.key.item.unwrap_or(0);
    let text = format!(
        "{} {item} {} {}",
        request.key.task, request.round, request.attempt
    );
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    text.bytes().fold(salt ^ 0xcbf2_9ce4_8422_2325, mix) >> 7
}

/// What an agent says to a request: all that it was told, so that anything
/// that is lost or mixed up on the way shows.
fn echo(request: &TaskRequest) -> Output {
    let needs: Vec<_> = request
        .needs
        .iter()
        .map(|need| {
            json!([
                need.task.as_str(),
                need.output.value.to_value(),
                need.output.findings.len()
            ])
        })
        .collect();
    let feedback: Vec<_> = request
        .feedback
        .iter()
        .map(|f| f.message.to_string())
        .collect();
    let value = json!({
        "key": request.key.to_string(),
        "round": request.round,
        "attempt": request.attempt,
        "input": request.input.to_value(),
        "needs": needs,
        "feedback": feedback,
        // What the patterns ask of a survey.
        "shards": [{ "files": ["a.rs"] }, { "files": ["b.rs", "c.rs"] }, { "files": [] }],
    });
    Output {
        findings: [finding(request)].into(),
        ..Output::of(Json::from(value))
    }
}

fn finding(request: &TaskRequest) -> Finding {
    Finding {
        rule: "told".into(),
        severity: Severity::Low,
        message: format!("{} in round {}", request.key, request.round).into(),
        location: None,
        fix: None,
    }
}

/// Sometimes rejects, sometimes fails, else tells what it was told.
fn moody(salt: u64) -> impl Fn(&TaskRequest) -> AttemptResult + Clone {
    move |request| match dice(request, salt) % 10 {
        0 | 1 => AttemptResult::Rejected(Rejection {
            reason: "no".into(),
            findings: [finding(request)].into(),
        }),
        2 => AttemptResult::Failed(Failure::new(FailureCode::Transient, "again")),
        3 => AttemptResult::Failed(Failure::new(FailureCode::Permanent, "never")),
        _ => AttemptResult::Completed(echo(request)),
    }
}

/// How each task ended in a run through the engine, with agents that take
/// times of their own.
async fn through_the_engine(
    plan: &Arc<Plan>,
    inputs: &Json,
    agent: impl Fn(&TaskRequest) -> AttemptResult + Clone + Send + Sync + 'static,
) -> BTreeMap<TaskId, (TaskStatus, Output, u32)> {
    let mut agents = Scripted::default();
    let mut roles: Vec<_> = plan
        .workflow()
        .tasks
        .iter()
        .filter_map(|task| match &task.body {
            TaskBody::Agent { role, .. } => Some(role.to_string()),
            TaskBody::Vote(_) | TaskBody::Approval(_) | TaskBody::Workflow(_) => None,
        })
        .collect();
    roles.sort();
    roles.dedup();
    let timed = |agent: &Agent, request: &TaskRequest| {
        (
            Duration::from_millis(dice(request, 99) % 5_000),
            agent(request),
        )
    };
    for role in &roles {
        let agent = agent.clone();
        agents = agents.agent(&format!("a-{role}"), role, move |request| {
            timed(&agent, request)
        });
    }
    // One agent that has all roles takes over from those that fail.
    let names: Vec<_> = roles.iter().map(|role| Role::new(role).unwrap()).collect();
    agents = agents.agent("backup", "backup", move |request| timed(&agent, request));
    let backup = agents.agents.get_mut("backup").unwrap();
    let events = Events::default();
    Arc::make_mut(&mut backup.0).roles = names.iter().cloned().collect();
    let pinned = pinned(plan);
    let host = patient_host(agents);
    let spec = spec_of(pinned, inputs.to_value(), &events);
    let outcome = host.run(spec).await.unwrap().outcome().await.unwrap();
    let mut rounds = BTreeMap::new();
    for event in events.lock().unwrap().iter() {
        if let RunEventKind::TaskEnded { key, round, .. } = &event.event
            && key.item.is_none()
        {
            rounds.insert(key.task.clone(), *round);
        }
    }
    let ended = |task: &Task| {
        let (status, output) = outcome.results.get(&task.id).unwrap();
        (task.id.clone(), (status, output.clone(), rounds[&task.id]))
    };
    plan.workflow().tasks.iter().map(ended).collect()
}

/// A host that gives no agent a rest, which would depend on who is quicker.
fn patient_host(agents: Scripted) -> Host {
    let config = HostConfig {
        breaker: BreakerPolicy {
            threshold: u32::MAX,
            ..BreakerPolicy::default()
        },
        ..HostConfig::default()
    };
    let clock = Clock::starting_at(Timestamp::from_unix(Duration::from_secs(1_000_000)));
    Host::start(Arc::new(agents), config, clock)
}

/// The same plan, each task pinned to the agent of its role.
fn pinned(plan: &Plan) -> Arc<Plan> {
    let mut workflow = plan.workflow().clone();
    for task in &mut workflow.tasks {
        if let TaskBody::Agent { role, agent } = &mut task.body {
            *agent = Some(AgentName::new(&format!("a-{role}")).unwrap());
        }
    }
    Arc::new(Plan::new(workflow).unwrap())
}

fn assert_same(
    expected: &BTreeMap<TaskId, Ended>,
    found: &BTreeMap<TaskId, (TaskStatus, Output, u32)>,
) {
    assert_eq!(expected.len(), found.len());
    for (task, ended) in expected {
        let (status, output, round) = &found[task];
        assert_eq!(ended.status, *status, "{task}");
        assert_eq!(ended.round, *round, "{task}");
        assert_eq!(
            ended.output.value.to_value(),
            output.value.to_value(),
            "{task}"
        );
        assert_eq!(ended.output.findings, output.findings, "{task}");
    }
}

fn compare(plan: &Arc<Plan>, inputs: &Json, salt: u64) -> BTreeMap<TaskId, Ended> {
    let agent = moody(salt);
    let expected = interpret(plan.workflow(), inputs, &agent as &Agent);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let found = runtime.block_on(through_the_engine(plan, inputs, agent));
    assert_same(&expected, &found);
    expected
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../workflows/patterns")
}

/// The pattern, with agents that fail and gates whose rounds are spent
/// tolerated: who ends first must not decide.
fn pattern(name: &str) -> (Arc<Plan>, Json) {
    let text = fs::read_to_string(folder().join(format!("{name}.yaml"))).unwrap();
    let file = WorkflowFile::parse(name, &text).unwrap_or_else(|e| panic!("{e:#?}"));
    let mut workflow = file.into_plan().workflow().clone();
    let inputs = workflow.bind_inputs(BTreeMap::new()).unwrap();
    for task in &mut workflow.tasks {
        task.on_failure = OnFailure::Continue;
        task.mounts.clear();
        if let Some(map) = &mut task.for_each {
            map.on_item_failure = OnItemFailure::FailAtEnd;
        }
    }
    (Arc::new(Plan::new(workflow).unwrap()), inputs)
}

#[test]
fn each_pattern_gives_what_the_reference_gives() {
    let names = [
        "pipeline",
        "quality-gate",
        "multi-stage-review",
        "refinement",
        "emergency",
    ];
    for name in names {
        let (plan, inputs) = pattern(name);
        let mut seen: BTreeMap<Way, u32> = BTreeMap::new();
        for salt in 0..40 {
            for ended in compare(&plan, &inputs, salt).values() {
                *seen.entry(Way::of(ended)).or_default() += 1;
            }
        }
        assert!(seen.len() > 1, "{name} went in one way only: {seen:?}");
    }
}

/// How a task ended, and whether it went more than one round.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Way(&'static str, bool);

impl Way {
    fn of(ended: &Ended) -> Self {
        Self(ended.status.as_str(), ended.round > 1)
    }
}

/// A survey that fails gives no list, so only agents that do as they are told.
#[test]
fn a_fan_out_gives_what_the_reference_gives() {
    let (plan, inputs) = pattern("fan-out");
    let agent = |request: &TaskRequest| AttemptResult::Completed(echo(request));
    let expected = interpret(plan.workflow(), &inputs, &agent as &Agent);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let found = runtime.block_on(through_the_engine(&plan, &inputs, agent));
    assert_same(&expected, &found);
    let review = expected["review"].output.value.to_value();
    let files: Vec<_> = review
        .as_array()
        .unwrap()
        .iter()
        .map(|item| &item["input"]["files"])
        .collect();
    assert_eq!(
        json!(files),
        json!([["a.rs"], ["b.rs", "c.rs"], []]),
        "in the order of the items"
    );
}

/// A task of a random workflow. Numbers are taken modulo what is possible.
#[derive(Clone, Debug)]
struct Shape {
    needs: Vec<usize>,
    items: Option<u32>,
    on_item_failure: usize,
    redo: Option<(usize, u32)>,
    retries: u32,
    fallback: bool,
    skips: bool,
    when: Option<usize>,
    vote: Option<u32>,
    reads: bool,
    finally: bool,
}

fn shape() -> impl Strategy<Value = Shape> {
    (
        prop::collection::vec(0..1_000_usize, 0..4),
        prop::option::weighted(0.3, 0..4_u32),
        1..4_usize,
        prop::option::weighted(0.4, (0..10_usize, 1..4_u32)),
        0..3_u32,
        any::<bool>(),
        any::<bool>(),
        prop::option::weighted(0.15, 0..10_usize),
        prop::option::weighted(0.15, 0..4_u32),
        any::<bool>(),
        prop::bool::weighted(0.15),
    )
        .prop_map(
            |(
                needs,
                items,
                on_item_failure,
                redo,
                retries,
                fallback,
                skips,
                when,
                vote,
                reads,
                finally,
            )| Shape {
                needs,
                items,
                on_item_failure,
                redo,
                retries,
                fallback,
                skips,
                when,
                vote,
                reads,
                finally,
            },
        )
}

fn id(index: usize) -> TaskId {
    TaskId::new(&format!("t{index}")).unwrap()
}

fn task(index: usize, shape: &Shape, main: usize) -> Task {
    let finally = index >= main;
    let mut needs: Vec<_> = match index {
        0 => Vec::new(),
        n => shape.needs.iter().map(|need| id(need % n)).collect(),
    };
    needs.sort();
    needs.dedup();
    let voters = needs.len() as u32;
    let body = match shape.vote.filter(|_| voters > 0) {
        Some(0) => TaskBody::Vote(Require::All),
        Some(1) => TaskBody::Vote(Require::Any),
        Some(n) => TaskBody::Vote(Require::AtLeast(n.min(voters))),
        None => TaskBody::Agent {
            role: Role::new(&format!("role{}", index % 3)).unwrap(),
            agent: None,
        },
    };
    let has_agent = matches!(body, TaskBody::Agent { .. });
    let reads = needs.first().filter(|_| shape.reads && has_agent);
    let input = |need: &TaskId| {
        Template::parse(&json!({ "was": format!("${{{{ tasks.{need}.status }}}}") })).unwrap()
    };
    Task {
        for_each: shape.items.filter(|_| has_agent).map(|count| ForEach {
            items: Expression::parse(&format!("range({count})")).unwrap(),
            concurrency: None,
            on_item_failure: OnItemFailure::ALL[shape.on_item_failure],
        }),
        when: shape.when.and_then(|n| {
            let need = needs.get(n % needs.len().max(1))?;
            Expression::parse(&format!("tasks.{need}.status == 'completed'")).ok()
        }),
        input: reads.map(input),
        retry: RetryPolicy {
            max_retries: shape.retries,
            ..RetryPolicy::default()
        },
        fallback: match shape.fallback && has_agent {
            true => vec![AgentName::new("backup").unwrap()],
            false => Vec::new(),
        },
        on_reject: match shape.redo {
            Some((from, max_rounds)) if index > 0 && !finally => Some(OnReject {
                redo_from: id(from % index),
                max_rounds,
            }),
            _ => None,
        },
        on_failure: match shape.skips {
            true => OnFailure::SkipDependents,
            false => OnFailure::Continue,
        },
        needs,
        finally,
        ..Task::new(id(index), body)
    }
}

/// The plan of these shapes; loops that cannot be are left out, and so are
/// rejections of maps, whose wording is not compared.
fn plan(shapes: &[Shape]) -> Arc<Plan> {
    let (finally, main): (Vec<_>, Vec<_>) = shapes
        .iter()
        .enumerate()
        .partition(|(n, shape)| *n > 0 && shape.finally);
    let count = main.len();
    let shapes = main.into_iter().chain(finally).map(|(_, shape)| shape);
    let tasks = shapes.enumerate().map(|(n, shape)| task(n, shape, count));
    let mut workflow = Workflow {
        retry_budget: RetryBudget {
            at_least: 100_000,
            ratio: 0.0,
        },
        ..Workflow::new(WorkflowName::new("random").unwrap(), tasks.collect())
    };
    for index in 0..workflow.tasks.len() {
        let so_far = Workflow {
            tasks: workflow.tasks[..=index].to_vec(),
            ..workflow.clone()
        };
        if Plan::new(so_far).is_err() {
            workflow.tasks[index].on_reject = None;
        }
    }
    Arc::new(Plan::new(workflow).unwrap())
}

#[test]
fn random_workflows_give_what_the_reference_gives() {
    let cases = std::env::var("RINGFENCE_CASES").ok().map_or(500, |text| {
        text.parse().expect("RINGFENCE_CASES is a number")
    });
    let mut runner = TestRunner::new(ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let strategy = (prop::collection::vec(shape(), 1..9), any::<u64>());
    let none = Json::from(json!({}));
    runner
        .run(&strategy, |(shapes, salt)| {
            compare(&plan(&shapes), &none, salt);
            Ok(())
        })
        .unwrap();
}
