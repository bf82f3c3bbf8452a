//! How far off the estimate of a run's end is, beside the naive "elapsed by
//! share done": `cargo bench -p ringfence-flow --bench eta`.
//!
//! Runs are the real state machines with agents that take drawn times, and a
//! recorded review of a source tree. Nothing here depends on the machine.

#![allow(
    clippy::unwrap_used,
    reason = "a benchmark that cannot go on has failed"
)]
#![allow(clippy::print_stdout, reason = "what a benchmark shows")]

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use ringfence_flow::build::{TaskBuilder, WorkflowBuilder, role, workflow};
use ringfence_flow::{
    AgentName, AgentProfile, AttemptResult, BreakerPolicy, Budgets, ContentHash, Durations,
    EVENT_SCHEMA, Effect, Fleet, FleetAction, FleetPolicy, InstanceRef, Json, Limits, Output,
    Rejection, Role, Run, RunEvent, RunEventKind, RunId, RunInput, RunLimits, RunOptions,
    TaskRequest, Ticket, Timestamp, Usage, Verdict, WorkflowMeter,
};

/// The parts of a run at which its estimates are compared with what came.
const MOMENTS: [f64; 5] = [0.1, 0.25, 0.5, 0.75, 0.9];

/// What each role takes on average, in seconds, and how uneven that is: the
/// time is `mean * (1 - skew + 2 * skew * draw^4 * 2.5)`.
const ROLES: [(&str, f64, f64); 5] = [
    ("survey", 4.0, 0.2),
    ("review", 2.0, 0.8),
    ("fix", 12.0, 0.5),
    ("check", 6.0, 0.3),
    ("gate", 1.0, 0.2),
];

