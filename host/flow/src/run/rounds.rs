//! Feedback loops: a gate rejects, and the work goes back.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::NodeEnd;
use super::Run;
use super::node::NodeState;
use crate::{
    Failure, FailureCode, Finding, OnFailure, Output, RedoLoop, Rejection, RunEventKind, TaskBody,
    TaskIndex,
};

impl Run {
    /// A task rejected: another round, a vote counts it, or the gate is final.
    pub(super) fn rejected(&mut self, task: TaskIndex, rejection: Rejection) {
        let plan = Arc::clone(&self.plan);
        let node = plan.node(task);
        if self.stopping.is_some() {
            return self.end_rejected(task, rejection, false);
        }
        match &node.redo {
            Some(redo) if self.nodes[task.get()].own_rounds < redo.max_rounds => {
                self.send_back(task, redo, rejection);
            }
            None if self.is_counted(task) => self.end_rejected(task, rejection, false),
            Some(_) | None => self.reject_for_good(task, rejection),
        }
    }

    /// Whether a vote counts the rejection.
    pub(super) fn is_counted(&self, task: TaskIndex) -> bool {
        let is_vote = |dependent: &TaskIndex| {
            let counts = self.plan.node(*dependent).needs.contains(&task);
            counts && matches!(self.plan.task(*dependent).body, TaskBody::Vote(_))
        };
        self.plan.node(task).dependents.iter().any(is_vote)
    }

    /// Every task on a path from the start of the loop to the gate waits
    /// again, with the gate's findings as feedback.
    fn send_back(&mut self, gate: TaskIndex, redo: &RedoLoop, rejection: Rejection) {
        let plan = Arc::clone(&self.plan);
        let members: BTreeSet<_> = redo.members.iter().copied().collect();
        for member in &redo.members {
            let node = plan.node(*member);
            if *member != gate {
                self.unfinished += 1;
                Arc::make_mut(&mut self.results).remove(&plan.task(*member).id);
                // Who waits for a member from outside also waits for the gate,
                // so it has not started and can wait for the member again.
                let outside = node.dependents.iter().filter(|d| !members.contains(d));
                outside.for_each(|dependent| self.one_more_unmet(*dependent));
            }
            let unmet = node
                .waits_for
                .iter()
                .filter(|w| members.contains(w))
                .count() as u32;
            let state = &mut self.nodes[member.get()];
            state.state = NodeState::Waiting { unmet };
            state.round += 1;
            state.feedback = Arc::clone(&rejection.findings);
            state.own_rounds = if *member == gate {
                state.own_rounds + 1
            } else {
                1
            };
        }
        self.emit(RunEventKind::RoundStarted {
            gate: plan.task(gate).id.clone(),
            round: self.nodes[gate.get()].own_rounds,
            tasks: redo
                .members
                .iter()
                .map(|m| plan.task(*m).id.clone())
                .collect(),
            reason: rejection.reason,
            feedback: rejection.findings,
        });
        self.ready.push_back(redo.from);
    }

    fn one_more_unmet(&mut self, task: TaskIndex) {
        match &mut self.nodes[task.get()].state {
            NodeState::Waiting { unmet } => *unmet += 1,
            NodeState::Active(_) | NodeState::Asking | NodeState::Ended { .. } => {
                self.illegal("a task left a loop before its gate had approved");
            }
        }
    }

    fn reject_for_good(&mut self, task: TaskIndex, rejection: Rejection) {
        let spec = self.plan.task(task);
        let on_failure = spec.on_failure;
        let rounds = self.nodes[task.get()].own_rounds;
        let message = match rounds {
            1 => format!("`{}` rejected: {}", spec.id, rejection.reason),
            n => format!(
                "`{}` rejected in the last of {n} rounds: {}",
                spec.id, rejection.reason
            ),
        };
        let message = format!("{message}{}", last_feedback(&rejection.findings));
        let failure = Failure::new(FailureCode::GateRejected, message);
        self.end_rejected(task, rejection, on_failure == OnFailure::SkipDependents);
        if on_failure == OnFailure::Fail {
            self.give_up(failure, task);
        }
    }

    fn end_rejected(&mut self, task: TaskIndex, rejection: Rejection, skips_dependents: bool) {
        let output = Output::found(rejection.findings);
        self.end_node(
            task,
            NodeEnd::rejected(rejection.reason, output, skips_dependents),
        );
    }
}

/// How many of the last findings a message names.
const NAMED: usize = 5;

/// The findings of the last round, a line each: the worst first.
fn last_feedback(findings: &[Finding]) -> String {
    let mut worst: Vec<_> = findings.iter().collect();
    worst.sort_by_key(|finding| Reverse(finding.severity));
    let mut text = String::new();
    for finding in worst.iter().take(NAMED) {
        let place = finding
            .location
            .as_ref()
            .map_or_else(String::new, |at| format!("{}:{}: ", at.path, at.line));
        text += &format!(
            "\n{}: {place}{} ({})",
            finding.severity, finding.message, finding.rule
        );
    }
    if worst.len() > NAMED {
        text += &format!("\nand {} more", worst.len() - NAMED);
    }
    text
}
