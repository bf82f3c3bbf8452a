//! The host's own task: feeds the state machines and carries out what they
//! say, until nothing is left to do at this moment.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use ringfence_flow::{
    AgentConduct, AgentName, AgentProfile, Answer, Attempt, AttemptReport, AttemptResult,
    AttemptRunner, ConductBook, Effect, Fleet, FleetAction, Happening, InstanceRef, ResultStore,
    Run, RunEventKind, RunId, RunInput, RunLimits, RunOptions, RunSlot, StopReason, Ticket,
    Timestamp, Verdict,
};
use rustc_hash::FxHashMap;
use tokio::sync::{mpsc, oneshot};
use tracing::Instrument;

use crate::attempt::{Done, Watcher, ask, stop_signal};
use crate::errands::{Errand, Errands};
use crate::gathering::Gathering;
use crate::host::{HostConfig, Message};
use crate::live::{self, Artifacts, Holder, Live, Remembered, Results};
use crate::outbox::{Outbox, Outward};
use crate::publisher::{News, Publisher, Publishing};
use crate::spans::Spans;
use crate::{Clock, MemoryResults, RunOutcome, RunSpec};

/// How many ends of errands are dealt with before what follows is carried out.
const SLICE: usize = 16;

/// Owns the fleet and all live runs.
///
/// The keys of its maps are numbers that the host counts itself. Nobody outside
/// picks them, so they need no hash that cannot be foreseen.
pub(crate) struct Dispatcher {
    pub(crate) runner: Arc<dyn AttemptRunner>,
    pub(crate) clock: Clock,
    mailbox: mpsc::WeakSender<Message>,
    fleet: Fleet,
    conduct_book: Option<Arc<dyn ConductBook>>,
    pub(crate) runs: BTreeMap<RunSlot, Live>,
    pub(crate) tickets: FxHashMap<Ticket, Holder>,
    /// Where results are kept of runs that bring no store.
    results: Results,
    pub(crate) errands: Errands,
    gathering: Gathering,
    /// What the machines said and nobody has carried out yet.
    pending: VecDeque<(RunSlot, Effect)>,
    /// What waits for the journals, by the run that somebody started.
    pub(crate) outboxes: BTreeMap<RunSlot, Outbox>,
    /// The runs whose journal is stuck, and since when.
    pub(crate) paused: BTreeMap<RunSlot, Timestamp>,
    /// Those of which something was said in this turn.
    spoke: BTreeSet<RunSlot>,
    pub(crate) news: mpsc::UnboundedSender<News>,
}

impl Dispatcher {
    pub(crate) fn new(
        runner: Arc<dyn AttemptRunner>,
        config: HostConfig,
        clock: Clock,
        mailbox: mpsc::WeakSender<Message>,
        news: mpsc::UnboundedSender<News>,
    ) -> Self {
        let conduct_book = config.conduct_book.clone();
        let agents = runner.agents();
        let mut fleet = Fleet::new(config.policy(), agents.clone());
        recall_conduct(&mut fleet, conduct_book.as_deref(), &agents);
        Self {
            fleet,
            conduct_book,
            runner,
            clock,
            mailbox,
            runs: BTreeMap::new(),
            tickets: FxHashMap::default(),
            results: Results(Arc::new(MemoryResults::default())),
            errands: Errands::new(),
            gathering: Gathering::default(),
            pending: VecDeque::new(),
            outboxes: BTreeMap::new(),
            paused: BTreeMap::new(),
            spoke: BTreeSet::new(),
            news,
        }
    }

