//! How long work has taken, by who did it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{AgentName, Role, micros};

/// How often something was done, and how long it took together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Mean {
    count: u64,
    #[serde(with = "micros", rename = "took-us")]
    took: Duration,
}

impl Mean {
    pub(super) fn add(&mut self, took: Duration) {
        self.count = self.count.saturating_add(1);
        self.took = self.took.saturating_add(took);
    }

    fn merge(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        self.took = self.took.saturating_add(other.took);
    }

    /// In seconds; none if it was never done.
    pub(super) fn seconds(&self) -> Option<f64> {
        (self.count > 0).then(|| self.took.as_secs_f64() / self.count as f64)
    }
}

/// How long tasks and items took from their first attempt to their end, by the
/// agent that did them and the role it was asked for. What a run has seen can
/// be given to the meter of a later one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Durations {
    pub(super) agents: BTreeMap<AgentName, Mean>,
    pub(super) roles: BTreeMap<Role, Mean>,
    pub(super) all: Mean,
}

impl Durations {
    /// Takes note of how long one task or item took.
    pub fn add(&mut self, agent: Option<&AgentName>, role: Option<&Role>, took: Duration) {
        if let Some(agent) = agent {
            self.agents.entry(agent.clone()).or_default().add(took);
        }
        if let Some(role) = role {
            self.roles.entry(role.clone()).or_default().add(took);
        }
        self.all.add(took);
    }

    /// Takes over what `other` has seen.
    pub fn merge(&mut self, other: &Self) {
        for (agent, mean) in &other.agents {
            self.agents.entry(agent.clone()).or_default().merge(mean);
        }
        for (role, mean) in &other.roles {
            self.roles.entry(role.clone()).or_default().merge(mean);
        }
        self.all.merge(&other.all);
    }

    /// How long a task takes, in seconds, that this agent is at work on or that
    /// asks for this role: the closest that is known.
    pub(super) fn expected(&self, agent: Option<&AgentName>, role: Option<&Role>) -> Option<f64> {
        let of_agent = || self.agents.get(agent?)?.seconds();
        let of_role = || self.roles.get(role?)?.seconds();
        of_agent().or_else(of_role).or_else(|| self.all.seconds())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_that_is_known_is_expected() {
        let (ada, bob) = (
            AgentName::new("ada").unwrap(),
            AgentName::new("bob").unwrap(),
        );
        let (dev, tester) = (Role::new("dev").unwrap(), Role::new("tester").unwrap());
        let mut seen = Durations::default();
        assert_eq!(seen.expected(Some(&ada), Some(&dev)), None);
        seen.add(Some(&ada), Some(&dev), Duration::from_secs(10));
        seen.add(Some(&bob), Some(&tester), Duration::from_secs(2));
        assert_eq!(seen.expected(Some(&ada), Some(&tester)), Some(10.0));
        assert_eq!(seen.expected(None, Some(&tester)), Some(2.0));
        assert_eq!(seen.expected(None, None), Some(6.0));
        let mut more = seen.clone();
        more.merge(&seen);
        assert_eq!(more.expected(Some(&ada), None), Some(10.0));
        let text = serde_json::to_string(&more).unwrap();
        assert_eq!(serde_json::from_str::<Durations>(&text).unwrap(), more);
    }
}
