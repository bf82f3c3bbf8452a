//! Random workflows under random histories: whatever agents do and in which
//! order, the run keeps its promises.
//!
//! The fleet is the real one, time is a number, and agents draw what they do.
//! `RINGFENCE_CASES` sets how many histories are tried.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use ringfence_flow::{
    AgentLoad, AgentName, AgentProfile, Answer, AttemptResult, Backoff, BreakerPolicy, Budgets,
    ContentHash, Effect, Expression, Failure, FailureCode, Fleet, FleetAction, FleetPolicy,
    ForEach, InstanceRef, Jitter, Json, Limits, OnFailure, OnItemFailure, OnReject, Output, Plan,
    Priority, Rejection, Require, RetryPolicy, Role, Run, RunEventKind, RunId, RunInput, RunLimits,
    RunOptions, RunSlot, StopReason, Task, TaskBody, TaskId, TaskKey, TaskStatus, Ticket,
    Timestamp, Usage, Verdict, Workflow, WorkflowName,
};

/// A task of a random workflow. Numbers are taken modulo what is possible.
#[derive(Clone, Debug)]
struct Shape {
    needs: Vec<usize>,
    role: u8,
    items: Option<u32>,
    concurrency: Option<u32>,
    redo: Option<(usize, u32)>,
    retries: u32,
    fallback: bool,
    on_failure: u8,
    on_item_failure: u8,
    when: bool,
    vote: Option<u32>,
    priority: u8,
}

fn shape() -> impl Strategy<Value = Shape> {
    (
        (
            prop::collection::vec(any::<prop::sample::Index>(), 0..4),
            0..3_u8,
            prop::option::weighted(0.25, 0..6_u32),
            prop::option::of(1..4_u32),
            prop::option::weighted(0.4, (0..10_usize, 1..4_u32)),
        ),
        (
            0..3_u32,
            any::<bool>(),
            0..6_u8,
            0..4_u8,
            prop::bool::weighted(0.9),
            prop::option::weighted(0.15, 0..4_u32),
            0..5_u8,
        ),
    )
        .prop_map(
            |(
                (needs, role, items, concurrency, redo),
                (retries, fallback, on_failure, on_item_failure, when, vote, priority),
            )| Shape {
                needs: needs.into_iter().map(|index| index.index(1_000)).collect(),
                role,
                items,
                concurrency,
                redo,
                retries,
                fallback,
                on_failure,
                on_item_failure,
                when,
                vote,
                priority,
            },
        )
}

fn id(index: usize) -> TaskId {
    TaskId::new(&format!("t{index}")).unwrap()
}

