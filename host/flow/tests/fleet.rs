//! A fleet under random traffic: whatever is submitted, asked, ended and
//! withdrawn, it keeps within every limit, loses no slot and starves nobody.
//!
//! `RINGFENCE_CASES` sets how many histories are tried.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use ringfence_flow::{
    AgentName, AgentProfile, Answer, BreakerPolicy, ConductPolicy, ContentHash, Demand, Fleet,
    FleetAction, FleetPolicy, Limit, Limits, MAX_EMERGENCIES_IN_A_ROW, Priority, Role, RunLimits,
    RunSlot, Ticket, Timestamp, Verdict,
};

const ROLES: [&str; 3] = ["build", "check", "ship"];
const AGENTS: [(&str, &[usize]); 4] = [("a", &[0]), ("b", &[0, 1]), ("c", &[1, 2]), ("d", &[2])];

/// One thing that happens. Numbers are taken modulo what is there.
#[derive(Clone, Debug)]
enum Step {
    Submit {
        run: usize,
        role: usize,
        priority: usize,
        must_ask: bool,
    },
    End {
        which: usize,
        failed: bool,
    },
    Answer {
        which: usize,
        says: u8,
    },
    Withdraw {
        which: usize,
    },
    Wait {
        millis: u64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        5 => (0..3_usize, 0..3_usize, 0..5_usize, any::<bool>()).prop_map(
            |(run, role, priority, must_ask)| Step::Submit { run, role, priority, must_ask }),
        4 => (index(), prop::bool::weighted(0.2))
            .prop_map(|(which, failed)| Step::End { which: which.index(1_000), failed }),
        3 => (index(), 0..4_u8).prop_map(|(which, says)| Step::Answer { which: which.index(1_000), says }),
        1 => index().prop_map(|which| Step::Withdraw { which: which.index(1_000) }),
        2 => (0..2_000_u64).prop_map(|millis| Step::Wait { millis }),
    ]
}

fn limit() -> impl Strategy<Value = Limit> {
    let rates = prop::sample::select(vec!["1/s", "3/s", "5/m"]);
    (
        prop::option::weighted(0.5, 1..4_u32),
        prop::option::weighted(0.4, rates),
    )
        .prop_map(|(concurrency, rate)| Limit {
            concurrency,
            rate: rate.map(|rate| rate.parse().unwrap()),
        })
}

fn limits() -> impl Strategy<Value = Limits> {
    let roles = prop::collection::btree_map(0..3_usize, limit(), 0..2);
    let agents = prop::collection::btree_map(0..4_usize, limit(), 0..2);
    (roles, agents).prop_map(|(roles, agents)| Limits {
        roles: roles
            .into_iter()
            .map(|(n, limit)| (role(n), limit))
            .collect(),
        agents: agents
            .into_iter()
            .map(|(n, limit)| (agent(n), limit))
            .collect(),
    })
}

fn role(n: usize) -> Role {
    Role::new(ROLES[n]).unwrap()
}

fn agent(n: usize) -> AgentName {
    AgentName::new(AGENTS[n].0).unwrap()
}

/// A host: its own limits, those of three runs of which the last lies inside
/// the first, and how many instances each agent has.
#[derive(Clone, Debug)]
struct Setup {
    capacity: u32,
    reserve: u32,
    host: Limits,
    runs: [(u32, Limits); 3],
    instances: [u32; 4],
}

fn setup() -> impl Strategy<Value = Setup> {
    let run = || (1..5_u32, limits());
    (
        2..6_u32,
        0..3_u32,
        limits(),
        [run(), run(), run()],
        [1..3_u32, 1..3, 1..3, 1..3],
    )
        .prop_map(|(capacity, reserve, host, runs, instances)| Setup {
            capacity,
            reserve,
            host,
            runs,
            instances,
        })
}

/// What a ticket is doing, as the naive model sees it.
#[derive(Clone, Debug)]
struct Held {
    run: usize,
    role: usize,
    emergency: bool,
    state: State,
}

#[derive(Clone, Debug, PartialEq)]
enum State {
    Queued,
    Asked(Vec<AgentName>),
    Running(AgentName),
}

struct World {
    setup: Setup,
    fleet: Fleet,
    runs: Vec<RunSlot>,
    now: Timestamp,
    held: BTreeMap<Ticket, Held>,
    /// When attempts started: run, role, agent.
    starts: Vec<(Timestamp, usize, usize, AgentName)>,
}

