//! What an agent is asked to do, and what it answers.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Dependency, Failure, Finding, Json, MAX_MESSAGE_LEN, MountName, Output, Role, RunId, TaskKey,
    Verdict, clean_text, micros,
};

/// How urgent a task is. Below `emergency` a waiting task gains on more urgent
/// ones with time, so that nothing starves.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Priority {
    /// Can wait.
    Low,
    /// The default.
    #[default]
    Normal,
    /// Before normal work.
    High,
    /// Before everything but emergencies.
    Critical,
    /// Overtakes everything; defaults to no retries.
    Emergency,
}

impl Priority {
    /// All priorities, the least urgent first.
    pub const ALL: [Self; 5] = [
        Self::Low,
        Self::Normal,
        Self::High,
        Self::Critical,
        Self::Emergency,
    ];

    /// The word for it in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
            Self::Critical => "critical",
            Self::Emergency => "emergency",
        }
    }

    /// How much earlier than `low` work it counts as submitted.
    ///
    /// Because waiting counts and priority is only a head start, `low` work
    /// that has waited two minutes longer goes before `critical` work: nothing
    /// below `emergency`, which goes first in any case, starves.
    #[must_use]
    pub const fn head_start(self) -> Duration {
        Duration::from_secs(match self {
            Self::Low => 0,
            Self::Normal => 15,
            Self::High => 45,
            Self::Critical | Self::Emergency => 120,
        })
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One attempt at a task, as the agent sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TaskRequest {
    /// The run it belongs to.
    pub run: RunId,
    /// Which task, and which item of a `for_each` task.
    pub key: TaskKey,
    /// The role that the agent is to play.
    pub role: Role,
    /// How urgent it is.
    pub priority: Priority,
    /// Counts from 1, over the tries of one round.
    pub attempt: u32,
    /// Counts from 1, over the passes of a feedback loop.
    pub round: u32,
    /// The task's input, expressions filled in.
    pub input: Json,
    /// What the tasks that it needs gave, in the order of `needs`.
    pub needs: Arc<[Dependency]>,
    /// What the gate that rejected the round before had to say.
    pub feedback: Arc<[Finding]>,
    /// The mounts that the task asks for; the agent sees each as `/NAME`.
    pub mounts: Arc<[MountName]>,
    /// Time until the host stops this attempt.
    #[serde(with = "micros", rename = "time-left-us")]
    pub time_left: Duration,
}

impl TaskRequest {
    /// The first attempt at a task of normal priority that needs nothing, asks for
    /// no mounts and was never sent back.
    #[must_use]
    pub fn first(run: RunId, key: TaskKey, role: Role, input: Json, time_left: Duration) -> Self {
        Self {
            run,
            key,
            role,
            priority: Priority::Normal,
            attempt: 1,
            round: 1,
            input,
            needs: Arc::default(),
            feedback: Arc::default(),
            mounts: Arc::default(),
            time_left,
        }
    }
}

/// What a gate has to say when it sends work back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rejection {
    /// One sentence for a person.
    pub reason: Arc<str>,
    /// What is to be mended.
    pub findings: Arc<[Finding]>,
}

/// What a person said to a task that asks for approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// Yes or no.
    pub approved: bool,
    /// What they had to say of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Arc<str>>,
    /// Who it was; none if nobody answered in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Arc<str>>,
}

impl Decision {
    /// A decision of the person `by`, with texts [cleaned](clean_text) and cut
    /// to [`MAX_MESSAGE_LEN`].
    #[must_use]
    pub fn of(by: &str, approved: bool, note: Option<&str>) -> Self {
        let clean = |text: &str| Arc::from(clean_text(text, MAX_MESSAGE_LEN));
        Self {
            approved,
            note: note.filter(|note| !note.trim().is_empty()).map(clean),
            by: Some(clean(by)),
        }
    }
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AttemptResult {
    /// With an output.
    Completed(Output),
    /// With a rejection, which is no failure.
    Rejected(Rejection),
    /// With a failure.
    Failed(Failure),
}

impl AttemptResult {
    /// What the result says of the agent, for its circuit breaker.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Completed(_) | Self::Rejected(_) => Verdict::Success,
            Self::Failed(failure) if failure.code.counts_for_breaker() => Verdict::Failure,
            Self::Failed(_) => Verdict::Neither,
        }
    }
}
