//! How agents behave: one that breaks out or falls over again and again is set
//! aside until a person releases it.
//!
//! A circuit breaker gives an agent a rest and lives as long as the host. This
//! counts over all runs and hosts, and nothing but a person ends it.

use std::fmt;
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use crate::{AgentName, AttemptResult, BudgetKind, FailureCode};

/// When an agent is set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConductPolicy {
    /// After how many faults in a row; never, if nothing is given. Default 10.
    pub faults: Option<NonZeroU32>,
}

impl Default for ConductPolicy {
    fn default() -> Self {
        Self {
            faults: NonZeroU32::new(10),
        }
    }
}

/// How an agent has behaved of late.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct AgentConduct {
    /// How many of its last attempts in a row trapped or broke a budget.
    pub faults: u32,
    /// How the last of these ended.
    pub last: Option<FailureCode>,
    /// Whether it was set aside for that.
    pub set_aside: bool,
}

impl fmt::Display for AgentConduct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} faults in a row", self.faults)?;
        match self.last {
            Some(last) => write!(f, ", the last of them {last}"),
            None => Ok(()),
        }
    }
}

impl AgentConduct {
    /// Takes in how an attempt ended. An orderly end, a failure among them,
    /// ends a row of faults; what the agent has nothing to do with says nothing.
    /// That is so for a budget in `tight`, of which the workflow gave less than the
    /// operator gives to everybody: a file must not be able to set agents aside.
    #[must_use]
    pub fn after(
        self,
        policy: ConductPolicy,
        result: &AttemptResult,
        tight: &[BudgetKind],
    ) -> Self {
        let code = match result {
            AttemptResult::Completed(_) | AttemptResult::Rejected(_) => None,
            AttemptResult::Failed(failure) => Some(failure.code),
        };
        match code {
            Some(code) if tight.iter().any(|kind| kind.failure() == Some(code)) => self,
            Some(code) if code.is_fault() => {
                let faults = self.faults.saturating_add(1);
                Self {
                    faults,
                    last: Some(code),
                    set_aside: self.set_aside
                        || policy.faults.is_some_and(|most| faults >= most.get()),
                }
            }
            None
            | Some(FailureCode::InvalidInput | FailureCode::Permanent | FailureCode::Transient) => {
                Self {
                    faults: 0,
                    last: None,
                    set_aside: self.set_aside,
                }
            }
            Some(_) => self,
        }
    }
}

/// Keeps how agents behave from one host to the next.
///
/// Called from the host's own task, and only when something changed: be quick.
pub trait ConductBook: fmt::Debug + Send + Sync {
    /// What is known of an agent.
    fn conduct(&self, agent: &AgentName) -> AgentConduct;

    /// Keeps what is now known of it; that it was set aside, by whichever host,
    /// stays. What cannot be kept is told to the operator, and holds for this
    /// host.
    fn keep(&self, agent: &AgentName, conduct: AgentConduct);

    /// Forgets all that was said against it.
    fn release(&self, agent: &AgentName);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Failure, Json, Output};

    fn failed(code: FailureCode) -> AttemptResult {
        AttemptResult::Failed(Failure::new(code, "why"))
    }

    fn completed() -> AttemptResult {
        AttemptResult::Completed(Output {
            value: Json::from(serde_json::json!(1)),
            findings: [].into(),
            artifacts: [].into(),
        })
    }

    fn after(results: &[AttemptResult], faults: u32) -> AgentConduct {
        let policy = ConductPolicy {
            faults: NonZeroU32::new(faults),
        };
        let start = AgentConduct::default();
        results
            .iter()
            .fold(start, |conduct, result| conduct.after(policy, result, &[]))
    }

    #[test]
    fn so_many_faults_in_a_row_set_aside_and_one_fewer_does_not() {
        let trap = failed(FailureCode::Trap);
        let spin = failed(FailureCode::OutOfFuel);
        let kept = after(&[trap.clone(), spin.clone()], 3);
        assert_eq!((kept.faults, kept.set_aside), (2, false));
        let broken = after(&[trap.clone(), spin, trap], 3);
        assert!(broken.set_aside);
        assert_eq!(broken.last, Some(FailureCode::Trap));
    }

    #[test]
    fn an_orderly_end_ends_the_row_and_a_cancel_says_nothing() {
        let trap = failed(FailureCode::Trap);
        for orderly in [completed(), failed(FailureCode::Transient)] {
            let conduct = after(&[trap.clone(), orderly, trap.clone()], 2);
            assert_eq!((conduct.faults, conduct.set_aside), (1, false));
        }
        for neither in [FailureCode::Cancelled, FailureCode::HostError] {
            let conduct = after(&[trap.clone(), failed(neither), trap.clone()], 2);
            assert!(conduct.set_aside, "{neither}");
        }
    }

    #[test]
    fn a_budget_that_the_workflow_made_tight_says_nothing() {
        let policy = ConductPolicy {
            faults: NonZeroU32::new(1),
        };
        let tight = [BudgetKind::Fuel];
        let after = |code| AgentConduct::default().after(policy, &failed(code), &tight);
        assert_eq!(after(FailureCode::OutOfFuel), AgentConduct::default());
        assert!(after(FailureCode::OutOfMemory).set_aside, "another budget");
        assert!(after(FailureCode::Trap).set_aside, "no budget at all");
    }

    #[test]
    fn what_is_set_aside_stays_so_and_without_a_number_nobody_is() {
        let trap = failed(FailureCode::Trap);
        let conduct = after(&[trap.clone(), completed()], 1);
        assert!(conduct.set_aside, "a person releases it, and nothing else");
        assert!(!after(&vec![trap; 100], 0).set_aside);
    }
}
