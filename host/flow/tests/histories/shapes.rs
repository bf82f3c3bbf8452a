//! Random workflows.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use ringfence_flow::{
    AgentName, Approval, Backoff, Expression, ForEach, Jitter, Limit, Limits, OnFailure,
    OnItemFailure, OnReject, OnTimeout, Plan, Priority, Require, RetryBudget, RetryPolicy, Role,
    SubWorkflow, Task, TaskBody, TaskId, Workflow, WorkflowName,
};

/// How many attempts the outermost run may have under way.
pub(crate) const CONCURRENCY: u32 = 5;

/// Who does a task.
#[derive(Clone, Debug)]
enum Body {
    Agent,
    Vote(u32),
    Approval(Option<u64>, usize),
    Workflow(Vec<Shape>),
}

/// A task of a random workflow. Numbers are taken modulo what is possible.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    body: Body,
    needs: Vec<usize>,
    role: u8,
    items: Option<u32>,
    concurrency: Option<u32>,
    on_item_failure: usize,
    redo: Option<(usize, u32)>,
    retries: u32,
    escalate: bool,
    fallback: bool,
    on_failure: u8,
    when: bool,
    priority: usize,
    start_timeout: Option<u64>,
    total_timeout: Option<u64>,
    cache: bool,
    finally: bool,
}

/// A random workflow.
#[derive(Clone, Debug)]
pub(crate) struct WorkflowShape {
    tasks: Vec<Shape>,
    deadline: Option<u64>,
    retry_budget: u32,
    limit: Option<u32>,
}

/// A task of one agent that may do it, which nothing bounds.
fn plain(body: Body) -> Shape {
    Shape {
        body,
        needs: Vec::new(),
        role: 0,
        items: None,
        concurrency: None,
        on_item_failure: 0,
        redo: None,
        retries: 0,
        escalate: false,
        fallback: false,
        on_failure: 0,
        when: true,
        priority: 0,
        start_timeout: None,
        total_timeout: None,
        cache: false,
        finally: false,
    }
}

fn of(tasks: Vec<Shape>) -> WorkflowShape {
    WorkflowShape {
        tasks,
        deadline: None,
        retry_budget: 0,
        limit: None,
    }
}

/// One map, whose items search for earlier results and have a millisecond.
pub(crate) fn hurried_map() -> WorkflowShape {
    of(vec![Shape {
        items: Some(3),
        total_timeout: Some(1),
        cache: true,
        ..plain(Body::Agent)
    }])
}

/// Runs inside a map, each with a task that waits for a millisecond at most and a map
/// beside it, and a task that is in their way.
pub(crate) fn hurried_runs_inside() -> WorkflowShape {
    let hurried = Shape {
        role: 1,
        fallback: true,
        priority: 1,
        ..plain(Body::Agent)
    };
    let inside = vec![
        Shape {
            start_timeout: Some(1),
            ..hurried.clone()
        },
        Shape {
            role: 1,
            items: Some(3),
            ..plain(Body::Agent)
        },
    ];
    let runs = Shape {
        items: Some(4),
        concurrency: Some(3),
        ..plain(Body::Workflow(inside))
    };
    of(vec![runs, hurried])
}

pub(crate) fn workflow() -> impl Strategy<Value = WorkflowShape> {
    let inner = prop::collection::vec(shape(Just(Body::Agent).boxed()), 1..4);
    let body = prop_oneof![
        14 => Just(Body::Agent),
        2 => (0..4_u32).prop_map(Body::Vote),
        2 => (prop::option::of(1..30_u64), 0..3_usize).prop_map(|(t, n)| Body::Approval(t, n)),
        3 => inner.prop_map(Body::Workflow),
    ];
    (
        prop::collection::vec(shape(body.boxed()), 1..9),
        prop::option::weighted(0.15, 1..60_u64),
        0..8_u32,
        prop::option::weighted(0.2, 1..3_u32),
    )
        .prop_map(|(tasks, deadline, retry_budget, limit)| WorkflowShape {
            tasks,
            deadline,
            retry_budget,
            limit,
        })
}

fn shape(body: BoxedStrategy<Body>) -> impl Strategy<Value = Shape> {
    let graph = (
        body,
        prop::collection::vec(any::<prop::sample::Index>(), 0..4),
        0..3_u8,
        prop::option::weighted(0.25, 0..6_u32),
        prop::option::of(1..4_u32),
        0..4_usize,
        prop::option::weighted(0.4, (0..10_usize, 1..4_u32)),
    );
    let policy = (
        0..3_u32,
        any::<bool>(),
        any::<bool>(),
        0..6_u8,
        prop::bool::weighted(0.9),
        0..5_usize,
        (
            prop::option::weighted(0.15, 1..10_u64),
            prop::option::weighted(0.15, 1..20_u64),
        ),
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.15),
    );
    (graph, policy).prop_map(
        |(
            (body, needs, role, items, concurrency, on_item_failure, redo),
            (retries, escalate, fallback, on_failure, when, priority, timeouts, cache, finally),
        )| Shape {
            body,
            needs: needs.into_iter().map(|index| index.index(1_000)).collect(),
            role,
            items,
            concurrency,
            on_item_failure,
            redo,
            retries,
            escalate,
            fallback,
            on_failure,
            when,
            priority,
            start_timeout: timeouts.0,
            total_timeout: timeouts.1,
            cache,
            finally,
        },
    )
}

