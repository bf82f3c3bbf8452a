//! The fleet itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::choice::{LineKey, Step};
use super::conduct::{AgentConduct, ConductPolicy};
use super::lane::Lane;
use super::member::Member;
use super::queue::{Line, Urgency};
use super::room::{Guest, Room};
use super::{Answer, Considered, Demand, Refusal, RunLimits, RunSlot, WhyNot};
use crate::{
    Activity, Admission, AgentName, AgentProfile, BreakerPolicy, BreakerState, FailureCode, Limits,
    Pass, Priority, Timestamp, Verdict,
};

/// What holds for a whole host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetPolicy {
    /// How many attempts may be under way at once, emergencies aside.
    pub capacity: u32,
    /// How many more are kept free for emergencies. If there are any, each
    /// agent may have one emergency beside its instances, too.
    pub emergency_reserve: u32,
    /// The breaker of each agent.
    pub breaker: BreakerPolicy,
    /// When an agent is set aside.
    pub conduct: ConductPolicy,
    /// What holds for roles and agents over all runs.
    pub limits: Limits,
}

/// An agent with what is under way at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentLoad {
    /// The agent.
    pub profile: Arc<AgentProfile>,
    /// Its circuit breaker.
    pub breaker: BreakerState,
    /// How it has behaved of late.
    pub conduct: AgentConduct,
    /// How many attempts it has under way.
    pub running: u32,
}

/// A demand in the fleet's hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub(super) u64);

/// What the fleet wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FleetAction {
    /// Ask these agents whether they can handle the ticket's task, and pass
    /// the answers to [`Fleet::answered`].
    Ask {
        /// Whose task.
        ticket: Ticket,
        /// Whom to ask.
        agents: Vec<AgentName>,
    },
    /// Start the ticket's attempt, and tell [`Fleet::ended`] when it ends.
    Assign {
        /// Whose attempt.
        ticket: Ticket,
        /// By whom.
        agent: AgentName,
    },
    /// Nobody can meet the demand; the ticket is gone.
    Refuse {
        /// Whose demand.
        ticket: Ticket,
        /// Why.
        refusal: Refusal,
    },
    /// How an agent behaves is known better: to be kept for later hosts.
    Conducted {
        /// The agent.
        agent: AgentName,
        /// What is known now.
        conduct: AgentConduct,
    },
    /// An agent was set aside: no attempt of it starts until it is released.
    SetAside {
        /// The agent.
        agent: AgentName,
        /// Why.
        conduct: AgentConduct,
    },
    /// An agent's breaker moved.
    BreakerMoved {
        /// The agent.
        agent: AgentName,
        /// Where it is now.
        state: BreakerState,
    },
}

/// Which member of the fleet.
pub(super) type MemberIndex = usize;

#[derive(Debug)]
pub(super) struct Held {
    run: RunSlot,
    pub(super) demand: Demand,
    submitted: Timestamp,
    state: TicketState,
}

impl Held {
    pub(super) fn is_queued(&self) -> bool {
        matches!(self.state, TicketState::Queued)
    }

    /// Who makes its attempt.
    pub(super) fn member(&self) -> Option<MemberIndex> {
        match self.state {
            TicketState::Running { member, .. } => Some(member),
            TicketState::Queued | TicketState::Asking { .. } => None,
        }
    }

    fn guest(&self) -> Guest<'_> {
        Guest {
            run: self.run,
            role: &self.demand.role,
            is_emergency: self.demand.priority == Priority::Emergency,
        }
    }
}

#[derive(Debug)]
enum TicketState {
    Queued,
    Asking {
        candidates: Arc<[MemberIndex]>,
    },
    Running {
        member: MemberIndex,
        pass: Pass,
        activity: Activity,
    },
}

/// The agents of a host and all that wait for them.
///
/// A run submits a [`Demand`] for each attempt it wants and gets a [`Ticket`].
/// The fleet picks the next ticket by urgency and the agent by load, never
/// above what the host, the run or the agent allows.
#[derive(Debug)]
pub struct Fleet {
    pub(super) members: Vec<Member>,
    pub(super) room: Room,
    pub(super) policy: FleetPolicy,
    pub(super) tickets: BTreeMap<Ticket, Held>,
    pub(super) lines: BTreeMap<LineKey, Line>,
    last_ticket: u64,
    unmet: BTreeMap<Ticket, Refusal>,
}

