//! The reports that `ringfence run --report` writes.

use std::path::Path;

use ringfence::flow::RunRecord;
use ringfence::report::{ReportError, SourceLookup, html, markdown, sarif};

/// A kind of report, which the ending of its file's name tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReportKind {
    /// A page for a browser.
    Html,
    /// Text for a pull request.
    Markdown,
    /// Findings for code scanners.
    Sarif,
    /// All that is known of the run.
    Json,
}

impl ReportKind {
    pub(super) fn of_path(path: &Path) -> Option<Self> {
        Some(match path.extension()?.to_str()? {
            "html" | "htm" => Self::Html,
            "md" => Self::Markdown,
            "sarif" => Self::Sarif,
            "json" => Self::Json,
            _ => return None,
        })
    }

    pub(super) fn render(
        self,
        record: &RunRecord,
        sources: &dyn SourceLookup,
        graph_svg: &str,
    ) -> Result<String, ReportError> {
        match self {
            Self::Html => html(record, sources, Some(graph_svg)),
            Self::Markdown => markdown(record, sources),
            Self::Sarif => sarif(record, sources),
            Self::Json => {
                serde_json::to_string_pretty(record).map_err(|source| ReportError::Json {
                    format: "JSON",
                    source,
                })
            }
        }
    }
}
