//! Counts the events of a run.

use std::collections::BTreeMap;

use super::durations::Mean;
use super::{Durations, WorkflowMetrics};
use crate::{
    AgentName, PlannedTask, Role, RunEvent, RunEventKind, RunId, RunStatus, TaskId, TaskKey,
    TaskKind, TaskState, TaskStatus, Timestamp,
};

/// A task or an item, from its first attempt in a round to its end.
#[derive(Clone, Debug, Default)]
pub(super) struct Unit {
    pub(super) state: TaskState,
    pub(super) started: Option<Timestamp>,
    pub(super) agent: Option<AgentName>,
}

/// A task: one unit, or one for each item.
#[derive(Clone, Debug, Default)]
pub(super) struct Task {
    kind: Option<TaskKind>,
    pub(super) role: Option<Role>,
    pub(super) needs: Vec<TaskId>,
    pub(super) wave: u32,
    item_concurrency: Option<u32>,
    pub(super) whole: Unit,
    item_count: Option<u32>,
    items: BTreeMap<u32, Unit>,
    /// The runs of other workflows that it, or its items, stand for.
    pub(super) children: BTreeMap<Option<u32>, WorkflowMeter>,
    /// How many units they have more than the units that stand for them.
    inside: u64,
    /// How long its units took that completed, in all rounds.
    pub(super) took: Mean,
}

impl Task {
    fn of(plan: &PlannedTask) -> Self {
        Self {
            kind: Some(plan.kind),
            role: plan.role.clone(),
            needs: plan.needs.clone(),
            wave: plan.wave,
            item_concurrency: plan.item_concurrency,
            ..Self::default()
        }
    }

    /// How many units of its own it has. A list without items is one.
    pub(super) fn own_count(&self) -> u64 {
        let heard_of = self.items.len() as u64;
        u64::from(self.item_count.unwrap_or(0)).max(heard_of).max(1)
    }

    /// How many units there are: a run inside counts for the unit that stands
    /// for it.
    fn count(&self) -> u64 {
        self.own_count() + self.inside
    }

    /// Its own units that something was heard of.
    pub(super) fn units(&self) -> impl Iterator<Item = &Unit> {
        self.keyed_units().map(|(_, unit)| unit)
    }

    pub(super) fn keyed_units(&self) -> impl Iterator<Item = (Option<u32>, &Unit)> {
        let single = self.item_count.is_none_or(|count| count == 0) && self.items.is_empty();
        let items = self.items.iter().map(|(index, unit)| (Some(*index), unit));
        single
            .then_some((None, &self.whole))
            .into_iter()
            .chain(items)
    }

    /// Whether somebody works on it: votes and people don't count.
    pub(super) fn needs_work(&self) -> bool {
        match self.kind {
            Some(TaskKind::Vote | TaskKind::Approval) => false,
            Some(TaskKind::Agent | TaskKind::Workflow) | None => true,
        }
    }

    /// How many of its units may be at work at once in a run that may have
    /// `concurrency` at work.
    pub(super) fn most_at_once(&self, concurrency: u32) -> f64 {
        f64::from(self.item_concurrency.unwrap_or(u32::MAX).min(concurrency))
    }

    fn unit_mut(&mut self, item: Option<u32>) -> &mut Unit {
        match item {
            None => &mut self.whole,
            Some(index) => self.items.entry(index).or_default(),
        }
    }

    /// Ends the whole, and with it the items that have not ended.
    fn end_items(&mut self, status: TaskStatus) {
        let status = match status {
            TaskStatus::Cancelled => TaskStatus::Cancelled,
            TaskStatus::Completed
            | TaskStatus::Rejected
            | TaskStatus::Failed
            | TaskStatus::Skipped => TaskStatus::Skipped,
        };
        for item in self.items.values_mut() {
            if item.state.ended().is_none() {
                item.state = TaskState::Ended(status);
            }
        }
    }

    fn wait_again(&mut self) {
        self.whole = Unit::default();
        self.item_count = None;
        self.items.clear();
        self.children.clear();
        self.inside = 0;
    }
}

