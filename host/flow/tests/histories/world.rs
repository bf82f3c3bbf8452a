//! A run with the runs inside it, a fleet, and agents and people that draw
//! what they do.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use ringfence_flow::{
    AgentLoad, AgentName, AgentProfile, Answer, AttemptResult, BreakerPolicy, Budgets, ContentHash,
    Decision, EVENT_SCHEMA, Effect, Failure, FailureCode, Fleet, FleetAction, FleetPolicy,
    InstanceRef, Json, Limits, Output, Plan, Recalled, Rejection, Role, Run, RunEvent,
    RunEventKind, RunId, RunInput, RunLimits, RunOptions, RunSlot, StopReason, TaskIndex, Ticket,
    Timestamp, Usage, Verdict,
};

use crate::promises::{Figures, Promises};
use crate::shapes::CONCURRENCY;

/// Which run, and which of its instances.
type Place = (usize, InstanceRef);

/// Plays one history to its end and gives it.
pub(crate) fn play(plan: &Arc<Plan>, seed: u64, cancel_after: Option<u64>) -> Vec<String> {
    let mut world = World::new(plan, seed);
    let mut steps = 0_u64;
    world.feed(0, RunInput::Start);
    while !world.runs[0].promises.over {
        steps += 1;
        assert!(steps < 200_000, "the run does not end");
        if cancel_after == Some(steps) {
            world.feed(0, RunInput::Stop(StopReason::Cancelled));
        } else {
            world.step();
        }
    }
    assert!(
        world.runs.iter().all(|live| live.promises.over),
        "a run inside goes on"
    );
    assert!(world.fleet.is_idle(), "slots leak");
    world.fleet.leave(world.runs[0].slot);
    world.history
}

/// A run that is under way.
struct Live {
    plan: Arc<Plan>,
    run: Run,
    slot: RunSlot,
    around: Option<Place>,
    promises: Promises,
}

struct World {
    runs: Vec<Live>,
    fleet: Fleet,
    now: Timestamp,
    draws: Draws,
    tickets: BTreeMap<Place, Ticket>,
    inside: BTreeMap<Place, usize>,
    /// Attempts, and whether they were told to stop.
    at_work: Vec<(Place, bool)>,
    searching: Vec<(Place, bool)>,
    asking: Vec<(Ticket, Vec<AgentName>)>,
    pending: VecDeque<(usize, Effect)>,
    figures: Figures,
    history: Vec<String>,
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

impl World {
    fn new(plan: &Arc<Plan>, seed: u64) -> Self {
        let policy = FleetPolicy {
            capacity: 6,
            emergency_reserve: 1,
            breaker: BreakerPolicy::default(),
            limits: Limits::default(),
        };
        let mut world = Self {
            runs: Vec::new(),
            fleet: Fleet::new(policy, agents()),
            now: Timestamp::from_unix(Duration::from_secs(1_000)),
            draws: Draws(seed),
            tickets: BTreeMap::new(),
            inside: BTreeMap::new(),
            at_work: Vec::new(),
            searching: Vec::new(),
            asking: Vec::new(),
            pending: VecDeque::new(),
            figures: Figures::default(),
            history: Vec::new(),
        };
        let options = RunOptions {
            inputs: Json::parse("{}").unwrap(),
            seed,
            budgets: Budgets::default(),
            ceiling: Budgets::default(),
            outer_deadline: None,
        };
        world.enter(RunId::new("r").unwrap(), Arc::clone(plan), options, None);
        world
    }

    fn enter(
        &mut self,
        id: RunId,
        plan: Arc<Plan>,
        options: RunOptions,
        around: Option<Place>,
    ) -> usize {
        let limits = RunLimits {
            concurrency: plan.workflow().concurrency,
            limits: plan.workflow().limits.clone(),
        };
        let slot = self
            .fleet
            .enter(limits, around.map(|(run, _)| self.runs[run].slot));
        self.runs.push(Live {
            run: Run::new(id, Arc::clone(&plan), options),
            plan,
            slot,
            around,
            promises: Promises::default(),
        });
        self.runs.len() - 1
    }

