//! A task that takes an earlier result, if there is one.

use super::instance::{InstanceEnd, InstanceState};
use super::machine::Run;
use super::{Effect, InstanceRef, Recalled};
use crate::{AgentName, RunEventKind, TaskRequest, Timestamp};

impl Run {
    /// Looks for an earlier result of the agent that was found.
    pub(super) fn recall(&mut self, at: InstanceRef, agent: AgentName, request: TaskRequest) {
        self.running += 1;
        if let Some(instance) = self.instance(at) {
            instance.state = InstanceState::Recalling {
                agent: agent.clone(),
            };
        }
        self.effects.push(Effect::Recall {
            at,
            agent,
            request: Box::new(request),
        });
    }

    /// It was looked whether there is an earlier result.
    pub(super) fn recalled(
        &mut self,
        now: Timestamp,
        at: InstanceRef,
        found: Option<Box<Recalled>>,
    ) {
        let recalling = self
            .instance(at)
            .and_then(|instance| match &instance.state {
                InstanceState::Recalling { agent } => Some(agent.clone()),
                _ => None,
            });
        let Some(agent) = recalling else {
            return self.illegal("a result was recalled that nobody asked for");
        };
        self.running -= 1;
        if let Some(end) = self.told_to_stop(at) {
            self.effects.push(Effect::Release { at });
            return self.end_stopped(now, at, end);
        }
        match found {
            None => match self.request(now, at) {
                Ok(request) => self.execute(at, agent, request),
                Err(failure) => {
                    self.effects.push(Effect::Release { at });
                    self.fail_instance(now, at, failure);
                }
            },
            Some(found) => {
                self.effects.push(Effect::Release { at });
                self.emit(RunEventKind::ResultRecalled {
                    key: at.key(&self.plan),
                    agent,
                    round: self.nodes[at.task.get()].round,
                    output: found.output.clone(),
                    from: found.run,
                    given: found.at,
                });
                self.end_instance(now, at, InstanceEnd::Completed(found.output));
            }
        }
    }
}