impl World {
    fn new(setup: Setup) -> Self {
        let profile = |n: usize| {
            Arc::new(AgentProfile {
                name: agent(n),
                version: "1.0.0".into(),
                summary: "".into(),
                roles: AGENTS[n].1.iter().map(|n| role(*n)).collect(),
                hash: ContentHash::from_bytes([0; 32]),
                instances: setup.instances[n],
                mounts: [].into(),
            })
        };
        let policy = FleetPolicy {
            conduct: ConductPolicy::default(),
            capacity: setup.capacity,
            emergency_reserve: setup.reserve,
            breaker: BreakerPolicy::default(),
            limits: setup.host.clone(),
        };
        let mut fleet = Fleet::new(policy, (0..4).map(profile));
        let mut runs = Vec::new();
        for (n, (concurrency, limits)) in setup.runs.iter().enumerate() {
            let limits = RunLimits {
                concurrency: *concurrency,
                limits: limits.clone(),
            };
            let around = (n == 2).then(|| runs[0]);
            runs.push(fleet.enter(limits, around));
        }
        Self {
            setup,
            fleet,
            runs,
            now: Timestamp::from_unix(Duration::from_secs(1_000)),
            held: BTreeMap::new(),
            starts: Vec::new(),
        }
    }

    fn submit(&mut self, run: usize, role_n: usize, priority: Priority, must_ask: bool) -> Ticket {
        let demand = Demand {
            role: role(role_n),
            agent: None,
            mounts: [].into(),
            priority,
            time: Duration::from_secs(30),
            must_ask,
            has_fallback: false,
        };
        let ticket = self.fleet.submit(self.now, self.runs[run], demand);
        let held = Held {
            run,
            role: role_n,
            emergency: priority == Priority::Emergency,
            state: State::Queued,
        };
        self.held.insert(ticket, held);
        ticket
    }

    fn apply(&mut self, step: &Step) {
        match *step {
            Step::Submit {
                run,
                role,
                priority,
                must_ask,
            } => {
                self.submit(run, role, Priority::ALL[priority], must_ask);
            }
            Step::End { which, failed } => {
                if let Some(ticket) = self.nth(which, |s| matches!(s, State::Running(_))) {
                    let verdict = if failed {
                        Verdict::Failure
                    } else {
                        Verdict::Success
                    };
                    self.end(ticket, verdict);
                }
            }
            Step::Answer { which, says } => self.answer(which, says),
            Step::Withdraw { which } => {
                if let Some(ticket) = self.nth(which, |s| !matches!(s, State::Running(_))) {
                    self.fleet.withdraw(ticket);
                    self.held.remove(&ticket);
                }
            }
            Step::Wait { millis } => self.now = self.now.after(Duration::from_millis(millis)),
        }
        self.dispatch();
        self.check_limits();
    }

    fn nth(&self, which: usize, wanted: impl Fn(&State) -> bool) -> Option<Ticket> {
        let fitting: Vec<_> = self
            .held
            .iter()
            .filter(|(_, held)| wanted(&held.state))
            .collect();
        let index = which.checked_rem(fitting.len())?;
        Some(*fitting[index].0)
    }

    fn end(&mut self, ticket: Ticket, verdict: Verdict) {
        self.fleet.ended(self.now, ticket, verdict, &mut Vec::new());
        self.held.remove(&ticket);
    }

    fn answer(&mut self, which: usize, says: u8) {
        let Some(ticket) = self.nth(which, |state| matches!(state, State::Asked(_))) else {
            return;
        };
        let State::Asked(agents) = self.held[&ticket].state.clone() else {
            unreachable!("only such were looked for");
        };
        let answers = agents.into_iter().enumerate().map(|(n, agent)| {
            let says_no = says == 0 || (says == 1 && n == 0);
            (
                agent,
                if says_no {
                    Answer::Declined
                } else {
                    Answer::Capable
                },
            )
        });
        self.held.get_mut(&ticket).unwrap().state = State::Queued;
        self.fleet
            .answered(self.now, ticket, answers.collect(), &mut Vec::new());
    }

    fn dispatch(&mut self) -> Vec<Ticket> {
        let mut actions = Vec::new();
        self.fleet.dispatch(self.now, &mut actions);
        let mut assigned = Vec::new();
        for action in actions {
            match action {
                FleetAction::Ask { ticket, agents } => {
                    self.held.get_mut(&ticket).unwrap().state = State::Asked(agents);
                }
                FleetAction::Assign { ticket, agent } => {
                    let held = self.held.get_mut(&ticket).unwrap();
                    held.state = State::Running(agent.clone());
                    self.starts.push((self.now, held.run, held.role, agent));
                    assigned.push(ticket);
                }
                FleetAction::Refuse { ticket, .. } => drop(self.held.remove(&ticket)),
                FleetAction::BreakerMoved { .. }
                | FleetAction::Conducted { .. }
                | FleetAction::SetAside { .. } => {}
            }
        }
        assigned
    }

