//! A workflow that has been read and checked on its own: whatever does not
//! depend on the loaded agents or on the grants holds.

use std::sync::Arc;
use std::time::Duration;

use crate::{
    AgentName, BudgetOverrides, Expression, InputName, Json, Limits, MountName, Plan, Priority,
    RetryBudget, RetryPolicy, Role, TaskId, Template, WorkflowName,
};

/// A graph of tasks.
#[derive(Clone, Debug, PartialEq)]
pub struct Workflow {
    /// Its name.
    pub name: WorkflowName,
    /// One sentence on what it does.
    pub description: Option<String>,
    /// What it takes, in the order of the file.
    pub inputs: Vec<InputSpec>,
    /// How many attempts of a run may be under way at once. Default
    /// [`DEFAULT_CONCURRENCY`].
    pub concurrency: u32,
    /// How long a run may take. Default: as long as it wants.
    pub deadline: Option<Duration>,
    /// How urgent its tasks are where they don't say. Default `normal`.
    pub priority: Priority,
    /// How many attempts of each role and agent may be under way at once, and
    /// how often one may start. Those of workflows that run as tasks count.
    pub limits: Limits,
    /// How many retries all tasks may have together.
    pub retry_budget: RetryBudget,
    /// What the workflow gives, filled in when all tasks have ended. Default:
    /// a map of what the tasks gave that no other needs.
    pub output: Option<Template>,
    /// The tasks, in the order of the file; those of `finally` come last.
    pub tasks: Vec<Task>,
}

impl Workflow {
    /// A workflow of these tasks, everything else as when a file does not say.
    #[must_use]
    pub fn new(name: WorkflowName, tasks: Vec<Task>) -> Self {
        Self {
            name,
            description: None,
            inputs: Vec::new(),
            concurrency: DEFAULT_CONCURRENCY,
            deadline: None,
            priority: Priority::default(),
            limits: Limits::default(),
            retry_budget: RetryBudget::default(),
            output: None,
            tasks,
        }
    }
}

/// The default of [`Workflow::concurrency`].
pub const DEFAULT_CONCURRENCY: u32 = 16;

/// The type of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InputType {
    /// Text.
    String,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// A list of anything.
    Array,
    /// A map of anything.
    Object,
}

/// What a workflow takes under one name.
#[derive(Clone, Debug, PartialEq)]
pub struct InputSpec {
    /// The name.
    pub name: InputName,
    /// The type of the value.
    pub kind: InputType,
    /// One sentence on what it is for.
    pub description: Option<String>,
    /// The values that are allowed; empty: all.
    pub allowed: Vec<serde_json::Value>,
    /// The value when the user gives none; without one the input is required.
    pub default: Option<serde_json::Value>,
}

/// A node of the graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// Its name.
    pub id: TaskId,
    /// Who does it.
    pub body: TaskBody,
    /// The tasks that have to end first, in the order of the file.
    pub needs: Vec<TaskId>,
    /// Makes one instance for each item of a list.
    pub for_each: Option<ForEach>,
    /// The task is skipped where this is false.
    pub when: Option<Expression>,
    /// The input. Default `{}`; a `for_each` task without one gets its item.
    pub input: Option<Template>,
    /// The mounts that the agent gets, if it is granted them.
    pub mounts: Vec<MountName>,
    /// How urgent it is.
    pub priority: Priority,
    /// When a failed attempt is followed by another one.
    pub retry: RetryPolicy,
    /// What an attempt may use, where it differs from the default.
    pub budgets: BudgetOverrides,
    /// How long it may wait for an agent, each time it waits. Default: as long
    /// as it takes.
    pub start_timeout: Option<Duration>,
    /// How long all attempts of a round may take together, with the waits
    /// before and between them. Default: as long as they take.
    pub total_timeout: Option<Duration>,
    /// Whether an earlier result for the same agent, input and files is taken.
    pub cache: bool,
    /// The agents that are tried in turn when the chosen one fails.
    pub fallback: Vec<AgentName>,
    /// What a rejection does. Without it the task's status is `rejected`:
    /// a vote among its dependents counts it, anything else fails the run.
    pub on_reject: Option<OnReject>,
    /// What a failure does.
    pub on_failure: OnFailure,
    /// Whether it runs after all others, whatever became of them.
    pub finally: bool,
}

