//! Counts and an estimate for whoever watches a run.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::TaskState;
use crate::{
    AgentName, RunEvent, RunEventKind, RunStatus, TaskId, TaskKey, TaskStatus, Timestamp, micros,
};

/// The figures of a run at one moment.
///
/// What is counted is a task, or each item of a `for_each` task once it is
/// known how many there are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct WorkflowMetrics {
    /// How the run ended; none while it goes on.
    pub status: Option<RunStatus>,
    /// All tasks and items.
    pub total: u64,
    /// Those that completed.
    pub completed: u64,
    /// Those that failed or rejected.
    pub failed: u64,
    /// Those that started and have not ended.
    pub in_progress: u64,
    /// Those that never ran, or were stopped.
    pub skipped: u64,
    /// How many of 100 have ended, however they did. 100 when the run ended.
    pub percentage: f64,
    /// The agents with an attempt under way and how many each has.
    pub active_agents: BTreeMap<AgentName, u32>,
    /// How long the rest will take. None as long as nothing has completed, and
    /// when the run has ended.
    #[serde(with = "optional_micros", rename = "estimated-completion-us")]
    pub estimated_completion: Option<Duration>,
}

mod optional_micros {
    use super::{Deserialize, Duration, Serialize, micros};
    use serde::{Deserializer, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Micros(#[serde(with = "micros")] Duration);

    #[allow(clippy::ref_option, reason = "the signature that serde calls")]
    pub(super) fn serialize<S: Serializer>(
        value: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value.map(Micros).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<Micros>::deserialize(deserializer)?.map(|micros| micros.0))
    }
}

/// A task or an item, from its first attempt in a round to its end.
#[derive(Clone, Copy, Debug, Default)]
struct Unit {
    state: TaskState,
    started: Option<Timestamp>,
}

/// A task: one unit, or one for each item.
#[derive(Clone, Debug, Default)]
struct Task {
    whole: Unit,
    item_count: Option<u32>,
    items: BTreeMap<u32, Unit>,
    /// How many units completed, in all rounds, and how long they took together.
    timed: u32,
    took: Duration,
}

impl Task {
    /// How many units of it there are. A list without items is one.
    fn count(&self) -> u64 {
        let heard_of = self.items.len() as u64;
        u64::from(self.item_count.unwrap_or(0)).max(heard_of).max(1)
    }

