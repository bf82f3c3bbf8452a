//! Reports of a run: a self-contained HTML page, Markdown for a pull request,
//! and SARIF 2.1.0 for tools.
//!
//! Each is a pure function of a [`RunRecord`](ringfence_flow::RunRecord) and of
//! the [sources](SourceLookup) that its findings point into: the same record
//! gives the same bytes.
//!
//! What guests wrote (findings, log lines, messages, paths) is hostile text.
//! Each format escapes it where it is written out, so that it can neither run
//! in the page, nor fetch anything, nor forge markup.
//!
//! ```
//! use ringfence_flow::RunRecord;
//! use ringfence_report::{NoSources, html, markdown, sarif};
//!
//! let record = RunRecord::new();
//! assert!(html(&record, &NoSources, None)?.starts_with("<!doctype html>"));
//! assert!(markdown(&record, &NoSources)?.starts_with("## "));
//! assert!(sarif(&record, &NoSources)?.starts_with('{'));
//! # Ok::<(), ringfence_report::ReportError>(())
//! ```

mod html;
mod markdown;
mod sarif;
mod source;
pub mod wording;

pub use html::html;
pub use markdown::markdown;
pub use sarif::sarif;
pub use source::{MAX_SOURCE_LEN, NoSources, SourceFolders, SourceLookup};

/// Why a report could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A template of this crate failed.
    #[error("the {format} report cannot be rendered")]
    Template {
        /// Which report.
        format: &'static str,
        /// What the template engine says.
        source: minijinja::Error,
    },
    /// What is to be written has no form in JSON.
    #[error("the {format} report cannot be written as JSON")]
    Json {
        /// Which report.
        format: &'static str,
        /// What the serializer says.
        source: serde_json::Error,
    },
}