impl Task {
    /// A task that says nothing but its name and who does it.
    #[must_use]
    pub fn new(id: TaskId, body: TaskBody) -> Self {
        Self {
            id,
            body,
            needs: Vec::new(),
            for_each: None,
            when: None,
            input: None,
            mounts: Vec::new(),
            priority: Priority::default(),
            retry: RetryPolicy::default(),
            budgets: BudgetOverrides::default(),
            start_timeout: None,
            total_timeout: None,
            cache: false,
            fallback: Vec::new(),
            on_reject: None,
            on_failure: OnFailure::default(),
            finally: false,
        }
    }
}

/// Who does a task.
#[derive(Clone, Debug, PartialEq)]
pub enum TaskBody {
    /// An agent.
    Agent {
        /// The role it plays.
        role: Role,
        /// The one agent that may do it; without one, any that has the role.
        agent: Option<AgentName>,
    },
    /// Nobody: the approvals of the tasks that it needs are counted.
    Vote(Require),
    /// A person, who says yes or no.
    Approval(Approval),
    /// A run of another workflow.
    Workflow(SubWorkflow),
}

/// What a person is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Approval {
    /// The question. Default: one that names the task.
    pub message: Option<Template>,
    /// How long to wait for an answer. Default: as long as it takes.
    pub timeout: Option<Duration>,
    /// What happens when nobody answered in time.
    pub on_timeout: OnTimeout,
}

/// What happens when nobody answered in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OnTimeout {
    /// The task fails with `timed-out`.
    #[default]
    Fail,
    /// As if a person had approved.
    Approve,
    /// As if a person had rejected.
    Reject,
}

impl OnTimeout {
    /// All choices.
    pub const ALL: [Self; 3] = [Self::Fail, Self::Approve, Self::Reject];

    /// The word for it in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Approve => "approve",
            Self::Reject => "reject",
        }
    }
}

/// Another workflow that runs as a task.
#[derive(Clone, Debug, PartialEq)]
pub struct SubWorkflow {
    /// The file, as the task names it.
    pub path: Arc<str>,
    /// The graph of its tasks.
    pub plan: Arc<Plan>,
}

/// How deep workflows may lie in one another: a workflow that names no other
/// has depth 1.
pub const MAX_WORKFLOW_DEPTH: usize = 8;

/// How many of the tasks that a vote needs have to approve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Require {
    /// Each of them.
    All,
    /// One of them.
    Any,
    /// So many of them.
    AtLeast(u32),
}

/// One instance for each item of a list that is known when the task is ready.
#[derive(Clone, Debug, PartialEq)]
pub struct ForEach {
    /// Gives the list.
    pub items: Expression,
    /// How many items may be under way at once. Default: as many as the run
    /// allows.
    pub concurrency: Option<u32>,
    /// What an item that failed does to the others and to the task.
    pub on_item_failure: OnItemFailure,
}

/// What an item that failed for good does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OnItemFailure {
    /// The others are stopped, and the task fails. The default where the
    /// task's `on_failure` is `fail`.
    #[default]
    FailFast,
    /// The others go on; then the task fails. The default where `on_failure`
    /// lets the run go on.
    FailAtEnd,
    /// The others go on; the task completes, with `null` in its place.
    Null,
    /// The others go on; the task completes, and the list is shorter.
    Drop,
}

impl OnItemFailure {
    /// All choices.
    pub const ALL: [Self; 4] = [Self::FailFast, Self::FailAtEnd, Self::Null, Self::Drop];

    /// The word for it in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FailFast => "fail_fast",
            Self::FailAtEnd => "fail_at_end",
            Self::Null => "null_item",
            Self::Drop => "drop_item",
        }
    }
}

/// What a rejection does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnReject {
    /// The ancestor from which the work is done again.
    pub redo_from: TaskId,
    /// The number of rounds in all, the first included. Default
    /// [`DEFAULT_MAX_ROUNDS`].
    pub max_rounds: u32,
}

/// The default of [`OnReject::max_rounds`].
pub const DEFAULT_MAX_ROUNDS: u32 = 3;

/// What the failure of a task does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OnFailure {
    /// The run fails; whatever is under way is stopped.
    #[default]
    Fail,
    /// The run goes on; dependents see the status `failed` and the value
    /// `null`.
    Continue,
    /// The run goes on; dependents are skipped, and theirs.
    SkipDependents,
}

impl OnFailure {
    /// All choices.
    pub const ALL: [Self; 3] = [Self::Fail, Self::Continue, Self::SkipDependents];

    /// The word for it in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Continue => "continue",
            Self::SkipDependents => "skip_dependents",
        }
    }
}

/// The input of a task that says nothing of it.
#[must_use]
pub fn empty_input() -> Json {
    Json::from(serde_json::Value::Object(serde_json::Map::new()))
}
