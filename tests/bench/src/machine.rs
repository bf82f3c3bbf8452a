//! The state machine that decides, alone: no agents, no fleet, no clock.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use ringfence_flow::{
    AgentName, AttemptResult, Budgets, Effect, InstanceRef, Json, Output, Plan, Run, RunId,
    RunInput, RunOptions, RunStatus, Timestamp, Usage, WorkflowFile,
};
use serde_json::json;

use crate::allocations;
use crate::result::{Aim, Row, Unit};
use crate::stats::{Comparison, Spread, time};

const MANY: u32 = 1_000_000;
const FEW: u32 = 1_000;
const ROUNDS: usize = 5;

pub(crate) fn measure() -> Vec<Row> {
    let many = Wide::new(MANY);
    let few = Wide::new(FEW);
    let per_task = |wide: &Wide, items: u32, repeat: u32| {
        let took = time(&mut || {
            for _ in 0..repeat {
                drive(wide);
            }
        });
        took.as_secs_f64() / f64::from(items) / f64::from(repeat)
    };
    per_task(&few, FEW, 100);
    let pairs: Vec<_> = (0..ROUNDS)
        .map(|_| (per_task(&many, MANY, 1), per_task(&few, FEW, MANY / FEW)))
        .collect();
    let comparison = Comparison::of(&pairs);
    let bytes = allocations::of(|| drive(&many));
    vec![
        Row::against(
            "a task of 1,000,000 in the state machine",
            "a task of 1,000",
            comparison,
        )
        .aims(Aim::AtMost(1.3)),
        Row::value("the same, for itself", Unit::Seconds, comparison.ours).aims(Aim::AtMost(1e-6)),
        Row::value(
            "the most memory that it holds, a task",
            Unit::Bytes,
            Spread::of([bytes as f64 / f64::from(MANY)]),
        )
        .aims(Aim::AtMost(400.0)),
    ]
}

/// Runs so many tasks.
pub(crate) fn take(tasks: u32) {
    drive(&Wide::new(tasks));
}

/// A map over the list that is its input, which may be longer than `range` is.
const WIDE: &str = "version: 1\nname: wide\nconcurrency: 64\ninputs:\n  numbers: { type: array }\ntasks:\n  each: { role: echo, for_each: inputs.numbers }\n";

/// A run of so many tasks.
struct Wide {
    plan: Arc<Plan>,
    inputs: Json,
}

impl Wide {
    fn new(items: u32) -> Self {
        let file = WorkflowFile::parse("wide.yaml", WIDE).unwrap();
        let numbers: Vec<_> = (0..items).collect();
        Self {
            plan: Arc::new(file.into_plan()),
            inputs: json!({ "numbers": numbers }).into(),
        }
    }
}

/// Drives a run to its end: whoever asks gets an agent, and each attempt
/// completes.
fn drive(wide: &Wide) -> Run {
    let options = RunOptions {
        inputs: wide.inputs.clone(),
        seed: 7,
        budgets: Budgets::default(),
        ceiling: Budgets::default(),
        outer_deadline: None,
    };
    let agent = AgentName::new("echo").unwrap();
    let mut run = Run::new(RunId::new("r-1").unwrap(), Arc::clone(&wide.plan), options);
    let mut submitted: VecDeque<InstanceRef> = VecDeque::new();
    let mut inputs = VecDeque::from([RunInput::Start]);
    let mut now = 0;
    loop {
        let input = match (inputs.pop_front(), submitted.pop_front()) {
            (Some(input), waiting) => {
                if let Some(at) = waiting {
                    submitted.push_front(at);
                }
                input
            }
            (None, Some(at)) => RunInput::Assigned {
                at,
                agent: agent.clone(),
            },
            (None, None) => break,
        };
        now += 1;
        for effect in run.handle(Timestamp::from_unix(Duration::from_millis(now)), input) {
            match effect {
                Effect::Submit { at, .. } => submitted.push_back(at),
                Effect::Execute { at, .. } => inputs.push_back(RunInput::AttemptEnded {
                    at,
                    result: AttemptResult::Completed(Output::of(json!(at.item).into())),
                    usage: Usage::default(),
                }),
                Effect::Emit(_) | Effect::Withdraw { .. } => {}
                other => panic!("nothing asks for {other:?}"),
            }
        }
    }
    assert_eq!(
        run.status(),
        Some(RunStatus::Completed),
        "{:?}",
        run.results()
    );
    run
}
