//! What a workflow gives, worked out in the most naive way: one task after the
//! other, without a scheduler, a state machine or a clock.
//!
//! It reads the model of a workflow and its expressions, and shares nothing
//! else with the host. Agents are functions of what they are asked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use ringfence_flow::{
    AttemptResult, Dependency, Finding, ForEach, Json, OnFailure, OnItemFailure, Output, Rejection,
    Require, Retry, RunId, Scope, Task, TaskBody, TaskId, TaskKey, TaskRequest, TaskResults,
    TaskStatus, Workflow, item_json,
};
use serde_json::json;

/// What all agents do.
pub(crate) type Agent = dyn Fn(&TaskRequest) -> AttemptResult;

/// How a task ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ended {
    pub(crate) status: TaskStatus,
    pub(crate) output: Output,
    pub(crate) round: u32,
    skips_dependents: bool,
}

/// How a task or an item went.
enum Went {
    Completed(Output),
    Rejected(Rejection),
    Failed,
}

/// Works out how each task of a workflow ends. No task may stop the run: that
/// would depend on who is quicker.
pub(crate) fn interpret(
    workflow: &Workflow,
    inputs: &Json,
    agent: &Agent,
) -> BTreeMap<TaskId, Ended> {
    let mut reference = Reference {
        workflow,
        inputs,
        agent,
        ended: BTreeMap::new(),
        rounds: BTreeMap::new(),
        own_rounds: BTreeMap::new(),
        feedback: BTreeMap::new(),
    };
    while let Some(task) = reference.next() {
        reference.play(task);
    }
    reference.ended
}

struct Reference<'a> {
    workflow: &'a Workflow,
    inputs: &'a Json,
    agent: &'a Agent,
    ended: BTreeMap<TaskId, Ended>,
    rounds: BTreeMap<TaskId, u32>,
    own_rounds: BTreeMap<TaskId, u32>,
    feedback: BTreeMap<TaskId, Arc<[Finding]>>,
}

