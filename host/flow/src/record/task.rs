//! One task, as the record keeps it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{AttemptRecord, RunRecord, UsageTotals};
use crate::{
    AgentName, Artifact, Decision, Failure, Finding, Output, PlannedTask, RunId, TaskStatus,
    Timestamp,
};

/// How far a task or an item has come.
///
/// ```text
/// waiting -> running -> ended
///    \_____________________/^      a new round leads back to waiting
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TaskState {
    /// No attempt has started in this round.
    #[default]
    Waiting,
    /// An attempt has started, or an item of it has.
    Running,
    /// It ended.
    Ended(TaskStatus),
}

impl TaskState {
    /// The word for it on the screen.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Ended(status) => status.as_str(),
        }
    }

    /// How it ended, if it did.
    #[must_use]
    pub const fn ended(self) -> Option<TaskStatus> {
        match self {
            Self::Ended(status) => Some(status),
            Self::Waiting | Self::Running => None,
        }
    }
}

/// A task that is no map, a `for_each` task as a whole, or one of its items.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct InstanceRecord {
    /// How far it has come.
    pub state: TaskState,
    /// The last round it took part in, counted from 1; 0 before it starts.
    pub round: u32,
    /// The start of its first attempt, in its last round.
    pub started: Option<Timestamp>,
    /// When it ended, in its last round.
    pub ended: Option<Timestamp>,
    /// Why it failed or was cancelled.
    pub failure: Option<Failure>,
    /// Why it was skipped, or rejected.
    pub reason: Option<Arc<str>>,
    /// The agent of the last attempt.
    pub agent: Option<AgentName>,
    /// Where its last attempt stands in [`RunRecord::attempts`](super::RunRecord::attempts).
    pub last_attempt: Option<usize>,
    /// What it found in its last round.
    pub findings: Arc<[Finding]>,
    /// The artifacts of its last round.
    pub artifacts: Arc<[Artifact]>,
    /// The earlier result that it took in its last round, if it did.
    pub recalled: Option<RecallRecord>,
    /// The run of another workflow that it stands for, in its last round.
    pub child: Option<Box<RunRecord>>,
}

/// An earlier result that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RecallRecord {
    /// The run that it comes from.
    pub run: RunId,
    /// When it was given.
    pub given: Timestamp,
}

/// What a person was asked in the last round, and what they said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ApprovalRecord {
    /// When it was asked.
    pub asked: Timestamp,
    /// The question.
    pub message: Arc<str>,
    /// When it is decided without them.
    pub until: Option<Timestamp>,
    /// What they said; none as long as nobody has.
    pub decision: Option<Decision>,
}

/// How many items of a `for_each` task are where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ItemCounts {
    /// All of them.
    pub total: u32,
    /// Not started yet.
    pub waiting: u32,
    /// Started, not ended.
    pub running: u32,
    /// Ended with an output.
    pub completed: u32,
    /// Ended with a rejection.
    pub rejected: u32,
    /// Failed.
    pub failed: u32,
    /// Never ran.
    pub skipped: u32,
    /// Stopped.
    pub cancelled: u32,
}

/// One task of the run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TaskRecord {
    /// Its place in the plan, counted from 0.
    pub position: u32,
    /// What was planned; none if the plan does not name it.
    pub plan: Option<PlannedTask>,
    /// The number of items, once a `for_each` task has been expanded.
    pub item_count: Option<u32>,
    /// The task itself; as a whole, if it has items.
    pub whole: InstanceRecord,
    /// The items that something has been heard of, by their index from 0.
    pub items: BTreeMap<u32, InstanceRecord>,
    /// What a person was asked, if the task asks for approval.
    pub approval: Option<ApprovalRecord>,
    /// What all its attempts used.
    pub totals: UsageTotals,
    /// The round that its findings and artifacts are from.
    pub(super) findings_round: u32,
}

impl TaskRecord {
    /// How far the task as a whole has come.
    #[must_use]
    pub const fn state(&self) -> TaskState {
        self.whole.state
    }

    /// The task itself if it gave something, then its items in their order.
    /// The whole of a task with items is not among them.
    pub fn instances(&self) -> impl Iterator<Item = (Option<u32>, &InstanceRecord)> {
        let whole = (!self.has_items()).then_some((None, &self.whole));
        whole
            .into_iter()
            .chain(self.items.iter().map(|(index, item)| (Some(*index), item)))
    }

    /// Whether this is a `for_each` task that has been expanded.
    #[must_use]
    pub fn has_items(&self) -> bool {
        self.item_count.is_some() || !self.items.is_empty()
    }

