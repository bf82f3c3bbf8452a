//! The audit trail of grants.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{AgentName, GrantDecision, TaskId, Timestamp};

/// How many different decisions are kept. The guest picks what it asks for;
/// the rest is counted.
pub const MAX_DECISIONS: usize = 10_000;

/// A decision, and how often an agent met it while it worked on a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DecisionRecord {
    /// At which task, all items together.
    pub task: TaskId,
    /// To whom.
    pub agent: AgentName,
    /// The decision.
    pub decision: GrantDecision,
    /// When it was made first.
    pub first: Timestamp,
    /// How often.
    pub count: u64,
}

/// Two decisions with the same key are one record.
type Key = (TaskId, AgentName, bool, Arc<str>, Arc<str>);

impl DecisionRecord {
    fn key(&self) -> Key {
        (
            self.task.clone(),
            self.agent.clone(),
            self.decision.allowed,
            Arc::clone(&self.decision.effect),
            Arc::clone(&self.decision.rule),
        )
    }
}

/// The decisions, by task, agent and effect, refusals before permissions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<DecisionRecord>", into = "Vec<DecisionRecord>")]
pub(super) struct Decisions(BTreeMap<Key, DecisionRecord>);

impl From<Vec<DecisionRecord>> for Decisions {
    fn from(records: Vec<DecisionRecord>) -> Self {
        Self(
            records
                .into_iter()
                .map(|record| (record.key(), record))
                .collect(),
        )
    }
}

impl From<Decisions> for Vec<DecisionRecord> {
    fn from(decisions: Decisions) -> Self {
        decisions.0.into_values().collect()
    }
}

impl Decisions {
    /// Counts a decision. False if there is no room for another one.
    pub(super) fn add(&mut self, record: DecisionRecord) -> bool {
        let key = record.key();
        if let Some(known) = self.0.get_mut(&key) {
            known.count = known.count.saturating_add(record.count);
            return true;
        }
        let room = self.0.len() < MAX_DECISIONS;
        if room {
            self.0.insert(key, record);
        }
        room
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &DecisionRecord> {
        self.0.values()
    }
}
