//! The pure core of Ringfence: workflow files, plans, policies and the state
//! machine of a run.
//!
//! Nothing here reads a clock, touches a file, spawns a task or knows of
//! WebAssembly. Whatever decides lives here; whatever acts lives elsewhere.

mod agent;
mod breaker;
mod budget;
mod event;
mod failure;
mod finding;
mod fleet;
mod fuel;
mod id;
mod json;
mod output;
mod retry;
mod runner;
mod size;
mod task;
mod time;

pub use agent::{AgentProfile, MountAccess, MountGrant};
pub use breaker::{Admission, Breaker, BreakerPolicy, BreakerState, Pass, Verdict};
pub use budget::{Amount, BudgetKind, BudgetOverrides, Budgets, Usage};
pub use event::{EVENT_SCHEMA, PlannedTask, RunEvent, RunEventKind, RunStatus, TaskStatus};
pub use failure::{Failure, FailureCode, MAX_MESSAGE_LEN, Retry, clean_text};
pub use finding::{Edit, Finding, Location, Severity};
pub use fleet::{
    Answer, Considered, Demand, Fleet, FleetAction, FleetPolicy, Refusal, RunSlot, Ticket, WhyNot,
};
pub use fuel::{Fuel, InvalidFuel};
pub use id::{
    AgentName, InputName, InvalidId, MAX_ID_LEN, MountName, Role, RunId, TaskId, TaskKey,
    WorkflowName,
};
pub use json::{InvalidJson, Json, MAX_JSON_DEPTH};
pub use output::{Artifact, ContentHash, Dependency, InvalidHash, Output};
pub use retry::{Jitter, RetryPolicy};
pub use runner::{
    Activity, ArtifactError, ArtifactStore, Attempt, AttemptObserver, AttemptReport, AttemptRunner,
    BoxFuture, GrantDecision, LogLevel, LogLine, Progress, StopReason, StopSignal,
};
pub use size::{ByteSize, InvalidSize};
pub use task::{AttemptResult, Priority, Rejection, TaskRequest};
pub use time::{InvalidDuration, Timestamp, micros, parse_duration, show_duration};