impl<'a> Reference<'a> {
    fn task(&self, id: &TaskId) -> &'a Task {
        let mut tasks = self.workflow.tasks.iter();
        tasks.find(|task| task.id == *id).unwrap()
    }

    /// The first task that has not ended, and all that it waits for has.
    fn next(&self) -> Option<&'a Task> {
        let open = |task: &&Task| !self.ended.contains_key(&task.id);
        let main_left = self
            .workflow
            .tasks
            .iter()
            .any(|task| open(&task) && !task.finally);
        let ready = |task: &&Task| {
            open(task)
                && !(task.finally && main_left)
                && task.needs.iter().all(|need| self.ended.contains_key(need))
                && self
                    .gates_before(task)
                    .all(|gate| self.ended.contains_key(&gate))
        };
        self.workflow.tasks.iter().find(ready)
    }

    /// Whether `task` is `other`, or needs it, directly or not.
    fn comes_after(&self, task: &TaskId, other: &TaskId) -> bool {
        task == other
            || self
                .task(task)
                .needs
                .iter()
                .any(|need| self.comes_after(need, other))
    }

    /// The tasks that run again when `gate` rejects.
    fn members(&self, gate: &Task) -> BTreeSet<TaskId> {
        let Some(on_reject) = &gate.on_reject else {
            return BTreeSet::new();
        };
        let on_path = |task: &&Task| {
            self.comes_after(&task.id, &on_reject.redo_from) && self.comes_after(&gate.id, &task.id)
        };
        self.workflow
            .tasks
            .iter()
            .filter(on_path)
            .map(|task| task.id.clone())
            .collect()
    }

    /// The gates of the loops that `task` takes something out of.
    fn gates_before(&self, task: &'a Task) -> impl Iterator<Item = TaskId> {
        let gates = self.workflow.tasks.iter().filter(move |gate| {
            let members = self.members(gate);
            !task.finally
                && !members.contains(&task.id)
                && task.needs.iter().any(|need| members.contains(need))
        });
        gates.map(|gate| gate.id.clone())
    }

    fn scope(&self) -> Scope {
        let mut results = TaskResults::default();
        for (id, ended) in &self.ended {
            results.insert(id.clone(), ended.status, ended.output.clone());
        }
        Scope::new(&RunId::new("r1").unwrap(), self.inputs, Arc::new(results))
    }

    fn play(&mut self, task: &Task) {
        // What stands under `finally` runs whatever became of the others.
        let counts = |need: &&TaskId| !task.finally || self.task(need).finally;
        let mut needs = task.needs.iter().filter(counts);
        if needs.any(|need| self.ended[need].skips_dependents) {
            return self.end(task, TaskStatus::Skipped, Output::default(), true);
        }
        let wanted = task
            .when
            .as_ref()
            .is_none_or(|when| when.eval_bool(&self.scope()).unwrap());
        if !wanted {
            return self.end(task, TaskStatus::Skipped, Output::default(), false);
        }
        match (&task.body, &task.for_each) {
            (TaskBody::Vote(require), _) => self.vote(task, *require),
            (TaskBody::Agent { .. }, None) => match self.work(task, None) {
                Went::Completed(output) => self.end(task, TaskStatus::Completed, output, false),
                Went::Rejected(rejection) => self.reject(task, rejection),
                Went::Failed => self.fail(task, Output::default()),
            },
            (TaskBody::Agent { .. }, Some(map)) => self.map(task, map),
            (TaskBody::Approval(_) | TaskBody::Workflow(_), _) => {
                panic!("the reference knows neither people nor other workflows")
            }
        }
    }

    fn map(&mut self, task: &Task, map: &ForEach) {
        let Ok(items) = map.items.eval_list(&self.scope()) else {
            return self.fail(task, Output::default());
        };
        let went: Vec<_> = (0..)
            .zip(items)
            .map(|item| self.work(task, Some(&item)))
            .collect();
        let (mut values, mut output) = (Vec::new(), Output::default());
        let (mut findings, mut artifacts) = (Vec::new(), Vec::new());
        let (mut failed, mut rejected, mut against) = (false, false, Vec::new());
        for went in went {
            match went {
                Went::Completed(output) => {
                    values.push(output.value.to_value());
                    findings.extend(output.findings.iter().cloned());
                    artifacts.extend(output.artifacts.iter().cloned());
                }
                Went::Rejected(rejection) => {
                    rejected = true;
                    values.push(json!(null));
                    against.extend(rejection.findings.iter().cloned());
                }
                Went::Failed => match map.on_item_failure {
                    OnItemFailure::Drop => {}
                    OnItemFailure::Null => values.push(json!(null)),
                    OnItemFailure::FailAtEnd => {
                        failed = true;
                        values.push(json!(null));
                    }
                    OnItemFailure::FailFast => panic!("who is quicker decides that"),
                },
            }
        }
        output.value = Json::from(json!(values));
        output.findings = findings.into();
        output.artifacts = artifacts.into();
        if failed {
            self.fail(task, output);
        } else if !rejected {
            self.end(task, TaskStatus::Completed, output, false);
        } else {
            let rejection = Rejection {
                reason: "items rejected".into(),
                findings: against.into(),
            };
            self.reject(task, rejection);
        }
    }

    /// One instance: its agent with retries, then each fallback with its own.
    fn work(&self, task: &Task, item: Option<&(u32, minijinja::Value)>) -> Went {
        let mut attempt = 0;
        for _agent in 0..=task.fallback.len() {
            for _try in 0..=task.retry.max_retries {
                attempt += 1;
                let Some(request) = self.request(task, item, attempt) else {
                    return Went::Failed;
                };
                match (self.agent)(&request) {
                    AttemptResult::Completed(output) => return Went::Completed(output),
                    AttemptResult::Rejected(rejection) => return Went::Rejected(rejection),
                    AttemptResult::Failed(why) => {
                        if why.code.retry() != Retry::AfterBackoff {
                            break;
                        }
                    }
                }
            }
        }
        Went::Failed
    }

    /// What an agent is asked; nothing if the input cannot be filled in.
    fn request(
        &self,
        task: &Task,
        item: Option<&(u32, minijinja::Value)>,
        attempt: u32,
    ) -> Option<TaskRequest> {
        let TaskBody::Agent { role, .. } = &task.body else {
            unreachable!("only agents are asked")
        };
        let input = match (&task.input, item) {
            (None, None) => Json::from(json!({})),
            (None, Some((_, item))) => item_json(item),
            (Some(template), None) => template.render(&self.scope()).ok()?,
            (Some(template), Some((index, item))) => template
                .render(&self.scope().with_item(item.clone(), *index))
                .ok()?,
        };
        let needs = task.needs.iter().map(|need| Dependency {
            task: need.clone(),
            output: self.ended[need].output.clone(),
        });
        Some(TaskRequest {
            run: RunId::new("r1").unwrap(),
            key: TaskKey {
                task: task.id.clone(),
                item: item.map(|(index, _)| *index),
            },
            role: role.clone(),
            priority: task.priority,
            attempt,
            round: self.round(&task.id),
            input,
            needs: needs.collect(),
            feedback: self.feedback.get(&task.id).cloned().unwrap_or_default(),
            mounts: [].into(),
            time_left: Duration::ZERO,
        })
    }

    fn round(&self, task: &TaskId) -> u32 {
        self.rounds.get(task).copied().unwrap_or(1)
    }

    fn vote(&mut self, task: &Task, require: Require) {
        let approved = |need: &&TaskId| self.ended[*need].status == TaskStatus::Completed;
        let yes = task.needs.iter().filter(approved).count() as u32;
        let of = task.needs.len() as u32;
        let required = match require {
            Require::All => of,
            Require::Any => 1,
            Require::AtLeast(n) => n,
        };
        let findings = task
            .needs
            .iter()
            .flat_map(|need| self.ended[need].output.findings.to_vec());
        let output = Output {
            value: Json::from(json!({ "approved": yes, "of": of, "required": required })),
            findings: findings.collect(),
            ..Output::default()
        };
        if yes >= required {
            return self.end(task, TaskStatus::Completed, output, false);
        }
        let rejection = Rejection {
            reason: "too few".into(),
            findings: output.findings,
        };
        self.reject(task, rejection);
    }

    fn reject(&mut self, task: &Task, rejection: Rejection) {
        let own = self.own_rounds.get(&task.id).copied().unwrap_or(1);
        let rounds = task
            .on_reject
            .as_ref()
            .map_or(1, |on_reject| on_reject.max_rounds);
        if own < rounds {
            for member in self.members(task) {
                self.ended.remove(&member);
                *self.rounds.entry(member.clone()).or_insert(1) += 1;
                self.feedback
                    .insert(member.clone(), Arc::clone(&rejection.findings));
                self.own_rounds.insert(member, 1);
            }
            self.own_rounds.insert(task.id.clone(), own + 1);
            return;
        }
        let is_vote = |other: &&Task| {
            matches!(other.body, TaskBody::Vote(_))
                && other.needs.contains(&task.id)
                && other.finally == task.finally
        };
        let counted = task.on_reject.is_none() && self.workflow.tasks.iter().any(|t| is_vote(&t));
        let skips = !counted && task.on_failure == OnFailure::SkipDependents;
        self.end(
            task,
            TaskStatus::Rejected,
            Output::found(rejection.findings),
            skips,
        );
    }

    fn fail(&mut self, task: &Task, output: Output) {
        let skips = task.on_failure == OnFailure::SkipDependents;
        self.end(task, TaskStatus::Failed, output, skips);
    }

    fn end(&mut self, task: &Task, status: TaskStatus, output: Output, skips_dependents: bool) {
        let ended = Ended {
            status,
            output,
            round: self.round(&task.id),
            skips_dependents,
        };
        self.ended.insert(task.id.clone(), ended);
    }
}
