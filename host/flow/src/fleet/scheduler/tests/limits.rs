//! Limits of hosts and runs on roles and agents.

use super::*;
use crate::Limit;

fn limit(concurrency: Option<u32>, rate: Option<&str>) -> Limit {
    Limit {
        concurrency,
        rate: rate.map(|rate| rate.parse().unwrap()),
    }
}

fn on_role(role: &str, limit: Limit) -> Limits {
    Limits {
        roles: [(Role::new(role).unwrap(), limit)].into(),
        ..Limits::default()
    }
}

fn on_agent(agent: &str, limit: Limit) -> Limits {
    Limits {
        agents: [(name(agent), limit)].into(),
        ..Limits::default()
    }
}

fn limited(host: Limits, agents: impl IntoIterator<Item = Arc<AgentProfile>>) -> Fleet {
    let policy = FleetPolicy {
        conduct: ConductPolicy::default(),
        capacity: 100,
        emergency_reserve: 1,
        breaker: BreakerPolicy::default(),
        limits: host,
    };
    Fleet::new(policy, agents)
}

fn submit_many(fleet: &mut Fleet, run: RunSlot, role: &str, count: usize) -> Vec<Ticket> {
    (0..count)
        .map(|_| fleet.submit(at(0), run, demand(role)))
        .collect()
}

#[test]
fn a_role_has_no_more_attempts_than_the_host_allows_and_others_go_on() {
    let agents = [agent("a", "tester", 9), agent("b", "builder", 9)];
    let mut fleet = limited(on_role("tester", limit(Some(2), None)), agents);
    let (one, two) = (
        fleet.enter(RunLimits::at_once(9), None),
        fleet.enter(RunLimits::at_once(9), None),
    );
    let tickets = submit_many(&mut fleet, one, "tester", 2);
    submit_many(&mut fleet, two, "tester", 2);
    let builders = submit_many(&mut fleet, two, "builder", 1);
    let started = assigned(&dispatch(&mut fleet, at(0))).len();
    assert_eq!(started, 2 + 1, "over both runs");
    end(&mut fleet, at(1), tickets[0], Verdict::Success);
    assert_eq!(assigned(&dispatch(&mut fleet, at(1))).len(), 1);
    end(&mut fleet, at(1), builders[0], Verdict::Success);
    assert!(dispatch(&mut fleet, at(1)).is_empty());
}

#[test]
fn a_rate_spreads_starts_and_says_when_the_next_one_comes() {
    let host = on_agent("solo", limit(None, Some("2/s")));
    let mut fleet = limited(host, [agent("solo", "tester", 9)]);
    let run = fleet.enter(RunLimits::at_once(9), None);
    let tickets = submit_many(&mut fleet, run, "tester", 5);
    assert_eq!(assigned(&dispatch(&mut fleet, at(0))).len(), 2);
    for ticket in &tickets[..2] {
        end(&mut fleet, at(0), *ticket, Verdict::Success);
    }
    assert!(
        dispatch(&mut fleet, at(0)).is_empty(),
        "they ended, and still count"
    );
    assert_eq!(fleet.next_wake(at(0)), Some(at(1)));
    assert_eq!(assigned(&dispatch(&mut fleet, at(1))).len(), 2);
    assert_eq!(fleet.next_wake(at(1)), Some(at(2)));
}

#[test]
fn a_run_has_limits_of_its_own() {
    let mut fleet = limited(Limits::default(), [agent("solo", "tester", 9)]);
    let limits = |limits| RunLimits {
        concurrency: 9,
        limits,
    };
    let tight = fleet.enter(limits(on_agent("solo", limit(Some(1), None))), None);
    let free = fleet.enter(RunLimits::at_once(9), None);
    submit_many(&mut fleet, tight, "tester", 3);
    submit_many(&mut fleet, free, "tester", 3);
    dispatch(&mut fleet, at(0));
    assert_eq!(fleet.room.under_way(tight), 1);
    assert_eq!(fleet.room.under_way(free), 3);
}

#[test]
fn a_run_inside_another_counts_for_both() {
    let mut fleet = limited(Limits::default(), [agent("solo", "tester", 9)]);
    let outer = fleet.enter(
        RunLimits {
            concurrency: 3,
            limits: on_role("tester", limit(Some(2), None)),
        },
        None,
    );
    let inner = fleet.enter(RunLimits::at_once(9), Some(outer));
    submit_many(&mut fleet, inner, "tester", 5);
    let first = assigned(&dispatch(&mut fleet, at(0)))[0].0;
    assert_eq!(
        fleet.room.under_way(inner),
        2,
        "the outer limit holds inside"
    );
    assert_eq!(fleet.room.under_way(outer), 2);
    end(&mut fleet, at(1), first, Verdict::Success);
    assert_eq!(fleet.room.under_way(outer), 1);
}

#[test]
fn a_question_takes_the_room_of_its_role_until_it_is_answered_or_withdrawn() {
    let agents = ["a", "b"].map(|name| agent(name, "tester", 9));
    let mut fleet = limited(on_role("tester", limit(Some(1), None)), agents);
    let run = fleet.enter(RunLimits::at_once(9), None);
    let tickets = submit_many(&mut fleet, run, "tester", 2);
    let asked = |actions: Vec<FleetAction>| {
        let ask = |action: &FleetAction| matches!(action, FleetAction::Ask { .. });
        actions.iter().filter(|action| ask(action)).count()
    };
    assert_eq!(asked(dispatch(&mut fleet, at(0))), 1);
    assert_eq!(asked(dispatch(&mut fleet, at(0))), 0);
    fleet.withdraw(tickets[0]);
    assert_eq!(asked(dispatch(&mut fleet, at(0))), 1);
    fleet.withdraw(tickets[1]);
    assert!(fleet.is_idle());
}