    /// Whether a ticket counts for run `n`.
    fn counts_for(held: &Held, n: usize) -> bool {
        held.run == n || (held.run == 2 && n == 0)
    }

    /// Everything that was promised, counted anew.
    fn check_limits(&self) {
        let busy = || {
            self.held
                .values()
                .filter(|held| held.state != State::Queued)
        };
        let (emergencies, normal): (Vec<_>, Vec<_>) = busy().partition(|held| held.emergency);
        let all = (emergencies.len() + normal.len()) as u32;
        assert!(
            all <= self.setup.capacity + self.setup.reserve,
            "{all} on the host"
        );
        assert!(
            normal.len() as u32 <= self.setup.capacity,
            "the lane is for emergencies"
        );
        for (n, (concurrency, limits)) in self.setup.runs.iter().enumerate() {
            let of_run = || busy().filter(move |held| Self::counts_for(held, n));
            assert!(of_run().count() as u32 <= *concurrency, "run {n}");
            Self::check_concurrency(limits, of_run);
            self.check_rates(limits, |run| run == n || (run == 2 && n == 0));
        }
        Self::check_concurrency(&self.setup.host, busy);
        self.check_rates(&self.setup.host, |_| true);
        for (n, instances) in self.setup.instances.iter().enumerate() {
            let of_agent = |held: &&Held| held.state == State::Running(agent(n));
            let lane = self.setup.reserve.min(1);
            let running = busy().filter(of_agent).count() as u32;
            assert!(running <= instances + lane, "agent {n}: {running}");
            let others = busy()
                .filter(of_agent)
                .filter(|held| !held.emergency)
                .count() as u32;
            assert!(others <= *instances, "agent {n}: {others}");
        }
    }

    fn check_concurrency<'a, I: Iterator<Item = &'a Held>>(limits: &Limits, busy: impl Fn() -> I) {
        for (name, limit) in &limits.roles {
            let count = busy().filter(|held| role(held.role) == *name).count() as u32;
            assert!(
                limit.concurrency.is_none_or(|most| count <= most),
                "role {name}: {count}"
            );
        }
        for (name, limit) in &limits.agents {
            let runs_at = |held: &&Held| held.state == State::Running(name.clone());
            let count = busy().filter(runs_at).count() as u32;
            assert!(
                limit.concurrency.is_none_or(|most| count <= most),
                "agent {name}: {count}"
            );
        }
    }

    fn check_rates(&self, limits: &Limits, counts: impl Fn(usize) -> bool) {
        let of = |wanted: &dyn Fn(usize, &AgentName) -> bool| -> Vec<Timestamp> {
            let starts = self.starts.iter();
            let fitting =
                starts.filter(|(_, run, role, agent)| counts(*run) && wanted(*role, agent));
            fitting.map(|(at, ..)| *at).collect()
        };
        let check = |limit: &Limit, starts: Vec<Timestamp>| {
            let Some(rate) = limit.rate else { return };
            let most = rate.starts() as usize;
            let too_close = starts
                .windows(most + 1)
                .any(|w| w[most].since(w[0]) < rate.period());
            assert!(!too_close, "{rate}");
        };
        for (name, limit) in &limits.roles {
            check(limit, of(&|n, _| role(n) == *name));
        }
        for (name, limit) in &limits.agents {
            check(limit, of(&|_, agent| agent == name));
        }
    }

    /// Lets everything that waits come to an end.
    fn drain(&mut self) {
        for _ in 0..100_000 {
            self.dispatch();
            self.check_limits();
            if let Some(ticket) = self.nth(0, |state| matches!(state, State::Running(_))) {
                self.end(ticket, Verdict::Success);
            } else if self
                .nth(0, |state| matches!(state, State::Asked(_)))
                .is_some()
            {
                self.answer(0, 3);
            } else if self.held.is_empty() {
                return;
            } else {
                let wake = self.fleet.next_wake(self.now);
                self.now = wake.expect("something waits, and nothing will ever happen");
            }
        }
        panic!("{} tickets are never served", self.held.len());
    }
}

fn cases() -> u32 {
    std::env::var("RINGFENCE_CASES").ok().map_or(1_000, |text| {
        text.parse().expect("RINGFENCE_CASES is a number")
    })
}

