//! What happened to a run, as a journal holds it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    AgentName, AttemptResult, Failure, InstanceRef, Plan, Recalled, RunEventKind, RunInput,
    StopReason, TaskId, TaskIndex, TaskKey, micros,
};

/// A [`RunInput`] without what its first event says anyway, and with names in
/// place of indexes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "type",
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case",
    deny_unknown_fields
)]
pub enum Happening {
    /// It started.
    Start,
    /// An agent was found.
    Assigned {
        /// For which task or item.
        key: TaskKey,
        /// Which agent.
        agent: AgentName,
    },
    /// No agent can take a task.
    Refused {
        /// Which task or item.
        key: TaskKey,
        /// The agent that it asks for, if it asks for one.
        agent: Option<AgentName>,
        /// Why.
        failure: Failure,
    },
    /// An attempt ended, as the event says.
    AttemptEnded {
        /// At which task or item.
        key: TaskKey,
    },
    /// It was looked for an earlier result; if there was one, the event says
    /// what it is.
    Recalled {
        /// Of which task or item.
        key: TaskKey,
    },
    /// The run inside ended, as the journal has told.
    ChildEnded {
        /// The task or item that it stood for.
        key: TaskKey,
    },
    /// A person decided, as the event says.
    Decided {
        /// On which task.
        task: TaskId,
    },
    /// Something was due.
    Tick,
    /// It was told to stop.
    Stop {
        /// Why.
        reason: StopReason,
    },
    /// It went on.
    Resumed {
        /// How long nobody had driven it.
        #[serde(with = "micros", rename = "away-us")]
        away: Duration,
        /// Whether the attempts under way were lost.
        lost: bool,
    },
    /// It was retried after its end.
    Retry {
        /// From which tasks on.
        from: Vec<TaskId>,
    },
}

impl Happening {
    /// What a journal holds of an input.
    #[must_use]
    pub fn of(input: &RunInput, plan: &Plan) -> Self {
        let key = |at: &InstanceRef| at.key(plan);
        let id = |task: &TaskIndex| plan.task(*task).id.clone();
        match input {
            RunInput::Start => Self::Start,
            RunInput::Assigned { at, agent } => Self::Assigned {
                key: key(at),
                agent: agent.clone(),
            },
            RunInput::Refused { at, agent, failure } => Self::Refused {
                key: key(at),
                agent: agent.clone(),
                failure: failure.clone(),
            },
            RunInput::AttemptEnded { at, .. } => Self::AttemptEnded { key: key(at) },
            RunInput::Recalled { at, .. } => Self::Recalled { key: key(at) },
            RunInput::ChildEnded { at, .. } => Self::ChildEnded { key: key(at) },
            RunInput::Decided { task, .. } => Self::Decided { task: id(task) },
            RunInput::Tick => Self::Tick,
            RunInput::Stop(reason) => Self::Stop { reason: *reason },
            RunInput::Resumed { away, lost } => Self::Resumed {
                away: *away,
                lost: *lost,
            },
            RunInput::Retry { from } => Self::Retry {
                from: from.iter().map(id).collect(),
            },
        }
    }

    /// The input again. `event` is the first that followed, and `child` how the
    /// run ended that the task stands for. None if they do not belong together.
    pub(super) fn input(
        &self,
        plan: &Plan,
        event: Option<&RunEventKind>,
        child: impl FnOnce(&TaskKey) -> Option<AttemptResult>,
    ) -> Option<RunInput> {
        Some(match self {
            Self::Start => RunInput::Start,
            Self::Assigned { key, agent } => RunInput::Assigned {
                at: instance(plan, key)?,
                agent: agent.clone(),
            },
            Self::Refused {
                key,
                agent,
                failure,
            } => RunInput::Refused {
                at: instance(plan, key)?,
                agent: agent.clone(),
                failure: failure.clone(),
            },
            Self::AttemptEnded { key } => {
                let Some(RunEventKind::AttemptEnded { result, usage, .. }) = event else {
                    return None;
                };
                RunInput::AttemptEnded {
                    at: instance(plan, key)?,
                    result: result.clone(),
                    usage: *usage,
                }
            }
            Self::Recalled { key } => RunInput::Recalled {
                at: instance(plan, key)?,
                found: event.and_then(recalled).map(Box::new),
            },
            Self::ChildEnded { key } => RunInput::ChildEnded {
                at: instance(plan, key)?,
                result: child(key)?,
            },
            Self::Decided { task } => {
                let Some(RunEventKind::ApprovalDecided { decision, .. }) = event else {
                    return None;
                };
                RunInput::Decided {
                    task: plan.index_of(task)?,
                    decision: decision.clone(),
                }
            }
            Self::Tick => RunInput::Tick,
            Self::Stop { reason } => RunInput::Stop(*reason),
            Self::Resumed { away, lost } => RunInput::Resumed {
                away: *away,
                lost: *lost,
            },
            Self::Retry { from } => RunInput::Retry {
                from: from
                    .iter()
                    .map(|task| plan.index_of(task))
                    .collect::<Option<_>>()?,
            },
        })
    }
}

fn instance(plan: &Plan, key: &TaskKey) -> Option<InstanceRef> {
    Some(InstanceRef {
        task: plan.index_of(&key.task)?,
        item: key.item.unwrap_or(0),
    })
}

fn recalled(event: &RunEventKind) -> Option<Recalled> {
    match event {
        RunEventKind::ResultRecalled {
            output,
            from,
            given,
            ..
        } => Some(Recalled {
            output: output.clone(),
            run: from.clone(),
            at: *given,
        }),
        _ => None,
    }
}
