//! The task of a case.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ringfence_flow::{Finding, Json, MountAccess, MountName, Priority, Role, TaskId, TaskKey};

/// A task as a case describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct CaseTask {
    /// Its name, as in `review`, or `review[3]` for an item of a list.
    pub key: TaskKey,
    /// The role that the agent is to play. Default: the agent's first.
    pub role: Option<Role>,
    /// How urgent it is.
    pub priority: Priority,
    /// Which attempt, counted from 1.
    pub attempt: u32,
    /// Which round, counted from 1.
    pub round: u32,
    /// Its input.
    pub input: Json,
    /// The outputs of the tasks that it needs.
    pub needs: Vec<CaseNeed>,
    /// What the gate that rejected the round before had to say.
    pub feedback: Vec<Finding>,
    /// The folders that the agent sees.
    pub mounts: Vec<CaseMount>,
    /// What is in the artifact store beside the artifacts of `needs`.
    pub artifacts: Vec<CaseArtifact>,
    /// How long the attempt may take. Default: the default budget.
    pub timeout: Option<Duration>,
}

/// The output of a task that a case's task needs.
#[derive(Clone, Debug, PartialEq)]
pub struct CaseNeed {
    /// The task's name.
    pub task: TaskId,
    /// Its value.
    pub value: Json,
    /// What it found.
    pub findings: Vec<Finding>,
    /// The artifacts that it put.
    pub artifacts: Vec<CaseArtifact>,
}

/// A folder that the agent sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseMount {
    /// The mount's name.
    pub name: MountName,
    /// The folder, as an absolute path.
    pub folder: PathBuf,
    /// What the agent may do there.
    pub access: MountAccess,
}

/// An artifact that is in the store before the attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseArtifact {
    /// Its name.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// What is in it.
    pub content: Arc<[u8]>,
}

/// What a case's task is called unless it says so.
const DEFAULT_ID: &str = "case";

impl CaseTask {
    /// The first attempt at a task that takes `input` and nothing else.
    #[must_use]
    pub fn of(input: Json) -> Self {
        Self {
            key: TaskKey::single(default_id()),
            role: None,
            priority: Priority::Normal,
            attempt: 1,
            round: 1,
            input,
            needs: Vec::new(),
            feedback: Vec::new(),
            mounts: Vec::new(),
            artifacts: Vec::new(),
            timeout: None,
        }
    }
}

fn default_id() -> TaskId {
    match TaskId::new(DEFAULT_ID) {
        Ok(id) => id,
        Err(error) => unreachable!("`{DEFAULT_ID}` is a name: {error}"),
    }
}
