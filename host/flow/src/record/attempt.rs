//! One attempt, as the record keeps it.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::LogTail;
use crate::{AgentName, AttemptResult, Budgets, Failure, Progress, TaskKey, Timestamp, Usage};

/// How far an attempt has come.
///
/// ```text
/// running -> completed | rejected | failed | lost
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AttemptOutcome {
    /// It has not ended.
    #[default]
    Running,
    /// It gave an output.
    Completed,
    /// It rejected, for this reason.
    Rejected(Arc<str>),
    /// It failed.
    Failed(Failure),
    /// Nothing was heard of it: the host stopped while it ran, and the task
    /// was tried again or the run ended.
    Lost,
}

impl AttemptOutcome {
    /// The word for it on the screen.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Rejected(_) => "rejected",
            Self::Failed(_) => "failed",
            Self::Lost => "lost",
        }
    }

    /// The failure, if it failed.
    #[must_use]
    pub const fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Failed(failure) => Some(failure),
            Self::Running | Self::Completed | Self::Rejected(_) | Self::Lost => None,
        }
    }
}

impl From<&AttemptResult> for AttemptOutcome {
    fn from(result: &AttemptResult) -> Self {
        match result {
            AttemptResult::Completed(_) => Self::Completed,
            AttemptResult::Rejected(rejection) => Self::Rejected(Arc::clone(&rejection.reason)),
            AttemptResult::Failed(failure) => Self::Failed(failure.clone()),
        }
    }
}

/// One attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct AttemptRecord {
    /// At which task or item.
    pub key: TaskKey,
    /// By whom.
    pub agent: AgentName,
    /// Counts from 1 in its round.
    pub attempt: u32,
    /// Counts from 1.
    pub round: u32,
    /// When it started.
    pub started: Timestamp,
    /// When it ended; none while it runs.
    pub ended: Option<Timestamp>,
    /// How it went.
    pub outcome: AttemptOutcome,
    /// What it could use; none if its start is not in the record.
    pub budgets: Option<Budgets>,
    /// What it used: zero while it runs.
    pub usage: Usage,
    /// How many findings it gave.
    pub findings: u32,
    /// What it said last about how far it had come.
    pub progress: Option<Progress>,
    /// The last lines that it wrote.
    pub log: LogTail,
}

impl AttemptRecord {
    /// Time on the clock from start to end; none while it runs.
    #[must_use]
    pub fn duration(&self) -> Option<Duration> {
        Some(self.ended?.since(self.started))
    }
}
