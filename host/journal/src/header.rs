//! What a run starts with, as the journal keeps it.

use std::collections::BTreeMap;

use ringfence_flow::{
    AgentName, Budgets, ContentHash, Json, Timestamp, WorkflowBundle, WorkflowName,
};
use serde::{Deserialize, Serialize};

/// All that another process needs to go on with a run, beside its entries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RunHeader {
    /// When it was written.
    pub created: Timestamp,
    /// The name of the workflow.
    pub name: WorkflowName,
    /// The workflow with its files, as they were.
    pub workflow: WorkflowBundle,
    /// The workflow's inputs, checked and with defaults filled in.
    pub inputs: Json,
    /// What every draw of the run comes from.
    pub seed: u64,
    /// What an attempt gets where the workflow says nothing.
    pub budgets: Budgets,
    /// The most that an attempt may get.
    pub ceiling: Budgets,
    /// The agents that were loaded, each with the hash of its component.
    pub agents: BTreeMap<AgentName, ContentHash>,
    /// What the program that runs it has to know: its own affair.
    #[serde(default)]
    pub context: BTreeMap<String, String>,
}
