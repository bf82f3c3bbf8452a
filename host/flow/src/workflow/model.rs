//! A workflow that has been read and checked on its own: whatever does not
//! depend on the loaded agents or on the grants holds.

use std::time::Duration;

use crate::{
    AgentName, BudgetOverrides, Expression, InputName, Json, MountName, Priority, RetryPolicy,
    Role, TaskId, Template, WorkflowName,
};

/// A graph of tasks.
#[derive(Clone, Debug)]
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
    /// The tasks, in the order of the file.
    pub tasks: Vec<Task>,
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
#[derive(Clone, Debug)]
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
    /// The agents that are tried in turn when the chosen one fails.
    pub fallback: Vec<AgentName>,
    /// What a rejection does. Without it the task's status is `rejected`:
    /// a vote among its dependents counts it, anything else fails the run.
    pub on_reject: Option<OnReject>,
    /// What a failure does.
    pub on_failure: OnFailure,
}

/// Who does a task.
#[derive(Clone, Debug, PartialEq, Eq)]
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
}

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
#[derive(Clone, Debug)]
pub struct ForEach {
    /// Gives the list.
    pub items: Expression,
    /// How many items may be under way at once. Default: as many as the run
    /// allows.
    pub concurrency: Option<u32>,
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

/// The input of a task that says nothing of it.
#[must_use]
pub fn empty_input() -> Json {
    Json::from(serde_json::Value::Object(serde_json::Map::new()))
}