impl Fleet {
    /// A fleet of these agents, all idle.
    #[must_use]
    pub fn new(policy: FleetPolicy, agents: impl IntoIterator<Item = Arc<AgentProfile>>) -> Self {
        let lane = policy.emergency_reserve.min(1);
        let mut members: Vec<_> = agents
            .into_iter()
            .map(|profile| Member::new(profile, policy.breaker, lane))
            .collect();
        members.sort_by(|a, b| a.profile.name.cmp(&b.profile.name));
        let host = Lane::new(policy.capacity, policy.emergency_reserve);
        Self {
            members,
            room: Room::new(host, policy.limits.clone()),
            policy,
            tickets: BTreeMap::new(),
            lines: BTreeMap::new(),
            last_ticket: 0,
            unmet: BTreeMap::new(),
        }
    }

    /// Takes in a run. What it has under way also counts for the run `around`
    /// it, if there is one.
    pub fn enter(&mut self, limits: RunLimits, around: Option<RunSlot>) -> RunSlot {
        self.room.enter(limits, around)
    }

    /// Forgets a run that has no ticket left.
    pub fn leave(&mut self, run: RunSlot) {
        debug_assert!(self.tickets.values().all(|held| held.run != run));
        self.room.leave(run);
        self.lines.retain(|key, _| key.run != run);
    }

    /// Queues a demand.
    pub fn submit(&mut self, now: Timestamp, run: RunSlot, demand: Demand) -> Ticket {
        self.last_ticket += 1;
        let ticket = Ticket(self.last_ticket);
        let held = Held {
            run,
            demand,
            submitted: now,
            state: TicketState::Queued,
        };
        self.offer(ticket, held);
        ticket
    }

    /// Lines a ticket up for those that may serve it, if there is anybody.
    pub(super) fn offer(&mut self, ticket: Ticket, held: Held) {
        let (candidates, considered) = self.candidates(&held.demand);
        if candidates.is_empty() {
            let refusal = Refusal {
                code: FailureCode::NoCapableAgent,
                role: held.demand.role,
                agent: held.demand.agent,
                considered,
            };
            self.unmet.insert(ticket, refusal);
            return;
        }
        self.enqueue(ticket, &held, candidates, false);
        self.tickets.insert(ticket, held);
    }

    /// Gives up a ticket that is queued or being asked about, and says whether
    /// it is gone. One that runs stays until [`ended`](Self::ended).
    pub fn withdraw(&mut self, ticket: Ticket) -> bool {
        self.unmet.remove(&ticket);
        match self.tickets.get(&ticket).map(|held| &held.state) {
            Some(TicketState::Queued) => {
                self.tickets.remove(&ticket);
            }
            Some(TicketState::Asking { .. }) => {
                if let Some(held) = self.tickets.remove(&ticket) {
                    self.room.free(held.guest(), None);
                }
            }
            Some(TicketState::Running { .. }) => return false,
            None => {}
        }
        true
    }

    /// Takes the answers to [`FleetAction::Ask`]: of an agent without one it is
    /// not known whether it can. The answers to a ticket that was withdrawn in
    /// the meantime are dropped.
    pub fn answered(
        &mut self,
        now: Timestamp,
        ticket: Ticket,
        answers: Vec<(AgentName, Answer)>,
        actions: &mut Vec<FleetAction>,
    ) {
        let Some(held) = self.tickets.get_mut(&ticket) else {
            return;
        };
        let TicketState::Asking { candidates } = &held.state else {
            return;
        };
        let answers: BTreeMap<_, _> = answers.into_iter().collect();
        let (mut capable, mut unasked) = (Vec::new(), Vec::new());
        let mut considered = Vec::new();
        for index in candidates.iter() {
            let member = &mut self.members[*index];
            let agent = member.profile.name.clone();
            if member.is_gone || member.conduct.set_aside {
                // Since it was asked.
                let why_not = match member.is_gone {
                    true => WhyNot::Gone,
                    false => WhyNot::SetAside(member.conduct),
                };
                considered.push(Considered { agent, why_not });
                continue;
            }
            let why_not = match answers.get(&agent) {
                Some(Answer::Capable) => {
                    capable.push(*index);
                    continue;
                }
                Some(Answer::Failed(failure)) => {
                    let before = member.breaker.state();
                    member.breaker.question_failed(now);
                    let state = member.breaker.state();
                    if state != before {
                        let agent = agent.clone();
                        actions.push(FleetAction::BreakerMoved { agent, state });
                    }
                    WhyNot::FailedToAnswer(failure.clone())
                }
                Some(Answer::Declined) => WhyNot::Declined,
                None => {
                    unasked.push(*index);
                    continue;
                }
            };
            considered.push(Considered { agent, why_not });
        }
        held.state = TicketState::Queued;
        let Some(held) = self.tickets.remove(&ticket) else {
            return;
        };
        self.room.free(held.guest(), None);
        let (candidates, asked) = match (capable.is_empty(), unasked.is_empty()) {
            (false, _) => (capable, true),
            // Whoever was given a rest may be capable when it is over.
            (true, false) => (unasked, false),
            (true, true) => {
                let refusal = Refusal {
                    code: FailureCode::NoCapableAgent,
                    role: held.demand.role,
                    agent: held.demand.agent,
                    considered,
                };
                self.unmet.insert(ticket, refusal);
                return;
            }
        };
        self.enqueue(ticket, &held, candidates, asked);
        self.tickets.insert(ticket, held);
    }

