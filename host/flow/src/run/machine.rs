//! The machine: what starts, what is ready, what ends.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;

use super::effect::Stopping;
use super::instance::{Instance, InstanceEnd, InstanceState};
use super::merge::MAX_MERGED_OUTPUT;
use super::node::{Active, Node, NodeState};
use super::timers::{Timer, Timers};
use super::{Effect, InstanceRef, RunInput};
use crate::{
    Budgets, ExprError, Failure, FailureCode, Json, OnFailure, Output, Plan, PlannedTask,
    RunEventKind, RunId, RunStatus, Scope, StopReason, TaskBody, TaskIndex, TaskKey, TaskResults,
    TaskStatus, Timestamp,
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
    pub(super) stopping: Option<Stopping>,
    over: Option<RunStatus>,
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
            unfinished: nodes.len(),
            running: 0,
            stopping: None,
            over: None,
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
            RunInput::Refused { at, refusal } => self.refused(now, at, &refusal),
            RunInput::AttemptEnded { at, result, usage } => {
                self.attempt_ended(now, at, result, usage);
            }
            RunInput::Tick => self.tick(now),
            RunInput::Cancel => {
                self.stop(
                    Failure::new(FailureCode::Cancelled, "the run was cancelled"),
                    None,
                );
            }
        }
        self.settle();
        mem::take(&mut self.effects)
    }

    fn start(&mut self, now: Timestamp) {
        let workflow = self.plan.workflow();
        let mut tasks: Vec<_> = self.plan.indices().collect();
        tasks.sort_by_key(|task| (self.plan.node(*task).wave, *task));
        let event = RunEventKind::RunStarted {
            workflow: workflow.name.clone(),
            inputs: self.options.inputs.clone(),
            seed: self.options.seed,
            tasks: tasks.into_iter().map(|task| self.planned(task)).collect(),
        };
        if let Some(limit) = workflow.deadline {
            self.deadline = Some(now.after(limit));
            self.timers.set(now.after(limit), Timer::Deadline);
        }
        self.emit(event);
        let plan = Arc::clone(&self.plan);
        self.ready.extend(
            plan.indices()
                .filter(|task| plan.node(*task).waits_for.is_empty()),
        );
    }

    fn planned(&self, task: TaskIndex) -> PlannedTask {
        let (node, spec) = (self.plan.node(task), self.plan.task(task));
        PlannedTask {
            task: spec.id.clone(),
            role: match &spec.body {
                TaskBody::Agent { role, .. } => Some(role.clone()),
                TaskBody::Vote(_) => None,
            },
            needs: spec.needs.clone(),
            wave: node.wave,
            for_each: spec.for_each.is_some(),
            redo_from: spec.on_reject.as_ref().map(|o| o.redo_from.clone()),
            priority: spec.priority,
        }
    }

    fn tick(&mut self, now: Timestamp) {
        while let Some(timer) = self.timers.pop_due(now) {
            match timer {
                Timer::Deadline => {
                    let failure = Failure::new(
                        FailureCode::Deadline,
                        "the run took longer than its deadline",
                    );
                    self.stop(failure, None);
                }
                Timer::Backoff {
                    at,
                    round,
                    attempts,
                } => self.backoff_over(at, round, attempts),
            }
        }
    }

    /// Starts whatever is ready, and ends the run when nothing is left.
    fn settle(&mut self) {
        while self.stopping.is_none()
            && let Some(task) = self.ready.pop_front()
        {
            self.activate(task);
        }
        let stopped = self.stopping.is_some() && self.running == 0;
        if self.over.is_none() && (stopped || self.unfinished == 0) {
            self.close();
        }
    }

    fn activate(&mut self, task: TaskIndex) {
        if let Some(reason) = self.reason_to_skip(task) {
            return self.end_node(task, NodeEnd::skipped(reason, true));
        }
        let plan = Arc::clone(&self.plan);
        let spec = plan.task(task);
        let wanted = spec
            .when
            .as_ref()
            .map_or(Ok(true), |when| when.eval_bool(&self.scope()));
        match wanted {
            Ok(true) => {}
            Ok(false) => {
                return self.end_node(task, NodeEnd::skipped("`when` is false".into(), false));
            }
            Err(error) => return self.expression_failed(task, &error),
        }
        match (&spec.body, &spec.for_each) {
            (TaskBody::Vote(require), _) => self.vote(task, *require),
            (TaskBody::Agent { .. }, None) => self.expand(task, Vec::new(), 1, u32::MAX),
            (TaskBody::Agent { .. }, Some(map)) => {
                let items = map.items.eval_list(&self.scope());
                match items {
                    Ok(items) => {
                        let count = items.len() as u32;
                        self.emit(RunEventKind::TaskExpanded {
                            task: spec.id.clone(),
                            items: count,
                        });
                        self.expand(task, items, count, map.concurrency.unwrap_or(u32::MAX));
                    }
                    Err(error) => self.expression_failed(task, &error),
                }
            }
        }
    }

    fn expression_failed(&mut self, task: TaskIndex, error: &ExprError) {
        let failure = Failure::new(FailureCode::ExpressionFailed, error.to_string());
        self.fail_node(task, failure);
    }

    fn reason_to_skip(&self, task: TaskIndex) -> Option<String> {
        let needs = &self.plan.node(task).needs;
        needs
            .iter()
            .find_map(|need| match self.nodes[need.get()].state {
                NodeState::Ended {
                    status,
                    skips_dependents: true,
                } => Some(format!(
                    "`{}` was needed and has {status}",
                    self.plan.task(*need).id
                )),
                NodeState::Ended { .. } | NodeState::Waiting { .. } | NodeState::Active(_) => None,
            })
    }

    fn expand(&mut self, task: TaskIndex, items: Vec<minijinja::Value>, count: u32, limit: u32) {
        let needs = self.dependencies(task);
        self.nodes[task.get()].state = NodeState::Active(Box::new(Active {
            instances: vec![Instance::new(); count as usize],
            items,
            needs,
            next: 0,
            open: 0,
            limit,
            ended: 0,
        }));
        if count == 0 {
            self.finish_node(task);
        } else {
            self.submit_more(task);
        }
    }

    /// Submits instances of a task as far as its own limit allows.
    pub(super) fn submit_more(&mut self, task: TaskIndex) {
        while let Some(item) = self.nodes[task.get()].active().and_then(Active::take_next) {
            self.submit(InstanceRef { task, item });
        }
    }

    pub(super) fn instance(&mut self, at: InstanceRef) -> Option<&mut Instance> {
        self.nodes[at.task.get()]
            .active()?
            .instances
            .get_mut(at.item as usize)
    }

    /// Ends an instance, and its task with the last one.
    pub(super) fn end_instance(&mut self, at: InstanceRef, end: InstanceEnd) {
        let Some(active) = self.nodes[at.task.get()].active() else {
            return self.illegal("an instance ended of a task that is not active");
        };
        let shown = end.clone();
        active.instances[at.item as usize].end(end);
        active.ended += 1;
        active.open -= 1;
        let all_ended = active.all_ended();
        if self.plan.task(at.task).for_each.is_some() {
            self.emit_item_end(at, shown);
        }
        if all_ended {
            self.finish_node(at.task);
        } else if self.stopping.is_none() {
            self.submit_more(at.task);
        }
    }

    fn emit_item_end(&mut self, at: InstanceRef, end: InstanceEnd) {
        let (status, output, failure, reason) = match end {
            InstanceEnd::Completed(output) => (TaskStatus::Completed, Some(output), None, None),
            InstanceEnd::Rejected(rejection) => {
                (TaskStatus::Rejected, None, None, Some(rejection.reason))
            }
            InstanceEnd::Failed(failure) => (TaskStatus::Failed, None, Some(failure), None),
            InstanceEnd::Cancelled => (TaskStatus::Cancelled, None, None, None),
        };
        self.emit(RunEventKind::TaskEnded {
            key: at.key(&self.plan),
            status,
            round: self.nodes[at.task.get()].round,
            output,
            failure,
            reason,
        });
    }

    /// Ends a task, all of whose instances have ended.
    fn finish_node(&mut self, task: TaskIndex) {
        let is_map = self.plan.task(task).for_each.is_some();
        let Some(active) = self.nodes[task.get()].active() else {
            return self.illegal("a task finished that is not active");
        };
        if active.was_cancelled() {
            // Only while the run stops, which ends the task in its turn.
            return;
        }
        if let Some(rejection) = active.rejection() {
            return self.rejected(task, rejection);
        }
        let size = active.merged_size();
        if is_map && size > MAX_MERGED_OUTPUT {
            let failure = Failure::new(
                FailureCode::OutputTooLarge,
                format!(
                    "the items gave {size} together, and a task may give at most {MAX_MERGED_OUTPUT}\nhint: let the items put artifacts, or give less each"
                ),
            );
            return self.fail_node(task, failure);
        }
        let failure = active.failure().cloned();
        let output = active.merged(is_map);
        match failure {
            None => self.end_node(task, NodeEnd::completed(output)),
            Some(failure) => {
                let skips = self.plan.task(task).on_failure == OnFailure::SkipDependents;
                self.end_node(task, NodeEnd::failed(failure, output, skips));
            }
        }
    }

    /// A task fails as a whole, not by one of its instances.
    pub(super) fn fail_node(&mut self, task: TaskIndex, failure: Failure) {
        let on_failure = self.plan.task(task).on_failure;
        let skips = on_failure == OnFailure::SkipDependents;
        self.end_node(
            task,
            NodeEnd::failed(failure.clone(), Output::default(), skips),
        );
        if on_failure == OnFailure::Fail {
            self.stop(failure, Some(task));
        }
    }

    pub(super) fn end_node(&mut self, task: TaskIndex, end: NodeEnd) {
        let plan = Arc::clone(&self.plan);
        let node = &mut self.nodes[task.get()];
        node.state = NodeState::Ended {
            status: end.status,
            skips_dependents: end.skips_dependents,
        };
        self.unfinished -= 1;
        let round = node.round;
        let spec = plan.task(task);
        let shown = (spec.for_each.is_none() && end.status == TaskStatus::Completed)
            .then(|| end.output.clone());
        Arc::make_mut(&mut self.results).insert(spec.id.clone(), end.status, end.output);
        self.emit(RunEventKind::TaskEnded {
            key: TaskKey::single(spec.id.clone()),
            status: end.status,
            round,
            output: shown,
            failure: end.failure,
            reason: end.reason,
        });
        // A run that stops starts nothing more.
        if self.stopping.is_none() {
            let dependents = &plan.node(task).dependents;
            dependents
                .iter()
                .for_each(|dependent| self.one_less_unmet(*dependent));
        }
    }

    fn one_less_unmet(&mut self, task: TaskIndex) {
        match &mut self.nodes[task.get()].state {
            NodeState::Waiting { unmet: 1 } => {
                self.nodes[task.get()].state = NodeState::Waiting { unmet: 0 };
                self.ready.push_back(task);
            }
            NodeState::Waiting { unmet } if *unmet > 0 => *unmet -= 1,
            NodeState::Waiting { .. } | NodeState::Active(_) | NodeState::Ended { .. } => {
                self.illegal("a task was started before all that it waits for had ended");
            }
        }
    }

    /// Starts nothing more, and stops what is under way.
    pub(super) fn stop(&mut self, failure: Failure, task: Option<TaskIndex>) {
        if self.stopping.is_some() || self.over.is_some() {
            return;
        }
        let reason = match failure.code {
            FailureCode::Deadline => StopReason::Deadline,
            _ => StopReason::Cancelled,
        };
        self.emit(RunEventKind::RunStopping {
            failure: failure.clone(),
        });
        self.stopping = Some(Stopping { failure, task });
        self.timers.clear();
        self.ready.clear();
        for task in Arc::clone(&self.plan).indices() {
            self.stop_instances(task, reason);
        }
    }

    fn stop_instances(&mut self, task: TaskIndex, reason: StopReason) {
        let Some(active) = self.nodes[task.get()].active() else {
            return;
        };
        let mut effects = Vec::new();
        for (item, instance) in (0..active.next).zip(&mut active.instances) {
            let at = InstanceRef { task, item };
            match instance.state {
                InstanceState::Queued => {
                    effects.push(Effect::Withdraw { at });
                    instance.end(InstanceEnd::Cancelled);
                }
                InstanceState::BackingOff => instance.end(InstanceEnd::Cancelled),
                InstanceState::Running { .. } => effects.push(Effect::Stop { at, reason }),
                InstanceState::Idle | InstanceState::Ended(_) => continue,
            }
            if matches!(instance.state, InstanceState::Ended(_)) {
                active.ended += 1;
                active.open -= 1;
            }
        }
        self.effects.append(&mut effects);
    }

    /// Ends the run. What has not ended by now never will.
    fn close(&mut self) {
        for task in Arc::clone(&self.plan).indices() {
            let node = &mut self.nodes[task.get()];
            if node.status().is_some() {
                continue;
            }
            let failure = node.active().and_then(|active| active.failure().cloned());
            let end = match failure {
                Some(failure) => NodeEnd::failed(failure, Output::default(), true),
                None => NodeEnd::cancelled(),
            };
            self.end_node(task, end);
        }
        self.ready.clear();
        let stopping = self.stopping.clone();
        let status = match &stopping {
            None => RunStatus::Completed,
            Some(why) => match why.failure.code {
                FailureCode::GateRejected => RunStatus::Rejected,
                FailureCode::Cancelled => RunStatus::Cancelled,
                _ => RunStatus::Failed,
            },
        };
        self.over = Some(status);
        let task = stopping.as_ref().and_then(|why| why.task);
        self.emit(RunEventKind::RunEnded {
            status,
            failure: stopping.map(|why| why.failure),
            task: task.map(|task| self.plan.task(task).id.clone()),
        });
    }

    /// What expressions see now. Whoever holds it makes the next end of a
    /// task copy the results: drop it before.
    pub(super) fn scope(&self) -> Scope {
        self.base.with_results(Arc::clone(&self.results))
    }

    pub(super) fn emit(&mut self, event: RunEventKind) {
        self.effects.push(Effect::Emit(event));
    }

    /// The one place for what cannot happen.
    #[track_caller]
    pub(super) fn illegal(&self, what: &str) {
        debug_assert!(false, "run {}: {what}", self.id);
    }
}

