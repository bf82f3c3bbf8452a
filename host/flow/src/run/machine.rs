//! The machine: what goes in, and what follows from it.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;

use super::effect::Stopping;
use super::node::Node;
use super::timers::{Timer, Timers};
use super::{Effect, InstanceRef, RunInput};
use crate::{
    Budgets, Failure, FailureCode, Json, Plan, PlannedTask, RunEventKind, RunId, RunStatus, Scope,
    StopReason, TaskBody, TaskIndex, TaskKind, TaskResults, Timestamp,
};

/// What a run is given besides its plan.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// The workflow's inputs: a JSON object, checked and defaults filled in.
    pub inputs: Json,
    /// What every draw comes from.
    pub seed: u64,
    /// What an attempt gets where the workflow says nothing.
    pub budgets: Budgets,
    /// The most that an attempt may get.
    pub ceiling: Budgets,
    /// When a run around this one ends at the latest.
    pub outer_deadline: Option<Timestamp>,
}

/// One execution of a workflow. A task moves from waiting to active to ended;
/// the module's own documentation draws it.
#[derive(Debug)]
pub struct Run {
    pub(super) id: RunId,
    pub(super) plan: Arc<Plan>,
    pub(super) options: RunOptions,
    /// The scope of the run's start: its inputs are decoded once.
    base: Scope,
    pub(super) nodes: Vec<Node>,
    pub(super) results: Arc<TaskResults>,
    pub(super) timers: Timers,
    pub(super) deadline: Option<Timestamp>,
    pub(super) effects: Vec<Effect>,
    pub(super) ready: VecDeque<TaskIndex>,
    pub(super) unfinished: usize,
    /// Attempts that were executed and have not been reported.
    pub(super) running: usize,
    /// The first attempts of instances and of fallback agents so far.
    pub(super) first_attempts: u64,
    /// The retries so far.
    pub(super) retries: u64,
    pub(super) stopping: Option<Stopping>,
    pub(super) phase: Phase,
    pub(super) over: Option<RunStatus>,
    started: bool,
    /// What the workflow gave, once all its tasks have ended.
    pub(super) output: Option<Json>,
    /// Whether what it is told comes from a journal.
    replays: bool,
    /// What did not fit.
    misfit: Option<&'static str>,
}

/// Which tasks of a run are at work.
#[derive(Debug)]
pub(super) enum Phase {
    /// Those under `tasks`.
    Main,
    /// Those under `finally`.
    Finally {
        /// Why the run will not have completed, if it will not.
        verdict: Option<Stopping>,
    },
}

