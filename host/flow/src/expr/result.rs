//! The ended tasks of a run, as expressions see them.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use minijinja::Value;
use minijinja::value::{Enumerator, Object, Serde};

use crate::{Output, TaskId, TaskStatus};

/// The ended tasks of a run: what `tasks` is in expressions.
///
/// A task's output is read as JSON at the first look at it, and once however
/// many items of a `for_each` task look. Cloning costs one pointer a task.
#[derive(Clone, Debug, Default)]
pub struct TaskResults {
    tasks: BTreeMap<TaskId, Arc<TaskResult>>,
}

impl TaskResults {
    /// Records how `task` ended; replaces what an earlier round gave.
    pub fn insert(&mut self, task: TaskId, status: TaskStatus, output: Output) {
        self.insert_because(task, status, output, None);
    }

    /// The same with the reason for a status that is not `completed`.
    pub fn insert_because(
        &mut self,
        task: TaskId,
        status: TaskStatus,
        output: Output,
        reason: Option<Arc<str>>,
    ) {
        let result = TaskResult {
            status,
            output,
            reason,
            value: OnceLock::new(),
            findings: OnceLock::new(),
        };
        self.tasks.insert(task, Arc::new(result));
    }

    /// Forgets `task`: it runs again.
    pub fn remove(&mut self, task: &TaskId) {
        self.tasks.remove(task);
    }

    /// How `task` ended, if it has.
    #[must_use]
    pub fn get(&self, task: &TaskId) -> Option<(TaskStatus, &Output)> {
        let result = self.tasks.get(task)?;
        Some((result.status, &result.output))
    }

    /// Why `task` was skipped, rejected or cancelled, or with what it failed;
    /// none if it completed or has not ended.
    #[must_use]
    pub fn reason(&self, task: &TaskId) -> Option<&str> {
        self.tasks.get(task)?.reason.as_deref()
    }
}

/// `tasks` in expressions.
#[derive(Debug)]
pub(super) struct TasksObject(pub(super) Arc<TaskResults>);

impl Object for TasksObject {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        let result = self.0.tasks.get(key)?;
        Some(Value::from_dyn_object(result.clone()))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(
            self.0
                .tasks
                .keys()
                .map(|id| Value::from(id.as_str()))
                .collect(),
        )
    }
}

/// `tasks.<id>` in expressions.
#[derive(Debug)]
struct TaskResult {
    status: TaskStatus,
    output: Output,
    reason: Option<Arc<str>>,
    value: OnceLock<Value>,
    findings: OnceLock<Value>,
}

impl Object for TaskResult {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        match key {
            "output" => Some(
                self.value
                    .get_or_init(|| self.output.value.decode().unwrap_or(Value::from(())))
                    .clone(),
            ),
            "findings" => Some(
                self.findings
                    .get_or_init(|| Value::from(Serde(&self.output.findings)))
                    .clone(),
            ),
            "status" => Some(Value::from(self.status.as_str())),
            _ => None,
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Str(&["output", "findings", "status"])
    }
}
