//! The reports that `--report` asks for.

use std::path::{Path, PathBuf};

use ringfence::flow::{Plan, RunRecord, graph};
use ringfence::report::{ReportError, SourceFolders, SourceLookup, html, markdown, sarif};

use crate::error::CliError;

/// Reports to write, each with its kind.
pub(super) struct Reports(Vec<(PathBuf, ReportKind)>);

impl Reports {
    /// Finds out what could go wrong before there is something to lose.
    pub(super) fn prepare(paths: &[PathBuf]) -> Result<Self, CliError> {
        let kind = |path: &PathBuf| match ReportKind::of_path(path) {
            Some(kind) => Ok((path.clone(), kind)),
            None => Err(CliError::usage(
                format!("`{}` does not say which report is meant", path.display()),
                "let the name end in .html, .md, .sarif or .json",
            )),
        };
        let reports: Vec<_> = paths.iter().map(kind).collect::<Result<_, _>>()?;
        for folder in paths.iter().filter_map(|path| path.parent()) {
            std::fs::create_dir_all(folder).map_err(CliError::disk(folder, "make the folder"))?;
        }
        Ok(Self(reports))
    }

    /// Writes them all, as far as that is possible; the first failure counts.
    pub(super) fn write<P: AsRef<Path>>(
        &self,
        record: &RunRecord,
        plan: &Plan,
        mounts: impl Iterator<Item = P>,
    ) -> Result<(), CliError> {
        let sources = SourceFolders::new(mounts);
        let graph = graph::svg_of_run(plan, record);
        let mut written = Ok(());
        for (path, kind) in &self.0 {
            let report = kind.render(record, &sources, &graph);
            let report = report.map_err(CliError::from);
            written = written.and(report.and_then(|text| write(path, text.as_bytes())));
        }
        written
    }
}

/// Writes a file, and the folder it is in.
pub(super) fn write(path: &Path, content: &[u8]) -> Result<(), CliError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(CliError::disk(folder, "make the folder"))?;
    }
    std::fs::write(path, content).map_err(CliError::disk(path, "write"))
}

/// A kind of report, which the ending of its file's name tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ReportKind {
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
    fn of_path(path: &Path) -> Option<Self> {
        Some(match path.extension()?.to_str()? {
            "html" | "htm" => Self::Html,
            "md" => Self::Markdown,
            "sarif" => Self::Sarif,
            "json" => Self::Json,
            _ => return None,
        })
    }

    fn render(
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
