//! The seam between the engine and whatever runs attempts.
//!
//! The sandbox implements [`AttemptRunner`]; tests fake it. Neither the engine
//! nor the sandbox knows the other.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    AgentName, AgentProfile, AttemptResult, Budgets, ByteSize, ContentHash, Failure, MountName,
    Recalled, TaskRequest, Usage,
};

/// A future that is sent between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Why an attempt is stopped from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StopReason {
    /// The user or a failure elsewhere stopped the run.
    Cancelled,
    /// The run's deadline passed.
    Deadline,
}

/// Resolves when the attempt has to stop; never, if it need not.
pub type StopSignal = BoxFuture<'static, StopReason>;

/// What an agent says it is doing. A thinking or working agent is a whole
/// attempt of load, a waiting one half.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Activity {
    /// Deciding what to do.
    Thinking,
    /// Doing it.
    #[default]
    Working,
    /// Waiting for somebody else.
    Waiting,
}

/// A note on how far an attempt has come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// What the agent is doing.
    pub activity: Activity,
    /// How much is done, from 0 to 1.
    pub fraction: Option<f32>,
    /// What the agent says of it: bounded and clean.
    pub note: Arc<str>,
}

/// How important a log line is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum LogLevel {
    /// For whoever follows each step.
    Trace,
    /// For whoever looks for a defect.
    Debug,
    /// Worth knowing.
    Info,
    /// Something is odd.
    Warn,
    /// Something went wrong.
    Error,
}

impl LogLevel {
    /// The word for it in files and on the screen.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// A line that an agent wrote: bounded and clean.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogLine {
    /// How important it is.
    pub level: LogLevel,
    /// The text, without line breaks.
    pub message: Arc<str>,
    /// Names and values that belong to it.
    #[serde(default)]
    pub fields: Arc<[(Arc<str>, Arc<str>)]>,
}

/// One decision on what an agent asked to touch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct GrantDecision {
    /// What was asked for, for example `mount src` or `http GET https://a.example/`.
    pub effect: Arc<str>,
    /// Whether it was allowed.
    pub allowed: bool,
    /// The rule that decided, as the operator would write or find it.
    pub rule: Arc<str>,
}

/// Watches one attempt. Called from the attempt's own thread: be quick, and
/// do not block.
pub trait AttemptObserver: Send + Sync {
    /// The agent reports progress.
    fn progress(&self, progress: Progress);
    /// The agent wrote a log line that its budget still covers.
    fn log(&self, line: LogLine);
    /// A grant allowed or denied an effect.
    fn decision(&self, decision: GrantDecision);
}

/// An attempt to be made.
pub struct Attempt {
    /// By whom.
    pub agent: AgentName,
    /// What is asked.
    pub request: TaskRequest,
    /// What it may use. The runner trusts that it is below the ceiling.
    pub budgets: Budgets,
    /// Where its artifacts go and come from.
    pub artifacts: Arc<dyn ArtifactStore>,
    /// Who watches.
    pub observer: Arc<dyn AttemptObserver>,
    /// When to give up early.
    pub stop: StopSignal,
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt")
            .field("agent", &self.agent)
            .field("request", &self.request)
            .field("budgets", &self.budgets)
            .finish_non_exhaustive()
    }
}

/// How an attempt went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptReport {
    /// How it ended.
    pub result: AttemptResult,
    /// What it used.
    pub usage: Usage,
}

/// Runs attempts.
pub trait AttemptRunner: Send + Sync + 'static {
    /// The agents that are loaded now, in the order of their names.
    fn agents(&self) -> Vec<Arc<AgentProfile>>;

    /// The most that an attempt may be given.
    fn ceiling(&self) -> Budgets;

    /// What an attempt gets when nobody says anything.
    fn default_budgets(&self) -> Budgets;

    /// Asks an agent whether it can handle a task, under a small budget of
    /// the runner's choice.
    ///
    /// Resolves to a failure where the agent fails to answer.
    fn can_handle<'a>(
        &'a self,
        agent: &'a AgentName,
        request: &'a TaskRequest,
    ) -> BoxFuture<'a, Result<bool, Failure>>;

    /// The hash of everything beside the request that the result of an attempt
    /// depends on: the agent's component and what is in the mounts. `None`
    /// where that cannot be told, or the agent may write to one of them.
    fn fingerprint<'a>(
        &'a self,
        agent: &'a AgentName,
        mounts: &'a [MountName],
    ) -> BoxFuture<'a, Option<ContentHash>>;

    /// Whether nobody outside can tell that an attempt of this agent with these mounts
    /// is made, or was, before its report is told: it changes nothing there and speaks
    /// to nobody. Such an attempt begins before its start is kept: if the process dies
    /// before that, it is as if it had never been made. What the host knows of the agent
    /// (its breaker, whether it is set aside) may count it all the same.
    ///
    /// Default: no.
    fn is_sealed(&self, agent: &AgentName, mounts: &[MountName]) -> bool {
        let _ = (agent, mounts);
        false
    }

    /// Makes an attempt in a sandbox of its own. Dropping the future stops
    /// the attempt and throws its sandbox away.
    ///
    /// The engine may poll it in its own task first, and in another one from then on:
    /// no poll may block.
    fn execute(&self, attempt: Attempt) -> BoxFuture<'_, AttemptReport>;
}

/// Why the artifact store did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// There is no artifact with this content.
    #[error("no artifact has the content {0}")]
    NotFound(ContentHash),
    /// The store failed.
    #[error("the artifact store failed: {0}")]
    Store(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The artifacts of a run, named by their content.
pub trait ArtifactStore: Send + Sync {
    /// Keeps `content` and gives its hash. Putting a content again is free.
    fn put(&self, content: Arc<[u8]>) -> BoxFuture<'_, Result<ContentHash, ArtifactError>>;

    /// The size of the content with this hash, if this run holds it. Costs next to
    /// nothing, so that nobody reads what there is no room for.
    fn size(&self, hash: ContentHash) -> BoxFuture<'_, Result<ByteSize, ArtifactError>>;

    /// The content with this hash, if this run holds it.
    fn get(&self, hash: ContentHash) -> BoxFuture<'_, Result<Arc<[u8]>, ArtifactError>>;
}

/// The results of earlier attempts, named by what they depend on.
///
/// A store is a help and never a need: one that fails has no result and keeps
/// none.
pub trait ResultStore: Send + Sync {
    /// The result with this name. Its artifacts are put into `artifacts`.
    fn get<'a>(
        &'a self,
        key: ContentHash,
        artifacts: &'a dyn ArtifactStore,
    ) -> BoxFuture<'a, Option<Recalled>>;

    /// Keeps a result, with its artifacts from `artifacts`.
    fn put<'a>(
        &'a self,
        key: ContentHash,
        result: Recalled,
        artifacts: &'a dyn ArtifactStore,
    ) -> BoxFuture<'a, ()>;
}
