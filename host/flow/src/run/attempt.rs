//! What becomes of one attempt: a result, a retry, a fallback or a failure.

use super::instance::{Instance, InstanceEnd, InstanceState};
use super::seed::draw;
use super::timers::Timer;
use super::{Effect, InstanceRef, Run};
use crate::{
    AgentName, AttemptResult, Demand, Failure, FailureCode, OnFailure, Refusal, Retry,
    RunEventKind, TaskBody, Timestamp, Usage,
};

impl Run {
    /// Asks for an agent.
    pub(super) fn submit(&mut self, at: InstanceRef) {
        let demand = self.demand(at);
        if let Some(instance) = self.instance(at) {
            instance.state = InstanceState::Queued;
        }
        self.effects.push(Effect::Submit { at, demand });
    }

    fn demand(&mut self, at: InstanceRef) -> Demand {
        let chosen = self
            .instance(at)
            .and_then(|instance| instance.trouble())
            .map_or(0, |trouble| trouble.fallbacks);
        let spec = self.plan.task(at.task);
        let TaskBody::Agent { role, agent } = &spec.body else {
            unreachable!("only tasks of agents have instances")
        };
        Demand {
            role: role.clone(),
            agent: match chosen {
                0 => agent.clone(),
                n => spec.fallback.get(n - 1).cloned(),
            },
            mounts: spec.mounts.as_slice().into(),
            priority: spec.priority,
            time: self.budgets(at).time,
            has_fallback: chosen < spec.fallback.len(),
        }
    }

    /// The fleet found an agent.
    pub(super) fn assigned(&mut self, now: Timestamp, at: InstanceRef, agent: AgentName) {
        if !self.is_queued(at) {
            // The run stopped while the fleet made its choice.
            return self.effects.push(Effect::Release { at });
        }
        let request = match self.request(now, at) {
            Ok(request) => request,
            Err(failure) => {
                self.effects.push(Effect::Release { at });
                return self.fail_instance(at, failure);
            }
        };
        let budgets = self.budgets(at);
        let round = self.nodes[at.task.get()].round;
        let Some(instance) = self.instance(at) else {
            return;
        };
        instance.attempts += 1;
        instance.state = InstanceState::Running {
            agent: agent.clone(),
        };
        let attempt = instance.attempts;
        self.running += 1;
        self.emit(RunEventKind::AttemptStarted {
            key: at.key(&self.plan),
            agent: agent.clone(),
            attempt,
            round,
            budgets,
        });
        self.effects.push(Effect::Execute {
            at,
            agent,
            request: Box::new(request),
            budgets,
        });
    }

    fn is_queued(&mut self, at: InstanceRef) -> bool {
        let queued = |instance: &mut Instance| matches!(instance.state, InstanceState::Queued);
        self.instance(at).is_some_and(queued)
    }

    /// The fleet found none.
    pub(super) fn refused(&mut self, now: Timestamp, at: InstanceRef, refusal: &Refusal) {
        // Not so if the run stopped in the meantime.
        if self.is_queued(at) {
            self.attempt_failed(now, at, refusal.agent.clone(), refusal.to_failure());
        }
    }

    pub(super) fn attempt_ended(
        &mut self,
        now: Timestamp,
        at: InstanceRef,
        result: AttemptResult,
        usage: Usage,
    ) {
        let round = self.nodes[at.task.get()].round;
        let running = self
            .instance(at)
            .and_then(|instance| match &instance.state {
                InstanceState::Running { agent } => Some((agent.clone(), instance.attempts)),
                _ => None,
            });
        let Some((agent, attempt)) = running else {
            return self.illegal("an attempt ended that was not running");
        };
        self.running -= 1;
        self.emit(RunEventKind::AttemptEnded {
            key: at.key(&self.plan),
            agent: agent.clone(),
            attempt,
            round,
            result: result.clone(),
            usage,
        });
        match result {
            AttemptResult::Completed(output) => {
                self.end_instance(at, InstanceEnd::Completed(output));
            }
            AttemptResult::Rejected(rejection) => {
                self.end_instance(at, InstanceEnd::Rejected(rejection));
            }
            AttemptResult::Failed(_) if self.stopping.is_some() => {
                self.end_instance(at, InstanceEnd::Cancelled);
            }
            AttemptResult::Failed(failure) => {
                self.attempt_failed(now, at, Some(agent), failure);
            }
        }
    }

