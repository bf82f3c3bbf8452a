//! The record of a run.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::decision::Decisions;
use super::{
    AttemptRecord, DecisionRecord, FindingRecord, RunSummary, SeverityCounts, TaskRecord,
    TaskState, UsageTotals,
};
use crate::{
    AgentName, Artifact, BreakerState, Failure, FailureCode, Finding, Json, RunId, RunStatus,
    TaskId, TaskKey, TaskStatus, Timestamp, WorkflowName, micros,
};

/// Another attempt that was scheduled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RetryRecord {
    /// When it was scheduled.
    pub at: Timestamp,
    /// At which task or item.
    pub key: TaskKey,
    /// The number of the attempt to come.
    pub attempt: u32,
    /// How long it waits.
    #[serde(with = "micros", rename = "wait-us")]
    pub wait: Duration,
    /// What the last one failed with.
    pub after: FailureCode,
}

/// A fallback agent that took over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FallbackRecord {
    /// When.
    pub at: Timestamp,
    /// At which task or item.
    pub key: TaskKey,
    /// Who took over.
    pub agent: AgentName,
    /// What the one before failed with.
    pub after: Failure,
}

/// A round that a rejection started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RoundRecord {
    /// When it started.
    pub at: Timestamp,
    /// The gate that rejected.
    pub gate: TaskId,
    /// The number of the round.
    pub round: u32,
    /// The tasks that ran again.
    pub tasks: Vec<TaskId>,
    /// Why it rejected.
    pub reason: Arc<str>,
    /// What was to be mended.
    pub feedback: Arc<[Finding]>,
}

/// A time for which nobody drove the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ResumeRecord {
    /// When it went on.
    pub at: Timestamp,
    /// How long it had not.
    #[serde(with = "micros", rename = "away-us")]
    pub away: Duration,
}

/// A move of an agent's circuit breaker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct BreakerRecord {
    /// When.
    pub at: Timestamp,
    /// The agent.
    pub agent: AgentName,
    /// Where it moved to.
    pub state: BreakerState,
}

/// An artifact and who put it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ArtifactRecord {
    /// The task or item.
    pub key: TaskKey,
    /// The artifact.
    pub artifact: Artifact,
}

/// Something that failed: an attempt, a task or the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FailureRecord {
    /// When, if it is known.
    pub at: Option<Timestamp>,
    /// Which task or item; none for the run as a whole.
    pub key: Option<TaskKey>,
    /// Which agent, if it was an attempt.
    pub agent: Option<AgentName>,
    /// Which attempt of its round, if it was one.
    pub attempt: Option<u32>,
    /// In which round, counted from 1.
    pub round: Option<u32>,
    /// What went wrong.
    pub failure: Failure,
}

/// What is known of a run: the fold of its events.
///
/// ```
/// use ringfence_flow::{RunEvent, RunRecord};
/// # let events: Vec<RunEvent> = Vec::new();
/// let mut record = RunRecord::new();
/// for event in &events {
///     record.apply(event);
/// }
/// assert_eq!(record.summary().status, None, "it has not ended");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RunRecord {
    /// The run; none before its first event.
    pub run: Option<RunId>,
    /// The workflow; none before the run starts.
    pub workflow: Option<WorkflowName>,
    /// The workflow's inputs, defaults filled in.
    pub inputs: Json,
    /// The seed that every draw of the run comes from.
    pub seed: u64,
    /// When the run started.
    pub started: Option<Timestamp>,
    /// When the run ended; none while it goes on.
    pub ended: Option<Timestamp>,
    /// When the latest event happened.
    pub updated: Timestamp,
    /// How the run ended; none while it goes on.
    pub status: Option<RunStatus>,
    /// Why it did not complete, or is stopping.
    pub failure: Option<Failure>,
    /// The task that decided how it ended, if one did.
    pub decided_by: Option<TaskId>,
    /// What the workflow gave, if it completed.
    pub output: Option<Json>,
    /// The tasks by name. [`tasks_in_order`](Self::tasks_in_order) has them in
    /// the order of the plan.
    pub tasks: BTreeMap<TaskId, TaskRecord>,
    /// The attempts in the order in which they started.
    pub attempts: Vec<AttemptRecord>,
    /// The retries in the order in which they were scheduled.
    pub retries: Vec<RetryRecord>,
    /// The fallbacks in the order in which they took over.
    pub fallbacks: Vec<FallbackRecord>,
    /// The rounds after the first, in the order in which they started.
    pub rounds: Vec<RoundRecord>,
    /// The moves of circuit breakers.
    pub breakers: Vec<BreakerRecord>,
    /// The times for which nobody drove the run.
    #[serde(default)]
    pub resumes: Vec<ResumeRecord>,
    /// When it was last retried after its end.
    #[serde(default)]
    pub reopened: Option<Timestamp>,
    /// What all attempts used.
    pub totals: UsageTotals,
    /// Decisions on grants that were made and are not among
    /// [`decisions`](Self::decisions), as there were too many different ones.
    pub decisions_omitted: u64,
    pub(super) decisions: Decisions,
    /// What the log lines of all attempts cost to keep, in bytes.
    pub(super) log_bytes: usize,
    /// The attempt that loses its log lines next.
    pub(super) log_oldest: usize,
}

impl RunRecord {
    /// The record of a run of which nothing is known yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Time on the clock from the start to the end, or to the latest event of
    /// a run that goes on.
    #[must_use]
    pub fn duration(&self) -> Duration {
        let end = self.ended.unwrap_or(self.updated);
        self.started
            .map_or(Duration::ZERO, |start| end.since(start))
    }

