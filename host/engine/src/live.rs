//! A run that is under way, with what the engine holds for it.

use std::sync::Arc;

use ringfence_flow::{
    AgentName, Answer, ArtifactStore, BudgetKind, ContentHash, Failure, InstanceRef, ResultStore,
    Run, RunSlot, StopReason, TaskId, Ticket,
};
use rustc_hash::FxHashMap;
use tokio::sync::oneshot;

use crate::RunOutcome;
use crate::publisher::Publisher;
use crate::spans::Spans;

/// A run that is under way.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) run: Run,
    /// The run that somebody started: this one, or one around it.
    pub(crate) root: RunSlot,
    pub(crate) publisher: Arc<Publisher>,
    pub(crate) artifacts: Artifacts,
    pub(crate) results: Results,
    /// The ticket of each instance that has one.
    pub(crate) tickets: FxHashMap<InstanceRef, Ticket>,
    /// What agents said of an instance, remembered for its retries.
    pub(crate) answers: FxHashMap<InstanceRef, Remembered>,
    /// Stops the attempts that are under way.
    pub(crate) stops: FxHashMap<InstanceRef, oneshot::Sender<StopReason>>,
    /// The budgets of attempts that are under way of which they were given less
    /// than is usual, where there are any.
    pub(crate) tight: FxHashMap<InstanceRef, Vec<BudgetKind>>,
    /// The runs that instances stand for.
    pub(crate) children: FxHashMap<InstanceRef, RunSlot>,
    /// The names under which results are to be kept.
    pub(crate) keys: FxHashMap<InstanceRef, ContentHash>,
    /// Why it did not complete, once it has ended.
    pub(crate) end: Option<(Option<Failure>, Option<TaskId>)>,
    pub(crate) done: Done,
    pub(crate) spans: Spans,
}

/// Who waits for the end of a run.
#[derive(Debug)]
pub(crate) enum Done {
    /// Whoever started it.
    Caller(oneshot::Sender<RunOutcome>),
    /// The run around it.
    Parent(Holder),
}

impl Live {
    pub(crate) fn new(
        run: Run,
        spans: Spans,
        root: RunSlot,
        publisher: Arc<Publisher>,
        artifacts: Artifacts,
        results: Results,
        done: Done,
    ) -> Self {
        Self {
            run,
            root,
            publisher,
            artifacts,
            results,
            tickets: FxHashMap::default(),
            answers: FxHashMap::default(),
            stops: FxHashMap::default(),
            tight: FxHashMap::default(),
            children: FxHashMap::default(),
            keys: FxHashMap::default(),
            end: None,
            done,
            spans,
        }
    }

    /// Whether somebody started it, and not a run around it.
    pub(crate) fn is_outermost(&self) -> bool {
        matches!(self.done, Done::Caller(_))
    }
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

/// The results of earlier attempts.
#[derive(Clone)]
pub(crate) struct Results(pub(crate) Arc<dyn ResultStore>);

impl std::fmt::Debug for Results {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Results")
    }
}

/// Whose a ticket is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Holder {
    pub(crate) run: RunSlot,
    pub(crate) at: InstanceRef,
}