    /// A retry, the next fallback, or the end: the one place that decides.
    fn attempt_failed(
        &mut self,
        now: Timestamp,
        at: InstanceRef,
        agent: Option<AgentName>,
        failure: Failure,
    ) {
        if self.retry(now, at, &failure) {
            return;
        }
        let spec = self.plan.task(at.task);
        let fallbacks = spec.fallback.clone();
        let Some(instance) = self.instance(at) else {
            return self.illegal("an attempt failed of a task that is not active");
        };
        let trouble = instance.trouble_mut();
        let next = fallbacks.get(trouble.fallbacks).cloned();
        match next {
            Some(next) if failure.code.allows_fallback() => {
                trouble.fallbacks += 1;
                trouble.retries = 0;
                trouble.budgets = None;
                trouble.tried.push((agent, failure.clone()));
                self.emit(RunEventKind::FallbackChosen {
                    key: at.key(&self.plan),
                    agent: next,
                    after: failure,
                });
                self.submit(at);
            }
            _ if trouble.tried.is_empty() => self.fail_instance(at, failure),
            _ => {
                trouble.tried.push((agent, failure));
                let all = all_agents_failed(&trouble.tried);
                self.fail_instance(at, all);
            }
        }
    }

    /// Schedules a retry, if the policy has one.
    fn retry(&mut self, now: Timestamp, at: InstanceRef, failure: &Failure) -> bool {
        let spec = self.plan.task(at.task);
        let policy = spec.retry;
        let round = self.nodes[at.task.get()].round;
        let (seed, ceiling, budgets) = (self.options.seed, self.options.ceiling, self.budgets(at));
        let Some(instance) = self.instance(at) else {
            return false;
        };
        let attempts = instance.attempts;
        let retries = instance.trouble().map_or(0, |trouble| trouble.retries);
        let Some(wait) = policy.wait(retries, failure, draw(seed, at, round, attempts)) else {
            return false;
        };
        let trouble = instance.trouble_mut();
        trouble.retries += 1;
        if failure.code.retry() == Retry::WithEscalation {
            let more = budgets.escalated(failure.code, &ceiling);
            if more == budgets {
                // The ceiling is reached: the same again would fail the same.
                return false;
            }
            trouble.budgets = Some(more);
        }
        instance.state = InstanceState::BackingOff;
        self.timers.set(
            now.after(wait),
            Timer::Backoff {
                at,
                round,
                attempts,
            },
        );
        self.emit(RunEventKind::RetryScheduled {
            key: at.key(&self.plan),
            attempt: attempts + 1,
            wait,
            after: failure.code,
        });
        true
    }

    /// The wait before a retry is over.
    pub(super) fn backoff_over(&mut self, at: InstanceRef, round: u32, attempts: u32) {
        let same_round = self.nodes[at.task.get()].round == round;
        let backing_off = self.instance(at).is_some_and(|instance| {
            matches!(instance.state, InstanceState::BackingOff) && instance.attempts == attempts
        });
        if same_round && backing_off {
            self.submit(at);
        }
    }

    fn fail_instance(&mut self, at: InstanceRef, failure: Failure) {
        let stops = self.plan.task(at.task).on_failure == OnFailure::Fail;
        self.end_instance(at, InstanceEnd::Failed(failure.clone()));
        if stops {
            self.stop(failure, Some(at.task));
        }
    }
}

fn all_agents_failed(tried: &[(Option<AgentName>, Failure)]) -> Failure {
    let each: Vec<_> = tried
        .iter()
        .map(|(agent, failure)| match agent {
            Some(agent) => format!("`{agent}`: {failure}"),
            None => failure.to_string(),
        })
        .collect();
    Failure::new(FailureCode::AllAgentsFailed, each.join("; "))
}
