//! A task ends, and what follows from it.

use std::sync::Arc;

use super::InstanceRef;
use super::effect::Stopping;
use super::instance::InstanceEnd;
use super::machine::{Phase, Run};
use super::merge::MAX_MERGED_OUTPUT;
use super::node::NodeState;
use crate::{
    Failure, FailureCode, ForEach, OnFailure, OnItemFailure, Output, RunEventKind, StopReason,
    TaskIndex, TaskKey, TaskStatus, Timestamp,
};

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

    pub(super) fn skipped(reason: String, skips_dependents: bool) -> Self {
        Self {
            reason: Some(reason.into()),
            skips_dependents,
            ..Self::of(TaskStatus::Skipped)
        }
    }

    pub(super) fn cancelled() -> Self {
        Self {
            reason: Some("the run stopped".into()),
            ..Self::of(TaskStatus::Cancelled)
        }
    }
}

impl Run {
    /// Ends an instance, and its task with the last one.
    pub(super) fn end_instance(&mut self, now: Timestamp, at: InstanceRef, end: InstanceEnd) {
        let Some(active) = self.nodes[at.task.get()].active() else {
            return self.illegal("an instance ended of a task that is not active");
        };
        let shown = end.clone();
        active.take_end(at.item, end);
        let all_ended = active.all_ended();
        let is_too_much = active.given > MAX_MERGED_OUTPUT;
        let goes_on = !active.gives_up && self.stopping.is_none();
        if self.plan.task(at.task).for_each.is_some() {
            self.emit_item_end(at, shown);
        }
        if all_ended {
            self.finish_node(at.task);
        } else if goes_on && is_too_much {
            // The host holds it all: the rest is not waited for.
            if let Some(active) = self.nodes[at.task.get()].active() {
                active.gives_up = true;
            }
            self.give_up_items(at.task);
        } else if goes_on {
            self.submit_more(now, at.task);
        }
    }

    fn emit_item_end(&mut self, at: InstanceRef, end: InstanceEnd) {
        let (status, output, failure, reason) = match end {
            InstanceEnd::Completed(output) => (TaskStatus::Completed, Some(output), None, None),
            InstanceEnd::Rejected(rejection) => {
                let output = Output::found(rejection.findings);
                let reason = Some(rejection.reason);
                (TaskStatus::Rejected, Some(output), None, reason)
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

    /// An instance failed for good.
    pub(super) fn fail_instance(&mut self, now: Timestamp, at: InstanceRef, failure: Failure) {
        let plan = Arc::clone(&self.plan);
        let spec = plan.task(at.task);
        let others = spec.for_each.as_ref().map(|map| map.on_item_failure);
        let gives_up = match others {
            Some(OnItemFailure::FailFast) => true,
            None | Some(OnItemFailure::FailAtEnd | OnItemFailure::Null | OnItemFailure::Drop) => {
                false
            }
        };
        if gives_up && let Some(active) = self.nodes[at.task.get()].active() {
            active.gives_up = true;
        }
        self.end_instance(now, at, InstanceEnd::Failed(failure.clone()));
        if !gives_up {
            return;
        }
        if spec.on_failure == OnFailure::Fail {
            self.give_up(failure, at.task);
        }
        if self.stopping.is_none() {
            self.give_up_items(at.task);
        }
    }

    /// Stops the items of a map, one of which failed.
    fn give_up_items(&mut self, task: TaskIndex) {
        let cancelled = self.stop_instances(task, StopReason::Cancelled);
        let Some(active) = self.nodes[task.get()].active() else {
            return;
        };
        active.cancel(cancelled);
        active.cancel_idle();
        if active.all_ended() {
            self.finish_node(task);
        }
    }

    /// Ends a task, all of whose instances have ended.
    pub(super) fn finish_node(&mut self, task: TaskIndex) {
        let plan = Arc::clone(&self.plan);
        let map = plan.task(task).for_each.as_ref();
        let stops = self.stopping.is_some();
        let Some(active) = self.nodes[task.get()].active() else {
            return self.illegal("a task finished that is not active");
        };
        if stops && active.was_cancelled() {
            // The end of the run ends the task.
            return;
        }
        let tolerated = map.is_some_and(ForEach::tolerates_failures);
        let failure = active.failure().filter(|_| !tolerated).cloned();
        if failure.is_none()
            && let Some(rejection) = active.rejection()
        {
            return self.rejected(task, rejection);
        }
        let size = active.given;
        if map.is_some() && size > MAX_MERGED_OUTPUT {
            let failure = Failure::new(
                FailureCode::OutputTooLarge,
                format!(
                    "the items gave {size} together, and a task may give at most {MAX_MERGED_OUTPUT}\nhint: let the items put artifacts, or give less each"
                ),
            );
            return self.fail_node(task, failure);
        }
        let output = active.merged(map.map(|map| map.on_item_failure));
        match failure {
            None => self.end_node(task, NodeEnd::completed(output)),
            Some(failure) => self.fail_node_with(task, failure, output),
        }
    }

    /// A task fails as a whole, and gives nothing.
    pub(super) fn fail_node(&mut self, task: TaskIndex, failure: Failure) {
        self.fail_node_with(task, failure, Output::default());
    }

    fn fail_node_with(&mut self, task: TaskIndex, failure: Failure, output: Output) {
        let on_failure = self.plan.task(task).on_failure;
        let skips = on_failure == OnFailure::SkipDependents;
        self.end_node(task, NodeEnd::failed(failure.clone(), output, skips));
        if on_failure == OnFailure::Fail {
            self.give_up(failure, task);
        }
    }

    /// A task failed that the run cannot do without.
    pub(super) fn give_up(&mut self, failure: Failure, task: TaskIndex) {
        match &mut self.phase {
            Phase::Main => self.stop(failure, Some(task)),
            // Each of `finally` runs, and the first failure counts.
            Phase::Finally { verdict } => {
                verdict.get_or_insert(Stopping {
                    failure,
                    task: Some(task),
                });
            }
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
        let gave = matches!(end.status, TaskStatus::Completed | TaskStatus::Rejected);
        let shown = (spec.for_each.is_none() && gave).then(|| end.output.clone());
        let failed = end
            .failure
            .as_ref()
            .map(|failure| failure.to_string().into());
        let why = failed.or_else(|| end.reason.clone());
        let results = Arc::make_mut(&mut self.results);
        results.insert_because(spec.id.clone(), end.status, end.output, why);
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
            NodeState::Waiting { .. }
            | NodeState::Active(_)
            | NodeState::Asking
            | NodeState::Ended { .. } => {
                self.illegal("a task was started before all that it waits for had ended");
            }
        }
    }
}

impl ForEach {
    /// Whether the task completes although items failed.
    fn tolerates_failures(&self) -> bool {
        match self.on_item_failure {
            OnItemFailure::FailFast | OnItemFailure::FailAtEnd => false,
            OnItemFailure::Null | OnItemFailure::Drop => true,
        }
    }
}
