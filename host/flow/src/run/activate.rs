//! A task starts: it is skipped, or becomes one or more instances.

use std::sync::Arc;

use super::instance::Instance;
use super::machine::Run;
use super::node::{Active, NodeState};
use super::{InstanceRef, NodeEnd};
use crate::{
    ByteSize, ExprError, Failure, FailureCode, ForEach, RunEventKind, TaskBody, TaskIndex,
    TaskStatus, Timestamp,
};

/// How many instances of a task wait for their first agent at once. The others
/// wait in the run: a map of a million items needs no million places in the fleet,
/// and a run that comes later needs not wait for all of them.
const LONGEST_LINE: u32 = 1_024;

impl Run {
    /// Starts a task that waits for nothing any more.
    pub(super) fn activate(&mut self, now: Timestamp, task: TaskIndex) {
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
            (TaskBody::Approval(approval), _) => self.ask_person(now, task, approval),
            (TaskBody::Agent { .. } | TaskBody::Workflow(_), None) => {
                self.expand(now, task, Vec::new(), 1, 1);
            }
            (TaskBody::Agent { .. } | TaskBody::Workflow(_), Some(map)) => {
                self.start_map(now, task, map);
            }
        }
    }

    fn start_map(&mut self, now: Timestamp, task: TaskIndex, map: &ForEach) {
        let items = match map.items.eval_list(&self.scope()) {
            Ok(items) => items,
            Err(error) => return self.expression_failed(task, &error),
        };
        let count = items.len() as u32;
        let spec = self.plan.task(task);
        let limit = match spec.body {
            // Nobody else holds them back: a child run is no attempt.
            TaskBody::Workflow(_) => self.plan.workflow().concurrency,
            TaskBody::Agent { .. } | TaskBody::Vote(_) | TaskBody::Approval(_) => u32::MAX,
        };
        let limit = map.concurrency.unwrap_or(limit);
        self.emit(RunEventKind::TaskExpanded {
            task: spec.id.clone(),
            items: count,
        });
        self.expand(now, task, items, count, limit);
    }

    pub(super) fn expression_failed(&mut self, task: TaskIndex, error: &ExprError) {
        let failure = Failure::new(FailureCode::ExpressionFailed, error.to_string());
        self.fail_node(task, failure);
    }

    fn reason_to_skip(&self, task: TaskIndex) -> Option<String> {
        // What stands under `finally` runs whatever became of the others.
        let waits_for = &self.plan.node(task).waits_for;
        let needs = self.plan.node(task).needs.iter();
        needs
            .filter(|need| waits_for.contains(need))
            .find_map(|need| match self.nodes[need.get()].state {
                NodeState::Ended {
                    status,
                    skips_dependents: true,
                } => Some(format!(
                    "it needs `{}`, which {}",
                    self.plan.task(*need).id,
                    ended(status)
                )),
                NodeState::Ended { .. }
                | NodeState::Waiting { .. }
                | NodeState::Active(_)
                | NodeState::Asking => None,
            })
    }

    fn expand(
        &mut self,
        now: Timestamp,
        task: TaskIndex,
        items: Vec<minijinja::Value>,
        count: u32,
        limit: u32,
    ) {
        let needs = self.dependencies(task);
        let longest_line = self.longest_line(task);
        self.nodes[task.get()].state = NodeState::Active(Box::new(Active {
            instances: vec![Instance::new(); count as usize],
            items,
            needs,
            next: 0,
            open: 0,
            limit,
            in_line: 0,
            longest_line,
            ended: 0,
            given: ByteSize::bytes(0),
            gives_up: false,
        }));
        if count == 0 {
            self.finish_node(task);
        } else {
            self.submit_more(now, task);
        }
    }

    fn longest_line(&self, task: TaskIndex) -> u32 {
        let spec = self.plan.task(task);
        let goes_by_clock = spec.start_timeout.is_some() || spec.total_timeout.is_some();
        match spec.body {
            // How long each waits counts from when its task is ready.
            TaskBody::Agent { .. } if goes_by_clock => u32::MAX,
            TaskBody::Agent { .. } => LONGEST_LINE,
            // Their instances wait for no agent.
            TaskBody::Workflow(_) | TaskBody::Vote(_) | TaskBody::Approval(_) => u32::MAX,
        }
    }

    /// Submits instances of a task as far as its own limit and the line allow.
    pub(super) fn submit_more(&mut self, now: Timestamp, task: TaskIndex) {
        while let Some(item) = self.nodes[task.get()].active().and_then(Active::take_next) {
            self.submit(now, InstanceRef { task, item });
        }
    }

    pub(super) fn instance(&mut self, at: InstanceRef) -> Option<&mut Instance> {
        self.nodes[at.task.get()]
            .active()?
            .instances
            .get_mut(at.item as usize)
    }
}

/// What is said of a task that others need.
fn ended(status: TaskStatus) -> &'static str {
    match status {
        TaskStatus::Completed => "completed",
        TaskStatus::Rejected => "rejected",
        TaskStatus::Failed => "failed",
        TaskStatus::Skipped => "was skipped",
        TaskStatus::Cancelled => "was cancelled",
    }
}
