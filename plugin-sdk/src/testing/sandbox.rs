//! The agent of a project in the real sandbox, through the `ringfence` command.

mod command;
mod report;
mod request;

use serde_json::Value;

pub use report::{SandboxFailure, SandboxUsage};

use super::{LogLine, Progress, StoredArtifact, TestHost};
use crate::{Outcome, Rejection};

/// What came of an agent's work in the real sandbox.
///
/// ```no_run
/// use ringfence_sdk::{serde_json::json, testing::TestHost};
///
/// let run = TestHost::new().input(json!({ "name": "Ada" })).execute_in_sandbox();
/// assert_eq!(run.completed()["text"], "Hello, Ada!");
/// assert!(run.usage.fuel < 1_000_000);
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct SandboxRun {
    /// The outcome or the failure.
    pub outcome: Result<Outcome<Value>, SandboxFailure>,
    /// The log lines that were written.
    pub logs: Vec<LogLine>,
    /// The progress that was reported.
    pub progress: Vec<Progress>,
    /// The artifacts in the store: those that the test put there, and those of the
    /// output.
    pub artifacts: Vec<StoredArtifact>,
    /// What the attempt used.
    pub usage: SandboxUsage,
}

impl TestHost {
    /// Builds the project that is tested, once in each test program, and lets its
    /// component do the task in the sandbox of the installed `ringfence` command:
    /// the one that the environment variable `RINGFENCE` names, or that the search
    /// path has. Budgets and grants hold there; mounts may be written to, as they
    /// may natively.
    ///
    /// # Panics
    /// If there is no such command, if the project does not build, if the task
    /// cannot be given to it, or if the test scripts answers of a model, which
    /// hosts do not have.
    ///
    /// ```no_run
    /// # use ringfence_sdk::{serde_json::json, testing::TestHost};
    /// let run = TestHost::new().input(json!({ "nam": "Ada" })).execute_in_sandbox();
    /// assert_eq!(run.failed().code, "invalid-input");
    /// ```
    #[must_use]
    #[track_caller]
    pub fn execute_in_sandbox(self) -> SandboxRun {
        let task = match request::of(&self.task, &self.recorder) {
            Ok(task) => task,
            Err(why) => panic!("the task cannot be given to the sandbox: {why}"),
        };
        let run = command::built()
            .and_then(|ringfence| ringfence.attempt(&task))
            .and_then(|text| report::read(&text, self.recorder.artifacts()));
        match run {
            Ok(run) => run,
            Err(why) => panic!("{why}"),
        }
    }
}

impl SandboxRun {
    /// The value of a completed task.
    ///
    /// # Panics
    /// If the task did not complete; the message says what happened instead.
    ///
    /// ```no_run
    /// # let run = ringfence_sdk::testing::TestHost::new().execute_in_sandbox();
    /// assert_eq!(run.completed(), &ringfence_sdk::serde_json::json!(1));
    /// ```
    #[track_caller]
    #[must_use]
    pub fn completed(&self) -> &Value {
        match &self.outcome {
            Ok(Outcome::Completed { value, .. }) => value,
            Ok(Outcome::Rejected(rejection)) => panic!("rejected: {}", rejection.reason),
            Err(failure) => panic!("failed: {failure}"),
        }
    }

    /// The rejection of a gate.
    ///
    /// # Panics
    /// If the task did not end in a rejection.
    ///
    /// ```no_run
    /// # let run = ringfence_sdk::testing::TestHost::new().execute_in_sandbox();
    /// assert_eq!(run.rejected().reason, "no");
    /// ```
    #[track_caller]
    #[must_use]
    pub fn rejected(&self) -> &Rejection {
        match &self.outcome {
            Ok(Outcome::Rejected(rejection)) => rejection,
            Ok(Outcome::Completed { value, .. }) => panic!("completed: {value}"),
            Err(failure) => panic!("failed: {failure}"),
        }
    }

    /// The failure.
    ///
    /// # Panics
    /// If the task did not fail.
    ///
    /// ```no_run
    /// # let run = ringfence_sdk::testing::TestHost::new().execute_in_sandbox();
    /// assert_eq!(run.failed().code, "out-of-fuel");
    /// ```
    #[track_caller]
    #[must_use]
    pub fn failed(&self) -> &SandboxFailure {
        match &self.outcome {
            Err(failure) => failure,
            Ok(Outcome::Completed { value, .. }) => panic!("completed: {value}"),
            Ok(Outcome::Rejected(rejection)) => panic!("rejected: {}", rejection.reason),
        }
    }
}