    /// How many items are where; none for a task without items.
    #[must_use]
    pub fn item_counts(&self) -> Option<ItemCounts> {
        if !self.has_items() {
            return None;
        }
        let heard_of = u32::try_from(self.items.len()).unwrap_or(u32::MAX);
        let mut counts = ItemCounts {
            total: self.item_count.unwrap_or(0).max(heard_of),
            ..ItemCounts::default()
        };
        for item in self.items.values() {
            let count = match item.state {
                TaskState::Waiting => continue,
                TaskState::Running => &mut counts.running,
                TaskState::Ended(TaskStatus::Completed) => &mut counts.completed,
                TaskState::Ended(TaskStatus::Rejected) => &mut counts.rejected,
                TaskState::Ended(TaskStatus::Failed) => &mut counts.failed,
                TaskState::Ended(TaskStatus::Skipped) => &mut counts.skipped,
                TaskState::Ended(TaskStatus::Cancelled) => &mut counts.cancelled,
            };
            *count += 1;
        }
        counts.waiting = counts.total
            - counts.running
            - counts.completed
            - counts.rejected
            - counts.failed
            - counts.skipped
            - counts.cancelled;
        Some(counts)
    }

    /// The instance `item` stands for, made if it is new.
    pub(super) fn instance_mut(&mut self, item: Option<u32>) -> &mut InstanceRecord {
        match item {
            None => &mut self.whole,
            Some(index) => self.items.entry(index).or_default(),
        }
    }

    /// Makes `round` the one that findings count from, and forgets those of
    /// earlier rounds. False if `round` is itself an earlier one.
    pub(super) fn findings_are_of(&mut self, round: u32) -> bool {
        if round > self.findings_round {
            self.findings_round = round;
            for instance in std::iter::once(&mut self.whole).chain(self.items.values_mut()) {
                instance.findings = Arc::default();
                instance.artifacts = Arc::default();
            }
        }
        round == self.findings_round
    }
}

impl InstanceRecord {
    /// An attempt at it starts.
    pub(super) fn start(&mut self, attempt: &AttemptRecord) {
        self.state = TaskState::Running;
        self.round = self.round.max(attempt.round);
        self.started.get_or_insert(attempt.started);
        self.agent = Some(attempt.agent.clone());
    }

    fn wait_again(&mut self) {
        self.state = TaskState::Waiting;
        self.started = None;
        self.ended = None;
        self.failure = None;
        self.reason = None;
        self.recalled = None;
        self.child = None;
    }

    /// Something other than an attempt starts.
    pub(super) fn begin(&mut self, at: Timestamp, round: u32) {
        self.state = TaskState::Running;
        self.round = self.round.max(round);
        self.started.get_or_insert(at);
    }
}

/// How a task or an item ended.
pub(super) struct TaskEnd<'a> {
    pub(super) at: Timestamp,
    pub(super) status: TaskStatus,
    pub(super) round: u32,
    pub(super) output: Option<&'a Output>,
    pub(super) failure: Option<&'a Failure>,
    pub(super) reason: Option<&'a Arc<str>>,
}

impl TaskRecord {
    /// A new round begins for it.
    pub(super) fn wait_again(&mut self) {
        self.whole.wait_again();
        self.approval = None;
        for item in self.items.values_mut() {
            item.wait_again();
        }
    }

    /// Keeps the findings and artifacts of an output, unless they are from an
    /// earlier round than what is there.
    pub(super) fn give(&mut self, item: Option<u32>, round: u32, output: &Output) {
        if self.findings_are_of(round) {
            let instance = self.instance_mut(item);
            instance.findings = Arc::clone(&output.findings);
            instance.artifacts = Arc::clone(&output.artifacts);
        }
    }

    /// It ends, or an item of it does.
    pub(super) fn end(&mut self, item: Option<u32>, end: &TaskEnd<'_>) {
        // A round that failed or was stopped has nothing to say about what
        // the round before found; one that was skipped has: it no longer applies.
        if matches!(
            end.status,
            TaskStatus::Completed | TaskStatus::Rejected | TaskStatus::Skipped
        ) {
            self.findings_are_of(end.round);
        }
        if let Some(output) = end.output {
            // The whole of a task with items would repeat what they gave.
            if item.is_some() || !self.has_items() {
                self.give(item, end.round, output);
            }
        }
        let instance = self.instance_mut(item);
        instance.state = TaskState::Ended(end.status);
        instance.round = instance.round.max(end.round);
        instance.ended = Some(end.at);
        instance.failure = end.failure.cloned();
        instance.reason = end.reason.cloned();
    }
}