fn runner() -> TestRunner {
    TestRunner::new(ProptestConfig {
        cases: cases(),
        failure_persistence: None,
        ..ProptestConfig::default()
    })
}

#[test]
fn no_limit_is_broken_and_no_slot_is_lost() {
    let strategy = (setup(), prop::collection::vec(step(), 1..120));
    runner()
        .run(&strategy, |(setup, steps)| {
            let mut world = World::new(setup);
            steps.iter().for_each(|step| world.apply(step));
            world.drain();
            prop_assert!(world.fleet.is_idle(), "slots leak");
            world.runs.iter().for_each(|run| world.fleet.leave(*run));
            Ok(())
        })
        .unwrap();
}

#[test]
fn nobody_starves_under_an_endless_stream_of_emergencies() {
    let strategy = (
        0..3_u32,
        [1..3_u32, 1..3, 1..3, 1..3],
        2..5_u32,
        (0..2_usize, 0..3_usize),
        0..4_usize,
    );
    runner()
        .run(
            &strategy,
            |(reserve, instances, capacity, (run, waiting_role), priority)| {
                let mut world = World::new(Setup {
                    capacity,
                    reserve,
                    host: Limits::default(),
                    runs: [0; 3].map(|_| (100, Limits::default())),
                    instances,
                });
                let refill = |world: &mut World| {
                    for role in 0..3 {
                        let queued = |held: &&Held| {
                            held.role == role && held.emergency && held.state == State::Queued
                        };
                        let missing =
                            4_usize.saturating_sub(world.held.values().filter(queued).count());
                        for _ in 0..missing {
                            world.submit(0, role, Priority::Emergency, false);
                        }
                    }
                };
                refill(&mut world);
                world.dispatch();
                let patient = world.submit(run, waiting_role, Priority::ALL[priority], false);
                // Each start of one of the others counts; so do answers.
                let most = 40 * (1 + MAX_EMERGENCIES_IN_A_ROW as usize);
                for _ in 0..most {
                    refill(&mut world);
                    world.now = world.now.after(Duration::from_millis(10));
                    if world
                        .nth(0, |state| matches!(state, State::Asked(_)))
                        .is_some()
                    {
                        world.answer(0, 3);
                    } else if let Some(ticket) =
                        world.nth(world.starts.len(), |s| matches!(s, State::Running(_)))
                    {
                        world.end(ticket, Verdict::Success);
                    }
                    if world.dispatch().contains(&patient) {
                        return Ok(());
                    }
                }
                Err(TestCaseError::fail("it waits for ever"))
            },
        )
        .unwrap();
}

#[test]
fn below_emergencies_only_who_was_due_earlier_overtakes() {
    let start = |priority: Priority| priority.head_start().as_secs();
    let submissions = prop::collection::vec((0..4_usize, 0..200_u64), 2..40);
    runner()
        .run(&submissions, |submissions| {
            let mut world = World::new(Setup {
                capacity: 1,
                reserve: 0,
                host: Limits::default(),
                runs: [0; 3].map(|_| (1, Limits::default())),
                instances: [1; 4],
            });
            // One after the other at the only slot, which is taken at first.
            let blocker = world.submit(1, 0, Priority::Critical, false);
            let mut due = BTreeMap::new();
            while world.held[&blocker].state == State::Queued
                || matches!(world.held[&blocker].state, State::Asked(_))
            {
                world.dispatch();
                world.answer(0, 3);
            }
            let mut seconds = 0;
            for (priority, wait) in &submissions {
                seconds += wait;
                world.now = Timestamp::from_unix(Duration::from_secs(2_000 + seconds));
                let priority = Priority::ALL[*priority];
                // `ship` has agents of its own, of which each is asked.
                let ticket = world.submit(1, 0, priority, false);
                due.insert(ticket, 2_000 + seconds - start(priority));
            }
            world.end(blocker, Verdict::Success);
            let mut served = Vec::new();
            while served.len() < submissions.len() {
                for ticket in world.dispatch() {
                    served.push(ticket);
                    world.end(ticket, Verdict::Success);
                }
                world.answer(0, 3);
            }
            let in_order: Vec<_> = served.iter().map(|ticket| due[ticket]).collect();
            prop_assert!(in_order.is_sorted(), "{in_order:?}");
            let all: BTreeSet<_> = served.into_iter().collect();
            prop_assert_eq!(all.len(), submissions.len());
            Ok(())
        })
        .unwrap();
}