/// Counts the events of a run and estimates how long the rest takes.
#[derive(Clone, Debug, Default)]
pub struct WorkflowMeter {
    run: Option<RunId>,
    pub(super) status: Option<RunStatus>,
    pub(super) concurrency: u32,
    pub(super) tasks: BTreeMap<TaskId, Task>,
    active: BTreeMap<TaskKey, AgentName>,
    /// How many attempts are under way in the runs inside.
    active_inside: u32,
    /// How many units all tasks have together.
    units: u64,
    work_added: u64,
    /// The most attempts that were under way at once.
    pub(super) peak: u32,
    /// What this run has shown.
    pub(super) seen: Durations,
    /// What was known before.
    pub(super) history: Durations,
}

impl WorkflowMeter {
    /// A meter that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A meter that knows how long work took in earlier runs, so that there is
    /// an estimate before anything has completed in this one.
    #[must_use]
    pub fn with_history(history: Durations) -> Self {
        Self {
            history,
            ..Self::default()
        }
    }

    /// How long the work of this run took, as far as it is done.
    #[must_use]
    pub const fn durations(&self) -> &Durations {
        &self.seen
    }

    /// Takes in an event: any event at any time.
    pub fn apply(&mut self, event: &RunEvent) {
        self.run.get_or_insert_with(|| event.run.clone());
        self.apply_kind(event.at, &event.event);
    }

    fn apply_kind(&mut self, at: Timestamp, event: &RunEventKind) {
        match event {
            RunEventKind::RunStarted {
                tasks, concurrency, ..
            } => {
                self.concurrency = *concurrency;
                for plan in tasks {
                    self.tasks.insert(plan.task.clone(), Task::of(plan));
                }
                self.units = self.tasks.values().map(Task::count).sum();
            }
            RunEventKind::TaskExpanded { task, items } => {
                let before = self.units;
                self.change(task, |task| {
                    task.item_count = Some(*items);
                    task.items.split_off(items);
                });
                self.work_added += self.units.saturating_sub(before);
            }
            RunEventKind::AttemptStarted { key, agent, .. } => {
                self.active.insert(key.clone(), agent.clone());
                self.peak = self.peak.max(self.active_count());
                self.begin(key, at, Some(agent));
            }
            RunEventKind::ResultRecalled { key, .. } => self.begin(key, at, None),
            RunEventKind::ApprovalRequested { task, .. } => {
                self.begin(&TaskKey::single(task.clone()), at, None);
            }
            RunEventKind::ChildStarted { key, .. } => {
                self.begin(key, at, None);
                let child = Self::with_history(self.history.clone());
                self.change(&key.task, |task| task.children.insert(key.item, child));
            }
            RunEventKind::Child { key, event, .. } => self.apply_to_child(at, key, event),
            RunEventKind::AttemptEnded { key, .. } | RunEventKind::AttemptLost { key, .. } => {
                self.active.remove(key);
            }
            RunEventKind::RoundStarted { tasks, .. } => self.begin_again(tasks),
            RunEventKind::RunRetried { tasks } => {
                self.status = None;
                self.begin_again(tasks);
            }
            RunEventKind::TaskEnded { key, status, .. } => {
                self.active.remove(key);
                self.end(key, *status, at);
            }
            RunEventKind::RunEnded { status, .. } => {
                self.status = Some(*status);
                self.active.clear();
            }
            RunEventKind::AttemptProgress { .. }
            | RunEventKind::AttemptLog { .. }
            | RunEventKind::GrantDecided { .. }
            | RunEventKind::RetryScheduled { .. }
            | RunEventKind::FallbackChosen { .. }
            | RunEventKind::BreakerMoved { .. }
            | RunEventKind::AgentSetAside { .. }
            | RunEventKind::AgentChanged { .. }
            | RunEventKind::ApprovalDecided { .. }
            | RunEventKind::FinallyStarted { .. }
            | RunEventKind::RunResumed { .. }
            | RunEventKind::RunStopping { .. } => {}
        }
    }

    /// Tasks wait once more: that much work was added.
    fn begin_again(&mut self, tasks: &[TaskId]) {
        for task in tasks {
            self.work_added += self.change(task, |task| {
                let again = task.count();
                task.wait_again();
                again
            });
        }
    }

