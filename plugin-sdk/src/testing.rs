//! A host for unit tests: runs agents natively and records what they do.
//!
//! What goes in and what comes out takes the same way through JSON and the
//! contract's types as in the sandbox. Budgets and grants don't apply here;
//! [`TestHost::execute_in_sandbox`] is for that.
//!
//! ```
//! use ringfence_sdk::{prelude::*, testing::TestHost};
//! # struct LineCount;
//! # impl Agent for LineCount {
//! #     type Input = String;
//! #     type Output = usize;
//! #     fn describe() -> Description { Description::new("line-count", "1.0.0", "").role("counter") }
//! #     fn execute(file: String, cx: &Context) -> Result<Outcome<usize>, Failure> {
//! #         cx.log().info("counting");
//! #         let text = std::fs::read_to_string(cx.mount("src").join(file))?;
//! #         Ok(Outcome::completed(text.lines().count()))
//! #     }
//! # }
//! # let folder = tempfile::tempdir().unwrap();
//! # std::fs::write(folder.path().join("a.rs"), "one\ntwo\n").unwrap();
//!
//! let run = TestHost::new()
//!     .mount("src", folder.path())
//!     .input(serde_json::json!("a.rs"))
//!     .execute::<LineCount>();
//! assert_eq!(run.outcome, Ok(Outcome::completed(2)));
//! assert_eq!(run.logs[0].message, "counting");
//! ```

mod recorder;
mod run;
mod sandbox;

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

pub use recorder::{LogLine, Progress, StoredArtifact};
pub use run::TestRun;
pub use sandbox::{SandboxFailure, SandboxRun, SandboxUsage};

pub(crate) use recorder::Recorder;

use crate::{
    Agent, Artifact, Context, Dependency, Finding, ModelError, ModelResponse, Output, Priority,
    Task, conv, guest,
};

/// The role of a test's task unless it says another.
const DEFAULT_ROLE: &str = "test";

/// A host that runs one agent on one task. Everything about the task has a
/// default: attempt 1 of round 1, no input (`null`), nothing needed, 30 s.
///
/// ```
/// use ringfence_sdk::testing::TestHost;
/// let host = TestHost::new().role("tester").round(2);
/// assert_eq!(host.task().round, 2);
/// ```
#[derive(Debug)]
pub struct TestHost {
    task: Task,
    recorder: Recorder,
}

impl Default for TestHost {
    fn default() -> Self {
        Self::new()
    }
}

