//! The graph of a workflow, checked once: indexes instead of names.
//!
//! # Feedback loops
//!
//! A gate with `on_reject` makes a loop of every task on a path from
//! `redo_from` to the gate. Two loops lie apart, or one inside the other.
//! What leaves a loop leaves it once, when the gate has approved: a task
//! outside that needs a member waits for the gate, too.
//!
//! ```text
//!              the loop of `gate`
//!            +----------------------+
//! survey --> | fix -> verify -> gate | --> report
//!            |  ^                |  |
//!            |  +--- rejected ---+  |      `report` needs `fix`, and so
//!            +----------------------+      waits for `gate`
//! ```

mod ancestors;
mod error;
mod graph;
mod loops;

use std::collections::HashMap;

pub use ancestors::Ancestors;
pub use error::PlanError;

use crate::{Require, Task, TaskBody, TaskId, Workflow, suggest};
use graph::Graph;

/// The most tasks that a workflow may have.
pub const MAX_TASKS: usize = 10_000;

/// The most feedback loops that a workflow may have. Each is compared with
/// each.
pub const MAX_LOOPS: usize = 256;

/// The position of a task in [`Workflow::tasks`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskIndex(u32);

impl TaskIndex {
    pub(crate) fn new(position: usize) -> Self {
        Self(u32::try_from(position).unwrap_or(u32::MAX))
    }

    /// The position as an index into a slice.
    #[must_use]
    pub const fn get(self) -> usize {
        self.0 as usize
    }
}

/// A task's place in the graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedNode {
    /// The tasks that it needs, in the order of the file.
    pub needs: Vec<TaskIndex>,
    /// The tasks that have to end before it starts: those it needs, and the
    /// gates of the loops that it takes something out of. Of a task of
    /// `finally` only those that stand there, too: all others have ended.
    pub waits_for: Vec<TaskIndex>,
    /// The tasks that wait for it.
    pub dependents: Vec<TaskIndex>,
    /// One more than the highest wave among those it waits for; 1 if it waits
    /// for none. Tasks of `finally` come after all others.
    pub wave: u32,
    /// The loop that it closes, if it sends work back.
    pub redo: Option<RedoLoop>,
}

/// The tasks that run again when a gate rejects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedoLoop {
    /// The first one that runs again.
    pub from: TaskIndex,
    /// All of them, each after those it waits for; the gate is the last.
    pub members: Vec<TaskIndex>,
    /// The number of rounds in all, the first included.
    pub max_rounds: u32,
}

/// A workflow whose graph is sound.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    workflow: Workflow,
    nodes: Vec<PlannedNode>,
    by_name: HashMap<TaskId, TaskIndex>,
    order: Vec<TaskIndex>,
}

impl Plan {
    /// Checks the graph of `workflow`.
    ///
    /// # Errors
    /// All [`PlanError`]s at once, as far as one does not follow from another.
    pub fn new(workflow: Workflow) -> Result<Self, Vec<PlanError>> {
        let mut errors = Vec::new();
        let count = workflow.tasks.len();
        match count {
            0 => return Err(vec![PlanError::NoTasks]),
            1..=MAX_TASKS => {}
            _ => return Err(vec![PlanError::TooManyTasks { count }]),
        }
        let by_name = names(&workflow, &mut errors);
        let needs = needs(&workflow, &by_name, &mut errors);
        check_votes(&workflow, &mut errors);
        check_finally(&workflow, &needs, &mut errors);
        let needed = Graph::of(needs);
        errors.extend(needed.cycles().into_iter().map(|cycle| {
            PlanError::Cycle {
                tasks: cycle
                    .into_iter()
                    .map(|at| workflow.tasks[at.get()].id.clone())
                    .collect(),
            }
        }));
        let has_cycle = errors
            .iter()
            .any(|error| matches!(error, PlanError::Cycle { .. }));
        if has_cycle {
            // Without an order there are no ancestors and no loops.
            return Err(errors);
        }
        let (redo, waiting) = loops::find(&workflow, &by_name, &needed, &mut errors);
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Self::build(workflow, by_name, &needed, &waiting, redo))
    }

    fn build(
        workflow: Workflow,
        by_name: HashMap<TaskId, TaskIndex>,
        needed: &Graph,
        waiting: &Graph,
        redo: Vec<Option<RedoLoop>>,
    ) -> Self {
        let order = waiting.order();
        let waves = waves(&workflow, waiting, &order);
        let nodes = redo
            .into_iter()
            .enumerate()
            .map(|(position, redo)| {
                let at = TaskIndex::new(position);
                PlannedNode {
                    needs: needed.before(at).to_vec(),
                    waits_for: waiting.before(at).to_vec(),
                    dependents: waiting.after(at).to_vec(),
                    wave: waves[position],
                    redo,
                }
            })
            .collect();
        Self {
            workflow,
            nodes,
            by_name,
            order,
        }
    }

    /// The workflow.
    #[must_use]
    pub fn workflow(&self) -> &Workflow {
        &self.workflow
    }

    /// The tasks' places, in the order of [`Workflow::tasks`].
    #[must_use]
    pub fn tasks(&self) -> &[PlannedNode] {
        &self.nodes
    }

    /// The task at `at`.
    #[must_use]
    pub fn task(&self, at: TaskIndex) -> &Task {
        &self.workflow.tasks[at.get()]
    }

    /// The place of the task at `at` in the graph.
    #[must_use]
    pub fn node(&self, at: TaskIndex) -> &PlannedNode {
        &self.nodes[at.get()]
    }

    /// The indexes of all tasks, in the order of [`Workflow::tasks`].
    pub fn indices(&self) -> impl DoubleEndedIterator<Item = TaskIndex> + use<> {
        (0..self.nodes.len()).map(TaskIndex::new)
    }

    /// The tasks that run after all others, in the order of the file.
    pub fn finally(&self) -> impl Iterator<Item = TaskIndex> + use<'_> {
        self.indices().filter(|at| self.task(*at).finally)
    }

    /// The index of the task `id`.
    #[must_use]
    pub fn index_of(&self, id: &TaskId) -> Option<TaskIndex> {
        self.by_name.get(id).copied()
    }

    /// All tasks, each after those it waits for.
    #[must_use]
    pub fn order(&self) -> &[TaskIndex] {
        &self.order
    }

    /// Who comes before whom. Takes a bit for each pair of tasks.
    #[must_use]
    pub fn ancestors(&self) -> Ancestors {
        Ancestors::of(self)
    }

    /// The tasks by wave, each wave in the order of the file.
    #[must_use]
    pub fn waves(&self) -> Vec<Vec<TaskIndex>> {
        let count = self.nodes.iter().map(|node| node.wave).max().unwrap_or(0);
        let mut waves = vec![Vec::new(); count as usize];
        for (position, node) in self.nodes.iter().enumerate() {
            waves[node.wave as usize - 1].push(TaskIndex::new(position));
        }
        waves
    }
}