    /// Changes a task, and keeps count of the units.
    fn change<T>(&mut self, id: &TaskId, change: impl FnOnce(&mut Task) -> T) -> T {
        let known = self.tasks.contains_key(id);
        let task = self.tasks.entry(id.clone()).or_default();
        let before = if known { task.count() } else { 0 };
        let changed = change(task);
        self.units = self.units + task.count() - before;
        changed
    }

    fn begin(&mut self, key: &TaskKey, at: Timestamp, agent: Option<&AgentName>) {
        self.change(&key.task, |task| {
            let unit = task.unit_mut(key.item);
            unit.state = TaskState::Running;
            unit.started.get_or_insert(at);
            unit.agent = agent.or(unit.agent.as_ref()).cloned();
        });
    }

    fn apply_to_child(&mut self, at: Timestamp, key: &TaskKey, event: &RunEventKind) {
        let Some(told) = self.change(&key.task, |task| {
            let child = task.children.get_mut(&key.item)?;
            let before = (child.units.max(1), child.work_added, child.active_count());
            child.apply_kind(at, event);
            let after = (child.units.max(1), child.work_added, child.active_count());
            task.inside = task.inside + after.0 - before.0;
            Some((before, after))
        }) else {
            return;
        };
        let (before, after) = told;
        // What the run inside says itself, and its plan, which nobody knew.
        let (said, grown) = (after.1 - before.1, after.0.saturating_sub(before.0));
        self.work_added += said.max(grown);
        self.active_inside = self.active_inside + after.2 - before.2;
        self.peak = self.peak.max(self.active_count());
    }

    /// How many attempts are under way, those of runs inside counted.
    fn active_count(&self) -> u32 {
        let here = u32::try_from(self.active.len()).unwrap_or(u32::MAX);
        here.saturating_add(self.active_inside)
    }

    fn end(&mut self, key: &TaskKey, status: TaskStatus, at: Timestamp) {
        let (role, unit) = self.change(&key.task, |task| {
            let unit = task.unit_mut(key.item);
            unit.state = TaskState::Ended(status);
            let unit = unit.clone();
            if key.item.is_none() {
                task.end_items(status);
            }
            (task.role.clone(), unit)
        });
        let worked = unit.agent.is_some() && status == TaskStatus::Completed;
        if let Some(started) = unit.started.filter(|_| worked) {
            let took = at.since(started);
            self.change(&key.task, |task| task.took.add(took));
            self.seen.add(unit.agent.as_ref(), role.as_ref(), took);
        }
    }

    /// The figures at the time `now`, which only the estimate depends on.
    #[must_use]
    pub fn metrics(&self, now: Timestamp) -> WorkflowMetrics {
        let mut metrics = WorkflowMetrics {
            run: self.run.clone(),
            status: self.status,
            work_added: self.work_added,
            ..WorkflowMetrics::default()
        };
        self.count_into(&mut metrics);
        let ended = metrics.completed + metrics.failed + metrics.skipped;
        metrics.percentage = if self.status.is_some() {
            100.0
        } else if metrics.total == 0 {
            0.0
        } else {
            ended as f64 * 100.0 / metrics.total as f64
        };
        metrics.estimated_completion = self.estimate(now);
        metrics
    }

    fn count_into(&self, metrics: &mut WorkflowMetrics) {
        for task in self.tasks.values() {
            let count = task.own_count();
            metrics.total += count;
            let mut ended = 0;
            for (item, unit) in task.keyed_units() {
                if let Some(child) = task.children.get(&item).filter(|child| child.units > 0) {
                    metrics.total -= 1;
                    child.count_into(metrics);
                    ended += 1;
                    continue;
                }
                let counter = match unit.state {
                    TaskState::Waiting => continue,
                    TaskState::Running => &mut metrics.in_progress,
                    TaskState::Ended(status) => {
                        ended += 1;
                        counter(metrics, status)
                    }
                };
                *counter += 1;
            }
            // Items that nothing was heard of before their task ended never ran.
            if task.whole.state.ended().is_some() {
                let heard_of = task.units().count() as u64;
                metrics.skipped += count.saturating_sub(heard_of.max(ended));
            }
        }
        for agent in self.active.values() {
            *metrics.active_agents.entry(agent.clone()).or_default() += 1;
        }
    }
}

