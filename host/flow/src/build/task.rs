//! A task of a workflow that is being built.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{WorkflowBuilder, duration};
use crate::{
    Backoff, BudgetOverrides, Jitter, OnFailure, OnItemFailure, OnTimeout, Priority, Require,
    RetryPolicy,
};

/// A task of a workflow that is being built.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct TaskBuilder {
    pub(super) fields: Map<String, Value>,
    pub(super) workflow: Option<Box<WorkflowBuilder>>,
}

/// A task for any agent that has this role.
pub fn role(role: &str) -> TaskBuilder {
    TaskBuilder::default().set("role", role)
}

/// A vote: so many of the tasks it needs have to approve.
pub fn vote(require: Require) -> TaskBuilder {
    let require = match require {
        Require::All => json!("all"),
        Require::Any => json!("any"),
        Require::AtLeast(count) => json!({ "at_least": count }),
    };
    TaskBuilder::default().set("require", require)
}

/// A question to a person, `${{ }}` filled in.
pub fn approval(question: &str) -> TaskBuilder {
    TaskBuilder::default().set("approve", json!({ "message": question }))
}

/// Another workflow, whose inputs [`input`](TaskBuilder::input) gives.
pub fn sub_workflow(workflow: WorkflowBuilder) -> TaskBuilder {
    let mut task = TaskBuilder::default().set("workflow", workflow.name.as_str());
    task.workflow = Some(Box::new(workflow));
    task
}

impl TaskBuilder {
    /// The one agent that may do it.
    pub fn agent(self, agent: &str) -> Self {
        self.set("agent", agent)
    }

    /// The tasks that have to end first.
    pub fn needs<T: AsRef<str>>(self, tasks: impl IntoIterator<Item = T>) -> Self {
        self.set_names("needs", tasks)
    }

    /// One instance for each item of the list that this expression gives.
    pub fn for_each(self, items: &str) -> Self {
        self.set_in("for_each", "items", items)
    }

    /// How many items may be under way at once.
    pub fn item_concurrency(self, items: u32) -> Self {
        self.set_in("for_each", "concurrency", items)
    }

    /// What an item that failed does.
    pub fn on_item_failure(self, choice: OnItemFailure) -> Self {
        self.set_in("for_each", "on_item_failure", choice.as_str())
    }

    /// Skips the task where this expression is false.
    pub fn when(self, condition: &str) -> Self {
        self.set("when", condition)
    }

    /// The input; `${{ }}` in texts is filled in.
    pub fn input(self, template: impl Into<Value>) -> Self {
        self.set("input", template)
    }

    /// The mounts that the agent gets, if it is granted them.
    pub fn mounts<T: AsRef<str>>(self, mounts: impl IntoIterator<Item = T>) -> Self {
        self.set_names("mounts", mounts)
    }

    /// How urgent it is.
    pub fn priority(self, priority: Priority) -> Self {
        self.set("priority", priority.as_str())
    }

    /// How long an attempt may take, or a person may take to answer.
    pub fn timeout(self, limit: Duration) -> Self {
        let limit = duration(limit);
        if self.fields.contains_key("approve") {
            return self.set_in("approve", "timeout", limit);
        }
        self.set("timeout", limit)
    }

    /// What happens when nobody answers in time.
    pub fn on_timeout(self, choice: OnTimeout) -> Self {
        self.set_in("approve", "on_timeout", choice.as_str())
    }

    /// How long it may wait for an agent, each time it does.
    pub fn start_timeout(self, limit: Duration) -> Self {
        self.set("start_timeout", duration(limit))
    }

    /// How long all attempts may take together, waits included.
    pub fn total_timeout(self, limit: Duration) -> Self {
        self.set("total_timeout", duration(limit))
    }

    /// When a failed attempt is tried again.
    pub fn retry(self, policy: &RetryPolicy) -> Self {
        self.set("retry", retry(policy))
    }

