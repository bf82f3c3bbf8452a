//! Workflows written in Rust, as short as in a file.
//!
//! A builder makes the text of a workflow file and has it read like any other:
//! there is one set of checks, and one plan for the same workflow however it
//! was written.
//!
//! ```
//! use ringfence_flow::build::{role, workflow};
//! use serde_json::json;
//!
//! let plan = workflow("review")
//!     .task("survey", role("architect").mounts(["src"]))
//!     .task(
//!         "security",
//!         role("security")
//!             .needs(["survey"])
//!             .mounts(["src"])
//!             .for_each("tasks.survey.output.shards")
//!             .input(json!({ "files": "${{ item.files }}" })),
//!     )
//!     .task("fix", role("developer").needs(["security"]).mounts(["src"]))
//!     .task("gate", role("quality-gate").needs(["fix"]).on_reject("fix", 3))
//!     .plan()?;
//! assert_eq!(plan.waves().len(), 4);
//! # Ok::<(), ringfence_flow::build::BuildError>(())
//! ```

mod input;
mod task;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

pub use input::{InputBuilder, input};
pub use task::{TaskBuilder, approval, role, sub_workflow, vote};

use crate::{
    BudgetOverrides, Diagnostic, Limit, Limits, OnFailure, Plan, Priority, RetryBudget,
    RetryPolicy, SourceFile, WorkflowFile, WorkflowSource, render_diagnostics,
};

/// A workflow that is being put together. Nothing is checked before
/// [`plan`](Self::plan) or [`file`](Self::file).
#[derive(Clone, Debug)]
#[must_use]
pub struct WorkflowBuilder {
    name: String,
    fields: Map<String, Value>,
    defaults: Map<String, Value>,
    inputs: Vec<(String, InputBuilder)>,
    tasks: Vec<(String, TaskBuilder)>,
    finally: Vec<(String, TaskBuilder)>,
}

/// Starts a workflow of this name.
pub fn workflow(name: &str) -> WorkflowBuilder {
    WorkflowBuilder {
        name: name.to_owned(),
        fields: Map::new(),
        defaults: Map::new(),
        inputs: Vec::new(),
        tasks: Vec::new(),
        finally: Vec::new(),
    }
}

/// Everything that is wrong with a workflow that was built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildError {
    /// The workflow as a file.
    pub text: String,
    /// What is wrong with it, at least one, in the order of the file.
    pub diagnostics: Vec<Diagnostic>,
    name: String,
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = render_diagnostics(&self.name, &self.text, &self.diagnostics);
        f.write_str(shown.trim_end())
    }
}

impl std::error::Error for BuildError {}

impl WorkflowBuilder {
    /// One sentence on what it does.
    pub fn description(self, text: &str) -> Self {
        self.set("description", text)
    }

    /// Takes an input.
    pub fn input(mut self, name: &str, input: InputBuilder) -> Self {
        self.inputs.push((name.to_owned(), input));
        self
    }

    /// How many attempts may be under way at once.
    pub fn concurrency(self, attempts: u32) -> Self {
        self.set("concurrency", attempts)
    }

    /// How long a run may take, in whole milliseconds.
    pub fn deadline(self, limit: Duration) -> Self {
        self.set("deadline", duration(limit))
    }

    /// How urgent its tasks are where they don't say.
    pub fn priority(self, priority: Priority) -> Self {
        self.set("priority", priority.as_str())
    }

    /// Limits on the attempts of roles and agents.
    pub fn limits(self, limits: &Limits) -> Self {
        let limit = |limit: &Limit| {
            let mut fields = Map::new();
            if let Some(concurrency) = limit.concurrency {
                fields.insert("concurrency".to_owned(), concurrency.into());
            }
            if let Some(rate) = limit.rate {
                fields.insert("rate".to_owned(), rate.to_string().into());
            }
            Value::Object(fields)
        };
        let roles: Map<_, _> = limits
            .roles
            .iter()
            .map(|(role, of)| (role.to_string(), limit(of)))
            .collect();
        let agents: Map<_, _> = limits
            .agents
            .iter()
            .map(|(agent, of)| (agent.to_string(), limit(of)))
            .collect();
        self.set(
            "limits",
            serde_json::json!({ "roles": roles, "agents": agents }),
        )
    }

    /// How many retries all tasks may have together.
    pub fn retry_budget(self, budget: RetryBudget) -> Self {
        let budget = serde_json::json!({ "at_least": budget.at_least, "ratio": budget.ratio });
        self.set("retry_budget", budget)
    }

