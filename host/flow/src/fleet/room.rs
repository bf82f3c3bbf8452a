//! Who has room for one more: the host, runs, and limits of both.

use std::collections::BTreeMap;

use super::gate::Gate;
use super::lane::Lane;
use crate::{AgentName, Limits, Role, Timestamp};

/// A run in the fleet's hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunSlot(u64);

/// What a run may have under way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunLimits {
    /// How many attempts at once, of its own and of runs inside it.
    pub concurrency: u32,
    /// How many of each role and agent, and how often.
    pub limits: Limits,
}

impl RunLimits {
    /// So many attempts at once, and no other limit.
    #[must_use]
    pub fn at_once(concurrency: u32) -> Self {
        Self {
            concurrency,
            limits: Limits::default(),
        }
    }
}

/// What takes room: a question or an attempt.
#[derive(Clone, Copy, Debug)]
pub(super) struct Guest<'a> {
    pub(super) run: RunSlot,
    pub(super) role: &'a Role,
    pub(super) is_emergency: bool,
}

/// The gates of one host or run.
#[derive(Debug, Default)]
struct Gates {
    roles: BTreeMap<Role, Gate>,
    agents: BTreeMap<AgentName, Gate>,
}

impl Gates {
    fn new(limits: Limits) -> Self {
        let gate = |limit| Gate::new(limit);
        Self {
            roles: limits
                .roles
                .into_iter()
                .map(|(role, limit)| (role, gate(limit)))
                .collect(),
            agents: limits
                .agents
                .into_iter()
                .map(|(agent, limit)| (agent, gate(limit)))
                .collect(),
        }
    }

    fn all(&self) -> impl Iterator<Item = &Gate> {
        self.roles.values().chain(self.agents.values())
    }
}

#[derive(Debug)]
struct Share {
    around: Option<RunSlot>,
    concurrency: u32,
    under_way: u32,
    gates: Gates,
}

/// The room of a host and of its runs.
#[derive(Debug)]
pub(super) struct Room {
    host: Lane,
    gates: Gates,
    runs: BTreeMap<RunSlot, Share>,
    last_run: u64,
}

impl Room {
    pub(super) fn new(host: Lane, limits: Limits) -> Self {
        Self {
            host,
            gates: Gates::new(limits),
            runs: BTreeMap::new(),
            last_run: 0,
        }
    }

    pub(super) fn enter(&mut self, limits: RunLimits, around: Option<RunSlot>) -> RunSlot {
        self.last_run += 1;
        let slot = RunSlot(self.last_run);
        let share = Share {
            around,
            concurrency: limits.concurrency,
            under_way: 0,
            gates: Gates::new(limits.limits),
        };
        self.runs.insert(slot, share);
        slot
    }

    pub(super) fn leave(&mut self, run: RunSlot) {
        let gone = self.runs.remove(&run);
        debug_assert!(
            gone.is_none_or(|share| share.under_way == 0),
            "a run left with attempts under way"
        );
    }

    /// Whether a question or an attempt may begin, whoever makes it.
    pub(super) fn has_room(&self, guest: Guest<'_>) -> bool {
        let in_role = |gates: &Gates| gates.roles.get(guest.role).is_none_or(Gate::has_room);
        self.host.has_room(guest.is_emergency)
            && in_role(&self.gates)
            && self
                .around(guest.run)
                .all(|share| share.under_way < share.concurrency && in_role(&share.gates))
    }

    /// Whether `agent` may make an attempt now, as far as limits go.
    pub(super) fn may_start(&self, now: Timestamp, guest: Guest<'_>, agent: &AgentName) -> bool {
        self.gates_of(guest.run).all(|gates| {
            let of_agent = gates.agents.get(agent);
            let of_role = gates.roles.get(guest.role);
            of_agent.is_none_or(Gate::has_room)
                && [of_agent, of_role]
                    .into_iter()
                    .flatten()
                    .all(|gate| gate.opens_at(now).is_none())
        })
    }

    /// When the next attempt may start that a rate keeps from starting now.
    pub(super) fn opens_at(
        &self,
        now: Timestamp,
        guest: Guest<'_>,
        agent: &AgentName,
    ) -> Option<Timestamp> {
        let gates = self.gates_of(guest.run).flat_map(|gates| {
            let of_agent = gates.agents.get(agent);
            of_agent.into_iter().chain(gates.roles.get(guest.role))
        });
        // Each of them has to open.
        gates.filter_map(|gate| gate.opens_at(now)).max()
    }

    /// A question or an attempt begins.
    pub(super) fn take(&mut self, guest: Guest<'_>) {
        self.host.enter(guest.is_emergency);
        self.each_gates(guest.run, |gates| {
            if let Some(gate) = gates.roles.get_mut(guest.role) {
                gate.enter();
            }
        });
        self.each_share(guest.run, |share| share.under_way += 1);
    }

    /// Whether emergencies still go before the others.
    pub(super) fn is_strict(&self) -> bool {
        self.host.is_strict()
    }

    /// `agent` starts an attempt that has taken its room.
    pub(super) fn start(&mut self, now: Timestamp, guest: Guest<'_>, agent: &AgentName) {
        self.host.start(guest.is_emergency);
        self.each_gates(guest.run, |gates| {
            if let Some(gate) = gates.roles.get_mut(guest.role) {
                gate.start(now);
            }
            if let Some(gate) = gates.agents.get_mut(agent) {
                gate.enter();
                gate.start(now);
            }
        });
    }

    /// A question ends, or an attempt by `agent`.
    pub(super) fn free(&mut self, guest: Guest<'_>, agent: Option<&AgentName>) {
        self.host.leave(guest.is_emergency);
        self.each_gates(guest.run, |gates| {
            if let Some(gate) = gates.roles.get_mut(guest.role) {
                gate.leave();
            }
            if let Some(gate) = agent.and_then(|agent| gates.agents.get_mut(agent)) {
                gate.leave();
            }
        });
        self.each_share(guest.run, |share| share.under_way -= 1);
    }

    /// A run and those around it, the innermost first.
    fn around(&self, run: RunSlot) -> impl Iterator<Item = &Share> {
        let first = self.runs.get(&run);
        std::iter::successors(first, |share| self.runs.get(&share.around?))
    }

    fn gates_of(&self, run: RunSlot) -> impl Iterator<Item = &Gates> {
        let of_runs = self.around(run).map(|share| &share.gates);
        std::iter::once(&self.gates).chain(of_runs)
    }

    fn each_share(&mut self, run: RunSlot, mut change: impl FnMut(&mut Share)) {
        let mut next = Some(run);
        while let Some(share) = next.and_then(|slot| self.runs.get_mut(&slot)) {
            change(share);
            next = share.around;
        }
    }

    fn each_gates(&mut self, run: RunSlot, mut change: impl FnMut(&mut Gates)) {
        change(&mut self.gates);
        self.each_share(run, |share| change(&mut share.gates));
    }

    /// How many attempts and questions of a run are under way, those of runs
    /// inside it counted.
    #[cfg(test)]
    pub(super) fn under_way(&self, run: RunSlot) -> u32 {
        self.runs.get(&run).map_or(0, |share| share.under_way)
    }

    /// Whether nothing is under way at all.
    pub(super) fn is_empty(&self) -> bool {
        let no_share = self.runs.values().all(|share| share.under_way == 0);
        let of_runs = self.runs.values().flat_map(|share| share.gates.all());
        self.host.is_empty() && no_share && self.gates.all().chain(of_runs).all(Gate::is_empty)
    }
}
