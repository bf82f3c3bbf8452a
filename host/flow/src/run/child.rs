//! An instance that stands for a run of another workflow.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::instance::InstanceState;
use super::machine::{Run, RunOptions};
use super::seed::derive;
use super::{ChildRun, Effect, InstanceRef};
use crate::{
    AttemptResult, Failure, FailureCode, InputValue, Json, Output, Rejection, RunEventKind, RunId,
    RunStatus, SubWorkflow, TaskBody, TaskIndex, Timestamp,
};

impl Run {
    /// Starts the run that an instance stands for.
    pub(super) fn start_child(&mut self, now: Timestamp, at: InstanceRef) {
        let plan = Arc::clone(&self.plan);
        let TaskBody::Workflow(workflow) = &plan.task(at.task).body else {
            return self.illegal("a child run of a task that has none");
        };
        let child = match self.child(at, workflow) {
            Ok(child) => child,
            Err(failure) => return self.fail_instance(now, at, failure),
        };
        let round = self.nodes[at.task.get()].round;
        self.running += 1;
        if let Some(instance) = self.instance(at) {
            instance.attempts += 1;
            instance.state = InstanceState::Child;
        }
        self.emit(RunEventKind::ChildStarted {
            key: at.key(&plan),
            round,
            run: child.id.clone(),
            workflow: child.plan.workflow().name.clone(),
        });
        self.effects.push(Effect::StartChild {
            at,
            child: Box::new(child),
        });
    }

    fn child(&mut self, at: InstanceRef, workflow: &SubWorkflow) -> Result<ChildRun, Failure> {
        let round = self.nodes[at.task.get()].round;
        let seed = derive(self.options.seed, at, round);
        let inputs = self.child_inputs(at, workflow)?;
        let total = self
            .instance(at)
            .and_then(|instance| instance.trouble()?.until);
        let outer = [self.deadline, self.options.outer_deadline, total];
        Ok(ChildRun {
            id: child_id(&self.id, seed),
            plan: Arc::clone(&workflow.plan),
            options: RunOptions {
                inputs,
                seed,
                budgets: self.options.budgets,
                ceiling: self.options.ceiling,
                outer_deadline: outer.into_iter().flatten().min(),
            },
        })
    }

    fn child_inputs(&self, at: InstanceRef, workflow: &SubWorkflow) -> Result<Json, Failure> {
        let input = self.input(at)?;
        let invalid = |why: String| {
            let message = format!("the input of `{}`: {why}", workflow.path);
            Failure::new(FailureCode::InvalidInput, message)
        };
        let given: BTreeMap<String, serde_json::Value> = serde_json::from_str(input.as_str())
            .map_err(|_| invalid("it is to be a map from names to values".to_owned()))?;
        let given = given
            .into_iter()
            .map(|(name, value)| (name, InputValue::Json(value)))
            .collect();
        workflow
            .plan
            .workflow()
            .bind_inputs(given)
            .map_err(|errors| {
                let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
                invalid(errors.join("; "))
            })
    }

    /// The run that an instance stands for ended.
    pub(super) fn child_ended(&mut self, now: Timestamp, at: InstanceRef, result: AttemptResult) {
        let stands_for_child = self
            .instance(at)
            .is_some_and(|instance| matches!(instance.state, InstanceState::Child));
        if !stands_for_child {
            return self.illegal("a child run ended that nobody stands for");
        }
        self.running -= 1;
        if let Some(failure) = self.own_failure(now, at, result) {
            self.fail_instance(now, at, failure);
        }
    }

    /// What the run gives to the task that stands for it in another run; none
    /// before it has ended.
    #[must_use]
    pub fn result(&self) -> Option<AttemptResult> {
        Some(match (self.over?, self.verdict()) {
            (RunStatus::Rejected, Some(why)) => AttemptResult::Rejected(Rejection {
                reason: Arc::clone(&why.failure.message),
                findings: why
                    .task
                    .and_then(|task| self.results.get(&self.plan.task(task).id))
                    .map(|(_, output)| Arc::clone(&output.findings))
                    .unwrap_or_default(),
            }),
            (_, Some(why)) => AttemptResult::Failed(self.named(&why.failure, why.task)),
            (_, None) => AttemptResult::Completed(self.given()),
        })
    }

    fn named(&self, failure: &Failure, task: Option<TaskIndex>) -> Failure {
        let workflow = &self.plan.workflow().name;
        let message = match task {
            Some(task) => format!(
                "`{}` of the workflow `{workflow}`: {}",
                self.plan.task(task).id,
                failure.message
            ),
            None => format!("the workflow `{workflow}`: {}", failure.message),
        };
        Failure::new(failure.code, message)
    }

    /// The output, and each finding and artifact of all tasks once.
    fn given(&self) -> Output {
        let (mut findings, mut artifacts) = (Vec::new(), Vec::new());
        let (mut found, mut put) = (HashSet::new(), HashSet::new());
        for task in &self.plan.workflow().tasks {
            let Some((_, output)) = self.results.get(&task.id) else {
                continue;
            };
            findings.extend(output.findings.iter().filter(|f| found.insert(*f)).cloned());
            artifacts.extend(output.artifacts.iter().filter(|a| put.insert(*a)).cloned());
        }
        Output {
            value: self.output.clone().unwrap_or_default(),
            findings: findings.into(),
            artifacts: artifacts.into(),
        }
    }
}

/// The name of a child run: that of its parent with the child's seed, which
/// tells it from the others.
fn child_id(parent: &RunId, seed: u64) -> RunId {
    const SUFFIX: usize = 14;
    let digits = format!("{seed:016x}");
    let stem = parent.as_str();
    let stem = &stem[..stem.len().min(crate::MAX_ID_LEN - SUFFIX - 1)];
    match RunId::new(&format!("{stem}-{}", &digits[..SUFFIX])) {
        Ok(id) => id,
        Err(error) => unreachable!("`{stem}` and digits are made of legal characters: {error}"),
    }
}