    /// Its units that something was heard of.
    fn units(&self) -> impl Iterator<Item = &Unit> {
        let single = self.item_count.is_none_or(|count| count == 0) && self.items.is_empty();
        single
            .then_some(&self.whole)
            .into_iter()
            .chain(self.items.values())
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
}

/// Counts the events of a run and estimates how long the rest takes.
///
/// The estimate adds up what is left, each unit at the mean of its task's
/// completed units (or of all, where its task has none yet), takes off how
/// long those under way have been running, and divides by how many attempts
/// are under way at once on average.
#[derive(Clone, Debug, Default)]
pub struct WorkflowMeter {
    status: Option<RunStatus>,
    tasks: BTreeMap<TaskId, Task>,
    active: BTreeMap<TaskKey, AgentName>,
    /// When `busy` was last brought up to date.
    updated: Option<Timestamp>,
    /// Time during which at least one attempt was under way.
    busy: Duration,
    /// The same, each attempt counted for itself.
    worked: Duration,
}

impl WorkflowMeter {
    /// A meter that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in an event: any event at any time.
    pub fn apply(&mut self, event: &RunEvent) {
        self.pass_time(event.at);
        match &event.event {
            RunEventKind::RunStarted { tasks, .. } => {
                for plan in tasks {
                    self.tasks.entry(plan.task.clone()).or_default();
                }
            }
            RunEventKind::TaskExpanded { task, items } => {
                let task = self.tasks.entry(task.clone()).or_default();
                task.item_count = Some(*items);
                task.items.split_off(items);
            }
            RunEventKind::AttemptStarted { key, agent, .. } => {
                self.active.insert(key.clone(), agent.clone());
                let unit = self
                    .tasks
                    .entry(key.task.clone())
                    .or_default()
                    .unit_mut(key.item);
                unit.state = TaskState::Running;
                unit.started.get_or_insert(event.at);
            }
            RunEventKind::AttemptEnded { key, .. } => {
                self.active.remove(key);
            }
            RunEventKind::RoundStarted { tasks, .. } => {
                for task in tasks {
                    let task = self.tasks.entry(task.clone()).or_default();
                    task.whole = Unit::default();
                    task.item_count = None;
                    task.items.clear();
                }
            }
            RunEventKind::TaskEnded { key, status, .. } => {
                self.active.remove(key);
                self.end(key, *status, event.at);
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
            | RunEventKind::ApprovalDecided { .. }
            | RunEventKind::ResultRecalled { .. }
            | RunEventKind::Child { .. }
            | RunEventKind::FinallyStarted { .. }
            | RunEventKind::RunStopping { .. } => {}
            RunEventKind::ApprovalRequested { task, .. } => {
                let unit = self.tasks.entry(task.clone()).or_default().unit_mut(None);
                unit.state = TaskState::Running;
                unit.started.get_or_insert(event.at);
            }
            RunEventKind::ChildStarted { key, .. } => {
                let task = self.tasks.entry(key.task.clone()).or_default();
                let unit = task.unit_mut(key.item);
                unit.state = TaskState::Running;
                unit.started.get_or_insert(event.at);
            }
        }
    }

    fn pass_time(&mut self, now: Timestamp) {
        let passed = now.since(self.updated.unwrap_or(now));
        self.updated = Some(self.updated.map_or(now, |before| before.max(now)));
        if let Ok(active @ 1..) = u32::try_from(self.active.len()) {
            self.busy = self.busy.saturating_add(passed);
            self.worked = self.worked.saturating_add(passed.saturating_mul(active));
        }
    }

    fn end(&mut self, key: &TaskKey, status: TaskStatus, at: Timestamp) {
        let task = self.tasks.entry(key.task.clone()).or_default();
        let unit = task.unit_mut(key.item);
        unit.state = TaskState::Ended(status);
        if let Some(started) = unit.started.filter(|_| status == TaskStatus::Completed) {
            task.timed = task.timed.saturating_add(1);
            task.took = task.took.saturating_add(at.since(started));
        }
        if key.item.is_none() {
            task.end_items(status);
        }
    }

    /// The figures at the time `now`, which only the estimate depends on.
    #[must_use]
    pub fn metrics(&self, now: Timestamp) -> WorkflowMetrics {
        let mut metrics = WorkflowMetrics {
            status: self.status,
            ..WorkflowMetrics::default()
        };
        for task in self.tasks.values() {
            let count = task.count();
            metrics.total += count;
            let mut ended = 0;
            for unit in task.units() {
                let counter = match unit.state {
                    TaskState::Waiting => continue,
                    TaskState::Running => {
                        metrics.in_progress += 1;
                        continue;
                    }
                    TaskState::Ended(TaskStatus::Completed) => &mut metrics.completed,
                    TaskState::Ended(TaskStatus::Failed | TaskStatus::Rejected) => {
                        &mut metrics.failed
                    }
                    TaskState::Ended(TaskStatus::Skipped | TaskStatus::Cancelled) => {
                        &mut metrics.skipped
                    }
                };
                *counter += 1;
                ended += 1;
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

    fn estimate(&self, now: Timestamp) -> Option<Duration> {
        if self.status.is_some() {
            return None;
        }
        let timed: u32 = self
            .tasks
            .values()
            .fold(0, |sum, task| sum.saturating_add(task.timed));
        let took = self
            .tasks
            .values()
            .fold(0.0, |sum, task| sum + task.took.as_secs_f64());
        if timed == 0 {
            return None;
        }
        let overall = took / f64::from(timed);
        let mut left = 0.0;
        for task in self
            .tasks
            .values()
            .filter(|task| task.whole.state.ended().is_none())
        {
            let mean = match task.timed {
                0 => overall,
                timed => task.took.as_secs_f64() / f64::from(timed),
            };
            let mut waiting = task.count();
            for unit in task.units() {
                match unit.state {
                    TaskState::Waiting => {}
                    TaskState::Running => {
                        waiting = waiting.saturating_sub(1);
                        let running = unit
                            .started
                            .map_or(Duration::ZERO, |start| now.since(start));
                        left += (mean - running.as_secs_f64()).max(0.0);
                    }
                    TaskState::Ended(_) => waiting = waiting.saturating_sub(1),
                }
            }
            left += mean * waiting as f64;
        }
        let at_once = self.worked.as_secs_f64() / self.busy.as_secs_f64();
        let at_once = if at_once.is_finite() {
            at_once.max(1.0)
        } else {
            1.0
        };
        Duration::try_from_secs_f64(left / at_once).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::super::history::{History, key};
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
