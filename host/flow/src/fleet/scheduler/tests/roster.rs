//! Agents that come, change, misbehave and go.

use super::*;
use crate::{AgentChange, AttemptResult, Failure};

fn trap() -> AttemptResult {
    AttemptResult::Failed(Failure::new(FailureCode::Trap, "again"))
}

fn assigned(actions: &[FleetAction]) -> Vec<(Ticket, &str)> {
    let pick = |action: &'_ FleetAction| match action {
        FleetAction::Assign { ticket, agent } => Some((*ticket, agent.clone())),
        _ => None,
    };
    let names = ["a", "b", "c"];
    let all = actions.iter().filter_map(pick);
    all.map(|(ticket, agent)| {
        let name = names.iter().find(|name| **name == agent.as_str());
        (ticket, *name.unwrap())
    })
    .collect()
}

/// So many attempts of `a` that trap.
fn traps(fleet: &mut Fleet, run: RunSlot, count: u32) -> Vec<FleetAction> {
    let mut actions = Vec::new();
    for _ in 0..count {
        let mut only_a = demand("build");
        only_a.agent = Some(name("a"));
        let ticket = fleet.submit(at(0), run, only_a);
        assert_eq!(assigned(&dispatch(fleet, at(0))), [(ticket, "a")]);
        fleet.judge(ticket, &trap(), &[], &mut actions);
        // The breaker is another matter.
        fleet.ended(at(0), ticket, Verdict::Neither, &mut Vec::new());
    }
    actions
}

fn run(fleet: &mut Fleet) -> RunSlot {
    fleet.enter(RunLimits::at_once(10), None)
}

#[test]
fn work_waits_for_an_agent_that_comes_and_refuses_without_one() {
    let mut fleet = fleet(4, [agent("a", "build", 1)]);
    let run = run(&mut fleet);
    let first = fleet.submit(at(0), run, demand("build"));
    let second = fleet.submit(at(0), run, demand("build"));
    assert_eq!(assigned(&dispatch(&mut fleet, at(0))), [(first, "a")]);
    let changes = fleet.set_agents(vec![agent("b", "build", 1)]);
    assert!(matches!(
        &changes[..],
        [(a, AgentChange::Removed), (b, AgentChange::Added { .. })]
            if *a == name("a") && *b == name("b")
    ));
    assert_eq!(assigned(&dispatch(&mut fleet, at(1))), [(second, "b")]);
    let changes = fleet.set_agents(Vec::new());
    assert_eq!(changes, [(name("b"), AgentChange::Removed)]);
    assert!(fleet.agents().next().is_none());
    fleet.submit(at(2), run, demand("build"));
    assert!(matches!(
        dispatch(&mut fleet, at(2))[..],
        [FleetAction::Refuse { .. }]
    ));
    // What was under way ends as ever.
    for ticket in [first, second] {
        fleet.ended(at(3), ticket, Verdict::Success, &mut Vec::new());
    }
    assert!(fleet.is_idle());
}

#[test]
fn a_replaced_agent_takes_what_waits_and_keeps_its_slots() {
    let mut fleet = fleet(4, [agent("a", "build", 1)]);
    let run = run(&mut fleet);
    let first = fleet.submit(at(0), run, demand("build"));
    let second = fleet.submit(at(0), run, demand("build"));
    dispatch(&mut fleet, at(0));
    let changes = fleet.set_agents(vec![agent("a", "build", 2)]);
    assert!(matches!(&changes[..], [(_, AgentChange::Replaced { .. })]));
    assert_eq!(assigned(&dispatch(&mut fleet, at(1))), [(second, "a")]);
    assert_eq!(fleet.agents().next().unwrap().running, 2);
    fleet.ended(at(2), first, Verdict::Success, &mut Vec::new());
    assert_eq!(fleet.agents().next().unwrap().running, 1);
    assert!(fleet.set_agents(vec![agent("a", "build", 2)]).is_empty());
}

#[test]
fn an_agent_with_too_many_faults_is_set_aside_until_it_is_released() {
    let mut fleet = fleet(4, [agent("a", "build", 1), agent("b", "build", 1)]);
    let run = run(&mut fleet);
    let actions = traps(&mut fleet, run, 9);
    let tells = |action: &FleetAction| matches!(action, FleetAction::Conducted { .. });
    assert!(actions.len() == 9 && actions.iter().all(tells));
    let actions = traps(&mut fleet, run, 1);
    assert!(
        matches!(actions.last(), Some(FleetAction::SetAside { agent, .. }) if *agent == name("a"))
    );
    let first = fleet.submit(at(0), run, demand("build"));
    assert_eq!(assigned(&dispatch(&mut fleet, at(0))), [(first, "b")]);
    let mut only_a = demand("build");
    only_a.agent = Some(name("a"));
    fleet.submit(at(0), run, only_a.clone());
    let refused = dispatch(&mut fleet, at(0));
    let [FleetAction::Refuse { refusal, .. }] = &refused[..] else {
        panic!("{refused:?}");
    };
    assert_eq!(
        refusal.to_failure().message.as_ref(),
        "agent `a` cannot take a task of role `build`: `a` was set aside after 10 faults in a row, \
         the last of them trap\nhint: when it can be trusted again, `ringfence agents release a`"
    );
    fleet.set_conduct(&name("a"), AgentConduct::default());
    let again = fleet.submit(at(1), run, only_a);
    assert_eq!(assigned(&dispatch(&mut fleet, at(1))), [(again, "a")]);
}

#[test]
fn what_waits_for_an_agent_that_is_set_aside_goes_to_another_or_is_refused() {
    let mut fleet = fleet(4, [agent("a", "build", 1)]);
    let run = run(&mut fleet);
    traps(&mut fleet, run, 9);
    let last = fleet.submit(at(0), run, demand("build"));
    let waiting = fleet.submit(at(0), run, demand("build"));
    dispatch(&mut fleet, at(0));
    fleet.judge(last, &trap(), &[], &mut Vec::new());
    let actions = dispatch(&mut fleet, at(1));
    assert!(matches!(&actions[..], [FleetAction::Refuse { ticket, .. }] if *ticket == waiting));
}
