//! The fleet itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::member::Member;
use super::queue::{Line, Urgency};
use super::{Answer, Considered, Demand, Refusal, WhyNot};
use crate::{
    Activity, Admission, AgentName, AgentProfile, BreakerPolicy, BreakerState, FailureCode, Pass,
    Timestamp, Verdict,
};

/// What holds for a whole host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FleetPolicy {
    /// How many attempts may be under way at once, emergencies aside.
    pub capacity: u32,
    /// How many more are kept free for emergencies.
    pub emergency_reserve: u32,
    /// The breaker of each agent.
    pub breaker: BreakerPolicy,
}

/// A demand in the fleet's hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub(super) u64);

/// A run in the fleet's hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunSlot(u64);

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
    /// An agent's breaker moved.
    BreakerMoved {
        /// The agent.
        agent: AgentName,
        /// Where it is now.
        state: BreakerState,
    },
}

/// Which member of the fleet.
type MemberIndex = usize;

/// The tickets of one run that the same agents may serve wait in one line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct LineKey {
    run: RunSlot,
    candidates: Arc<[MemberIndex]>,
    /// Whether the candidates have said that they can handle the task, or
    /// need not be asked.
    settled: bool,
    has_fallback: bool,
}

#[derive(Debug)]
struct Held {
    run: RunSlot,
    demand: Demand,
    submitted: Timestamp,
    state: TicketState,
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

#[derive(Debug)]
struct RunShare {
    limit: u32,
    under_way: u32,
}

/// The agents of a host and all that wait for them.
///
/// A run submits a [`Demand`] for each attempt it wants and gets a [`Ticket`].
/// The fleet picks the next ticket by urgency and the agent by load, never
/// above what the host, the run or the agent allows.
#[derive(Debug)]
pub struct Fleet {
    policy: FleetPolicy,
    members: Vec<Member>,
    runs: BTreeMap<RunSlot, RunShare>,
    tickets: BTreeMap<Ticket, Held>,
    lines: BTreeMap<LineKey, Line>,
    under_way: u32,
    last_ticket: u64,
    last_run: u64,
    unmet: Vec<(Ticket, Refusal)>,
}

impl Fleet {
    /// A fleet of these agents, all idle.
    #[must_use]
    pub fn new(policy: FleetPolicy, agents: impl IntoIterator<Item = Arc<AgentProfile>>) -> Self {
        let mut members: Vec<_> = agents
            .into_iter()
            .map(|profile| Member::new(profile, policy.breaker))
            .collect();
        members.sort_by(|a, b| a.profile.name.cmp(&b.profile.name));
        Self {
            policy,
            members,
            runs: BTreeMap::new(),
            tickets: BTreeMap::new(),
            lines: BTreeMap::new(),
            under_way: 0,
            last_ticket: 0,
            last_run: 0,
            unmet: Vec::new(),
        }
    }

    /// Takes in a run of which at most `limit` attempts may be under way.
    pub fn enter(&mut self, limit: u32) -> RunSlot {
        self.last_run += 1;
        let slot = RunSlot(self.last_run);
        self.runs.insert(
            slot,
            RunShare {
                limit,
                under_way: 0,
            },
        );
        slot
    }

    /// Forgets a run that has no ticket left.
    pub fn leave(&mut self, run: RunSlot) {
        debug_assert!(self.tickets.values().all(|held| held.run != run));
        self.runs.remove(&run);
        self.lines.retain(|key, _| key.run != run);
    }

    /// Queues a demand.
    pub fn submit(&mut self, now: Timestamp, run: RunSlot, demand: Demand) -> Ticket {
        self.last_ticket += 1;
        let ticket = Ticket(self.last_ticket);
        let (candidates, considered) = self.candidates(&demand);
        if candidates.is_empty() {
            let refusal = Refusal {
                code: FailureCode::NoCapableAgent,
                role: demand.role,
                agent: demand.agent,
                considered,
            };
            self.unmet.push((ticket, refusal));
            return ticket;
        }
        let held = Held {
            run,
            demand,
            submitted: now,
            state: TicketState::Queued,
        };
        self.enqueue(ticket, &held, candidates, false);
        self.tickets.insert(ticket, held);
        ticket
    }

    /// Gives up a ticket that is queued or being asked about. One that runs
    /// stays until [`ended`](Self::ended).
    pub fn withdraw(&mut self, ticket: Ticket) {
        self.unmet.retain(|(unmet, _)| *unmet != ticket);
        match self.tickets.get(&ticket).map(|held| &held.state) {
            Some(TicketState::Queued) => {
                self.tickets.remove(&ticket);
            }
            Some(TicketState::Asking { .. }) => {
                self.free_share(ticket);
                self.tickets.remove(&ticket);
            }
            Some(TicketState::Running { .. }) | None => {}
        }
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
        self.free_share(ticket);
        let Some(held) = self.tickets.remove(&ticket) else {
            return;
        };
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
                self.unmet.push((ticket, refusal));
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
        self.free_share(ticket);
        self.tickets.remove(&ticket);
        let member = &mut self.members[member];
        member.end(activity);
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
        for (ticket, refusal) in self.unmet.drain(..) {
            actions.push(FleetAction::Refuse { ticket, refusal });
        }
        while let Some((key, step)) = self.next_step(now) {
            let Some(ticket) = self.lines.get_mut(&key).and_then(Line::pop) else {
                break;
            };
            self.take(now, ticket.ticket(), &key, step, actions);
        }
    }

