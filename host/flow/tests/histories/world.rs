//! A run with the runs inside it, a fleet, and agents and people that draw
//! what they do.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use ringfence_flow::{
    AgentLoad, AgentName, AgentProfile, Answer, AttemptResult, BreakerPolicy, Budgets,
    ConductPolicy, ContentHash, Decision, EVENT_SCHEMA, Effect, Failure, FailureCode, Fleet,
    FleetAction, FleetPolicy, Happening, InstanceRef, JournalEntry, Json, Limits, Output, Plan,
    Recalled, Rejection, Replay, Role, Run, RunEvent, RunEventKind, RunId, RunInput, RunLimits,
    RunOptions, RunPath, RunSlot, StopReason, TaskBody, TaskIndex, Ticket, Timestamp, Usage,
    Verdict,
};

use crate::promises::{Figures, Promises};
use crate::shapes::CONCURRENCY;

/// Which run, and which of its instances.
type Place = (usize, InstanceRef);

/// What befalls a run from outside.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fate {
    /// It is cancelled after so many steps.
    pub(crate) cancel_after: Option<u64>,
    /// One in so many steps its process dies.
    pub(crate) crash_in: Option<u64>,
    /// After its end it is retried: from this task, as far as there are so
    /// many, or from what did not complete.
    pub(crate) retry_from: Option<Option<usize>>,
}

