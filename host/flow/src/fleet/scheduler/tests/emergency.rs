//! Emergencies: strict, but capped.

use super::*;
use crate::MAX_EMERGENCIES_IN_A_ROW;

fn urgent(role: &str) -> Demand {
    Demand {
        priority: Priority::Emergency,
        ..demand(role)
    }
}

#[test]
fn an_agent_that_is_full_takes_one_emergency_at_once() {
    let mut fleet = fleet(9, [agent("solo", "tester", 1)]);
    let (calm, burning) = (
        fleet.enter(RunLimits::at_once(9), None),
        fleet.enter(RunLimits::at_once(9), None),
    );
    let slow = fleet.submit(at(0), calm, demand("tester"));
    fleet.submit(at(0), calm, demand("tester"));
    dispatch(&mut fleet, at(0));
    let first = fleet.submit(at(1), burning, urgent("tester"));
    fleet.submit(at(1), burning, urgent("tester"));
    assert_eq!(
        assigned(&dispatch(&mut fleet, at(1))),
        [(first, "solo")],
        "in the lane"
    );
    end(&mut fleet, at(2), slow, Verdict::Success);
    assert_eq!(
        assigned(&dispatch(&mut fleet, at(2))).len(),
        1,
        "the emergency goes first, into the slot that is free"
    );
}

#[test]
fn emergencies_in_the_lane_take_nothing_from_the_others() {
    let mut fleet = fleet(9, [agent("solo", "tester", 1)]);
    let run = fleet.enter(RunLimits::at_once(9), None);
    fleet.submit(at(0), run, urgent("tester"));
    let calm = fleet.submit(at(0), run, demand("tester"));
    let started = dispatch(&mut fleet, at(0));
    assert!(assigned(&started).contains(&(calm, "solo")));
}

#[test]
fn after_some_emergencies_in_a_row_somebody_else_goes_first() {
    let mut fleet = fleet(1, [agent("solo", "tester", 1)]);
    let run = fleet.enter(RunLimits::at_once(9), None);
    for _ in 0..20 {
        fleet.submit(at(0), run, urgent("tester"));
    }
    // Both the slot and the lane are taken before the patient one comes.
    let mut running: Vec<_> = assigned(&dispatch(&mut fleet, at(0)))
        .iter()
        .map(|(t, _)| *t)
        .collect();
    assert_eq!(running.len(), 2);
    let patient = fleet.submit(at(0), run, demand("tester"));
    let mut overtaken = running.len() as u32;
    loop {
        end(&mut fleet, at(1), running.remove(0), Verdict::Success);
        let started: Vec<_> = assigned(&dispatch(&mut fleet, at(1)))
            .iter()
            .map(|(t, _)| *t)
            .collect();
        if started.contains(&patient) {
            break;
        }
        overtaken += started.len() as u32;
        running.extend(started);
    }
    assert_eq!(overtaken, MAX_EMERGENCIES_IN_A_ROW);
}

#[test]
fn with_nobody_else_waiting_emergencies_use_all_there_is() {
    let mut fleet = fleet(3, [agent("solo", "tester", 9)]);
    let run = fleet.enter(RunLimits::at_once(9), None);
    for _ in 0..9 {
        fleet.submit(at(0), run, urgent("tester"));
    }
    assert_eq!(assigned(&dispatch(&mut fleet, at(0))).len(), 3 + 1);
}
