//! A run that is under way, with what the engine holds for it.

use std::collections::HashMap;
use std::sync::Arc;

use ringfence_flow::{
    AgentName, Answer, ArtifactStore, Failure, InstanceRef, Run, RunSlot, StopReason, TaskId,
    Ticket,
};
use tokio::sync::oneshot;

use crate::RunOutcome;
use crate::publisher::Publisher;

/// A run that is under way.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) run: Run,
    pub(crate) publisher: Arc<Publisher>,
    pub(crate) artifacts: Artifacts,
    /// The ticket of each instance that has one.
    pub(crate) tickets: HashMap<InstanceRef, Ticket>,
    /// What agents said of an instance, remembered for its retries.
    pub(crate) answers: HashMap<InstanceRef, Remembered>,
    /// Stops the attempts that are under way.
    pub(crate) stops: HashMap<InstanceRef, oneshot::Sender<StopReason>>,
    /// Why it did not complete, once it has ended.
    pub(crate) end: Option<(Option<Failure>, Option<TaskId>)>,
    pub(crate) done: oneshot::Sender<RunOutcome>,
}

/// Answers of one round: in the next one the task is another.
#[derive(Debug)]
pub(crate) struct Remembered {
    pub(crate) round: u32,
    pub(crate) answers: Vec<(AgentName, Answer)>,
}

impl Remembered {
    /// Whether each of `agents` has answered.
    pub(crate) fn covers(&self, agents: &[AgentName]) -> bool {
        let answered = |agent| self.answers.iter().any(|(known, _)| known == agent);
        agents.iter().all(answered)
    }
}

/// The artifact store of a run.
#[derive(Clone)]
pub(crate) struct Artifacts(pub(crate) Arc<dyn ArtifactStore>);

impl std::fmt::Debug for Artifacts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Artifacts")
    }
}

/// Whose a ticket is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Holder {
    pub(crate) run: RunSlot,
    pub(crate) at: InstanceRef,
}
