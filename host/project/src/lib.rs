//! The project of somebody who writes an agent: made from a template, built to
//! a component, tested by cases.
//!
//! Nothing here knows of WebAssembly: the component is made by the tools of its
//! language, and attempts are made by whatever implements
//! [`AttemptRunner`](ringfence_flow::AttemptRunner).

mod build;
mod language;
mod project;
mod scaffold;
mod template;

pub use build::{BuildError, Built};
pub use language::{Language, Missing, UnknownLanguage};
pub use project::{Project, ProjectError};
pub use scaffold::{ScaffoldError, create};
