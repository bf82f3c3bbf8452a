//! The case files of a project.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ringfence_flow::document::read;
use ringfence_flow::{Diagnostic, TextSpan, render_diagnostics};

use super::Case;
use super::read::cases;
use crate::project::Project;

/// The folder of a project that holds its case files.
const FOLDER: &str = "cases";

/// A file of cases.
#[derive(Clone, Debug, PartialEq)]
pub struct CaseFile {
    /// Its path, relative to the project, with `/` between its parts.
    pub name: String,
    /// Its cases, in their order.
    pub cases: Vec<Case>,
}

/// Why a case file is of no use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaseFileError {
    /// It cannot be read.
    #[error("`{}` cannot be read: {source}", .path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Something is wrong with it.
    #[error("{}", render_diagnostics(.name, .text, .diagnostics).trim_end())]
    Invalid {
        /// Its name.
        name: String,
        /// What is in it.
        text: String,
        /// All that is wrong.
        diagnostics: Vec<Diagnostic>,
    },
}

/// Reads all case files of a project, `cases/*.yaml`, in the order of their names.
///
/// # Errors
/// Everything that is wrong with any of them.
pub fn case_files(project: &Project) -> Result<Vec<CaseFile>, Vec<CaseFileError>> {
    let folder = project.folder().join(FOLDER);
    let names = names(&folder).map_err(|error| vec![error])?;
    let (mut files, mut errors) = (Vec::new(), Vec::new());
    for name in names {
        match CaseFile::read(&folder.join(&name), &format!("{FOLDER}/{name}")) {
            Ok(file) => files.push(file),
            Err(error) => errors.push(error),
        }
    }
    match errors.is_empty() {
        true => Ok(files),
        false => Err(errors),
    }
}

/// The names of the case files in `folder`; none, where it is not there.
fn names(folder: &Path) -> Result<Vec<String>, CaseFileError> {
    let unreadable = |source| CaseFileError::Unreadable {
        path: folder.to_owned(),
        source,
    };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(unreadable)?.file_name();
        let name = name.to_string_lossy().into_owned();
        let is_hidden = name.starts_with('.');
        if !is_hidden && (name.ends_with(".yaml") || name.ends_with(".yml")) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

impl CaseFile {
    /// Reads the file at `path`, which is called `name` in messages. Paths in it
    /// are relative to its folder.
    ///
    /// # Errors
    /// [`CaseFileError`] tells everything that is wrong with it.
    pub fn read(path: &Path, name: &str) -> Result<Self, CaseFileError> {
        let unreadable = |source| CaseFileError::Unreadable {
            path: path.to_owned(),
            source,
        };
        let text = fs::read_to_string(path).map_err(unreadable)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        Self::parse(name, &text, folder)
    }

    /// Reads the text of a file called `name` in `folder`.
    ///
    /// # Errors
    /// [`CaseFileError::Invalid`] tells everything that is wrong with it.
    pub fn parse(name: &str, text: &str, folder: &Path) -> Result<Self, CaseFileError> {
        let decoded = match says_nothing(text) {
            true => Err(vec![empty()]),
            false => read(text, |reader, root| cases(reader, root, folder)),
        };
        match decoded {
            Ok(cases) => Ok(Self {
                name: name.to_owned(),
                cases,
            }),
            Err(diagnostics) => Err(CaseFileError::Invalid {
                name: name.to_owned(),
                text: text.to_owned(),
                diagnostics,
            }),
        }
    }
}

fn says_nothing(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim_start);
    lines.all(|line| line.is_empty() || line.starts_with('#'))
}

fn empty() -> Diagnostic {
    let start = TextSpan {
        line: 1,
        column: 1,
        ..TextSpan::default()
    };
    let hint = "begin with `- name: ...`, a `task` and what to `expect`";
    Diagnostic::new("empty-file", "the file has no cases", start).hinting(hint.to_owned())
}
