//! What a task looks like, whatever draws it.

use crate::{Plan, Require, Task, TaskBody, TaskIndex};

/// The outline of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outline {
    /// An agent works.
    Work,
    /// It may send work back.
    Gate,
    /// Approvals are counted, or a person is asked.
    Vote,
}

pub(super) fn outline(task: &Task) -> Outline {
    match (&task.body, &task.on_reject) {
        (TaskBody::Vote(_) | TaskBody::Approval(_), _) => Outline::Vote,
        (TaskBody::Agent { .. } | TaskBody::Workflow(_), Some(_)) => Outline::Gate,
        (TaskBody::Agent { .. } | TaskBody::Workflow(_), None) => Outline::Work,
    }
}

/// The second line of a task: who does it, and how often.
pub(super) fn subtitle(task: &Task) -> String {
    let who = match &task.body {
        TaskBody::Agent { role, agent: None } => role.to_string(),
        TaskBody::Agent {
            role,
            agent: Some(agent),
        } => format!("{role}: {agent}"),
        TaskBody::Vote(Require::All) => "vote: all".to_owned(),
        TaskBody::Vote(Require::Any) => "vote: any".to_owned(),
        TaskBody::Vote(Require::AtLeast(least)) => format!("vote: at least {least}"),
        TaskBody::Approval(_) => "approval".to_owned(),
        TaskBody::Workflow(sub) => format!("workflow: {}", sub.plan.workflow().name),
    };
    match (&task.for_each, task.finally) {
        (None, false) => who,
        (None, true) => format!("{who}, finally"),
        (Some(_), false) => format!("{who}, for each"),
        (Some(_), true) => format!("{who}, for each, finally"),
    }
}

/// The feedback loops: from the gate, back to the task, and what the edge says.
pub(super) fn loops(plan: &Plan) -> impl Iterator<Item = (TaskIndex, TaskIndex, String)> {
    plan.indices().filter_map(|gate| {
        let redo = plan.node(gate).redo.as_ref()?;
        let label = match redo.max_rounds {
            1 => "1 round".to_owned(),
            n => format!("at most {n} rounds"),
        };
        Some((gate, redo.from, label))
    })
}