    fn handle(&mut self, run: usize, input: RunInput) {
        let effects = self.runs[run].run.handle(self.now, input);
        let effects = effects.into_iter().map(|effect| (run, effect));
        self.pending.extend(effects);
    }

    fn feed(&mut self, run: usize, input: RunInput) {
        self.handle(run, input);
        loop {
            while let Some((run, effect)) = self.pending.pop_front() {
                self.carry_out(run, effect);
            }
            let mut actions = Vec::new();
            self.fleet.dispatch(self.now, &mut actions);
            if actions.is_empty() {
                break;
            }
            for action in actions {
                self.follow(action);
            }
        }
    }

    fn follow(&mut self, action: FleetAction) {
        match action {
            FleetAction::Assign { ticket, agent } => {
                let (run, at) = self.holder(ticket);
                self.handle(run, RunInput::Assigned { at, agent });
            }
            FleetAction::Refuse { ticket, refusal } => {
                let (run, at) = self.holder(ticket);
                self.handle(run, RunInput::Refused { at, refusal });
            }
            FleetAction::Ask { ticket, agents } => self.asking.push((ticket, agents)),
            FleetAction::BreakerMoved { .. } => {}
        }
    }

    fn holder(&self, ticket: Ticket) -> Place {
        let held = self.tickets.iter().find(|(_, held)| **held == ticket);
        *held.unwrap().0
    }

    fn carry_out(&mut self, run: usize, effect: Effect) {
        match effect {
            Effect::Submit { at, demand } => {
                let ticket = self.fleet.submit(self.now, self.runs[run].slot, demand);
                self.tickets.insert((run, at), ticket);
            }
            Effect::Withdraw { at } => {
                let ticket = self.tickets[&(run, at)];
                self.fleet.withdraw(ticket);
                self.asking.retain(|(asked, _)| *asked != ticket);
            }
            Effect::Release { at } => self.ended((run, at), Verdict::Neither),
            Effect::Execute { at, .. } => self.at_work.push(((run, at), false)),
            Effect::Recall { at, .. } => self.searching.push(((run, at), false)),
            Effect::Stop { at, .. } => {
                let mut all = self.at_work.iter_mut().chain(&mut self.searching);
                all.find(|(place, _)| *place == (run, at)).unwrap().1 = true;
            }
            Effect::StartChild { at, child } => {
                let place = (run, at);
                let inner = self.enter(child.id, child.plan, child.options, Some(place));
                self.inside.insert(place, inner);
                self.handle(inner, RunInput::Start);
            }
            Effect::StopChild { at, reason } => {
                // It may just have ended.
                if let Some(inner) = self.inside.get(&(run, at)).copied() {
                    self.handle(inner, RunInput::Stop(reason));
                }
            }
            Effect::Emit(event) => self.emit(run, event),
        }
    }

    fn emit(&mut self, run: usize, event: RunEventKind) {
        let is_end = matches!(event, RunEventKind::RunEnded { .. });
        let live = &mut self.runs[run];
        live.promises.check(&live.plan, &event);
        match live.around {
            None => {
                self.history.push(format!("{event:?}"));
                let event = RunEvent {
                    schema: EVENT_SCHEMA,
                    run: RunId::new("r").unwrap(),
                    seq: self.history.len() as u64,
                    at: self.now,
                    event,
                };
                self.figures.check(&event);
            }
            Some((around, at)) => {
                let outer = &self.runs[around];
                let wrapped = RunEventKind::Child {
                    key: at.key(&outer.plan),
                    round: outer.run.round(at),
                    event: Box::new(event),
                };
                self.emit(around, wrapped);
                if is_end {
                    let live = &self.runs[run];
                    let result = live.run.result().unwrap();
                    self.fleet.leave(live.slot);
                    self.inside.remove(&(around, at));
                    self.handle(around, RunInput::ChildEnded { at, result });
                }
            }
        }
    }