fn task(index: usize, shape: &Shape) -> Task {
    let mut needs: Vec<_> = match index {
        0 => Vec::new(),
        n => shape.needs.iter().map(|need| id(need % n)).collect(),
    };
    needs.sort();
    needs.dedup();
    let vote = shape.vote.filter(|_| !needs.is_empty());
    let body = match vote {
        Some(0) => TaskBody::Vote(Require::All),
        Some(1) => TaskBody::Vote(Require::Any),
        Some(n) => TaskBody::Vote(Require::AtLeast(n.min(needs.len() as u32))),
        None => TaskBody::Agent {
            role: Role::new(&format!("role{}", shape.role)).unwrap(),
            agent: None,
        },
    };
    Task {
        for_each: shape.items.filter(|_| vote.is_none()).map(|count| ForEach {
            items: Expression::parse(&format!("range({count})")).unwrap(),
            concurrency: shape.concurrency,
            on_item_failure: OnItemFailure::ALL[shape.on_item_failure as usize],
        }),
        when: (!shape.when).then(|| Expression::parse("false").unwrap()),
        priority: Priority::ALL[shape.priority as usize],
        retry: RetryPolicy {
            max_retries: shape.retries,
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
        fallback: match shape.fallback && vote.is_none() {
            true => vec![AgentName::new("backup").unwrap()],
            false => Vec::new(),
        },
        on_reject: match shape.redo {
            Some((from, max_rounds)) if index > 0 => Some(OnReject {
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
        ..Task::new(id(index), body)
    }
}

/// The workflow of these shapes; loops that cannot be are left out.
fn plan(shapes: &[Shape]) -> Arc<Plan> {
    let tasks = shapes.iter().enumerate().map(|(i, shape)| task(i, shape));
    let mut workflow = Workflow {
        concurrency: 5,
        ..Workflow::new(WorkflowName::new("random").unwrap(), tasks.collect())
    };
    for index in 0..workflow.tasks.len() {
        if Plan::new(Workflow {
            tasks: workflow.tasks[..=index].to_vec(),
            ..workflow.clone()
        })
        .is_err()
        {
            workflow.tasks[index].on_reject = None;
        }
    }
    Arc::new(Plan::new(workflow).unwrap())
}

fn agents() -> Vec<Arc<AgentProfile>> {
    let agent = |name: &str, roles: &[&str], instances| {
        Arc::new(AgentProfile {
            name: AgentName::new(name).unwrap(),
            version: "1.0.0".into(),
            summary: "".into(),
            roles: roles.iter().map(|role| Role::new(role).unwrap()).collect(),
            hash: ContentHash::from_bytes([0; 32]),
            instances,
            mounts: [].into(),
        })
    };
    vec![
        agent("backup", &["role0", "role1", "role2"], 2),
        agent("one", &["role0"], 1),
        agent("two", &["role0", "role1"], 3),
        agent("three", &["role2"], 2),
    ]
}

/// Draws without an order of its own: SplitMix64.
struct Draws(u64);

impl Draws {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

/// What has been promised, kept by a naive reading of the events.
#[derive(Default)]
struct Promises {
    ended: BTreeMap<TaskId, TaskStatus>,
    running: BTreeSet<TaskKey>,
    attempts: BTreeMap<(TaskKey, u32), u32>,
    history: Vec<String>,
    over: bool,
}

impl Promises {
    fn check(&mut self, plan: &Plan, event: &RunEventKind) {
        assert!(!self.over, "nothing happens after the end");
        self.history.push(format!("{event:?}"));
        match event {
            RunEventKind::AttemptStarted {
                key,
                attempt,
                round,
                ..
            } => {
                let spec = plan.task(plan.index_of(&key.task).unwrap());
                for need in &spec.needs {
                    assert!(
                        self.ended.contains_key(need),
                        "{key} started before {need} ended"
                    );
                }
                assert!(!self.ended.contains_key(&key.task), "{key} had ended");
                assert!(self.running.insert(key.clone()), "{key} runs twice at once");
                let count = self.attempts.entry((key.clone(), *round)).or_default();
                *count += 1;
                assert_eq!(*count, *attempt, "attempts count from 1");
                let most = (1 + spec.retry.max_retries) * (1 + spec.fallback.len() as u32);
                assert!(*attempt <= most, "{key}: attempt {attempt} of {most}");
            }
            RunEventKind::AttemptEnded { key, .. } => {
                assert!(self.running.remove(key), "{key} ended without a start");
            }
            RunEventKind::TaskEnded { key, status, .. } if key.item.is_none() => {
                let before = self.ended.insert(key.task.clone(), *status);
                assert_eq!(before, None, "{key} ended twice in one round");
            }
            RunEventKind::RoundStarted {
                gate, round, tasks, ..
            } => {
                let gate = plan.index_of(gate).unwrap();
                let redo = plan.node(gate).redo.as_ref().unwrap();
                assert!(*round <= redo.max_rounds, "rounds are bounded");
                for task in tasks {
                    self.ended.remove(task);
                }
            }
            RunEventKind::RunEnded { .. } => {
                assert!(self.running.is_empty(), "left running: {:?}", self.running);
                assert_eq!(self.ended.len(), plan.tasks().len(), "each task has ended");
                self.over = true;
            }
            _ => {}
        }
    }
}

/// Plays one history to its end and gives it.
fn play(plan: &Arc<Plan>, seed: u64, cancel_after: Option<u64>) -> Vec<String> {
    let mut world = World::new(plan, seed);
    let mut steps = 0_u64;
    world.feed(RunInput::Start);
    while !world.promises.over {
        steps += 1;
        assert!(steps < 200_000, "the run does not end");
        if cancel_after == Some(steps) {
            world.feed(RunInput::Stop(StopReason::Cancelled));
        } else {
            world.step();
        }
    }
    assert!(world.fleet.is_idle(), "slots leak");
    world.fleet.leave(world.slot);
    world.promises.history
}

/// A run, a fleet and agents that draw what they do.
struct World {
    plan: Arc<Plan>,
    run: Run,
    fleet: Fleet,
    slot: RunSlot,
    now: Timestamp,
    draws: Draws,
    tickets: BTreeMap<InstanceRef, Ticket>,
    at_work: Vec<(InstanceRef, bool)>,
    asking: Vec<(Ticket, Vec<AgentName>)>,
    promises: Promises,
}

impl World {
    fn new(plan: &Arc<Plan>, seed: u64) -> Self {
        let policy = FleetPolicy {
            capacity: 6,
            emergency_reserve: 1,
            breaker: BreakerPolicy::default(),
            limits: Limits::default(),
        };
        let mut fleet = Fleet::new(policy, agents());
        let options = RunOptions {
            inputs: Json::parse("{}").unwrap(),
            seed,
            budgets: Budgets::default(),
            ceiling: Budgets::default(),
            outer_deadline: None,
        };
        Self {
            run: Run::new(RunId::new("r").unwrap(), Arc::clone(plan), options),
            slot: fleet.enter(RunLimits::at_once(plan.workflow().concurrency), None),
            fleet,
            plan: Arc::clone(plan),
            now: Timestamp::from_unix(Duration::from_secs(1_000)),
            draws: Draws(seed),
            tickets: BTreeMap::new(),
            at_work: Vec::new(),
            asking: Vec::new(),
            promises: Promises::default(),
        }
    }

    fn feed(&mut self, input: RunInput) {
        let mut effects: std::collections::VecDeque<_> = self.run.handle(self.now, input).into();
        loop {
            while let Some(effect) = effects.pop_front() {
                self.carry_out(effect);
            }
            let mut actions = Vec::new();
            self.fleet.dispatch(self.now, &mut actions);
            if actions.is_empty() {
                break;
            }
            for action in actions {
                match action {
                    FleetAction::Assign { ticket, agent } => {
                        let at = self.holder(ticket);
                        effects.extend(self.run.handle(self.now, RunInput::Assigned { at, agent }));
                    }
                    FleetAction::Refuse { ticket, refusal } => {
                        let at = self.holder(ticket);
                        effects
                            .extend(self.run.handle(self.now, RunInput::Refused { at, refusal }));
                    }
                    FleetAction::Ask { ticket, agents } => self.asking.push((ticket, agents)),
                    FleetAction::BreakerMoved { .. } => {}
                }
            }
        }
    }

    fn holder(&self, ticket: Ticket) -> InstanceRef {
        *self
            .tickets
            .iter()
            .find(|(_, held)| **held == ticket)
            .unwrap()
            .0
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Submit { at, demand } => {
                let ticket = self.fleet.submit(self.now, self.slot, demand);
                self.tickets.insert(at, ticket);
            }
            Effect::Withdraw { at } => {
                let ticket = self.tickets[&at];
                self.fleet.withdraw(ticket);
                self.asking.retain(|(asked, _)| *asked != ticket);
            }
            Effect::Release { at } => {
                self.fleet.ended(
                    self.now,
                    self.tickets[&at],
                    Verdict::Neither,
                    &mut Vec::new(),
                );
            }
            Effect::Execute { at, .. } => self.at_work.push((at, false)),
            Effect::Stop { at, .. } => {
                let attempt = self
                    .at_work
                    .iter_mut()
                    .find(|(held, _)| *held == at)
                    .unwrap();
                attempt.1 = true;
            }
            Effect::Recall { .. } | Effect::StartChild { .. } | Effect::StopChild { .. } => {
                unreachable!("no task of these workflows asks for it")
            }
            Effect::Emit(event) => self.promises.check(&self.plan, &event),
        }
    }

    /// Never more at once than the run, the host and each agent allow.
    fn check_limits(&self) {
        let under_way = self.at_work.len() + self.asking.len();
        assert!(under_way <= 5, "{under_way} of the run's 5");
        for AgentLoad {
            profile, running, ..
        } in self.fleet.agents()
        {
            // One more where it is an emergency.
            assert!(
                running <= profile.instances + 1,
                "{}: {running}",
                profile.name
            );
        }
    }

    /// Lets one of the things happen that could.
    fn step(&mut self) {
        self.check_limits();
        let (attempts, questions) = (self.at_work.len() as u64, self.asking.len() as u64);
        let wakes = [self.run.next_wake(), self.fleet.next_wake(self.now)];
        let wake = wakes.into_iter().flatten().min();
        let choices = attempts + questions + u64::from(wake.is_some());
        assert!(choices > 0, "nothing can happen, and the run has not ended");
        let choice = self.draws.below(choices);
        if choice < attempts {
            self.now = self
                .now
                .after(Duration::from_millis(self.draws.below(3_000)));
            self.end_attempt(choice as usize);
        } else if choice < attempts + questions {
            let (ticket, agents) = self.asking.swap_remove((choice - attempts) as usize);
            let answers = agents
                .into_iter()
                .map(|agent| (agent, self.answer()))
                .collect();
            self.fleet
                .answered(self.now, ticket, answers, &mut Vec::new());
            self.feed(RunInput::Tick);
        } else {
            self.now = self.now.max(wake.unwrap());
            self.feed(RunInput::Tick);
        }
    }

    fn answer(&mut self) -> Answer {
        match self.draws.below(10) {
            0 => Answer::Declined,
            1 => Answer::Failed(Failure::new(FailureCode::Trap, "asked")),
            _ => Answer::Capable,
        }
    }

    fn end_attempt(&mut self, index: usize) {
        let (at, stopped) = self.at_work.swap_remove(index);
        let result = if stopped {
            AttemptResult::Failed(Failure::new(FailureCode::Cancelled, "stopped"))
        } else {
            self.result()
        };
        let verdict = result.verdict();
        self.fleet
            .ended(self.now, self.tickets[&at], verdict, &mut Vec::new());
        self.feed(RunInput::AttemptEnded {
            at,
            result,
            usage: Usage::default(),
        });
    }

    fn result(&mut self) -> AttemptResult {
        let code = match self.draws.below(20) {
            0 => FailureCode::Transient,
            1 => FailureCode::Trap,
            2 => FailureCode::Permanent,
            3 => FailureCode::OutOfFuel,
            4..=7 => {
                return AttemptResult::Rejected(Rejection {
                    reason: "no".into(),
                    findings: [].into(),
                });
            }
            n => return AttemptResult::Completed(Output::of(Json::from(serde_json::json!(n)))),
        };
        AttemptResult::Failed(Failure::new(code, "drawn"))
    }
}

fn cases() -> u32 {
    std::env::var("RINGFENCE_CASES").ok().map_or(2_000, |text| {
        text.parse().expect("RINGFENCE_CASES is a number")
    })
}

#[test]
fn every_history_keeps_every_promise() {
    let mut runner = TestRunner::new(ProptestConfig {
        cases: cases(),
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let strategy = (
        prop::collection::vec(shape(), 1..9),
        any::<u64>(),
        prop::option::weighted(0.2, 1..40_u64),
    );
    let seen = RefCell::new(BTreeSet::new());
    runner
        .run(&strategy, |(shapes, seed, cancel_after)| {
            let plan = plan(&shapes);
            let first = play(&plan, seed, cancel_after);
            let again = play(&plan, seed, cancel_after);
            let kinds = first
                .iter()
                .filter_map(|event| event.split([' ', '{']).next());
            seen.borrow_mut().extend(kinds.map(str::to_owned));
            prop_assert_eq!(first, again, "the same seed gives the same history");
            Ok(())
        })
        .unwrap();
    let everything = [
        "AttemptEnded",
        "AttemptStarted",
        "FallbackChosen",
        "RetryScheduled",
        "RoundStarted",
        "RunEnded",
        "RunStarted",
        "RunStopping",
        "TaskEnded",
        "TaskExpanded",
    ];
    assert_eq!(
        seen.into_inner(),
        everything.map(str::to_owned).into(),
        "all of it was tried"
    );
}