/// Plays one history to its end and gives it.
pub(crate) fn play(plan: &Arc<Plan>, seed: u64, fate: Fate) -> Vec<String> {
    let mut world = World::new(plan, seed);
    world.feed(0, RunInput::Start);
    world.play(fate);
    if let Some(from) = fate.retry_from {
        world.retry(from, fate);
    }
    world.check_journal();
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
    seed: u64,
    runs: Vec<Live>,
    /// What a journal has told of the runs that go on.
    told: BTreeMap<RunPath, Promises>,
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
    /// Runs inside others that have ended, of which these are still to be told.
    over: Vec<usize>,
    figures: Figures,
    history: Vec<String>,
    /// What would be written down.
    journal: Vec<JournalEntry>,
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

fn run_id() -> RunId {
    RunId::new("r").unwrap()
}

fn options(seed: u64) -> RunOptions {
    RunOptions {
        inputs: Json::parse("{}").unwrap(),
        seed,
        budgets: Budgets::default(),
        ceiling: Budgets::default(),
        outer_deadline: None,
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
            conduct: ConductPolicy::default(),
            capacity: 6,
            emergency_reserve: 1,
            breaker: BreakerPolicy::default(),
            limits: Limits::default(),
        };
        let mut world = Self {
            seed,
            runs: Vec::new(),
            told: BTreeMap::new(),
            fleet: Fleet::new(policy, agents()),
            now: Timestamp::from_unix(Duration::from_secs(1_000)),
            draws: Draws(seed),
            tickets: BTreeMap::new(),
            inside: BTreeMap::new(),
            at_work: Vec::new(),
            searching: Vec::new(),
            asking: Vec::new(),
            pending: VecDeque::new(),
            over: Vec::new(),
            figures: Figures::default(),
            history: Vec::new(),
            journal: Vec::new(),
        };
        let run = Run::new(run_id(), Arc::clone(plan), options(seed));
        world.enter(run, None);
        world
    }

    /// Lets things happen until the run has ended.
    fn play(&mut self, fate: Fate) {
        let mut steps = 0_u64;
        while !self.runs[0].promises.over {
            steps += 1;
            assert!(steps < 200_000, "the run does not end");
            if fate.cancel_after == Some(steps) {
                self.feed(0, RunInput::Stop(StopReason::Cancelled));
            } else if fate.crash_in.is_some_and(|n| self.draws.below(n) == 0) {
                self.crash();
            } else {
                self.step();
            }
        }
    }

    fn retry(&mut self, from: Option<usize>, fate: Fate) {
        let tasks: Vec<_> = self.runs[0].plan.indices().collect();
        let from: Vec<_> = from.map(|n| tasks[n % tasks.len()]).into_iter().collect();
        if self.runs[0].run.retried_tasks(&from).is_ok() {
            self.feed(0, RunInput::Retry { from });
            self.play(Fate {
                cancel_after: None,
                ..fate
            });
        }
    }

    /// The process dies, and with it what was written last; another one goes
    /// on with what is left.
    fn crash(&mut self) {
        let lost = self.draws.below(4) as usize;
        self.journal
            .truncate(self.journal.len().saturating_sub(lost));
        let replay = self.replayed();
        let (plan, seed) = (Arc::clone(&self.runs[0].plan), self.seed);
        let away = Duration::from_millis(self.draws.below(100_000));
        let mut next = Self {
            draws: Draws(self.draws.below(u64::MAX)),
            now: replay.at().max(self.now).after(away),
            journal: std::mem::take(&mut self.journal),
            ..Self::new(&plan, seed)
        };
        next.remember();
        let away = next.now.since(replay.at());
        let mut slots = BTreeMap::new();
        for (path, run) in replay.into_runs() {
            let Some((around, key)) = path.around() else {
                next.runs[0].run = run;
                slots.insert(path, 0);
                continue;
            };
            let outer: usize = slots[&around];
            let at = InstanceRef {
                task: next.runs[outer].plan.index_of(&key.task).unwrap(),
                item: key.item.unwrap_or(0),
            };
            let inner = next.enter(run, Some((outer, at)));
            next.runs[inner].promises = next.told.remove(&path).unwrap_or_default();
            next.inside.insert((outer, at), inner);
            slots.insert(path, inner);
        }
        *self = next;
        for run in 0..self.runs.len() {
            if !self.runs[run].run.has_started() {
                self.handle(run, RunInput::Start);
            } else if self.runs[run].run.status().is_none() {
                self.handle(run, RunInput::Resumed { away, lost: true });
            }
        }
        for run in 1..self.runs.len() {
            if let (Some(_), Some((around, at))) =
                (self.runs[run].run.status(), self.runs[run].around)
                && self.inside.contains_key(&(around, at))
                && !self.is_told(run)
            {
                self.child_ended(run);
            }
        }
        // Whatever they want is done when all of them know.
        self.carry_on();
    }

    /// Whether the end of a run inside is among what is still to be told.
    fn is_told(&self, run: usize) -> bool {
        let ends = |(of, effect): &(usize, Effect)| {
            *of == run && matches!(effect, Effect::Emit(RunEventKind::RunEnded { .. }))
        };
        self.pending.iter().any(ends)
    }

    fn replayed(&self) -> Replay {
        let plan = Arc::clone(&self.runs[0].plan);
        let mut replay = Replay::new(run_id(), plan, options(self.seed));
        for entry in &self.journal {
            let text = serde_json::to_string(entry).unwrap();
            let read: JournalEntry = serde_json::from_str(&text).unwrap();
            assert_eq!(read, *entry, "it survives being written down");
            replay.apply(&read).unwrap();
        }
        replay
    }

    /// The journal leads to where the run is.
    fn check_journal(&self) {
        let (replay, run) = (self.replayed(), &self.runs[0].run);
        assert_eq!(replay.run().status(), run.status());
        assert_eq!(replay.run().output(), run.output());
        let shown = |run: &Run| format!("{:?}", run.results());
        assert_eq!(shown(replay.run()), shown(run));
    }

    /// Takes from the journal what was told, for all who listen.
    fn remember(&mut self) {
        for entry in self.journal.clone() {
            for event in entry.clone().into_events(&run_id()) {
                self.history.push(format!("{:?}", event.event));
                self.figures.check(&event);
                self.tell(&RunPath::outermost(), &event.event);
            }
        }
        if let Some(promises) = self.told.remove(&RunPath::outermost()) {
            self.runs[0].promises = promises;
        }
    }

    fn tell(&mut self, path: &RunPath, event: &RunEventKind) {
        match event {
            RunEventKind::Child { key, event, .. } => self.tell(&path.inside(key.clone()), event),
            RunEventKind::ChildStarted { key, .. } => {
                self.told.remove(&path.inside(key.clone()));
            }
            _ => {}
        }
        let plan = self.plan_of(path);
        let promises = self.told.entry(path.clone()).or_default();
        promises.check(&plan, event);
    }

    fn plan_of(&self, path: &RunPath) -> Arc<Plan> {
        let Some((around, key)) = path.around() else {
            return Arc::clone(&self.runs[0].plan);
        };
        let outer = self.plan_of(&around);
        let task = outer.task(outer.index_of(&key.task).unwrap());
        let TaskBody::Workflow(workflow) = &task.body else {
            panic!("{path} stands for no run");
        };
        Arc::clone(&workflow.plan)
    }

    /// The way to a run.
    fn path(&self, run: usize) -> RunPath {
        match self.runs[run].around {
            None => RunPath::outermost(),
            Some((around, at)) => {
                let key = at.key(&self.runs[around].plan);
                self.path(around).inside(key)
            }
        }
    }

    fn enter(&mut self, run: Run, around: Option<Place>) -> usize {
        let plan = Arc::clone(run.plan());
        let limits = RunLimits {
            concurrency: plan.workflow().concurrency,
            limits: plan.workflow().limits.clone(),
        };
        let slot = self
            .fleet
            .enter(limits, around.map(|(run, _)| self.runs[run].slot));
        self.runs.push(Live {
            run,
            plan,
            slot,
            around,
            promises: Promises::default(),
        });
        self.runs.len() - 1
    }

    fn handle(&mut self, run: usize, input: RunInput) {
        let happening = Happening::of(&input, &self.runs[run].plan);
        let effects = self.runs[run].run.handle(self.now, input);
        let emitted = effects.iter().filter_map(|effect| match effect {
            Effect::Emit(event) => Some(self.seen_from_outside(run, event.clone())),
            _ => None,
        });
        let events = emitted.collect();
        self.journal.push(JournalEntry {
            first: self.journal.last().map_or(1, JournalEntry::next),
            at: self.now,
            path: self.path(run),
            input: Some(happening),
            events,
        });
        let effects = effects.into_iter().map(|effect| (run, effect));
        self.pending.extend(effects);
    }

    fn feed(&mut self, run: usize, input: RunInput) {
        self.handle(run, input);
        self.carry_on();
    }

    fn carry_on(&mut self) {
        loop {
            while let Some((run, effect)) = self.pending.pop_front() {
                self.carry_out(run, effect);
            }
            let mut actions = Vec::new();
            self.fleet.dispatch(self.now, &mut actions);
            // What an end asks for comes before it is told.
            if actions.is_empty() && !self.tell_ends() {
                break;
            }
            for action in actions {
                self.follow(action);
            }
        }
    }

    /// Tells runs of what ended inside them. False if there is nothing to tell.
    fn tell_ends(&mut self) -> bool {
        let over = std::mem::take(&mut self.over);
        for run in &over {
            self.child_ended(*run);
        }
        !over.is_empty()
    }

    fn seen_from_outside(&self, run: usize, event: RunEventKind) -> RunEventKind {
        let Some((around, at)) = self.runs[run].around else {
            return event;
        };
        let outer = &self.runs[around];
        let wrapped = RunEventKind::Child {
            key: at.key(&outer.plan),
            round: outer.run.round(at),
            event: Box::new(event),
        };
        self.seen_from_outside(around, wrapped)
    }

    fn follow(&mut self, action: FleetAction) {
        match action {
            FleetAction::Assign { ticket, agent } => {
                let (run, at) = self.holder(ticket);
                self.handle(run, RunInput::Assigned { at, agent });
            }
            FleetAction::Refuse { ticket, refusal } => {
                let (run, at) = self.holder(ticket);
                let (agent, failure) = (refusal.agent.clone(), refusal.to_failure());
                self.handle(run, RunInput::Refused { at, agent, failure });
            }
            FleetAction::Ask { ticket, agents } => self.asking.push((ticket, agents)),
            FleetAction::BreakerMoved { .. }
            | FleetAction::Conducted { .. }
            | FleetAction::SetAside { .. } => {}
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
                let child = Run::new(child.id, child.plan, child.options);
                let inner = self.enter(child, Some(place));
                self.inside.insert(place, inner);
                self.handle(inner, RunInput::Start);
            }
            Effect::StopChild { at, reason, again } => {
                // It may just have ended.
                if let Some(inner) = self.inside.get(&(run, at)).copied()
                    && !(again && self.runs[inner].run.is_stopping())
                {
                    self.handle(inner, RunInput::Stop(reason));
                }
            }
            Effect::Emit(event) => self.emit(run, event),
        }
    }

    /// What is said fits what is said of it. A sample: it takes its time.
    fn check_schema(&self, event: &RunEvent) {
        static SCHEMA: LazyLock<jsonschema::Validator> =
            LazyLock::new(|| jsonschema::validator_for(&ringfence_flow::event_schema()).unwrap());
        if event.seq % 16 == self.seed % 16 {
            let json = serde_json::to_value(event).unwrap();
            if let Err(error) = SCHEMA.validate(&json) {
                panic!("{error}: {json}");
            }
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
                    run: run_id(),
                    seq: self.history.len() as u64,
                    at: self.now,
                    event,
                };
                self.figures.check(&event);
                self.check_schema(&event);
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
                    self.over.push(run);
                }
            }
        }
    }

    fn child_ended(&mut self, run: usize) {
        let live = &self.runs[run];
        let (around, at) = live.around.unwrap();
        let result = live.run.result().unwrap();
        self.fleet.leave(live.slot);
        self.inside.remove(&(around, at));
        self.handle(around, RunInput::ChildEnded { at, result });
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
                    // One that has ended was let go of.
                    if self.runs[run].run.status().is_none() {
                        self.feed(run, RunInput::Tick);
                    }
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