impl Run {
    /// A run that has not started.
    #[must_use]
    pub fn new(id: RunId, plan: Arc<Plan>, options: RunOptions) -> Self {
        let nodes: Vec<_> = plan
            .indices()
            .map(|task| Node::new(plan.node(task).waits_for.len()))
            .collect();
        Self {
            base: Scope::new(&id, &options.inputs, Arc::default()),
            id,
            options,
            results: Arc::default(),
            timers: Timers::default(),
            deadline: None,
            effects: Vec::new(),
            ready: VecDeque::new(),
            unfinished: plan.indices().filter(|at| !plan.task(*at).finally).count(),
            running: 0,
            first_attempts: 0,
            retries: 0,
            stopping: None,
            phase: Phase::Main,
            over: None,
            started: false,
            output: None,
            replays: false,
            misfit: None,
            nodes,
            plan,
        }
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> &RunId {
        &self.id
    }

    /// Its plan.
    #[must_use]
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// What the tasks that have ended gave.
    #[must_use]
    pub fn results(&self) -> &TaskResults {
        &self.results
    }

    /// How it ended, once it has.
    #[must_use]
    pub fn status(&self) -> Option<RunStatus> {
        self.over
    }

    /// What the workflow gave, if the run completed.
    #[must_use]
    pub fn output(&self) -> Option<&Json> {
        let completed = self.over == Some(RunStatus::Completed);
        self.output.as_ref().filter(|_| completed)
    }

    /// Whether it has started.
    #[must_use]
    pub const fn has_started(&self) -> bool {
        self.started
    }

    /// Whether it starts no more of its tasks: it stops, runs those of
    /// `finally`, or has ended.
    #[must_use]
    pub const fn is_stopping(&self) -> bool {
        self.stopping.is_some() || matches!(self.phase, Phase::Finally { .. })
    }

    /// The round that an instance is in, counted from 1.
    #[must_use]
    pub fn round(&self, at: InstanceRef) -> u32 {
        self.nodes[at.task.get()].round
    }

    /// When to pass [`RunInput::Tick`] although nothing happens.
    #[must_use]
    pub fn next_wake(&self) -> Option<Timestamp> {
        self.timers.next()
    }

    /// Takes what happened at `now` and says what to do, in this order.
    ///
    /// An input that does not fit the state (an end of an attempt that never
    /// started) is a defect of the caller: it is dropped, and panics in
    /// development.
    pub fn handle(&mut self, now: Timestamp, input: RunInput) -> Vec<Effect> {
        match input {
            RunInput::Start => self.start(now),
            RunInput::Assigned { at, agent } => self.assigned(now, at, agent),
            RunInput::Refused { at, agent, failure } => self.refused(now, at, agent, failure),
            RunInput::AttemptEnded { at, result, usage } => {
                self.attempt_ended(now, at, result, usage);
            }
            RunInput::Recalled { at, found } => self.recalled(now, at, found),
            RunInput::ChildEnded { at, result } => self.child_ended(now, at, result),
            RunInput::Decided { task, decision } => self.decided(task, &decision),
            RunInput::Tick => self.tick(now),
            RunInput::Stop(reason) => self.stop(stop_failure(reason), None),
            RunInput::Resumed { away, lost } => self.resumed(now, away, lost),
            RunInput::Retry { from } => self.retry_again(now, &from),
        }
        self.settle(now);
        mem::take(&mut self.effects)
    }

    fn start(&mut self, now: Timestamp) {
        if mem::replace(&mut self.started, true) {
            return self.illegal("a run started twice");
        }
        let workflow = self.plan.workflow();
        let mut tasks: Vec<_> = self.plan.indices().collect();
        tasks.sort_by_key(|task| (self.plan.node(*task).wave, *task));
        let event = RunEventKind::RunStarted {
            workflow: workflow.name.clone(),
            inputs: self.options.inputs.clone(),
            seed: self.options.seed,
            concurrency: workflow.concurrency,
            tasks: tasks.into_iter().map(|task| self.planned(task)).collect(),
        };
        self.start_deadline(now);
        self.emit(event);
        let plan = Arc::clone(&self.plan);
        self.ready.extend(
            plan.indices()
                .filter(|task| plan.node(*task).waits_for.is_empty() && !plan.task(*task).finally),
        );
    }

    pub(super) fn start_deadline(&mut self, now: Timestamp) {
        if let Some(limit) = self.plan.workflow().deadline {
            self.deadline = Some(now.after(limit));
            self.timers.set(now.after(limit), Timer::Deadline);
        }
    }

    fn planned(&self, task: TaskIndex) -> PlannedTask {
        let (node, spec) = (self.plan.node(task), self.plan.task(task));
        let (kind, role) = match &spec.body {
            TaskBody::Agent { role, .. } => (TaskKind::Agent, Some(role.clone())),
            TaskBody::Vote(_) => (TaskKind::Vote, None),
            TaskBody::Approval(_) => (TaskKind::Approval, None),
            TaskBody::Workflow(_) => (TaskKind::Workflow, None),
        };
        PlannedTask {
            task: spec.id.clone(),
            kind,
            role,
            needs: spec.needs.clone(),
            wave: node.wave,
            for_each: spec.for_each.is_some(),
            item_concurrency: spec.for_each.as_ref().and_then(|map| map.concurrency),
            redo_from: spec.on_reject.as_ref().map(|o| o.redo_from.clone()),
            priority: spec.priority,
            finally: spec.finally,
        }
    }

    fn tick(&mut self, now: Timestamp) {
        while let Some(timer) = self.timers.pop_due(now) {
            match timer {
                Timer::Deadline => self.stop(stop_failure(StopReason::Deadline), None),
                Timer::Approval { task, round } => self.approval_timed_out(task, round),
                Timer::Start {
                    at,
                    round,
                    submission,
                } => {
                    self.start_timed_out(now, at, round, submission);
                }
                Timer::Total { at, round } => self.total_timed_out(now, at, round),
                Timer::Backoff {
                    at,
                    round,
                    attempts,
                } => self.backoff_over(now, at, round, attempts),
            }
        }
    }

    /// Starts whatever is ready, and ends the run when nothing is left.
    fn settle(&mut self, now: Timestamp) {
        while self.over.is_none() {
            while self.stopping.is_none()
                && let Some(task) = self.ready.pop_front()
            {
                self.activate(now, task);
            }
            let stopped = self.stopping.is_some() && self.running == 0;
            if !stopped && self.unfinished > 0 {
                break;
            }
            self.end_phase();
        }
    }

    /// What expressions see now. Whoever holds it makes the next end of a
    /// task copy the results: drop it before.
    pub(super) fn scope(&self) -> Scope {
        let scope = self.base.with_results(Arc::clone(&self.results));
        match &self.phase {
            Phase::Main => scope,
            Phase::Finally { verdict } => {
                let failure = verdict.as_ref().map(|why| &why.failure);
                scope.with_end(&self.id, status_of(failure), failure)
            }
        }
    }

    pub(super) fn emit(&mut self, event: RunEventKind) {
        self.effects.push(Effect::Emit(event));
    }

    /// The one place for what cannot happen, but in a journal that was damaged.
    #[track_caller]
    pub(super) fn illegal(&mut self, what: &'static str) {
        debug_assert!(self.replays, "run {}: {what}", self.id);
        self.misfit.get_or_insert(what);
    }

    /// Takes from a journal what happened, which may not fit: that is said in
    /// place of the effects.
    pub(crate) fn replay(
        &mut self,
        at: Timestamp,
        input: RunInput,
    ) -> Result<Vec<Effect>, &'static str> {
        self.replays = true;
        let effects = self.handle(at, input);
        self.replays = false;
        match self.misfit.take() {
            None => Ok(effects),
            Some(what) => Err(what),
        }
    }
}

/// How a run ends that did not complete because of this.
pub(super) fn status_of(failure: Option<&Failure>) -> RunStatus {
    match failure.map(|failure| failure.code) {
        None => RunStatus::Completed,
        Some(FailureCode::GateRejected) => RunStatus::Rejected,
        Some(FailureCode::Cancelled) => RunStatus::Cancelled,
        Some(_) => RunStatus::Failed,
    }
}

/// Why a run that is told to stop did not complete.
fn stop_failure(reason: StopReason) -> Failure {
    match reason {
        StopReason::Cancelled => Failure::new(FailureCode::Cancelled, "the run was cancelled"),
        StopReason::Deadline => Failure::new(
            FailureCode::Deadline,
            "the run took longer than its deadline",
        ),
    }
}
