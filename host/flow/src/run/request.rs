//! What an agent is asked.

use super::node::NodeState;
use super::{InstanceRef, Run};
use crate::{
    Budgets, Failure, FailureCode, Json, TaskBody, TaskRequest, Timestamp, empty_input, item_json,
};

impl Run {
    /// What an agent would be asked if an attempt at a submitted instance
    /// started now.
    ///
    /// # Errors
    /// `expression-failed` when the input cannot be filled in.
    pub fn request(&self, now: Timestamp, at: InstanceRef) -> Result<TaskRequest, Failure> {
        let node = &self.nodes[at.task.get()];
        let spec = self.plan.task(at.task);
        let (NodeState::Active(active), TaskBody::Agent { role, .. }) = (&node.state, &spec.body)
        else {
            debug_assert!(false, "a request was asked for a task that is not active");
            return Err(Failure::new(
                FailureCode::HostError,
                "the task is not active",
            ));
        };
        let instance = &active.instances[at.item as usize];
        let time = self.budgets(at).time;
        let total = instance.trouble().and_then(|trouble| trouble.until);
        let ends = [self.deadline, self.options.outer_deadline, total];
        let end = ends.into_iter().flatten().min();
        Ok(TaskRequest {
            run: self.id.clone(),
            key: at.key(&self.plan),
            role: role.clone(),
            priority: spec.priority,
            attempt: instance.attempts + 1,
            round: node.round,
            input: self.input(at)?,
            needs: active.needs.clone(),
            feedback: node.feedback.clone(),
            mounts: spec.mounts.as_slice().into(),
            time_left: end.map_or(time, |end| time.min(end.since(now))),
        })
    }

    /// What the next attempt at an instance may use.
    pub(super) fn budgets(&self, at: InstanceRef) -> Budgets {
        let escalated = match &self.nodes[at.task.get()].state {
            NodeState::Active(active) => active.instances[at.item as usize]
                .trouble()
                .and_then(|trouble| trouble.budgets),
            NodeState::Waiting { .. } | NodeState::Asking | NodeState::Ended { .. } => None,
        };
        escalated.unwrap_or_else(|| {
            let asked = self.plan.task(at.task).budgets.over(&self.options.budgets);
            asked.at_most(&self.options.ceiling)
        })
    }

    /// The input of a submitted instance, filled in.
    pub(super) fn input(&self, at: InstanceRef) -> Result<Json, Failure> {
        let item = match &self.nodes[at.task.get()].state {
            NodeState::Active(active) => active.items.get(at.item as usize),
            NodeState::Waiting { .. } | NodeState::Asking | NodeState::Ended { .. } => None,
        };
        let Some(template) = &self.plan.task(at.task).input else {
            return Ok(item.map_or_else(empty_input, item_json));
        };
        let scope = match item {
            None => self.scope(),
            Some(item) => self.scope().with_item(item.clone(), at.item),
        };
        template
            .render(&scope)
            .map_err(|error| Failure::new(FailureCode::ExpressionFailed, error.to_string()))
    }
}