fn counter(metrics: &mut WorkflowMetrics, status: TaskStatus) -> &mut u64 {
    match status {
        TaskStatus::Completed => &mut metrics.completed,
        TaskStatus::Failed | TaskStatus::Rejected => &mut metrics.failed,
        TaskStatus::Skipped | TaskStatus::Cancelled => &mut metrics.skipped,
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::history::{History, key};
    use std::time::Duration;

    use super::*;

    fn measured(history: &History) -> WorkflowMeter {
        let mut meter = WorkflowMeter::new();
        for event in history.events() {
            meter.apply(event);
        }
        meter
    }

    #[test]
    fn items_are_counted_one_by_one() {
        let mut history = History::started(&["survey", "review", "gate"]);
        history.completes(&key("survey"), 1, 1);
        history.expands("review", 4);
        history.starts(&key("review[0]"), 1, 1);
        let metrics = measured(&history).metrics(history.now());
        assert_eq!(metrics.total, 6);
        assert_eq!((metrics.completed, metrics.in_progress), (1, 1));
        assert_eq!(metrics.percentage.round(), 17.0);
        assert_eq!(metrics.active_agents.values().sum::<u32>(), 1);
    }

    #[test]
    fn the_estimate_is_the_mean_times_what_is_left() {
        let mut history = History::started(&["review"]);
        assert_eq!(
            measured(&history)
                .metrics(history.now())
                .estimated_completion,
            None
        );
        history.expands("review", 5);
        for item in ["review[0]", "review[1]"] {
            history.starts(&key(item), 1, 1);
            history.passes(Duration::from_secs(4));
            history.ends_completed(&key(item), 1, 1);
        }
        let meter = measured(&history);
        let left = meter.metrics(history.now()).estimated_completion;
        assert_eq!(
            left,
            Some(Duration::from_secs(12)),
            "three items of 4 s, one at a time"
        );

        history.starts(&key("review[2]"), 1, 1);
        let meter = measured(&history);
        let later = history.now().after(Duration::from_secs(1));
        let left = meter.metrics(later).estimated_completion;
        assert_eq!(left, Some(Duration::from_secs(11)));
    }

    #[test]
    fn work_side_by_side_is_done_sooner() {
        let mut history = History::started(&["review"]);
        history.expands("review", 4);
        for item in ["review[0]", "review[1]"] {
            history.starts(&key(item), 1, 1);
        }
        history.passes(Duration::from_secs(4));
        for item in ["review[0]", "review[1]"] {
            history.ends_completed(&key(item), 1, 1);
        }
        let left = measured(&history)
            .metrics(history.now())
            .estimated_completion;
        assert_eq!(
            left,
            Some(Duration::from_secs(4)),
            "two more pairs' worth, two at a time"
        );
    }

    #[test]
    fn a_round_takes_back_what_was_done() {
        let mut history = History::started(&["fix", "gate"]);
        history.completes(&key("fix"), 1, 1);
        history.sends_back("gate", 2, &["fix", "gate"]);
        let metrics = measured(&history).metrics(history.now());
        assert_eq!((metrics.total, metrics.completed), (2, 0));
    }

    #[test]
    fn an_empty_list_is_one_completed_task() {
        let mut history = History::started(&["review"]);
        history.expands("review", 0);
        history.ends_task(&key("review"), TaskStatus::Completed, 1);
        let metrics = measured(&history).metrics(history.now());
        assert_eq!((metrics.total, metrics.completed), (1, 1));
        assert_eq!(metrics.percentage, 100.0);
    }

    #[test]
    fn items_that_never_ran_are_skipped_when_their_task_ends() {
        let mut history = History::started(&["review"]);
        history.expands("review", 3);
        history.completes(&key("review[0]"), 1, 1);
        history.ends_task(&key("review"), TaskStatus::Failed, 1);
        let metrics = measured(&history).metrics(history.now());
        assert_eq!(
            (metrics.completed, metrics.skipped, metrics.total),
            (1, 2, 3)
        );
    }
}
