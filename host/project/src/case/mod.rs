//! Cases: tasks for an agent, and what is expected of each.
//!
//! A case file is a list of cases in YAML. It is read like a workflow file: all
//! that is wrong with it at once, each with its place.

mod expect;
mod file;
mod keys;
mod read;
mod read_expect;
mod read_task;
mod schema;
mod task;
#[cfg(test)]
mod tests;

pub use expect::{ArtifactPattern, Expectation, ExpectedEnd, FindingPattern, LogPattern, Uses};
pub use file::{CaseFile, CaseFileError, case_files};
pub use read::read_task;
pub use schema::case_schema;
pub use task::{CaseArtifact, CaseMount, CaseNeed, CaseTask};

/// A task, and what is expected of the agent.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// What it is called, unique in its file.
    pub name: String,
    /// The line of its file on which it begins.
    pub line: u32,
    /// The task.
    pub task: CaseTask,
    /// What is to come of it.
    pub expect: Expectation,
    /// What it may use at most.
    pub uses: Uses,
}
