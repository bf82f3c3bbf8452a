//! What happens in a run, as everybody outside sees it: the terminal, the
//! reports, the journal and whoever embeds the library.

use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    AgentChange, AgentName, AttemptResult, BreakerState, Budgets, Decision, Failure, FailureCode,
    Finding, GrantDecision, Json, LogLine, Output, Priority, Progress, Role, RunId, TaskId,
    TaskKey, Timestamp, Usage, WorkflowName, micros,
};

/// The version of the events' JSON. A reader takes this one and older ones.
pub const EVENT_SCHEMA: u32 = 1;

/// Something that happened in a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RunEvent {
    /// The version of this form: [`EVENT_SCHEMA`] of the writer.
    pub schema: u32,
    /// In which run.
    pub run: RunId,
    /// The events of a run are numbered from 1 without a gap.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// What.
    pub event: RunEventKind,
}

/// A task as it was planned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PlannedTask {
    /// Its name.
    pub task: TaskId,
    /// Who does it.
    pub kind: TaskKind,
    /// The role it asks for; none for a task that no agent does.
    pub role: Option<Role>,
    /// The tasks it needs.
    pub needs: Vec<TaskId>,
    /// Its wave, counted from 1.
    pub wave: u32,
    /// Whether it becomes one instance an item.
    pub for_each: bool,
    /// How many of its items may be under way at once; as many as the run
    /// allows, if none.
    pub item_concurrency: Option<u32>,
    /// The task to which a rejection sends the work back.
    pub redo_from: Option<TaskId>,
    /// How urgent it is.
    pub priority: Priority,
    /// Whether it runs after all others, whatever became of them.
    pub finally: bool,
}

/// Who does a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TaskKind {
    /// An agent.
    Agent,
    /// Nobody: approvals are counted.
    Vote,
    /// A person.
    Approval,
    /// A run of another workflow.
    Workflow,
}

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TaskStatus {
    /// With an output.
    Completed,
    /// It rejected, and nothing was sent back.
    Rejected,
    /// It failed.
    Failed,
    /// It never ran.
    Skipped,
    /// It was stopped.
    Cancelled,
}

impl TaskStatus {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Completed,
        Self::Rejected,
        Self::Failed,
        Self::Skipped,
        Self::Cancelled,
    ];

    /// The word for it in expressions and on the screen.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Cancelled => "cancelled",
        }
    }
}

impl std::fmt::Display for TaskStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RunStatus {
    /// Every task that had to completed.
    Completed,
    /// A gate rejected and no round was left.
    Rejected,
    /// A task failed.
    Failed,
    /// The user or the host stopped it.
    Cancelled,
}

