//! Feedback loops: who is in them, and what waits for their gates.

use std::collections::{BTreeSet, HashMap};

use super::graph::Graph;
use super::{MAX_LOOPS, PlanError, RedoLoop, TaskIndex, nearest_task};
use crate::{OnReject, TaskId, Workflow};

struct FoundLoop {
    gate: TaskIndex,
    from: TaskIndex,
    max_rounds: u32,
    contains: Vec<bool>,
}

/// The loop that each task closes, and the graph of what waits for what.
pub(super) fn find(
    workflow: &Workflow,
    by_name: &HashMap<TaskId, TaskIndex>,
    needed: &Graph,
    errors: &mut Vec<PlanError>,
) -> (Vec<Option<RedoLoop>>, Graph) {
    let gates: Vec<_> = workflow
        .tasks
        .iter()
        .enumerate()
        .filter_map(|(position, task)| {
            let on_reject = task.on_reject.as_ref()?;
            Some((TaskIndex::new(position), on_reject))
        })
        .collect();
    let mut redo: Vec<Option<RedoLoop>> = vec![None; workflow.tasks.len()];
    if gates.len() > MAX_LOOPS {
        errors.push(PlanError::TooManyLoops { count: gates.len() });
        return (redo, needed.clone());
    }
    let mut found = Vec::with_capacity(gates.len());
    for (gate, on_reject) in gates {
        match trace(workflow, by_name, needed, gate, on_reject) {
            Ok(new) => found.push(new),
            Err(error) => errors.push(error),
        }
    }
    let overlaps = overlaps(workflow, &found);
    let apart = overlaps.is_empty();
    errors.extend(overlaps);
    let waiting = wait_for_gates(workflow, needed, &found);
    let order = waiting.order();
    if apart && order.len() < workflow.tasks.len() {
        errors.extend(entangled(workflow, &waiting, &found));
    }
    for each in found {
        let members = order
            .iter()
            .copied()
            .filter(|at| each.contains[at.get()])
            .collect();
        redo[each.gate.get()] = Some(RedoLoop {
            from: each.from,
            members,
            max_rounds: each.max_rounds,
        });
    }
    (redo, waiting)
}

/// Every task on a path from `redo_from` to the gate.
fn trace(
    workflow: &Workflow,
    by_name: &HashMap<TaskId, TaskIndex>,
    needed: &Graph,
    gate: TaskIndex,
    on_reject: &OnReject,
) -> Result<FoundLoop, PlanError> {
    let gate_id = || workflow.tasks[gate.get()].id.clone();
    let from_id = &on_reject.redo_from;
    let from = *by_name
        .get(from_id)
        .ok_or_else(|| PlanError::UnknownRedoFrom {
            gate: gate_id(),
            from: from_id.clone(),
            nearest: nearest_task(workflow, from_id),
        })?;
    let mut contains = needed.ancestors(gate);
    if !contains[from.get()] {
        let ancestors = ids(workflow, &contains);
        return Err(PlanError::NoAncestor {
            gate: gate_id(),
            from: from_id.clone(),
            ancestors,
        });
    }
    let after = needed.descendants(from);
    for (member, after) in contains.iter_mut().zip(after) {
        *member &= after;
    }
    contains[from.get()] = true;
    contains[gate.get()] = true;
    Ok(FoundLoop {
        gate,
        from,
        max_rounds: on_reject.max_rounds,
        contains,
    })
}

fn ids(workflow: &Workflow, chosen: &[bool]) -> Vec<TaskId> {
    let tasks = workflow.tasks.iter().zip(chosen);
    tasks
        .filter(|(_, chosen)| **chosen)
        .map(|(task, _)| task.id.clone())
        .collect()
}

/// The pairs of loops that share tasks though neither contains the other.
fn overlaps(workflow: &Workflow, found: &[FoundLoop]) -> Vec<PlanError> {
    let mut errors = Vec::new();
    for (index, first) in found.iter().enumerate() {
        for second in &found[index + 1..] {
            let pairs = || first.contains.iter().zip(&second.contains);
            let shared: Vec<bool> = pairs().map(|(a, b)| *a && *b).collect();
            let apart = !shared.contains(&true);
            let nested = shared == first.contains || shared == second.contains;
            if !apart && !nested {
                errors.push(PlanError::LoopsOverlap {
                    first: workflow.tasks[first.gate.get()].id.clone(),
                    second: workflow.tasks[second.gate.get()].id.clone(),
                    shared: ids(workflow, &shared),
                });
            }
        }
    }
    errors
}

/// `needed`, and an edge from the gate of each loop to what takes something
/// out of the loop.
fn wait_for_gates(workflow: &Workflow, needed: &Graph, found: &[FoundLoop]) -> Graph {
    let before = (0..workflow.tasks.len())
        .map(|position| {
            let at = TaskIndex::new(position);
            let mut waits = needed.before(at).to_vec();
            if workflow.tasks[position].finally {
                waits.retain(|need| workflow.tasks[need.get()].finally);
                return waits;
            }
            for each in found.iter().filter(|each| !each.contains[position]) {
                let takes = needed
                    .before(at)
                    .iter()
                    .any(|need| each.contains[need.get()]);
                if takes && !waits.contains(&each.gate) {
                    waits.push(each.gate);
                }
            }
            waits
        })
        .collect();
    Graph::of(before)
}

/// Loops that wait for one another's gates.
fn entangled(workflow: &Workflow, waiting: &Graph, found: &[FoundLoop]) -> Vec<PlanError> {
    let is_gate = |at: &&TaskIndex| found.iter().any(|each| each.gate == **at);
    waiting
        .cycles()
        .iter()
        .filter_map(|cycle| {
            let gates: BTreeSet<_> = cycle.iter().filter(is_gate).collect();
            let mut gates = gates.into_iter();
            let (first, second) = (gates.next()?, gates.next()?);
            Some(PlanError::LoopsOverlap {
                first: workflow.tasks[first.get()].id.clone(),
                second: workflow.tasks[second.get()].id.clone(),
                shared: Vec::new(),
            })
        })
        .collect()
}
