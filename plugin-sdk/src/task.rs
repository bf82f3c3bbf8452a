//! What an agent is asked to do.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Failure, Finding, decode};

/// How urgent a task is. Ordered from low to emergency.
///
/// ```
/// use ringfence_sdk::Priority;
/// assert!(Priority::Emergency > Priority::Normal);
/// ```
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
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
    /// Overtakes everything.
    Emergency,
}

/// One attempt at a task.
///
/// ```
/// use ringfence_sdk::testing::TestHost;
/// let task = TestHost::new().role("reviewer").attempt(2).task();
/// assert_eq!((task.role.as_str(), task.attempt, task.round), ("reviewer", 2, 1));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Task {
    /// The run it belongs to.
    pub run: String,
    /// The task's name in the workflow; an item of a `for_each` task adds its
    /// index, as in `review[3]`.
    pub id: String,
    /// The role that the agent is to play.
    pub role: String,
    /// How urgent it is.
    pub priority: Priority,
    /// Counts from 1, over the tries of one round.
    pub attempt: u32,
    /// Counts from 1, over the passes of a feedback loop.
    pub round: u32,
    /// What the tasks that it needs gave, in the order of the workflow's `needs`.
    pub needs: Vec<Dependency>,
    /// What the gate that rejected the round before had to say.
    pub feedback: Vec<Finding>,
    /// Time until the host stops this attempt.
    pub time_left: Duration,
    pub(crate) input: String,
}

impl Task {
    /// The input as JSON text, as it came.
    ///
    /// ```
    /// # use ringfence_sdk::testing::TestHost;
    /// let task = TestHost::new().input(serde_json::json!({ "name": "Ada" })).task();
    /// assert_eq!(task.input_json(), r#"{"name":"Ada"}"#);
    /// ```
    #[must_use]
    pub fn input_json(&self) -> &str {
        &self.input
    }

    /// The input as a `T`: for `can_handle`, which sees the task before it is
    /// decoded.
    ///
    /// # Errors
    /// [`Failure::InvalidInput`] that names the field that does not fit.
    ///
    /// ```
    /// # use ringfence_sdk::testing::TestHost;
    /// let task = TestHost::new().input(serde_json::json!({ "files": ["a.rs", 7] })).task();
    /// #[derive(serde::Deserialize, Debug)]
    /// struct Input { files: Vec<String> }
    /// let error = task.input::<Input>().unwrap_err();
    /// assert!(error.to_string().contains("`input.files[1]`"), "{error}");
    /// ```
    pub fn input<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        decode::from_text("input", &self.input)
    }

    /// What the task `name` gave, if this one needs it.
    ///
    /// ```
    /// # use ringfence_sdk::testing::TestHost;
    /// let task = TestHost::new().need("survey", serde_json::json!(3), []).task();
    /// assert_eq!(task.need("survey").unwrap().decode(), Ok(3));
    /// assert!(task.need("verify").is_none());
    /// ```
    #[must_use]
    pub fn need(&self, name: &str) -> Option<&Dependency> {
        self.needs.iter().find(|need| need.task == name)
    }
}

/// What a task gave that this one needs.
///
/// ```
/// # use ringfence_sdk::testing::TestHost;
/// let task = TestHost::new().need("survey", serde_json::json!({ "shards": 4 }), []).task();
/// assert_eq!(task.needs[0].task, "survey");
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Dependency {
    /// The task that it comes from.
    pub task: String,
    /// What that task found. Of a `for_each` task, the findings of all items
    /// follow each other.
    pub findings: Vec<Finding>,
    /// The artifacts that it put; of a `for_each` task those of all items.
    pub artifacts: Vec<Artifact>,
    pub(crate) value: String,
}

impl Dependency {
    /// What the task `task` gave.
    ///
    /// ```
    /// use ringfence_sdk::{Dependency, Output};
    /// let need = Dependency::new("survey", Output::of(serde_json::json!({ "lines": 12 })));
    /// assert_eq!(need.value_json(), r#"{"lines":12}"#);
    /// ```
    #[must_use]
    pub fn new(task: impl Into<String>, output: Output) -> Self {
        Self {
            task: task.into(),
            findings: output.findings,
            artifacts: output.artifacts,
            value: output.value.to_string(),
        }
    }

    /// The value as JSON text, as it came. Of a `for_each` task it is an array
    /// with one value an item; of a task that was skipped it is `null`.
    ///
    /// ```
    /// # use ringfence_sdk::testing::TestHost;
    /// let task = TestHost::new().need("survey", serde_json::json!([1, 2]), []).task();
    /// assert_eq!(task.needs[0].value_json(), "[1,2]");
    /// ```
    #[must_use]
    pub fn value_json(&self) -> &str {
        &self.value
    }

    /// The value as a `T`, or as a [`serde_json::Value`] where its form is not
    /// known. It is read now: an agent pays for no value that it does not look
    /// at.
    ///
    /// # Errors
    /// [`Failure::InvalidInput`] that names the task and the field that does
    /// not fit.
    ///
    /// ```
    /// # use ringfence_sdk::testing::TestHost;
    /// let task = TestHost::new().need("survey", serde_json::json!([1, 2]), []).task();
    /// let sizes: Vec<u32> = task.needs[0].decode()?;
    /// assert_eq!(sizes, [1, 2]);
    /// let error = task.needs[0].decode::<Vec<bool>>().unwrap_err();
    /// assert!(error.to_string().contains("`needs.survey[0]`"), "{error}");
    /// # Ok::<(), ringfence_sdk::Failure>(())
    /// ```
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        decode::from_text(&format!("needs.{}", self.task), &self.value)
    }
}

/// What a task gave.
///
/// ```
/// use ringfence_sdk::Output;
/// let output = Output::of(serde_json::json!({ "lines": 12 }));
/// assert!(output.findings.is_empty());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Output {
    /// The value, in the form that its agent chose.
    pub value: Value,
    /// What the agent found.
    #[serde(default)]
    pub findings: Vec<Finding>,
    /// The artifacts that it put.
    #[serde(default)]
    pub artifacts: Vec<Artifact>,
}

impl Output {
    /// An output with a value and nothing else.
    ///
    /// ```
    /// assert_eq!(ringfence_sdk::Output::of(serde_json::json!(1)).value, 1);
    /// ```
    #[must_use]
    pub fn of(value: Value) -> Self {
        Self {
            value,
            ..Self::default()
        }
    }
}

/// A blob in the run's artifact store, named by its content.
///
/// ```
/// # use ringfence_sdk::testing::TestHost;
/// let artifact = TestHost::new().put_artifact("fixes.patch", "text/x-diff", b"--- a\n");
/// assert_eq!((artifact.name.as_str(), artifact.size), ("fixes.patch", 6));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Artifact {
    /// What the agent called it, for example `fixes.patch`.
    pub name: String,
    /// Its media type, for example `text/x-diff`.
    pub media_type: String,
    /// The SHA-256 of its content, in hexadecimal.
    pub sha256: String,
    /// Its length in bytes.
    pub size: u64,
}
