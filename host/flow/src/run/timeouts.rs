//! Tasks that wait or work too long.

use std::sync::Arc;

use super::instance::{InstanceEnd, InstanceState};
use super::machine::Run;
use super::timers::Timer;
use super::{Effect, InstanceRef};
use crate::{Failure, FailureCode, StopReason, Timestamp, show_duration};

impl Run {
    /// Starts the clocks of an instance that is submitted.
    pub(super) fn start_clocks(&mut self, now: Timestamp, at: InstanceRef) {
        let plan = Arc::clone(&self.plan);
        let spec = plan.task(at.task);
        let round = self.nodes[at.task.get()].round;
        let Some(instance) = self.instance(at) else {
            return;
        };
        instance.submissions += 1;
        let submission = instance.submissions;
        if let (Some(total), 1) = (spec.total_timeout, submission) {
            instance.trouble_mut().until = Some(now.after(total));
            self.timers
                .set(now.after(total), Timer::Total { at, round });
        }
        if let Some(wait) = spec.start_timeout {
            let timer = Timer::Start {
                at,
                round,
                submission,
            };
            self.timers.set(now.after(wait), timer);
        }
    }

    /// No agent was found in time. Says nothing if one has been since.
    pub(super) fn start_timed_out(
        &mut self,
        now: Timestamp,
        at: InstanceRef,
        round: u32,
        submission: u32,
    ) {
        let waits = self.nodes[at.task.get()].round == round
            && self.instance(at).is_some_and(|instance| {
                matches!(instance.state, InstanceState::Queued)
                    && instance.submissions == submission
            });
        if !waits {
            return;
        }
        let waited = self.plan.task(at.task).start_timeout.unwrap_or_default();
        let message = format!("no agent was free within {}", show_duration(waited));
        self.effects.push(Effect::Withdraw { at });
        let failure = Failure::new(FailureCode::StartTimedOut, message);
        self.attempt_failed(now, at, None, failure);
    }

    /// All attempts together took too long. Says nothing of another round.
    pub(super) fn total_timed_out(&mut self, now: Timestamp, at: InstanceRef, round: u32) {
        if self.nodes[at.task.get()].round != round {
            return;
        }
        let total = self.plan.task(at.task).total_timeout.unwrap_or_default();
        let message = format!(
            "all attempts together took longer than {}",
            show_duration(total)
        );
        let failure = Failure::new(FailureCode::TotalTimedOut, message);
        let reason = StopReason::Deadline;
        let Some(instance) = self.instance(at) else {
            return;
        };
        match instance.state {
            InstanceState::Idle | InstanceState::Ended(_) => {}
            InstanceState::Queued => {
                self.effects.push(Effect::Withdraw { at });
                self.fail_instance(now, at, failure);
            }
            InstanceState::BackingOff => self.fail_instance(now, at, failure),
            InstanceState::Running { .. } | InstanceState::Recalling { .. } => {
                instance.trouble_mut().cut = Some(failure);
                self.effects.push(Effect::Stop { at, reason });
            }
            InstanceState::Child => {
                instance.trouble_mut().cut = Some(failure);
                self.effects.push(Effect::StopChild {
                    at,
                    reason,
                    again: false,
                });
            }
        }
    }

    /// Whether an instance has been told to stop, and why if that is its own
    /// affair.
    pub(super) fn told_to_stop(&mut self, at: InstanceRef) -> Option<InstanceEnd> {
        let gives_up = self.nodes[at.task.get()]
            .active()
            .is_some_and(|active| active.gives_up);
        if self.stopping.is_some() || gives_up {
            return Some(InstanceEnd::Cancelled);
        }
        let instance = self.instance(at)?;
        let cut = instance.trouble()?.cut.clone()?;
        Some(InstanceEnd::Failed(cut))
    }

    /// Ends an instance that was told to stop.
    pub(super) fn end_stopped(&mut self, now: Timestamp, at: InstanceRef, end: InstanceEnd) {
        match end {
            InstanceEnd::Failed(failure) => self.fail_instance(now, at, failure),
            end => self.end_instance(now, at, end),
        }
    }
}
