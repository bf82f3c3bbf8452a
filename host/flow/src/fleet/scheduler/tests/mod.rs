mod emergency;
mod limits;
mod roster;

use std::time::Duration;

use super::*;
use crate::{ContentHash, MountAccess, MountGrant, MountName, Priority, Role};

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_unix(Duration::from_secs(seconds))
}

fn name(text: &str) -> AgentName {
    AgentName::new(text).unwrap()
}

fn agent(text: &str, role: &str, instances: u32) -> Arc<AgentProfile> {
    Arc::new(AgentProfile {
        name: name(text),
        version: "1.0.0".into(),
        summary: "".into(),
        roles: [Role::new(role).unwrap()].into(),
        hash: ContentHash::from_bytes([0; 32]),
        instances,
        mounts: [MountGrant {
            name: MountName::new("src").unwrap(),
            access: MountAccess::ReadOnly,
        }]
        .into(),
    })
}

fn demand(role: &str) -> Demand {
    Demand {
        role: Role::new(role).unwrap(),
        agent: None,
        mounts: [].into(),
        priority: Priority::Normal,
        time: Duration::from_secs(30),
        must_ask: false,
        has_fallback: false,
    }
}

fn fleet(capacity: u32, agents: impl IntoIterator<Item = Arc<AgentProfile>>) -> Fleet {
    let policy = FleetPolicy {
        conduct: ConductPolicy::default(),
        capacity,
        emergency_reserve: 1,
        breaker: BreakerPolicy {
            threshold: 2,
            ..BreakerPolicy::default()
        },
        limits: Limits::default(),
    };
    Fleet::new(policy, agents)
}

fn dispatch(fleet: &mut Fleet, now: Timestamp) -> Vec<FleetAction> {
    let mut actions = Vec::new();
    fleet.dispatch(now, &mut actions);
    actions
}

fn end(fleet: &mut Fleet, now: Timestamp, ticket: Ticket, verdict: Verdict) -> Vec<FleetAction> {
    let mut actions = Vec::new();
    fleet.ended(now, ticket, verdict, &mut actions);
    actions
}

fn answer(fleet: &mut Fleet, ticket: Ticket, answers: Vec<(AgentName, Answer)>) {
    fleet.answered(at(0), ticket, answers, &mut Vec::new());
}

fn assigned(actions: &[FleetAction]) -> Vec<(Ticket, &str)> {
    actions
        .iter()
        .filter_map(|action| match action {
            FleetAction::Assign { ticket, agent } => Some((*ticket, agent.as_str())),
            _ => None,
        })
        .collect()
}

#[test]
fn an_agent_never_has_more_attempts_than_instances() {
    let mut fleet = fleet(10, [agent("solo", "tester", 2)]);
    let run = fleet.enter(RunLimits::at_once(10), None);
    let tickets: Vec<_> = (0..3)
        .map(|_| fleet.submit(at(0), run, demand("tester")))
        .collect();
    assert_eq!(assigned(&dispatch(&mut fleet, at(0))).len(), 2);
    assert!(dispatch(&mut fleet, at(0)).is_empty());
    end(&mut fleet, at(1), tickets[0], Verdict::Success);
    assert_eq!(
        assigned(&dispatch(&mut fleet, at(1))),
        [(tickets[2], "solo")]
    );
}

#[test]
fn a_run_and_the_host_have_limits_of_their_own() {
    let mut fleet = fleet(3, [agent("solo", "tester", 100)]);
    let (small, large) = (
        fleet.enter(RunLimits::at_once(1), None),
        fleet.enter(RunLimits::at_once(100), None),
    );
    for run in [small, small, large, large, large] {
        fleet.submit(at(0), run, demand("tester"));
    }
    assert_eq!(assigned(&dispatch(&mut fleet, at(0))).len(), 3);
    assert_eq!(fleet.room.under_way(small), 1, "the run's limit");
    assert_eq!(fleet.room.under_way(large), 2, "the host's capacity");
}

#[test]
fn an_emergency_goes_first_and_also_when_the_host_is_full() {
    let mut fleet = fleet(1, [agent("solo", "tester", 100)]);
    let run = fleet.enter(RunLimits::at_once(100), None);
    fleet.submit(at(0), run, demand("tester"));
    fleet.submit(at(0), run, demand("tester"));
    dispatch(&mut fleet, at(0));
    let urgent = Demand {
        priority: Priority::Emergency,
        ..demand("tester")
    };
    let first = fleet.submit(at(9), run, urgent.clone());
    fleet.submit(at(9), run, urgent);
    assert_eq!(
        assigned(&dispatch(&mut fleet, at(9))),
        [(first, "solo")],
        "the reserve holds one"
    );
}

