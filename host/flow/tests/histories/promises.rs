//! What a run has promised, kept by a naive reading of its events.

use std::collections::{BTreeMap, BTreeSet};

use ringfence_flow::{
    Plan, RunEvent, RunEventKind, TaskBody, TaskId, TaskKey, TaskStatus, WorkflowMeter,
    WorkflowMetrics,
};

/// What has been promised of one run.
#[derive(Default)]
pub(crate) struct Promises {
    ended: BTreeMap<TaskId, TaskStatus>,
    running: BTreeSet<TaskKey>,
    inside: BTreeSet<TaskKey>,
    asked: BTreeSet<TaskId>,
    attempts: BTreeMap<(TaskKey, u32), u32>,
    /// Those of which the next attempt is a retry.
    retry_due: BTreeSet<TaskKey>,
    /// Those of which the attempt under way is a retry.
    retrying: BTreeSet<TaskKey>,
    first_attempts: u64,
    retries: u64,
    finally: bool,
    pub(crate) over: bool,
}

impl Promises {
    pub(crate) fn check(&mut self, plan: &Plan, event: &RunEventKind) {
        let retried = matches!(event, RunEventKind::RunRetried { .. });
        assert!(
            !self.over || retried,
            "nothing happens after the end: {event:?}"
        );
        match event {
            RunEventKind::AttemptStarted {
                key,
                attempt,
                round,
                ..
            } => {
                self.check_start(plan, key);
                assert!(self.running.insert(key.clone()), "{key} runs twice at once");
                let spec = plan.task(plan.index_of(&key.task).unwrap());
                let count = self.attempts.entry((key.clone(), *round)).or_default();
                *count += 1;
                assert_eq!(*count, *attempt, "attempts count from 1");
                let most = (1 + spec.retry.max_retries) * (1 + spec.fallback.len() as u32);
                assert!(*attempt <= most, "{key}: attempt {attempt} of {most}");
                if self.retry_due.remove(key) {
                    self.retrying.insert(key.clone());
                } else {
                    self.first_attempts += 1;
                }
            }
            RunEventKind::AttemptLost {
                key,
                attempt,
                round,
                ..
            } => {
                assert!(self.running.remove(key), "{key} was lost without a start");
                let count = self.attempts.get_mut(&(key.clone(), *round)).unwrap();
                assert_eq!(*count, *attempt, "{key}: another attempt was lost");
                *count -= 1;
                if self.retrying.remove(key) {
                    self.retry_due.insert(key.clone());
                } else {
                    self.first_attempts -= 1;
                }
            }
            RunEventKind::RunRetried { tasks } => {
                assert!(self.over, "what goes on is not retried");
                for task in tasks {
                    self.ended.remove(task);
                }
                (self.over, self.finally) = (false, false);
                (self.first_attempts, self.retries) = (0, 0);
                self.retry_due.clear();
            }
            RunEventKind::AttemptEnded { key, .. } => {
                self.retrying.remove(key);
                assert!(self.running.remove(key), "{key} ended without a start");
            }
            RunEventKind::ResultRecalled { key, .. } => {
                self.check_start(plan, key);
                assert!(plan.task(plan.index_of(&key.task).unwrap()).cache, "{key}");
            }
            RunEventKind::ChildStarted { key, .. } => {
                self.check_start(plan, key);
                assert!(self.inside.insert(key.clone()), "{key} runs twice at once");
            }
            RunEventKind::Child { key, event, .. } => {
                assert!(self.inside.contains(key), "{key} is not under way");
                if let RunEventKind::RunEnded { .. } = **event {
                    self.inside.remove(key);
                }
            }
            RunEventKind::ApprovalRequested { task, .. } => {
                self.check_start(plan, &TaskKey::single(task.clone()));
                assert!(self.asked.insert(task.clone()), "{task} is asked twice");
            }
            RunEventKind::ApprovalDecided { task, .. } => {
                assert!(self.asked.remove(task), "{task} was not asked");
            }
            RunEventKind::FallbackChosen { key, .. } => drop(self.retry_due.remove(key)),
            RunEventKind::RetryScheduled { key, .. } => {
                self.retries += 1;
                self.retry_due.insert(key.clone());
                let most = plan.workflow().retry_budget.allows(self.first_attempts);
                assert!(self.retries <= most, "{} of {most} retries", self.retries);
            }
            RunEventKind::TaskEnded { key, status, .. } if key.item.is_none() => {
                let before = self.ended.insert(key.task.clone(), *status);
                assert_eq!(before, None, "{key} ended twice in one round");
                self.asked.remove(&key.task);
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
                self.retry_due.retain(|key| !tasks.contains(&key.task));
            }
            RunEventKind::FinallyStarted { .. } => {
                assert!(!self.finally, "once");
                self.finally = true;
                for task in plan.workflow().tasks.iter().filter(|task| !task.finally) {
                    assert!(
                        self.ended.contains_key(&task.id),
                        "{} has not ended",
                        task.id
                    );
                }
            }
            RunEventKind::RunEnded { .. } => {
                assert!(self.running.is_empty(), "left running: {:?}", self.running);
                assert!(self.inside.is_empty(), "left running: {:?}", self.inside);
                assert_eq!(self.ended.len(), plan.tasks().len(), "each task has ended");
                let has_finally = plan.finally().next().is_some();
                assert_eq!(self.finally, has_finally, "what stands under finally runs");
                self.over = true;
            }
            _ => {}
        }
    }

    /// Nothing starts before its time.
    fn check_start(&self, plan: &Plan, key: &TaskKey) {
        let spec = plan.task(plan.index_of(&key.task).unwrap());
        for need in &spec.needs {
            assert!(
                self.ended.contains_key(need),
                "{key} started before {need} ended"
            );
        }
        assert!(!self.ended.contains_key(&key.task), "{key} had ended");
        assert_eq!(
            spec.finally, self.finally,
            "{key}: its section is not at work"
        );
        if let TaskBody::Vote(_) = spec.body {
            panic!("{key}: nobody works on a vote");
        }
    }
}

/// What has been promised of the figures.
#[derive(Default)]
pub(crate) struct Figures {
    meter: WorkflowMeter,
    last: WorkflowMetrics,
}

impl Figures {
    pub(crate) fn check(&mut self, event: &RunEvent) {
        self.meter.apply(event);
        let now = self.meter.metrics(event.at);
        let known = now.completed + now.failed + now.skipped + now.in_progress;
        assert!(known <= now.total, "{now:?}");
        assert!(now.work_added >= self.last.work_added, "{now:?}");
        assert!(
            now.percentage >= self.last.percentage || now.work_added > self.last.work_added,
            "back from {} to {} without a word: {event:?}",
            self.last.percentage,
            now.percentage
        );
        if now.status.is_some() {
            assert_eq!(now.in_progress, 0, "{now:?}");
            assert_eq!(known, now.total, "all has ended: {now:?}");
            assert!(now.active_agents.is_empty());
        }
        self.last = now;
    }
}
