//! What comes before what: an adjacency list both ways.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use super::TaskIndex;

/// For each task, those before it and those after it.
#[derive(Clone, Debug)]
pub(super) struct Graph {
    before: Vec<Vec<TaskIndex>>,
    after: Vec<Vec<TaskIndex>>,
}

impl Graph {
    /// The graph in which `before[i]` come before task `i`.
    pub(super) fn of(before: Vec<Vec<TaskIndex>>) -> Self {
        let mut after = vec![Vec::new(); before.len()];
        for (position, befores) in before.iter().enumerate() {
            for index in befores {
                after[index.get()].push(TaskIndex::new(position));
            }
        }
        Self { before, after }
    }

    pub(super) fn before(&self, at: TaskIndex) -> &[TaskIndex] {
        &self.before[at.get()]
    }

    pub(super) fn after(&self, at: TaskIndex) -> &[TaskIndex] {
        &self.after[at.get()]
    }

    /// Which tasks come before `at`, directly or not.
    pub(super) fn ancestors(&self, at: TaskIndex) -> Vec<bool> {
        reach(&self.before, at)
    }

    /// Which tasks come after `at`, directly or not.
    pub(super) fn descendants(&self, at: TaskIndex) -> Vec<bool> {
        reach(&self.after, at)
    }

    /// One shortest cycle for each knot of tasks: each task needs the next.
    pub(super) fn cycles(&self) -> Vec<Vec<TaskIndex>> {
        let mut graph = DiGraph::<(), (), u32>::with_capacity(self.before.len(), 0);
        for _ in &self.before {
            graph.add_node(());
        }
        for (position, befores) in self.before.iter().enumerate() {
            for index in befores {
                graph.add_edge(NodeIndex::new(position), NodeIndex::new(index.get()), ());
            }
        }
        let mut cycles: Vec<_> = tarjan_scc(&graph)
            .into_iter()
            .filter(|knot| knot.len() > 1)
            .filter_map(|knot| {
                let first = knot.iter().map(|node| node.index()).min()?;
                Some(self.shortest_cycle(TaskIndex::new(first)))
            })
            .collect();
        cycles.sort();
        cycles
    }

    /// The shortest way from a task of a knot back to itself.
    fn shortest_cycle(&self, start: TaskIndex) -> Vec<TaskIndex> {
        let mut from: Vec<Option<TaskIndex>> = vec![None; self.before.len()];
        let mut queue = VecDeque::from([start]);
        while let Some(at) = queue.pop_front() {
            for next in self.before(at) {
                if *next == start {
                    let mut cycle = vec![at];
                    let mut step = at;
                    while let Some(previous) = from[step.get()] {
                        cycle.push(previous);
                        step = previous;
                    }
                    cycle.reverse();
                    return cycle;
                }
                if from[next.get()].is_none() {
                    from[next.get()] = Some(at);
                    queue.push_back(*next);
                }
            }
        }
        vec![start]
    }

    /// All tasks, each after those before it, else in the order of the file.
    /// Those on or behind a cycle are missing.
    pub(super) fn order(&self) -> Vec<TaskIndex> {
        let mut open: Vec<usize> = self.before.iter().map(Vec::len).collect();
        let mut ready: BinaryHeap<Reverse<TaskIndex>> = open
            .iter()
            .enumerate()
            .filter(|(_, open)| **open == 0)
            .map(|(position, _)| Reverse(TaskIndex::new(position)))
            .collect();
        let mut order = Vec::with_capacity(open.len());
        while let Some(Reverse(at)) = ready.pop() {
            order.push(at);
            for next in self.after(at) {
                open[next.get()] -= 1;
                if open[next.get()] == 0 {
                    ready.push(Reverse(*next));
                }
            }
        }
        order
    }
}

fn reach(edges: &[Vec<TaskIndex>], start: TaskIndex) -> Vec<bool> {
    let mut seen = vec![false; edges.len()];
    let mut stack = vec![start];
    while let Some(at) = stack.pop() {
        for next in &edges[at.get()] {
            if !std::mem::replace(&mut seen[next.get()], true) {
                stack.push(*next);
            }
        }
    }
    seen
}