    /// The tasks in the order of the plan.
    #[must_use]
    pub fn tasks_in_order(&self) -> Vec<(&TaskId, &TaskRecord)> {
        let mut tasks: Vec<_> = self.tasks.iter().collect();
        tasks.sort_by_key(|(_, task)| task.position);
        tasks
    }

    /// The tasks in the order of the plan, each followed by those of the runs
    /// inside it, which are named by their paths: `build[2]/release`. Where the
    /// ones inside are more than `most`, they are left out.
    #[must_use]
    pub fn tasks_with_inside(&self, most: usize) -> Vec<(String, &TaskRecord)> {
        let mut all = Vec::new();
        self.collect_tasks("", &mut all);
        let inside = all.len() - self.tasks.len();
        if inside > most {
            all.retain(|(path, _)| !path.contains('/'));
        }
        all
    }

    fn collect_tasks<'a>(&'a self, around: &str, all: &mut Vec<(String, &'a TaskRecord)>) {
        for (id, task) in self.tasks_in_order() {
            let path = format!("{around}{id}");
            all.push((path, task));
            for (item, instance) in task.instances() {
                if let Some(child) = &instance.child {
                    let key = TaskKey {
                        task: id.clone(),
                        item,
                    };
                    child.collect_tasks(&format!("{around}{key}/"), all);
                }
            }
        }
    }

    /// The decisions on grants, by task, agent and effect.
    pub fn decisions(&self) -> impl ExactSizeIterator<Item = &DecisionRecord> {
        self.decisions.iter()
    }

    /// The findings that count, in the order of the plan: of each task those
    /// of its last round, each once. What several tasks found belongs to the
    /// first of them, so a gate that passes findings on does not repeat them.
    #[must_use]
    pub fn findings(&self) -> Vec<FindingRecord> {
        let mut seen = HashSet::new();
        let mut findings = Vec::new();
        for (id, task) in self.tasks_in_order() {
            for (item, instance) in task.instances() {
                for finding in instance
                    .findings
                    .iter()
                    .filter(|finding| seen.insert(*finding))
                {
                    findings.push(FindingRecord {
                        key: TaskKey {
                            task: id.clone(),
                            item,
                        },
                        agent: instance.agent.clone(),
                        finding: finding.clone(),
                    });
                }
            }
        }
        findings
    }

    /// The artifacts of each task's last round, in the order of the plan.
    #[must_use]
    pub fn artifacts(&self) -> Vec<ArtifactRecord> {
        let mut artifacts = Vec::new();
        for (id, task) in self.tasks_in_order() {
            for (item, instance) in task.instances() {
                artifacts.extend(instance.artifacts.iter().map(|artifact| ArtifactRecord {
                    key: TaskKey {
                        task: id.clone(),
                        item,
                    },
                    artifact: artifact.clone(),
                }));
            }
        }
        artifacts
    }

    /// What failed: the run, then its tasks and items in the order of the
    /// plan, then its attempts in the order in which they started.
    #[must_use]
    pub fn failures(&self) -> Vec<FailureRecord> {
        let mut failures: Vec<_> = self
            .failure
            .iter()
            .map(|failure| FailureRecord {
                at: self.ended,
                key: None,
                agent: None,
                attempt: None,
                round: None,
                failure: failure.clone(),
            })
            .collect();
        for (id, task) in self.tasks_in_order() {
            let whole = std::iter::once((None, &task.whole));
            let items = task.items.iter().map(|(index, item)| (Some(*index), item));
            failures.extend(whole.chain(items).filter_map(|(item, instance)| {
                Some(FailureRecord {
                    at: instance.ended,
                    key: Some(TaskKey {
                        task: id.clone(),
                        item,
                    }),
                    agent: None,
                    attempt: None,
                    round: Some(instance.round),
                    failure: instance.failure.clone()?,
                })
            }));
        }
        failures.extend(self.attempts.iter().filter_map(|attempt| {
            Some(FailureRecord {
                at: attempt.ended,
                key: Some(attempt.key.clone()),
                agent: Some(attempt.agent.clone()),
                attempt: Some(attempt.attempt),
                round: Some(attempt.round),
                failure: attempt.outcome.failure()?.clone(),
            })
        }));
        failures
    }

    /// The run in a few figures.
    #[must_use]
    pub fn summary(&self) -> RunSummary {
        let records = self.findings();
        let mut findings = SeverityCounts::default();
        let mut files = BTreeSet::new();
        for record in &records {
            findings.add(record.finding.severity);
            files.extend(record.finding.location.as_ref().map(|place| &place.path));
        }
        let count = |statuses: &[TaskStatus]| {
            let ended = |task: &&TaskRecord| matches!(task.state(), TaskState::Ended(status) if statuses.contains(&status));
            self.tasks.values().filter(ended).count() as u64
        };
        RunSummary {
            status: self.status,
            duration: self.duration(),
            fixable: records
                .iter()
                .filter(|record| record.finding.fix.is_some())
                .count() as u64,
            files: files.len() as u64,
            findings,
            tasks: self.tasks.len() as u64,
            tasks_completed: count(&[TaskStatus::Completed]),
            tasks_failed: count(&[TaskStatus::Failed, TaskStatus::Rejected]),
            tasks_skipped: count(&[TaskStatus::Skipped, TaskStatus::Cancelled]),
            rounds: self
                .rounds
                .iter()
                .map(|round| round.round)
                .max()
                .unwrap_or(1),
            totals: self.totals,
        }
    }
}
