//! The pure core of Ringfence: workflow files, plans, policies and the state
//! machine of a run.
//!
//! Nothing here reads a clock, touches a file, spawns a task or knows of
//! WebAssembly. Whatever decides lives here; whatever acts lives elsewhere.

mod agent;
mod breaker;
mod budget;
pub mod build;
mod diagnostic;
pub mod document;
mod event;
mod event_schema;
mod expr;
mod failure;
mod finding;
mod fleet;
mod fuel;
pub mod graph;
mod id;
mod journal;
mod json;
mod limit;
mod output;
mod plan;
mod record;
mod retry;
mod run;
mod runner;
mod size;
mod suggest;
mod task;
mod task_path;
mod time;
mod utc;
mod workflow;
mod yaml;

pub use agent::{AgentProfile, MountAccess, MountGrant};
pub use breaker::{Admission, Breaker, BreakerPolicy, BreakerState, Pass, Verdict};
pub use budget::{Amount, BudgetKind, BudgetOverrides, Budgets, Usage};
pub use diagnostic::{Diagnostic, Related, TextSpan, render as render_diagnostics};
pub use event::{
    EVENT_SCHEMA, PlannedTask, RunEvent, RunEventKind, RunStatus, TaskKind, TaskStatus,
};
pub use event_schema::event_schema;
pub use expr::{
    EXPRESSION_FUEL, ExprError, ExprSyntax, Expression, MAX_EXPRESSION_LEN, MAX_ITEMS,
    MAX_RENDERED, ROOTS, Root, Scope, TaskResults, Template, TemplateSyntax, item_json,
};
pub use failure::{Failure, FailureCode, MAX_MESSAGE_LEN, Retry, clean_text};
pub use finding::{Edit, Finding, Location, Severity};
pub use fleet::{
    AgentChange, AgentConduct, AgentLoad, Answer, ConductBook, ConductPolicy, Considered, Demand,
    Fleet, FleetAction, FleetPolicy, MAX_EMERGENCIES_IN_A_ROW, Refusal, RunLimits, RunSlot, Ticket,
    WhyNot,
};
pub use fuel::{Fuel, InvalidFuel};
pub use id::{
    AgentName, InputName, InvalidId, MAX_ID_LEN, MountName, Role, RunId, TaskId, TaskKey,
    WorkflowName,
};
pub use journal::{
    Happening, JournalEntry, JournalListener, Replay, ReplayError, RunJournal, RunPath,
};
pub use json::{InvalidJson, Json, MAX_JSON_DEPTH};
pub use limit::{InvalidRate, Limit, Limits, MAX_RATE, Rate};
pub use output::{Artifact, ContentHash, Dependency, InvalidHash, Output};
pub use plan::{
    Ancestors, MAX_LOOPS, MAX_TASKS, Plan, PlanError, PlannedNode, RedoLoop, TaskIndex,
};
pub use record::{
    ApprovalRecord, ArtifactRecord, AttemptOutcome, AttemptRecord, BreakerRecord, CriticalStep,
    DecisionRecord, Durations, FailureRecord, FallbackRecord, FindingRecord, InstanceRecord,
    ItemCounts, LogTail, MAX_DECISIONS, MAX_LOG_BYTES_PER_RUN, MAX_LOG_LINES_PER_ATTEMPT,
    RecallRecord, ResumeRecord, RetryRecord, RoundRecord, RunRecord, RunSummary, SeverityCounts,
    TaskRecord, TaskState, UsageTotals, WorkflowMeter, WorkflowMetrics,
};
pub use retry::{
    Backoff, CodeRetry, Jitter, MAX_RETRY_AFTER, RetryBudget, RetryCount, RetryPolicy,
};
pub use run::{
    ChildRun, Effect, InstanceRef, MAX_MERGED_OUTPUT, Recalled, RetryError, Run, RunInput,
    RunOptions,
};
pub use runner::{
    Activity, ArtifactError, ArtifactStore, Attempt, AttemptObserver, AttemptReport, AttemptRunner,
    BoxFuture, GrantDecision, LogLevel, LogLine, Progress, ResultStore, StopReason, StopSignal,
};
pub use size::{ByteSize, InvalidSize};
pub use suggest::nearest;
pub use task::{AttemptResult, Decision, Priority, Rejection, TaskRequest};
pub use task_path::{InvalidTaskPath, TaskPath};
pub use time::{InvalidDuration, Timestamp, micros, parse_duration, show_duration};
pub use utc::{rfc3339, show_time};
pub use workflow::{
    Approval, BundledFile, DEFAULT_CONCURRENCY, DEFAULT_MAX_ROUNDS, ForEach, HostFacts, InputError,
    InputSpec, InputType, InputValue, MAX_WORKFLOW_DEPTH, MAX_WORKFLOW_FILES, NoFiles, OnFailure,
    OnItemFailure, OnReject, OnTimeout, Require, SourceFile, SubWorkflow, Task, TaskBody, Workflow,
    WorkflowBundle, WorkflowFile, WorkflowSource, empty_input, workflow_schema,
};
pub use yaml::MAX_FILE_SIZE;
