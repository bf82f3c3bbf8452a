//! A run stops, runs what stands under `finally`, and ends.

use std::sync::Arc;

use super::effect::Stopping;
use super::instance::InstanceState;
use super::machine::{Phase, Run, status_of};
use super::node::NodeState;
use super::{Effect, InstanceRef, NodeEnd};
use crate::{Failure, FailureCode, Json, Output, RunEventKind, StopReason, TaskIndex, TaskStatus};

impl Run {
    /// Starts nothing more, and stops what is under way.
    pub(super) fn stop(&mut self, failure: Failure, task: Option<TaskIndex>) {
        if self.stopping.is_some() || self.over.is_some() {
            return;
        }
        let reason = match failure.code {
            FailureCode::Deadline => StopReason::Deadline,
            _ => StopReason::Cancelled,
        };
        self.emit(RunEventKind::RunStopping {
            failure: failure.clone(),
        });
        self.stopping = Some(Stopping { failure, task });
        self.timers.clear();
        self.ready.clear();
        for task in Arc::clone(&self.plan).indices() {
            let cancelled = self.stop_instances(task, reason);
            if let Some(active) = self.nodes[task.get()].active() {
                active.cancel(cancelled);
            }
        }
    }

    /// Stops the submitted instances of a task. Gives those that are to be
    /// ended as cancelled; the others report their end.
    pub(super) fn stop_instances(&mut self, task: TaskIndex, reason: StopReason) -> Vec<u32> {
        let Some(active) = self.nodes[task.get()].active() else {
            return Vec::new();
        };
        let (mut effects, mut cancelled) = (Vec::new(), Vec::new());
        for (item, instance) in (0..active.next).zip(&active.instances) {
            let at = InstanceRef { task, item };
            match instance.state {
                InstanceState::Queued => {
                    effects.push(Effect::Withdraw { at });
                    cancelled.push(item);
                }
                InstanceState::BackingOff => cancelled.push(item),
                InstanceState::Running { .. } | InstanceState::Recalling { .. } => {
                    effects.push(Effect::Stop { at, reason });
                }
                InstanceState::Child => effects.push(Effect::StopChild {
                    at,
                    reason,
                    again: false,
                }),
                InstanceState::Idle | InstanceState::Ended(_) => {}
            }
        }
        self.effects.append(&mut effects);
        cancelled
    }

    /// Nothing is left of the tasks at work: the others follow, or the end.
    pub(super) fn end_phase(&mut self) {
        self.cancel_the_rest();
        if let Phase::Main = self.phase {
            let verdict = match self.stopping.take() {
                None => self.fill_in_output(),
                stopped => stopped,
            };
            self.timers.clear();
            self.phase = Phase::Finally { verdict };
            if self.start_finally() {
                return;
            }
        }
        self.close();
    }

    /// What has not ended by now never will.
    fn cancel_the_rest(&mut self) {
        let finally = matches!(self.phase, Phase::Finally { .. });
        for task in Arc::clone(&self.plan).indices() {
            let node = &mut self.nodes[task.get()];
            if self.plan.task(task).finally != finally || node.status().is_some() {
                continue;
            }
            let failure = node.active().and_then(|active| active.failure().cloned());
            let end = match failure {
                Some(failure) => NodeEnd::failed(failure, Output::default(), true),
                None => NodeEnd::cancelled(),
            };
            self.end_node(task, end);
        }
        self.ready.clear();
    }

    /// What the workflow gives; why the run failed, if that cannot be told.
    fn fill_in_output(&mut self) -> Option<Stopping> {
        let rendered = match &self.plan.workflow().output {
            None => Ok(self.leaves()),
            Some(template) => template.render(&self.scope()),
        };
        match rendered {
            Ok(output) => {
                self.output = Some(output);
                None
            }
            Err(error) => Some(Stopping {
                failure: Failure::new(FailureCode::ExpressionFailed, error.to_string()),
                task: None,
            }),
        }
    }

    /// What the tasks gave that no other needs.
    fn leaves(&self) -> Json {
        let mut text = String::from("{");
        let leaf = |at: &TaskIndex| {
            let dependents = &self.plan.node(*at).dependents;
            dependents.is_empty() && !self.plan.task(*at).finally
        };
        for task in self.plan.indices().filter(leaf) {
            let id = &self.plan.task(task).id;
            if let Some((TaskStatus::Completed, output)) = self.results.get(id) {
                let comma = if text.len() > 1 { "," } else { "" };
                // A task's name needs no escapes.
                text.push_str(&format!("{comma}\"{id}\":{}", output.value.as_str()));
            }
        }
        text.push('}');
        Json::from_checked(text)
    }

    /// Starts the tasks of `finally`, if there are any.
    fn start_finally(&mut self) -> bool {
        let plan = Arc::clone(&self.plan);
        for task in plan.finally() {
            self.unfinished += 1;
            let unmet = plan.node(task).waits_for.len() as u32;
            self.nodes[task.get()].state = NodeState::Waiting { unmet };
            if unmet == 0 {
                self.ready.push_back(task);
            }
        }
        if self.unfinished == 0 {
            return false;
        }
        let failure = self.verdict().map(|why| why.failure.clone());
        self.emit(RunEventKind::FinallyStarted {
            status: status_of(failure.as_ref()),
            failure,
        });
        true
    }

    /// Why the run will not have completed, as far as that is known.
    pub(super) fn verdict(&self) -> Option<&Stopping> {
        match &self.phase {
            Phase::Main => self.stopping.as_ref(),
            Phase::Finally { verdict } => verdict.as_ref().or(self.stopping.as_ref()),
        }
    }

    fn close(&mut self) {
        let verdict = self.verdict().cloned();
        let status = status_of(verdict.as_ref().map(|why| &why.failure));
        self.over = Some(status);
        self.timers.clear();
        let task = verdict.as_ref().and_then(|why| why.task);
        let output = self.output.clone().filter(|_| verdict.is_none());
        self.emit(RunEventKind::RunEnded {
            status,
            failure: verdict.map(|why| why.failure),
            task: task.map(|task| self.plan.task(task).id.clone()),
            output,
        });
    }
}