fn main() {
    let shapes: [(&str, WorkflowBuilder); 5] = [
        ("pipeline", pipeline()),
        ("wide map", wide_map()),
        ("two branches", two_branches()),
        ("loop", looping()),
        ("review", review()),
    ];
    println!("error of the estimated total, in % of the real one; naive = elapsed / share done\n");
    println!(
        "{:<22} {:>31}   {:>31}   {:>31}",
        "", "estimate", "estimate with history", "naive"
    );
    let head = MOMENTS
        .map(|part| format!("{:>5.0}%", part * 100.0))
        .concat();
    println!("{:<22} {head}   {head}   {head}", "at this part of the run");
    let mut sums = [0.0; 3];
    let mut count = 0.0;
    let mut row = |name: &str, events: &[RunEvent], history: &Durations| {
        let errors = [
            errors(events, WorkflowMeter::new(), |meter, now, _| {
                meter.metrics(now).estimated_completion
            }),
            errors(
                events,
                WorkflowMeter::with_history(history.clone()),
                |meter, now, _| meter.metrics(now).estimated_completion,
            ),
            errors(events, WorkflowMeter::new(), naive),
        ];
        let shown = errors.map(|errors| {
            errors
                .map(|error| error.map_or("     -".to_owned(), |e| format!("{:>6.0}", e * 100.0)))
                .concat()
        });
        println!("{name:<22} {}   {}   {}", shown[0], shown[1], shown[2]);
        for moment in 0..MOMENTS.len() {
            // Only where all of them say something.
            if let [Some(a), Some(b), Some(c)] = errors.map(|errors| errors[moment]) {
                sums = [sums[0] + a, sums[1] + b, sums[2] + c];
                count += 1.0;
            }
        }
    };
    for (name, shape) in shapes {
        let mut history = Durations::default();
        for seed in 0..4 {
            let events = play(&shape, seed);
            row(&format!("{name} {seed}"), &events, &history);
            let mut meter = WorkflowMeter::new();
            events.iter().for_each(|event| meter.apply(event));
            history.merge(meter.durations());
        }
    }
    let recorded: Vec<RunEvent> = include_str!("runs/review.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    row("recorded review", &recorded, &Durations::default());
    let means = sums.map(|sum| sum / count * 100.0);
    println!(
        "\nmean error: {:.0} % estimated, {:.0} % with history, {:.0} % naive",
        means[0], means[1], means[2]
    );
    println!(
        "the naive one is off {:.1} times as far, {:.1} times with history",
        means[2] / means[0],
        means[2] / means[1]
    );
}

fn naive(meter: &WorkflowMeter, now: Timestamp, start: Timestamp) -> Option<Duration> {
    let share = meter.metrics(now).percentage / 100.0;
    let elapsed = now.since(start).as_secs_f64();
    (share > 0.0).then(|| Duration::from_secs_f64(elapsed / share - elapsed))
}

/// How far off the total is at each moment, as a part of the real one.
fn errors(
    events: &[RunEvent],
    mut meter: WorkflowMeter,
    left: impl Fn(&WorkflowMeter, Timestamp, Timestamp) -> Option<Duration>,
) -> [Option<f64>; 5] {
    let (start, end) = (events[0].at, events[events.len() - 1].at);
    let total = end.since(start);
    let mut rest = events.iter().peekable();
    MOMENTS.map(|part| {
        let now = start.after(total.mul_f64(part));
        while let Some(event) = rest.next_if(|event| event.at <= now) {
            meter.apply(event);
        }
        let guess = now.since(start) + left(&meter, now, start)?;
        Some((guess.as_secs_f64() / total.as_secs_f64() - 1.0).abs())
    })
}

fn pipeline() -> WorkflowBuilder {
    let mut builder = workflow("pipeline").task("a", role("survey"));
    for (n, (name, role_name)) in [
        ("b", "fix"),
        ("c", "check"),
        ("d", "review"),
        ("e", "fix"),
        ("f", "gate"),
    ]
    .into_iter()
    .enumerate()
    {
        let before = ["a", "b", "c", "d", "e"][n];
        builder = builder.task(name, role(role_name).needs([before]));
    }
    builder
}

fn wide_map() -> WorkflowBuilder {
    workflow("wide").task("all", role("review").for_each("range(200)"))
}

fn two_branches() -> WorkflowBuilder {
    let mut builder = workflow("branches").task("many", role("review").for_each("range(60)"));
    let mut before: Option<String> = None;
    for n in 0..5 {
        let name = format!("slow{n}");
        let task = role("fix");
        let task = match &before {
            Some(before) => task.needs([before]),
            None => task,
        };
        builder = builder.task(&name, task);
        before = Some(name);
    }
    builder.task("end", role("gate").needs(["many", "slow4"]))
}

fn looping() -> WorkflowBuilder {
    workflow("loop")
        .task("survey", role("survey"))
        .task("fix", role("fix").needs(["survey"]))
        .task("check", role("check").needs(["fix"]))
        .task("gate", role("gate").needs(["check"]).on_reject("fix", 2))
        .task("last", role("check").needs(["gate"]))
}

fn review() -> WorkflowBuilder {
    let map = |name: &str| -> TaskBuilder { role(name).needs(["survey"]).for_each("range(18)") };
    workflow("review")
        .task("survey", role("survey"))
        .task("one", map("review"))
        .task("two", map("check"))
        .task("three", map("review"))
        .task("fix", role("fix").needs(["one", "two", "three"]))
        .task("verify", role("check").needs(["fix"]))
        .task("gate", role("gate").needs(["verify"]))
}

/// A number from 0 to 1 for a request: SplitMix64 over what it asks.
fn draw(seed: u64, request: &TaskRequest) -> f64 {
    let text = format!(
        "{seed} {} {} {}",
        request.key, request.round, request.attempt
    );
    let mix = |hash: u64, byte: u8| {
        (hash ^ u64::from(byte))
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .rotate_left(23)
    };
    let bits = text.bytes().fold(0xcbf2_9ce4_8422_2325, mix);
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

fn takes(seed: u64, request: &TaskRequest) -> Duration {
    let (_, mean, skew) = ROLES
        .iter()
        .find(|(role, ..)| *role == request.role.as_str())
        .unwrap();
    let uneven = 1.0 - skew + 5.0 * skew * draw(seed, request).powi(4);
    Duration::from_secs_f64(mean * uneven)
}

/// The events of a run whose agents take the drawn times.
fn play(shape: &WorkflowBuilder, seed: u64) -> Vec<RunEvent> {
    let plan = shape.plan().unwrap();
    let profile = |(name, ..): &(&str, f64, f64)| {
        Arc::new(AgentProfile {
            name: AgentName::new(name).unwrap(),
            version: "1".into(),
            summary: "".into(),
            roles: [Role::new(name).unwrap()].into(),
            hash: ContentHash::from_bytes([0; 32]),
            instances: 4,
            mounts: [].into(),
        })
    };
    let policy = FleetPolicy {
        conduct: ringfence_flow::ConductPolicy::default(),
        capacity: 64,
        emergency_reserve: 0,
        breaker: BreakerPolicy::default(),
        limits: Limits::default(),
    };
    let mut fleet = Fleet::new(policy, ROLES.iter().map(profile));
    let slot = fleet.enter(RunLimits::at_once(plan.workflow().concurrency), None);
    let options = RunOptions {
        inputs: Json::parse("{}").unwrap(),
        seed,
        budgets: Budgets::default(),
        ceiling: Budgets::default(),
        outer_deadline: None,
    };
    let id = RunId::new("r").unwrap();
    let mut run = Run::new(id.clone(), plan, options);
    let mut now = Timestamp::from_unix(Duration::from_secs(1_000));
    let mut tickets: BTreeMap<InstanceRef, Ticket> = BTreeMap::new();
    let mut at_work = BinaryHeap::new();
    let mut events = Vec::new();
    let mut effects = VecDeque::from(run.handle(now, RunInput::Start));
    while run.status().is_none() || !effects.is_empty() {
        while let Some(effect) = effects.pop_front() {
            match effect {
                Effect::Submit { at, demand } => {
                    tickets.insert(at, fleet.submit(now, slot, demand));
                }
                Effect::Execute { at, request, .. } => {
                    let rejects = request.role.as_str() == "gate"
                        && request.round == 1
                        && request.key.task.as_str() == "gate"
                        && run.plan().workflow().name.as_str() == "loop";
                    at_work.push(Reverse((now.after(takes(seed, &request)), at, rejects)));
                }
                Effect::Emit(event) => events.push(RunEvent {
                    schema: EVENT_SCHEMA,
                    run: id.clone(),
                    seq: events.len() as u64 + 1,
                    at: now,
                    event,
                }),
                other => unreachable!("nothing fails here: {other:?}"),
            }
        }
        let mut actions = Vec::new();
        fleet.dispatch(now, &mut actions);
        for action in &actions {
            if let FleetAction::Assign { ticket, agent } = action {
                let (at, _) = tickets.iter().find(|(_, held)| *held == ticket).unwrap();
                let assigned = RunInput::Assigned {
                    at: *at,
                    agent: agent.clone(),
                };
                effects.extend(run.handle(now, assigned));
            }
        }
        if actions.is_empty()
            && effects.is_empty()
            && let Some(Reverse((at_time, at, rejects))) = at_work.pop()
        {
            now = at_time;
            fleet.ended(now, tickets[&at], Verdict::Success, &mut Vec::new());
            let result = match rejects {
                false => AttemptResult::Completed(Output::default()),
                true => AttemptResult::Rejected(Rejection {
                    reason: "again".into(),
                    findings: [].into(),
                }),
            };
            let ended = RunInput::AttemptEnded {
                at,
                result,
                usage: Usage::default(),
            };
            effects.extend(run.handle(now, ended));
        }
    }
    debug_assert!(matches!(
        events.last().unwrap().event,
        RunEventKind::RunEnded { .. }
    ));
    events
}
