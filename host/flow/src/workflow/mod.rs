//! Workflow files: what they say, and how they are read and checked.
//!
//! A file is read in one pass that notes everything that is wrong with it:
//! YAML to a tree that knows where each part stands, the tree to a
//! [`Workflow`], the workflow to a [`Plan`], and then what its expressions
//! read. [`WorkflowFile::check_against`] is the second pass, against a host.

mod bundle;
mod check;
mod decode;
mod decode_body;
mod decode_task;
mod files;
mod host_check;
mod inputs;
mod keys;
mod limits;
mod model;
mod places;
mod policy;
mod schema;

pub use bundle::{BundledFile, WorkflowBundle};
pub use files::{MAX_WORKFLOW_FILES, NoFiles, SourceFile, WorkflowSource};
pub use host_check::HostFacts;
pub use inputs::{InputError, InputValue};
pub use model::{
    Approval, DEFAULT_CONCURRENCY, DEFAULT_MAX_ROUNDS, ForEach, InputSpec, InputType,
    MAX_WORKFLOW_DEPTH, OnFailure, OnItemFailure, OnReject, OnTimeout, Require, SubWorkflow, Task,
    TaskBody, Workflow, empty_input,
};
pub use schema::workflow_schema;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Source};
use crate::document::Reader;
use crate::{Plan, PlanError, yaml};
use files::Files;
use places::Places;

/// A workflow file that is right in itself.
#[derive(Clone, Debug)]
pub struct WorkflowFile {
    name: String,
    text: String,
    plan: Arc<Plan>,
    places: Places,
}

impl WorkflowFile {
    /// Reads and checks the file `name` that holds `text`.
    ///
    /// # Errors
    /// Everything that is wrong with it, at least one [`Diagnostic`], in the
    /// order of the file.
    ///
    /// ```
    /// use ringfence_flow::WorkflowFile;
    /// let file = WorkflowFile::parse("hello.yaml", "
    /// version: 1
    /// name: hello
    /// tasks:
    ///   greet: { role: greeter, input: { name: you } }
    /// ").unwrap();
    /// assert_eq!(file.plan().waves().len(), 1);
    /// ```
    pub fn parse(name: &str, text: &str) -> Result<Self, Vec<Diagnostic>> {
        Self::parse_with(name, text, &NoFiles)
    }

    /// As [`parse`](Self::parse), with the files that tasks name with
    /// `workflow:`.
    ///
    /// # Errors
    /// As [`parse`](Self::parse), and where such a file is missing, is not
    /// valid, runs itself, or lies deeper than [`MAX_WORKFLOW_DEPTH`].
    pub fn parse_with(
        name: &str,
        text: &str,
        source: &dyn WorkflowSource,
    ) -> Result<Self, Vec<Diagnostic>> {
        Self::parse_open(name, text, &mut Files::new(source, name))
    }

    /// Parses the innermost open file of `files`.
    fn parse_open(name: &str, text: &str, files: &mut Files<'_>) -> Result<Self, Vec<Diagnostic>> {
        let source = Source::new(text);
        let mut errors = Vec::new();
        let root = yaml::parse(&source, &mut errors);
        let mut reader = Reader::new(&source, errors);
        let decoded = root.and_then(|root| decode::decode(&mut reader, &root, files));
        let Some((workflow, places)) = decoded else {
            return Err(reader.into_errors());
        };
        let plan = match Plan::new(workflow.clone()) {
            Ok(plan) => Some(plan),
            Err(found) => {
                let found: Vec<_> = found
                    .into_iter()
                    .filter(|error| !follows_from_loss(error, &places))
                    .collect();
                check::report_plan_errors(&mut reader, &workflow, &places, &found);
                None
            }
        };
        check::check_expressions(&mut reader, &workflow, &places, plan.as_ref());
        limits::check_roles(&mut reader, &workflow.tasks, &places.limits);
        match plan {
            Some(plan) if !reader.has_errors() => Ok(Self {
                name: name.to_owned(),
                text: text.to_owned(),
                plan: Arc::new(plan),
                places,
            }),
            _ => Err(reader.into_errors()),
        }
    }

    /// Reads and checks a file of any bytes.
    ///
    /// # Errors
    /// As [`parse_with`](Self::parse_with), and for what is no UTF-8.
    pub fn parse_bytes(
        name: &str,
        bytes: &[u8],
        source: &dyn WorkflowSource,
    ) -> Result<Self, Vec<Diagnostic>> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::parse_with(name, text, source),
            Err(error) => {
                let valid = error.valid_up_to();
                let text = String::from_utf8_lossy(&bytes[..valid]);
                let message = format!("byte {} of the file is no UTF-8", valid + 1);
                let span = Source::new(&text).span(valid..valid);
                Err(vec![
                    Diagnostic::new("no-text", message, span)
                        .hinting("save the file as UTF-8".to_owned()),
                ])
            }
        }
    }

    /// The name of the file.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text of the file.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The graph of its tasks.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The graph of its tasks, without the file.
    #[must_use]
    pub fn into_plan(self) -> Plan {
        Arc::unwrap_or_clone(self.plan)
    }

    /// The files that its tasks run, each once.
    pub fn files(&self) -> impl Iterator<Item = &Arc<Self>> {
        let mut seen = BTreeSet::new();
        let files = self
            .places
            .tasks
            .iter()
            .filter_map(|task| task.file.as_ref());
        files.filter(move |file| seen.insert(file.name.clone()))
    }

    /// How many workflows lie in one another, this one counted.
    fn depth(&self) -> usize {
        1 + self.files().map(|file| file.depth()).max().unwrap_or(0)
    }

    /// Everything that keeps it from running on a host: roles and agents that
    /// are not there, budgets above the ceiling, mounts that nobody granted
    /// or gave. Empty if it can run.
    #[must_use]
    pub fn check_against(&self, facts: &HostFacts<'_>) -> Vec<Diagnostic> {
        host_check::check(self, facts)
    }
}

/// Whether a graph error may only follow from a task or a name that could not
/// be read.
fn follows_from_loss(error: &PlanError, places: &Places) -> bool {
    match error {
        PlanError::UnknownNeed { need, .. } => places.unread.contains(need.as_str()),
        PlanError::UnknownRedoFrom { from, .. } => places.unread.contains(from.as_str()),
        PlanError::NoTasks | PlanError::NoAncestor { .. } | PlanError::VoteTooHigh { .. } => {
            places.incomplete
        }
        _ => false,
    }
}
