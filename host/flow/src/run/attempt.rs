//! What becomes of one attempt: a result, a retry, a fallback or a failure.

use std::sync::Arc;

use super::instance::{Instance, InstanceEnd, InstanceState};
use super::seed::draw;
use super::timers::Timer;
use super::{Effect, InstanceRef, Run};
use crate::{
    AgentName, AttemptResult, Demand, Failure, FailureCode, Retry, RetryCount, RunEventKind,
    TaskBody, TaskRequest, Timestamp, Usage,
};

impl Run {
    /// Asks for an agent, or starts the run of another workflow.
    pub(super) fn submit(&mut self, now: Timestamp, at: InstanceRef) {
        self.start_clocks(now, at);
        if let TaskBody::Workflow(_) = self.plan.task(at.task).body {
            return self.start_child(now, at);
        }
        self.queue(at);
    }

    /// Asks for an agent.
    pub(super) fn queue(&mut self, at: InstanceRef) {
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
            must_ask: chosen > 0,
            has_fallback: chosen < spec.fallback.len(),
        }
    }

    /// The fleet found an agent.
    pub(super) fn assigned(&mut self, now: Timestamp, at: InstanceRef, agent: AgentName) {
        if !self.is_queued(at) {
            // The run stopped while the fleet made its choice.
            return self.effects.push(Effect::Release { at });
        }
        self.next_in_line(now, at);
        let request = match self.request(now, at) {
            Ok(request) => request,
            Err(failure) => {
                self.effects.push(Effect::Release { at });
                return self.fail_instance(now, at, failure);
            }
        };
        if self.plan.task(at.task).cache {
            return self.recall(at, agent, request);
        }
        self.execute(at, agent, request);
    }

    /// An instance has its agent, or is told that there is none: the next one of its
    /// task can wait in its place.
    fn next_in_line(&mut self, now: Timestamp, at: InstanceRef) {
        if let Some(active) = self.nodes[at.task.get()].active() {
            active.leave_line(at.item);
            if !active.gives_up && self.stopping.is_none() {
                self.submit_more(now, at.task);
            }
        }
    }

    /// Makes an attempt.
    pub(super) fn execute(&mut self, at: InstanceRef, agent: AgentName, request: TaskRequest) {
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
        self.first_attempts += u64::from(instance.is_first_attempt());
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
    pub(super) fn refused(
        &mut self,
        now: Timestamp,
        at: InstanceRef,
        agent: Option<AgentName>,
        failure: Failure,
    ) {
        // Not so if the run stopped in the meantime.
        if self.is_queued(at) {
            self.next_in_line(now, at);
            self.attempt_failed(now, at, agent, failure);
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
        if let Some(failure) = self.own_failure(now, at, result) {
            self.attempt_failed(now, at, Some(agent), failure);
        }
    }

    /// Ends an instance with a result, unless that is a failure of its own
    /// that something else may follow: that is given back.
    pub(super) fn own_failure(
        &mut self,
        now: Timestamp,
        at: InstanceRef,
        result: AttemptResult,
    ) -> Option<Failure> {
        match result {
            AttemptResult::Completed(output) => {
                self.end_instance(now, at, InstanceEnd::Completed(output));
            }
            AttemptResult::Rejected(rejection) => {
                self.end_instance(now, at, InstanceEnd::Rejected(rejection));
            }
            AttemptResult::Failed(failure) => match self.told_to_stop(at) {
                Some(end) => self.end_stopped(now, at, end),
                None => return Some(failure),
            },
        }
        None
    }

    /// A retry, the next fallback, or the end: the one place that decides.
    pub(super) fn attempt_failed(
        &mut self,
        now: Timestamp,
        at: InstanceRef,
        agent: Option<AgentName>,
        mut failure: Failure,
    ) {
        match self.retry(now, at, &failure) {
            Retried::Scheduled => return,
            Retried::No => {}
            Retried::RunHasHadEnough => {
                let message = format!(
                    "{}\nhint: not tried again, as the run has had {} retries; `retry_budget` allows more",
                    failure.message, self.retries
                );
                failure = Failure::new(failure.code, message);
            }
        }
        let plan = Arc::clone(&self.plan);
        let fallbacks = &plan.task(at.task).fallback;
        let Some(instance) = self.instance(at) else {
            return self.illegal("an attempt failed of a task that is not active");
        };
        let trouble = instance.trouble_mut();
        match fallbacks.get(trouble.fallbacks) {
            Some(next) if failure.code.allows_fallback() => {
                trouble.fallbacks += 1;
                trouble.retries = RetryCount::default();
                trouble.budgets = None;
                trouble.tried.push((agent, failure.clone()));
                self.emit(RunEventKind::FallbackChosen {
                    key: at.key(&plan),
                    agent: next.clone(),
                    after: failure,
                });
                self.submit(now, at);
            }
            _ if trouble.tried.is_empty() => self.fail_instance(now, at, failure),
            _ => {
                trouble.tried.push((agent, failure));
                let all = all_agents_failed(&trouble.tried);
                self.fail_instance(now, at, all);
            }
        }
    }

    /// Schedules a retry, if the policy has one and the run has one left.
    fn retry(&mut self, now: Timestamp, at: InstanceRef, failure: &Failure) -> Retried {
        let plan = Arc::clone(&self.plan);
        let policy = &plan.task(at.task).retry;
        let round = self.nodes[at.task.get()].round;
        let (seed, ceiling, budgets) = (self.options.seed, self.options.ceiling, self.budgets(at));
        let allowed = plan.workflow().retry_budget.allows(self.first_attempts);
        let had_enough = self.retries >= allowed;
        let Some(instance) = self.instance(at) else {
            return Retried::No;
        };
        let attempts = instance.attempts;
        let none = RetryCount::default();
        let retries = instance.trouble().map_or(&none, |trouble| &trouble.retries);
        let Some(wait) = policy.wait(retries, failure, draw(seed, at, round, attempts)) else {
            return Retried::No;
        };
        let escalates = failure.code.retry() == Retry::WithEscalation;
        let more = budgets.escalated(failure.code, &ceiling);
        if escalates && more == budgets {
            // The ceiling is reached: the same again would fail the same.
            return Retried::No;
        }
        if had_enough {
            return Retried::RunHasHadEnough;
        }
        let trouble = instance.trouble_mut();
        trouble.retries.add(failure.code);
        if escalates {
            trouble.budgets = Some(more);
        }
        instance.state = InstanceState::BackingOff;
        self.retries += 1;
        self.timers.set(
            now.after(wait),
            Timer::Backoff {
                at,
                round,
                attempts,
            },
        );
        self.emit(RunEventKind::RetryScheduled {
            key: at.key(&plan),
            attempt: attempts + 1,
            wait,
            after: failure.code,
        });
        Retried::Scheduled
    }

    /// The wait before a retry is over.
    pub(super) fn backoff_over(
        &mut self,
        now: Timestamp,
        at: InstanceRef,
        round: u32,
        attempts: u32,
    ) {
        let same_round = self.nodes[at.task.get()].round == round;
        let backing_off = self.instance(at).is_some_and(|instance| {
            matches!(instance.state, InstanceState::BackingOff) && instance.attempts == attempts
        });
        if same_round && backing_off {
            self.submit(now, at);
        }
    }
}

/// What became of the wish for another attempt.
enum Retried {
    /// There will be one.
    Scheduled,
    /// The policy has none.
    No,
    /// The policy has one, and all retries of the run are spent.
    RunHasHadEnough,
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
