//! What goes into the state machine, and what comes out.

use crate::{
    AgentName, AttemptResult, Budgets, Demand, Failure, Plan, Refusal, RunEventKind, StopReason,
    TaskIndex, TaskKey, TaskRequest, Usage,
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
#[derive(Clone, Debug, PartialEq)]
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
        /// Why.
        refusal: Refusal,
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
    /// Time went by: something may be due.
    Tick,
    /// The user wants it to stop.
    Cancel,
}

/// Something that the engine has to do for a run.
#[derive(Clone, Debug, PartialEq)]
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
    /// An assigned instance needs its agent no more: no attempt is made.
    Release {
        /// Which instance.
        at: InstanceRef,
    },
    /// Stop an attempt that was executed; its end is still reported.
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
