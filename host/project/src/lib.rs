//! The project of somebody who writes an agent: made from a template, built to
//! a component, tested by cases.
//!
//! Nothing here knows of WebAssembly: the component is made by the tools of its
//! language, and attempts are made by whatever implements
//! [`AttemptRunner`](ringfence_flow::AttemptRunner).

mod build;
mod case;
mod compare;
mod develop;
mod judge;
mod language;
mod project;
mod scaffold;
mod template;
mod trial;
mod watch;

pub use build::{BuildError, Built};
pub use case::{
    ArtifactPattern, Case, CaseArtifact, CaseFile, CaseFileError, CaseMount, CaseNeed, CaseTask,
    Expectation, ExpectedEnd, FindingPattern, LogPattern, Uses, case_files, case_schema, read_task,
};
pub use develop::{Changes, Comparison, Sample, Scene, Workbench, develop};
pub use judge::{Mismatch, judge};
pub use language::{Language, Missing, UnknownLanguage};
pub use project::{Project, ProjectError};
pub use scaffold::{ScaffoldError, create};
pub use trial::{Trial, TrialArtifact, TrialError, attempt};
pub use watch::{ChangeFinder, Tree};
