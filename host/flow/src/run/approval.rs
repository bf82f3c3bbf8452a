//! A task that asks a person.

use std::sync::Arc;

use super::NodeEnd;
use super::machine::Run;
use super::node::NodeState;
use super::timers::Timer;
use crate::{
    Approval, Decision, Failure, FailureCode, Finding, Json, OnTimeout, Output, Rejection,
    RunEventKind, Severity, TaskBody, TaskIndex, Timestamp, clean_text, show_duration,
};

/// The longest question, in bytes.
const MAX_QUESTION: usize = 1_000;

impl Run {
    /// Whether the task waits for a person to say yes or no.
    #[must_use]
    pub fn awaits(&self, task: TaskIndex) -> bool {
        let node = self.nodes.get(task.get());
        self.stopping.is_none() && node.is_some_and(|node| matches!(node.state, NodeState::Asking))
    }

    /// The tasks that wait for a person, in the order of the plan.
    pub fn awaiting(&self) -> impl Iterator<Item = TaskIndex> {
        self.plan.indices().filter(|task| self.awaits(*task))
    }

    pub(super) fn ask_person(&mut self, now: Timestamp, task: TaskIndex, approval: &Approval) {
        let message = match &approval.message {
            None => format!("Approve `{}`?", self.plan.task(task).id),
            Some(template) => match template.render(&self.scope()) {
                Ok(text) => plain(&text),
                Err(error) => return self.expression_failed(task, &error),
            },
        };
        let node = &mut self.nodes[task.get()];
        node.state = NodeState::Asking;
        let round = node.round;
        let until = approval.timeout.map(|timeout| now.after(timeout));
        if let Some(until) = until {
            self.timers.set(until, Timer::Approval { task, round });
        }
        self.emit(RunEventKind::ApprovalRequested {
            task: self.plan.task(task).id.clone(),
            round,
            message: clean_text(&message, MAX_QUESTION).into(),
            until,
        });
    }

    /// A person said yes or no.
    pub(super) fn decided(&mut self, task: TaskIndex, decision: &Decision) {
        if !self.awaits(task) {
            return self.illegal("a decision on a task that waits for none");
        }
        self.emit(RunEventKind::ApprovalDecided {
            task: self.plan.task(task).id.clone(),
            round: self.nodes[task.get()].round,
            decision: decision.clone(),
        });
        if decision.approved {
            let value = serde_json::json!({ "note": decision.note, "by": decision.by });
            let output = Output::of(Json::from(value));
            return self.end_node(task, NodeEnd::completed(output));
        }
        self.rejected(task, rejection(decision));
    }

    /// Nobody answered in time. Says nothing if somebody has since, or the
    /// task is in another round.
    pub(super) fn approval_timed_out(&mut self, task: TaskIndex, round: u32) {
        let plan = Arc::clone(&self.plan);
        let TaskBody::Approval(approval) = &plan.task(task).body else {
            return self.illegal("an approval timed out of a task that asks for none");
        };
        if !self.awaits(task) || self.nodes[task.get()].round != round {
            return;
        }
        let waited = show_duration(approval.timeout.unwrap_or_default());
        let note = format!("nobody answered within {waited}");
        let decided = |approved| Decision {
            approved,
            note: Some(note.as_str().into()),
            by: None,
        };
        match approval.on_timeout {
            OnTimeout::Fail => self.fail_node(task, Failure::new(FailureCode::TimedOut, &note)),
            OnTimeout::Approve => self.decided(task, &decided(true)),
            OnTimeout::Reject => self.decided(task, &decided(false)),
        }
    }
}

/// A text as it is, anything else as JSON.
fn plain(json: &Json) -> String {
    serde_json::from_str(json.as_str()).unwrap_or_else(|_| json.as_str().to_owned())
}

fn rejection(decision: &Decision) -> Rejection {
    let who = decision.by.as_deref().map_or("nobody", |by| by);
    let reason: Arc<str> = match (&decision.note, &decision.by) {
        (Some(note), _) => Arc::clone(note),
        (None, _) => format!("{who} rejected it").into(),
    };
    let finding = Finding {
        rule: "approval".into(),
        severity: Severity::High,
        message: Arc::clone(&reason),
        location: None,
        fix: None,
    };
    Rejection {
        reason,
        findings: [finding].into(),
    }
}
