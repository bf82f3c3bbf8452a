//! A finding and who made it.

use serde::{Deserialize, Serialize};

use crate::{AgentName, Finding, TaskKey};

/// A finding, with the task or item and the agent that it came from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FindingRecord {
    /// The task or item.
    pub key: TaskKey,
    /// The agent; none if no attempt gave it, as in a vote.
    pub agent: Option<AgentName>,
    /// The finding.
    pub finding: Finding,
}
