//! A run that has ended runs again, from some of its tasks on.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::machine::{Phase, Run};
use super::node::NodeState;
use crate::{OnFailure, RunEventKind, TaskId, TaskIndex, TaskStatus, Timestamp};

/// Why nothing of a run can run again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RetryError {
    /// It goes on.
    #[error("the run has not ended")]
    NotEnded,
    /// Tasks of `finally` run after the others in any case.
    #[error("`{0}` stands under `finally`: it runs again after all others")]
    Finally(TaskId),
    /// All that was to complete did.
    #[error("every task completed; name one with `--from` to run it again")]
    NothingFailed,
}

impl Run {
    /// The tasks that run again when the run is retried from `from`: those,
    /// what did not complete and the run cannot do without, and all that
    /// depends on either. Empty `from`: all that failed, was rejected for good
    /// or was stopped. In the order of the plan.
    ///
    /// # Errors
    /// If the run has not ended, a task stands under `finally`, or there is
    /// nothing to run.
    pub fn retried_tasks(&self, from: &[TaskIndex]) -> Result<Vec<TaskIndex>, RetryError> {
        if self.over.is_none() {
            return Err(RetryError::NotEnded);
        }
        if let Some(task) = from.iter().find(|task| self.plan.task(**task).finally) {
            return Err(RetryError::Finally(self.plan.task(*task).id.clone()));
        }
        let unfinished = self.plan.indices().filter(|task| {
            !self.plan.task(*task).finally && self.is_unfinished(*task, from.is_empty())
        });
        let mut open: Vec<_> = from.iter().copied().chain(unfinished).collect();
        if open.is_empty() {
            return Err(RetryError::NothingFailed);
        }
        let mut again = BTreeSet::new();
        while let Some(task) = open.pop() {
            if !self.plan.task(task).finally && again.insert(task) {
                open.extend(&self.plan.node(task).dependents);
            }
        }
        Ok(again.into_iter().collect())
    }

    /// Whether a task is to run again although nobody names it. What failed
    /// without harm is only with `all`.
    fn is_unfinished(&self, task: TaskIndex, all: bool) -> bool {
        let harmed = all || self.plan.task(task).on_failure == OnFailure::Fail;
        match self.nodes[task.get()].status() {
            Some(TaskStatus::Failed) => harmed,
            Some(TaskStatus::Rejected) => harmed && !self.is_counted(task),
            Some(TaskStatus::Cancelled) | None => true,
            Some(TaskStatus::Completed | TaskStatus::Skipped) => false,
        }
    }

    pub(super) fn retry_again(&mut self, now: Timestamp, from: &[TaskIndex]) {
        let Ok(again) = self.retried_tasks(from) else {
            return self.illegal("a run was retried that cannot be");
        };
        self.reopen(now);
        let plan = Arc::clone(&self.plan);
        for task in &again {
            let waits_for = &plan.node(*task).waits_for;
            let unmet = waits_for.iter().filter(|w| again.contains(w)).count() as u32;
            self.forget(*task, unmet);
            self.unfinished += 1;
            if unmet == 0 {
                self.ready.push_back(*task);
            }
        }
        for task in plan.finally() {
            self.forget(task, plan.node(task).waits_for.len() as u32);
        }
        let mut tasks: Vec<_> = again.into_iter().chain(plan.finally()).collect();
        tasks.sort_by_key(|task| (plan.node(*task).wave, *task));
        self.emit(RunEventKind::RunRetried {
            tasks: tasks.iter().map(|t| plan.task(*t).id.clone()).collect(),
        });
    }

    /// The run is as one that has just started, but for what its tasks gave.
    fn reopen(&mut self, now: Timestamp) {
        self.over = None;
        self.output = None;
        self.stopping = None;
        self.phase = Phase::Main;
        self.first_attempts = 0;
        self.retries = 0;
        self.timers.clear();
        self.start_deadline(now);
    }

    /// A task is as if it had never run, but in its next round.
    fn forget(&mut self, task: TaskIndex, unmet: u32) {
        let id = &self.plan.task(task).id;
        Arc::make_mut(&mut self.results).remove(id);
        let node = &mut self.nodes[task.get()];
        node.state = NodeState::Waiting { unmet };
        node.round += 1;
        node.own_rounds = 1;
        node.feedback = Arc::default();
    }
}