#[test]
fn of_several_candidates_the_capable_with_the_least_load_is_chosen() {
    let agents = ["a", "b", "c"].map(|name| agent(name, "tester", 4));
    let mut fleet = fleet(10, agents);
    let run = fleet.enter(RunLimits::at_once(10), None);
    let capable = |names: &[&str]| -> Vec<_> {
        ["a", "b", "c"]
            .iter()
            .map(|agent| {
                let answer = if names.contains(agent) {
                    Answer::Capable
                } else {
                    Answer::Declined
                };
                (name(agent), answer)
            })
            .collect()
    };
    let mut chosen = Vec::new();
    for names in [
        &["b", "c"][..],
        &["b", "c"],
        &["a", "b", "c"],
        &["c"],
        &["a", "c"],
    ] {
        let ticket = fleet.submit(at(0), run, demand("tester"));
        let ask = dispatch(&mut fleet, at(0));
        assert_eq!(
            ask,
            [FleetAction::Ask {
                ticket,
                agents: ["a", "b", "c"].map(name).to_vec()
            }]
        );
        answer(&mut fleet, ticket, capable(names));
        let actions = dispatch(&mut fleet, at(0));
        chosen.push(assigned(&actions)[0].1.to_owned());
    }
    assert_eq!(chosen, ["b", "c", "a", "c", "a"]);
}

#[test]
fn a_waiting_agent_is_half_as_loaded() {
    let mut fleet = fleet(10, [agent("a", "tester", 4), agent("b", "tester", 4)]);
    let run = fleet.enter(RunLimits::at_once(10), None);
    let both = || vec![(name("a"), Answer::Capable), (name("b"), Answer::Capable)];
    let next = |fleet: &mut Fleet| {
        let ticket = fleet.submit(at(0), run, demand("tester"));
        dispatch(fleet, at(0));
        answer(fleet, ticket, both());
        let actions = dispatch(fleet, at(0));
        (ticket, assigned(&actions)[0].1.to_owned())
    };
    let (first, agent) = next(&mut fleet);
    assert_eq!(agent, "a");
    assert_eq!(next(&mut fleet).1, "b");
    fleet.activity(first, Activity::Waiting);
    assert_eq!(next(&mut fleet).1, "a", "0.5 is less than 1");
    assert_eq!(next(&mut fleet).1, "b", "1.5 is more than 1");
}

#[test]
fn nobody_capable_is_refused_with_each_agents_reason() {
    let mut fleet = fleet(
        10,
        [
            agent("a", "tester", 1),
            agent("b", "tester", 1),
            agent("c", "x", 1),
        ],
    );
    let run = fleet.enter(RunLimits::at_once(10), None);
    let ticket = fleet.submit(at(0), run, demand("tester"));
    dispatch(&mut fleet, at(0));
    let broken = crate::Failure::new(FailureCode::Trap, "boom");
    answer(
        &mut fleet,
        ticket,
        vec![
            (name("a"), Answer::Declined),
            (name("b"), Answer::Failed(broken)),
        ],
    );
    let actions = dispatch(&mut fleet, at(0));
    let [FleetAction::Refuse { refusal, .. }] = &actions[..] else {
        panic!("{actions:?}");
    };
    assert_eq!(
        refusal.to_failure().to_string(),
        "no-capable-agent: no agent can take a task of role `tester`: `a` says that it cannot \
         handle the task; `b` failed when asked whether it can handle the task (trap: boom)"
    );
    assert!(fleet.is_idle(), "asking holds nothing any more");
}

