//! What a run asks of the fleet, and how the fleet says no.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::conduct::AgentConduct;
use crate::{AgentName, Failure, FailureCode, MountName, Priority, Role, Timestamp};

/// What a run asks for: an agent for one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demand {
    /// The role that the agent has to have.
    pub role: Role,
    /// The one agent that may do it; without one, any that has the role.
    pub agent: Option<AgentName>,
    /// The mounts that the agent has to be granted.
    pub mounts: Arc<[MountName]>,
    /// How urgent it is.
    pub priority: Priority,
    /// How long the attempt may take.
    pub time: Duration,
    /// Whether a single candidate is asked, too, whether it can handle the
    /// task. Of several each is asked in any case.
    pub must_ask: bool,
    /// Whether another agent is tried when every candidate's breaker is open;
    /// if not, the demand waits for a probe.
    pub has_fallback: bool,
}

/// What an agent said when it was asked whether it can handle a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It can.
    Capable,
    /// It cannot.
    Declined,
    /// It failed to answer.
    Failed(Failure),
}

/// Why an agent was not chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WhyNot {
    /// It does not have the role.
    OtherRole,
    /// It is not granted this mount.
    NotGranted(MountName),
    /// It said that it cannot handle the task.
    Declined,
    /// It failed when it was asked.
    FailedToAnswer(Failure),
    /// Its circuit breaker is open.
    CircuitOpen(Timestamp),
    /// It was taken away.
    Gone,
    /// It was set aside after so many faults in a row.
    SetAside(AgentConduct),
}

impl fmt::Display for WhyNot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherRole => f.write_str("has other roles"),
            Self::NotGranted(mount) => write!(f, "is not granted the mount `{mount}`"),
            Self::Declined => f.write_str("says that it cannot handle the task"),
            Self::FailedToAnswer(failure) => {
                write!(
                    f,
                    "failed when asked whether it can handle the task ({failure})"
                )
            }
            Self::CircuitOpen(_) => {
                f.write_str("failed too often of late; its circuit breaker is open")
            }
            Self::Gone => f.write_str("was taken away"),
            Self::SetAside(conduct) => write!(f, "was set aside after {conduct}"),
        }
    }
}

/// An agent that was looked at and not chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Considered {
    /// The agent.
    pub agent: AgentName,
    /// Why it was not chosen.
    pub why_not: WhyNot,
}

/// A demand that no agent can meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// `no-capable-agent` or `circuit-open`.
    pub code: FailureCode,
    /// The role that was asked for.
    pub role: Role,
    /// The pinned agent, if there was one.
    pub agent: Option<AgentName>,
    /// Each agent that was considered, in the order of names.
    pub considered: Vec<Considered>,
}

/// How many of the considered agents a message names.
const NAMED: usize = 20;

impl Refusal {
    /// The failure of the task.
    #[must_use]
    pub fn to_failure(&self) -> Failure {
        let wanted = match &self.agent {
            Some(agent) => format!("agent `{agent}` cannot take a task of role `{}`", self.role),
            None => format!("no agent can take a task of role `{}`", self.role),
        };
        if self.considered.is_empty() {
            return Failure::new(self.code, format!("{wanted}: none is loaded"));
        }
        let mut reasons: Vec<String> = self
            .considered
            .iter()
            .take(NAMED)
            .map(|c| format!("`{}` {}", c.agent, c.why_not))
            .collect();
        if self.considered.len() > NAMED {
            reasons.push(format!("and {} more", self.considered.len() - NAMED));
        }
        let mut message = format!("{wanted}: {}", reasons.join("; "));
        let set_aside = |one: &&Considered| matches!(one.why_not, WhyNot::SetAside(_));
        if let Some(Considered { agent, .. }) = self.considered.iter().find(set_aside) {
            message += &format!(
                "\nhint: when it can be trusted again, `ringfence agents release {agent}`"
            );
        }
        Failure::new(self.code, message)
    }
}