    /// The agent at work on a ticket says what it is doing.
    pub fn activity(&mut self, ticket: Ticket, now_doing: Activity) {
        if let Some(Held {
            state: TicketState::Running {
                member, activity, ..
            },
            ..
        }) = self.tickets.get_mut(&ticket)
        {
            self.members[*member].moved(*activity, now_doing);
            *activity = now_doing;
        }
    }

    /// An assigned attempt ended, however it did.
    pub fn ended(
        &mut self,
        now: Timestamp,
        ticket: Ticket,
        verdict: Verdict,
        actions: &mut Vec<FleetAction>,
    ) {
        let Some(held) = self.tickets.get(&ticket) else {
            return;
        };
        let TicketState::Running {
            member,
            pass,
            activity,
        } = held.state
        else {
            return;
        };
        let member = &mut self.members[member];
        let guest = held.guest();
        self.room.free(guest, Some(&member.profile.name));
        member.end(activity, guest.is_emergency);
        self.tickets.remove(&ticket);
        let before = member.breaker.state();
        member.breaker.record(now, pass, verdict);
        let state = member.breaker.state();
        if state != before {
            actions.push(FleetAction::BreakerMoved {
                agent: member.profile.name.clone(),
                state,
            });
        }
    }

    /// Hands out what can be handed out now.
    pub fn dispatch(&mut self, now: Timestamp, actions: &mut Vec<FleetAction>) {
        while let Some((ticket, refusal)) = self.unmet.pop_first() {
            actions.push(FleetAction::Refuse { ticket, refusal });
        }
        self.drop_withdrawn();
        while let Some((key, step)) = self.next_step(now) {
            let Some(ticket) = self.lines.get_mut(&key).and_then(Line::pop) else {
                break;
            };
            self.take(now, ticket.ticket(), &key, step, actions);
            self.drop_withdrawn_from(&key);
        }
    }

    /// When [`dispatch`](Self::dispatch) can do more although nothing happens:
    /// the earliest probe that a waiting ticket may be, or the earliest start
    /// that a rate allows.
    #[must_use]
    pub fn next_wake(&self, now: Timestamp) -> Option<Timestamp> {
        let waiting = self.lines.iter().filter(|(_, line)| line.peek().is_some());
        let wakes = waiting.flat_map(|(key, _)| {
            let guest = key.guest();
            key.candidates.iter().filter_map(move |index| {
                let member = &self.members[*index];
                let rested = member.breaker.closed_until(now);
                let rated = self.room.opens_at(now, guest, &member.profile.name);
                rested.max(rated)
            })
        });
        wakes.min()
    }

    /// The agents in the order of names.
    pub fn agents(&self) -> impl Iterator<Item = AgentLoad> {
        let mut members: Vec<_> = self.members.iter().filter(|one| !one.is_gone).collect();
        members.sort_by(|a, b| a.profile.name.cmp(&b.profile.name));
        members.into_iter().map(|member| AgentLoad {
            profile: Arc::clone(&member.profile),
            breaker: member.breaker.state(),
            conduct: member.conduct,
            running: member.running(),
        })
    }