fn names(workflow: &Workflow, errors: &mut Vec<PlanError>) -> HashMap<TaskId, TaskIndex> {
    let mut by_name = HashMap::with_capacity(workflow.tasks.len());
    for (position, task) in workflow.tasks.iter().enumerate() {
        if by_name
            .insert(task.id.clone(), TaskIndex::new(position))
            .is_some()
        {
            errors.push(PlanError::DuplicateTask {
                task: task.id.clone(),
            });
        }
    }
    by_name
}

/// What each task needs, without what it cannot need.
fn needs(
    workflow: &Workflow,
    by_name: &HashMap<TaskId, TaskIndex>,
    errors: &mut Vec<PlanError>,
) -> Vec<Vec<TaskIndex>> {
    workflow
        .tasks
        .iter()
        .map(|task| {
            let mut seen = std::collections::HashSet::new();
            let mut found = Vec::with_capacity(task.needs.len());
            for need in &task.needs {
                let (task, need) = (task.id.clone(), need.clone());
                match by_name.get(&need) {
                    None => {
                        let nearest = nearest_task(workflow, &need);
                        errors.push(PlanError::UnknownNeed {
                            task,
                            need,
                            nearest,
                        });
                    }
                    Some(_) if need == task => errors.push(PlanError::SelfNeed { task }),
                    Some(index) if seen.insert(*index) => found.push(*index),
                    Some(_) => errors.push(PlanError::DuplicateNeed { task, need }),
                }
            }
            found
        })
        .collect()
}

fn nearest_task(workflow: &Workflow, name: &TaskId) -> Option<TaskId> {
    let names = workflow.tasks.iter().map(|task| task.id.as_str());
    TaskId::new(suggest::nearest(name.as_str(), names)?).ok()
}

/// The wave of each task. Those of `finally` come after all others.
fn waves(workflow: &Workflow, waiting: &Graph, order: &[TaskIndex]) -> Vec<u32> {
    let mut waves = vec![1; order.len()];
    let mut last = 0;
    for finally in [false, true] {
        let before_all = if finally { last } else { 0 };
        let of_section = |at: &&TaskIndex| workflow.tasks[at.get()].finally == finally;
        for at in order.iter().filter(of_section) {
            let before = waiting.before(*at).iter();
            let highest = before.map(|before| waves[before.get()]).max();
            waves[at.get()] = highest.unwrap_or(before_all) + 1;
            last = last.max(waves[at.get()]);
        }
    }
    waves
}

fn check_finally(workflow: &Workflow, needs: &[Vec<TaskIndex>], errors: &mut Vec<PlanError>) {
    for (task, needs) in workflow.tasks.iter().zip(needs) {
        let after_all = |need: &&TaskIndex| workflow.tasks[need.get()].finally && !task.finally;
        errors.extend(
            needs
                .iter()
                .filter(after_all)
                .map(|need| PlanError::NeedsFinally {
                    task: task.id.clone(),
                    need: workflow.tasks[need.get()].id.clone(),
                }),
        );
    }
}

fn check_votes(workflow: &Workflow, errors: &mut Vec<PlanError>) {
    for task in &workflow.tasks {
        let TaskBody::Vote(require) = task.body else {
            continue;
        };
        let at_least = match require {
            Require::All | Require::Any => 1,
            Require::AtLeast(count) => count,
        };
        if at_least as usize > task.needs.len() {
            errors.push(PlanError::VoteTooHigh {
                task: task.id.clone(),
                at_least,
                voters: task.needs.len(),
            });
        }
    }
}

#[cfg(test)]
mod tests;
