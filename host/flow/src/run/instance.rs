//! One item of a task, or the whole of a task that is no map.

use std::time::Duration;

use crate::{AgentName, Budgets, Failure, Output, Rejection, RetryCount, Timestamp};

/// Where an instance is.
#[derive(Clone, Debug)]
pub(super) enum InstanceState {
    /// Not submitted yet: the map's own limit holds it back.
    Idle,
    /// Waiting for an agent.
    Queued,
    /// It is looked whether this agent has given a result before.
    Recalling { agent: AgentName },
    /// An attempt is under way.
    Running { agent: AgentName },
    /// A run of another workflow is under way.
    Child,
    /// Waiting before a retry.
    BackingOff,
    /// Over.
    Ended(InstanceEnd),
}

/// How an instance ended.
#[derive(Clone, Debug)]
pub(super) enum InstanceEnd {
    Completed(Output),
    Rejected(Rejection),
    Failed(Failure),
    Cancelled,
}

/// An instance with its history in this round.
#[derive(Clone, Debug)]
pub(super) struct Instance {
    pub(super) state: InstanceState,
    /// Attempts made in this round.
    pub(super) attempts: u32,
    /// How often it has waited for an agent in this round.
    pub(super) submissions: u32,
    /// Whether it waits for what the fleet says of it for the first time.
    pub(super) in_line: bool,
    /// What most instances never need.
    trouble: Option<Box<Trouble>>,
}

/// What an instance remembers that failed, or may only take so long.
#[derive(Clone, Debug, Default)]
pub(super) struct Trouble {
    /// Retries of the present agent, or of agents of the role.
    pub(super) retries: RetryCount,
    /// How many fallback agents have been chosen.
    pub(super) fallbacks: usize,
    /// Budgets that were escalated.
    pub(super) budgets: Option<Budgets>,
    /// When all attempts together have taken too long.
    pub(super) until: Option<Timestamp>,
    /// Why the attempt under way was told to stop.
    pub(super) cut: Option<Failure>,
    /// Who failed for good, and with what.
    pub(super) tried: Vec<(Option<AgentName>, Failure)>,
}

impl Instance {
    pub(super) fn new() -> Self {
        Self {
            state: InstanceState::Idle,
            attempts: 0,
            submissions: 0,
            in_line: false,
            trouble: None,
        }
    }

    pub(super) fn trouble(&self) -> Option<&Trouble> {
        self.trouble.as_deref()
    }

    pub(super) fn trouble_mut(&mut self) -> &mut Trouble {
        self.trouble.get_or_insert_default()
    }

    /// Whether the present attempt is no retry.
    pub(super) fn is_first_attempt(&self) -> bool {
        self.trouble()
            .is_none_or(|trouble| trouble.retries.is_zero())
    }

    pub(super) fn postpone(&mut self, by: Duration) {
        if let Some(until) = self.trouble.as_mut().and_then(|t| t.until.as_mut()) {
            *until = until.after(by);
        }
    }

    /// Drops what only matters while the instance lives.
    pub(super) fn end(&mut self, end: InstanceEnd) {
        self.trouble = None;
        self.state = InstanceState::Ended(end);
    }
}