    /// Never more at once than the run, the host and each agent allow.
    fn check_limits(&self) {
        let under_way = self.at_work.len() + self.searching.len() + self.asking.len();
        assert!(under_way <= CONCURRENCY as usize, "{under_way}");
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
        let waiting = self.waiting();
        let wakes = self.runs.iter().map(|live| live.run.next_wake());
        let wake = wakes
            .chain([self.fleet.next_wake(self.now)])
            .flatten()
            .min();
        let counts = [
            self.at_work.len(),
            self.asking.len(),
            self.searching.len(),
            waiting.len(),
            usize::from(wake.is_some()),
        ];
        let choices = counts.iter().sum::<usize>() as u64;
        assert!(choices > 0, "nothing can happen, and the run has not ended");
        let mut choice = self.draws.below(choices) as usize;
        let kind = counts
            .iter()
            .position(|count| match choice.checked_sub(*count) {
                Some(rest) => {
                    choice = rest;
                    false
                }
                None => true,
            });
        match kind {
            Some(0) => self.end_attempt(choice),
            Some(1) => self.answer(choice),
            Some(2) => self.found(choice),
            Some(3) => self.decide(waiting[choice]),
            _ => {
                self.now = self.now.max(wake.unwrap());
                for run in 0..self.runs.len() {
                    self.feed(run, RunInput::Tick);
                }
            }
        }
    }

    fn waiting(&self) -> Vec<(usize, TaskIndex)> {
        let all = self.runs.iter().enumerate();
        all.flat_map(|(run, live)| live.run.awaiting().map(move |task| (run, task)))
            .collect()
    }

    fn decide(&mut self, (run, task): (usize, TaskIndex)) {
        let decision = Decision::of("ada", self.draws.below(3) > 0, None);
        self.feed(run, RunInput::Decided { task, decision });
    }

    fn answer(&mut self, index: usize) {
        let (ticket, agents) = self.asking.swap_remove(index);
        let answers = agents.into_iter().map(|agent| {
            let answer = match self.draws.below(10) {
                0 => Answer::Declined,
                1 => Answer::Failed(Failure::new(FailureCode::Trap, "asked")),
                _ => Answer::Capable,
            };
            (agent, answer)
        });
        let answers = answers.collect();
        self.fleet
            .answered(self.now, ticket, answers, &mut Vec::new());
        self.feed(0, RunInput::Tick);
    }

    fn found(&mut self, index: usize) {
        let ((run, at), stopped) = self.searching.swap_remove(index);
        let found = (!stopped && self.draws.below(2) == 0).then(|| {
            Box::new(Recalled {
                output: Output::of(Json::from(serde_json::json!("again"))),
                run: RunId::new("earlier").unwrap(),
                at: Timestamp::default(),
            })
        });
        self.feed(run, RunInput::Recalled { at, found });
    }

    fn ended(&mut self, place: Place, verdict: Verdict) {
        let ticket = self.tickets[&place];
        self.fleet.ended(self.now, ticket, verdict, &mut Vec::new());
    }

    fn end_attempt(&mut self, index: usize) {
        let wait = self.draws.below(3_000);
        self.now = self.now.after(Duration::from_millis(wait));
        let ((run, at), stopped) = self.at_work.swap_remove(index);
        let result = match stopped {
            true => AttemptResult::Failed(Failure::new(FailureCode::Cancelled, "stopped")),
            false => self.result(),
        };
        self.ended((run, at), result.verdict());
        let usage = Usage::default();
        self.feed(run, RunInput::AttemptEnded { at, result, usage });
    }

    fn result(&mut self) -> AttemptResult {
        let code = match self.draws.below(20) {
            0 => FailureCode::Transient,
            1 => FailureCode::Trap,
            2 => FailureCode::Permanent,
            3 => FailureCode::OutOfFuel,
            // The host lost it.
            4 => FailureCode::HostError,
            5..=7 => {
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