#[test]
fn an_unknown_role_or_a_missing_grant_is_refused_at_once() {
    let mut fleet = fleet(10, [agent("a", "tester", 1)]);
    let run = fleet.enter(RunLimits::at_once(10), None);
    fleet.submit(at(0), run, demand("poet"));
    fleet.submit(
        at(0),
        run,
        Demand {
            mounts: [MountName::new("home").unwrap()].into(),
            ..demand("tester")
        },
    );
    let messages: Vec<_> = dispatch(&mut fleet, at(0))
        .into_iter()
        .map(|action| match action {
            FleetAction::Refuse { refusal, .. } => refusal.to_failure().message.to_string(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        messages,
        [
            "no agent can take a task of role `poet`: `a` has other roles",
            "no agent can take a task of role `tester`: `a` is not granted the mount `home`"
        ]
    );
}

#[test]
fn an_open_breaker_makes_a_ticket_wait_for_the_probe() {
    let mut fleet = fleet(10, [agent("a", "tester", 4)]);
    let run = fleet.enter(RunLimits::at_once(10), None);
    for _ in 0..2 {
        let ticket = fleet.submit(at(0), run, demand("tester"));
        dispatch(&mut fleet, at(0));
        end(&mut fleet, at(0), ticket, Verdict::Failure);
    }
    let probe = fleet.submit(at(1), run, demand("tester"));
    let after = fleet.submit(at(1), run, demand("tester"));
    assert!(dispatch(&mut fleet, at(1)).is_empty());
    assert_eq!(fleet.next_wake(at(1)), Some(at(60)));
    let actions = dispatch(&mut fleet, at(60));
    assert_eq!(assigned(&actions), [(probe, "a")], "exactly one probe");
    let closed = end(&mut fleet, at(61), probe, Verdict::Success);
    assert_eq!(
        closed,
        [FleetAction::BreakerMoved {
            agent: name("a"),
            state: BreakerState::Closed
        }]
    );
    assert_eq!(assigned(&dispatch(&mut fleet, at(61))), [(after, "a")]);
}

#[test]
fn an_open_breaker_refuses_at_once_where_there_is_a_fallback() {
    let mut fleet = fleet(10, [agent("a", "tester", 4)]);
    let run = fleet.enter(RunLimits::at_once(10), None);
    for _ in 0..2 {
        let ticket = fleet.submit(at(0), run, demand("tester"));
        dispatch(&mut fleet, at(0));
        end(&mut fleet, at(0), ticket, Verdict::Failure);
    }
    let with_fallback = Demand {
        has_fallback: true,
        ..demand("tester")
    };
    fleet.submit(at(1), run, with_fallback);
    let actions = dispatch(&mut fleet, at(1));
    assert!(
        matches!(&actions[..], [FleetAction::Refuse { refusal, .. }] if refusal.code == FailureCode::CircuitOpen),
        "{actions:?}"
    );
}

#[test]
fn a_ticket_that_is_withdrawn_frees_what_it_held() {
    let mut fleet = fleet(1, [agent("a", "tester", 1), agent("b", "tester", 1)]);
    let run = fleet.enter(RunLimits::at_once(1), None);
    let queued = fleet.submit(at(0), run, demand("tester"));
    fleet.withdraw(queued);
    let asking = fleet.submit(at(0), run, demand("tester"));
    assert_eq!(dispatch(&mut fleet, at(0)).len(), 1);
    fleet.withdraw(asking);
    answer(&mut fleet, asking, vec![(name("a"), Answer::Capable)]);
    let unknown = fleet.submit(at(0), run, demand("poet"));
    fleet.withdraw(unknown);
    assert!(dispatch(&mut fleet, at(0)).is_empty());
    assert!(fleet.is_idle());
    fleet.leave(run);
    assert!(fleet.lines.is_empty());
}

#[test]
fn an_agent_that_fails_to_answer_is_given_a_rest_and_asked_again_after_it() {
    let mut fleet = fleet(10, [agent("a", "tester", 4), agent("b", "tester", 4)]);
    let run = fleet.enter(RunLimits::at_once(10), None);
    let broken = || Answer::Failed(crate::Failure::new(FailureCode::TimedOut, "spins"));
    for _ in 0..2 {
        let ticket = fleet.submit(at(0), run, demand("tester"));
        dispatch(&mut fleet, at(0));
        let answers = vec![(name("a"), broken()), (name("b"), Answer::Capable)];
        answer(&mut fleet, ticket, answers);
        assert_eq!(assigned(&dispatch(&mut fleet, at(0))), [(ticket, "b")]);
    }
    let ticket = fleet.submit(at(1), run, demand("tester"));
    assert_eq!(
        dispatch(&mut fleet, at(1)),
        [FleetAction::Ask {
            ticket,
            agents: vec![name("b")]
        }],
        "`a` is not asked"
    );
    fleet.answered(
        at(1),
        ticket,
        vec![(name("b"), Answer::Declined)],
        &mut Vec::new(),
    );
    assert!(dispatch(&mut fleet, at(1)).is_empty(), "it waits for `a`");
    assert_eq!(assigned(&dispatch(&mut fleet, at(60))), [(ticket, "a")]);
}

#[test]
fn a_fallback_is_asked_although_it_is_the_only_one() {
    let mut fleet = fleet(9, [agent("spare", "tester", 1)]);
    let run = fleet.enter(RunLimits::at_once(9), None);
    let fallback = Demand {
        agent: Some(name("spare")),
        must_ask: true,
        ..demand("tester")
    };
    let ticket = fleet.submit(at(0), run, fallback);
    assert_eq!(
        dispatch(&mut fleet, at(0)),
        [FleetAction::Ask {
            ticket,
            agents: vec![name("spare")]
        }]
    );
    answer(&mut fleet, ticket, vec![(name("spare"), Answer::Declined)]);
    let refused = dispatch(&mut fleet, at(0));
    assert!(matches!(&refused[..], [FleetAction::Refuse { refusal, .. }]
        if refusal.to_failure().message.contains("`spare` says that it cannot handle the task")));
}