    /// How many attempts may follow the first one.
    pub fn max_retries(self, retries: u32) -> Self {
        self.set_in("retry", "max_retries", retries)
    }

    /// What an attempt may use.
    pub fn budget(self, budgets: &BudgetOverrides) -> Self {
        self.set("budget", budget(budgets))
    }

    /// Takes an earlier result for the same agent, input and files.
    pub fn cache(self) -> Self {
        self.set("cache", true)
    }

    /// The agents that are tried in turn when the chosen one fails.
    pub fn fallback<T: AsRef<str>>(self, agents: impl IntoIterator<Item = T>) -> Self {
        self.set_names("fallback", agents)
    }

    /// Sends the work back to `redo_from` when it rejects, up to `max_rounds`
    /// rounds in all.
    pub fn on_reject(self, redo_from: &str, max_rounds: u32) -> Self {
        let value = json!({ "redo_from": redo_from, "max_rounds": max_rounds });
        self.set("on_reject", value)
    }

    /// What a failure does.
    pub fn on_failure(self, choice: OnFailure) -> Self {
        self.set("on_failure", choice.as_str())
    }

    fn set(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(key.to_owned(), value.into());
        self
    }

    fn set_names<T: AsRef<str>>(self, key: &str, names: impl IntoIterator<Item = T>) -> Self {
        let names: Vec<_> = names
            .into_iter()
            .map(|name| Value::from(name.as_ref()))
            .collect();
        self.set(key, names)
    }

    /// Sets a key of a map, which is made if it is not there.
    fn set_in(mut self, map: &str, key: &str, value: impl Into<Value>) -> Self {
        let entry = self.fields.entry(map).or_insert_with(|| json!({}));
        if let Value::Object(fields) = entry {
            fields.insert(key.to_owned(), value.into());
        }
        self
    }
}

/// A policy as files write it.
pub(super) fn retry(policy: &RetryPolicy) -> Value {
    let mut fields = backoff(&policy.backoff);
    fields.insert("max_retries".to_owned(), policy.max_retries.into());
    fields.insert("escalate".to_owned(), policy.escalate.into());
    let on: Map<_, _> = policy
        .on
        .iter()
        .map(|(code, special)| {
            let mut fields = backoff(&special.backoff);
            fields.insert("max_retries".to_owned(), special.max_retries.into());
            (code.as_str().to_owned(), Value::Object(fields))
        })
        .collect();
    if !on.is_empty() {
        fields.insert("on".to_owned(), Value::Object(on));
    }
    Value::Object(fields)
}

fn backoff(backoff: &Backoff) -> Map<String, Value> {
    let jitter = match backoff.jitter {
        Jitter::Full => "full",
        Jitter::None => "none",
    };
    Map::from_iter([
        ("initial".to_owned(), duration(backoff.initial).into()),
        ("factor".to_owned(), backoff.factor.into()),
        ("max".to_owned(), duration(backoff.max).into()),
        ("jitter".to_owned(), jitter.into()),
    ])
}

/// Budgets as files write them.
pub(super) fn budget(budget: &BudgetOverrides) -> Value {
    let bytes = |size: crate::ByteSize| format!("{}B", size.as_u64());
    let fields: [(&str, Option<Value>); 9] = [
        ("fuel", budget.fuel.map(|fuel| fuel.as_u64().into())),
        ("time", budget.time.map(|time| duration(time).into())),
        ("memory", budget.memory.map(|size| bytes(size).into())),
        ("output", budget.output.map(|size| bytes(size).into())),
        ("artifacts", budget.artifacts.map(|size| bytes(size).into())),
        ("log-lines", budget.log_lines.map(Into::into)),
        ("log-bytes", budget.log_bytes.map(|size| bytes(size).into())),
        ("host-calls", budget.host_calls.map(Into::into)),
        ("open-resources", budget.open_resources.map(Into::into)),
    ];
    let given = fields
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?)));
    Value::Object(given.collect())
}
