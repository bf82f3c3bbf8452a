//! Counts and an estimate for whoever watches a run.

mod durations;
mod estimate;
mod meter;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use durations::Durations;
pub use meter::WorkflowMeter;

use crate::{AgentName, RunId, RunStatus, micros};

/// The figures of a run at one moment.
///
/// What is counted is a task, or each item of a `for_each` task once it is
/// known how many there are; of a task that stands for a run of another
/// workflow, what that run counts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct WorkflowMetrics {
    /// The run; none before its first event.
    pub run: Option<RunId>,
    /// How the run ended; none while it goes on.
    pub status: Option<RunStatus>,
    /// All tasks and items: those below, and those that wait.
    pub total: u64,
    /// How many tasks and items came in addition to those that the plan names:
    /// items of lists, tasks of other workflows, and what a gate sent back.
    /// Never falls, and the percentage falls only when this rises.
    pub work_added: u64,
    /// Those that completed.
    pub completed: u64,
    /// Those that failed or rejected.
    pub failed: u64,
    /// Those that started and have not ended.
    pub in_progress: u64,
    /// Those that never ran, or were stopped.
    pub skipped: u64,
    /// How many of 100 have ended, however they did. 100 when the run ended.
    pub percentage: f64,
    /// The agents with an attempt under way and how many each has.
    pub active_agents: BTreeMap<AgentName, u32>,
    /// How long the rest will take. None as long as nothing has completed, and
    /// when the run has ended.
    #[serde(with = "optional_micros", rename = "estimated-completion-us")]
    pub estimated_completion: Option<Duration>,
}

mod optional_micros {
    use super::{Deserialize, Duration, Serialize, micros};
    use serde::{Deserializer, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Micros(#[serde(with = "micros")] Duration);

    #[allow(clippy::ref_option, reason = "the signature that serde calls")]
    pub(super) fn serialize<S: Serializer>(
        value: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value.map(Micros).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<Micros>::deserialize(deserializer)?.map(|micros| micros.0))
    }
}