    /// When [`dispatch`](Self::dispatch) can do more although nothing happens:
    /// the earliest probe that a waiting ticket may be.
    #[must_use]
    pub fn next_wake(&self, now: Timestamp) -> Option<Timestamp> {
        self.lines
            .iter()
            .filter(|(_, line)| line.peek().is_some())
            .flat_map(|(key, _)| key.candidates.iter())
            .filter_map(|index| self.members[*index].breaker.closed_until(now))
            .min()
    }

    /// The breaker and the number of attempts under way of each agent, in the
    /// order of names.
    pub fn agents(&self) -> impl Iterator<Item = (&Arc<AgentProfile>, BreakerState, u32)> {
        self.members
            .iter()
            .map(|member| (&member.profile, member.breaker.state(), member.running()))
    }

    fn candidates(&self, demand: &Demand) -> (Vec<MemberIndex>, Vec<Considered>) {
        let (mut candidates, mut considered) = (Vec::new(), Vec::new());
        for (index, member) in self.members.iter().enumerate() {
            let profile = &member.profile;
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
            settled: asked || candidates.len() == 1,
            candidates: candidates.into(),
            has_fallback: held.demand.has_fallback,
        };
        let urgency = Urgency::new(held.demand.priority, held.submitted, ticket);
        self.lines.entry(key).or_default().push(urgency);
    }

    /// The most urgent ticket that something can be done with, and what.
    fn next_step(&mut self, now: Timestamp) -> Option<(LineKey, Step)> {
        let tickets = &self.tickets;
        self.lines.retain(|_, line| {
            while line
                .peek()
                .is_some_and(|head| !tickets.contains_key(&head.ticket()))
            {
                line.pop();
            }
            line.peek().is_some()
        });
        self.lines
            .iter()
            .filter_map(|(key, line)| Some((line.peek()?, key)))
            .filter_map(|(head, key)| Some((head, key, self.step(now, head, key)?)))
            .min_by_key(|(head, _, _)| *head)
            .map(|(_, key, step)| (key.clone(), step))
    }

    fn step(&self, now: Timestamp, head: Urgency, key: &LineKey) -> Option<Step> {
        let open = |index: &MemberIndex| self.members[*index].breaker.closed_until(now).is_some();
        if key.has_fallback && key.candidates.iter().all(open) {
            return Some(Step::CircuitOpen);
        }
        if !self.has_room(head, key.run) {
            return None;
        }
        let best = key
            .candidates
            .iter()
            .filter(|index| self.members[**index].has_slot() && !open(index))
            .min_by_key(|index| self.members[**index].rank())?;
        Some(if key.settled {
            Step::Assign(*best)
        } else {
            Step::Ask
        })
    }

    fn has_room(&self, head: Urgency, run: RunSlot) -> bool {
        let reserve = if head.is_emergency() {
            self.policy.emergency_reserve
        } else {
            0
        };
        let host = self.under_way < self.policy.capacity.saturating_add(reserve);
        let share = self.runs.get(&run);
        host && share.is_some_and(|share| share.under_way < share.limit)
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
                self.take_share(key.run);
                let candidates = Arc::clone(&key.candidates);
                // An agent that is given a rest is not asked either.
                let agents = candidates
                    .iter()
                    .filter(|index| self.members[**index].breaker.closed_until(now).is_none())
                    .map(|index| self.members[*index].profile.name.clone())
                    .collect();
                if let Some(held) = self.tickets.get_mut(&ticket) {
                    held.state = TicketState::Asking { candidates };
                }
                actions.push(FleetAction::Ask { ticket, agents });
            }
            Step::Assign(index) => self.assign(now, ticket, key.run, index, actions),
        }
    }

    fn assign(
        &mut self,
        now: Timestamp,
        ticket: Ticket,
        run: RunSlot,
        index: MemberIndex,
        actions: &mut Vec<FleetAction>,
    ) {
        let time = self.tickets.get(&ticket).map(|held| held.demand.time);
        let member = &mut self.members[index];
        let before = member.breaker.state();
        let Admission::Admitted(pass) = member.breaker.admit(now, time.unwrap_or_default()) else {
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
        member.start();
        self.take_share(run);
        if let Some(held) = self.tickets.get_mut(&ticket) {
            held.state = TicketState::Running {
                member: index,
                pass,
                activity: Activity::default(),
            };
        }
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

    fn take_share(&mut self, run: RunSlot) {
        self.under_way += 1;
        if let Some(share) = self.runs.get_mut(&run) {
            share.under_way += 1;
        }
    }

    fn free_share(&mut self, ticket: Ticket) {
        self.under_way -= 1;
        let run = self.tickets.get(&ticket).map(|held| held.run);
        if let Some(share) = run.and_then(|run| self.runs.get_mut(&run)) {
            share.under_way -= 1;
        }
    }
}

#[derive(Clone, Copy)]
enum Step {
    Ask,
    Assign(MemberIndex),
    CircuitOpen,
}

#[cfg(test)]
mod tests;