    pub(crate) async fn serve(
        mut self,
        mut messages: mpsc::Receiver<Message>,
        mut news: mpsc::UnboundedReceiver<News>,
    ) {
        let mut open = true;
        while open || !self.runs.is_empty() || !self.outboxes.is_empty() {
            let wake = self.next_wake();
            let clock = self.clock;
            tokio::select! {
                message = messages.recv(), if open => match message {
                    Some(message) => self.take(message),
                    None => open = false,
                },
                first = self.errands.next() => {
                    if self.errands.are_many() {
                        self.gathering.wait(clock).await;
                    }
                    self.take_back(first);
                }
                Some(first) = news.recv() => {
                    self.hear(first);
                    while let Ok(more) = news.try_recv() {
                        self.hear(more);
                    }
                }
                () = sleep_until(clock, wake) => self.tick(),
            }
            self.work();
            self.errands.begin_lone().await;
        }
    }

    fn next_wake(&self) -> Option<Timestamp> {
        let runs = self.runs.values().filter(|live| self.goes_on(live));
        let runs = runs.filter_map(|live| live.run.next_wake());
        runs.chain(self.fleet.next_wake(self.clock.now())).min()
    }

    /// Whether time counts for a run.
    fn goes_on(&self, live: &Live) -> bool {
        !self.paused.contains_key(&live.root)
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Start {
                spec,
                accepted,
                done,
            } => {
                let known = self.outermost(&spec.id).is_some();
                // Whoever started it may have stopped waiting.
                let _ = accepted.send(!known);
                if !known {
                    self.start(*spec, done);
                }
            }
            Message::Resume {
                spec,
                accepted,
                done,
            } => {
                let known = self.outermost(spec.run.run().id()).is_some();
                // Whoever resumed it may have stopped waiting.
                let _ = accepted.send(!known);
                if !known {
                    self.resume(*spec, done);
                }
            }
            Message::Cancel { run } => {
                if let Some(slot) = self.outermost(&run) {
                    self.feed(slot, RunInput::Stop(StopReason::Cancelled));
                }
            }
            Message::Decide {
                run,
                task,
                decision,
                answer,
            } => {
                match self.decide(&run, task, decision) {
                    Ok((root, publisher)) => {
                        self.send_out(root, &publisher, Outward::Decided(answer));
                    }
                    // Whoever decided may have stopped waiting.
                    Err(error) => drop(answer.send(Err(error))),
                }
            }
            Message::Agents { answer } => {
                // Whoever asked may have stopped waiting.
                let _ = answer.send(self.fleet.agents().collect());
            }
            Message::AgentsChanged => self.agents_changed(),
            Message::Release { agent } => {
                self.fleet.set_conduct(&agent, AgentConduct::default());
                if let Some(book) = &self.conduct_book {
                    book.release(&agent);
                }
            }
            Message::Activity { ticket, activity } => self.fleet.activity(ticket, activity),
        }
    }

    /// The live run of this name that somebody started.
    pub(crate) fn outermost(&self, run: &RunId) -> Option<RunSlot> {
        let named = |(_, live): &(&RunSlot, &Live)| live.is_outermost() && live.run.id() == run;
        self.runs.iter().find(named).map(|(slot, _)| *slot)
    }

    fn start(&mut self, spec: RunSpec, done: oneshot::Sender<RunOutcome>) {
        let options = RunOptions {
            inputs: spec.inputs,
            seed: spec.seed,
            budgets: spec
                .budgets
                .unwrap_or_else(|| self.runner.default_budgets()),
            ceiling: self.runner.ceiling(),
            outer_deadline: None,
        };
        let run = Run::new(spec.id, spec.plan, options);
        let slot = self.enter(&run, None);
        let publisher = Publisher::new(Publishing {
            run: run.id().clone(),
            slot,
            clock: self.clock,
            observer: spec.observer,
            journal: spec.journal,
            news: self.news.clone(),
            next: 1,
        });
        let spans = Spans::of_run(&run, None);
        let live = Live::new(
            run,
            spans,
            slot,
            publisher,
            Artifacts(spec.artifacts),
            self.results_or_own(spec.results),
            live::Done::Caller(done),
        );
        self.runs.insert(slot, live);
        self.feed(slot, RunInput::Start);
    }

    /// The results that a run brings, or those that the host holds.
    pub(crate) fn results_or_own(&self, results: Option<Arc<dyn ResultStore>>) -> Results {
        results.map_or_else(|| self.results.clone(), Results)
    }

    /// Takes a run into the fleet.
    pub(crate) fn enter(&mut self, run: &Run, around: Option<RunSlot>) -> RunSlot {
        let workflow = run.plan().workflow();
        let limits = RunLimits {
            concurrency: workflow.concurrency,
            limits: workflow.limits.clone(),
        };
        self.fleet.enter(limits, around)
    }

    fn tick(&mut self) {
        let now = self.clock.now();
        let due =
            |live: &Live| self.goes_on(live) && live.run.next_wake().is_some_and(|at| at <= now);
        let slots: Vec<_> = self
            .runs
            .iter()
            .filter(|(_, live)| due(live))
            .map(|(slot, _)| *slot)
            .collect();
        for slot in slots {
            self.feed(slot, RunInput::Tick);
        }
    }

    /// Takes what has come back by now. With each slice it carries out what
    /// follows, so that other cores have work while this one goes on.
    fn take_back(&mut self, first: (Ticket, Done)) {
        let more = self.errands.waiting();
        self.came_back(first);
        for number in 1..=more {
            if number % SLICE == 0 {
                self.work();
            }
            let Some(next) = self.errands.try_next() else {
                return;
            };
            self.came_back(next);
        }
    }

    fn came_back(&mut self, (ticket, done): (Ticket, Done)) {
        match done {
            Done::Attempt(report) => self.attempt_ended(ticket, *report),
            Done::Answers(answers) => self.answered(ticket, answers),
            Done::Search(search) => self.searched(ticket, search),
            // Nobody waits for it, or the runtime shuts down.
            Done::Dropped => {}
        }
    }

    fn attempt_ended(&mut self, ticket: Ticket, report: AttemptReport) {
        let Some(holder) = self.tickets.get(&ticket).copied() else {
            return;
        };
        let verdict = report.result.verdict();
        let mut actions = Vec::new();
        let live = self.runs.get_mut(&holder.run);
        let tight = live.and_then(|live| live.tight.remove(&holder.at));
        let tight = tight.unwrap_or_default();
        self.fleet
            .judge(ticket, &report.result, &tight, &mut actions);
        if let Some(live) = self.runs.get_mut(&holder.run)
            && !matches!(report.result, AttemptResult::Failed(_))
        {
            live.answers.remove(&holder.at);
        }
        let ended = RunInput::AttemptEnded {
            at: holder.at,
            result: report.result,
            usage: report.usage,
        };
        // The run speaks first: that the attempt ended comes before that a
        // breaker moved. What it asks for is carried out after the release.
        self.feed(holder.run, ended);
        for action in actions {
            self.follow(action);
        }
        self.release(holder, verdict);
    }

    fn agents_changed(&mut self) {
        let agents = self.runner.agents();
        for (agent, change) in self.fleet.set_agents(agents.clone()) {
            tracing::info!(%agent, ?change, "agents changed");
            self.tell_all(|| RunEventKind::AgentChanged {
                agent: agent.clone(),
                change: change.clone(),
            });
        }
        recall_conduct(&mut self.fleet, self.conduct_book.as_deref(), &agents);
    }

    fn keep_conduct(&self, agent: &AgentName, conduct: AgentConduct) {
        if let Some(book) = &self.conduct_book {
            book.keep(agent, conduct);
        }
    }

    /// Tells all live runs what concerns the host, in line with what the runs say
    /// themselves, and never after their end.
    fn tell_all(&mut self, event: impl Fn() -> RunEventKind) {
        let goes_on =
            |(_, live): &(&RunSlot, &Live)| live.is_outermost() && live.run.status().is_none();
        for (slot, _) in self.runs.iter().filter(goes_on) {
            self.pending.push_back((*slot, Effect::Emit(event())));
        }
    }

    fn answered(&mut self, ticket: Ticket, answers: Vec<(AgentName, Answer)>) {
        let Some(holder) = self.tickets.get(&ticket) else {
            return;
        };
        if let Some(live) = self.runs.get_mut(&holder.run) {
            let remembered = Remembered {
                round: live.run.round(holder.at),
                answers: answers.clone(),
            };
            live.answers.insert(holder.at, remembered);
        }
        self.settle_question(ticket, answers);
    }

    fn settle_question(&mut self, ticket: Ticket, answers: Vec<(AgentName, Answer)>) {
        let mut actions = Vec::new();
        self.fleet
            .answered(self.clock.now(), ticket, answers, &mut actions);
        for action in actions {
            self.follow(action);
        }
    }

    /// Passes what happened to a run, and keeps what it says for [`work`](Self::work).
    pub(crate) fn feed(&mut self, slot: RunSlot, input: RunInput) {
        let Some(live) = self.runs.get_mut(&slot) else {
            return;
        };
        let now = self.clock.now();
        let happening = Happening::of(&input, live.run.plan());
        let mut events = Vec::new();
        for effect in live.run.handle(now, input) {
            match effect {
                Effect::Emit(event) => {
                    if let RunEventKind::RunEnded { failure, task, .. } = &event {
                        live.end = Some((failure.clone(), task.clone()));
                    }
                    live.spans.hear(&event);
                    events.push(event);
                }
                effect => self.pending.push_back((slot, effect)),
            }
        }
        live.publisher.step(now, happening, events);
        self.spoke.insert(live.root);
    }

    /// Carries out all that can be done now.
    fn work(&mut self) {
        let mut actions = Vec::new();
        loop {
            while let Some((slot, effect)) = self.pending.pop_front() {
                self.carry_out(slot, effect);
            }
            self.fleet.dispatch(self.clock.now(), &mut actions);
            if actions.is_empty() {
                // The end of a child is news for the run around it.
                if !self.bury() {
                    break;
                }
            }
            for action in actions.drain(..) {
                self.follow(action);
            }
        }
        self.flush();
        self.errands.begin_together();
    }

    /// Gives the journals what was said in this turn, all of it at once.
    fn flush(&mut self) {
        let waits = self.only_waits();
        for root in std::mem::take(&mut self.spoke) {
            let live = self.runs.get(&root).map(|live| &live.publisher);
            let outbox = self.outboxes.get(&root).map(Outbox::publisher);
            match live.or(outbox) {
                Some(publisher) if waits => {
                    publisher.flush_and_wait();
                    self.let_out_kept(root);
                }
                Some(publisher) => publisher.flush(),
                None => {}
            }
        }
    }

    /// Whether nothing can happen but that a journal keeps what the host's only
    /// run has said: no attempt is under way, and something waits to go out. Then
    /// this thread may as well write it. To hand it to the journal's thread and
    /// back takes a quarter of the time that a step of a chain needs.
    fn only_waits(&self) -> bool {
        self.errands.is_empty() && self.outboxes.len() == 1 && self.spoke.len() == 1
    }

    fn carry_out(&mut self, slot: RunSlot, effect: Effect) {
        let Some(live) = self.runs.get_mut(&slot) else {
            return;
        };
        match effect {
            Effect::Emit(event) => {
                live.publisher.publish(event);
                self.spoke.insert(live.root);
            }
            Effect::Submit { at, demand } => {
                let ticket = self.fleet.submit(self.clock.now(), slot, demand);
                live.tickets.insert(at, ticket);
                self.tickets.insert(ticket, Holder { run: slot, at });
            }
            Effect::Withdraw { at } => {
                // The ticket may just have been assigned. Then the run declines
                // it in a moment, and it is released.
                if let Some(ticket) = live.tickets.get(&at).copied()
                    && self.fleet.withdraw(ticket)
                {
                    live.tickets.remove(&at);
                    self.tickets.remove(&ticket);
                    self.errands.give_up(ticket);
                }
            }
            Effect::Recall { at, agent, request } => self.recall(slot, at, agent, *request),
            Effect::StartChild { at, child } => self.start_child(slot, at, *child),
            Effect::StopChild { at, reason, again } => self.stop_child(slot, at, reason, again),
            Effect::Release { at } => self.release(Holder { run: slot, at }, Verdict::Neither),
            Effect::Stop { at, reason } => {
                if let Some(stop) = live.stops.remove(&at) {
                    // An attempt that has just ended needs no stopping.
                    let _ = stop.send(reason);
                }
            }
            Effect::Execute {
                at,
                agent,
                request,
                budgets,
            } => {
                let Some(ticket) = live.tickets.get(&at).copied() else {
                    return;
                };
                let (stop, signal) = stop_signal();
                live.stops.insert(at, stop);
                let usual = self.runner.default_budgets();
                let tight: Vec<_> = usual.above(&budgets).collect();
                if !tight.is_empty() {
                    live.tight.insert(at, tight);
                }
                let attempt = Attempt {
                    observer: Arc::new(Watcher {
                        publisher: Arc::clone(&live.publisher),
                        key: request.key.clone(),
                        agent: agent.clone(),
                        attempt: request.attempt,
                        ticket,
                        host: self.mailbox.clone(),
                    }),
                    agent,
                    request: *request,
                    budgets,
                    artifacts: Arc::clone(&live.artifacts.0),
                    stop: signal,
                };
                let (root, publisher) = (live.root, Arc::clone(&live.publisher));
                let attempt = Box::new(attempt);
                let outward = Outward::Attempt {
                    run: slot,
                    at,
                    attempt,
                };
                self.send_out(root, &publisher, outward);
            }
        }
    }

    /// Has an attempt made, whose start is kept or need not be.
    pub(crate) fn make_attempt(&mut self, run: RunSlot, at: InstanceRef, attempt: Attempt) {
        let Some(live) = self.runs.get_mut(&run) else {
            return;
        };
        let Some(ticket) = live.tickets.get(&at).copied() else {
            return;
        };
        let runner = Arc::clone(&self.runner);
        let keeper = live.keeper(at, self.clock);
        let span = live.spans.attempt(&attempt.request.key);
        // A file may keep its thread waiting, which must not be the host's own.
        let touches_files = !attempt.request.mounts.is_empty();
        let made = async move {
            let report = runner.execute(attempt).await;
            if let Some(keeper) = keeper {
                keeper.keep(&report.result).await;
            }
            Done::Attempt(Box::new(report))
        };
        let made = made.instrument(span);
        if touches_files {
            self.errands.start(ticket, Errand::Attempt, made);
        } else {
            self.errands.start_or_hold(ticket, made);
        }
    }

    fn follow(&mut self, action: FleetAction) {
        match action {
            FleetAction::Assign { ticket, agent } => {
                if let Some(Holder { run, at }) = self.tickets.get(&ticket).copied() {
                    self.feed(run, RunInput::Assigned { at, agent });
                }
            }
            FleetAction::Refuse { ticket, refusal } => {
                if let Some(Holder { run, at }) = self.tickets.remove(&ticket) {
                    self.forget(run, at);
                    let (failure, agent) = (refusal.to_failure(), refusal.agent);
                    self.feed(run, RunInput::Refused { at, agent, failure });
                }
            }
            FleetAction::Ask { ticket, agents } => self.ask(ticket, agents),
            FleetAction::BreakerMoved { agent, state } => {
                tracing::info!(%agent, ?state, "circuit breaker moved");
                self.tell_all(|| RunEventKind::BreakerMoved {
                    agent: agent.clone(),
                    state,
                });
            }
            FleetAction::Conducted { agent, conduct } => self.keep_conduct(&agent, conduct),
            FleetAction::SetAside { agent, conduct } => {
                let AgentConduct { faults, last, .. } = conduct;
                tracing::warn!(%agent, faults, ?last, "an agent is set aside");
                self.tell_all(|| RunEventKind::AgentSetAside {
                    agent: agent.clone(),
                    faults,
                    last,
                });
            }
        }
    }

    /// Asks agents whether they can handle a task, unless they have said.
    fn ask(&mut self, ticket: Ticket, agents: Vec<AgentName>) {
        let Some(Holder { run, at }) = self.tickets.get(&ticket).copied() else {
            return;
        };
        let Some(live) = self.runs.get(&run) else {
            return;
        };
        let known = live
            .answers
            .get(&at)
            .filter(|known| known.round == live.run.round(at) && known.covers(&agents));
        if let Some(known) = known {
            let answers = known.answers.clone();
            return self.settle_question(ticket, answers);
        }
        match live.run.request(self.clock.now(), at) {
            Ok(request) => {
                let runner = Arc::clone(&self.runner);
                let errand = Errand::Ask(agents.clone());
                let asked = ask(runner, agents, request);
                self.errands.start(ticket, errand, asked);
            }
            // The run finds the same when the ticket is assigned, and fails
            // the task then: whom it is assigned to does not matter.
            Err(_) => {
                let capable = agents.into_iter().map(|agent| (agent, Answer::Capable));
                self.settle_question(ticket, capable.collect());
            }
        }
    }

    /// Gives an assigned ticket back to the fleet.
    fn release(&mut self, Holder { run, at }: Holder, verdict: Verdict) {
        let ticket = self
            .runs
            .get_mut(&run)
            .and_then(|live| live.tickets.get(&at).copied());
        let Some(ticket) = ticket else {
            return;
        };
        self.tickets.remove(&ticket);
        self.forget(run, at);
        let mut actions = Vec::new();
        self.fleet
            .ended(self.clock.now(), ticket, verdict, &mut actions);
        for action in actions {
            self.follow(action);
        }
    }

    fn forget(&mut self, run: RunSlot, at: InstanceRef) {
        if let Some(live) = self.runs.get_mut(&run) {
            live.tickets.remove(&at);
            live.stops.remove(&at);
        }
    }

    /// Lets go of the runs that have ended. False if there are none.
    fn bury(&mut self) -> bool {
        let over = |live: &Live| live.run.status().is_some();
        let slots: Vec<_> = self
            .runs
            .iter()
            .filter(|(_, live)| over(live))
            .map(|(slot, _)| *slot)
            .collect();
        let any = !slots.is_empty();
        for slot in slots {
            let Some(live) = self.runs.remove(&slot) else {
                continue;
            };
            for ticket in live.tickets.values() {
                self.tickets.remove(ticket);
            }
            self.fleet.leave(slot);
            let done = match live.done {
                live::Done::Caller(done) => done,
                live::Done::Parent(holder) => {
                    self.child_ended(holder, &live.run);
                    continue;
                }
            };
            let (failure, task) = live.end.unwrap_or_default();
            if let Some(status) = live.run.status() {
                let outcome = RunOutcome {
                    id: live.run.id().clone(),
                    status,
                    failure,
                    task,
                    output: live.run.output().cloned(),
                    results: live.run.results().clone(),
                };
                let ended = Outward::Ended(done, Box::new(outcome));
                self.send_out(slot, &live.publisher, ended);
            }
        }
        any
    }
}

/// Takes in what earlier hosts knew of these agents.
fn recall_conduct(fleet: &mut Fleet, book: Option<&dyn ConductBook>, agents: &[Arc<AgentProfile>]) {
    let Some(book) = book else {
        return;
    };
    for profile in agents {
        fleet.set_conduct(&profile.name, book.conduct(&profile.name));
    }
}

async fn sleep_until(clock: Clock, wake: Option<Timestamp>) {
    match wake {
        Some(at) => clock.sleep_until(at).await,
        None => std::future::pending().await,
    }
}