impl TestHost {
    /// A host without mounts, artifacts or a model.
    ///
    /// ```
    /// let host = ringfence_sdk::testing::TestHost::new();
    /// assert_eq!(host.task().input_json(), "null");
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self {
            task: Task {
                run: "test-run".to_owned(),
                id: "test".to_owned(),
                role: DEFAULT_ROLE.to_owned(),
                priority: Priority::Normal,
                attempt: 1,
                round: 1,
                needs: Vec::new(),
                feedback: Vec::new(),
                time_left: Duration::from_secs(30),
                input: "null".to_owned(),
            },
            recorder: Recorder::default(),
        }
    }

    /// The task's input.
    ///
    /// ```
    /// # use ringfence_sdk::testing::TestHost;
    /// let host = TestHost::new().input(serde_json::json!({ "depth": 3 }));
    /// assert_eq!(host.task().input_json(), r#"{"depth":3}"#);
    /// ```
    #[must_use]
    #[allow(
        clippy::needless_pass_by_value,
        reason = "tests write the value in place, and a `&` in front of each says nothing"
    )]
    pub fn input(mut self, input: Value) -> Self {
        self.task.input = input.to_string();
        self
    }

    /// A task that this one needs, what it gave and what it found.
    ///
    /// ```
    /// # use ringfence_sdk::{Finding, Severity, testing::TestHost};
    /// let found = Finding::new("unwrap", Severity::Low, "`unwrap` may panic");
    /// let host = TestHost::new().need("quality", serde_json::json!(null), [found]);
    /// assert_eq!(host.task().needs[0].findings.len(), 1);
    /// ```
    #[must_use]
    pub fn need(
        self,
        task: impl Into<String>,
        value: Value,
        findings: impl IntoIterator<Item = Finding>,
    ) -> Self {
        self.need_output(
            task,
            Output {
                value,
                findings: findings.into_iter().collect(),
                artifacts: Vec::new(),
            },
        )
    }

    /// A task that this one needs, with its whole output.
    ///
    /// ```
    /// # use ringfence_sdk::{Output, testing::TestHost};
    /// let host = TestHost::new();
    /// let patch = host.put_artifact("fixes.patch", "text/x-diff", b"");
    /// let host = host.need_output("fix", Output { artifacts: vec![patch], ..Output::default() });
    /// assert_eq!(host.task().needs[0].artifacts.len(), 1);
    /// ```
    #[must_use]
    pub fn need_output(mut self, task: impl Into<String>, output: Output) -> Self {
        self.task.needs.push(Dependency::new(task, output));
        self
    }

    /// What the gate that rejected the round before had to say.
    ///
    /// ```
    /// # use ringfence_sdk::{Finding, Severity, testing::TestHost};
    /// let host = TestHost::new().feedback([Finding::new("secret", Severity::High, "a key")]);
    /// assert_eq!(host.task().feedback.len(), 1);
    /// ```
    #[must_use]
    pub fn feedback(mut self, findings: impl IntoIterator<Item = Finding>) -> Self {
        self.task.feedback.extend(findings);
        self
    }

    /// A folder that the agent sees as the mount `name`.
    ///
    /// ```
    /// # use ringfence_sdk::testing::TestHost;
    /// let host = TestHost::new().mount("src", env!("CARGO_MANIFEST_DIR"));
    /// assert!(host.context().mount("src").join("Cargo.toml").is_file());
    /// ```
    #[must_use]
    pub fn mount(self, name: impl Into<String>, folder: impl AsRef<Path>) -> Self {
        self.recorder.add_mount(name.into(), folder.as_ref());
        self
    }

    /// The role that the agent is to play.
    ///
    /// ```
    /// # use ringfence_sdk::testing::TestHost;
    /// assert_eq!(TestHost::new().role("tester").task().role, "tester");
    /// ```
    #[must_use]
    pub fn role(mut self, role: impl Into<String>) -> Self {
        self.task.role = role.into();
        self
    }

    /// The task's name; an item of a `for_each` task has one like `review[3]`.
    ///
    /// ```
    /// # use ringfence_sdk::testing::TestHost;
    /// assert_eq!(TestHost::new().id("review[3]").task().id, "review[3]");
    /// ```
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.task.id = id.into();
        self
    }

    /// How urgent the task is.
    ///
    /// ```
    /// # use ringfence_sdk::{Priority, testing::TestHost};
    /// assert_eq!(TestHost::new().priority(Priority::High).task().priority, Priority::High);
    /// ```
    #[must_use]
    pub const fn priority(mut self, priority: Priority) -> Self {
        self.task.priority = priority;
        self
    }

    /// Which attempt of this round it is, counted from 1.
    ///
    /// ```
    /// # use ringfence_sdk::testing::TestHost;
    /// assert_eq!(TestHost::new().attempt(3).task().attempt, 3);
    /// ```
    #[must_use]
    pub const fn attempt(mut self, attempt: u32) -> Self {
        self.task.attempt = attempt;
        self
    }

    /// Which round it is, counted from 1.
    ///
    /// ```
    /// # use ringfence_sdk::testing::TestHost;
    /// assert_eq!(TestHost::new().round(2).task().round, 2);
    /// ```
    #[must_use]
    pub const fn round(mut self, round: u32) -> Self {
        self.task.round = round;
        self
    }

    /// Time until the host would stop the attempt.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use ringfence_sdk::testing::TestHost;
    /// let host = TestHost::new().time_left(Duration::from_secs(1));
    /// assert_eq!(host.task().time_left.as_secs(), 1);
    /// ```
    #[must_use]
    pub const fn time_left(mut self, time: Duration) -> Self {
        self.task.time_left = time;
        self
    }

    /// What the model says next. Several answers are given in turn; when none
    /// is left, the model is denied.
    ///
    /// ```
    /// # use ringfence_sdk::{ModelRequest, ModelResponse, testing::TestHost};
    /// let cx = TestHost::new().model_says(ModelResponse::of("yes")).context();
    /// assert_eq!(cx.chat(&ModelRequest::new()).unwrap().content, "yes");
    /// assert!(cx.chat(&ModelRequest::new()).is_err());
    /// ```
    #[must_use]
    pub fn model_says(self, response: ModelResponse) -> Self {
        self.recorder.add_answer(Ok(response));
        self
    }

    /// How the model fails next.
    ///
    /// ```
    /// # use ringfence_sdk::{ModelError, ModelRequest, testing::TestHost};
    /// let busy = ModelError::Unavailable("busy".into());
    /// let cx = TestHost::new().model_fails(busy.clone()).context();
    /// assert_eq!(cx.chat(&ModelRequest::new()), Err(busy));
    /// ```
    #[must_use]
    pub fn model_fails(self, error: ModelError) -> Self {
        self.recorder.add_answer(Err(error));
        self
    }

    /// Puts an artifact into the store, as a task before this one would have.
    ///
    /// ```
    /// # use ringfence_sdk::testing::TestHost;
    /// let host = TestHost::new();
    /// let notes = host.put_artifact("notes.txt", "text/plain", b"none");
    /// assert_eq!(host.context().get_artifact(&notes).unwrap(), b"none");
    /// ```
    pub fn put_artifact(&self, name: &str, media_type: &str, content: &[u8]) -> Artifact {
        self.recorder.store(name, media_type, content)
    }

    /// The task as the agent will see it.
    ///
    /// ```
    /// # use ringfence_sdk::testing::TestHost;
    /// assert_eq!(TestHost::new().task().attempt, 1);
    /// ```
    #[must_use]
    pub fn task(&self) -> Task {
        self.task.clone()
    }

    /// A context of this task, to test a part of an agent. What is done with
    /// it shows in [`logs`](Self::logs) and the like.
    ///
    /// ```
    /// # use ringfence_sdk::testing::TestHost;
    /// let host = TestHost::new();
    /// host.context().log().info("hello");
    /// assert_eq!(host.logs().len(), 1);
    /// ```
    #[must_use]
    pub fn context(&self) -> Context {
        Context::new(self.task(), self.recorder.clone())
    }

    /// The log lines so far.
    ///
    /// ```
    /// assert!(ringfence_sdk::testing::TestHost::new().logs().is_empty());
    /// ```
    #[must_use]
    pub fn logs(&self) -> Vec<LogLine> {
        self.recorder.logs()
    }

    /// The progress reports so far.
    ///
    /// ```
    /// assert!(ringfence_sdk::testing::TestHost::new().progress().is_empty());
    /// ```
    #[must_use]
    pub fn progress(&self) -> Vec<Progress> {
        self.recorder.reports()
    }

    /// The artifacts in the store, in the order in which they were put.
    ///
    /// ```
    /// assert!(ringfence_sdk::testing::TestHost::new().artifacts().is_empty());
    /// ```
    #[must_use]
    pub fn artifacts(&self) -> Vec<StoredArtifact> {
        self.recorder.artifacts()
    }

    /// Asks the agent whether it can handle the task.
    ///
    /// ```
    /// # use ringfence_sdk::{prelude::*, testing::TestHost};
    /// # struct Rust;
    /// # impl Agent for Rust {
    /// #     type Input = String;
    /// #     type Output = ();
    /// #     fn describe() -> Description { Description::new("rust", "1.0.0", "").role("reviewer") }
    /// #     fn can_handle(task: &Task) -> bool {
    /// #         task.input::<String>().is_ok_and(|path| path.ends_with(".rs"))
    /// #     }
    /// #     fn execute(_: String, _: &Context) -> Result<Outcome<()>, Failure> {
    /// #         Ok(Outcome::completed(()))
    /// #     }
    /// # }
    /// assert!(TestHost::new().input("a.rs".into()).can_handle::<Rust>());
    /// assert!(!TestHost::new().input("a.py".into()).can_handle::<Rust>());
    /// ```
    #[must_use]
    pub fn can_handle<A: Agent>(&self) -> bool {
        guest::can_handle::<A>(conv::wire_task(self.task()))
    }

    /// Lets the agent do the task, and gives what came of it and what was
    /// recorded.
    ///
    /// ```
    /// # use ringfence_sdk::{prelude::*, testing::TestHost};
    /// # struct Double;
    /// # impl Agent for Double {
    /// #     type Input = u32;
    /// #     type Output = u32;
    /// #     fn describe() -> Description { Description::new("double", "1.0.0", "").role("x") }
    /// #     fn execute(n: u32, _: &Context) -> Result<Outcome<u32>, Failure> {
    /// #         Ok(Outcome::completed(n * 2))
    /// #     }
    /// # }
    /// let run = TestHost::new().input(21.into()).execute::<Double>();
    /// assert_eq!(run.outcome, Ok(Outcome::completed(42)));
    /// let run = TestHost::new().input("x".into()).execute::<Double>();
    /// assert!(matches!(run.outcome, Err(Failure::InvalidInput(_))));
    /// ```
    #[must_use]
    pub fn execute<A: Agent>(self) -> TestRun<A::Output> {
        let task = conv::wire_task(self.task);
        let outcome = guest::run::<A>(task, self.recorder.clone()).and_then(|outcome| {
            // The host would never see a value that has no form in JSON.
            outcome.value().map(conv::value_json).transpose()?;
            Ok(outcome)
        });
        TestRun {
            outcome,
            logs: self.recorder.logs(),
            progress: self.recorder.reports(),
            artifacts: self.recorder.artifacts(),
        }
    }
}
