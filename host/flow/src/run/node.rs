//! A task in its present round.

use std::sync::Arc;

use minijinja::Value;

use super::instance::{Instance, InstanceEnd, InstanceState};
use super::merge::size;
use crate::{ByteSize, Dependency, Failure, Finding, TaskStatus};

/// Where a task is.
#[derive(Debug)]
pub(super) enum NodeState {
    /// So many of the tasks that it waits for have not ended.
    Waiting { unmet: u32 },
    /// Its instances are at work.
    Active(Box<Active>),
    /// A person is asked.
    Asking,
    /// Over.
    Ended {
        status: TaskStatus,
        /// Whether those that need it are skipped.
        skips_dependents: bool,
    },
}

/// A task with its rounds.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) state: NodeState,
    /// Counts from 1, over every time that the task was sent back.
    pub(super) round: u32,
    /// Of a gate: its rounds since a gate around it last sent work back.
    pub(super) own_rounds: u32,
    /// What the gate that rejected the round before had to say.
    pub(super) feedback: Arc<[Finding]>,
}

/// A task at work.
#[derive(Debug)]
pub(super) struct Active {
    pub(super) instances: Vec<Instance>,
    /// The items of a map; empty for a task that is none.
    pub(super) items: Vec<Value>,
    /// What the tasks that it needs gave, the same for all instances.
    pub(super) needs: Arc<[Dependency]>,
    /// The first instance that has not been submitted.
    pub(super) next: u32,
    /// Submitted and not ended.
    pub(super) open: u32,
    /// How many may be open at once.
    pub(super) limit: u32,
    /// Submitted, and neither assigned nor refused since.
    pub(super) in_line: u32,
    /// How many of these there may be.
    pub(super) longest_line: u32,
    pub(super) ended: u32,
    /// What the instances that completed gave together.
    pub(super) given: ByteSize,
    /// Whether one failed that the others cannot do without.
    pub(super) gives_up: bool,
}

impl Active {
    /// An instance that was open has ended.
    pub(super) fn take_end(&mut self, item: u32, end: InstanceEnd) {
        if let InstanceEnd::Completed(output) = &end {
            self.given = self.given.saturating_add(size(output));
        }
        self.end(item, end);
    }

    /// An instance that was submitted is over.
    fn end(&mut self, item: u32, end: InstanceEnd) {
        self.leave_line(item);
        self.instances[item as usize].end(end);
        self.ended += 1;
        self.open -= 1;
    }

    /// An instance does not wait for its first agent any more.
    pub(super) fn leave_line(&mut self, item: u32) {
        let instance = &mut self.instances[item as usize];
        self.in_line -= u32::from(std::mem::take(&mut instance.in_line));
    }

    /// How the instances that have ended did, in item order.
    pub(super) fn ends(&self) -> impl Iterator<Item = &InstanceEnd> {
        self.instances
            .iter()
            .filter_map(|instance| match &instance.state {
                InstanceState::Ended(end) => Some(end),
                _ => None,
            })
    }

    /// The first failure in item order.
    pub(super) fn failure(&self) -> Option<&Failure> {
        self.ends().find_map(|end| match end {
            InstanceEnd::Failed(failure) => Some(failure),
            InstanceEnd::Completed(_) | InstanceEnd::Rejected(_) | InstanceEnd::Cancelled => None,
        })
    }

    pub(super) fn was_cancelled(&self) -> bool {
        self.ends().any(|end| matches!(end, InstanceEnd::Cancelled))
    }

    pub(super) fn all_ended(&self) -> bool {
        self.ended as usize == self.instances.len()
    }

    /// Ends submitted instances that are not under way.
    pub(super) fn cancel(&mut self, items: Vec<u32>) {
        for item in items {
            self.end(item, InstanceEnd::Cancelled);
        }
    }

    /// Ends the instances that were never submitted.
    pub(super) fn cancel_idle(&mut self) {
        let idle = &mut self.instances[self.next as usize..];
        self.ended += idle.len() as u32;
        idle.iter_mut()
            .for_each(|instance| instance.end(InstanceEnd::Cancelled));
        self.next = self.instances.len() as u32;
    }

    /// The next instance to submit, if the map's limit and the line have room for
    /// one.
    pub(super) fn take_next(&mut self) -> Option<u32> {
        let item = self.next;
        if self.open >= self.limit || self.in_line >= self.longest_line {
            return None;
        }
        self.instances.get_mut(item as usize)?.in_line = true;
        self.next += 1;
        self.open += 1;
        self.in_line += 1;
        Some(item)
    }
}

impl Node {
    pub(super) fn new(waits_for: usize) -> Self {
        Self {
            state: NodeState::Waiting {
                unmet: waits_for as u32,
            },
            round: 1,
            own_rounds: 1,
            feedback: Arc::new([]),
        }
    }

    pub(super) fn active(&mut self) -> Option<&mut Active> {
        match &mut self.state {
            NodeState::Active(active) => Some(active),
            NodeState::Waiting { .. } | NodeState::Asking | NodeState::Ended { .. } => None,
        }
    }

    pub(super) fn status(&self) -> Option<TaskStatus> {
        match self.state {
            NodeState::Ended { status, .. } => Some(status),
            NodeState::Waiting { .. } | NodeState::Active(_) | NodeState::Asking => None,
        }
    }
}
