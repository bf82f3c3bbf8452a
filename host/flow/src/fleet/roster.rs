//! Agents that come, change, misbehave and go while work waits for them.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::conduct::AgentConduct;
use super::member::Member;
use super::scheduler::{Fleet, FleetAction, Held, Ticket};
use crate::{AgentName, AgentProfile, AttemptResult, BudgetKind, ContentHash};

/// What became of an agent while the host was live.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "change", rename_all = "kebab-case", deny_unknown_fields)]
pub enum AgentChange {
    /// It is new.
    Added {
        /// Its version, in its own words.
        version: Arc<str>,
        /// The SHA-256 of its component.
        hash: ContentHash,
    },
    /// Another component took its place. Attempts under way end with the old
    /// one.
    Replaced {
        /// Its version, in its own words.
        version: Arc<str>,
        /// The SHA-256 of its component.
        hash: ContentHash,
    },
    /// It is gone. Attempts under way end.
    Removed,
}

impl Fleet {
    /// Takes in who is there from now on, and says what changed. What waits is
    /// lined up anew; what is under way goes on.
    pub fn set_agents(&mut self, agents: Vec<Arc<AgentProfile>>) -> Vec<(AgentName, AgentChange)> {
        let mut changes = Vec::new();
        let mut coming: BTreeMap<_, _> = agents
            .into_iter()
            .map(|profile| (profile.name.clone(), profile))
            .collect();
        for member in &mut self.members {
            let name = member.profile.name.clone();
            let change = match coming.remove(&name) {
                None if member.is_gone => continue,
                None => {
                    member.is_gone = true;
                    AgentChange::Removed
                }
                Some(profile) if member.is_gone => {
                    let (version, hash) = (Arc::clone(&profile.version), profile.hash);
                    member.renew(profile);
                    AgentChange::Added { version, hash }
                }
                Some(profile) if profile == member.profile => continue,
                Some(profile) => {
                    let (version, hash) = (Arc::clone(&profile.version), profile.hash);
                    member.renew(profile);
                    AgentChange::Replaced { version, hash }
                }
            };
            changes.push((name, change));
        }
        let lane = self.policy.emergency_reserve.min(1);
        for (name, profile) in coming {
            let (version, hash) = (Arc::clone(&profile.version), profile.hash);
            self.members
                .push(Member::new(profile, self.policy.breaker, lane));
            changes.push((name, AgentChange::Added { version, hash }));
        }
        if !changes.is_empty() {
            self.line_up_anew();
        }
        changes
    }

    /// Takes in what an earlier host, or a person, knows of an agent.
    pub fn set_conduct(&mut self, agent: &AgentName, conduct: AgentConduct) {
        let Some(member) = self.member(agent) else {
            return;
        };
        let moved = member.conduct.set_aside != conduct.set_aside;
        member.conduct = conduct;
        if moved {
            self.line_up_anew();
        }
    }

    /// Takes in how the attempt of a ticket ended, before the ticket itself
    /// [does](Self::ended), and of which budgets it had been given less than is
    /// usual.
    pub fn judge(
        &mut self,
        ticket: Ticket,
        result: &AttemptResult,
        tight: &[BudgetKind],
        actions: &mut Vec<FleetAction>,
    ) {
        let Some(index) = self.tickets.get(&ticket).and_then(Held::member) else {
            return;
        };
        let member = &mut self.members[index];
        let before = member.conduct;
        let conduct = before.after(self.policy.conduct, result, tight);
        if conduct == before {
            return;
        }
        member.conduct = conduct;
        let agent = member.profile.name.clone();
        actions.push(FleetAction::Conducted {
            agent: agent.clone(),
            conduct,
        });
        if conduct.set_aside && !before.set_aside {
            actions.push(FleetAction::SetAside { agent, conduct });
            self.line_up_anew();
        }
    }

    fn member(&mut self, agent: &AgentName) -> Option<&mut Member> {
        self.members
            .iter_mut()
            .find(|member| member.profile.name == *agent)
    }

    /// Lines up all that waits, as somebody else may serve it now, or nobody.
    fn line_up_anew(&mut self) {
        self.lines.clear();
        let queued: Vec<_> = self
            .tickets
            .iter()
            .filter(|(_, held)| held.is_queued())
            .map(|(ticket, _)| *ticket)
            .collect();
        for ticket in queued {
            if let Some(held) = self.tickets.remove(&ticket) {
                self.offer(ticket, held);
            }
        }
    }
}
