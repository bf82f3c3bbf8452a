//! What expressions see.

use std::sync::Arc;

use minijinja::Value;
use minijinja::value::{Enumerator, Object};

use super::result::{TaskResults, TasksObject};
use crate::{Failure, Json, RunId, RunStatus};

/// The names that expressions can read.
pub const ROOTS: [&str; 5] = ["inputs", "tasks", "item", "index", "run"];

/// What expressions see: `inputs`, `tasks.<id>.{output,findings,status}`,
/// `run.id`, and inside a `for_each` task `item` and `index`. Tasks of
/// `finally` see `run.status` and `run.failure`, too.
///
/// Cloning, and making the scope of an item, cost a few pointers.
#[derive(Clone, Debug)]
pub struct Scope {
    names: Names,
    context: Value,
}

#[derive(Clone, Debug)]
struct Names {
    inputs: Value,
    tasks: Value,
    run: Value,
    item: Option<(Value, u32)>,
}

impl Scope {
    /// The scope of a run whose inputs are the object `inputs`, and of whose
    /// tasks `results` have ended.
    #[must_use]
    pub fn new(run: &RunId, inputs: &Json, results: Arc<TaskResults>) -> Self {
        Self::of(Names {
            inputs: inputs.decode().unwrap_or_else(|_| Value::from(())),
            tasks: Value::from_object(TasksObject(results)),
            run: Value::from_pairs([("id", run.as_str())]),
            item: None,
        })
    }

    /// The same for one item of a `for_each` task. `index` counts from 0.
    #[must_use]
    pub fn with_item(&self, item: Value, index: u32) -> Self {
        let mut names = self.names.clone();
        names.item = Some((item, index));
        Self::of(names)
    }

    /// The same for the tasks of `finally`: with `run.status`, and
    /// `run.failure` if the run did not complete.
    #[must_use]
    pub fn with_end(&self, run: &RunId, status: RunStatus, failure: Option<&Failure>) -> Self {
        let failure = failure.map_or_else(
            || Value::from(()),
            |failure| {
                Value::from_pairs([
                    ("code", Value::from(failure.code.as_str())),
                    ("message", Value::from(&*failure.message)),
                ])
            },
        );
        let mut names = self.names.clone();
        names.run = Value::from_pairs([
            ("id", Value::from(run.as_str())),
            ("status", Value::from(status.as_str())),
            ("failure", failure),
        ]);
        Self::of(names)
    }

    /// The same after other tasks ended.
    #[must_use]
    pub fn with_results(&self, results: Arc<TaskResults>) -> Self {
        let mut names = self.names.clone();
        names.tasks = Value::from_object(TasksObject(results));
        Self::of(names)
    }

    fn of(names: Names) -> Self {
        let context = Value::from_object(names.clone());
        Self { names, context }
    }

    pub(super) fn context(&self) -> &Value {
        &self.context
    }
}

impl Object for Names {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        match key {
            "inputs" => Some(self.inputs.clone()),
            "tasks" => Some(self.tasks.clone()),
            "run" => Some(self.run.clone()),
            "item" => self.item.as_ref().map(|(item, _)| item.clone()),
            "index" => self.item.as_ref().map(|(_, index)| Value::from(*index)),
            _ => None,
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Str(match self.item {
            Some(_) => &ROOTS,
            None => &["inputs", "tasks", "run"],
        })
    }
}
