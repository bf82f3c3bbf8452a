use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::{OnReject, Role, Task};

fn task(id: &str, needs: &[&str]) -> Task {
    let body = TaskBody::Agent {
        role: Role::new("reviewer").unwrap(),
        agent: None,
    };
    Task {
        needs: needs
            .iter()
            .map(|need| TaskId::new(need).unwrap())
            .collect(),
        ..Task::new(TaskId::new(id).unwrap(), body)
    }
}

fn gate(id: &str, needs: &[&str], redo_from: &str) -> Task {
    Task {
        on_reject: Some(OnReject {
            redo_from: TaskId::new(redo_from).unwrap(),
            max_rounds: 3,
        }),
        ..task(id, needs)
    }
}

fn plan(tasks: Vec<Task>) -> Result<Plan, Vec<PlanError>> {
    let name = crate::WorkflowName::new("w").unwrap();
    Plan::new(Workflow::new(name, tasks))
}

fn names(plan: &Plan, tasks: &[TaskIndex]) -> Vec<String> {
    tasks
        .iter()
        .map(|at| plan.workflow().tasks[at.get()].id.to_string())
        .collect()
}

fn node<'a>(plan: &'a Plan, id: &str) -> &'a PlannedNode {
    &plan.tasks()[plan.index_of(&TaskId::new(id).unwrap()).unwrap().get()]
}