/// How a task ends.
#[derive(Debug)]
pub(super) struct NodeEnd {
    pub(super) status: TaskStatus,
    pub(super) output: Output,
    pub(super) failure: Option<Failure>,
    pub(super) reason: Option<Arc<str>>,
    pub(super) skips_dependents: bool,
}

impl NodeEnd {
    fn of(status: TaskStatus) -> Self {
        Self {
            status,
            output: Output::default(),
            failure: None,
            reason: None,
            skips_dependents: false,
        }
    }

    pub(super) fn completed(output: Output) -> Self {
        Self {
            output,
            ..Self::of(TaskStatus::Completed)
        }
    }

    pub(super) fn rejected(reason: Arc<str>, output: Output, skips_dependents: bool) -> Self {
        Self {
            output,
            reason: Some(reason),
            skips_dependents,
            ..Self::of(TaskStatus::Rejected)
        }
    }

    pub(super) fn failed(failure: Failure, output: Output, skips_dependents: bool) -> Self {
        Self {
            output,
            failure: Some(failure),
            skips_dependents,
            ..Self::of(TaskStatus::Failed)
        }
    }

    fn skipped(reason: String, skips_dependents: bool) -> Self {
        Self {
            reason: Some(reason.into()),
            skips_dependents,
            ..Self::of(TaskStatus::Skipped)
        }
    }

    fn cancelled() -> Self {
        Self {
            reason: Some("the run stopped".into()),
            ..Self::of(TaskStatus::Cancelled)
        }
    }
}