    /// Whether nothing is under way.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.room.is_empty() && self.members.iter().all(|member| member.lane.is_empty())
    }

    fn candidates(&self, demand: &Demand) -> (Vec<MemberIndex>, Vec<Considered>) {
        let (mut candidates, mut considered) = (Vec::new(), Vec::new());
        for (index, member) in self.members.iter().enumerate() {
            let profile = &member.profile;
            if member.is_gone {
                continue;
            }
            if demand
                .agent
                .as_ref()
                .is_some_and(|pin| *pin != profile.name)
            {
                continue;
            }
            let missing = demand.mounts.iter().find(|name| !profile.is_granted(name));
            let why_not = match missing {
                _ if !profile.has_role(&demand.role) => WhyNot::OtherRole,
                Some(mount) => WhyNot::NotGranted(mount.clone()),
                None if member.conduct.set_aside => WhyNot::SetAside(member.conduct),
                None => {
                    candidates.push(index);
                    continue;
                }
            };
            considered.push(Considered {
                agent: profile.name.clone(),
                why_not,
            });
        }
        (candidates, considered)
    }

    fn enqueue(&mut self, ticket: Ticket, held: &Held, candidates: Vec<MemberIndex>, asked: bool) {
        let key = LineKey {
            run: held.run,
            role: held.demand.role.clone(),
            is_emergency: held.demand.priority == Priority::Emergency,
            settled: asked || (candidates.len() == 1 && !held.demand.must_ask),
            candidates: candidates.into(),
            has_fallback: held.demand.has_fallback,
        };
        let urgency = Urgency::new(held.demand.priority, held.submitted, ticket);
        self.lines.entry(key).or_default().push(urgency);
    }

    /// Forgets the heads of lines whose tickets are gone, and lines without any.
    fn drop_withdrawn(&mut self) {
        let tickets = &self.tickets;
        self.lines.retain(|_, line| has_head(line, tickets));
    }

    /// The same of one line.
    fn drop_withdrawn_from(&mut self, key: &LineKey) {
        let line = self.lines.get_mut(key);
        if line.is_some_and(|line| !has_head(line, &self.tickets)) {
            self.lines.remove(key);
        }
    }

    fn take(
        &mut self,
        now: Timestamp,
        ticket: Ticket,
        key: &LineKey,
        step: Step,
        actions: &mut Vec<FleetAction>,
    ) {
        match step {
            Step::CircuitOpen => {
                let considered = self.open_breakers(now, &key.candidates);
                if let Some(held) = self.tickets.remove(&ticket) {
                    let refusal = Refusal {
                        code: FailureCode::CircuitOpen,
                        role: held.demand.role,
                        agent: held.demand.agent,
                        considered,
                    };
                    actions.push(FleetAction::Refuse { ticket, refusal });
                }
            }
            Step::Ask => {
                let candidates = Arc::clone(&key.candidates);
                // An agent that is given a rest is not asked either.
                let agents = candidates
                    .iter()
                    .filter(|index| self.members[**index].breaker.closed_until(now).is_none())
                    .map(|index| self.members[*index].profile.name.clone())
                    .collect();
                if let Some(held) = self.tickets.get_mut(&ticket) {
                    self.room.take(held.guest());
                    held.state = TicketState::Asking { candidates };
                }
                actions.push(FleetAction::Ask { ticket, agents });
            }
            Step::Assign(index) => self.assign(now, ticket, index, actions),
        }
    }

    fn assign(
        &mut self,
        now: Timestamp,
        ticket: Ticket,
        index: MemberIndex,
        actions: &mut Vec<FleetAction>,
    ) {
        let Some(held) = self.tickets.get_mut(&ticket) else {
            return;
        };
        let member = &mut self.members[index];
        let before = member.breaker.state();
        let Admission::Admitted(pass) = member.breaker.admit(now, held.demand.time) else {
            debug_assert!(false, "a step is only taken with a breaker that admits");
            return;
        };
        let agent = member.profile.name.clone();
        let state = member.breaker.state();
        if state != before {
            actions.push(FleetAction::BreakerMoved {
                agent: agent.clone(),
                state,
            });
        }
        let guest = held.guest();
        member.start(guest.is_emergency);
        self.room.take(guest);
        self.room.start(now, guest, &agent);
        held.state = TicketState::Running {
            member: index,
            pass,
            activity: Activity::default(),
        };
        actions.push(FleetAction::Assign { ticket, agent });
    }

    fn open_breakers(&self, now: Timestamp, candidates: &[MemberIndex]) -> Vec<Considered> {
        candidates
            .iter()
            .map(|index| &self.members[*index])
            .filter_map(|member| {
                let until = member.breaker.closed_until(now)?;
                Some(Considered {
                    agent: member.profile.name.clone(),
                    why_not: WhyNot::CircuitOpen(until),
                })
            })
            .collect()
    }
}

/// Forgets the heads of a line whose tickets are gone. False if nothing is left.
fn has_head(line: &mut Line, tickets: &BTreeMap<Ticket, Held>) -> bool {
    while line
        .peek()
        .is_some_and(|head| !tickets.contains_key(&head.ticket()))
    {
        line.pop();
    }
    line.peek().is_some()
}

#[cfg(test)]
mod tests;