fn messages(tasks: Vec<Task>) -> Vec<String> {
    plan(tasks)
        .unwrap_err()
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn waves_are_the_longest_way_from_the_start() {
    let plan = plan(vec![
        task("d", &["b", "c"]),
        task("a", &[]),
        task("b", &["a"]),
        task("c", &["b"]),
        task("e", &["a"]),
    ])
    .unwrap();
    let waves: Vec<_> = plan.waves().iter().map(|wave| names(&plan, wave)).collect();
    assert_eq!(waves, [vec!["a"], vec!["b", "e"], vec!["c"], vec!["d"]]);
    assert_eq!(names(&plan, plan.order()), ["a", "b", "c", "d", "e"]);
    assert_eq!(names(&plan, &node(&plan, "a").dependents), ["b", "e"]);
}

#[test]
fn a_loop_is_every_task_on_a_path_to_the_gate() {
    let plan = plan(vec![
        task("survey", &[]),
        task("fix", &["survey"]),
        task("lint", &["survey"]),
        task("verify", &["fix"]),
        task("notes", &["fix"]),
        gate("gate", &["verify", "lint"], "fix"),
        task("report", &["gate"]),
    ])
    .unwrap();
    let redo = node(&plan, "gate").redo.as_ref().unwrap();
    assert_eq!(names(&plan, &redo.members), ["fix", "verify", "gate"]);
    assert_eq!(names(&plan, &node(&plan, "notes").needs), ["fix"]);
    assert_eq!(
        names(&plan, &node(&plan, "notes").waits_for),
        ["fix", "gate"]
    );
    assert_eq!(names(&plan, &node(&plan, "report").waits_for), ["gate"]);
    assert_eq!(node(&plan, "notes").wave, 5);
}

#[test]
fn a_loop_inside_a_loop_is_left_through_both_gates() {
    let plan = plan(vec![
        task("design", &[]),
        task("code", &["design"]),
        gate("unit", &["code"], "code"),
        gate("release", &["unit"], "design"),
        task("outside", &["code"]),
        task("inside", &["code"]),
        gate("late", &["inside"], "inside"),
    ])
    .unwrap();
    assert_eq!(
        names(&plan, &node(&plan, "outside").waits_for),
        ["code", "unit", "release"]
    );
    let members = &node(&plan, "release").redo.as_ref().unwrap().members;
    assert_eq!(names(&plan, members), ["design", "code", "unit", "release"]);
}

#[test]
fn a_gate_may_redo_only_its_ancestors() {
    assert_eq!(
        plan(vec![task("a", &[]), task("b", &[]), gate("g", &["a"], "b")]).unwrap_err(),
        [PlanError::NoAncestor {
            gate: TaskId::new("g").unwrap(),
            from: TaskId::new("b").unwrap(),
            ancestors: vec![TaskId::new("a").unwrap()],
        }]
    );
    assert_eq!(
        messages(vec![task("a", &[]), gate("g", &["a"], "g")]),
        ["task `g` cannot redo from `g`: it does not need it, not even through others"]
    );
}

#[test]
fn loops_do_not_overlap() {
    let tasks = vec![
        task("a", &[]),
        task("b", &["a"]),
        gate("g", &["b"], "a"),
        gate("h", &["b"], "b"),
    ];
    assert_eq!(
        messages(tasks),
        ["the feedback loops of `g` and `h` overlap: both contain `b`"]
    );
}

#[test]
fn loops_do_not_wait_for_one_another() {
    let tasks = vec![
        task("a", &[]),
        task("x", &[]),
        task("b", &["a", "x"]),
        task("y", &["x", "a"]),
        gate("g", &["b"], "a"),
        gate("h", &["y"], "x"),
    ];
    assert_eq!(
        messages(tasks),
        ["the feedback loops of `g` and `h` overlap: each waits for the other's gate"]
    );
}

#[test]
fn every_cycle_is_shown_whole() {
    let tasks = vec![
        task("a", &["c"]),
        task("b", &["a"]),
        task("c", &["b"]),
        task("d", &["e", "a"]),
        task("e", &["d"]),
    ];
    assert_eq!(
        messages(tasks),
        [
            "the tasks need one another in a circle: `a` needs `c` needs `b` needs `a`",
            "the tasks need one another in a circle: `d` needs `e` needs `d`",
        ]
    );
}

#[test]
fn needs_are_checked() {
    let tasks = vec![
        task("survey", &["survey", "nothing"]),
        task("fix", &["surve", "survey", "survey"]),
    ];
    let errors = plan(tasks).unwrap_err();
    let hints: Vec<_> = errors.iter().map(PlanError::hint).collect();
    assert_eq!(hints[2], Some("did you mean `survey`?".to_owned()));
    assert_eq!(errors.len(), 4, "{errors:?}");
}

#[test]
fn the_number_of_tasks_has_a_limit() {
    let tasks = |n: usize| (0..n).map(|i| task(&format!("t{i}"), &[])).collect();
    assert!(plan(tasks(MAX_TASKS)).is_ok());
    assert_eq!(
        plan(tasks(MAX_TASKS + 1)).unwrap_err(),
        [PlanError::TooManyTasks {
            count: MAX_TASKS + 1
        }]
    );
    assert_eq!(plan(Vec::new()).unwrap_err(), [PlanError::NoTasks]);
}

#[test]
fn the_number_of_loops_has_a_limit() {
    let tasks = |n: usize| {
        (0..n)
            .flat_map(|i| {
                let work = format!("t{i}");
                [task(&work, &[]), gate(&format!("g{i}"), &[&work], &work)]
            })
            .collect()
    };
    assert!(plan(tasks(MAX_LOOPS)).is_ok());
    assert_eq!(
        plan(tasks(MAX_LOOPS + 1)).unwrap_err(),
        [PlanError::TooManyLoops {
            count: MAX_LOOPS + 1
        }]
    );
}

#[test]
fn a_vote_counts_what_it_needs() {
    let vote = |require, needs: &[&str]| Task {
        body: TaskBody::Vote(require),
        ..task("v", needs)
    };
    let with = |vote| plan(vec![task("a", &[]), task("b", &[]), vote]);
    assert!(with(vote(Require::AtLeast(2), &["a", "b"])).is_ok());
    assert!(with(vote(Require::AtLeast(3), &["a", "b"])).is_err());
    assert!(with(vote(Require::All, &[])).is_err());
}

/// Tasks in random order with random needs and loops, possibly broken.
fn any_tasks() -> impl Strategy<Value = Vec<Task>> {
    (1_usize..9).prop_flat_map(|count| {
        let needs = prop::collection::vec(prop::collection::btree_set(0..count, 0..3), count);
        let redo = prop::collection::vec(prop::option::weighted(0.3, 0..count), count);
        let backwards = prop::bool::weighted(0.1);
        (needs, redo, backwards).prop_map(move |(needs, redo, backwards)| {
            (0..count)
                .map(|at| {
                    let needs: Vec<_> = needs[at]
                        .iter()
                        .filter(|need| backwards || **need < at)
                        .map(|need| format!("t{need}"))
                        .collect();
                    let needs: Vec<_> = needs.iter().map(String::as_str).collect();
                    match redo[at] {
                        Some(from) => gate(&format!("t{at}"), &needs, &format!("t{from}")),
                        None => task(&format!("t{at}"), &needs),
                    }
                })
                .collect()
        })
    })
}

/// Whether a way leads from `from` to `to` along `needs`, the slow way.
fn comes_before(tasks: &[Task], from: &TaskId, to: &TaskId) -> bool {
    let task = tasks.iter().find(|task| task.id == *to).unwrap();
    task.needs
        .iter()
        .any(|need| need == from || comes_before(tasks, from, need))
}

proptest! {
    #[test]
    fn a_plan_keeps_its_promises(tasks in any_tasks()) {
        let Ok(plan) = plan(tasks.clone()) else {
            return Ok(());
        };
        let place: Vec<_> = (0..tasks.len())
            .map(|at| plan.order().iter().position(|index| index.get() == at).unwrap())
            .collect();
        let mut loops: Vec<(BTreeSet<TaskIndex>, TaskIndex)> = Vec::new();
        for (at, node) in plan.tasks().iter().enumerate() {
            let waves = node.waits_for.iter().map(|before| plan.tasks()[before.get()].wave);
            prop_assert_eq!(node.wave, waves.max().unwrap_or(0) + 1);
            for before in &node.waits_for {
                prop_assert!(place[before.get()] < place[at]);
                prop_assert!(plan.tasks()[before.get()].dependents.contains(&TaskIndex::new(at)));
            }
            let Some(redo) = &node.redo else { continue };
            let (from, gate) = (&tasks[redo.from.get()].id, &tasks[at].id);
            let expected: BTreeSet<_> = (0..tasks.len())
                .filter(|other| {
                    let id = &tasks[*other].id;
                    let after = id == from || comes_before(&tasks, from, id);
                    let before = id == gate || comes_before(&tasks, id, gate);
                    after && before
                })
                .map(TaskIndex::new)
                .collect();
            prop_assert_eq!(redo.members.last().map(|last| last.get()), Some(at));
            let members: BTreeSet<_> = redo.members.iter().copied().collect();
            prop_assert_eq!(&members, &expected);
            loops.push((members, TaskIndex::new(at)));
        }
        for (members, gate) in &loops {
            for (others, _) in &loops {
                prop_assert!(
                    members.is_disjoint(others) || members.is_subset(others) || others.is_subset(members)
                );
            }
            for (at, node) in plan.tasks().iter().enumerate() {
                let outside = !members.contains(&TaskIndex::new(at));
                if outside && node.needs.iter().any(|need| members.contains(need)) {
                    prop_assert!(node.waits_for.contains(gate));
                }
            }
        }
    }
}

fn finally(id: &str, needs: &[&str]) -> Task {
    Task {
        finally: true,
        ..task(id, needs)
    }
}

#[test]
fn what_stands_under_finally_comes_after_all_others() {
    let plan = plan(vec![
        task("a", &[]),
        task("b", &["a"]),
        finally("report", &["a", "clean"]),
        finally("clean", &[]),
    ])
    .unwrap();
    let waves: Vec<_> = plan.waves().iter().map(|wave| names(&plan, wave)).collect();
    assert_eq!(waves, [vec!["a"], vec!["b"], vec!["clean"], vec!["report"]]);
    let report = node(&plan, "report");
    assert_eq!(names(&plan, &report.needs), ["a", "clean"]);
    assert_eq!(names(&plan, &report.waits_for), ["clean"], "`a` has ended");
    assert_eq!(
        names(&plan, &plan.finally().collect::<Vec<_>>()),
        ["report", "clean"]
    );
}

#[test]
fn nothing_waits_for_what_stands_under_finally() {
    assert_eq!(
        messages(vec![task("a", &["clean"]), finally("clean", &[])]),
        ["task `a` needs `clean`, which runs after all others"]
    );
}