fn id(index: usize) -> TaskId {
    TaskId::new(&format!("t{index}")).unwrap()
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn body(shape: &Shape, voters: usize) -> TaskBody {
    match &shape.body {
        Body::Vote(0) if voters > 0 => TaskBody::Vote(Require::All),
        Body::Vote(1) if voters > 0 => TaskBody::Vote(Require::Any),
        Body::Vote(n) if voters > 0 => TaskBody::Vote(Require::AtLeast((*n).min(voters as u32))),
        Body::Approval(timeout, choice) => TaskBody::Approval(Approval {
            message: None,
            timeout: timeout.map(seconds),
            on_timeout: OnTimeout::ALL[*choice],
        }),
        Body::Workflow(shapes) => TaskBody::Workflow(SubWorkflow {
            path: "inner.yaml".into(),
            plan: plan_of(shapes, None, 4, None),
        }),
        Body::Agent | Body::Vote(_) => TaskBody::Agent {
            role: Role::new(&format!("role{}", shape.role)).unwrap(),
            agent: None,
        },
    }
}

/// The task number `index`. Those of `finally` come after `main` others.
fn task(index: usize, shape: &Shape, main: usize) -> Task {
    let finally = index >= main;
    let mut needs: Vec<_> = match index {
        0 => Vec::new(),
        n => shape.needs.iter().map(|need| id(need % n)).collect(),
    };
    needs.sort();
    needs.dedup();
    let body = body(shape, needs.len());
    let has_instances = matches!(body, TaskBody::Agent { .. } | TaskBody::Workflow(_));
    let has_agent = matches!(body, TaskBody::Agent { .. });
    Task {
        for_each: shape.items.filter(|_| has_instances).map(|count| ForEach {
            items: Expression::parse(&format!("range({count})")).unwrap(),
            concurrency: shape.concurrency,
            on_item_failure: OnItemFailure::ALL[shape.on_item_failure],
        }),
        // The inputs of an inner workflow are none.
        input: matches!(body, TaskBody::Workflow(_))
            .then(|| ringfence_flow::Template::parse(&serde_json::json!({})).unwrap()),
        when: (!shape.when).then(|| Expression::parse("false").unwrap()),
        priority: Priority::ALL[shape.priority],
        retry: RetryPolicy {
            max_retries: shape.retries,
            escalate: shape.escalate,
            backoff: Backoff {
                jitter: if shape.fallback {
                    Jitter::Full
                } else {
                    Jitter::None
                },
                ..Backoff::default()
            },
            ..RetryPolicy::default()
        },
        fallback: match shape.fallback && has_agent {
            true => vec![AgentName::new("backup").unwrap()],
            false => Vec::new(),
        },
        start_timeout: shape.start_timeout.filter(|_| has_agent).map(seconds),
        total_timeout: shape.total_timeout.filter(|_| has_instances).map(seconds),
        cache: shape.cache && has_agent,
        on_reject: match shape.redo {
            Some((from, max_rounds)) if index > 0 && !finally => Some(OnReject {
                redo_from: id(from % index),
                max_rounds,
            }),
            _ => None,
        },
        on_failure: match shape.on_failure {
            0..=2 => OnFailure::Continue,
            3 | 4 => OnFailure::SkipDependents,
            _ => OnFailure::Fail,
        },
        needs,
        finally,
        ..Task::new(id(index), body)
    }
}

/// The plan of a workflow; loops that cannot be are left out.
pub(crate) fn plan(shape: &WorkflowShape) -> Arc<Plan> {
    plan_of(
        &shape.tasks,
        shape.deadline,
        shape.retry_budget,
        shape.limit,
    )
}

fn plan_of(
    shapes: &[Shape],
    deadline: Option<u64>,
    retry_budget: u32,
    limit: Option<u32>,
) -> Arc<Plan> {
    // The first task is never one of `finally`, so there is one of the others.
    let (finally, main): (Vec<_>, Vec<_>) = shapes
        .iter()
        .enumerate()
        .partition(|(index, shape)| *index > 0 && shape.finally);
    let count = main.len();
    let tasks = main.into_iter().chain(finally).map(|(_, shape)| shape);
    let tasks = tasks
        .enumerate()
        .map(|(index, shape)| task(index, shape, count));
    let role = Role::new("role1").unwrap();
    let concurrency = limit.map(|most| Limit {
        concurrency: Some(most),
        rate: Some("3/s".parse().unwrap()),
    });
    let mut workflow = Workflow {
        concurrency: CONCURRENCY,
        deadline: deadline.map(seconds),
        retry_budget: RetryBudget {
            at_least: retry_budget,
            ratio: 0.3,
        },
        limits: Limits {
            roles: concurrency.map(|limit| (role, limit)).into_iter().collect(),
            ..Limits::default()
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