impl RunStatus {
    /// The word for it on the screen.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl std::fmt::Display for RunStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// The kinds of [`RunEvent`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    tag = "type",
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case"
)]
pub enum RunEventKind {
    /// The run started. Always the first event.
    RunStarted {
        /// The workflow.
        workflow: WorkflowName,
        /// The workflow's inputs, defaults filled in.
        inputs: Json,
        /// The seed that every draw of the run comes from.
        seed: u64,
        /// How many attempts may be under way at once.
        concurrency: u32,
        /// The tasks in the order of their waves.
        tasks: Vec<PlannedTask>,
    },
    /// A `for_each` task became one instance an item.
    TaskExpanded {
        /// The task.
        task: TaskId,
        /// How many items there are.
        items: u32,
    },
    /// An attempt started.
    AttemptStarted {
        /// At which task or item.
        key: TaskKey,
        /// By whom.
        agent: AgentName,
        /// Counts from 1 in its round.
        attempt: u32,
        /// Counts from 1.
        round: u32,
        /// What it may use.
        budgets: Budgets,
    },
    /// An attempt reports how far it has come.
    AttemptProgress {
        /// At which task or item.
        key: TaskKey,
        /// By whom.
        agent: AgentName,
        /// How far.
        progress: Progress,
    },
    /// An attempt wrote a log line.
    AttemptLog {
        /// At which task or item.
        key: TaskKey,
        /// By whom.
        agent: AgentName,
        /// Which attempt of its round.
        attempt: u32,
        /// The line.
        line: LogLine,
    },
    /// A grant allowed or denied what an agent asked for.
    GrantDecided {
        /// At which task or item.
        key: TaskKey,
        /// To whom.
        agent: AgentName,
        /// The decision.
        decision: GrantDecision,
    },
    /// An attempt ended.
    AttemptEnded {
        /// At which task or item.
        key: TaskKey,
        /// By whom.
        agent: AgentName,
        /// Counts from 1 in its round.
        attempt: u32,
        /// Counts from 1.
        round: u32,
        /// How it ended.
        result: AttemptResult,
        /// What it used.
        usage: Usage,
    },
    /// The process that drove the run died while an attempt was under way. It
    /// is made again under the same number.
    AttemptLost {
        /// At which task or item.
        key: TaskKey,
        /// By whom.
        agent: AgentName,
        /// Counts from 1 in its round.
        attempt: u32,
        /// Counts from 1.
        round: u32,
    },
    /// Another attempt will be made.
    RetryScheduled {
        /// At which task or item.
        key: TaskKey,
        /// The number of the attempt that will be made.
        attempt: u32,
        /// How long it waits.
        #[serde(with = "micros", rename = "wait-us")]
        #[schemars(with = "u64")]
        wait: Duration,
        /// What the last one failed with.
        after: FailureCode,
    },
    /// The next fallback agent takes over.
    FallbackChosen {
        /// At which task or item.
        key: TaskKey,
        /// Who takes over.
        agent: AgentName,
        /// What the one before failed with.
        after: Failure,
    },
    /// A gate rejected: the work goes back for another round.
    RoundStarted {
        /// The gate.
        gate: TaskId,
        /// The number of the round that starts, counted from 1.
        round: u32,
        /// The tasks that run again, in the order of their waves.
        tasks: Vec<TaskId>,
        /// Why it rejected.
        reason: Arc<str>,
        /// What is to be mended.
        feedback: Arc<[Finding]>,
    },
    /// A task or one of its items ended.
    TaskEnded {
        /// The task (no item), or one of its items.
        key: TaskKey,
        /// How.
        status: TaskStatus,
        /// Counts from 1.
        round: u32,
        /// What it gave. Items of a `for_each` task and attempts carry theirs;
        /// the task as a whole says `None` then, as it would repeat them.
        output: Option<Output>,
        /// Why it failed or was cancelled.
        failure: Option<Failure>,
        /// Why it was skipped, or rejected.
        reason: Option<Arc<str>>,
    },
    /// A person is asked to approve.
    ApprovalRequested {
        /// The task.
        task: TaskId,
        /// Counts from 1.
        round: u32,
        /// The question.
        message: Arc<str>,
        /// When it is decided without them.
        until: Option<Timestamp>,
    },
    /// A person approved or rejected, or nobody did in time.
    ApprovalDecided {
        /// The task.
        task: TaskId,
        /// Counts from 1.
        round: u32,
        /// What was said.
        decision: Decision,
    },
    /// An earlier result was taken; no attempt is made.
    ResultRecalled {
        /// The task or item.
        key: TaskKey,
        /// The agent that gave it.
        agent: AgentName,
        /// Counts from 1.
        round: u32,
        /// What it gave.
        output: Output,
        /// In which run.
        from: RunId,
        /// When.
        given: Timestamp,
    },
    /// A run of another workflow started as a task of this one.
    ChildStarted {
        /// The task or item.
        key: TaskKey,
        /// Counts from 1.
        round: u32,
        /// The name of the run.
        run: RunId,
        /// Its workflow.
        workflow: WorkflowName,
    },
    /// Something happened in the run of another workflow that a task stands
    /// for.
    Child {
        /// The task or item.
        key: TaskKey,
        /// Counts from 1.
        round: u32,
        /// What happened.
        event: Box<RunEventKind>,
    },
    /// All other tasks have ended; those of `finally` run now.
    FinallyStarted {
        /// How the run will have ended.
        status: RunStatus,
        /// Why, if it did not complete.
        failure: Option<Failure>,
    },
    /// The circuit breaker of an agent moved.
    BreakerMoved {
        /// The agent.
        agent: AgentName,
        /// Where it is now.
        state: BreakerState,
    },
    /// An agent trapped or broke its budgets so many times in a row that it was
    /// set aside: no attempt of it starts until a person releases it.
    AgentSetAside {
        /// The agent.
        agent: AgentName,
        /// How many times.
        faults: u32,
        /// How the last of them ended.
        last: Option<FailureCode>,
    },
    /// An agent came, was replaced, or went while the run was live.
    AgentChanged {
        /// The agent.
        agent: AgentName,
        /// What became of it.
        change: AgentChange,
    },
    /// The run is stopping: no new attempt starts.
    RunStopping {
        /// Why.
        failure: Failure,
    },
    /// The run goes on after nobody drove it for a while, which does not count
    /// for deadlines and waits.
    RunResumed {
        /// For how long.
        #[serde(with = "micros", rename = "away-us")]
        #[schemars(with = "u64")]
        away: Duration,
    },
    /// The run had ended, and tasks of it run again.
    RunRetried {
        /// These, in the order of their waves; those of `finally` are always
        /// among them.
        tasks: Vec<TaskId>,
    },
    /// The run ended: the last event, unless it is retried.
    RunEnded {
        /// How.
        status: RunStatus,
        /// Why, if it did not complete.
        failure: Option<Failure>,
        /// Which task decided that, if one did.
        task: Option<TaskId>,
        /// What the workflow gave, if it completed.
        output: Option<Json>,
    },
}
