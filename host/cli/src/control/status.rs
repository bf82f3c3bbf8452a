//! How a live run is going.

use std::sync::Arc;

use ringfence::flow::{
    AgentConduct, AgentLoad, AgentName, BreakerState, Durations, RunEvent, RunId, RunRecord,
    TaskKey, TaskPath, TaskState, Timestamp, WorkflowMeter, WorkflowMetrics, WorkflowName,
};
use serde::{Deserialize, Serialize};

/// How a live run is going.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Status {
    pub(crate) run: RunId,
    pub(crate) workflow: Option<WorkflowName>,
    pub(crate) started: Option<Timestamp>,
    pub(crate) now: Timestamp,
    pub(crate) metrics: WorkflowMetrics,
    pub(crate) agents: Vec<AgentStatus>,
    pub(crate) waiting: Vec<Waiting>,
}

/// An agent of the run's host.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct AgentStatus {
    pub(crate) agent: AgentName,
    pub(crate) breaker: BreakerState,
    #[serde(default)]
    pub(crate) conduct: AgentConduct,
    pub(crate) running: u32,
}

impl From<AgentLoad> for AgentStatus {
    fn from(load: AgentLoad) -> Self {
        Self {
            agent: load.profile.name.clone(),
            breaker: load.breaker,
            conduct: load.conduct,
            running: load.running,
        }
    }
}

/// A task that waits for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Waiting {
    /// For example `build[2]/release`.
    pub(crate) task: String,
    pub(crate) message: Arc<str>,
    pub(crate) until: Option<Timestamp>,
}

/// What a live run's own process knows of it.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    pub(crate) record: RunRecord,
    meter: WorkflowMeter,
}

impl Watch {
    /// Nothing is known yet but how long agents have taken in earlier runs.
    pub(crate) fn with_history(history: Durations) -> Self {
        Self {
            record: RunRecord::new(),
            meter: WorkflowMeter::with_history(history),
        }
    }

    pub(crate) fn apply(&mut self, event: &RunEvent) {
        self.record.apply(event);
        self.meter.apply(event);
    }

    /// How far it has come.
    pub(crate) fn metrics(&self, now: Timestamp) -> WorkflowMetrics {
        self.meter.metrics(now)
    }

    pub(super) fn status(&self, run: &RunId, now: Timestamp, agents: Vec<AgentLoad>) -> Status {
        let mut waiting = Vec::new();
        collect(&self.record, &[], &mut waiting);
        Status {
            run: run.clone(),
            workflow: self.record.workflow.clone(),
            started: self.record.started,
            now,
            metrics: self.metrics(now),
            agents: agents.into_iter().map(Into::into).collect(),
            waiting,
        }
    }
}

/// The tasks of a run, and of the runs inside it, that wait for a person.
fn collect(record: &RunRecord, around: &[TaskKey], waiting: &mut Vec<Waiting>) {
    for (id, task) in record.tasks_in_order() {
        let asks = task
            .approval
            .as_ref()
            .filter(|approval| approval.decision.is_none() && task.state() == TaskState::Running);
        if let Some(approval) = asks {
            let path = TaskPath::of(id.clone());
            let path = around.iter().rev().cloned().fold(path, TaskPath::inside);
            waiting.push(Waiting {
                task: path.to_string(),
                message: Arc::clone(&approval.message),
                until: approval.until,
            });
        }
        for (item, instance) in task.instances() {
            if let Some(child) = &instance.child {
                let key = TaskKey {
                    task: id.clone(),
                    item,
                };
                let inside: Vec<_> = around.iter().cloned().chain([key]).collect();
                collect(child, &inside, waiting);
            }
        }
    }
}
