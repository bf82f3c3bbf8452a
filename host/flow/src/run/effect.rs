//! What goes into the state machine, and what comes out.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::RunOptions;
use crate::{
    AgentName, AttemptResult, Budgets, Decision, Demand, Failure, Output, Plan, RunEventKind,
    RunId, StopReason, TaskIndex, TaskKey, TaskRequest, Timestamp, Usage,
};

/// One instance of a task: a task that is no map, or one item of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceRef {
    /// The task.
    pub task: TaskIndex,
    /// The item, counted from 0; 0 for a task that is no map.
    pub item: u32,
}

impl InstanceRef {
    /// Its name for people and agents.
    #[must_use]
    pub fn key(self, plan: &Plan) -> TaskKey {
        let task = plan.task(self.task);
        match task.for_each {
            None => TaskKey::single(task.id.clone()),
            Some(_) => TaskKey::item(task.id.clone(), self.item),
        }
    }
}

/// Something that happened to a run.
#[derive(Clone, Debug)]
pub enum RunInput {
    /// It starts. Always the first.
    Start,
    /// A submitted instance got an agent.
    Assigned {
        /// Which instance.
        at: InstanceRef,
        /// By whom.
        agent: AgentName,
    },
    /// No agent can take a submitted instance.
    Refused {
        /// Which instance.
        at: InstanceRef,
        /// The agent that the task asks for, if it asks for one.
        agent: Option<AgentName>,
        /// Why.
        failure: Failure,
    },
    /// An executed attempt ended.
    AttemptEnded {
        /// Of which instance.
        at: InstanceRef,
        /// How.
        result: AttemptResult,
        /// What it used.
        usage: Usage,
    },
    /// It was looked whether there is an earlier result.
    Recalled {
        /// Of which instance.
        at: InstanceRef,
        /// The result, if there is one.
        found: Option<Box<Recalled>>,
    },
    /// The run that an instance stands for ended.
    ChildEnded {
        /// Of which instance.
        at: InstanceRef,
        /// How.
        result: AttemptResult,
    },
    /// A person said yes or no. See [`Run::awaits`](super::Run::awaits).
    Decided {
        /// To which task.
        task: TaskIndex,
        /// What.
        decision: Decision,
    },
    /// Time went by: something may be due.
    Tick,
    /// It is to stop.
    Stop(StopReason),
    /// Nobody drove it for a while. That time does not count: whatever was
    /// due later is due so much later.
    Resumed {
        /// For how long.
        away: Duration,
        /// Whether the attempts under way are lost, and all that was asked of
        /// the fleet with them: they are asked for again.
        lost: bool,
    },
    /// It has ended, and tasks of it are to run again. See
    /// [`Run::retried_tasks`](super::Run::retried_tasks).
    Retry {
        /// From which tasks on; from those that did not complete, if empty.
        from: Vec<TaskIndex>,
    },
}

/// The result of an earlier attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recalled {
    /// What it gave.
    pub output: Output,
    /// In which run.
    pub run: RunId,
    /// When.
    pub at: Timestamp,
}

/// A run of another workflow, to be started for an instance.
#[derive(Clone, Debug)]
pub struct ChildRun {
    /// Its name.
    pub id: RunId,
    /// What is to be done.
    pub plan: Arc<Plan>,
    /// Inputs and seed.
    pub options: RunOptions,
}

/// Something that the engine has to do for a run.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Ask the fleet for an agent.
    Submit {
        /// For which instance.
        at: InstanceRef,
        /// What is wanted.
        demand: Demand,
    },
    /// Take a submitted instance back. Nothing follows.
    Withdraw {
        /// Which instance.
        at: InstanceRef,
    },
    /// Make the attempt, and report how it ended.
    Execute {
        /// Of which instance.
        at: InstanceRef,
        /// By whom.
        agent: AgentName,
        /// What the agent is asked.
        request: Box<TaskRequest>,
        /// What it may use.
        budgets: Budgets,
    },
    /// Look whether there is an earlier result for this, and report it with
    /// [`RunInput::Recalled`]. The agent stays assigned.
    Recall {
        /// Of which instance.
        at: InstanceRef,
        /// By whom.
        agent: AgentName,
        /// What the agent would be asked.
        request: Box<TaskRequest>,
    },
    /// Start a run of another workflow, and report how it ended.
    StartChild {
        /// For which instance.
        at: InstanceRef,
        /// The run.
        child: Box<ChildRun>,
    },
    /// Stop the run that stands for an instance; its end is still reported.
    StopChild {
        /// Of which instance.
        at: InstanceRef,
        /// Why.
        reason: StopReason,
        /// Whether it may have been told before: then not if it is
        /// [stopping](super::Run::is_stopping).
        again: bool,
    },
    /// An assigned instance needs its agent no more: no attempt is made.
    Release {
        /// Which instance.
        at: InstanceRef,
    },
    /// Stop an attempt that was executed, or the search for an earlier result;
    /// its end is still reported.
    Stop {
        /// Of which instance.
        at: InstanceRef,
        /// Why.
        reason: StopReason,
    },
    /// Tell whoever watches.
    Emit(RunEventKind),
}

/// Why a run is stopping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stopping {
    pub(super) failure: Failure,
    pub(super) task: Option<TaskIndex>,
}