    /// What the workflow gives; `${{ }}` in texts is filled in at the end.
    pub fn output(self, template: impl Into<Value>) -> Self {
        self.set("output", template)
    }

    /// How long an attempt may take where the task does not say.
    pub fn default_timeout(self, limit: Duration) -> Self {
        self.set_default("timeout", duration(limit))
    }

    /// When failed attempts are tried again where the task does not say.
    pub fn default_retry(self, policy: &RetryPolicy) -> Self {
        self.set_default("retry", task::retry(policy))
    }

    /// What attempts may use where the task does not say.
    pub fn default_budget(self, budget: &BudgetOverrides) -> Self {
        self.set_default("budget", task::budget(budget))
    }

    /// What failures do where the task does not say.
    pub fn default_on_failure(self, choice: OnFailure) -> Self {
        self.set_default("on_failure", choice.as_str())
    }

    /// Adds a task.
    pub fn task(mut self, name: &str, task: TaskBuilder) -> Self {
        self.tasks.push((name.to_owned(), task));
        self
    }

    /// Adds a task that runs after all others, whatever became of them.
    pub fn finally(mut self, name: &str, task: TaskBuilder) -> Self {
        self.finally.push((name.to_owned(), task));
        self
    }

    fn set(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(key.to_owned(), value.into());
        self
    }

    fn set_default(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.defaults.insert(key.to_owned(), value.into());
        self
    }

    /// The workflow as the text of a file. Workflows that it holds as tasks
    /// are named, and are files of their own.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        let mut text = format!("version: 1\nname: {}\n", quoted(&self.name));
        for (key, value) in &self.fields {
            text += &format!("{key}: {value}\n");
        }
        section(
            &mut text,
            "inputs",
            self.inputs
                .iter()
                .map(|(name, input)| (name, &input.fields)),
        );
        if !self.defaults.is_empty() {
            text += &format!("defaults: {}\n", Value::Object(self.defaults.clone()));
        }
        // A workflow without tasks is told so, and not that a key is missing.
        if self.tasks.is_empty() {
            text += "tasks: {}\n";
        }
        section(
            &mut text,
            "tasks",
            self.tasks.iter().map(|(name, task)| (name, &task.fields)),
        );
        section(
            &mut text,
            "finally",
            self.finally.iter().map(|(name, task)| (name, &task.fields)),
        );
        text
    }

    /// Checks the workflow.
    ///
    /// # Errors
    /// [`BuildError`] with everything that is wrong.
    pub fn file(&self) -> Result<WorkflowFile, BuildError> {
        let text = self.to_yaml();
        let mut held = Held(BTreeMap::new());
        self.collect(&mut held);
        WorkflowFile::parse_with(&self.name, &text, &held).map_err(|diagnostics| BuildError {
            text,
            diagnostics,
            name: self.name.clone(),
        })
    }

    /// Checks the workflow, and gives what a run needs.
    ///
    /// # Errors
    /// [`BuildError`] with everything that is wrong.
    pub fn plan(&self) -> Result<Arc<Plan>, BuildError> {
        Ok(Arc::new(self.file()?.into_plan()))
    }

    /// The workflows that tasks hold, at any depth, by name.
    fn collect(&self, held: &mut Held) {
        for (_, task) in self.tasks.iter().chain(&self.finally) {
            if let Some(inner) = &task.workflow {
                held.0.insert(inner.name.clone(), inner.to_yaml());
                inner.collect(held);
            }
        }
    }
}

/// The texts of the workflows that tasks hold.
struct Held(BTreeMap<String, String>);

impl WorkflowSource for Held {
    fn read(&self, _from: &str, path: &str) -> Result<SourceFile, String> {
        let text = self.0.get(path).ok_or("is no workflow of this program")?;
        Ok(SourceFile {
            name: path.to_owned(),
            text: text.clone(),
        })
    }
}

fn section<'a>(
    text: &mut String,
    key: &str,
    entries: impl Iterator<Item = (&'a String, &'a Map<String, Value>)>,
) {
    for (number, (name, fields)) in entries.enumerate() {
        if number == 0 {
            *text += &format!("{key}:\n");
        }
        *text += &format!("  {}: {}\n", quoted(name), Value::Object(fields.clone()));
    }
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// A duration as files write it. A part of a millisecond counts as a whole.
fn duration(duration: Duration) -> String {
    let millis = duration.as_micros().div_ceil(1_000);
    format!("{millis}ms")
}

#[cfg(test)]
mod tests;
